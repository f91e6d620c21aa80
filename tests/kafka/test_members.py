"""A member whose client has broken down inside joins again with another one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from pipeline.broker import BrokerError
from pipeline.kafka import KafkaBroker
from pipeline.kafka.assignor import NumberAssignor
from pipeline.kafka.member import KafkaMember
from schemas.records import TopicPartition
from tests.kafka.world import LEFT, SPECS, outgoing
from tests.pipeline.world import until

FIRST = TopicPartition(LEFT, 0)


class Reading:
    """Reads partition 0 from the beginning whenever it is given, and tells what it heard."""

    def __init__(self, member: KafkaMember) -> None:
        self._member = member
        self.values: list[bytes | None] = []
        self.told: list[str] = []

    async def revoked(self) -> None:
        self.told.append("revoked")

    async def assigned(self, numbers: frozenset[int]) -> None:
        self.told.append("assigned")
        self._member.resume([FIRST])

    async def has(self, *values: bytes) -> bool:
        for records in (await self._member.poll(0.1, 100)).values():
            self.values += [record.value for record in records]
        return self.values == list(values)


def coordination(member: KafkaMember) -> asyncio.Task[None]:
    task: asyncio.Task[None] = member._client._coordinator._coordination_task
    return task


def fetching(member: KafkaMember) -> asyncio.Task[None]:
    task: asyncio.Task[None] = member._client._fetcher._fetch_task
    return task


@pytest.mark.parametrize("part", [coordination, fetching])
async def test_a_member_whose_client_has_died_inside_joins_anew(
    kafka_broker: KafkaBroker, part: Callable[[KafkaMember], asyncio.Task[None]]
) -> None:
    await kafka_broker.create_topics(SPECS)
    appender = await kafka_broker.appender()
    await appender.append(outgoing("a"))
    member = kafka_broker.member("stage", [LEFT])
    reading = Reading(member)
    await member.start(reading)
    await until(lambda: reading.has(b"a"))
    part(member).cancel()
    await appender.append(outgoing("b"))
    # it starts at the beginning again, as after every rebalance
    await until(lambda: reading.has(b"a", b"a", b"b"))
    assert reading.told == ["assigned", "revoked", "assigned"]
    await member.stop()
    await appender.close()


async def test_a_member_that_cannot_join_says_why_before_its_bound(kafka_broker: KafkaBroker) -> None:
    """A group of another kind has the name."""
    await kafka_broker.create_topics(SPECS)
    strange = NumberAssignor(kafka_broker.partitions)
    strange.name = "strange"
    stranger = kafka_broker._at.member("stage", strange)
    stranger.subscribe([kafka_broker._at.topic_there(LEFT)])
    await stranger.start()
    member = kafka_broker.member("stage", [LEFT])
    async with asyncio.timeout(5.0):
        with pytest.raises(BrokerError, match="InconsistentGroupProtocol"):
            await member.start(Reading(member))
    await stranger.stop()
