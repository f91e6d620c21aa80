"""Short ways to write and read on the memory broker's tests' topics."""

from __future__ import annotations

from pipeline.broker import Broker, Member
from schemas.records import Outgoing, Record, TopicPartition

LOG_0 = TopicPartition("log", 0)
LOG_1 = TopicPartition("log", 1)


def outgoing(value: str, topic: str = "log", partition: int = 0) -> Outgoing:
    return Outgoing(topic, partition, value.encode(), value.encode())


def values(records: list[Record]) -> list[str]:
    return [(record.value or b"").decode() for record in records]


async def append(broker: Broker, *records: Outgoing) -> None:
    appender = await broker.appender()
    for record in records:
        await appender.append(record)


async def everything(broker: Broker, partition: TopicPartition = LOG_0) -> list[str]:
    """All that is committed and stable now."""
    start = (await broker.beginnings([partition]))[partition]
    end = (await broker.stable_ends([partition]))[partition]
    return values([record async for batch in broker.read(partition, start, end) for record in batch])


class Ear:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[frozenset[int] | None] = []

    async def revoked(self) -> None:
        self.told.append(None)

    async def assigned(self, numbers: frozenset[int]) -> None:
        self.told.append(numbers)


async def join(broker: Broker, group: str = "stage", topic: str = "log") -> tuple[Member, Ear]:
    member, ear = broker.member(group, [topic]), Ear()
    await member.start(ear)
    return member, ear


async def take(member: Member, limit: int = 500) -> list[str]:
    """What one poll gives that does not wait."""
    found = await member.poll(0, limit)
    return values([record for records in found.values() for record in records])


def read_from(member: Member, partition: TopicPartition, offset: int = 0) -> None:
    member.seek(partition, offset)
    member.resume([partition])
