"""One process's member of one stage's group: feeds the tasks of the partition numbers that it owns.

The rebalance listener only marks and waits a bounded time (no heartbeat is sent while it runs); fencing and restoring
happen in the tasks. A hot partition is paused while its task has enough at hand, so it starves no other.

A stop is bounded: 14 s for what is in hand and the calls that are under way (they have 11 s), then 4 s for the goodbye
to the group, beside the end of what was cut. Whatever is cut is taken up by the next owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from pipeline.broker import BrokerError, OutOfRange
from pipeline.surroundings import StageSpec, Surroundings
from pipeline.task import Phase, Task
from schemas.records import TopicPartition

_POLL_SECONDS = 0.25
_POLL_RECORDS = 1000
_SUSPEND_SECONDS = 3.0
_CLOSE_SECONDS = 14.0


class Worker:
    def __init__(self, spec: StageSpec, around: Surroundings) -> None:
        self.spec = spec
        self._around = around
        self._log = around.log.bind(stage=spec.name)
        self._member = around.broker.member(spec.group, spec.inputs)
        self._tasks: dict[int, Task] = {}
        self._runs: dict[int, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._is_draining = False
        self.is_member = False

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, then drains. Raises BrokerError where the group cannot be joined at all."""
        halt = asyncio.create_task(stop.wait())
        feed = asyncio.create_task(self._feed())
        try:
            await asyncio.wait((halt, feed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (feed, halt):
                task.cancel()
            await asyncio.gather(feed, halt, return_exceptions=True)
            await self._drain()
        if not stop.is_set():
            feed.result()

    async def _feed(self) -> None:
        await self._member.start(self)
        while True:
            try:
                batches = await self._member.poll(_POLL_SECONDS, _POLL_RECORDS)
            except OutOfRange as error:
                self._log.error("what is to be read is not on the log", error=str(error))
                for each in self._tasks.values():
                    each.doubt_positions()
                await asyncio.sleep(_POLL_SECONDS)
                continue
            except BrokerError as error:
                self._log.warning("the broker does not answer", error=str(error))
                await asyncio.sleep(_POLL_SECONDS)
                continue
            self.is_member = True
            for partition, records in batches.items():
                if (task := self._tasks.get(partition.partition)) is not None:
                    task.offer(partition, records)
            self._advance()
            for task in self._tasks.values():
                task.hold_back()

    def _advance(self) -> None:
        """In the same breath as `poll`: everything before these positions has been offered."""
        for task in self._tasks.values():
            for partition in task.inputs:
                if (position := self._member.position(partition)) is not None:
                    task.advanced(partition, position)

    # --- rebalance -----------------------------------------------------------------------------------------------

    async def revoked(self) -> None:
        await asyncio.gather(*(task.suspend(_SUSPEND_SECONDS) for task in self._tasks.values()))

    async def assigned(self, numbers: frozenset[int]) -> None:
        if self._is_draining:
            return
        self._around.metrics.rebalances_total.labels(self.spec.name).inc()
        self._log.info("partitions assigned", partitions=sorted(numbers))
        for number in set(self._tasks) - numbers:
            self._give_up(number)
        for number in sorted(numbers):
            task = self._tasks.get(number)
            if task is None:
                task = Task(self.spec, number, self._member, self._around)
                self._start(task)
            else:
                task.resume()

    def _start(self, task: Task) -> None:
        self._tasks[task.number] = task
        run = asyncio.create_task(task.run(), name=f"{self.spec.name}-{task.number}")
        run.add_done_callback(partial(self._ended, task))
        self._runs[task.number] = run

    def _ended(self, task: Task, run: asyncio.Task[None]) -> None:
        """A task that died of what nobody foresaw must not do so in silence."""
        if run.cancelled() or (error := run.exception()) is None:
            return
        self._log.error("defect in a task", partition=task.number, exc_info=error)
        if self._tasks.get(task.number) is task:
            task.stop(f"a defect of the runner: {type(error).__name__}: {error}")

    def _give_up(self, number: int) -> None:
        self._tasks.pop(number)
        for gauge in (self._around.metrics.lag_seconds, self._around.metrics.lag_records):
            gauge.remove(self.spec.name, str(number))
        run = self._runs.pop(number)
        run.cancel()
        self._leaving.add(run)
        run.add_done_callback(self._leaving.discard)

    async def _drain(self) -> None:
        self._is_draining = True
        for number, task in self._tasks.items():
            task.drain()
            if task.phase is Phase.STARTING:
                self._runs[number].cancel()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await asyncio.gather(*self._runs.values(), return_exceptions=True)
        except TimeoutError:
            self._log.warning("not everything in hand could be settled in time; the next owner takes it up")
        cut = (*self._runs.values(), *self._leaving)
        for run in cut:
            run.cancel()
        ended = asyncio.gather(*cut, return_exceptions=True)
        await self._member.stop()
        await ended

    # --- what others want to know --------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Why this stage is not ready; empty when all of its tasks run."""
        if not self.is_member:
            return [f"{self.spec.name}: not a member of its group yet"]
        return [
            f"{self.spec.name}-{number}: {task.stopped_because or task.waits_because or task.phase.value}"
            for number, task in sorted(self._tasks.items())
            if task.phase is not Phase.RUNNING
        ]

    def stopped(self) -> Mapping[int, str]:
        """The tasks that are stopped until an operator lifts it, and why."""
        return {
            number: task.stopped_because or "for an unknown reason"
            for number, task in self._tasks.items()
            if task.phase is Phase.STOPPED
        }

    @property
    def transactions(self) -> int:
        return sum(task.transactions for task in self._tasks.values())

    def owned(self) -> int:
        return len(self._tasks)

    @property
    def is_still(self) -> bool:
        return self.is_member and all(task.is_still for task in self._tasks.values())

    def positions(self) -> Mapping[TopicPartition, int]:
        return {p: offset for task in self._tasks.values() for p, offset in task.positions().items()}

    def oldest_unsettled(self) -> Mapping[int, datetime]:
        """By partition number, of those that have read something which is not settled: see `Task.oldest_unsettled`."""
        found = {number: task.oldest_unsettled() for number, task in self._tasks.items()}
        return {number: moment for number, moment in found.items() if moment is not None}

    def next_business_timer(self) -> datetime | None:
        due = [moment for task in self._tasks.values() if (moment := task.next_business_timer()) is not None]
        return min(due, default=None)

    def wake(self) -> None:
        for task in self._tasks.values():
            task.wake()

    def measure(self) -> None:
        """Gauges of state and parking, summed over this process's tasks, and of waiting, by partition."""
        metrics, name = self._around.metrics, self.spec.name
        oldest, wall = self.oldest_unsettled(), self._around.clock.wall()
        for number in self._tasks:
            waited = (wall - oldest.get(number, wall)).total_seconds()
            metrics.lag_seconds.labels(name, str(number)).set(max(0.0, waited))
        metrics.state_keys.labels(name).set(sum(task.state_keys for task in self._tasks.values()))
        metrics.parked_records.labels(name).set(sum(task.parked for task in self._tasks.values()))
        metrics.crowded_tasks.labels(name).set(sum(task.is_crowded for task in self._tasks.values()))
