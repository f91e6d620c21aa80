"""One way to serve HTTP beside the receiver: the operators' port, and the simulators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

_SHUTDOWN_SECONDS = 1.0


@asynccontextmanager
async def serving(application: web.Application, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Yields the port that was bound (for port 0 the system chooses). Requests that hang are cut off at the end."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
