"""Timers' calls, performed beside the stream: each lane one after the other, holding back nothing but itself.

A timer stays in the state until its answer is settled, so whatever is cut here is performed again by the next owner.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.parking import Parked
from pipeline.timers import TimerKey
from schemas.records import Record
from stages.stage import Timer


class Answered(NamedTuple):
    """A timer's calls have ended. `parked` is the record that it looked after, with its place in the queue."""

    timer: Timer
    answers: Mapping[Any, Any]
    parked: tuple[bytes, Parked, Record | None] | None
    error: Exception | None


class Beside:
    """`wake` is called when an answer has come."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._running: dict[TimerKey, asyncio.Task[None]] = {}
        self._lanes: dict[str, deque[Timer]] = {}
        self._answered: deque[tuple[str, Answered]] = deque()
        self._left: list[TimerKey] = []
        self.is_ending = False
        """Nothing may be started any more."""

    @property
    def is_still(self) -> bool:
        return not (self._running or self._answered)

    def is_busy(self, lane: str, timer: Timer) -> bool:
        """True where the lane has work under way: then the timer follows it."""
        waiting = self._lanes.get(lane)
        if waiting is None:
            return False
        if timer not in waiting:
            waiting.append(timer)
        return True

    def start(self, timer: Timer, lane: str, work: Callable[[], Awaitable[Answered]]) -> None:
        self._lanes[lane] = deque()
        self._running[timer.routing, timer.name] = asyncio.create_task(self._run(lane, work))

    async def _run(self, lane: str, work: Callable[[], Awaitable[Answered]]) -> None:
        self._answered.append((lane, await work()))
        self._wake()

    def take_answered(self) -> Iterator[tuple[Answered, deque[Timer]]]:
        """What has ended, each with the timers that waited for its lane."""
        while self._answered:
            lane, answered = self._answered.popleft()
            self._running.pop((answered.timer.routing, answered.timer.name), None)
            waiting = self._lanes.pop(lane, deque())
            if self.is_ending:
                self._left += [(timer.routing, timer.name) for timer in waiting]
                waiting = deque()
            yield answered, waiting

    def left(self) -> Sequence[TimerKey]:
        """Behind its end, with all answers taken: timers whose calls were cut, and those that waited for their lane."""
        waiting = [(timer.routing, timer.name) for lane in self._lanes.values() for timer in lane]
        return [*self._running, *waiting, *self._left]

    async def end(self, within: float) -> None:
        """Starts nothing more, lets what is under way end for so long, and cuts the rest."""
        self.is_ending = True
        running = list(self._running.values())
        if running:
            await asyncio.wait(running, timeout=within)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
