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
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pipeline.broker import BrokerError, Fenced, Member, Producer, Refused
from pipeline.inbox import Inbox
from pipeline.parking import PARKED
from pipeline.restoring import MARK_KEY, marked, restored
from pipeline.settling import Settling
from pipeline.state import StateError
from pipeline.surroundings import Limits, StageSpec, Surroundings, Watermarks
from pipeline.timers import Gate
from pipeline.transaction import Batch, Moment, Origin
from schemas import topics
from schemas.records import Outgoing, Record, TopicPartition

__all__ = ["Limits", "Phase", "StageSpec", "Surroundings", "Task", "Watermarks"]

#: So often in a row the broker may refuse what a task writes; then it is stopped, not built again.
_REFUSALS = 3


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
        self._inbox = Inbox(around.limits.inbox, around.limits.inbox_bytes)
        self._in_hand: int | None = None
        self._held_back = False
        self._read_to: dict[TopicPartition, int] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._last: datetime | None = None
        self._committed_at = 0.0
        self._wake = asyncio.Event()
        self._suspended = False
        self._must_reclaim = False
        self._draining = asyncio.Event()
        self._quiet = asyncio.Event()
        self._producer: Producer | None = None
        self._settling: Settling | None = None
        self._gate: Gate | None = None
        self._delay = around.limits.backoff
        self._refusals = 0
        self.transactions = 0

    # --- what the worker sees -----------------------------------------------------------------------------------

    def offer(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Records in order; those that were taken before (a seek brings them again) are passed over."""
        if self.phase is not Phase.RUNNING or self._must_reclaim:
            return
        known = self._read_to[partition]
        self._inbox.put(record for record in records if record.offset >= known)
        self._wake.set()

    def advanced(self, partition: TopicPartition, position: int) -> None:
        """The member stands at `position` and has given us everything before it."""
        if self.phase is not Phase.RUNNING or self._must_reclaim:
            return
        if position > self._read_to.get(partition, 0):
            self._read_to[partition] = position
            if self._gate is not None:
                self._wake.set()

    def hold_back(self) -> None:
        """Pauses its partitions while it has enough at hand, so that they starve no other."""
        if self.phase is not Phase.RUNNING or self._must_reclaim:
            return
        if self._inbox.is_full and not self._held_back:
            self._member.pause(self.inputs)
            self._held_back = True
        elif self._held_back and self._inbox.has_room:
            self._member.resume(self.inputs)
            self._held_back = False

    def oldest_unsettled(self) -> datetime | None:
        """The timestamp of the oldest record that was read and not settled; parked records count as settled.

        A task that stopped over a record goes on naming it. None says that nothing is at hand, which is not yet that
        nothing is on the log: compare `positions` with its end.
        """
        known = [at for at in (self._in_hand, self._inbox.oldest) if at is not None]
        return datetime.fromtimestamp(min(known) / 1000, UTC) if known else None

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
        if self.phase is not Phase.RUNNING or settling is None or len(self._inbox) or not self._quiet.is_set():
            return False
        retry = settling.timers.next_wall()
        return settling.is_still and (retry is None or retry > self._around.clock.wall())

    def positions(self) -> Mapping[TopicPartition, int]:
        """Up to where the inputs are settled, control records included while nothing is at hand."""
        return dict(self._positions if len(self._inbox) else {**self._positions, **self._read_to})

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
        self._draining.set()
        self._wake.set()

    # --- life ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until drained, stopped, or cancelled. Cancelling is safe at any time: nothing uncommitted was promised.

        Raises what nobody foresaw: the caller says so with `stop`.
        """
        try:
            while self.phase not in (Phase.STOPPED, Phase.CLOSED):
                try:
                    await self._own()
                    await self._work()
                except StateError as error:
                    self.stop(str(error))
                except BrokerError as error:
                    await self._drop(error)
        finally:
            self._quiet.set()
            await self._dismantle()

    def stop(self, because: str) -> None:
        """It works on nothing more until it is started again. Its partitions are not read in vain."""
        self.phase = Phase.STOPPED
        self.stopped_because = because
        self._inbox.clear()
        self._member.pause(self.inputs)
        self._log.error("task stopped: an operator has to look", reason=because)

    async def _drop(self, error: BrokerError) -> None:
        """Everything in memory goes, to be built again from the log after a while."""
        self.phase = Phase.STARTING
        self._inbox.clear()
        self._member.pause(self.inputs)
        self._log.warning("task dropped, building it again", error=str(error), kind=type(error).__name__)
        await self._dismantle()
        if isinstance(error, Refused):
            self._refusals += 1
            if self._refusals >= _REFUSALS:
                self.stop(f"the broker refuses what it writes: {error}")
                return
        longest = self._around.limits.backoff_longest
        await _within(longest if isinstance(error, Fenced) else self._delay, self._draining.wait())
        self._delay = min(self._delay * 2, longest)
        if self._draining.is_set():
            self.phase = Phase.CLOSED

    async def _own(self) -> None:
        """Fence, restore, read positions, seek."""
        self.phase = Phase.STARTING
        self._quiet.set()
        broker, began = self._around.broker, asyncio.get_running_loop().time()
        self._producer = await broker.producer(f"{self.spec.name}-{self.number}")
        found = await restored(broker, self.spec, self.number)
        found.timers.postpone_due(self._around.clock.wall(), self.spec.takeover)
        self._positions, self._last = found.positions, found.last
        origin = Origin(self.spec.name, self.number, broker.partitions)
        self._settling = Settling(self.spec.stage, origin, found.memory, found.timers, self._around)
        self._settling.wake = self._wake.set
        seconds = asyncio.get_running_loop().time() - began
        self._around.metrics.restore_seconds.labels(self.spec.name).observe(seconds)
        size = {"state_keys": len(found.memory), "timers": len(found.timers)}
        self._log.info("task restored", **size, seconds=round(seconds, 3))
        self._begin()

    def _begin(self) -> None:
        """Start reading at the positions, with nothing at hand."""
        self._inbox.clear()
        self._in_hand = None
        self._held_back = False
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
            if self._draining.is_set():
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
        while self._suspended and not self._draining.is_set():
            self._wake.clear()
            await self._wake.wait()
        if self._draining.is_set():
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
            waits.append(1.0 if self._gate and self._gated_wall() else (wall - clock.wall()).total_seconds())
        if (business := timers.next_business()) is not None:
            waits.append((business - clock.now()).total_seconds() if self._gate is None else 1.0)
        if self._read_to != self._positions:
            waits.append(self._around.limits.idle_commit)
        return max(0.0, min(waits))

    # --- one transaction -----------------------------------------------------------------------------------------

    def _batch(self) -> Batch:
        assert self._settling is not None
        now = self._around.clock.now()
        self._last = now if self._last is None else max(self._last, now)
        return self._settling.batch(Moment(self._last, self._around.clock.wall()))

    async def _turn(self) -> bool:
        """One transaction, if there is anything to do. The inbox first, then what fell due behind it.

        No timer waits for an empty inbox, in which under load there is always something: calls go at once, all others
        when what was on the log has been settled, since the answer or the end that they wait for may be in it.
        """
        assert self._settling is not None
        batch = self._batch()
        self._settling.settle_answers(batch)
        await self._settle_inbox(batch)
        if self._settling.makes_calls:
            retries = self._settling.timers.take_wall(batch.moment.wall, self._around.limits.batch_records)
            self._settling.settle_timers(batch, retries)
        await self._settle_deadlines(batch)
        if not len(self._inbox):
            self._step_over_control_records(batch, asyncio.get_running_loop().time())
        self._settling.sweep(batch)
        if not batch:
            return False
        await self._commit(batch)
        return True

    async def _settle_inbox(self, batch: Batch) -> None:
        """Records until nothing more is at hand, or a bound of the batch is reached."""
        assert self._settling is not None
        loop, limits, taken = asyncio.get_running_loop(), self._around.limits, 0
        began = loop.time()
        while len(self._inbox) and taken < limits.batch_records and batch.size < limits.batch_bytes:
            if loop.time() - began >= limits.batch_seconds:
                return
            records = self._take()
            await self._settling.settle_records(batch, records)
            taken += len(records)
            for record in records:
                batch.offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1

    def _take(self) -> list[Record]:
        limits = self._around.limits
        oldest = self._inbox.oldest if self._in_hand is None else self._in_hand
        records = self._inbox.take(limits.lanes * 2, limits.batch_bytes)
        self.hold_back()
        self._in_hand = oldest
        return records

    async def _settle_deadlines(self, batch: Batch) -> None:
        """Those that fell due, once everything has been settled that was on the log after that."""
        assert self._settling is not None
        timers, moment = self._settling.timers, batch.moment
        business, wall = timers.next_business(), self._gated_wall()
        if not ((business and business <= moment.now) or (wall and wall <= moment.wall)):
            return
        if self._gate is None:
            self._gate = Gate(moment.now, moment.wall, await self._around.watermarks(self.inputs))
        settled = {**self._positions, **batch.offsets} if len(self._inbox) else {**self._positions, **self._read_to}
        if not self._gate.is_passed(settled):
            return
        gate, self._gate = self._gate, None
        due = timers.take_business(gate.asked, self._around.limits.batch_records)
        if wall is not None:
            due += timers.take_wall(gate.wall, self._around.limits.batch_records)
        self._settling.settle_timers(batch, due)

    def _gated_wall(self) -> datetime | None:
        """When the next retry is due that waits for the log as a deadline does: those of stages without calls."""
        assert self._settling is not None
        return None if self._settling.makes_calls else self._settling.timers.next_wall()

    def _step_over_control_records(self, batch: Batch, time: float) -> None:
        """An idle task commits the position behind the last control records once, so that its lag reaches 0."""
        if len(self._inbox):
            return
        behind = {p: offset for p, offset in self._read_to.items() if offset > self._positions[p]}
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
        if not probe:
            batch.change.values[MARK_KEY] = marked(positions, batch.moment.milliseconds)
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
        for partition, offset in positions.items():
            self._read_to[partition] = max(offset, self._read_to.get(partition, 0))
        self._committed_at = loop.time()
        self._in_hand = None
        self._delay, self._refusals = self._around.limits.backoff, 0
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
