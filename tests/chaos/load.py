"""Shopify as a sender: every delivery is posted until somebody answers 200, each time perhaps to another process.

Some are sent twice although they were taken, some come again under another delivery id. A story's deliveries go out in
their order, but nobody waits for one before the next is posted: what is refused is overtaken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import aiohttp

from pipeline.simulators.shopify.deliveries import Delivery
from tests.chaos.evidence import Delivery as Taken
from tests.chaos.stories import Told

#: A story has its next delivery after about that many seconds.
_GAP = 0.7
_ANSWERED_WITHIN = aiohttp.ClientTimeout(total=5.0, connect=1.0)
_COME_AGAIN = 503
_PAUSE = 0.3
_AT_ONCE = 300
_TWICE, _ANEW = 0.03, 0.02
_TICK = 0.05


class Load:
    """`receivers` are the addresses of the processes that live, as far as anybody knows. `problems`: answers that are
    neither yes nor not now."""

    def __init__(self, stories: Iterator[Told], secret: str, receivers: Callable[[], Sequence[str]], seed: int) -> None:
        self.taken: dict[str, Taken] = {}
        self.problems: list[str] = []
        self.attempts = 0
        self.sent = 0
        self._stories = stories
        self._secret = secret
        self._receivers = receivers
        self._chance = Random(seed)
        self._under_way: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def sending(self, rate: float, hear: Callable[[Told], None]) -> AsyncIterator[None]:
        """So many a second, until the block is left; then no new ones. `hear` is told of a story before it begins."""
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            telling = asyncio.create_task(self._tell(session, rate, hear))
            try:
                yield
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
                await self._all_taken()
            finally:
                for task in (telling, *self._under_way):
                    task.cancel()
                await asyncio.gather(telling, *self._under_way, return_exceptions=True)

    async def _all_taken(self) -> None:
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _tell(self, session: aiohttp.ClientSession, rate: float, hear: Callable[[Told], None]) -> None:
        """By the clock, so that a slow tick is made up for."""
        clock = asyncio.get_running_loop().time
        begin, open_stories = clock(), list[Iterator[Delivery]]()
        wide = max(1, round(rate * _GAP))
        while True:
            while self.sent < (clock() - begin) * rate:
                while len(open_stories) < wide:
                    told = next(self._stories)
                    hear(told)
                    open_stories.append(iter(told.deliveries))
                story = self._chance.choice(open_stories)
                if (delivery := next(story, None)) is None:
                    open_stories.remove(story)
                else:
                    self._start(session, delivery)
            await asyncio.sleep(_TICK)

    def _start(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        self.sent += 1
        task = asyncio.create_task(self._deliver(session, delivery))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        await self._until_taken(session, delivery)
        fate = self._chance.random()
        if fate < _TWICE:
            await asyncio.sleep(self._chance.uniform(0, 2))
            await self._until_taken(session, delivery)
        elif fate < _TWICE + _ANEW:
            await asyncio.sleep(self._chance.uniform(0, 2))
            await self._until_taken(session, replace(delivery, webhook_id=f"{delivery.webhook_id}-again"))

    async def _until_taken(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        while True:
            async with self._room:
                status = await self._post(session, delivery)
            if status == 200:
                taken = Taken(delivery.webhook_id, delivery.topic, delivery.shop, datetime.now(UTC))
                self.taken.setdefault(delivery.webhook_id, taken)
                return
            if status not in (None, _COME_AGAIN):
                self.problems.append(f"a delivery of {delivery.topic} was answered {status}")
                return
            await asyncio.sleep(self._chance.uniform(0, 2 * _PAUSE))

    async def _post(self, session: aiohttp.ClientSession, delivery: Delivery) -> int | None:
        """None where there was no answer."""
        receivers = self._receivers()
        if not receivers:
            return None
        self.attempts += 1
        url = f"{self._chance.choice(receivers)}/webhooks/shopify"
        headers = delivery.headers(self._secret)
        try:
            async with session.post(url, data=delivery.body, headers=headers, timeout=_ANSWERED_WITHIN) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
