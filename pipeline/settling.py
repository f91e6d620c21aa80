"""How works of one task become part of a transaction: in order, each completely or not at all.

Here and nowhere else a stage's unexpected errors are caught: a rejected record becomes a dead letter, a record that
the world is not ready for is parked, a defect is a dead letter too. The stage itself never logs, counts or commits.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pipeline import parking
from pipeline.beside import Answered, Beside
from pipeline.calls import Calls
from pipeline.parking import PARKED, Parked, Waiting
from pipeline.rejections import Rejections
from pipeline.state import Change, Memory, StateError, View, split_key
from pipeline.surroundings import Surroundings
from pipeline.sweeping import Part
from pipeline.timers import Timers
from pipeline.transaction import TIMER, Batch, Moment, Origin
from schemas.codec import Undecodable
from schemas.journal import Fired
from schemas.reasons import RejectReason, RetryReason
from schemas.records import Record
from stages.stage import CallingStage, Context, Reject, Retry, Stage, SweptStage, Timer

_DEFECT_PAUSE = timedelta(minutes=1)
_SWEEP = 500


class Settling:
    """The works of one task. `wake` is set by the task: it is called when an answer came beside the stream."""

    def __init__(
        self,
        stage: Stage | CallingStage[Any, Any],
        origin: Origin,
        memory: Memory,
        timers: Timers,
        around: Surroundings,
    ) -> None:
        self.timers = timers
        self.memory = memory
        self.waiting = Waiting(memory)
        self.wake: Callable[[], None] = lambda: None
        self._stage = stage
        self._calling: CallingStage[Any, Any] | None = stage if hasattr(stage, "perform") else None  # type: ignore[assignment]
        self._origin = origin
        self._around = around
        self._log = around.log.bind(stage=origin.stage, partition=origin.number)
        self._calls = None if self._calling is None else Calls(self._calling.perform, around.limits.lanes)
        self._beside = Beside(lambda: self.wake())
        self._rejections = Rejections()

    def by(self, stage: Stage | CallingStage[Any, Any], again: datetime) -> Settling:
        """The same works and the same memory by another edition of the stage. Calls of this one have ended.

        Those that were cut may be under way at the other end: they are not made again before `again`.
        """
        self.timers.give_back(self._beside.left(), again)
        other = Settling(stage, self._origin, self.memory, self.timers, self._around)
        other.wake, other._rejections = self.wake, self._rejections
        return other

    @property
    def makes_calls(self) -> bool:
        return self._calling is not None

    @property
    def is_still(self) -> bool:
        """No call is under way, and nothing is parked."""
        return self._beside.is_still and not self._calls and not self.memory.count(PARKED.name)

    def batch(self, moment: Moment) -> Batch:
        return Batch(self._origin, moment, self.memory)

    # --- records -------------------------------------------------------------------------------------------------

    async def settle_records(self, batch: Batch, records: Sequence[Record]) -> None:
        """Raises TooManyRejected; the batch is then not to be committed."""
        if self._calling is None:
            for record in records:
                self._settle(batch, record, {}, None)
            await asyncio.sleep(0)
        else:
            await self._settle_lanes(batch, records)
        self._rejections.check()

    async def _settle_lanes(self, batch: Batch, records: Sequence[Record]) -> None:
        lanes: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            lanes[parking.routing_of(record)].append(record)
        try:
            async with asyncio.TaskGroup() as together:
                for lane in lanes.values():
                    together.create_task(self._settle_lane(batch, lane))
        except ExceptionGroup as group:
            # only what no record can be blamed for comes here: a broken state, a defect of the runner
            raise group.exceptions[0] from group

    async def _settle_lane(self, batch: Batch, records: Iterable[Record]) -> None:
        assert self._calling is not None
        assert self._calls is not None
        for record in records:
            answers: Mapping[Any, Any] = {}
            error: Exception | None = None
            try:
                if self._queue_up(batch, record):
                    continue
                if requests := self._calling.plan(record, self._context(batch, batch.view(), {}, None)):
                    answers = await self._calls.ask(requests, self._around.limits.patience)
            except Exception as caught:  # noqa: BLE001 - the runner's settle: `_settle` says what becomes of it
                error = caught
            self._settle(batch, record, answers, None, error)

    def _queue_up(self, batch: Batch, record: Record) -> bool:
        """True where records of its key are parked: then it waits behind them."""
        view = batch.view()
        if not parking.is_queued(view, parking.routing_of(record)):
            return False
        parking.park_behind(view, record)
        batch.write(view.change, ())
        batch.settled.append(("parked", RetryReason.BEHIND.value))
        return True

    def _settle(
        self,
        batch: Batch,
        record: Record,
        answers: Mapping[Any, Any],
        parked: tuple[bytes, Parked] | None,
        error: Exception | None = None,
    ) -> None:
        """One record, in whichever way it ends."""
        view = batch.view()
        since = None if parked is None else parked[1].since
        try:
            if error is not None:
                raise error
            outcomes = list(self._stage.process(record, self._context(batch, view, answers, since)))
            batch.settle(record, view, outcomes)
        except StateError:
            raise
        except Exception as caught:  # noqa: BLE001 - the runner's settle: everything unexpected is a dead letter
            if isinstance(caught, Retry) and self._calling is not None:
                self._park(batch, record, caught, parked)
                return
            self.reject(batch, record, _as_reject(caught))
        else:
            self._rejections.settled()
        if parked is not None:
            self._release(batch, record, parked[0])

    def _park(self, batch: Batch, record: Record, retry: Retry, parked: tuple[bytes, Parked] | None) -> None:
        view = batch.view()
        if parked is None:
            parking.park(view, record, retry, batch.moment.wall)
        else:
            name, entry = parked
            wall = batch.moment.wall
            parking.again(view, parking.routing_of(record), name, entry, wall + retry.after, wall)
        batch.write(view.change, ())
        batch.settled.append(("parked", retry.reason.value))

    def _release(self, batch: Batch, record: Record, name: bytes) -> None:
        view = batch.view()
        parking.release(view, parking.routing_of(record), name, batch.moment.wall)
        batch.write(view.change, ())

    def reject(self, batch: Batch, record: Record, reject: Reject) -> None:
        batch.dead_letter(record, reject)
        self._log.warning(
            "record rejected",
            reason=reject.reason.value,
            error=reject.detail[:300],
            topic=record.topic,
            offset=record.offset,
            event_id=record.header("ce_id"),
        )
        self._rejections.rejected(reject.reason)

    # --- timers --------------------------------------------------------------------------------------------------

    def settle_timers(self, batch: Batch, timers: Sequence[Timer]) -> None:
        for timer in timers:
            if self._calling is None:
                self.fire(batch, timer)
            else:
                self._perform_beside(batch, timer)

    def fire(self, batch: Batch, timer: Timer, *, chain_passed: bool = True) -> None:
        """A pure stage's timer, if it is still set: what was settled before it may have cancelled it."""
        if not _is_set(batch.view(), timer):
            return
        batch.fired.append(Fired(timer.routing, timer.name, timer.due, chain_passed))
        self._fire(batch, timer, {}, chain_passed=chain_passed)

    def _fire(
        self,
        batch: Batch,
        timer: Timer,
        answers: Mapping[Any, Any],
        error: Exception | None = None,
        *,
        chain_passed: bool = True,
    ) -> None:
        view = batch.view()
        if _is_set(view, timer):
            view.delete(TIMER, timer.routing, timer.name)
        elif not answers:
            return
        try:
            if error is not None:
                raise error
            context = replace(self._context(batch, view, answers, None), chain_passed=chain_passed)
            batch.settle(timer, view, list(self._stage.process(timer, context)))
        except StateError:
            raise
        except Exception as caught:  # noqa: BLE001 - the runner's settle: the timer stays, so nothing is lost
            self._log.error("timer failed", timer=timer.name, routing=timer.routing, error=repr(caught)[:500])
            batch.postpone(timer, _DEFECT_PAUSE)

    def _perform_beside(self, batch: Batch, timer: Timer) -> None:
        """Beside the stream: a call may take as long as its own timeout, and holds back only its own lane."""
        assert self._calling is not None
        lane = self._timer_lane(timer)
        if self._beside.is_ending or self._beside.is_busy(lane, timer):
            return
        view = batch.view()
        if not _is_set(view, timer):
            return
        if parking.is_park_timer(timer):
            name, entry = parking.head(view, timer.routing)
            self._beside.start(timer, lane, partial(self._look_after, timer, name, entry))
            return
        try:
            requests = self._calling.plan(timer, self._context(batch, view, {}, None))
        except Exception as caught:  # noqa: BLE001 - the runner's settle
            self._fire(batch, timer, {}, caught)
            return
        if requests:
            self._beside.start(timer, lane, partial(self._call, timer, requests))
        else:
            self._fire(batch, timer, {})

    def _timer_lane(self, timer: Timer) -> str:
        assert self._calling is not None
        return timer.routing if parking.is_park_timer(timer) else self._calling.lane(timer)

    async def _call(self, timer: Timer, requests: Sequence[Any]) -> Answered:
        assert self._calls is not None
        answers: Mapping[Any, Any] = {}
        error: Exception | None = None
        try:
            answers = await self._calls.ask(requests, None)
        except Exception as caught:  # noqa: BLE001 - the runner's settle
            error = caught
        return Answered(timer, answers, None, error)

    async def _look_after(self, timer: Timer, name: bytes, entry: Parked) -> Answered:
        """The head of a key's parked records, read again from the log, with what its stage wants to ask."""
        assert self._calling is not None
        assert self._calls is not None
        record: Record | None = None
        answers: Mapping[Any, Any] = {}
        error: Exception | None = None
        try:
            record = await self._around.broker.fetch(entry.position)
            if record is not None:
                view = View(self.memory, Change(), self._around.clock.now())
                context = Context(view, self._around.clock.now(), self._around.clock.wall(), {}, entry.since)
                answers = await self._calls.ask(self._calling.plan(record, context), None)
        except Exception as caught:  # noqa: BLE001 - the runner's settle
            error = caught
        return Answered(timer, answers, (name, entry, record), error)

    def settle_answers(self, batch: Batch) -> None:
        """What was called beside the stream and has ended. Raises TooManyRejected as `settle_records`."""
        for answered, waiting in self._beside.take_answered():
            if answered.parked is None:
                self._fire(batch, answered.timer, answered.answers, answered.error)
            else:
                self._settle_parked(batch, answered, *answered.parked)
            for other in waiting:
                self._perform_beside(batch, other)
        self._rejections.check()

    def _settle_parked(
        self, batch: Batch, answered: Answered, name: bytes, entry: Parked, record: Record | None
    ) -> None:
        timer = answered.timer
        view = batch.view()
        still = view.get(PARKED, timer.routing, name)
        if still is None or still.position != entry.position:
            return  # a sweep has erased it while it was looked after
        if _is_set(view, timer):
            view.delete(TIMER, timer.routing, timer.name)
            batch.write(view.change, ())
        if answered.error is not None and record is None:
            self._log.error("a parked record could not be read again", error=repr(answered.error)[:300])
            batch.postpone(timer, _DEFECT_PAUSE)
        elif record is None:
            lost = Record(*entry.position, timestamp=0, key=timer.routing.encode(), value=None)
            self.reject(batch, lost, Reject(RejectReason.RETENTION, "retention has removed the parked record"))
            self._release(batch, lost, name)
        else:
            self._settle(batch, record, answered.answers, (name, entry), answered.error)

    # --- sweeps --------------------------------------------------------------------------------------------------

    def settle_visits(self, batch: Batch, part: Part) -> None:
        """What a visit raises is a defect: it is told, and the key stays as it is."""
        for key in part.erased:
            batch.change.put(key, None)
        for routing in {split_key(key)[0] for key in part.erased}:
            view = batch.view()
            parking.go_on(view, routing, batch.moment.wall)
            batch.write(view.change, ())
        for visit in part.visits:
            view = batch.view()
            try:
                batch.settle(visit, view, list(self._swept_stage.visit(visit, self._context(batch, view, {}, None))))
            except StateError:
                raise
            except Exception as caught:  # noqa: BLE001 - the runner's settle
                self._log.error("visit failed", routing=visit.routing, cause=visit.cause, error=repr(caught)[:500])
                batch.settled.append(("failed", RejectReason.DEFECT.value))

    @property
    def _swept_stage(self) -> SweptStage:
        return self._stage  # type: ignore[return-value]

    # --- around a transaction ------------------------------------------------------------------------------------

    def sweep(self, batch: Batch) -> None:
        """Tombstones for what has outlived its time to live."""
        for key in self.memory.expired(batch.moment.now, _SWEEP):
            if key not in batch.change.values:
                batch.change.put(key, None)

    def committed(self, batch: Batch) -> None:
        """The transaction is on the log: now it is true here too, and observers may hear of it."""
        self.memory.apply(batch.change)
        for key, timer in batch.timers():
            if timer is None:
                self.timers.remove(key)
            else:
                self.timers.put(timer)
        if self._calling is not None:
            self.waiting.committed(batch)
        metrics, stage = self._around.metrics, self._origin.stage
        for outcome, reason in batch.settled:
            metrics.records_total.labels(stage, outcome, reason).inc()
            if outcome == "rejected":
                metrics.dead_letters_total.labels(stage, reason).inc()
        for result in batch.outcomes:
            for observe in self._around.observers:
                observe(stage, result)

    async def end_calls(self, within: float) -> None:
        """Lets what is under way end, for so long; what is cut is performed again by the next owner."""
        await self._beside.end(within)
        if self._calls is not None:
            await self._calls.end(0.0)

    def _context(self, batch: Batch, view: View, answers: Mapping[Any, Any], since: Any) -> Context:
        moment = batch.moment
        return Context(view, moment.now, moment.wall, answers, since, missed_until=moment.missed_until)


def _is_set(view: View, timer: Timer) -> bool:
    """Something else may have cancelled it, or set it to another time."""
    current = view.get(TIMER, timer.routing, timer.name)
    return current is not None and current.due == timer.due


def _as_reject(error: Exception) -> Reject:
    if isinstance(error, Reject):
        return error
    if isinstance(error, Undecodable):
        return Reject(RejectReason.UNDECODABLE, str(error))
    return Reject(RejectReason.DEFECT, f"{type(error).__name__}: {error}")
