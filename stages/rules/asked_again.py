"""What was told without Shopify's answer is asked again: each time after twice as long, and in the end no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from schemas.questions import QuestionKind
from stages.dossiers.dossier import Dossier
from stages.dossiers.registers import Stamp
from stages.rules.rule import Again, Clear

#: By how many times the first wait; where that is an hour, until a day has passed.
_WAITS = (2, 4, 8, 16, 24)
_KEY = "again"


def asked_again(
    since: datetime, after: timedelta, silent: datetime, ask: QuestionKind, resource: str = ""
) -> Iterator[Again]:
    """`after`: how long after `since` it was asked first; `silent`: when it was asked last, and not answered."""
    if (wait := next((wait for wait in _WAITS if since + wait * after > silent), None)) is not None:
        yield Again(since + wait * after, _KEY, ask, resource)


def asked_no_more(because: str) -> Clear:
    return Clear(because, _KEY)


def silent_since(dossier: Dossier, names: Iterable[str], answered: Stamp | None) -> datetime | None:
    """When Shopify was asked last for any of `names` (as in `Dossier.incomplete`) and said nothing; None: it has
    answered since, or was not asked. `answered`: when it answered last."""
    known = (dossier.incomplete.get(name) for name in names)
    last = max((one.stamp for one in known if one is not None and one.value), default=None)
    return None if last is None or (answered is not None and answered > last) else last.occurred
