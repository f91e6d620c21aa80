"""What a long backlog and a slow sink cost in memory, and what a key of state costs. Run by hand, from the root:

    python -m tests.benchmarks.backlog [--records 1000000] [--keys 400000] [--kafka HOST:PORT]

Each piece is done in a process of its own, by a tenth of the records first and then by all of them: what grows with
the backlog shows as a ratio. Passed: a stage that remembers nothing, slower than Kafka gives. Held back: `dispatch`
while OpenText is down, by a tenth of the records of before. Restored: what `deduplicate` remembers of each delivery.
Memory is what the system has given to the process, less what it had when its tasks were running. Without `--kafka` it
starts one.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from resource import getpagesize
from typing import Any

import structlog
from rich.console import Console

from pipeline.broker import Broker
from pipeline.clock import WallClock
from pipeline.kafka import KafkaBroker
from pipeline.local_kafka import obtain
from pipeline.memory import MemoryBroker
from pipeline.metrics import Metrics
from pipeline.restoring import restored
from pipeline.state import Change, Memory, View
from pipeline.surroundings import Limits, StageSpec, Surroundings
from pipeline.watermarks import SharedWatermarks
from pipeline.worker import Worker
from schemas import topics
from schemas.codec import encode
from schemas.reasons import DropReason
from schemas.records import Outgoing
from stages.deduplicate import NEWEST, SEEN, Deduplicate, Newest
from stages.dispatch import Dispatch
from stages.opentext.answers import SubmitAnswer, TryAgain
from stages.stage import Context, Drop, Family, Outcome, Work
from tests.pipeline.world import until
from tests.stages.opentext.desk import Account, configuration, notification

PARTITIONS = 4
MIB = 1024 * 1024
STEP = 100_000
CHUNK = 5_000
#: A tenth of them fills every task of `dispatch`.
LEAST_HELD_BACK = 120_000
PATIENCE = 1_800.0


class Forgetting:
    """Drops everything, and takes its time: `pause` seconds for a hundred records."""

    families: Sequence[Family[Any]] = ()

    def __init__(self, pause: float) -> None:
        self.count = 0
        self._pause = pause

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        self.count += 1
        if self.count % 100 == 0:
            time.sleep(self._pause)
        return [Drop(DropReason.NOT_WATCHED)]


class Closed(Account):
    async def submit(self, submission: Any, message_id: str, trace: str | None = None) -> SubmitAnswer:
        return TryAgain("HTTP 503")


@dataclass
class Figures:
    """Bytes above the beginning, at the top and after each further 100,000 records; seconds."""

    records: int
    top: int = 0
    steps: list[int] = field(default_factory=list)
    seconds: float = 0.0
    kept: int = 0


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()


@asynccontextmanager
async def _installed(bootstrap: str) -> AsyncIterator[KafkaBroker]:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    broker = KafkaBroker(bootstrap, f"benchmark-{secrets.token_hex(4)}", PARTITIONS)
    await broker.start()
    try:
        await broker.create_topics(topics.catalogue())
        yield broker
        await broker.delete_topics(list(await broker.topics()))
    finally:
        await broker.close()


@asynccontextmanager
async def _working(broker: KafkaBroker, spec: StageSpec) -> AsyncIterator[Worker]:
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    log = structlog.wrap_logger(structlog.PrintLogger(sys.stderr), wrapper_class=quiet)
    around = Surroundings(broker, WallClock(), Metrics(), log, SharedWatermarks(broker), Limits())
    worker, stop = Worker(spec, around), asyncio.Event()
    run = asyncio.create_task(worker.run(stop))
    await until(lambda: worker.owned() == PARTITIONS and not worker.problems(), 60.0)
    try:
        yield worker
    finally:
        stop.set()
        await run


async def _load(broker: KafkaBroker, topic: str, count: int, made: Callable[[int], tuple[bytes, bytes]]) -> None:
    """Records `made` by number, round the partitions."""
    producer = await broker.producer("load")
    for start in range(0, count, CHUNK):
        await producer.begin()
        numbers = range(start, min(start + CHUNK, count))
        await producer.send([Outgoing(topic, number % PARTITIONS, *made(number)) for number in numbers])
        await producer.commit("nobody", {})
    await producer.close()


async def _watched(is_over: Callable[[], bool], done: Callable[[], int], figures: Figures) -> None:
    """Samples until it is over."""
    began, base = time.perf_counter(), _resident()
    async with asyncio.timeout(PATIENCE):
        while not is_over():
            grown = _resident() - base
            figures.top = max(figures.top, grown)
            if done() >= STEP * (len(figures.steps) + 1):
                figures.steps.append(grown)
            await asyncio.sleep(0.05)
    figures.seconds = time.perf_counter() - began


async def passed(bootstrap: str, count: int) -> Figures:
    figures, stage = Figures(count), Forgetting(pause=0.005)
    async with _installed(bootstrap) as broker:
        await _load(broker, topics.ENRICHED, count, lambda n: (f"{n % 500}".encode(), b"value" * 40))
        async with _working(broker, StageSpec("deduplicate", (topics.ENRICHED,), stage)):
            await _watched(lambda: stage.count >= count, lambda: stage.count, figures)
    return figures


async def held_back(bootstrap: str, count: int) -> Figures:
    """Until all tasks hold back, and ten seconds longer."""
    figures, stage = Figures(count), Dispatch(configuration(), Closed())
    async with _installed(bootstrap) as broker:
        await _load(
            broker, topics.NOTIFICATIONS, count, lambda n: (b"desk", encode(notification(f"m{n}", f"g{n % 40}")))
        )
        spec = StageSpec("dispatch", (topics.NOTIFICATIONS, topics.SENDING_STATUS), stage)
        async with _working(broker, spec) as worker:
            over: list[float] = []

            def is_over() -> bool:
                if not over and all(task.is_crowded for task in worker._tasks.values()):
                    over.append(time.perf_counter() + 10)
                return bool(over) and time.perf_counter() > over[0]

            await _watched(is_over, lambda: 0, figures)
            tenures = [task._tenure for task in worker._tasks.values()]
            figures.kept = sum(t.settling.memory.count("waiting") for t in tenures if t is not None)
    return figures


@dataclass(frozen=True)
class Kept:
    """What a restored state has cost: bytes and seconds."""

    keys: int
    size: int
    seconds: float


def _remembered(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Two keys for every delivery of a resource: its id, and the newest state."""
    memory, now = Memory([SEEN, NEWEST]), datetime.now(UTC)
    for number in range(count // 2):
        view, subject = View(memory, Change(), now), f"example-store.myshopify.com/order/{5_000_000_000_000 + number}"
        view.put(SEEN, subject, True, secrets.token_bytes(16))
        view.put(NEWEST, subject, Newest(now, now, secrets.token_bytes(16), secrets.token_bytes(16), ("orders/paid",)))
        yield from ((key, value) for key, value in view.change.values.items() if value is not None)


async def from_kafka(bootstrap: str, count: int) -> Kept:
    async with _installed(bootstrap) as broker:
        return await _restored(broker, count)


async def from_memory(_: str, count: int) -> Kept:
    """Its bytes are shared with the log: only the time tells something."""
    broker = MemoryBroker(PARTITIONS)
    await broker.create_topics(topics.catalogue())
    return await _restored(broker, count)


async def _restored(broker: Broker, count: int) -> Kept:
    spec, entries = StageSpec("deduplicate", (topics.ENRICHED,), Deduplicate()), _remembered(count)
    producer, changelog = await broker.producer("load"), topics.state_of(spec.name)
    while chunk := list(islice(entries, CHUNK)):
        await producer.begin()
        await producer.send([Outgoing(changelog, 0, *entry) for entry in chunk])
        await producer.commit("nobody", {})
    await producer.close()
    base, began = _resident(), time.perf_counter()
    found = await restored(broker, spec, 0)
    return Kept(len(found.memory), _resident() - base, time.perf_counter() - began)


def _apart(work: Callable[[str, int], Awaitable[Any]], bootstrap: str, count: int) -> Any:
    return asyncio.run(_awaited(work, bootstrap, count))


async def _awaited(work: Callable[[str, int], Awaitable[Any]], bootstrap: str, count: int) -> Any:
    return await work(bootstrap, count)


async def main(arguments: argparse.Namespace) -> None:
    kafka, say = await obtain(given=arguments.kafka), Console(width=120).print
    loop, pool = asyncio.get_running_loop(), ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1)

    async def apart(work: Callable[[str, int], Awaitable[Any]], count: int) -> Any:
        return await loop.run_in_executor(pool, partial(_apart, work, kafka.bootstrap, count))

    try:
        for name, work, count in (
            ("passed", passed, arguments.records),
            ("held back", held_back, max(arguments.records // 10, LEAST_HELD_BACK)),
        ):
            few, many = await apart(work, count // 10), await apart(work, count)
            for one in (few, many):
                rate = "" if one.kept else f", {one.records / one.seconds:,.0f} records/s"
                kept = f", {one.kept:,} waiting" if one.kept else ""
                say(f"{name}, {one.records:,} records: at most {one.top / MIB:.1f} MiB more{rate}{kept}")
            if many.steps:
                say(f"  after each {STEP:,}: {', '.join(f'{step / MIB:.1f}' for step in many.steps)} MiB")
            say(f"  ten times the backlog: {many.top / max(few.top, 1):.2f} times the memory")
        on_kafka, in_memory = await apart(from_kafka, arguments.keys), await apart(from_memory, arguments.keys)
        say(f"restored, {on_kafka.keys:,} keys: {on_kafka.size / on_kafka.keys:.0f} bytes of memory a key")
        for where, kept in (("Kafka", on_kafka), ("memory", in_memory)):
            say(f"  from {where}: {kept.keys / kept.seconds:,.0f} keys/s")
    finally:
        pool.shutdown()
        await kafka.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=400_000)
    parser.add_argument("--kafka")
    asyncio.run(main(parser.parse_args()))
