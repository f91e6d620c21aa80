"""Timers that wait for the log: which of a task's deadlines may fire, and when the next one has to be looked at.

DESIGN section 3, time, rules 2 and 3. A deadline that fell due waits until the task has settled what its inputs held
at that time: high watermarks that were asked for afterwards. What is about Shopify's silence waits for the chain too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pipeline.chain import Awaiting
from pipeline.reading import Reading
from pipeline.settling import Settling
from pipeline.surroundings import Surroundings
from pipeline.timers import BUSINESS, Gate
from pipeline.transaction import Batch
from stages.stage import Timer, TimerKind

_LOOKS_EVERY = 1.0


class Deadlines:
    """`awaiting` is None where no timer is about what others may still have to tell."""

    def __init__(self, settling: Settling, reading: Reading, awaiting: Awaiting | None, around: Surroundings) -> None:
        self._settling = settling
        self._reading = reading
        self._awaiting = awaiting
        self._around = around
        self._gate: Gate | None = None

    @property
    def is_waiting(self) -> bool:
        """One is due, and waits for what was on the log then."""
        return self._gate is not None

    async def settle(self, batch: Batch) -> None:
        if not self._is_due(batch.moment.now, batch.moment.wall):
            return
        if self._gate is None:
            watermarks = await self._around.watermarks(self._reading.inputs)
            self._gate = Gate(batch.moment.now, batch.moment.wall, watermarks)
        if not self._gate.is_passed(self._reading.settled(batch.offsets)):
            return
        gate, self._gate = self._gate, None
        for timer in self._taken(gate, batch.moment.wall):
            self._settling.fire(batch, timer, chain_passed=self._has_chain_passed(timer))

    def _taken(self, gate: Gate, wall: datetime) -> Iterator[Timer]:
        timers, limit = self._settling.timers, self._around.limits.batch_records
        for kind in BUSINESS:
            if (until := self._reach(kind, gate.asked, wall)) is not None:
                yield from timers.take(kind, until, limit)
        if not self._settling.makes_calls:
            yield from timers.take_wall(gate.wall, limit)

    def _is_due(self, now: datetime, wall: datetime) -> bool:
        gated = self._gated_wall()
        return (gated is not None and gated <= wall) or any(self._may_fire(kind, now, wall) for kind in BUSINESS)

    def _may_fire(self, kind: TimerKind, now: datetime, wall: datetime) -> bool:
        due, reach = self._settling.timers.next(kind), self._reach(kind, now, wall)
        return due is not None and reach is not None and due <= reach

    def _reach(self, kind: TimerKind, now: datetime, wall: datetime) -> datetime | None:
        """Up to when those of that kind need not wait for the chain any more."""
        return now if self._awaiting is None else self._awaiting.reach(kind, now, wall)

    def _has_chain_passed(self, timer: Timer) -> bool:
        return timer.kind is not TimerKind.OUTSIDE or self._awaiting is None or self._awaiting.has_passed(timer.due)

    def _gated_wall(self) -> datetime | None:
        """When the next retry is due that waits for the log as a deadline does: those of stages without calls."""
        return None if self._settling.makes_calls else self._settling.timers.next_wall()

    # --- when to look again ------------------------------------------------------------------------------------------

    def seconds_to_next(self) -> Iterator[float]:
        clock, timers = self._around.clock, self._settling.timers
        now, wall = clock.now(), clock.wall()
        if (retry := timers.next_wall()) is not None:
            is_gated = self._gate is not None and not self._settling.makes_calls
            yield _LOOKS_EVERY if is_gated else (retry - wall).total_seconds()
        for kind in BUSINESS:
            if (due := timers.next(kind)) is not None:
                is_held = self._gate is not None or (due <= now and not self._may_fire(kind, now, wall))
                yield _LOOKS_EVERY if is_held else (due - now).total_seconds()
