"""What was told without Shopify's answer is asked again: each time after twice as long, and in the end no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from schemas.questions import QuestionKind
from stages.rules.rule import Again, Clear

#: By how many times the first wait; where that is an hour, until a day has passed.
_KEYS = {wait: f"again/{wait}" for wait in (2, 4, 8, 16, 24)}


def asked_again(
    since: datetime, after: timedelta, silent: datetime, ask: QuestionKind, resource: str = ""
) -> Iterator[Again]:
    """`after`: how long after `since` it was asked first; `silent`: when it was asked last, and not answered."""
    if (wait := next((wait for wait in _KEYS if since + wait * after > silent), None)) is not None:
        yield Again(since + wait * after, _KEYS[wait], ask, resource)


def asked_no_more(because: str) -> Iterator[Clear]:
    yield from (Clear(because, key) for key in _KEYS.values())
