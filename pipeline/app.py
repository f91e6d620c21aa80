"""The composition root: the topology as one table, and one process of it from start to stop.

Main turns the operating system into values; everything here takes values. What was opened last is closed first, each
step within its own bound, and at the deadline the process may be killed: that is safe (see `pipeline.task`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from structlog.typing import FilteringBoundLogger

from pipeline import health
from pipeline.broker import Broker
from pipeline.clients import card_key, opentext_opened, shopify_opened
from pipeline.clock import Clock
from pipeline.gauges import Gauges
from pipeline.metrics import Metrics
from pipeline.observing import Observing
from pipeline.receiver import Intake, Receiver, credentials_of
from pipeline.receiver import serving as serving_receiver
from pipeline.serving import serving
from pipeline.settings import Secrets, hash_of
from pipeline.task import Limits, StageSpec, Surroundings
from pipeline.watermarks import SharedWatermarks
from pipeline.worker import Worker
from schemas import topics
from schemas.configuration import Configuration
from schemas.records import TopicPartition
from stages.classify import Classify
from stages.deduplicate import Deduplicate
from stages.dispatch import Dispatch
from stages.enrich import Enrich
from stages.group import Group
from stages.stage import CallingStage, Outcome, Stage

RECEIVER = "receiver"
ROLES = (RECEIVER, *topics.STAGES)

AnyStage = Stage | CallingStage[Any, Any]


@dataclass(frozen=True, slots=True)
class Outside:
    """What a process is given: nothing in here is read from the environment below main."""

    broker: Broker
    clock: Clock
    log: FilteringBoundLogger
    secrets: Secrets
    metrics: Metrics = field(default_factory=Metrics)
    observers: tuple[Callable[[str, Outcome], None], ...] = ()


class EndedByItself(Exception):
    """A part of the process ended although nobody had asked for it. `str()` is one line for a person."""


class TopicsMissing(Exception):
    """The installation's topics are not there, or have another partition count than configured."""


@asynccontextmanager
async def _enrich(configuration: Configuration, outside: Outside) -> AsyncIterator[AnyStage]:
    async with shopify_opened(configuration, outside.secrets) as shopify:
        yield Enrich(configuration, shopify, card_key(configuration, outside.secrets))


@asynccontextmanager
async def _deduplicate(_: Configuration, __: Outside) -> AsyncIterator[AnyStage]:
    yield Deduplicate()


@asynccontextmanager
async def _classify(configuration: Configuration, _: Outside) -> AsyncIterator[AnyStage]:
    yield Classify(configuration, hash_of(configuration))


@asynccontextmanager
async def _group(configuration: Configuration, _: Outside) -> AsyncIterator[AnyStage]:
    yield Group(configuration)


@asynccontextmanager
async def _dispatch(configuration: Configuration, outside: Outside) -> AsyncIterator[AnyStage]:
    async with opentext_opened(configuration, outside.secrets, outside.metrics) as opentext:
        yield Dispatch(configuration, opentext)


class Row(NamedTuple):
    """A stage: its name, what it reads, and how it is opened, with what it needs of the world and no more.

    `takeover`: how long a call of a lost owner may still be under way.
    """

    name: str
    inputs: tuple[str, ...]
    opened: Callable[[Configuration, Outside], AbstractAsyncContextManager[AnyStage]]
    takeover: Callable[[Configuration], timedelta] = lambda _: timedelta(0)


#: The chain, in order.
TOPOLOGY: Final = (
    Row("enrich", (*topics.RAW, topics.QUESTIONS), _enrich),
    Row("deduplicate", (topics.ENRICHED,), _deduplicate),
    Row("classify", (topics.UNIQUE, topics.SIGNALS), _classify),
    Row("group", (topics.ALERTS, topics.RECEIPTS), _group),
    Row("dispatch", (topics.NOTIFICATIONS, topics.SENDING_STATUS), _dispatch, lambda whole: whole.opentext.timeout),
)


