"""What may go wrong between the pipeline and its log, one question per call.

Every call of the broker asks `Faults.meet` first and obeys the fate it is given. A scripted test uses `Script`; a
seeded simulation brings its own implementation, which may also wait inside `meet`: that is delay.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from enum import StrEnum
from typing import Protocol


class Call(StrEnum):
    """What is asked of the broker; with it goes the name of whom it is about."""

    INIT = "init"
    """`producer(id)`; the name is the transactional id, as for the next three."""
    SEND = "send"
    COMMIT = "commit"
    ABORT = "abort"
    APPEND = "append"
    """The name is the topic."""
    POLL = "poll"
    """The name is the group."""
    READ = "read"
    """`read` and `fetch`; the name is the topic."""
    ASK = "ask"
    """Offsets, topics; the name is empty."""


class Fate(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    """Sends and appends only: nothing of it is written, the transaction must be aborted. Elsewhere as UNAVAILABLE."""
    UNAVAILABLE = "unavailable"
    """It does not happen, and no answer comes."""
    ANSWER_LOST = "answer-lost"
    """It happens, and no answer comes."""


class Faults(Protocol):
    async def meet(self, call: Call, name: str) -> Fate:
        """May wait. Must give way to other tasks at least once, as a network does."""


class Calm:
    """Nothing goes wrong."""

    async def meet(self, call: Call, name: str) -> Fate:
        await asyncio.sleep(0)
        return Fate.DONE


class Script:
    """Faults by hand: the next calls of a kind, an outage of everything, or calls that are held until released."""

    def __init__(self) -> None:
        self._next: dict[Call, deque[Fate]] = defaultdict(deque)
        self._held: dict[Call, asyncio.Event] = {}
        self._down = False

    def next(self, call: Call, *fates: Fate) -> None:
        """The next calls of that kind, whoever asks, meet these fates, one each; then all is well again."""
        self._next[call].extend(fates)

    def go_down(self) -> None:
        """Everything is unavailable until `come_back`."""
        self._down = True

    def come_back(self) -> None:
        self._down = False

    def hold(self, call: Call) -> None:
        """Calls of that kind do not reach the broker until `release`."""
        self._held.setdefault(call, asyncio.Event())

    def release(self, call: Call) -> None:
        if held := self._held.pop(call, None):
            held.set()

    async def meet(self, call: Call, name: str) -> Fate:
        await asyncio.sleep(0)
        if held := self._held.get(call):
            await held.wait()
        if self._down:
            return Fate.UNAVAILABLE
        return self._next[call].popleft() if self._next[call] else Fate.DONE
