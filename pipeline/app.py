"""The composition root: the topology as one table, and one process of it from start to stop.

Main turns the operating system into values; everything here takes values. What was opened last is closed first, each
step within its own bound, and at the deadline the process may be killed: that is safe (see `pipeline.task`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp
from aiohttp import web
from stages.classify import Classify
from stages.dispatch import Dispatch
from stages.group import Group
from structlog.typing import FilteringBoundLogger

from pipeline.broker import Broker, BrokerError
from pipeline.clock import Clock
from pipeline.metrics import Metrics
from pipeline.settings import Secrets, hash_of
from pipeline.task import Limits, StageSpec, Surroundings
from pipeline.watermarks import SharedWatermarks
from pipeline.worker import Worker
from schemas import topics
from schemas.configuration import Configuration
from schemas.records import TopicPartition
from stages.deduplicate import Deduplicate
from stages.enrich import Enrich
from stages.stage import Outcome

RECEIVER = "receiver"
ROLES = (RECEIVER, *topics.STAGES)
_GAUGES_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Outside:
    """What a process is given: nothing in here is read from the environment below main."""

    broker: Broker
    clock: Clock
    log: FilteringBoundLogger
    secrets: Secrets
    metrics: Metrics = field(default_factory=Metrics)
    observers: tuple[Callable[[str, Outcome], None], ...] = ()


class TopicsMissing(Exception):
    """The installation's topics are not there, or have another partition count than configured."""


def topology(configuration: Configuration, outside: Outside, session: aiohttp.ClientSession) -> tuple[StageSpec, ...]:
    """The chain, in order. A stage is a row: its name, what it reads, and who it is."""
    opentext = opentext_client(configuration, outside.secrets, session)
    shopify = shopify_client(configuration, outside.secrets, session)
    return (
        StageSpec("enrich", (*topics.RAW, topics.QUESTIONS), Enrich(configuration, shopify)),
        StageSpec("deduplicate", (topics.ENRICHED,), Deduplicate()),
        StageSpec("classify", (topics.UNIQUE, topics.SIGNALS), Classify(configuration, hash_of(configuration))),
        StageSpec("group", (topics.ALERTS, topics.RECEIPTS), Group(configuration)),
        StageSpec(
            "dispatch",
            (topics.NOTIFICATIONS, topics.SENDING_STATUS),
            Dispatch(configuration, opentext),
            takeover=configuration.opentext.timeout,
        ),
    )


