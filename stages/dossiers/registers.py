"""The parts that a dossier is made of: each merges the same whatever comes first, and however often it comes.

A register keeps the newest of its kind, a shelf the newest for each id, a span when something was seen first and last
and, of what goes to and fro, when it came back (exact while it is seen no more than five times).
All three are joins: commutative, associative, idempotent. That alone is why the final dossier, and so the final set of
open alerts, does not depend on the order of deliveries. What strangers write may be 64 KB long, and an order may have
500 lines: a dossier keeps what a message can show.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from schemas.events import Event
from schemas.signals import Signal

T = TypeVar("T")

#: How many of one kind a dossier keeps; the newest stay.
CAP = 50
MANY = 60
#: How many times a span keeps.
_SEEN = 5
LONG = 300
#: What happened longer ago than this is learned late (USE_CASES, "Late").
LATE = timedelta(hours=24)


class Stamp(Struct, frozen=True, array_like=True, order=True):
    """What makes one state newer than another: the resource's own `updated`, when it happened, the delivery's id."""

    updated: datetime
    occurred: datetime
    delivery: str


class Known(Struct, Generic[T], frozen=True):
    """`kind` is what told it: an event's kind, or a signal's type."""

    stamp: Stamp
    kind: str
    value: T


class Span(Struct, frozen=True, array_like=True):
    """`between`: of the times in between those with which it began anew, and a few more."""

    first: datetime
    last: datetime
    between: tuple[datetime, ...] = ()

    @property
    def times(self) -> tuple[datetime, ...]:
        return (self.first, *self.between, self.last)


def stamp_of(event: Event, updated: datetime | None = None) -> Stamp:
    """`updated` is used where the event itself says none (the answer to a question)."""
    return Stamp(event.updated or updated or event.occurred, event.occurred, event.delivery_id)


def stamp_of_lookup(event: Event) -> Stamp:
    """Of what was looked up for an event: it is as new as the event, whatever its resource's own `updated` says."""
    return Stamp(event.occurred, event.occurred, event.delivery_id)


def stamp_of_signal(signal: Signal) -> Stamp:
    """A signal has no delivery: of two of one moment the one is newer that we had later."""
    return Stamp(signal.occurred, signal.occurred, signal.received.isoformat())


def newest(known: Known[T] | None, told: Known[T]) -> Known[T]:
    return told if known is None or told.stamp > known.stamp else known


def shelved(shelf: Mapping[str, Known[T]], key: str, told: Known[T], cap: int = CAP) -> dict[str, Known[T]]:
    """The newest for each key; of more than `cap` keys of a kind (`kind/identity`) the newest ones."""
    merged = dict(shelf)
    merged[key] = newest(shelf.get(key), told)
    alike = [name for name in merged if _kind(name) == _kind(key)]
    for name in sorted(alike, key=lambda name: (merged[name].stamp, name))[:-cap]:
        del merged[name]
    return merged


def _kind(key: str) -> str:
    return key.partition("/")[0] if "/" in key else ""


def spanned(spans: Mapping[str, Span], word: str, *at: datetime) -> dict[str, Span]:
    known = spans.get(word)
    times = sorted({*at, *(known.times if known else ())})
    while len(times) > _SEEN:
        times.remove(_least(times, [span for other, span in spans.items() if other != word]))
    return {**spans, word: Span(times[0], times[-1], tuple(times[1:-1]))}


def _least(times: Sequence[datetime], others: Sequence[Span]) -> datetime:
    """Which of the times in between tells least: the oldest before which nothing else was seen, else the oldest."""
    return next((at for before, at in pairwise(times[:-1]) if not _is_between(before, at, others)), times[1])


def _is_between(before: datetime, at: datetime, others: Sequence[Span]) -> bool:
    return any(before < other < at for span in others for other in span.times)


def seen(spans: Mapping[str, dict[str, Span]], thing: str, word: str, at: datetime) -> dict[str, dict[str, Span]]:
    return {**spans, thing: spanned(spans.get(thing, {}), word, at)}


def later(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else max(known, at)


def since(spans: Mapping[str, Span], words: Collection[str]) -> datetime | None:
    """Since when one of `words` holds, nothing else having been seen in between. None: never seen."""
    held = [span for word, span in spans.items() if word in words]
    if not held:
        return None
    other = max((span.last for word, span in spans.items() if word not in words), default=None)
    if other is None:
        return min(span.first for span in held)
    after = (at for span in held for at in span.times if at > other)
    return min(after, default=max(span.last for span in held))


def bounded(value: T) -> T:
    """The same value where it is small; long texts are cut, long lists end early."""
    return cast("T", _bounded(value))


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONG else value[:LONG]
    if isinstance(value, tuple):
        kept = tuple(_bounded(inner) for inner in value[:MANY])
        return value if all(a is b for a, b in zip(kept, value, strict=False)) and len(kept) == len(value) else kept
    if isinstance(value, Struct):
        fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
        cut = {name: small for name, inner in fields if (small := _bounded(inner)) is not inner}
        return replace(value, **cut) if cut else value
    return value
