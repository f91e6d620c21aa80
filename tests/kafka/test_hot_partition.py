"""A partition with much to read starves no other one of the same member, whether it is read on or is paused.

How the client's fetcher shares its requests among the partitions of a node is its own affair: here it is measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from pipeline.kafka import KafkaBroker
from pipeline.kafka.member import KafkaMember
from schemas.records import Outgoing, TopicPartition
from tests.kafka.world import LEFT, SPECS, outgoing
from tests.pipeline.world import until

HOT, SMALL = TopicPartition(LEFT, 0), TopicPartition(LEFT, 1)
MUCH = 30_000
#: Seconds for a record of the small one, from its acknowledgement to us. Alone it takes some milliseconds.
BOUND = 2.0


class Feeding:
    """Reads both from the beginning; counts what comes of the hot one, keeps what comes of the small one."""

    def __init__(self, broker: KafkaBroker) -> None:
        self.member: KafkaMember = broker.member("stage", [LEFT])
        self.hot = 0
        self.small: list[bytes | None] = []

    async def revoked(self) -> None:
        return

    async def assigned(self, numbers: frozenset[int]) -> None:
        self.member.resume([HOT, SMALL])

    async def poll(self) -> None:
        found = await self.member.poll(0.05, 100)
        self.hot += len(found.get(HOT, ()))
        self.small += [record.value for record in found.get(SMALL, ())]

    async def has(self, *values: bytes) -> bool:
        await self.poll()
        return self.small == list(values)

    async def has_some_of_the_hot_one(self) -> bool:
        await self.poll()
        return self.hot > 0


@pytest.fixture
async def feeding(kafka_broker: KafkaBroker) -> AsyncIterator[Feeding]:
    await kafka_broker.create_topics(SPECS)
    producer = await kafka_broker.producer("task")
    await until(lambda: has_partitions(kafka_broker))
    for _ in range(10):
        await producer.begin()
        await producer.send([Outgoing(*HOT, b"hot", b"x" * 200)] * (MUCH // 10))
        await producer.commit("nobody", {})
    await producer.close()
    feeding = Feeding(kafka_broker)
    await feeding.member.start(feeding)
    yield feeding
    await feeding.member.stop()


async def has_partitions(broker: KafkaBroker) -> bool:
    return LEFT in await broker.topics()


async def test_the_small_one_is_read_on_while_the_hot_one_is_paused_with_records_at_hand(
    kafka_broker: KafkaBroker, feeding: Feeding
) -> None:
    appender = await kafka_broker.appender()
    await until(feeding.has_some_of_the_hot_one)
    feeding.member.pause([HOT])
    stood, values = feeding.hot, []
    for number in range(5):
        values.append(str(number).encode())
        await appender.append(outgoing(str(number), LEFT, 1))
        await until(lambda: feeding.has(*values), BOUND)
    assert feeding.hot == stood
    feeding.member.resume([HOT])
    await until(lambda: is_read_out(feeding))
    await appender.close()


async def test_the_small_one_is_read_on_while_the_hot_one_is_read(kafka_broker: KafkaBroker, feeding: Feeding) -> None:
    appender = await kafka_broker.appender()
    await until(feeding.has_some_of_the_hot_one)
    values: list[bytes] = []
    for number in range(3):
        values.append(str(number).encode())
        await appender.append(outgoing(str(number), LEFT, 1))
        async with asyncio.timeout(BOUND):
            while not await feeding.has(*values):
                pass
    assert feeding.hot < MUCH, "there was always something of the hot one"
    await until(lambda: is_read_out(feeding))
    await appender.close()


async def is_read_out(feeding: Feeding) -> bool:
    await feeding.poll()
    return feeding.hot == MUCH
