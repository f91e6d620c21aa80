"""What every conformance test stands on: three topics, short ways to write and read, and waiting for a condition."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from pipeline.broker import Broker, Producer
from schemas.records import Outgoing, Record, TopicPartition
from schemas.topics import TopicSpec

T = TypeVar("T")

LEFT, RIGHT, KEPT = "left", "right", "kept"
LIMIT = 100_000
SPECS = (TopicSpec(LEFT, LIMIT), TopicSpec(RIGHT, LIMIT), TopicSpec(KEPT, LIMIT, compacted=True))
LEFT_0 = TopicPartition(LEFT, 0)
RIGHT_0 = TopicPartition(RIGHT, 0)

#: Seconds until a condition that does not come true fails the test.
PATIENCE = 20.0


def outgoing(value: str, topic: str = LEFT, partition: int = 0) -> Outgoing:
    return Outgoing(topic, partition, value.encode(), value.encode())


async def transact(producer: Producer, *values: str, partition: int = 0) -> None:
    """One committed transaction on `left`, without offsets."""
    await producer.begin()
    await producer.send([outgoing(value, partition=partition) for value in values])
    await producer.commit("nobody", {})


async def append(broker: Broker, *records: Outgoing) -> None:
    appender = await broker.appender()
    for record in records:
        await appender.append(record)
    await appender.close()


async def everything(broker: Broker, partition: TopicPartition = LEFT_0) -> list[Record]:
    """All committed records of a partition on which no transaction is open."""
    async with asyncio.timeout(PATIENCE):
        end = (await broker.high_watermarks([partition]))[partition]
        return [record async for batch in broker.read(partition, 0, end) for record in batch]


async def stable_end(broker: Broker, partition: TopicPartition = LEFT_0) -> int:
    return (await broker.stable_ends([partition]))[partition]


async def high_watermark(broker: Broker, partition: TopicPartition = LEFT_0) -> int:
    return (await broker.high_watermarks([partition]))[partition]


def values(records: Sequence[Record]) -> list[str]:
    return [(record.value or b"").decode() for record in records]


async def eventually(ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool], patience: float = PATIENCE) -> T:
    """Asks until the answer fits: what a broker does behind its answers takes its time."""
    async with asyncio.timeout(patience):
        while not holds(answer := await ask()):
            pass
    return answer