class Pipeline:
    """One process of the pipeline, in some roles. `run` is its whole life."""

    def __init__(self, configuration: Configuration, outside: Outside, roles: Sequence[str] = ROLES) -> None:
        self.configuration = configuration
        self.outside = outside
        self.roles = tuple(roles)
        self.workers: list[Worker] = []
        self.receiver_port: int | None = None
        self.metrics_port: int | None = None
        self._serving = False

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, then closes in reverse. Raises TopicsMissing, or BrokerError where there is no broker."""
        listen = self.configuration.listen
        async with AsyncExitStack() as closing:
            await self.outside.broker.start()
            closing.push_async_callback(self.outside.broker.close)
            await require_topics(self.outside.broker)
            session = await closing.enter_async_context(aiohttp.ClientSession())
            self.outside.metrics.configured(hash_of(self.configuration))
            health = Health(self.outside.metrics, self.readiness, self._measure)
            self.metrics_port = await serve(closing, health_application(health), (listen.host, listen.metrics_port))
            halt = asyncio.Event()
            running = self._start_workers(closing, session, halt)
            if RECEIVER in self.roles:
                await self._start_receiver(closing)
            running.append(asyncio.create_task(self._gauge_lag()))
            closing.push_async_callback(_settle, running, halt)
            waiting = asyncio.create_task(stop.wait())
            await asyncio.wait((waiting, *running), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    def _start_workers(
        self, closing: AsyncExitStack, session: aiohttp.ClientSession, halt: asyncio.Event
    ) -> list[asyncio.Task[None]]:
        outside = self.outside
        around = Surroundings(
            outside.broker,
            outside.clock,
            outside.metrics,
            outside.log,
            SharedWatermarks(outside.broker),
            Limits(),
            (Observing(outside.metrics, outside.clock), *outside.observers),
        )
        specs = topology(self.configuration, outside, session)
        self.workers = [Worker(spec, around) for spec in specs if spec.name in self.roles]
        return [asyncio.create_task(worker.run(halt), name=worker.spec.name) for worker in self.workers]

    async def _start_receiver(self, closing: AsyncExitStack) -> None:
        outside, listen = self.outside, self.configuration.listen
        appender = await outside.broker.appender()
        closing.push_async_callback(appender.close)
        receiver = self._receiver(appender)
        self.receiver_port = await serve(closing, receiver_application(receiver), (listen.host, listen.port))
        beating = asyncio.create_task(receiver.beat())
        closing.push_async_callback(_cancelled, beating)

    # --- what others want to know --------------------------------------------------------------------------------

    def readiness(self) -> tuple[bool, dict[str, list[str]]]:
        problems = [problem for worker in self.workers for problem in worker.problems()]
        return not problems, {"problems": problems}

    def wake(self) -> None:
        for worker in self.workers:
            worker.wake()

    def next_business_timer(self) -> datetime | None:
        due = [moment for worker in self.workers if (moment := worker.next_business_timer()) is not None]
        return min(due, default=None)

    async def is_still(self) -> bool:
        """Everything on the log is settled by the workers of this process, and nothing is under way."""
        if not all(worker.is_still for worker in self.workers):
            return False
        before = sum(worker.transactions for worker in self.workers)
        watermarks = await self.outside.broker.high_watermarks(self._inputs())
        positions = {p: offset for worker in self.workers for p, offset in worker.positions().items()}
        return (
            all(worker.is_still for worker in self.workers)
            and before == sum(worker.transactions for worker in self.workers)
            and all(positions.get(partition, 0) >= end for partition, end in watermarks.items())
        )

    def _inputs(self) -> list[TopicPartition]:
        return [partition for worker in self.workers for partition in worker.positions()]

    def _measure(self) -> None:
        for worker in self.workers:
            worker.measure()

    async def _gauge_lag(self) -> None:
        """Lag in records by stage and partition, control records excluded once they are stepped over."""
        while True:
            await asyncio.sleep(_GAUGES_SECONDS)
            for worker in self.workers:
                await self._gauge_lag_of(worker)

    async def _gauge_lag_of(self, worker: Worker) -> None:
        positions = worker.positions()
        try:
            ends = await self.outside.broker.stable_ends(list(positions))
        except BrokerError as error:
            self.outside.log.warning("the lag cannot be told", error=str(error))
            return
        lag: dict[int, int] = {}
        for partition, offset in positions.items():
            lag[partition.partition] = lag.get(partition.partition, 0) + max(0, ends[partition] - offset)
        for number, records in lag.items():
            self.outside.metrics.lag_records.labels(worker.spec.name, str(number)).set(records)


async def require_topics(broker: Broker) -> None:
    """Raises TopicsMissing where `pipeline topics apply` has not been run, or the partition count was changed."""
    found = await broker.topics()
    missing = [spec.name for spec in topics.catalogue() if spec.name not in found]
    if missing:
        raise TopicsMissing(
            f"{len(missing)} topics are missing ({', '.join(missing[:3])}, ...): run `pipeline topics apply`"
        )
    wrong = {name: count for name, count in found.items() if count != broker.partitions}
    if wrong:
        name, count = next(iter(sorted(wrong.items())))
        raise TopicsMissing(
            f"{name} has {count} partitions, the configuration says {broker.partitions}: keys would move away from "
            "their state; set kafka.partitions back, or start under a new prefix"
        )


async def serve(closing: AsyncExitStack, application: web.Application, address: tuple[str, int]) -> int:
    """Serves until `closing` closes; the port that was bound (for port 0 the system chooses)."""
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    closing.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, *address)
    await site.start()
    return int(runner.addresses[0][1])


async def _settle(running: Sequence[asyncio.Task[None]], halt: asyncio.Event) -> None:
    """Workers drain; what is not a worker is cut."""
    halt.set()
    for task in running:
        if task.get_name() not in ROLES:
            task.cancel()
    results = await asyncio.gather(*running, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, asyncio.CancelledError):
            raise result


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
