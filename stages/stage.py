"""What a stage is: a state machine over records and timers, and, for the stages that talk to the world, its calls.

The runner (`pipeline.task`) owns everything else: order, time, transactions, parking, dead letters, logs and metrics.
A stage is done with a work when `process` returns; what it returned and what it wrote to `state` becomes visible in
one transaction with the record's offset, or not at all. `process` never waits, never reads a clock, and never calls
the world; two runs over the same works, answers and times give the same outcomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Generic, Protocol, TypeVar

from msgspec import Struct

from schemas.questions import Question
from schemas.reasons import DropReason, RejectReason, RetryReason
from schemas.records import Record

T = TypeVar("T")

#: Shopify tries 8 times in 4 hours (contracts/shopify/CONTRACT.md, deliveries); some minutes for the way.
RETRIES_LAST: Final = timedelta(hours=4, minutes=15)


@dataclass(frozen=True, slots=True)
class Family(Generic[T]):
    """A kind of state: its key is `routing key / family / name`. With `ttl`, an entry is gone that long after its put.

    `scanned` families can be listed by routing key; the others cost less memory. `most`: so many entries at most in
    one task: from there on it takes no more records until half of them are gone. A sign, not a wall: what the records
    in hand put is kept. Only for what timers by wall time take away again: nothing else moves meanwhile.
    """

    name: str
    type: type[T]
    ttl: timedelta | None = None
    scanned: bool = False
    most: int | None = None


class State(Protocol):
    """A task's memory. `routing` is the key of the record that is worked on, so that state moves with its records."""

    def get(self, family: Family[T], routing: str, name: str | bytes = "") -> T | None: ...

    def put(self, family: Family[T], routing: str, value: T, name: str | bytes = "") -> None: ...

    def delete(self, family: Family[T], routing: str, name: str | bytes = "") -> None: ...

    def scan(self, family: Family[T], routing: str) -> Sequence[tuple[bytes, T]]:
        """All entries of a scanned family under one routing key, in order of name."""


class TimerKind(StrEnum):
    """Which clock a timer obeys (DESIGN section 3, time)."""

    RETRY = "retry"
    """By wall time, at once: retries, polling, asking again."""

    DEADLINE = "deadline"
    """By business time, once the task has read its own inputs past what was on the log when it fell due."""

    ABSENCE = "absence"
    """As DEADLINE, and the whole chain has passed that time: for what did *not* happen in Shopify."""

    OUTSIDE = "outside"
    """As ABSENCE, for a deadline that others have set: it waits for the chain for 15 minutes and no longer. Where the
    chain had not passed, the context says so."""


class Timer(Struct, frozen=True):
    """Due once, then gone. The same routing key and name set again replaces it. Survives restarts: it is state."""

    routing: str
    name: str
    due: datetime
    kind: TimerKind
    trace: str | None = None


Work = Record | Timer


class SweepCause(StrEnum):
    """Why all that a task remembers is looked through."""

    CONFIGURATION = "configuration"
    """Another configuration holds from now on; `about` is its hash."""

    UNINSTALLED = "uninstalled"
    """A shop has removed the app; `about` is the shop."""

    REDACTED = "redacted"
    """A shop's data must be erased; `about` is the shop. The runner does that itself under the shop's own keys; the
    keys of teams are visited."""


class Visit(Struct, frozen=True):
    """One routing key of a sweep: each that the task remembers something under is visited once, in order."""

    routing: str
    cause: SweepCause
    about: str


@dataclass(frozen=True, slots=True)
class StartSweep:
    """Everything that this task remembers (of the shop, where it is about one) is visited, a part in each transaction.

    It goes on after a restart. Records that arrive meanwhile are settled between its parts.
    """

    cause: SweepCause
    about: str


