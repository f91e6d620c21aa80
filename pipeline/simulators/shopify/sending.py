"""Deliveries on their way, as Shopify sends them: one second to connect, five for the whole; any 2xx is taken, all else
comes again, up to eight times within four hours and with growing gaps. The original body under the same id."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import aiohttp

from pipeline.simulators.shopify.deliveries import Signed

_TIMEOUT: Final = aiohttp.ClientTimeout(total=5.0, connect=1.0)
_RETRIES: Final = 8
_FOUR_HOURS: Final = 4 * 3600.0


def gaps(within: float = _FOUR_HOURS) -> tuple[float, ...]:
    """Seconds before each repetition, doubling. Shopify publishes their number and sum, not each one."""
    first = within / (2**_RETRIES - 1)
    return tuple(first * 2**number for number in range(_RETRIES))


@dataclass(frozen=True, slots=True)
class Outcome:
    """`statuses` of every attempt, None where there was no answer."""

    statuses: tuple[int | None, ...]

    @property
    def taken(self) -> bool:
        return _is_success(self.statuses[-1])


class Sender:
    """`within`: the seconds over which repetitions are spread; `pause` waits. `session` belongs to the caller."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        secret: str,
        within: float = _FOUR_HOURS,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session = session
        self._url = url
        self._secret = secret
        self._gaps = gaps(within)
        self._pause = pause

    async def deliver(self, delivery: Signed) -> Outcome:
        """Until it is taken, or given up."""
        statuses = [await self.attempt(delivery)]
        for gap in self._gaps:
            if _is_success(statuses[-1]):
                break
            await self._pause(gap)
            statuses.append(await self.attempt(delivery))
        return Outcome(tuple(statuses))

    async def attempt(self, delivery: Signed) -> int | None:
        """One request's status. A redirect is a failure and is not followed."""
        headers = delivery.headers(self._secret)
        try:
            async with self._session.post(
                self._url, data=delivery.body, headers=headers, timeout=_TIMEOUT, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None


def _is_success(status: int | None) -> bool:
    return status is not None and 200 <= status < 300
