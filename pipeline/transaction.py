"""What one transaction of a task will write: built in memory, work by work, then sent and committed at once.

A work that is rejected or retried leaves nothing here but its dead letter or its place in the parking: what it had
written or emitted is dropped with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.state import Change, Memory, View, decoded, split_key
from pipeline.timers import TimerKey
from schemas import topics
from schemas.codec import SCHEMA_VERSION, encode
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
    Timer,
    Work,
)

TIMER: Family[Timer] = Family("timer", Timer)
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
    """One transaction's time: business time, never backwards, and the wall's."""

    now: datetime
    wall: datetime

    @property
    def milliseconds(self) -> int:
        return int(self.now.timestamp() * 1000)


@dataclass
class Batch:
    """`settled` counts (outcome, reason) pairs; `outcomes` is what observers are told after the commit."""

    origin: Origin
    moment: Moment
    memory: Memory
    change: Change = field(default_factory=Change)
    outgoing: list[Outgoing] = field(default_factory=list)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)
    size: int = 0

    def __bool__(self) -> bool:
        return bool(self.offsets or self.change.values or self.outgoing)

    def view(self) -> View:
        return View(self.memory, self.change, self.moment.now)

    def settle(self, work: Work, view: View, outcomes: list[Outcome]) -> None:
        """Raises Reject(TOO_LARGE) for what its topic would not take; then nothing of the work is in here."""
        outgoing: list[Outgoing] = []
        for outcome in outcomes:
            self._carry_out(work, view, outcome, outgoing)
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

    def _carry_out(self, work: Work, view: View, outcome: Outcome, outgoing: list[Outgoing]) -> None:
        match outcome:
            case Emit(topic, key, value, kind):
                partition = partition_of(key.encode(), self.origin.partitions)
                outgoing.append(self._record(work, (topic, partition, key), encode(value), kind, len(outgoing)))
            case Ask(question):
                key = question.subject
                partition = partition_of(key.encode(), self.origin.partitions)
                address = (topics.QUESTIONS, partition, key)
                outgoing.append(
                    self._record(work, address, encode(question), f"question.{question.kind}", len(outgoing))
                )
            case Broadcast(topic, key, value, kind):
                for partition in range(self.origin.partitions):
                    address = (topic, partition, key)
                    outgoing.append(self._record(work, address, encode(value), kind, len(outgoing)))
            case SetTimer(routing, name, due, timer_kind):
                timer = Timer(routing=routing, name=name, due=due, kind=timer_kind, trace=trace_of(work))
                view.put(TIMER, routing, timer, name)
            case CancelTimer(routing, name):
                view.delete(TIMER, routing, name)
            case Drop():
                pass

    def _record(self, work: Work, address: tuple[str, int, str], value: bytes, kind: str, index: int) -> Outgoing:
        topic, partition, key = address
        headers: tuple[tuple[str, bytes], ...] = (
            ("ce_specversion", b"1.0"),
            ("ce_id", f"{self.origin.stage}/{self.origin.number}/{source_of(work)}/{index}".encode()),
            ("ce_source", f"/{self.origin.stage}".encode()),
            ("ce_type", kind.encode()),
            ("ce_time", self.moment.now.isoformat().encode()),
            ("content-type", b"application/json"),
            ("schemaversion", str(SCHEMA_VERSION).encode()),
        )
        if (trace := trace_of(work)) is not None:
            headers += (("traceparent", trace.encode()),)
        return Outgoing(topic, partition, key.encode(), value, headers, self.moment.milliseconds)

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


def trace_of(work: Work) -> str | None:
    return work.trace if isinstance(work, Timer) else work.header("traceparent")


def source_of(work: Work) -> str:
    """What this work was, for ids that are the same whenever it is done again."""
    if isinstance(work, Timer):
        return f"timer/{work.routing}/{work.name}/{int(work.due.timestamp() * 1000)}"
    return f"{work.topic}/{work.offset}"


def _size(record: Outgoing) -> int:
    headers = sum(len(name.encode()) + len(value) + _PER_HEADER for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers + _OVERHEAD


def _check_size(topic: str, size: int) -> None:
    if size > (limit := _LIMITS[topic]):
        raise Reject(RejectReason.TOO_LARGE, f"{size} bytes for {topic}, which takes {limit}")