@dataclass(frozen=True, slots=True)
class Emit:
    """One record on a topic, keyed so that everything of one key stays in order. `type` is the CloudEvents type."""

    topic: str
    key: str
    value: Struct
    type: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to `enrich`; its answer arrives as an event of kind `answer.<kind>` of the same subject."""

    question: Question


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One record to every partition of a topic."""

    topic: str
    key: str
    value: Struct
    type: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    routing: str
    name: str
    due: datetime
    kind: TimerKind


@dataclass(frozen=True, slots=True)
class CancelTimer:
    routing: str
    name: str


@dataclass(frozen=True, slots=True)
class Drop:
    """An expected end without output; counted by reason."""

    reason: DropReason


Outcome = Emit | Ask | Broadcast | SetTimer | CancelTimer | StartSweep | Drop


class Reject(Exception):
    """The record can never succeed: its original bytes go to the dead letters, the task goes on."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Retry(Exception):
    """The world is unavailable: the record is parked, and what comes behind it under the same key queues up.

    Raised from `process` in stages with calls, for records only. The runner tries again `after` that time (wall).
    """

    def __init__(self, reason: RetryReason, after: timedelta) -> None:
        super().__init__(f"{reason}: again after {after.total_seconds():g} s")
        self.reason = reason
        self.after = after


Answers = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """What a work may know besides itself.

    `now` is the transaction's time: business time, never backwards within a task. `wall` is real time, for retries
    and patience. `answers` holds, for stages with calls, what `perform` returned for each request of `plan`; a request
    that is missing there took longer than a second and goes on without us. `parked_since` is the wall time at which
    this record was first parked, None on its first try. `chain_passed` is False for an OUTSIDE timer only, where the
    chain was too far behind to wait for. `missed_until`: the receiver was away, and what Shopify could not deliver then
    may still come until that moment (business time), which may be past; None where nothing was missed.
    """

    state: State
    now: datetime
    wall: datetime
    answers: Answers = field(default_factory=dict)
    parked_since: datetime | None = None
    chain_passed: bool = True
    missed_until: datetime | None = None

    @property
    def came_back(self) -> datetime | None:
        """When the receiver, after it was away, was there again; None where it never was away."""
        return None if self.missed_until is None else self.missed_until - RETRIES_LAST


class Stage(Protocol):
    """A pure stage. `families` are all the families of state it writes."""

    @property
    def families(self) -> Sequence[Family[Any]]: ...

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        """Raises Reject where the record can never succeed, Retry (with calls only) where the world is unavailable."""


class SweptStage(Stage, Protocol):
    """A stage that has something to do in sweeps; `swept` are the families whose routing keys are visited.

    Where the keys are subjects, those of a shop are erased by the runner when it is redacted. Where they are teams',
    what stands under one may be about any shop: each is visited in every sweep, and picks what it concerns. A visit
    makes no calls, and a second one changes nothing.
    """

    @property
    def swept(self) -> Sequence[Family[Any]]: ...

    def visit(self, visit: Visit, context: Context) -> Iterable[Outcome]:
        """Raises nothing: what is remembered under the key is as this stage has written it."""


Request = TypeVar("Request")
Answer = TypeVar("Answer", covariant=True)


class CallingStage(Stage, Protocol[Request, Answer]):
    """A stage that talks to the world, in three steps: plan (pure), perform (I/O), process (pure).

    Works of one lane are performed one after the other, different lanes at the same time; a record's lane is its key,
    a timer's is what `lane` says. A record's requests
    get a second, then the record is parked and its calls go on; a timer's requests are performed beside the stream,
    without a bound of the runner's, and hold nothing back: the timer stays in the state until it is settled, so a call
    whose task died is performed again by the next owner.
    """

    def lane(self, timer: Timer) -> str: ...

    def plan(self, work: Work, context: Context) -> Sequence[Request]:
        """What must be asked or done first, hashable, in no order. Empty: `process` follows at once."""

    async def perform(self, request: Request) -> Answer:
        """Never raises for a broken world: that is an answer too. Bounded by its own timeout."""
