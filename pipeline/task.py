"""A task: one stage on one partition. The unit of ownership, order, state, time and transaction.

Life: fence (take the transactional id, which ends every earlier owner), restore the state, read the positions, seek,
run. Fenced, or in doubt whether a commit happened: everything in memory is dropped and built again from the log; a
commit is never repeated. Kill -9 at any instant therefore loses nothing and doubles nothing behind the raw topics. A
task that stopped remembers why, looks now and then whether an operator has lifted it, and begins anew then. Not
promised here: anything about the world outside of Kafka; stages with calls make that idempotent by what they commit
before a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline.broker import BrokerError, Fenced, Member, OutOfRange, Refused
from pipeline.parking import PARKED
from pipeline.reading import Reading
from pipeline.rejections import TooManyRejected
from pipeline.restore_report import RestoreReport
from pipeline.restoring import AnotherLog, Restored, require_on_log, restored
from pipeline.state import StateError, decoded
from pipeline.stopping import STOPPED, STOPPED_KEY, Stopped, remember
from pipeline.surroundings import StageSpec, Surroundings
from pipeline.tenure import Tenure
from schemas import topics
from schemas.records import Record, TopicPartition

#: So often in a row the broker may refuse what a task writes; then it is stopped, not built again.
_REFUSALS = 3


class Phase(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    """Needs an operator: the reason is in the log, in /ready and in the state."""
    CLOSED = "closed"


class Task:
    def __init__(self, spec: StageSpec, number: int, member: Member, around: Surroundings) -> None:
        self.spec = spec
        self.number = number
        self.phase = Phase.STARTING
        self.stopped_because: str | None = None
        self.waits_because: str | None = None
        """Why it cannot start yet, where that is not its own doing."""
        self._around = around
        self._log = around.log.bind(stage=spec.name, partition=number)
        self.inputs = tuple(TopicPartition(topic, number) for topic in spec.inputs)
        self._changelog = TopicPartition(topics.state_of(spec.name), number)
        self._reading = Reading(member, self.inputs, around.limits)
        self._tenure: Tenure | None = None
        self._known_end: int | None = None
        self._wake = asyncio.Event()
        self._suspended = False
        self._must_reclaim = False
        self._doubts_positions = False
        self._draining = asyncio.Event()
        self._quiet = asyncio.Event()
        self._delay = around.limits.backoff
        self._refusals = 0
        self.transactions = 0

    # --- what the worker sees -----------------------------------------------------------------------------------

    def offer(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Records in order."""
        if self._is_reading:
            self._reading.offer(partition, records)
            self._wake.set()

    def advanced(self, partition: TopicPartition, position: int) -> None:
        """The member stands at `position` and has given us everything before it."""
        is_news = self._is_reading and self._reading.advanced(partition, position)
        if is_news and self._tenure is not None and self._tenure.waits_for_log:
            self._wake.set()

    def hold_back(self) -> None:
        """Pauses its partitions while it has enough at hand, so that they starve no other."""
        if self._is_reading:
            self._reading.hold_back()

    @property
    def _is_reading(self) -> bool:
        return self.phase is Phase.RUNNING and not self._must_reclaim

    def oldest_unsettled(self) -> datetime | None:
        """The timestamp of the oldest record that was read and not settled; parked records count as settled.

        A task that stopped over a record goes on naming it. None says that nothing is at hand, which is not yet that
        nothing is on the log: compare `positions` with its end.
        """
        return self._reading.oldest()

    @property
    def state_keys(self) -> int:
        return 0 if self._tenure is None else len(self._tenure.settling.memory)

    @property
    def parked(self) -> int:
        return 0 if self._tenure is None else self._tenure.settling.memory.count(PARKED.name)

    @property
    def is_crowded(self) -> bool:
        return self._tenure is not None and self._reading.is_crowded

    @property
    def is_still(self) -> bool:
        """Nothing at hand, nothing under way, no retry due."""
        if self.phase is not Phase.RUNNING or self._tenure is None or len(self._reading) or not self._quiet.is_set():
            return False
        return self._tenure.is_still

    def positions(self) -> Mapping[TopicPartition, int]:
        """Up to where the inputs are settled, control records included while nothing is at hand."""
        return self._reading.settled({})

    def next_business_timer(self) -> datetime | None:
        return None if self._tenure is None else self._tenure.settling.timers.next_business()

    def wake(self) -> None:
        """Business time has stepped."""
        if self._tenure is not None:
            self._tenure.time_has_stepped()
        self._wake.set()

    def doubt_positions(self) -> None:
        """The broker says that something that is to be read is not on its log: it looks if that is its own."""
        self._doubts_positions = True
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
        """Until drained, or cancelled. Cancelling is safe at any time: nothing uncommitted was promised.

        Raises what nobody foresaw: the caller says so with `stop`.
        """
        try:
            while self.phase is not Phase.CLOSED:
                try:
                    if await self._own():
                        await self._work()
                except TooManyRejected as error:
                    await self._stop_for_good(str(error))
                except AnotherLog as error:
                    await self._stop_for_good(str(error), error.topics)
                except (StateError, OutOfRange) as error:
                    self.stop(str(error))
                except BrokerError as error:
                    await self._drop(error)
                if self.phase is Phase.STOPPED:
                    await self._wait_for_operator()
        finally:
            self._quiet.set()
            await self._dismantle()

    def stop(self, because: str) -> None:
        """It works on nothing more until it begins anew. Its partitions are not read in vain."""
        self.phase = Phase.STOPPED
        self.stopped_because = because
        self._reading.stop()
        self._quiet.set()
        self._log.error("task stopped: an operator has to look", reason=because)

    async def _stop_for_good(self, because: str, anew: tuple[str, ...] = ()) -> None:
        """A restart alone does not make it go on. Where that cannot be remembered the next owner meets the same."""
        await self._dismantle()
        self._known_end = None
        stopped = Stopped(because, self._around.clock.wall(), anew)
        try:
            await remember(self._around.broker, self.spec.name, self.number, stopped)
        except BrokerError as error:
            self._log.warning("the stop cannot be remembered: a restart will try again", error=str(error))
        self.stop(f"{because}; {self._lifted_by(stopped)}")

    def _lifted_by(self, stopped: Stopped) -> str:
        accepting = " --accept-loss" if stopped.anew else ""
        return f"`pipeline stopped lift {self.spec.name} {self.number}{accepting}` lets it go on"

    async def _wait_for_operator(self) -> None:
        """Whoever lifts a stop, or accepts a loss, does so on the changelog; until then it stays as long as it is."""
        await self._dismantle()
        end = self._known_end
        while not self._draining.is_set():
            found = await self._end_of_changelog()
            end = found if end is None else end
            if found is not None and end is not None and found > end:
                self._log.info("task begins anew: its changelog has grown", reason=self.stopped_because)
                self.phase, self.stopped_because, self._refusals = Phase.STARTING, None, 0
                return
            await _within(self._around.limits.look_again, self._draining.wait())
        self.phase = Phase.CLOSED

    async def _end_of_changelog(self) -> int | None:
        """None while the broker does not answer."""
        try:
            return (await self._around.broker.stable_ends([self._changelog]))[self._changelog]
        except BrokerError:
            return None

    async def _drop(self, error: BrokerError) -> None:
        """Everything in memory goes, to be built again from the log after a while."""
        self.phase = Phase.STARTING
        self._reading.stop()
        self._log.warning("task dropped, building it again", error=str(error), kind=type(error).__name__)
        await self._dismantle()
        if isinstance(error, Refused):
            self._refusals += 1
            if self._refusals >= _REFUSALS:
                await self._stop_for_good(f"the broker refuses what it writes: {error}")
                return
        longest = self._around.limits.backoff_longest
        await self._pause(longest if isinstance(error, Fenced) else self._delay)
        self._delay = min(self._delay * 2, longest)

    async def _pause(self, seconds: float) -> None:
        await _within(seconds, self._draining.wait())
        if self._draining.is_set():
            self.phase = Phase.CLOSED

    async def _own(self) -> bool:
        """Fence, restore, read positions, seek. False where it may not start, or not yet."""
        self.phase = Phase.STARTING
        self._quiet.set()
        async with self._around.owning:
            report = RestoreReport(self.spec.name, self.number, self._around.metrics, self._log)
            found = await self._take_over(report)
        report.ended(found)
        if (raw := found.memory.get(STOPPED_KEY)) is not None:
            stopped = decoded(STOPPED, STOPPED_KEY, raw)
            since = f"stopped on {stopped.at:%d %b %Y at %H:%M} UTC"
            self.stop(f"{since}: {stopped.reason}; {self._lifted_by(stopped)}")
            return False
        if found.adopted.number > self.spec.editions.newest.number:
            await self._wait_for_edition(found.adopted.number)
            return False
        self.waits_because = None
        self._begin()
        return True

    async def _take_over(self, report: RestoreReport) -> Restored:
        broker = self._around.broker
        producer = await broker.producer(f"{self.spec.name}-{self.number}")
        try:
            self._known_end = None
            found = await restored(broker, self.spec, self.number, report.progress)
            self._known_end = found.end
            if STOPPED_KEY not in found.memory:
                await require_on_log(broker, found.positions)
            found.timers.postpone_due(self._around.clock.wall(), self.spec.takeover)
            self._reading.begin(found.positions)
            self._tenure = Tenure(self.spec, self._around, self._reading, producer, found)
        except BaseException:
            await producer.close()
            raise
        self._tenure.settling.wake = self._wake.set
        return found

    async def _wait_for_edition(self, number: int) -> None:
        """It never goes back behind a configuration that its state has seen."""
        self.waits_because = f"its state is by configuration {number} of `config`, which this process does not have yet"
        self._log.warning("task waits", reason=self.waits_because)
        await self._dismantle()
        while self.spec.editions.newest.number < number and not self._draining.is_set():
            await _within(self._around.limits.look_again, self._draining.wait())
        if self._draining.is_set():
            self.phase = Phase.CLOSED

    def _begin(self) -> None:
        """Start reading at the positions, with nothing at hand."""
        assert self._tenure is not None
        self._reading.begin(self._reading.positions)
        self.phase = Phase.RUNNING
        if not self._suspended:
            self._reading.start()

    async def _work(self) -> None:
        assert self._tenure is not None
        while True:
            if self._draining.is_set():
                await self._tenure.finish()
                self.phase = Phase.CLOSED
                return
            if self._must_reclaim:
                await self._wait_to_be_given_back(self._tenure)
                continue
            await self._look_at_positions()
            self._quiet.clear()
            worked = await self._tenure.turn()
            self._quiet.set()
            if worked:
                self.transactions += 1
                self._delay, self._refusals = self._around.limits.backoff, 0
            else:
                await _within(self._tenure.seconds_to_next(), self._wake.wait())
                self._wake.clear()

    async def _look_at_positions(self) -> None:
        if self._doubts_positions:
            self._doubts_positions = False
            await require_on_log(self._around.broker, self._reading.positions)

    async def _wait_to_be_given_back(self, tenure: Tenure) -> None:
        """Between owners nothing moves. Given back, an empty transaction tells if somebody else was here: Fenced."""
        self.phase = Phase.SUSPENDED
        self._reading.clear()
        self._quiet.set()
        while self._suspended and not self._draining.is_set():
            self._wake.clear()
            await self._wake.wait()
        if self._draining.is_set():
            return
        self._must_reclaim = False
        await tenure.probe()
        self._begin()

    async def _dismantle(self) -> None:
        if self._tenure is not None:
            tenure, self._tenure = self._tenure, None
            self._known_end = tenure.changelog_end
            await tenure.end()


async def _within(seconds: float, wait: Any) -> None:
    """Waits at most so long; the time running out is no error."""
    try:
        async with asyncio.timeout(seconds):
            await wait
    except TimeoutError:
        return
