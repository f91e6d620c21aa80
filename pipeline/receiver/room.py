"""The memory that all bodies share, so that a broker that stands still, or slow senders, cannot fill it.

A body counts once. While it is written the broker's client holds a copy of it, so twice the size may be in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.receiver.verdicts import NotTaken, Verdict


class Room:
    def __init__(self, size: int) -> None:
        self._free = size

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Yields what takes so many bytes more, or raises NotTaken (busy); at the end all of them are given back."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self._free:
                raise NotTaken(Verdict.BUSY, "too much is in hand")
            self._free -= size
            taken += size

        try:
            yield take
        finally:
            self._free += taken

    def keep(self, size: int, writing: asyncio.Task[None]) -> None:
        """For a write that outlives its request: what cannot be refused any more still counts until it is over."""
        self._free -= size
        writing.add_done_callback(lambda _: self._give_back(size))

    def _give_back(self, size: int) -> None:
        self._free += size
