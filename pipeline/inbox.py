"""What a task has at hand: records that were read and not taken yet. Bounded, so that a hot partition is paused."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from schemas.records import Record


class Inbox:
    """Full from `records` or `bytes` on; roomy again at half of both. The bounds are a sign, not a wall: what was
    fetched already is still taken in."""

    def __init__(self, records: int, size: int) -> None:
        self._most = records
        self._largest = size
        self._records: deque[Record] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._records)

    @property
    def is_full(self) -> bool:
        return len(self._records) >= self._most or self._size >= self._largest

    @property
    def has_room(self) -> bool:
        return len(self._records) <= self._most // 2 and self._size <= self._largest // 2

    @property
    def oldest(self) -> int | None:
        """The earliest timestamp in here, in milliseconds since the epoch."""
        return min((record.timestamp for record in self._records), default=None)

    def put(self, records: Iterable[Record]) -> None:
        for record in records:
            self._records.append(record)
            self._size += _size(record)

    def take(self, limit: int, size: int) -> list[Record]:
        """In order, at least one if there is one: at most `limit`, and no more after `size` bytes."""
        taken: list[Record] = []
        while self._records and len(taken) < limit and size > 0:
            record = self._records.popleft()
            self._size -= _size(record)
            size -= _size(record)
            taken.append(record)
        return taken

    def put_back(self, records: Iterable[Record]) -> None:
        """What was taken last, in its order: it is next again."""
        for record in reversed(list(records)):
            self._records.appendleft(record)
            self._size += _size(record)

    def clear(self) -> None:
        self._records.clear()
        self._size = 0


def _size(record: Record) -> int:
    return len(record.value or b"") + len(record.key or b"")
