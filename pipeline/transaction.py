"""What one transaction of a task will write: built in memory, work by work, then sent and committed at once.

A work that is rejected or retried leaves nothing here but its dead letter or its place in the parking: what it had
written or emitted is dropped with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from pipeline.state import Change, Memory, View, decoded, split_key
from pipeline.timers import TimerKey
from schemas import topics
from schemas.codec import SCHEMA_VERSION, encode
from schemas.journal import Fired, Journal, Taken, Visited
from schemas.reasons import RejectReason
from schemas.records import Outgoing, Record, TopicPartition, partition_of
from stages.stage import (
    Ask,
    Broadcast,
    CancelTimer,
    Drop,
    Emit,
    Family,
    Outcome,
    Reject,
    SetTimer,
    StartSweep,
    Timer,
    Visit,
    Work,
)

TIMER: Family[Timer] = Family("timer", Timer)
#: Sweeps that are under way, by cause and what they are about: the last key that was visited.
SWEEP: Family[str] = Family("sweep", str, scanned=True)
_LIMITS = {spec.name: spec.max_bytes for spec in topics.catalogue()}
#: What Kafka adds around key, value and headers of a single record, and to each header, generously.
_OVERHEAD = 512
_PER_HEADER = 10


@dataclass(frozen=True, slots=True)
class Origin:
    """Where outputs come from: the stage's name and its task's number, for ids and dead letters."""

    stage: str
    number: int
    partitions: int


@dataclass(frozen=True, slots=True)
class Moment:
    """One transaction's time: business time, never backwards, and the wall's. `missed_until` as in `Context`."""

    now: datetime
    wall: datetime
    missed_until: datetime | None = None

    @property
    def milliseconds(self) -> int:
        return int(self.now.timestamp() * 1000)


class Cause(NamedTuple):
    """What made an output: `source` stands in its id, the same whenever the work is done again."""

    source: str
    trace: str | None


@dataclass
class Batch:
    """`settled` counts (outcome, reason) pairs; `outcomes` is what observers are told after the commit.

    `offsets`: up to where each input is settled by it; `positions`: up to where it was before.
    """

    origin: Origin
    moment: Moment
    memory: Memory
    positions: Mapping[TopicPartition, int] = field(default_factory=dict)
    change: Change = field(default_factory=Change)
    outgoing: list[Outgoing] = field(default_factory=list)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    fired: list[Fired] = field(default_factory=list)
    visited: list[Visited] = field(default_factory=list)
    size: int = 0

    def __bool__(self) -> bool:
        return bool(self.offsets or self.change.values or self.outgoing)

    def view(self) -> View:
        return View(self.memory, self.change, self.moment.now)

    def settled_to(self, partition: TopicPartition, offset: int) -> None:
        """Everything before `offset` is settled there. What is taken goes without a gap, control records included."""
        before = self.offsets.get(partition, self.positions.get(partition, 0))
        if offset <= before:
            return
        self.offsets[partition] = offset
        if self.taken and self.taken[-1].topic == partition.topic:
            before = self.taken.pop().first
        self.taken.append(Taken(partition.topic, before, offset))

    def journal(self, changelog: int, configuration: str | None) -> Outgoing:
        entry = Journal(
            now=self.moment.now,
            wall=self.moment.wall,
            changelog=changelog,
            taken=tuple(self.taken),
            fired=tuple(self.fired),
            visited=tuple(self.visited),
            configuration=configuration,
            missed_until=self.moment.missed_until,
        )
        topic = topics.journal_of(self.origin.stage)
        return Outgoing(topic, self.origin.number, None, encode(entry), (), self.moment.milliseconds)

    def pass_on(self, record: Record, topic: str) -> None:
        """To the same partition of the next topic, as it is: it is meant for every task of the chain."""
        headers = tuple((name, value) for name, value in record.headers if name != "ce_id")
        headers = (("ce_id", self._id(cause_of(record).source, 0)), *headers)
        passed = Outgoing(topic, self.origin.number, record.key, record.value, headers, self.moment.milliseconds)
        self.write(Change(), [passed])

    def settle(self, work: Work | Visit, view: View, outcomes: list[Outcome]) -> None:
        """Raises Reject(TOO_LARGE) for what its topic would not take; then nothing of the work is in here."""
        outgoing: list[Outgoing] = []
        cause = cause_of(work)
        for outcome in outcomes:
            self._carry_out(cause, view, outcome, outgoing)
        for record in outgoing:
            _check_size(record.topic, _size(record))
        for key, value in view.change.values.items():
            _check_size(topics.state_of(self.origin.stage), len(key) + len(value or b"") + _OVERHEAD)
        self.write(view.change, outgoing)
        self.outcomes.extend(outcomes)
        dropped = [outcome.reason.value for outcome in outcomes if isinstance(outcome, Drop)]
        self.settled.extend(("dropped", reason) for reason in dropped)
        if not dropped:
            self.settled.append(("settled", ""))

    def write(self, change: Change, outgoing: Iterable[Outgoing]) -> None:
        self.change.absorb(change)
        self.size += sum(len(key) + len(value or b"") for key, value in change.values.items())
        for record in outgoing:
            self.outgoing.append(record)
            self.size += _size(record)

    def say(self, source: str, outcome: Emit | Broadcast) -> None:
        """A word of the runner's own. `source` names it in its id: the same for the same word, and for no other."""
        outgoing: list[Outgoing] = []
        self._carry_out(Cause(source, None), self.view(), outcome, outgoing)
        self.write(Change(), outgoing)

    def _carry_out(self, cause: Cause, view: View, outcome: Outcome, outgoing: list[Outgoing]) -> None:
        match outcome:
            case Emit(topic, key, value, kind):
                partition = partition_of(key.encode(), self.origin.partitions)
                outgoing.append(self._record(cause, (topic, partition, key), encode(value), kind, len(outgoing)))
            case Ask(question):
                key = question.subject
                partition = partition_of(key.encode(), self.origin.partitions)
                address = (topics.QUESTIONS, partition, key)
                outgoing.append(
                    self._record(cause, address, encode(question), f"question.{question.kind}", len(outgoing))
                )
            case Broadcast(topic, key, value, kind):
                for partition in range(self.origin.partitions):
                    address = (topic, partition, key)
                    outgoing.append(self._record(cause, address, encode(value), kind, len(outgoing)))
            case _:
                _remember(cause, view, outcome)

    def _record(self, cause: Cause, address: tuple[str, int, str], value: bytes, kind: str, index: int) -> Outgoing:
        topic, partition, key = address
        headers: tuple[tuple[str, bytes], ...] = (
            ("ce_specversion", b"1.0"),
            ("ce_id", self._id(cause.source, index)),
            ("ce_source", f"/{self.origin.stage}".encode()),
            ("ce_type", kind.encode()),
            ("ce_time", self.moment.now.isoformat().encode()),
            ("content-type", b"application/json"),
            ("schemaversion", str(SCHEMA_VERSION).encode()),
        )
        if cause.trace is not None:
            headers += (("traceparent", cause.trace.encode()),)
        return Outgoing(topic, partition, key.encode(), value, headers, self.moment.milliseconds)

    def _id(self, source: str, index: int) -> bytes:
        return f"{self.origin.stage}/{self.origin.number}/{source}/{index}".encode()

    def dead_letter(self, record: Record, reject: Reject) -> None:
        """The original bytes, key and headers, and why. Never Shopify's fault lines in our logs: only here."""
        headers = (
            *record.headers,
            ("dead-stage", self.origin.stage.encode()),
            ("dead-reason", reject.reason.value.encode()),
            ("dead-error", reject.detail[:1000].encode(errors="replace")),
            ("dead-topic", record.topic.encode()),
            ("dead-partition", str(record.partition).encode()),
            ("dead-offset", str(record.offset).encode()),
            ("dead-timestamp", str(record.timestamp).encode()),
            ("dead-at", self.moment.wall.isoformat().encode()),
        )
        dead = topics.dead_of(self.origin.stage)
        letter = Outgoing(dead, self.origin.number, record.key, record.value, headers, self.moment.milliseconds)
        self.write(Change(), [letter])
        self.settled.append(("rejected", reject.reason.value))

    def postpone(self, timer: Timer, by: timedelta) -> None:
        """A timer whose work is defective fires again later: nothing it stood for is lost."""
        view = self.view()
        due = max(timer.due, self.moment.wall if timer.kind == "retry" else self.moment.now) + by
        view.put(TIMER, timer.routing, Timer(timer.routing, timer.name, due, timer.kind, timer.trace), timer.name)
        self.write(view.change, ())
        self.settled.append(("postponed", RejectReason.DEFECT.value))

    def timers(self) -> Iterator[tuple[TimerKey, Timer | None]]:
        """The timers that this transaction sets, and those that it removes."""
        for key, value in self.change.values.items():
            routing, family, name = split_key(key)
            if family == TIMER.name:
                yield (routing, name.decode()), None if value is None else decoded(TIMER, key, value)


