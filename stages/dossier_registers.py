"""The parts that a dossier is made of: each merges the same whatever comes first, and however often it comes.

A register keeps the newest of its kind, a shelf the newest for each id, a span when something was seen first and last.
All three are joins: commutative, associative, idempotent. That alone is why the final dossier, and so the final set of
open alerts, does not depend on the order of deliveries.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct

from schemas.events import Event
from schemas.facts import Line
from schemas.signals import Signal

T = TypeVar("T")

#: How many of one kind a dossier keeps; the newest stay.
CAP = 50
LINES = 60
WORDS = 50
TEXT = 200


class Stamp(Struct, frozen=True, array_like=True, order=True):
    """What makes one state newer than another: the resource's own `updated`, when it happened, the delivery's id."""

    updated: datetime
    occurred: datetime
    delivery: str


class Known(Struct, Generic[T], frozen=True):
    stamp: Stamp
    value: T


class Span(Struct, frozen=True, array_like=True):
    first: datetime
    last: datetime


def state_stamp(event: Event, updated: datetime | None = None) -> Stamp:
    """Of a resource's state. `updated` is used where the event itself says none (the answer to a question)."""
    return Stamp(event.updated or updated or event.occurred, event.occurred, event.delivery_id)


def happening_stamp(event: Event, happened: datetime | None = None) -> Stamp:
    """Of something that happened, or that was looked up: business time only."""
    return Stamp(happened or event.occurred, event.occurred, event.delivery_id)


def signal_stamp(signal: Signal) -> Stamp:
    return Stamp(signal.occurred, signal.occurred, "")


def newest(known: Known[T] | None, told: Known[T] | None) -> Known[T] | None:
    if known is None or told is None:
        return told if known is None else known
    return told if told.stamp > known.stamp else known


def shelved(shelf: Mapping[str, Known[T]], key: str, told: Known[T], cap: int = CAP) -> dict[str, Known[T]]:
    """The newest for each key; of more than `cap` keys the newest ones."""
    merged = dict(shelf)
    merged[key] = newest(shelf.get(key), told) or told
    if len(merged) > cap:
        keep = sorted(merged, key=lambda name: (merged[name].stamp, name))[-cap:]
        merged = {name: merged[name] for name in keep}
    return dict(sorted(merged.items()))


def spanned(spans: Mapping[str, Span], word: str, at: datetime) -> dict[str, Span]:
    known = spans.get(word)
    span = Span(at, at) if known is None else Span(min(known.first, at), max(known.last, at))
    return dict(sorted({**spans, word: span}.items()))


def since(spans: Mapping[str, Span], words: frozenset[str]) -> datetime | None:
    """Since when one of `words` holds, nothing else having been seen in between. None: never seen."""
    held = [span for word, span in spans.items() if word in words]
    if not held:
        return None
    other = max((span.last for word, span in spans.items() if word not in words), default=None)
    first = min(span.first for span in held)
    if other is None or first > other:
        return first
    return min((span.first for span in held if span.first > other), default=min(other, max(s.last for s in held)))


def short(text: str | None) -> str | None:
    """What strangers write may be 64 KB long; a dossier keeps what a message can show."""
    return None if text is None else text[:TEXT]


def few(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word[:TEXT] for word in words[:WORDS])


def few_lines(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    return tuple(_short_line(line) for line in lines[:LINES])


def _short_line(line: Line) -> Line:
    return Line(
        id=line.id,
        sku=short(line.sku),
        title=short(line.title),
        variant_id=line.variant_id,
        quantity=line.quantity,
        current_quantity=line.current_quantity,
        price=line.price,
        requires_shipping=line.requires_shipping,
        gift_card=line.gift_card,
    )
