"""The simulators, by their address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from pipeline.serving import serving


@asynccontextmanager
async def serve(application: web.Application, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Yields the address, `http://HOST:PORT`; port 0 takes a free one."""
    async with serving(application, host, port) as bound:
        yield f"http://{host}:{bound}"
