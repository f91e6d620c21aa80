"""The chain up to its alerts, a process for each role, on one broker and by a clock that only moves when it is moved.

Business time and wall time have a hand each. What Shopify delivers, and what a job reports, goes by HTTP to the
receiver that is there; the shop answers lookups as the story lets it know.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
from msgspec.structs import replace

from pipeline import logs
from pipeline.app import RECEIVER, Outside, Pipeline
from pipeline.demo.company import PARTITIONS, SHOP, Keys, company
from pipeline.memory import MemoryBroker
from pipeline.settings import Secrets
from pipeline.simulators.scenario import Change, Player, Step
from pipeline.simulators.serving import serve
from pipeline.simulators.shopify import Admin, AdminSettings, Sender, ShopifySimulator, Store
from schemas import topics
from schemas.alerts import Alert, AlertState
from schemas.codec import decode
from schemas.configuration import Configuration
from schemas.records import TopicPartition
from tests.pipeline.world import until

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALL = (RECEIVER, "enrich", "deduplicate", "classify")
_CHAIN_RESTS_WITHIN = 10.0


class Hands:
    """Wall time goes on by itself too: calls that take long are parked, and looked at again.

    Business is ten days behind the wall: as in the demo, no broker takes what is more than an hour ahead.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._ahead = start + timedelta(days=10) - datetime.now(UTC)

    def now(self) -> datetime:
        return self._now

    def wall(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def step(self, business: timedelta, wall: timedelta = timedelta(0)) -> None:
        self._now += business
        self._ahead += wall


@dataclass
class Process:
    pipeline: Pipeline
    run: asyncio.Task[None]
    stop: asyncio.Event

    async def ends(self) -> None:
        self.stop.set()
        await self.run

    def passed(self) -> list[datetime | None]:
        """How far the chain is, as each of its tasks that waits for it knows."""
        tenures = [task._tenure for worker in self.pipeline._workers for task in worker._tasks.values()]
        return [one._awaiting.passed for one in tenures if one is not None and one._awaiting is not None]


@dataclass
class Clockwork:
    """`has_access`: whether the shop lets us look things up."""

    broker: MemoryBroker
    session: aiohttp.ClientSession
    configuration: Configuration
    keys: Keys
    clock: Hands
    store: Store
    processes: dict[str, Process] = field(default_factory=dict)

    # --- who is there ------------------------------------------------------------------------------------------------

    async def begins(self, *roles: str) -> None:
        for role in roles:
            outside = Outside(self.broker, self.clock, logs.silent(), Secrets(self.keys.environ))
            pipeline, stop = Pipeline(self.configuration, outside, (role,)), asyncio.Event()
            self.processes[role] = Process(pipeline, asyncio.create_task(pipeline.run(stop)), stop)
            await pipeline.started()
        await self.rests()

    async def ends(self, *roles: str) -> None:
        for role in roles:
            await self.processes.pop(role).ends()

    # --- what happens ------------------------------------------------------------------------------------------------

    async def happens(self, steps: Iterable[Step]) -> None:
        """At once, in order; the receiver takes all of it."""
        receiver = f"http://127.0.0.1:{self.processes[RECEIVER].pipeline.receiver_port}"
        sender = Sender(self.session, f"{receiver}/webhooks/shopify", self.keys.shopify, within=1.0)
        player = Player(self.store, sender, self.session, receiver, self.keys.tokens)
        for step in steps:
            outcome = await player.play(step)
            assert outcome is None or outcome.taken, outcome
        await self.rests()

    def knows(self, steps: Iterable[Step]) -> None:
        """The shop does; nobody is told."""
        for step in steps:
            if isinstance(step.act, Change):
                self.store.put(*step.act.things)

    async def passes(self, business: timedelta, wall: timedelta = timedelta(0)) -> None:
        self.clock.step(business, wall)
        for process in self.processes.values():
            process.pipeline.wake()
        await self.rests()

    async def waits_out_answers(self) -> None:
        """For longer than any question's answer is waited for."""
        await self.passes(timedelta(0), timedelta(seconds=31))
        await self.passes(timedelta(0), timedelta(seconds=31))

    async def rests(self) -> None:
        """All that is on the log is settled by whom is there; where all are, the chain has passed the present."""
        await until(self._rests, _CHAIN_RESTS_WITHIN)

    async def _rests(self) -> bool:
        pipelines = [process.pipeline for process in self.processes.values()]
        before = [pipeline._transactions() for pipeline in pipelines]
        for pipeline in (*pipelines, *pipelines):
            if not await pipeline.is_still():
                return False
        if before != [pipeline._transactions() for pipeline in pipelines]:
            return False
        if not set(ALL) <= set(self.processes):
            return True
        due = [at for pipeline in pipelines if (at := pipeline.next_business_timer()) is not None]
        passed = self.processes["classify"].passed()
        has_passed = len(passed) == PARTITIONS and all(at is not None and at >= self.clock.now() for at in passed)
        return has_passed and all(at > self.clock.now() for at in due)

    # --- what was told -----------------------------------------------------------------------------------------------

    async def alerts(self, rule: str) -> list[Alert]:
        """In the order of the log; one for each team and change."""
        found: list[Alert] = []
        partitions = [TopicPartition(topics.ALERTS, number) for number in range(PARTITIONS)]
        for partition, end in (await self.broker.stable_ends(partitions)).items():
            async for records in self.broker.read(partition, 0, end):
                found.extend(
                    decode(record, Alert) for record in records if (record.header("ce_type") or "").startswith("alert.")
                )
        return [alert for alert in found if alert.rule == rule]

    async def fired(self, rule: str) -> list[Alert]:
        """The first word of each episode."""
        found: dict[str, Alert] = {}
        for alert in await self.alerts(rule):
            if alert.state is AlertState.FIRING:
                found.setdefault(alert.id, alert)
        return list(found.values())


@asynccontextmanager
async def clockwork(*, access: bool = True, roles: Sequence[str] = ALL) -> AsyncIterator[Clockwork]:
    clock, keys, store = Hands(START), Keys(), Store(SHOP)
    admin = Admin(store, AdminSettings(token=keys.admin))
    async with AsyncExitStack() as closing:
        shopify = await closing.enter_async_context(serve(ShopifySimulator(SHOP, admin, None, clock.now).application))
        session = await closing.enter_async_context(aiohttp.ClientSession())
        whole = company(shopify, "http://127.0.0.1:1", "time")
        if not access:
            whole = replace(whole, shops=tuple(replace(shop, admin=None) for shop in whole.shops))
        broker = MemoryBroker(PARTITIONS, clock)
        await broker.create_topics(topics.catalogue())
        world = Clockwork(broker, session, whole, keys, clock, store)
        try:
            await world.begins(*roles)
            yield world
        finally:
            await world.ends(*reversed(world.processes))
