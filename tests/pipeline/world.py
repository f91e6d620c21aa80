"""A small world for the runtime's tests: a broker in memory, a clock that stands still, toy stages, a worker's life."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import msgspec
import structlog
from msgspec import Struct

from pipeline.broker import Broker
from pipeline.clock import VirtualClock
from pipeline.memory import Faults, MemoryBroker
from pipeline.metrics import Metrics
from pipeline.surroundings import Limits, StageSpec, Surroundings
from pipeline.watermarks import SharedWatermarks
from pipeline.worker import Worker
from schemas import topics
from schemas.reasons import RejectReason, RetryReason
from schemas.records import Outgoing, Record, TopicPartition, partition_of
from stages.stage import (
    CancelTimer,
    Context,
    Emit,
    Family,
    Outcome,
    Reject,
    Retry,
    SetTimer,
    Timer,
    TimerKind,
    Work,
)

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NAMES = {
    "enrich": topics.RAW[0],
    "deduplicate": topics.ENRICHED,
    "group": topics.ALERTS,
    "dispatch": topics.NOTIFICATIONS,
}


class Count(Struct, frozen=True):
    key: str
    number: int
    by: str = "record"


COUNT: Family[int] = Family("count", int)
FAT: Family[bytes] = Family("fat", bytes)


class Counting:
    """Counts the records of each key.

    `bad` is rejected, `bug` is one; `late` asks to be counted an hour later, `cancel` that it is not.
    """

    families: Sequence[Family[Any]] = (COUNT, FAT)

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer):
            return self._count(work.routing, context, "timer")
        key = (work.key or b"").decode(errors="replace")
        match work.value:
            case b"bad":
                raise Reject(RejectReason.UNDECODABLE, "it says bad")
            case b"bug":
                raise ZeroDivisionError("a bug")
            case b"late":
                return [SetTimer(key, "again", context.now + timedelta(hours=1), TimerKind.DEADLINE)]
            case b"cancel":
                return [CancelTimer(key, "again")]
        return self._count(key, context, "record")

    def _count(self, key: str, context: Context, by: str) -> list[Outcome]:
        number = (context.state.get(COUNT, key) or 0) + 1
        context.state.put(COUNT, key, number)
        return [Emit(topics.UNIQUE, key, Count(key, number, by), "count")]


class Clumsy(Counting):
    """Counts too, and then does what nobody will take: an output, a state, a topic, a wait."""

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        counted = list(super().process(work, context))
        key = "a"
        match work.value if isinstance(work, Record) else None:
            case b"huge":
                counted.append(Emit(topics.UNIQUE, key, Count("x" * 3 * topics.MIB, 0), "count"))
            case b"fat":
                context.state.put(FAT, key, b"x" * 3 * topics.MIB)
            case b"nowhere":
                counted.append(Emit("no.topic.of.ours", key, Count(key, 0), "count"))
            case b"later":
                raise Retry(RetryReason.SLOW, timedelta(seconds=1))
        return counted


class Asking:
    """Emits what the world answers. The world is a function from request to answer; None means: not now."""

    families: Sequence[Family[Any]] = ()

    def __init__(self, world: Callable[[str], str | None]) -> None:
        self.world = world
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def lane(self, timer: Timer) -> str:
        return timer.routing

    def plan(self, work: Work, context: Context) -> Sequence[str]:
        return [(work.value or b"").decode()] if isinstance(work, Record) else [work.name]

    async def perform(self, request: str) -> str | None:
        self.asked.append(request)
        await self.gate.wait()
        return self.world(request)

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer):
            return [Emit(topics.UNIQUE, work.routing, Count(str(context.answers[work.name]), 0, "timer"), "count")]
        request = (work.value or b"").decode()
        if context.answers.get(request) is None:
            raise Retry(RetryReason.SHOPIFY_UNAVAILABLE, timedelta(seconds=5))
        waited = 0 if context.parked_since is None else int((context.wall - context.parked_since).total_seconds())
        return [
            Emit(
                topics.UNIQUE,
                (work.key or b"").decode(errors="replace"),
                Count(str(context.answers[request]), waited),
                "count",
            )
        ]


class Runs(Protocol):
    async def run(self, stop: asyncio.Event) -> None: ...


R = TypeVar("R", bound=Runs)


@asynccontextmanager
async def at_work(whole: R) -> AsyncIterator[R]:
    """Drained at the end."""
    stop = asyncio.Event()
    run = asyncio.create_task(whole.run(stop))
    try:
        yield whole
    finally:
        stop.set()
        await run


@asynccontextmanager
async def doomed(worker: Worker) -> AsyncIterator[Worker]:
    """Killed at the end: nothing of it is drained or closed."""
    run = asyncio.create_task(worker.run(asyncio.Event()))
    try:
        yield worker
    finally:
        for task in (run, *worker._runs.values()):
            task.cancel()
        await asyncio.gather(run, *worker._runs.values(), return_exceptions=True)


@dataclass
class World:
    broker: Broker
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START))
    metrics: Metrics = field(default_factory=Metrics)
    limits: Limits = field(
        default_factory=lambda: Limits(patience=0.05, idle_commit=0.01, backoff=0.01, backoff_longest=0.05)
    )

    @property
    def memory(self) -> MemoryBroker:
        """The broker with its hooks."""
        assert isinstance(self.broker, MemoryBroker)
        return self.broker

    def advance(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))

    def around(self) -> Surroundings:
        log = structlog.get_logger()
        return Surroundings(self.broker, self.clock, self.metrics, log, SharedWatermarks(self.broker), self.limits)

    @asynccontextmanager
    async def worker(
        self, stage: Any, name: str = "deduplicate", takeover: timedelta = timedelta(0)
    ) -> AsyncIterator[Worker]:
        """A worker of a toy stage, running; drained at the end."""
        async with at_work(self.made(stage, name, takeover)) as worker:
            yield worker

    def made(self, stage: Any, name: str = "deduplicate", takeover: timedelta = timedelta(0)) -> Worker:
        return Worker(StageSpec(name, (NAMES[name],), stage, takeover), self.around())

    @asynccontextmanager
    async def doomed(self, stage: Any, name: str = "deduplicate") -> AsyncIterator[Worker]:
        async with doomed(self.made(stage, name)) as worker:
            yield worker

    async def append(self, topic: str, key: str | bytes, *values: bytes) -> None:
        appender = await self.broker.appender()
        raw = key if isinstance(key, bytes) else key.encode()
        for value in values:
            await appender.append(Outgoing(topic, partition_of(raw, self.broker.partitions), raw, value))
        await appender.close()

    async def records(self, topic: str) -> list[Record]:
        """Everything committed on a topic."""
        partitions = [TopicPartition(topic, number) for number in range(self.broker.partitions)]
        ends, starts = await self.broker.stable_ends(partitions), await self.broker.beginnings(partitions)
        found: list[Record] = []
        for partition in partitions:
            async for batch in self.broker.read(partition, starts[partition], ends[partition]):
                found.extend(batch)
        return found


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Waits for a condition (plain or awaitable), with a limit."""
    async with asyncio.timeout(seconds):
        while True:
            result = condition()
            if hasattr(result, "__await__"):
                result = await result
            if result:
                return
            await asyncio.sleep(0.005)


async def totals(world: World) -> dict[str, list[int]]:
    """The numbers that `Counting` has emitted, by key, in order."""
    found = by_key(await world.records(topics.UNIQUE))
    return {key: [msgspec.json.decode(value, type=Count).number for value in values] for key, values in found.items()}


async def memory_world(partitions: int = 2, faults: Faults | None = None) -> World:
    broker = MemoryBroker(partitions, faults=faults)
    await broker.create_topics(topics.catalogue())
    return World(broker)


def by_key(records: Iterable[Record]) -> Mapping[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for record in records:
        found.setdefault((record.key or b"").decode(), []).append(record.value or b"")
    return found
