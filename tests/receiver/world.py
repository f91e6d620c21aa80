"""A receiver on a real socket, before a broker in memory that can be made to fail, and what it has written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import aiohttp
from structlog.typing import FilteringBoundLogger

from pipeline.clock import VirtualClock
from pipeline.logs import silent
from pipeline.memory import MemoryBroker, Script
from pipeline.metrics import Metrics
from pipeline.receiver import Bounds, Credentials, Intake, Receiver, ShopCredentials, serving
from pipeline.simulators.shopify import Delivery, EventDelivery
from schemas import topics
from schemas.records import Record, TopicPartition

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WALL = NOW + timedelta(minutes=5)
"""The business's time and the wall's are not the same here: each has its place."""
SHOP = "demo.myshopify.com"
QUIET_SHOP = "quiet.myshopify.com"
"""Configured, without tokens."""
SECRET, OLD_SECRET, OTHER_SECRET = "hush", "hush-before", "hush-of-another-app"
JOB_TOKEN, SIGNAL_TOKEN, CALLBACK_SECRET = "job-token", "signal-token", "callback-secret"

CREDENTIALS = Credentials(
    {
        SHOP: ShopCredentials((SECRET.encode(), OLD_SECRET.encode()), JOB_TOKEN, SIGNAL_TOKEN),
        QUIET_SHOP: ShopCredentials((OTHER_SECRET.encode(),)),
    },
    CALLBACK_SECRET,
)


class TwoTimes(VirtualClock):
    """Business time advances by steps; `passes` lets both times pass."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._wall = WALL

    def wall(self) -> datetime:
        return self._wall

    def passes(self, by: timedelta) -> None:
        self.advance(by)
        self._wall += by


class Answer(NamedTuple):
    status: int
    body: Mapping[str, str]
    headers: Mapping[str, str]


def delivery(body: bytes = b'{"id":1}', topic: str = "orders/create", shop: str = SHOP) -> Delivery:
    return Delivery(topic, body, shop, "w-1", datetime(2026, 11, 2, 8, 59, 58, 123456, tzinfo=UTC), event_id="e-1")


def event(resource: str = "gid://shopify/Order/1", topic: str = "Order", action: str = "update") -> EventDelivery:
    return EventDelivery(topic, action, resource, b'{"id":1}', SHOP, "w-2", "e-2", NOW)


@dataclass
class World:
    broker: MemoryBroker
    faults: Script
    metrics: Metrics
    clock: TwoTimes
    intake: Intake
    receiver: Receiver
    port: int
    session: aiohttp.ClientSession

    async def post(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """`body`: bytes, or what makes chunks of them."""
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.post(url, data=body, headers=headers) as response:
            is_ours = response.content_type == "application/json"
            return Answer(response.status, await response.json() if is_ours else {}, dict(response.headers))

    async def deliver(
        self, signed: Delivery | EventDelivery, secret: str = SECRET, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return await self.post("/webhooks/shopify", signed.body, {**signed.headers(secret), **(headers or {})})

    async def say(self, request: bytes) -> bytes:
        """A request that no client of HTTP would send: the first line of the answer, empty where there is none."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return line

    async def records(self, *names: str) -> list[Record]:
        """All that was written: on these topics, or on any."""
        found: list[Record] = []
        for name in names or await self.broker.topics():
            partitions = [TopicPartition(name, number) for number in range(self.broker.partitions)]
            ends = await self.broker.stable_ends(partitions)
            for partition, end in ends.items():
                async for batch in self.broker.read(partition, 0, end):
                    found.extend(batch)
        return found

    async def only(self) -> Record:
        (record,) = await self.records()
        return record

    def counted(self, domain: str, outcome: str) -> float:
        labels = {"domain": domain, "outcome": outcome}
        return self.metrics.registry.get_sample_value("pipeline_webhooks_total", labels) or 0.0


@asynccontextmanager
async def receiving(
    bounds: Bounds | None = None, credentials: Credentials = CREDENTIALS, log: FilteringBoundLogger | None = None
) -> AsyncIterator[World]:
    faults, metrics = Script(), Metrics()
    broker = MemoryBroker(3, VirtualClock(NOW), faults)
    await broker.create_topics(topics.catalogue())
    clock = TwoTimes(NOW)
    intake = Intake(await broker.appender(), 3, clock, metrics, log or silent(), bounds or Bounds())
    receiver = Receiver(intake, credentials, "shop")
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        serving(receiver, ("127.0.0.1", 0)) as port,
    ):
        yield World(broker, faults, metrics, clock, intake, receiver, port, session)
