"""What a task has from its fencing to its end: producer, state, clocks; and one transaction after the other.

A batch of works becomes outputs + state + offsets (+ journal) in one transaction, all or nothing; every output is
acknowledged before the commit. Whatever is raised here ends the tenure: nothing of it is used again but the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from pipeline.broker import Producer
from pipeline.chain import CHAIN_BEAT, Awaiting, Beating, is_redaction, is_to_every_task, read_beats, shop_of
from pipeline.deadlines import Deadlines
from pipeline.editions import ADOPTED, Adopted, Edition
from pipeline.reading import Reading
from pipeline.restoring import MARK_KEY, Restored, marked
from pipeline.settling import Settling
from pipeline.surroundings import Chain, StageSpec, Surroundings
from pipeline.sweeping import Sweeps
from pipeline.transaction import SWEEP, Batch, Moment, Origin
from schemas import topics
from schemas.reasons import RejectReason
from schemas.records import Outgoing, Record
from stages.stage import Reject, SweepCause


class Tenure:
    def __init__(
        self, spec: StageSpec, around: Surroundings, reading: Reading, producer: Producer, found: Restored
    ) -> None:
        self._spec = spec
        self._around = around
        self._reading = reading
        self._producer = producer
        self._number = reading.inputs[0].partition
        self._log = around.log.bind(stage=spec.name, partition=self._number)
        self._last = found.last
        self._changelog_end = found.end
        self._committed_at = 0.0
        self._adopted = found.adopted
        self._edition = spec.editions.newest
        origin = Origin(spec.name, self._number, around.broker.partitions)
        self._beating = Beating(around, self._number, reading.inputs) if spec.chain is Chain.BEATS else None
        self._awaiting = (
            Awaiting(found.memory, around.broker.partitions, around.limits) if spec.chain is Chain.AWAITS else None
        )
        self._settle_by(Settling(self._edition.stage, origin, found.memory, found.timers, around))
        self._tell_crowded()
        spec.editions.taken(self._edition)

    @property
    def changelog_end(self) -> int:
        """Offset behind everything that this task has written to its changelog, control records included."""
        return self._changelog_end

    @property
    def waits_for_log(self) -> bool:
        return self._deadlines.is_waiting or (self._beating is not None and self._beating.is_waiting)

    @property
    def is_still(self) -> bool:
        retry = self.settling.timers.next_wall()
        return self.settling.is_still and self._sweeps.is_idle and (retry is None or retry > self._around.clock.wall())

    def time_has_stepped(self) -> None:
        if self._beating is not None:
            self._beating.hurry()

    def seconds_to_next(self) -> float:
        waits = [60.0, *self._deadlines.seconds_to_next()]
        if self._reading.behind():
            waits.append(self._around.limits.idle_commit)
        if self._beating is not None:
            waits.append(self._beating.seconds_to_next(self._around.clock.now()))
        return max(0.0, min(waits))

    # --- one transaction ---------------------------------------------------------------------------------------------

    def _batch(self) -> Batch:
        now = self._around.clock.now()
        self._last = now if self._last is None else max(self._last, now)
        missed_until = None if self._awaiting is None else self._awaiting.missed_until
        batch = self.settling.batch(Moment(self._last, self._around.clock.wall(), missed_until))
        batch.positions = self._reading.positions
        return batch

    async def turn(self) -> bool:
        """One transaction, if there is anything to do. The inbox first, then what fell due behind it.

        No timer waits for an empty inbox, in which under load there is always something: calls go at once, all others
        when what was on the log has been settled, since the answer or the end that they wait for may be in it.
        """
        await self._take_newest_edition()
        batch = self._batch()
        self.settling.settle_answers(batch)
        await self._settle_inbox(batch)
        if self.settling.makes_calls:
            retries = self.settling.timers.take_wall(batch.moment.wall, self._around.limits.batch_records)
            self.settling.settle_timers(batch, retries)
        if self._awaiting is not None:
            self._awaiting.watch(batch, self.settling.timers, self._around.prefix)
        await self._deadlines.settle(batch)
        await self._say_how_far(batch)
        self._step_over_control_records(batch)
        if (part := self._sweeps.next_part(batch, self._around.limits.visits)) is not None:
            self.settling.settle_visits(batch, part)
        self.settling.sweep(batch)
        if not batch:
            return False
        await self._commit(batch)
        return True

    async def _settle_inbox(self, batch: Batch) -> None:
        """Records until nothing more is at hand, or a bound of the batch is reached."""
        loop, limits, taken = asyncio.get_running_loop(), self._around.limits, 0
        began = loop.time()
        while self._reading.has_more and taken < limits.batch_records and batch.size < limits.batch_bytes:
            if loop.time() - began >= limits.batch_seconds:
                return
            records = self._reading.take()
            ours = [record for record in records if is_to_every_task(record)]
            if ours and not self._hear(batch, ours):
                self._reading.put_back(records)
                return
            await self.settling.settle_records(batch, [record for record in records if not is_to_every_task(record)])
            self._pass_on(batch, ours)
            taken += len(records)
            for record in records:
                batch.settled_to(record.topic_partition, record.offset + 1)

    def _hear(self, batch: Batch, records: Sequence[Record]) -> bool:
        """False where they tell something that must hold for the whole of a transaction, and this one has begun."""
        if self._awaiting is None:
            return True
        beats, broken = read_beats(records)
        if batch and self._awaiting.would_change(beats):
            return False
        for record, error in broken:
            self.settling.reject(batch, record, Reject(RejectReason.UNDECODABLE, str(error)))
        view = batch.view()
        self._awaiting.hear(beats, view)
        batch.write(view.change, ())
        now, wall = batch.moment.now, batch.moment.wall
        batch.moment = Moment(now, wall, self._awaiting.missed_until)
        return True

    def _pass_on(self, batch: Batch, records: Sequence[Record]) -> None:
        """What is said to every task goes on behind what was settled before it."""
        for record in records:
            is_redacted = is_redaction(record)
            if is_redacted:
                self._start_sweep(batch, SweepCause.REDACTED, shop_of(record))
            goes_on = is_redacted or (record.header("ce_type") == CHAIN_BEAT and self._awaiting is None)
            if goes_on and self._spec.passes_to is not None:
                batch.pass_on(record, self._spec.passes_to)

    def _start_sweep(self, batch: Batch, cause: SweepCause, about: str) -> None:
        view = batch.view()
        view.put(SWEEP, "", "", f"{cause}/{about}")
        batch.write(view.change, ())

    async def _say_how_far(self, batch: Batch) -> None:
        if self._beating is not None:
            settled = self._reading.settled(batch.offsets)
            await self._beating.beat(batch, settled, partial(self.settling.waiting.is_fresh, batch))

    def _step_over_control_records(self, batch: Batch) -> None:
        """An idle task commits the position behind the last control records once, so that its lag reaches 0."""
        if len(self._reading):
            return
        behind = self._reading.behind()
        waited = asyncio.get_running_loop().time() - self._committed_at
        if batch or (behind and waited >= self._around.limits.idle_commit):
            for partition, offset in behind.items():
                batch.settled_to(partition, offset)

    # --- commits -----------------------------------------------------------------------------------------------------

    async def _commit(self, batch: Batch) -> None:
        began = asyncio.get_running_loop().time()
        positions = {**self._reading.positions, **batch.offsets}
        batch.change.put(MARK_KEY, marked(positions, batch.moment.milliseconds))
        changes = [
            Outgoing(topics.state_of(self._spec.name), self._number, key, value, (), batch.moment.milliseconds)
            for key, value in batch.change.values.items()
        ]
        records = [*batch.outgoing, *changes]
        if self._spec.journaled:
            records.append(batch.journal(self._changelog_end, self._edition.hash))
        await self._producer.begin()
        await self._producer.send(records)
        await self._producer.commit(self._spec.group, positions)
        # one control record ends the transaction on every partition that it has touched
        self._changelog_end += len(changes) + 1
        self._reading.committed(positions)
        self._committed_at = asyncio.get_running_loop().time()
        self.settling.committed(batch)
        self._tell_crowded()
        self._around.metrics.transaction_seconds.labels(self._spec.name).observe(self._committed_at - began)

    def _tell_crowded(self) -> None:
        """What its stage remembers is bounded by reading no more: the rest of a backlog stays on the log."""
        crowded = tuple(sorted(self.settling.memory.crowded))
        if crowded != self._reading.crowded:
            self._reading.crowded = crowded
            says = "task reads nothing more: it remembers too much" if crowded else "task reads on"
            self._log.warning(says, families=crowded)

    async def probe(self) -> None:
        """An empty transaction tells if somebody else was here: raises Fenced."""
        await self._producer.begin()
        await self._producer.commit(self._spec.group, self._reading.positions)

    async def finish(self) -> None:
        """What is at hand but not taken stays on the log; calls end, and their answers are settled."""
        self._reading.clear()
        await self._end_calls()

    async def _end_calls(self) -> None:
        await self.settling.end_calls(self._around.limits.calls_end)
        batch = self._batch()
        self.settling.settle_answers(batch)
        if batch:
            await self._commit(batch)

    async def end(self) -> None:
        """Cuts what is under way and gives the producer back."""
        self._spec.editions.left(self._edition)
        await self.settling.end_calls(0.0)
        await self._producer.close()

    # --- editions ----------------------------------------------------------------------------------------------------

    async def _take_newest_edition(self) -> None:
        """Calls of the old one end first; then everything that is remembered is looked through by the new one."""
        newest = self._spec.editions.newest
        if newest.number <= self._adopted.number:
            return
        if newest is not self._edition:
            await self._end_calls()
            self._work_by(newest)
        batch = self._batch()
        view = batch.view()
        adopted = Adopted(newest.number, newest.hash)
        view.put(ADOPTED, "", adopted)
        batch.write(view.change, ())
        if newest.hash is not None and newest.hash != self._adopted.hash and self._is_swept:
            self._start_sweep(batch, SweepCause.CONFIGURATION, newest.hash)
        await self._commit(batch)
        self._adopted = adopted

    def _work_by(self, edition: Edition) -> None:
        self._spec.editions.taken(edition)
        self._spec.editions.left(self._edition)
        self._edition = edition
        self._settle_by(self.settling.by(edition.stage, self._around.clock.wall() + self._spec.takeover))

    def _settle_by(self, settling: Settling) -> None:
        self.settling = settling
        self._deadlines = Deadlines(settling, self._reading, self._awaiting, self._around)
        swept = getattr(self._edition.stage, "swept", ())
        self._sweeps = Sweeps(self._spec, settling.memory, [family.name for family in swept])

    @property
    def _is_swept(self) -> bool:
        return hasattr(self._edition.stage, "visit")
