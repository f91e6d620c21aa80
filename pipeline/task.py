"""A task: one stage on one partition. The unit of ownership, order, state, time and transaction.

Life: fence (take the transactional id, which ends every earlier owner), restore the state, read the positions, seek,
run. A batch of works becomes outputs + state + offsets in one transaction, all or nothing; every output is
acknowledged before the commit. Fenced, or in doubt whether a commit happened: everything in memory is dropped and
built again from the log; a commit is never repeated. Kill -9 at any instant therefore loses nothing and doubles
nothing behind the raw topics. Not promised here: anything about the world outside of Kafka; stages with calls make
that idempotent by what they commit before a call.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from pipeline.broker import Broker, BrokerError, Fenced, Member, Producer
from pipeline.clock import Clock
from pipeline.metrics import Metrics
from pipeline.parking import PARKED
from pipeline.settling import Settling
from pipeline.state import Memory, StateError, decoded, encoded, key_of, split_key
from pipeline.timers import Gate, Timers
from pipeline.transaction import TIMER, Batch, Moment, Origin
from schemas import topics
from schemas.records import Outgoing, Record, TopicPartition
from stages.stage import CallingStage, Family, Outcome, Stage


class Mark(Struct, frozen=True, array_like=True):
    """How far a task has read, and the time of its last transaction (milliseconds): they commit with its state."""

    offsets: dict[str, int]
    time: int


MARK: Family[Mark] = Family("mark", Mark)
_MARK_KEY = key_of("", MARK.name)


class Watermarks(Protocol):
    async def __call__(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a task: `batch_*` close a transaction, `inbox` records at hand pause the partition's fetching."""

    batch_records: int = 500
    batch_seconds: float = 0.1
    batch_bytes: int = 4 * topics.MIB
    inbox: int = 1000
    lanes: int = 32
    patience: float = 1.0
    idle_commit: float = 1.0
    backoff: float = 0.5
    backoff_longest: float = 10.0
    calls_end: float = 12.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every task of a process shares."""

    broker: Broker
    clock: Clock
    metrics: Metrics
    log: FilteringBoundLogger
    watermarks: Watermarks
    limits: Limits = field(default_factory=Limits)
    observers: tuple[Callable[[str, Outcome], None], ...] = ()


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One row of the topology. `takeover`: how long a call of a lost owner may still be under way."""

    name: str
    inputs: tuple[str, ...]
    stage: Stage | CallingStage[Any, Any]
    takeover: timedelta = timedelta(0)

    @property
    def group(self) -> str:
        return self.name