def _remember(cause: Cause, view: View, outcome: Outcome) -> None:
    """Outcomes that are state, and no record."""
    match outcome:
        case SetTimer(routing, name, due, kind):
            view.put(TIMER, routing, Timer(routing=routing, name=name, due=due, kind=kind, trace=cause.trace), name)
        case CancelTimer(routing, name):
            view.delete(TIMER, routing, name)
        case StartSweep(why, about):
            view.put(SWEEP, "", "", f"{why}/{about}")
        case _:
            pass


def cause_of(work: Work | Visit) -> Cause:
    match work:
        case Timer(routing=routing, name=name, due=due, trace=trace):
            return Cause(f"timer/{routing}/{name}/{int(due.timestamp() * 1000)}", trace)
        case Visit(routing=routing, cause=why, about=about):
            return Cause(f"visit/{routing}/{why}/{about}", None)
        case _:
            return Cause(f"{work.topic}/{work.offset}", work.header("traceparent"))


def _size(record: Outgoing) -> int:
    headers = sum(len(name.encode()) + len(value) + _PER_HEADER for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers + _OVERHEAD


def _check_size(topic: str, size: int) -> None:
    if size > (limit := _LIMITS[topic]):
        raise Reject(RejectReason.TOO_LARGE, f"{size} bytes for {topic}, which takes {limit}")
