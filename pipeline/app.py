"""The composition root: the topology as one table, and one process of it from start to stop.

Main turns the operating system into values; everything here takes values. What was opened last is closed first, each
step within its own bound, and at the deadline the process may be killed: that is safe (see `pipeline.task`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from structlog.typing import FilteringBoundLogger

from pipeline import health
from pipeline.broker import Broker
from pipeline.clients import card_key, opentext_opened, shopify_opened
from pipeline.clock import Clock
from pipeline.complaining import Complaints, StoppedTask, complaining
from pipeline.configurations import (
    AnyStage,
    CredentialsPart,
    EditionLog,
    Following,
    Openings,
    Part,
    StagePart,
    Version,
    WatchedFile,
    Watching,
)
from pipeline.ending import cancelled, end_of, settled
from pipeline.gauges import Gauges
from pipeline.metrics import Metrics
from pipeline.observing import Observing
from pipeline.receiver import Credentials, Intake, Receiver
from pipeline.receiver import serving as serving_receiver
from pipeline.serving import serving
from pipeline.settings import Secrets
from pipeline.surroundings import Chain, Limits, StageSpec, Surroundings
from pipeline.topics import require_topics
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
from stages.rules.table import NAMES
from stages.stage import Outcome

RECEIVER = "receiver"
ROLES = (RECEIVER, *topics.STAGES)


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


@asynccontextmanager
async def _enrich(version: Version, outside: Outside) -> AsyncIterator[AnyStage]:
    async with shopify_opened(version.configuration, outside.secrets, outside.clock.wall) as shopify:
        yield Enrich(version.configuration, shopify, card_key(version.configuration, outside.secrets))


@asynccontextmanager
async def _deduplicate(_: Version, __: Outside) -> AsyncIterator[AnyStage]:
    yield Deduplicate()


@asynccontextmanager
async def _classify(version: Version, _: Outside) -> AsyncIterator[AnyStage]:
    yield Classify(version.configuration, version.hash)


@asynccontextmanager
async def _group(version: Version, _: Outside) -> AsyncIterator[AnyStage]:
    yield Group(version.configuration)


@asynccontextmanager
async def _dispatch(version: Version, outside: Outside) -> AsyncIterator[AnyStage]:
    async with opentext_opened(version.configuration, outside.secrets, outside.metrics) as opentext:
        yield Dispatch(version.configuration, opentext)


class Row(NamedTuple):
    """A stage: its name, what it reads, and how it is opened, with what it needs of the world and no more.

    `takeover`: how long a call of a lost owner may still be under way. The rest: see `StageSpec`.
    """

    name: str
    inputs: tuple[str, ...]
    opened: Callable[[Version, Outside], AbstractAsyncContextManager[AnyStage]]
    passes_to: str | None = None
    chain: Chain = Chain.NONE
    by_team: bool = False
    takeover: Callable[[Configuration], timedelta] = lambda _: timedelta(0)


#: The chain, in order.
TOPOLOGY: Final = (
    Row("enrich", (*topics.RAW, topics.QUESTIONS), _enrich, topics.ENRICHED, Chain.BEATS),
    Row("deduplicate", (topics.ENRICHED,), _deduplicate, topics.UNIQUE),
    Row("classify", (topics.UNIQUE, topics.SIGNALS), _classify, topics.ALERTS, Chain.AWAITS),
    Row("group", (topics.ALERTS, topics.RECEIPTS), _group, topics.NOTIFICATIONS, by_team=True),
    Row(
        "dispatch",
        (topics.NOTIFICATIONS, topics.SENDING_STATUS),
        _dispatch,
        by_team=True,
        takeover=lambda whole: whole.opentext.timeout,
    ),
)


class Pipeline:
    """One process of the pipeline, in some roles. `run` is its whole life.

    It works by the newest accepted configuration; `configuration` is what it was started with, and `file` is where that
    stands, if it is to be watched.
    """

    def __init__(
        self,
        configuration: Configuration,
        outside: Outside,
        roles: Sequence[str] = ROLES,
        file: WatchedFile | None = None,
    ) -> None:
        self._configuration = configuration
        self._outside = outside
        self._rows = tuple(row for row in TOPOLOGY if row.name in roles)
        self._stages = {row.name: _part(row, outside) for row in self._rows}
        self._guests = CredentialsPart(outside.secrets) if RECEIVER in roles else None
        self._following = self._follow(file)
        self._workers: list[Worker] = []
        self._gauges: Gauges | None = None
        self._receiver: Receiver | None = None
        self._started = asyncio.Event()
        self.receiver_port: int | None = None
        self.metrics_port: int | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, then closes in reverse. Raises TopicsMissing, ConfigurationError, BrokerError.

        What ends by itself ends the whole: `stop` is set, so that its deadline counts, and EndedByItself is raised.
        """
        outside, listen = self._outside, self._configuration.listen
        async with AsyncExitStack() as closing:
            await outside.broker.start()
            closing.push_async_callback(outside.broker.close)
            await require_topics(outside.broker)
            closing.push_async_callback(self._following.close)
            await self._following.begin()
            halt = asyncio.Event()
            running = self._start_workers(halt)
            closing.push_async_callback(settled, running, halt)
            if self._guests is not None:
                await self._start_receiver(self._guests.credentials, closing)
            gauges = self._gauges = Gauges(outside.broker, outside.metrics, outside.log, self._workers)
            operators = health.application(health.Health(outside.metrics, self.readiness, gauges.measure))
            self.metrics_port = await closing.enter_async_context(serving(operators, listen.host, listen.metrics_port))
            watching = [
                asyncio.create_task(gauges.watch(), name="gauges"),
                asyncio.create_task(self._following.run(), name="configuration"),
            ]
            watching.append(
                await closing.enter_async_context(complaining(outside.broker, self._complaints(), outside.log))
            )
            for task in watching[:2]:
                closing.push_async_callback(cancelled, task)
            self._started.set()
            waiting = asyncio.create_task(stop.wait())
            closing.push_async_callback(cancelled, waiting)
            done, _ = await asyncio.wait((waiting, *watching, *running), return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            halt.set()
            if ended := [end_of(part) for part in done if part is not waiting]:
                outside.log.error("a part ended by itself", parts=ended)
                raise EndedByItself(", ".join(ended))

    def _follow(self, file: WatchedFile | None) -> Following:
        outside = self._outside
        parts: list[Part[Any]] = [*self._stages.values()]
        if self._guests is not None:
            parts.append(self._guests)
        log = EditionLog(outside.broker, outside.clock, NAMES)
        return Following(self._configuration, Watching(log, outside.metrics, outside.log, file), Openings(parts))

    def _spec(self, row: Row) -> StageSpec:
        editions = self._stages[row.name].editions
        takeover = row.takeover(self._following.in_force.configuration)
        return StageSpec(
            row.name,
            row.inputs,
            editions.newest.stage,
            takeover,
            row.chain,
            row.passes_to,
            row.by_team,
            row.name in topics.JOURNALED,
            editions,
        )

    def _start_workers(self, halt: asyncio.Event) -> list[asyncio.Task[None]]:
        outside = self._outside
        around = Surroundings(
            outside.broker,
            outside.clock,
            outside.metrics,
            outside.log,
            SharedWatermarks(outside.broker),
            Limits(),
            (Observing(outside.metrics, outside.clock), *outside.observers),
            self._configuration.kafka.prefix,
        )
        self._workers += [Worker(self._spec(row), around) for row in self._rows]
        return [asyncio.create_task(worker.run(halt), name=worker.spec.name) for worker in self._workers]

    def _complaints(self) -> Complaints:
        def stopped() -> Iterator[StoppedTask]:
            return ((each.spec.name, *task) for each in self._workers for task in each.stopped().items())

        return Complaints(self._configuration.kafka.prefix, stopped, self._outside.metrics, self._outside.clock)

    async def _start_receiver(self, credentials: Credentials, closing: AsyncExitStack) -> None:
        outside, listen = self._outside, self._configuration.listen
        appender = await outside.broker.appender()
        closing.push_async_callback(appender.close)
        intake = Intake(appender, outside.broker.partitions, outside.clock, outside.metrics, outside.log)
        self._receiver = receiver = Receiver(intake, credentials, self._configuration.kafka.prefix)
        address = (listen.host, listen.port)
        self.receiver_port = await closing.enter_async_context(serving_receiver(receiver, address))
        beating = asyncio.create_task(receiver.beat())
        closing.push_async_callback(cancelled, beating)

    # --- what others want to know --------------------------------------------------------------------------------

    async def started(self) -> None:
        """Returns when everything of this process has been opened; its tasks may still be restoring."""
        await self._started.wait()

    @property
    def configuration_hash(self) -> str:
        """Of the configuration that this process works by, once it has started."""
        return self._following.in_force.hash

    def readiness(self) -> tuple[bool, Mapping[str, list[str]]]:
        problems = [problem for worker in self._workers for problem in worker.problems()]
        if problems and (unusable := self._following.unusable) is not None:
            problems.append(f"configuration: the newest accepted one cannot be used here: {unusable}")
        if self._gauges is not None and self._gauges.problem is not None:
            problems.append(self._gauges.problem)
        return not problems, {"problems": problems}

    def wake(self) -> None:
        """Time has stepped: whoever waits for a moment looks again."""
        if self._receiver is not None:
            self._receiver.wake()
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


def _part(row: Row, outside: Outside) -> StagePart:
    return StagePart(lambda version: row.opened(version, outside))
