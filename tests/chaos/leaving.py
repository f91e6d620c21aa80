"""Who can be gone for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web


class Leaving:
    """`refusals` counts what got no good answer, for whichever reason."""

    def __init__(self) -> None:
        self.refusals = 0
        self._is_gone = False

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Every connection is cut, and nothing is taken."""
        self._is_gone = True
        try:
            yield
        finally:
            self._is_gone = False

    def _cut(self, request: web.Request) -> web.Response:
        self.refusals += 1
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)
