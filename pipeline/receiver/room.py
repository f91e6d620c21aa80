"""The memory that all bodies share, so that a broker that stands still, or slow senders, cannot fill it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.receiver.verdicts import NotTaken, Verdict


class Room:
    """A body counts while it is read, and once more while it is written: the broker's client holds a copy."""

    def __init__(self, size: int) -> None:
        self.free = size

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Yields what takes so many bytes more, or raises NotTaken (busy); at the end all of them are given back."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self.free:
                raise NotTaken(Verdict.BUSY, "too much is in hand")
            self.free -= size
            taken += size

        try:
            yield take
        finally:
            self.free += taken
