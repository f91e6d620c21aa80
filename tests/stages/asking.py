"""A Shopify that says what it was told to say, and `enrich` running on the broker in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import orjson

from pipeline.settling import Settling
from pipeline.simulators.samples import sample
from pipeline.surroundings import StageSpec
from pipeline.worker import Worker
from schemas import codec, topics
from schemas.configuration import Basic, Configuration, OpenText, Person, Secret, Shop, Team
from schemas.events import Event
from schemas.questions import Question
from schemas.records import Outgoing, Record, partition_of
from schemas.resources import raw_key
from schemas.signals import AnySignal, Signal
from stages.enrich import Enrich
from stages.shopify.answers import Answer, Missing
from stages.shopify.operations import Nodes, Operation
from tests.pipeline.world import World, at_work, memory_world, until
from tests.stages.shopify.at_once import AtOnce

S = TypeVar("S", bound=Signal)
_ANY: Any = AnySignal

SHOP, CLOSED_SHOP = "demo.myshopify.com", "closed.myshopify.com"

CONFIGURATION = Configuration(
    shops=(Shop(domain=SHOP, secrets=()), Shop(domain=CLOSED_SHOP, secrets=())),
    teams=(Team(name="operations", people=(Person(name="ann", email="ann@example.com"),)),),
    opentext=OpenText(base_url="https://opentext.example.com", basic=Basic(user="u", password=Secret(env="P"))),
)


class ToldShopify(AtOnce):
    """`told` by (operation, gid or search); whatever is not in there is answered with `otherwise`."""

    def __init__(self, *shops: str) -> None:
        self.shops = shops
        self.told: dict[tuple[str, str], Answer[Any]] = {}
        self.otherwise: Answer[Any] = Missing()
        self.asked: list[tuple[str, str]] = []

    def has_access(self, shop: str) -> bool:
        return shop in self.shops

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        return self._answer(operation.name, str(variables.get("id") or variables.get("query")))

    def says_of(self, operation: Operation[Nodes[Any]], gid: str) -> Answer[Any]:
        return self._answer(operation.name, gid)

    def _answer(self, operation: str, identity: str) -> Answer[Any]:
        self.asked.append((operation, identity))
        return self.told.get((operation, identity), self.otherwise)


@dataclass
class Enriching:
    """`enrich` over one partition. Both clocks stand still until they are advanced."""

    world: World
    shopify: ToldShopify = field(default_factory=lambda: ToldShopify(SHOP))
    card_key: bytes | None = b"key"
    worker: Worker | None = None
    number: int = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stage = Enrich(CONFIGURATION, self.shopify, self.card_key)
        worker = Worker(StageSpec("enrich", (*topics.RAW, topics.QUESTIONS), stage), self.world.around())
        async with at_work(worker) as self.worker:
            yield

    async def deliver(
        self,
        topic: str,
        changes: Mapping[str, object] | None = None,
        *,
        shop: str = SHOP,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> str:
        """The first sample of a topic, changed, as the receiver would write it; returns the delivery's id."""
        self.number += 1
        given = orjson.dumps(sample(topic) | dict(changes or {})) if body is None else body
        delivery, now = f"delivery-{self.number}", self.world.clock.now().isoformat()
        raw = raw_key(shop, topic, given, delivery)
        told = {"ce_type": topic, "ce_id": delivery, "ce_source": f"//{shop}", "ce_time": now, "received": now}
        await self._append(f"shopify.{raw.domain}", raw.key, given, told | dict(headers or {}))
        return delivery

    async def ask(self, question: Question) -> None:
        await self._append(topics.QUESTIONS, question.subject, codec.encode(question), {})

    async def _append(self, topic: str, key: str, value: bytes, headers: Mapping[str, str]) -> None:
        partition = partition_of(key.encode(), self.world.broker.partitions)
        written = tuple((name, text.encode()) for name, text in headers.items())
        appender = await self.world.broker.appender()
        await appender.append(Outgoing(topic, partition, key.encode(), value, written))
        await appender.close()

    async def pass_time(self, by: timedelta) -> None:
        """Advances both clocks; what falls due by wall time is done when this returns."""
        worker = self.worker
        assert worker is not None
        await self.settled()
        before = worker.transactions
        self.world.clock.advance(by)
        worker.wake()
        if any(due <= self.world.clock.wall() for due in self._retries()):
            await until(lambda: worker.transactions > before)
        await self.settled()

    def _retries(self) -> list[datetime]:
        found = [each.timers.next_wall() for each in self._settlings()]
        return [due for due in found if due is not None]

    async def events(self) -> list[Event]:
        return [codec.decode(record, Event) for record in await self.world.records(topics.ENRICHED)]

    async def signals(self, of: type[S]) -> list[S]:
        told = [codec.decode(record, _ANY) for record in await self.world.records(topics.SIGNALS)]
        return [signal for signal in told if isinstance(signal, of)]

    async def dead(self) -> list[Record]:
        return await self.world.records(topics.dead_of("enrich"))

    async def come(self, number: int) -> list[Event]:
        """Waits until so many events are on `events.enriched`."""

        async def enough() -> bool:
            return len(await self.events()) >= number

        await until(enough)
        return await self.events()

    async def parked(self, number: int) -> None:
        """Waits until so many records are parked, and nothing is under way."""
        await until(lambda: self.remembered("parked") == number)
        await self.settled()

    async def settled(self) -> None:
        """Waits until all that was written has been taken, and no call is under way."""
        await until(self._is_at_rest)

    async def _is_at_rest(self) -> bool:
        assert self.worker is not None
        positions = self.worker.positions()
        ends = await self.world.broker.stable_ends(list(positions))
        calls = any(not each._beside.is_still for each in self._settlings())
        return bool(ends) and not calls and all(positions[partition] >= end for partition, end in ends.items())

    def remembered(self, family: str) -> int:
        """How many keys of a family of state there are."""
        return sum(each.memory.count(family) for each in self._settlings())

    def _settlings(self) -> list[Settling]:
        assert self.worker is not None
        tenures = [task._tenure for task in self.worker._tasks.values()]
        return [tenure.settling for tenure in tenures if tenure is not None]


async def enriching() -> Enriching:
    return Enriching(await memory_world(1))