class Pipeline:
    """One process of the pipeline, in some roles. `run` is its whole life."""

    def __init__(self, configuration: Configuration, outside: Outside, roles: Sequence[str] = ROLES) -> None:
        self._configuration = configuration
        self._outside = outside
        self._roles = tuple(roles)
        self._workers: list[Worker] = []
        self._gauges: Gauges | None = None
        self._started = asyncio.Event()
        self.receiver_port: int | None = None
        self.metrics_port: int | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, then closes in reverse. Raises TopicsMissing, or BrokerError where there is no broker.

        What ends by itself ends the whole: `stop` is set, so that its deadline counts, and EndedByItself is raised.
        """
        outside, listen = self._outside, self._configuration.listen
        async with AsyncExitStack() as closing:
            await outside.broker.start()
            closing.push_async_callback(outside.broker.close)
            await require_topics(outside.broker)
            specs = [await self._opened(row, closing) for row in TOPOLOGY if row.name in self._roles]
            halt = asyncio.Event()
            running = self._start_workers(specs, halt)
            closing.push_async_callback(_settle, running, halt)
            if RECEIVER in self._roles:
                await self._start_receiver(closing)
            gauges = self._gauges = Gauges(outside.broker, outside.metrics, outside.log, self._workers)
            outside.metrics.configured(hash_of(self._configuration))
            operators = health.application(health.Health(outside.metrics, self.readiness, gauges.measure))
            self.metrics_port = await closing.enter_async_context(serving(operators, listen.host, listen.metrics_port))
            watching = asyncio.create_task(gauges.watch(), name="gauges")
            closing.push_async_callback(_cancelled, watching)
            self._started.set()
            waiting = asyncio.create_task(stop.wait())
            closing.push_async_callback(_cancelled, waiting)
            done, _ = await asyncio.wait((waiting, watching, *running), return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            if ended := [_end_of(part) for part in done if part is not waiting]:
                outside.log.error("a part ended by itself", parts=ended)
                raise EndedByItself(", ".join(ended))

    async def _opened(self, row: Row, closing: AsyncExitStack) -> StageSpec:
        stage = await closing.enter_async_context(row.opened(self._configuration, self._outside))
        return StageSpec(row.name, row.inputs, stage, row.takeover(self._configuration))

    def _start_workers(self, specs: Sequence[StageSpec], halt: asyncio.Event) -> list[asyncio.Task[None]]:
        outside = self._outside
        around = Surroundings(
            outside.broker,
            outside.clock,
            outside.metrics,
            outside.log,
            SharedWatermarks(outside.broker),
            Limits(),
            (Observing(outside.metrics, outside.clock), *outside.observers),
        )
        self._workers += [Worker(spec, around) for spec in specs]
        return [asyncio.create_task(worker.run(halt), name=worker.spec.name) for worker in self._workers]

    async def _start_receiver(self, closing: AsyncExitStack) -> None:
        outside, listen = self._outside, self._configuration.listen
        appender = await outside.broker.appender()
        closing.push_async_callback(appender.close)
        intake = Intake(appender, outside.broker.partitions, outside.clock, outside.metrics, outside.log)
        credentials = credentials_of(self._configuration, outside.secrets)
        receiver = Receiver(intake, credentials, self._configuration.kafka.prefix)
        address = (listen.host, listen.port)
        self.receiver_port = await closing.enter_async_context(serving_receiver(receiver, address))
        beating = asyncio.create_task(receiver.beat())
        closing.push_async_callback(_cancelled, beating)

    # --- what others want to know --------------------------------------------------------------------------------

    async def started(self) -> None:
        """Returns when everything of this process has been opened; its tasks may still be restoring."""
        await self._started.wait()

    def readiness(self) -> tuple[bool, Mapping[str, list[str]]]:
        problems = [problem for worker in self._workers for problem in worker.problems()]
        if self._gauges is not None and self._gauges.problem is not None:
            problems.append(self._gauges.problem)
        return not problems, {"problems": problems}

    def wake(self) -> None:
        """Time has stepped: whoever waits for a moment looks again."""
        for worker in self._workers:
            worker.wake()

    def next_business_timer(self) -> datetime | None:
        due = [moment for worker in self._workers if (moment := worker.next_business_timer()) is not None]
        return min(due, default=None)

    async def is_still(self) -> bool:
        """Everything on the log is settled by the workers of this process, and nothing is under way."""
        if not self._is_at_rest():
            return False
        before = self._transactions()
        positions = self._positions()
        ends = await self._outside.broker.high_watermarks(positions)
        return (
            self._is_at_rest()
            and before == self._transactions()
            and all(positions[partition] >= end for partition, end in ends.items())
        )

    def _is_at_rest(self) -> bool:
        return self.readiness()[0] and all(worker.is_still for worker in self._workers)

    def _transactions(self) -> int:
        return sum(worker.transactions for worker in self._workers)

    def _positions(self) -> dict[TopicPartition, int]:
        return {p: offset for worker in self._workers for p, offset in worker.positions().items()}


async def require_topics(broker: Broker) -> None:
    """Raises TopicsMissing where `pipeline topics apply` has not been run, or the partition count was changed."""
    found = await broker.topics()
    missing = [spec.name for spec in topics.catalogue() if spec.name not in found]
    if missing:
        named = ", ".join(missing[:3])
        raise TopicsMissing(f"{len(missing)} topics are missing ({named}, ...): run `pipeline topics apply`")
    wrong = {name: count for name, count in found.items() if count != broker.partitions}
    if wrong:
        name, count = min(wrong.items())
        raise TopicsMissing(
            f"{name} has {count} partitions, the configuration says {broker.partitions}: keys would move away from "
            "their state; set kafka.partitions back, or start under a new prefix"
        )


def _end_of(part: asyncio.Task[Any]) -> str:
    if part.cancelled():
        return f"{part.get_name()} was cut off"
    error = part.exception()
    return f"{part.get_name()}: {error!r}" if error is not None else f"{part.get_name()} is done"


async def _settle(running: Sequence[asyncio.Task[None]], halt: asyncio.Event) -> None:
    """The workers drain; what ended one of them has been told."""
    halt.set()
    await asyncio.gather(*running, return_exceptions=True)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
