"""The timers of one task, in memory: which are due by wall time, which by business time, and which may fire.

They are state (family `timer`), so this is only an index over it: `restore`d from the changelog, changed when a
transaction has committed. DESIGN section 3, time: a business timer that fell due waits until the task has read its
inputs past the high watermarks that were asked for after that (`Gate`), so a decision in the log beats its deadline.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.records import TopicPartition
from stages.stage import Timer, TimerKind

TimerKey = tuple[str, str]
_Heap = list[tuple[datetime, TimerKey]]
_STALE = 1000

BUSINESS = (TimerKind.DEADLINE, TimerKind.ABSENCE, TimerKind.OUTSIDE)


class Timers:
    """A replaced or removed timer leaves its entry behind; once these are the most, the heaps are made anew."""

    def __init__(self) -> None:
        self._timers: dict[TimerKey, Timer] = {}
        self._heaps: dict[TimerKind, _Heap] = {kind: [] for kind in TimerKind}

    def __len__(self) -> int:
        return len(self._timers)

    def get(self, key: TimerKey) -> Timer | None:
        return self._timers.get(key)

    def put(self, timer: Timer) -> None:
        key = (timer.routing, timer.name)
        self._timers[key] = timer
        heapq.heappush(self._heaps[timer.kind], (timer.due, key))
        if sum(map(len, self._heaps.values())) > 2 * len(self._timers) + _STALE:
            self._make_anew()

    def remove(self, key: TimerKey) -> None:
        self._timers.pop(key, None)

    def postpone_due(self, wall: datetime, by: timedelta) -> None:
        """After a takeover: the last owner's calls may still be under way, so its due retries wait `by`."""
        heap = [(wall + by if due <= wall else due, key) for due, key in self._heaps[TimerKind.RETRY]]
        heapq.heapify(heap)
        self._heaps[TimerKind.RETRY] = heap

    def give_back(self, keys: Iterable[TimerKey], due: datetime) -> None:
        """What was taken and not settled is given once more, not before `due`."""
        for key in keys:
            if (timer := self._timers.get(key)) is not None:
                heapq.heappush(self._heaps[timer.kind], (max(due, timer.due), key))

    def next(self, *kinds: TimerKind) -> datetime | None:
        """When the next one of these kinds is due."""
        found = [due for kind in kinds if (due := self._next(kind)) is not None]
        return min(found, default=None)

    def next_wall(self) -> datetime | None:
        return self._next(TimerKind.RETRY)

    def next_business(self) -> datetime | None:
        return self.next(*BUSINESS)

    def take_wall(self, wall: datetime, limit: int) -> list[Timer]:
        return self.take(TimerKind.RETRY, wall, limit)

    def take(self, kind: TimerKind, until: datetime, limit: int) -> list[Timer]:
        """Those of that kind that are due until then; each is given once, until it is put again."""
        heap = self._heaps[kind]
        taken: list[Timer] = []
        seen: set[TimerKey] = set()
        while heap and heap[0][0] <= until and len(taken) < limit:
            _, key = heapq.heappop(heap)
            timer = self._current(kind, key)
            if timer is not None and timer.due <= until and key not in seen:
                seen.add(key)
                taken.append(timer)
        return taken

    def _next(self, kind: TimerKind) -> datetime | None:
        heap = self._heaps[kind]
        while heap:
            due, key = heap[0]
            timer = self._current(kind, key)
            if timer is not None and timer.due <= due:
                return due
            heapq.heappop(heap)
        return None

    def _current(self, kind: TimerKind, key: TimerKey) -> Timer | None:
        """What is set under that key, if it is of this kind still."""
        timer = self._timers.get(key)
        return timer if timer is not None and timer.kind is kind else None

    def _make_anew(self) -> None:
        """What was taken and not put again is not in a heap, and must not come back."""
        for kind, heap in self._heaps.items():
            current = {
                (due, key) for due, key in heap if (timer := self._current(kind, key)) is not None and timer.due <= due
            }
            heap[:] = sorted(current)


@dataclass(frozen=True, slots=True)
class Gate:
    """What stood on the task's inputs at `asked` (business time; `wall`: the same moment by wall time): once that is
    settled, timers due until then may fire."""

    asked: datetime
    wall: datetime
    watermarks: Mapping[TopicPartition, int]

    def is_passed(self, positions: Mapping[TopicPartition, int]) -> bool:
        return all(positions.get(partition, 0) >= end for partition, end in self.watermarks.items())
