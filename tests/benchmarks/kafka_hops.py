"""What a hop costs on a real Kafka. Run by hand, from the root of the checkout:

    python -m tests.benchmarks.kafka_hops [HOST:PORT]

A hop is an append on one topic until its transactional copy is seen by a read_committed reader of the next: the
receiver's append, a task's fetch, stage, transaction and commit, and the next task's fetch. Idle: one record at a time,
over all partitions. Busy: as many records as one task (one partition) can take. Without an argument it starts a Kafka.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from rich.console import Console

from pipeline.broker import Appender, Member
from pipeline.clock import WallClock
from pipeline.kafka import KafkaBroker
from pipeline.local_kafka import obtain
from pipeline.metrics import Metrics
from pipeline.surroundings import Limits, StageSpec, Surroundings
from pipeline.watermarks import SharedWatermarks
from pipeline.worker import Worker
from schemas import topics
from schemas.records import Outgoing, TopicPartition
from tests.pipeline.world import Counting, until

PARTITIONS = 4
IDLE_RECORDS = 300
BUSY_RECORDS = 50_000
SOURCE, TARGET = topics.ENRICHED, topics.UNIQUE


class Arrivals:
    """Follows the target with a member of its own; remembers when each offset was seen."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.count = 0
        self.more = asyncio.Event()

    async def revoked(self) -> None:
        return

    async def assigned(self, numbers: frozenset[int]) -> None:
        self.member.resume([TopicPartition(TARGET, number) for number in numbers])

    async def follow(self) -> None:
        while True:
            for records in (await self.member.poll(1.0, 10_000)).values():
                self.count += len(records)
            self.more.set()

    async def reach(self, count: int) -> None:
        while self.count < count:
            self.more.clear()
            await self.more.wait()


@asynccontextmanager
async def working(broker: KafkaBroker) -> AsyncIterator[Arrivals]:
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    log = structlog.wrap_logger(structlog.PrintLogger(sys.stderr), wrapper_class=quiet)
    around = Surroundings(broker, WallClock(), Metrics(), log, SharedWatermarks(broker), Limits())
    worker = Worker(StageSpec("deduplicate", (SOURCE,), Counting()), around)
    stop = asyncio.Event()
    run = asyncio.create_task(worker.run(stop))
    arrivals = Arrivals(broker.member("benchmark", [TARGET]))
    await arrivals.member.start(arrivals)
    following = asyncio.create_task(arrivals.follow())
    await until(lambda: worker.owned() == PARTITIONS and not worker.problems(), 30.0)
    try:
        yield arrivals
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await arrivals.member.stop()
        stop.set()
        await run


async def idle(appender: Appender, arrivals: Arrivals) -> Sequence[float]:
    """Milliseconds of each hop; the first ones, which connect and learn the topics, are left out."""
    found = []
    for number in range(IDLE_RECORDS + 10):
        began, wanted = time.perf_counter(), arrivals.count + 1
        await appender.append(Outgoing(SOURCE, number % PARTITIONS, b"key", b"value" * 40))
        await arrivals.reach(wanted)
        found.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.02)
    return found[10:]


async def busy(broker: KafkaBroker, appender: Appender, arrivals: Arrivals) -> tuple[float, float]:
    """Records per second, and CPU seconds of this process per 100,000 records, through one task."""
    wanted = arrivals.count + BUSY_RECORDS
    producer = await broker.producer("load")
    await producer.begin()
    await producer.send([Outgoing(SOURCE, 0, f"{n % 500}".encode(), b"value" * 40) for n in range(BUSY_RECORDS)])
    began, cpu = time.perf_counter(), time.process_time()
    await producer.commit("nobody", {})
    await arrivals.reach(wanted)
    await producer.close()
    return BUSY_RECORDS / (time.perf_counter() - began), (time.process_time() - cpu) * 100_000 / BUSY_RECORDS


async def main(given: str | None) -> None:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    kafka = await obtain(given=given)
    broker = KafkaBroker(kafka.bootstrap, f"benchmark-{secrets.token_hex(4)}", PARTITIONS)
    await broker.start()
    try:
        await broker.create_topics(topics.catalogue())
        appender = await broker.appender()
        async with working(broker) as arrivals:
            hops = await idle(appender, arrivals)
            rate, cpu = await busy(broker, appender, arrivals)
        await appender.close()
        await broker.delete_topics(list(await broker.topics()))
    finally:
        await broker.close()
        await kafka.stop()
    cuts = statistics.quantiles(hops, n=100)
    Console().print(f"idle hop: p50 {cuts[49]:.1f} ms, p90 {cuts[89]:.1f} ms, p99 {cuts[98]:.1f} ms, of {len(hops)}")
    Console().print(f"busy task: {rate:,.0f} records/s, {cpu:.1f} CPU seconds per 100,000 records")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
