"""Faults on order: for the next n requests, or for a time. Ordered over HTTP (`/simulator/faults`) or by a test.

POST   /simulator/faults  {"kind": "unavailable", "requests": 3, "seconds": 10, "path": "/sms", "retry_after": 1}
GET    /simulator/faults  what is still ordered, and which kinds there are
DELETE /simulator/faults  the world is well again; what hangs goes on
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum
from math import inf
from typing import Generic, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

K = TypeVar("K", bound=StrEnum)


class Fault(Struct, Generic[K], kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`requests` None: every one until `seconds` have passed; both None: until it is taken back.

    `path`: only requests whose path holds this. `retry_after`: seconds, told where the answer has room for it.
    """

    kind: K
    requests: int | None = None
    seconds: float | None = None
    path: str = ""
    retry_after: float = 1.0


class _Ordered(Struct, Generic[K]):
    fault: Fault[K]
    left: float
    until: float


class Faults(Generic[K]):
    """`kinds` is the simulator's own closed list."""

    def __init__(self, kinds: type[K], now: Callable[[], float] = time.monotonic) -> None:
        self._kinds = kinds
        self._now = now
        self._ordered: list[_Ordered[K]] = []
        self._well = asyncio.Event()
        self.hanging = asyncio.Event()

    def order(self, fault: Fault[K]) -> None:
        left = inf if fault.requests is None else fault.requests
        until = inf if fault.seconds is None else self._now() + fault.seconds
        self._ordered.append(_Ordered(fault, left, until))

    def end(self) -> None:
        """Takes everything back, and lets go of what hangs."""
        self._ordered.clear()
        self._well.set()
        self._well = asyncio.Event()
        self.hanging.clear()

    def strike(self, path: str) -> Fault[K] | None:
        """The fault that this request meets, counted; the one ordered first comes first."""
        for ordered in self._standing():
            if ordered.fault.path in path:
                ordered.left -= 1
                return ordered.fault
        return None

    async def hang(self) -> None:
        """Until the fault is taken back; `hanging` is set from the first one that waits."""
        self.hanging.set()
        await self._well.wait()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/simulator/faults", self._post),
            web.get("/simulator/faults", self._get),
            web.delete("/simulator/faults", self._delete),
        ]

    def _standing(self) -> list[_Ordered[K]]:
        self._ordered = [one for one in self._ordered if one.until > self._now() and one.left > 0]
        return self._ordered

    async def _post(self, request: web.Request) -> web.Response:
        try:
            fault = msgspec.json.decode(await request.read(), type=Fault[self._kinds])  # type: ignore[name-defined]
        except msgspec.DecodeError as error:
            return web.json_response({"message": f"{error}; there are: {', '.join(self._kinds)}"}, status=400)
        self.order(fault)
        return self._shown()

    async def _get(self, _: web.Request) -> web.Response:
        return self._shown()

    async def _delete(self, _: web.Request) -> web.Response:
        self.end()
        return self._shown()

    def _shown(self) -> web.Response:
        shown = {"kinds": list(self._kinds), "ordered": [one.fault for one in self._standing()]}
        return web.Response(body=msgspec.json.encode(shown), content_type="application/json")
