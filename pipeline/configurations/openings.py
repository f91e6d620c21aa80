"""What stands open for a configuration: clients, credentials, whatever a part of the process works by.

Of every part the newest is open, and older ones as long as somebody works by them, but no longer than a minute: who is
behind by then takes the newest before it does anything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol, TypeVar

from pipeline.configurations.log import Version
from pipeline.document import Mistake
from pipeline.settings import ConfigurationError

T = TypeVar("T")

_STAYS_SECONDS = 60.0


class Part(Protocol[T]):
    """Something of this process that works by the configuration."""

    def opened(self, version: Version) -> AbstractAsyncContextManager[T]:
        """Raises ConfigurationError or ValueError where it cannot be worked by."""

    def take(self, number: int, version: Version, opened: T) -> None:
        """From now on this one. Only with greater numbers."""

    def in_use(self) -> Collection[int]:
        """The numbers of those that somebody works by."""


@dataclass
class _Opened:
    """`until`: the loop's time at which it is closed, whoever works by it."""

    part: Part[Any]
    thing: Any
    closing: AsyncExitStack
    numbers: set[int] = field(default_factory=set)
    until: float = inf

    def is_over(self, now: float) -> bool:
        return self.until < inf and (now >= self.until or self.numbers.isdisjoint(self.part.in_use()))


class Openings:
    """`stays`: seconds that an older one may be in use."""

    def __init__(self, parts: Sequence[Part[Any]], stays: float = _STAYS_SECONDS) -> None:
        self._parts = parts
        self._stays = stays
        self._newest: list[_Opened] = []
        self._older: list[_Opened] = []

    async def try_out(self, version: Version) -> None:
        """Raises ConfigurationError where not every part of this process could work by it."""
        for opened in await self._opened(version):
            await opened.closing.aclose()

    async def open(self, number: int, version: Version) -> None:
        """All parts take it at the same moment, or none does: then ConfigurationError is raised."""
        opened = await self._opened(version)
        until = asyncio.get_running_loop().time() + self._stays
        for before in self._newest:
            before.until = until
        self._older += self._newest
        self._newest = opened
        self.renumber(number, version)

    def renumber(self, number: int, version: Version) -> None:
        """What is open was accepted once more, and holds by this number too."""
        for opened in self._newest:
            opened.numbers.add(number)
            opened.part.take(number, version, opened.thing)

    async def close_older(self) -> None:
        """Those that nobody works by any more, or whose time is over."""
        now = asyncio.get_running_loop().time()
        for opened in [opened for opened in self._older if opened.is_over(now)]:
            self._older.remove(opened)
            await opened.closing.aclose()

    async def close(self) -> None:
        """Everything, when nobody works any more."""
        for opened in (*self._newest, *self._older):
            await opened.closing.aclose()

    async def _opened(self, version: Version) -> list[_Opened]:
        found: list[_Opened] = []
        async with AsyncExitStack() as opening:
            for part in self._parts:
                closing = await opening.enter_async_context(AsyncExitStack())
                try:
                    thing = await closing.enter_async_context(part.opened(version))
                except ValueError as error:
                    raise ConfigurationError([Mistake("", str(error))]) from error
                found.append(_Opened(part, thing, closing))
            opening.pop_all()
        return found
