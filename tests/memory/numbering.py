"""What the simulation's processes do: two stages that number the facts of each key, and set deadlines that can end.

Every fact that is settled gets the next number of its key, and so does every deadline that fires: whatever is lost,
counted twice or counted on an old state is a gap, a repetition or a step back in the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from pipeline.surroundings import StageSpec
from schemas import topics
from schemas.codec import decode
from schemas.reasons import RejectReason
from schemas.records import Record
from stages.stage import CancelTimer, Context, Emit, Family, Outcome, Reject, SetTimer, Timer, TimerKind, Work

SOURCE, MIDDLE, TARGET = topics.ENRICHED, topics.UNIQUE, topics.ALERTS
DEADLINE = timedelta(seconds=1.5)
COUNT: Family[int] = Family("count", int)
SEEN: Family[bool] = Family("seen", bool, timedelta(seconds=2))


class Kind(StrEnum):
    PLAIN = "plain"
    BAD = "bad"
    LATE = "late"
    """Sets a deadline named as the fact."""
    CANCEL = "cancel"
    """Cancels the deadline of that name."""
    TIMER = "timer"
    """A deadline has fired."""


class Fact(Struct, frozen=True):
    """`number` is 0 for what comes from outside; `due` is the deadline that a LATE one has set."""

    kind: Kind
    said: str
    number: int = 0
    due: datetime | None = None


class Numbering:
    families: Sequence[Family[Any]] = (COUNT, SEEN)

    def __init__(self, name: str, target: str) -> None:
        self._name = name
        self._target = target

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer):
            return [self._numbered(work.routing, Kind.TIMER, f"{self._name}/{work.name}", context)]
        assert isinstance(work, Record)
        fact, key = decode(work, Fact), (work.key or b"").decode()
        context.state.put(SEEN, key, True, fact.said)
        emit = self._numbered(key, fact.kind, fact.said, context)
        match fact.kind:
            case Kind.BAD:
                raise Reject(RejectReason.UNREADABLE, "it says bad")
            case Kind.LATE:
                return [SetTimer(key, fact.said, context.now + DEADLINE, TimerKind.DEADLINE), emit]
            case Kind.CANCEL:
                return [CancelTimer(key, fact.said), emit]
        return [emit]

    def _numbered(self, key: str, kind: Kind, said: str, context: Context) -> Emit:
        number = (context.state.get(COUNT, key) or 0) + 1
        context.state.put(COUNT, key, number)
        due = context.now + DEADLINE if kind is Kind.LATE else None
        return Emit(self._target, key, Fact(kind, said, number, due), kind.value)


#: Both stages keep state, so both have a changelog.
CHAIN = (
    StageSpec("deduplicate", (SOURCE,), Numbering("deduplicate", MIDDLE)),
    StageSpec("group", (MIDDLE,), Numbering("group", TARGET)),
)
_NEEDED = {SOURCE, MIDDLE, TARGET} | {of(spec.name) for spec in CHAIN for of in (topics.state_of, topics.dead_of)}
SPECS = tuple(spec for spec in topics.catalogue() if spec.name in _NEEDED)
