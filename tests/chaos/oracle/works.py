"""A stage's works done again, one after the other: the stage is the real one, what is around it is written anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec import Struct

from schemas import topics
from schemas.codec import SCHEMA_VERSION, Undecodable, encode
from schemas.journal import Fired, Visited
from schemas.reasons import RejectReason
from schemas.records import Record
from stages.stage import (
    Ask,
    Broadcast,
    CancelTimer,
    Context,
    Emit,
    Family,
    Outcome,
    Reject,
    SetTimer,
    Stage,
    SweepCause,
    Timer,
    TimerKind,
    Visit,
)
from tests.chaos.oracle.log import Log
from tests.chaos.oracle.remembered import Remembered, milliseconds

TIMER: Family[Timer] = Family("timer", Timer)
#: A timer whose work is defective fires again after so long.
_DEFECT_PAUSE = timedelta(minutes=1)
#: Their routing keys are teams, not subjects.
_BY_TEAM = frozenset({"group"})


class Times(NamedTuple):
    now: datetime
    wall: datetime
    missed_until: datetime | None = None


class Written(NamedTuple):
    """What must stand on `topic`. `name` is its `ce_id`; of a dead letter, the position of what was rejected."""

    name: str
    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: Mapping[str, bytes]


class Untimely(Exception):
    """A timer that was not set, was set for another time, or was not due. `str()` is a sentence."""


class Bench:
    """One task of a pure stage. `written` grows with each work."""

    def __init__(self, name: str, number: int, log: Log) -> None:
        self.name = name
        self.number = number
        self.state = Remembered()
        self.written: list[Written] = []
        self._log = log

    def take(self, stage: Stage, record: Record, times: Times) -> None:
        self.state.work_at(times.now)
        try:
            outcomes = list(stage.process(record, self._context(times)))
            self._carry_out(outcomes, f"{record.topic}/{record.offset}", record.header("traceparent"), times)
        except Exception as error:  # noqa: BLE001 - as in the runner's settle: whatever it is, it is a dead letter
            self.state.drop()
            self.written.append(_dead_letter(self.name, self.number, record, _as_reject(error)))

    def fire(self, stage: Stage, fired: Fired, times: Times) -> Timer:
        """The timer that fired. Raises Untimely, and does nothing then."""
        self.state.work_at(times.now)
        timer = self.state.get(TIMER, fired.routing, fired.name)
        if timer is None or timer.due != fired.due:
            raise Untimely(f"{_named(fired)} fired, and {_stands(timer)}")
        clock = times.wall if timer.kind is TimerKind.RETRY else times.now
        if timer.due > clock:
            raise Untimely(f"{_named(fired)} fired at {clock.isoformat()}, before it was due")
        self.state.delete(TIMER, timer.routing, timer.name)
        source = f"timer/{timer.routing}/{timer.name}/{milliseconds(timer.due)}"
        try:
            outcomes = list(stage.process(timer, self._context(times, fired.chain_passed)))
            self._carry_out(outcomes, source, timer.trace, times)
        except Exception:  # noqa: BLE001 - as in the runner's settle: it fires again later
            self.state.drop()
            again = Timer(timer.routing, timer.name, max(timer.due, clock) + _DEFECT_PAUSE, timer.kind, timer.trace)
            self.state.put(TIMER, timer.routing, again, timer.name)
            self.state.keep()
        return timer

    def visit(self, stage: Any, visited: Visited, times: Times) -> None:
        """What is keyed by subjects and belongs to a shop that is to be erased goes without being visited."""
        for routing in visited.routings:
            if visited.cause == SweepCause.REDACTED and self.name not in _BY_TEAM:
                self.state.forget(routing)
                continue
            self.state.work_at(times.now)
            visit = Visit(routing, SweepCause(visited.cause), visited.about)
            try:
                outcomes = list(stage.visit(visit, self._context(times)))
                self._carry_out(outcomes, f"visit/{routing}/{visited.cause}/{visited.about}", None, times)
            except Exception:  # noqa: BLE001 - as in the runner's settle: the key stays as it is
                self.state.drop()

    def timers(self) -> Iterable[Timer]:
        for key, _ in self.state.items():
            if key.family == TIMER.name and (timer := self.state.get(TIMER, key.routing, key.name)):
                yield timer

    def _context(self, times: Times, chain_passed: bool = True) -> Context:
        return Context(self.state, times.now, times.wall, chain_passed=chain_passed, missed_until=times.missed_until)

    def _carry_out(self, outcomes: Iterable[Outcome], source: str, trace: str | None, times: Times) -> None:
        new: list[Written] = []
        for outcome in outcomes:
            for topic, partition, key, value, kind in self._addressed(outcome):
                name = f"{self.name}/{self.number}/{source}/{len(new)}"
                headers = _headers(name, self.name, kind, times.now, trace)
                new.append(Written(name, topic, partition, key.encode(), encode(value), headers))
            match outcome:
                case SetTimer(routing, called, due, of_kind):
                    self.state.put(TIMER, routing, Timer(routing, called, due, of_kind, trace), called)
                case CancelTimer(routing, called):
                    self.state.delete(TIMER, routing, called)
        self.state.keep()
        self.written.extend(new)

    def _addressed(self, outcome: Outcome) -> Iterable[tuple[str, int, str, Struct, str]]:
        """Topic, partition, key, value and type of each record that an outcome stands for."""
        match outcome:
            case Emit(topic, key, value, kind):
                yield topic, self._log.home(key.encode()), key, value, kind
            case Ask(asked):
                home = self._log.home(asked.subject.encode())
                yield topics.QUESTIONS, home, asked.subject, asked, f"question.{asked.kind}"
            case Broadcast(topic, key, value, kind):
                yield from ((topic, number, key, value, kind) for number in range(self._log.partitions))


def written(record: Record, name: str) -> Written:
    """A record as it stands."""
    headers = dict(record.headers)
    return Written(name, record.topic, record.partition, record.key or b"", record.value or b"", headers)


def dead_name(topic: str, offset: int) -> str:
    return f"dead {topic}/{offset}"


def _headers(name: str, stage: str, kind: str, now: datetime, trace: str | None) -> dict[str, bytes]:
    told = {
        "ce_specversion": "1.0",
        "ce_id": name,
        "ce_source": f"/{stage}",
        "ce_type": kind,
        "ce_time": now.isoformat(),
        "content-type": "application/json",
        "schemaversion": str(SCHEMA_VERSION),
    }
    return {
        header: text.encode() for header, text in (told if trace is None else told | {"traceparent": trace}).items()
    }


def _dead_letter(stage: str, number: int, record: Record, reject: Reject) -> Written:
    said = {
        "dead-stage": stage,
        "dead-reason": reject.reason.value,
        "dead-error": reject.detail[:1000],
        "dead-topic": record.topic,
        "dead-partition": str(record.partition),
        "dead-offset": str(record.offset),
        "dead-timestamp": str(record.timestamp),
    }
    headers = dict(record.headers) | {name: text.encode(errors="replace") for name, text in said.items()}
    name = dead_name(record.topic, record.offset)
    return Written(name, topics.dead_of(stage), number, record.key or b"", record.value or b"", headers)


def _as_reject(error: Exception) -> Reject:
    if isinstance(error, Reject):
        return error
    if isinstance(error, Undecodable):
        return Reject(RejectReason.UNDECODABLE, str(error))
    return Reject(RejectReason.DEFECT, f"{type(error).__name__}: {error}")


def _named(fired: Fired) -> str:
    return f"the timer {fired.name} of {fired.routing}, due {fired.due.isoformat()},"


def _stands(timer: Timer | None) -> str:
    return "it was not set" if timer is None else f"what was set is due {timer.due.isoformat()}"
