"""The calls of one task that are under way. Cancel the wait, never the work: a call that outlives its patience goes on,
and whoever asks the same again joins it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Perform = Callable[[Any], Awaitable[Any]]


class Calls:
    def __init__(self, perform: Perform, at_once: int) -> None:
        self._perform = perform
        self._room = asyncio.Semaphore(at_once)
        self._flights: dict[Any, asyncio.Task[Any]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def ask(self, requests: Sequence[Any], patience: float | None) -> dict[Any, Any]:
        """The answers that came within `patience` seconds (None: all of them). Raises what `perform` raised.

        A call that was cut has no answer: its request is missing, as if it took too long.
        """
        flights = {request: self._join(request) for request in requests}
        if flights:
            await asyncio.wait(flights.values(), timeout=patience)
        return {
            request: flight.result() for request, flight in flights.items() if flight.done() and not flight.cancelled()
        }

    def _join(self, request: Any) -> asyncio.Task[Any]:
        flight = self._flights.get(request)
        if flight is None:
            flight = asyncio.create_task(self._fly(request))
            self._flights[request] = flight
            flight.add_done_callback(lambda done: self._land(request, done))
        return flight

    async def _fly(self, request: Any) -> Any:
        async with self._room:
            return await self._perform(request)

    def _land(self, request: Any, flight: asyncio.Task[Any]) -> None:
        self._flights.pop(request, None)
        if not flight.cancelled():
            flight.exception()

    async def end(self, within: float) -> None:
        """Lets the calls end, for at most `within` seconds, then cuts them."""
        if flights := list(self._flights.values()):
            await asyncio.wait(flights, timeout=within)
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
