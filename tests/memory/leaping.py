"""A loop whose time leaps to the next timer instead of waiting for it: minutes of waiting take milliseconds.

There is no input and no output in it, so what happens depends on nothing but the order in which things were asked for:
the same program with the same seed does the same, step by step.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class _Leaping(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing is left that could happen")
        self.now += max(timeout, 0.0)
        return []


class LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now


class LoopClock:
    """Both times are those of the running loop."""

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    wall = now


def leap(work: Coroutine[Any, Any, T]) -> T:
    loop = LeapingLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
