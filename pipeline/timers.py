"""The timers of one task, in memory: which are due by wall time, which by business time, and which may fire.

They are state (family `timer`), so this is only an index over it: `restore`d from the changelog, changed when a
transaction has committed. DESIGN section 3, time: a business timer that fell due waits until the task has read its
inputs past the high watermarks that were asked for after that (`Gate`), so a decision in the log beats its deadline.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.records import TopicPartition
from stages.stage import Timer, TimerKind

TimerKey = tuple[str, str]


class Timers:
    def __init__(self) -> None:
        self._timers: dict[TimerKey, Timer] = {}
        self._by_wall: list[tuple[datetime, TimerKey]] = []
        self._by_business: list[tuple[datetime, TimerKey]] = []

    def __len__(self) -> int:
        return len(self._timers)

    def get(self, key: TimerKey) -> Timer | None:
        return self._timers.get(key)

    def put(self, timer: Timer) -> None:
        key = (timer.routing, timer.name)
        self._timers[key] = timer
        heapq.heappush(self._heap(timer.kind), (timer.due, key))

    def remove(self, key: TimerKey) -> None:
        self._timers.pop(key, None)

    def postpone_due(self, wall: datetime, by: timedelta) -> None:
        """After a takeover: the last owner's calls may still be under way, so its due retries wait `by`."""
        self._by_wall = [(wall + by if due <= wall else due, key) for due, key in self._by_wall]
        heapq.heapify(self._by_wall)

    def next_wall(self) -> datetime | None:
        return self._next(self._by_wall)

    def next_business(self) -> datetime | None:
        return self._next(self._by_business)

    def take_wall(self, wall: datetime, limit: int) -> list[Timer]:
        """Those due by wall time; each is given once, until it is put again."""
        return self._take(self._by_wall, wall, limit)

    def take_business(self, until: datetime, limit: int) -> list[Timer]:
        return self._take(self._by_business, until, limit)

    def _heap(self, kind: TimerKind) -> list[tuple[datetime, TimerKey]]:
        return self._by_wall if kind is TimerKind.RETRY else self._by_business

    def _next(self, heap: list[tuple[datetime, TimerKey]]) -> datetime | None:
        while heap:
            due, key = heap[0]
            timer = self._current(heap, key)
            if timer is not None and timer.due <= due:
                return due
            heapq.heappop(heap)
        return None

    def _current(self, heap: list[tuple[datetime, TimerKey]], key: TimerKey) -> Timer | None:
        """What is set under that key, if it obeys this heap's clock: replaced timers leave their entries behind."""
        timer = self._timers.get(key)
        return timer if timer is not None and self._heap(timer.kind) is heap else None

    def _take(self, heap: list[tuple[datetime, TimerKey]], until: datetime, limit: int) -> list[Timer]:
        taken: list[Timer] = []
        seen: set[TimerKey] = set()
        while heap and heap[0][0] <= until and len(taken) < limit:
            _, key = heapq.heappop(heap)
            timer = self._current(heap, key)
            if timer is not None and timer.due <= until and key not in seen:
                seen.add(key)
                taken.append(timer)
        return taken


@dataclass(frozen=True, slots=True)
class Gate:
    """What stood on the task's inputs at `asked` (business time; `wall`: the same moment by wall time): once that is
    settled, timers due until then may fire."""

    asked: datetime
    wall: datetime
    watermarks: Mapping[TopicPartition, int]

    def is_passed(self, positions: Mapping[TopicPartition, int]) -> bool:
        return all(positions.get(partition, 0) >= end for partition, end in self.watermarks.items())
