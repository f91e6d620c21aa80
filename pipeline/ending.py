"""How the parts of a process end, and how it is said of one that has ended by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any


def end_of(part: asyncio.Task[Any]) -> str:
    if part.cancelled():
        return f"{part.get_name()} was cut off"
    error = part.exception()
    return f"{part.get_name()}: {error!r}" if error is not None else f"{part.get_name()} is done"


async def settled(running: Sequence[asyncio.Task[None]], halt: asyncio.Event) -> None:
    """The workers drain; what ended one of them has been told."""
    halt.set()
    await asyncio.gather(*running, return_exceptions=True)


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