class Phase(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    """Needs an operator: the reason is in the log and in /ready."""
    CLOSED = "closed"


class Task:
    def __init__(self, spec: StageSpec, number: int, member: Member, around: Surroundings) -> None:
        self.spec = spec
        self.number = number
        self.phase = Phase.STARTING
        self.stopped_because: str | None = None
        self._member = member
        self._around = around
        self._log = around.log.bind(stage=spec.name, partition=number)
        self.inputs = tuple(TopicPartition(topic, number) for topic in spec.inputs)
        self._inbox: deque[Record] = deque()
        self._read_to: dict[TopicPartition, int] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._last: datetime | None = None
        self._committed_at = 0.0
        self._wake = asyncio.Event()
        self._suspended = False
        self._must_reclaim = False
        self._draining = False
        self._quiet = asyncio.Event()
        self._producer: Producer | None = None
        self._settling: Settling | None = None
        self._gate: Gate | None = None
        self.transactions = 0

    # --- what the worker sees -----------------------------------------------------------------------------------

    def offer(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Records in order; those that were taken before (a seek brings them again) are passed over."""
        if self.phase is not Phase.RUNNING or self._must_reclaim:
            return
        known = self._read_to[partition]
        self._inbox.extend(record for record in records if record.offset >= known)
        self._wake.set()

    def advanced(self, partition: TopicPartition, position: int) -> None:
        """The member stands at `position` and has given us everything before it."""
        if self.phase is not Phase.RUNNING or self._must_reclaim:
            return
        if position > self._read_to.get(partition, 0):
            self._read_to[partition] = position
            if self._gate is not None:
                self._wake.set()

    @property
    def is_full(self) -> bool:
        return len(self._inbox) >= self._around.limits.inbox

    @property
    def has_room(self) -> bool:
        return len(self._inbox) <= self._around.limits.inbox // 2

    @property
    def state_keys(self) -> int:
        return 0 if self._settling is None else len(self._settling.memory)

    @property
    def parked(self) -> int:
        return 0 if self._settling is None else self._settling.memory.count(PARKED.name)

    @property
    def is_still(self) -> bool:
        """Nothing at hand, nothing under way, no retry due."""
        settling = self._settling
        if self.phase is not Phase.RUNNING or settling is None or self._inbox or not self._quiet.is_set():
            return False
        retry = settling.timers.next_wall()
        return settling.is_still and (retry is None or retry > self._around.clock.wall())

    def positions(self) -> Mapping[TopicPartition, int]:
        """Up to where the inputs are settled, control records included while nothing is at hand."""
        return dict(self._positions if self._inbox else {**self._positions, **self._read_to})

    def next_business_timer(self) -> datetime | None:
        return None if self._settling is None else self._settling.timers.next_business()

    def wake(self) -> None:
        self._wake.set()

    async def suspend(self, within: float) -> None:
        """Ends what is in hand (bounded), forgets what is at hand; keeps state and producer."""
        self._suspended = True
        self._must_reclaim = True
        self._wake.set()
        if self.phase is Phase.RUNNING:
            await _within(within, self._quiet.wait())

    def resume(self) -> None:
        self._suspended = False
        self._wake.set()

    def drain(self) -> None:
        """Settle what is in hand, fetch nothing, let calls end, close; `run` returns then. The caller bounds it."""
        self._draining = True
        self._wake.set()

    # --- life ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until drained, stopped, or cancelled. Cancelling is safe at any time: nothing uncommitted was promised."""
        delay = self._around.limits.backoff
        try:
            while self.phase not in (Phase.STOPPED, Phase.CLOSED):
                try:
                    await self._own()
                    delay = self._around.limits.backoff
                    await self._work()
                except StateError as error:
                    self._stop(str(error))
                except BrokerError as error:
                    self.phase = Phase.CLOSED if self._draining else Phase.STARTING
                    self._log.warning("task dropped, building it again", error=str(error), kind=type(error).__name__)
                    await self._dismantle()
                    if self._draining:
                        return
                    await asyncio.sleep(self._around.limits.backoff_longest if isinstance(error, Fenced) else delay)
                    delay = min(delay * 2, self._around.limits.backoff_longest)
        finally:
            self._quiet.set()
            await self._dismantle()

    def _stop(self, because: str) -> None:
        self.phase = Phase.STOPPED
        self.stopped_because = because
        self._log.error("task stopped: an operator has to look", reason=because)

    async def _own(self) -> None:
        """Fence, restore, read positions, seek."""
        self.phase = Phase.STARTING
        self._quiet.set()
        broker, began = self._around.broker, asyncio.get_running_loop().time()
        self._producer = await broker.producer(f"{self.spec.name}-{self.number}")
        memory, timers = await self._restore()
        mark = None if (raw := memory.get(_MARK_KEY)) is None else decoded(MARK, _MARK_KEY, raw)
        self._positions = await self._starting_positions(mark)
        self._committed = {}
        self._last = None if mark is None else datetime.fromtimestamp(mark.time / 1000, UTC)
        timers.postpone_due(self._around.clock.wall(), self.spec.takeover)
        origin = Origin(self.spec.name, self.number, broker.partitions)
        self._settling = Settling(self.spec.stage, origin, memory, timers, self._around)
        self._settling.wake = self._wake.set
        seconds = asyncio.get_running_loop().time() - began
        self._around.metrics.restore_seconds.labels(self.spec.name).observe(seconds)
        self._log.info("task restored", state_keys=len(memory), timers=len(timers), seconds=round(seconds, 3))
        self._begin()

    async def _restore(self) -> tuple[Memory, Timers]:
        memory = Memory([MARK, TIMER, PARKED, *self.spec.stage.families])
        timers = Timers()
        changelog = TopicPartition(topics.state_of(self.spec.name), self.number)
        start = (await self._around.broker.beginnings([changelog]))[changelog]
        end = (await self._around.broker.stable_ends([changelog]))[changelog]
        async for records in self._around.broker.read(changelog, start, end):
            for record in records:
                if record.key is not None:
                    memory.restore(record.key, record.value)
        for key, raw in memory.items(TIMER.name):
            if split_key(key)[1] == TIMER.name:
                timers.put(decoded(TIMER, key, raw))
        return memory, timers

    async def _starting_positions(self, mark: Mark | None) -> dict[TopicPartition, int]:
        """The state's word first, then the group's, the beginning only where both are silent."""
        broker = self._around.broker
        known = {} if mark is None else {TopicPartition(t, self.number): offset for t, offset in mark.offsets.items()}
        missing = [partition for partition in self.inputs if partition not in known]
        committed = await broker.committed(self.spec.group, missing) if missing else {}
        beginnings = await broker.beginnings(missing) if missing else {}
        for partition in missing:
            offset = committed.get(partition)
            known[partition] = beginnings[partition] if offset is None else offset
        return {partition: known[partition] for partition in self.inputs}

    def _begin(self) -> None:
        """Start reading at the positions, with nothing at hand."""
        self._inbox.clear()
        self._gate = None
        self._read_to = dict(self._positions)
        self.phase = Phase.RUNNING
        if self._suspended:
            return
        for partition, offset in self._positions.items():
            self._member.seek(partition, offset)
        self._member.resume(self.inputs)

    async def _work(self) -> None:
        while True:
            if self._draining:
                await self._finish()
                return
            if self._must_reclaim:
                await self._wait_to_be_given_back()
                continue
            self._quiet.clear()
            worked = await self._turn()
            self._quiet.set()
            if not worked:
                await self._rest()

    async def _wait_to_be_given_back(self) -> None:
        """Between owners nothing moves. Given back, an empty transaction tells if somebody else was here: Fenced."""
        self.phase = Phase.SUSPENDED
        self._inbox.clear()
        self._quiet.set()
        while self._suspended and not self._draining:
            self._wake.clear()
            await self._wake.wait()
        if self._draining:
            return
        self._must_reclaim = False
        await self._commit(self._batch(), probe=True)
        self._begin()

    async def _rest(self) -> None:
        """Until something is at hand, or a timer is due."""
        await _within(self._seconds_to_next(), self._wake.wait())
        self._wake.clear()

    def _seconds_to_next(self) -> float:
        assert self._settling is not None
        clock, timers = self._around.clock, self._settling.timers
        waits = [60.0]
        if (wall := timers.next_wall()) is not None:
            waits.append((wall - clock.wall()).total_seconds())
        if (business := timers.next_business()) is not None:
            waits.append((business - clock.now()).total_seconds() if self._gate is None else 1.0)
        if self._read_to != self._committed:
            waits.append(self._around.limits.idle_commit)
        return max(0.0, min(waits))

    # --- one transaction -----------------------------------------------------------------------------------------

    def _batch(self) -> Batch:
        assert self._settling is not None
        now = self._around.clock.now()
        self._last = now if self._last is None else max(self._last, now)
        return self._settling.batch(Moment(self._last, self._around.clock.wall()))

    async def _turn(self) -> bool:
        """One transaction, if there is anything to do. The inbox first, then what fell due behind it."""
        assert self._settling is not None
        loop, limits = asyncio.get_running_loop(), self._around.limits
        began = loop.time()
        batch = self._batch()
        self._settling.settle_answers(batch)
        taken = 0
        while self._inbox and taken < limits.batch_records and loop.time() - began < limits.batch_seconds:
            records = self._take(limits.lanes * 2)
            await self._settling.settle_records(batch, records)
            taken += len(records)
            for record in records:
                batch.offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
            if batch.size >= limits.batch_bytes:
                break
        if not self._inbox:
            await self._settle_timers(batch)
            self._step_over_control_records(batch, loop.time())
        self._settling.sweep(batch)
        if not batch:
            return False
        await self._commit(batch)
        return True

    def _take(self, limit: int) -> list[Record]:
        return [self._inbox.popleft() for _ in range(min(limit, len(self._inbox)))]

    async def _settle_timers(self, batch: Batch) -> None:
        assert self._settling is not None
        timers = self._settling.timers
        self._settling.settle_timers(batch, timers.take_wall(batch.moment.wall, self._around.limits.batch_records))
        next_due = timers.next_business()
        if next_due is None or next_due > batch.moment.now:
            return
        if self._gate is None:
            self._gate = Gate(batch.moment.now, await self._around.watermarks(self.inputs))
        positions = {**self._positions, **self._read_to}
        if self._gate.is_passed(positions) and not self._inbox:
            due = timers.take_business(self._gate.asked, self._around.limits.batch_records)
            self._gate = None
            self._settling.settle_timers(batch, due)

    def _step_over_control_records(self, batch: Batch, time: float) -> None:
        """An idle task commits the position behind the last control records once, so that its lag reaches 0."""
        if self._inbox:
            return
        behind = {p: offset for p, offset in self._read_to.items() if offset > self._committed.get(p, -1)}
        if batch or (behind and time - self._committed_at >= self._around.limits.idle_commit):
            for partition, offset in behind.items():
                if offset > batch.offsets.get(partition, self._positions[partition]):
                    batch.offsets[partition] = offset

    async def _commit(self, batch: Batch, *, probe: bool = False) -> None:
        assert self._producer is not None
        assert self._settling is not None
        loop = asyncio.get_running_loop()
        began = loop.time()
        positions = {**self._positions, **batch.offsets}
        mark = Mark({p.topic: offset for p, offset in positions.items()}, batch.moment.milliseconds)
        if not probe:
            batch.change.values[_MARK_KEY] = encoded(mark)
        changelog = topics.state_of(self.spec.name)
        changes = [
            Outgoing(changelog, self.number, key, value, (), batch.moment.milliseconds)
            for key, value in batch.change.values.items()
        ]
        await self._producer.begin()
        if records := [*batch.outgoing, *changes]:
            await self._producer.send(records)
        await self._producer.commit(self.spec.group, positions)
        self._positions = positions
        self._committed = dict(positions)
        for partition, offset in positions.items():
            self._read_to[partition] = max(offset, self._read_to.get(partition, 0))
        self._committed_at = loop.time()
        self.transactions += 1
        self._settling.committed(batch)
        self._around.metrics.transaction_seconds.labels(self.spec.name).observe(loop.time() - began)

    # --- the end -------------------------------------------------------------------------------------------------

    async def _finish(self) -> None:
        """What is at hand but not taken stays on the log; calls end, and their answers are settled."""
        assert self._settling is not None
        self._inbox.clear()
        await self._settling.end_calls(self._around.limits.calls_end)
        batch = self._batch()
        self._settling.settle_answers(batch)
        if batch:
            await self._commit(batch)
        self.phase = Phase.CLOSED

    async def _dismantle(self) -> None:
        if self._settling is not None:
            await self._settling.end_calls(0.0)
            self._settling = None
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.close()


async def _within(seconds: float, wait: Any) -> None:
    """Waits at most so long; the time running out is no error."""
    try:
        async with asyncio.timeout(seconds):
            await wait
    except TimeoutError:
        return
