"""Status callbacks: each change of a job, POSTed in the schema of the status answer (documented for fax)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import aiohttp
import msgspec

from pipeline.simulators.opentext.jobs import Delays, Job

_TIMEOUT = aiohttp.ClientTimeout(total=5)


class StatusCalls:
    """`url` None: nobody is called. A call that fails is not repeated: how OpenText repeats is not public."""

    def __init__(self, url: str | None, delays: Delays) -> None:
        self._url = url
        self._moments = sorted({delays.submitted, delays.in_process, delays.sent, delays.confirmed})
        self._followed: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, job: Job, now: Callable[[], datetime]) -> None:
        """A job that is followed already is not followed twice."""
        if self._url is None or job.id in self._followed:
            return
        self._followed.add(job.id)
        task = asyncio.create_task(self._told(self._url, job, now))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _told(self, url: str, job: Job, now: Callable[[], datetime]) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            for moment in self._moments:
                await asyncio.sleep(max(0.0, moment - (now() - job.received).total_seconds()))
                body = msgspec.json.encode(job.status(now()))
                with suppress(aiohttp.ClientError, TimeoutError):
                    await session.post(url, data=body, headers={"Content-Type": "application/json"})
