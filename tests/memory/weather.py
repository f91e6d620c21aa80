"""Whom the simulation's calls come from, and what becomes of them: delay, refusal, silence, standing still, death."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from random import Random

from pipeline.broker import Member
from pipeline.memory import Call, Fate, MemoryBroker

#: The process that a coroutine belongs to; None is the simulation itself, to which nothing happens.
PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
#: How often a call is refused or not answered, kills its process, or finds it standing still.
FAILING, DEADLY, STANDING = 0.03, 0.004, 0.02
_BUILDING = frozenset({Call.INIT, Call.READ, Call.ASK})


class Process:
    def __init__(self, name: str) -> None:
        self.name = name
        self.members: list[tuple[str, str]] = []
        self.is_dead = False
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.stop = asyncio.Event()

    async def lives(self) -> None:
        """Waits while it stands still; for ever when it is dead."""
        await self.goes_on.wait()
        if self.is_dead:
            await asyncio.Event().wait()


class Watched(MemoryBroker):
    """Knows which process has which member."""

    def member(self, group: str, topics: Sequence[str]) -> Member:
        member = super().member(group, topics)
        if (process := PROCESS.get()) is not None:
            process.members.append((group, f"{group}-{self._members}"))
        return member


class Weather:
    """The faults: what each call of a process meets. `log` is everything that was asked, in order."""

    def __init__(self, chance: Random, stand_still: Callable[[Process], None]) -> None:
        self.is_calm = False
        self.is_over = False
        self.log: list[tuple[float, str, str, str, str]] = []
        self._chance = chance
        self._stand_still = stand_still
        self._refused: set[str] = set()

    async def meet(self, call: Call, name: str) -> Fate:
        process = PROCESS.get()
        await asyncio.sleep(0)
        if process is None:
            return Fate.DONE
        if self.is_over:
            return Fate.UNAVAILABLE
        if not self.is_calm and self._chance.random() < 0.3:
            await asyncio.sleep(self._chance.expovariate(1 / (0.3 if self._chance.random() < 0.05 else 0.005)))
        if not self.is_calm and call in _BUILDING and self._chance.random() < STANDING:
            # between two steps of a task that is being built: what it has read so far will be old
            self._stand_still(process)
        await process.lives()
        fate = self._fate(call, name, process)
        self.log.append((asyncio.get_running_loop().time(), process.name, call.value, name, fate.value))
        if process.is_dead and fate is Fate.DONE:
            await process.lives()
        return fate

    def _fate(self, call: Call, name: str, process: Process) -> Fate:
        if self.is_calm:
            return Fate.DONE
        drawn = self._chance.random()
        if drawn < DEADLY:
            # killed before the call has done anything, or after it has
            process.is_dead = True
            return self._chance.choice([Fate.DONE, Fate.ANSWER_LOST])
        if drawn > FAILING:
            return Fate.DONE
        if call is Call.SEND and name not in self._refused:
            # a task that is refused three times in a row stops, and rightly
            self._refused.add(name)
            return Fate.REFUSED
        self._refused.discard(name)
        return self._chance.choice([Fate.UNAVAILABLE, Fate.ANSWER_LOST])
