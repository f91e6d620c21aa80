"""What is asked of the run's Kafka itself: who leads, how far its groups are, and what still waits to be told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiokafka
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from pipeline.app import TOPOLOGY
from pipeline.kafka import KafkaBroker
from schemas import topics
from schemas.codec import decode
from schemas.notifications import Notification, Receipt
from schemas.records import TopicPartition
from tests.chaos.installation import Installation

Described = Sequence[Mapping[str, Any]]
Input = tuple[str, Any]
"""A group, and a partition that it reads."""

_ASK_MS = 10_000
_KNOWN_WITHIN = 30.0
_WHOLE_WITHIN = 60.0
_PAUSE = 0.5


async def leading_most(bootstrap: str, prefix: str) -> int:
    """The number of the broker that leads the most partitions of the installation. Raises TimeoutError."""
    found = await _described_as(bool, bootstrap, prefix, _KNOWN_WITHIN)
    leaders = Counter(partition["leader"] for partition in found)
    return int(leaders.most_common(1)[0][0])


async def whole(bootstrap: str, prefix: str) -> None:
    """Returns when every replica is in sync again. Raises TimeoutError."""
    await _described_as(_is_whole, bootstrap, prefix, _WHOLE_WITHIN)


def _is_whole(partitions: Described) -> bool:
    return bool(partitions) and all(len(one["isr"]) == len(one["replicas"]) for one in partitions)


async def _described_as(fits: Callable[[Described], bool], bootstrap: str, prefix: str, within: float) -> Described:
    """Asked again and again until it fits."""
    async with asyncio.timeout(within):
        while True:
            if fits(found := await _described(bootstrap, prefix)):
                return found
            await asyncio.sleep(_PAUSE)


async def _described(bootstrap: str, prefix: str) -> Described:
    """The installation's partitions; none where nobody can tell now, as one that was just killed may be asked first."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_ASK_MS)
    try:
        await admin.start()
        found = await admin.describe_topics()
    except KafkaError:
        return []
    finally:
        await admin.close()
    return [
        partition for topic in found if topic["topic"].startswith(f"{prefix}.") for partition in topic["partitions"]
    ]


class Look(NamedTuple):
    """`lag`: committed records that no group has gone past yet. `is_past`: all that stood there at the last look that
    was past, the groups have gone past."""

    lag: int
    is_past: bool


class Progress:
    """How far the groups of an installation are. Asked without the product's own client code. Use `progress`."""

    def __init__(self, at: Installation, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> None:
        self._at = at
        self._admin = admin
        self._consumer = consumer
        self._mark: Mapping[Input, int] = {}

    async def look(self) -> Look | None:
        """None where the Kafka does not say."""
        ends: dict[Input, int] = {}
        committed: dict[Input, int] = {}
        try:
            for row in TOPOLOGY:
                await self._ask(row.name, row.inputs, ends, committed)
        except KafkaError:
            return None
        is_past = all(committed[each] >= end for each, end in self._mark.items())
        if is_past:
            self._mark = ends
        return Look(sum(max(0, end - committed[each]) for each, end in ends.items()), is_past)

    async def _ask(
        self, group: str, inputs: tuple[str, ...], ends: dict[Input, int], committed: dict[Input, int]
    ) -> None:
        wanted = [
            aiokafka.TopicPartition(f"{self._at.prefix}.{topic}", number)
            for topic in inputs
            for number in range(self._at.partitions)
        ]
        stable = await self._consumer.end_offsets(wanted)
        found = await self._admin.list_consumer_group_offsets(f"{self._at.prefix}.{group}", partitions=wanted)
        for partition in wanted:
            ends[group, partition] = stable[partition]
            committed[group, partition] = max(0, found[partition].offset) if partition in found else 0


@asynccontextmanager
async def progress(at: Installation) -> AsyncIterator[Progress]:
    admin = AIOKafkaAdminClient(bootstrap_servers=at.bootstrap, request_timeout_ms=_ASK_MS)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=at.bootstrap, isolation_level="read_committed", request_timeout_ms=_ASK_MS
    )
    try:
        await admin.start()
        await consumer.start()
        yield Progress(at, admin, consumer)
    finally:
        await admin.close()
        await consumer.stop()


class Untold:
    """Notifications without a word of what became of them, read on from where it was read to."""

    def __init__(self, broker: KafkaBroker) -> None:
        self._broker = broker
        self._positions: dict[TopicPartition, int] = {
            TopicPartition(topic, number): 0
            for topic in (topics.NOTIFICATIONS, topics.RECEIPTS)
            for number in range(broker.partitions)
        }
        self._notifications: set[str] = set()
        self._receipts: set[str] = set()

    @property
    def notifications(self) -> int:
        return len(self._notifications)

    async def count(self) -> int:
        """Raises BrokerError."""
        ends: Mapping[TopicPartition, int] = await self._broker.stable_ends(list(self._positions))
        for partition, end in ends.items():
            async for batch in self._broker.read(partition, self._positions[partition], end):
                for record in batch:
                    if partition.topic == topics.RECEIPTS:
                        self._receipts.add(decode(record, Receipt).message_id)
                    else:
                        self._notifications.add(decode(record, Notification).message_id)
            self._positions[partition] = end
        return len(self._notifications - self._receipts)
