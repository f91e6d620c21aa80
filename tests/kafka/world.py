"""What the tests on a real Kafka stand on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog

from pipeline.broker import Broker
from pipeline.clock import WallClock
from pipeline.metrics import Metrics
from pipeline.surroundings import Limits, StageSpec, Surroundings
from pipeline.watermarks import SharedWatermarks
from pipeline.worker import Worker
from schemas import topics
from schemas.codec import decode
from schemas.records import Outgoing, Record, TopicPartition
from tests.pipeline.world import Count, Counting

LEFT, RIGHT = topics.ENRICHED, topics.UNIQUE
_NEEDED = (LEFT, RIGHT, topics.state_of("deduplicate"), topics.dead_of("deduplicate"))
#: What a worker of `deduplicate` needs: a Kafka that was killed looks at every partition that it has.
SPECS = tuple(spec for spec in topics.catalogue() if spec.name in _NEEDED)


class Listening:
    """A member's listener that does nothing."""

    async def revoked(self) -> None:
        return

    async def assigned(self, numbers: frozenset[int]) -> None:
        return


def outgoing(value: str, topic: str = LEFT, partition: int = 0) -> Outgoing:
    return Outgoing(topic, partition, value.encode(), value.encode())


def counting_worker(broker: Broker) -> Worker:
    """By the wall's clock: Kafka would eat records of another time."""
    limits = Limits(idle_commit=0.2, backoff=0.1, backoff_longest=1.0)
    log = structlog.get_logger()
    around = Surroundings(broker, WallClock(), Metrics(), log, SharedWatermarks(broker), limits)
    return Worker(StageSpec("deduplicate", (LEFT,), Counting()), around)


@contextmanager
def silence() -> Iterator[str]:
    """HOST:PORT where connections are taken and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


async def committed_records(broker: Broker, topic: str) -> list[Record]:
    partitions = [TopicPartition(topic, number) for number in range(broker.partitions)]
    ends = await broker.stable_ends(partitions)
    return [
        record
        for partition in partitions
        async for batch in broker.read(partition, 0, ends[partition])
        for record in batch
    ]


def numbers_of(records: Iterable[Record]) -> dict[str, list[int]]:
    """What `Counting` has emitted, for each key in the order of the log."""
    found: dict[str, list[int]] = {}
    for record in records:
        count = decode(record, Count)
        found.setdefault(count.key, []).append(count.number)
    return found


async def counts(broker: Broker, expected: dict[str, int]) -> bool:
    """Whether so many of each key are counted, each once and in order; of others nothing is said."""
    found = numbers_of(await committed_records(broker, RIGHT))
    return all(found.get(key) == list(range(1, number + 1)) for key, number in expected.items())


def left_over() -> list[str]:
    """Tasks of the client that are still there."""
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    return [repr(task) for task in tasks if "aiokafka" in repr(task)]
