"""Topics that are not there yet, and partitions that the installation does not count with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from pipeline.broker import Broker, Unavailable
from schemas.records import Position, TopicPartition
from schemas.topics import TopicSpec
from tests.conformance.forces import Forces
from tests.conformance.reading import Readers, shared
from tests.conformance.world import (
    LEFT,
    LEFT_0,
    LIMIT,
    RIGHT,
    append,
    eventually,
    outgoing,
    transact,
    values,
)

NOWHERE = TopicPartition("nowhere", 0)
BEYOND = TopicPartition(LEFT, 64)


async def is_unavailable(question: Awaitable[object]) -> None:
    with pytest.raises(Unavailable):
        await question


async def appended(broker: Broker, partition: TopicPartition) -> None:
    appender = await broker.appender()
    try:
        await appender.append(outgoing("a", *partition))
    finally:
        await appender.close()


async def test_what_is_not_there_is_unavailable_and_nobody_waits_for_ever(broker: Broker) -> None:
    """All at once, but for single records, of which one is looked up after the other. Kafka's client asks for a while,
    since a topic may just have been made.
    """
    questions = [
        question(partition)
        for partition in (NOWHERE, BEYOND)
        for question in (
            lambda at: appended(broker, at),
            lambda at: broker.fetch(Position(at.topic, at.partition, 0)),
            lambda at: broker.beginnings([at]),
            lambda at: broker.high_watermarks([at]),
            lambda at: broker.stable_ends([at]),
        )
    ]
    async with asyncio.timeout(40):
        await asyncio.gather(*map(is_unavailable, questions))
        assert await broker.committed("stage", [NOWHERE, BEYOND]) == {NOWHERE: None, BEYOND: None}


@pytest.mark.parametrize("partition", [NOWHERE, BEYOND], ids=["no-topic", "no-partition"])
async def test_a_transaction_that_wants_to_write_there_can_only_be_aborted(
    broker: Broker, partition: TopicPartition
) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("never")])
    with pytest.raises(Unavailable):
        await producer.send([outgoing("beside"), outgoing("nowhere", *partition)])
    with pytest.raises(Unavailable):
        await producer.commit("stage", {LEFT_0: 1})
    await producer.abort()
    await transact(producer, "after")
    await producer.close()
    assert values([record async for batch in broker.read(LEFT_0, 0, await end(broker)) for record in batch]) == [
        "after"
    ]
    assert await broker.committed("stage", [LEFT_0]) == {LEFT_0: None}


async def end(broker: Broker) -> int:
    return (await broker.high_watermarks([LEFT_0]))[LEFT_0]


async def test_a_member_of_a_topic_that_is_missing_reads_the_others_and_that_one_when_it_is_made(
    broker: Broker, readers: Readers
) -> None:
    reader = await readers.start(topics=(LEFT, "later"))
    await shared(broker, reader)
    await append(broker, outgoing("a"))
    await reader.has("a")
    assert reader.told == ["assigned"]
    await broker.create_topics([TopicSpec("later", LIMIT)])
    await eventually(broker.topics, lambda topics: "later" in topics)
    await append(broker, outgoing("b", "later"))
    await reader.until(lambda reader: "b" in values(reader.records))
    assert reader.told == ["assigned", "revoked", "assigned"]


async def test_partitions_that_were_added_to_a_topic_are_told_and_read_by_nobody(
    broker: Broker, readers: Readers, forces: Forces
) -> None:
    """Whoever asks before it starts can refuse to; whoever has started keeps the numbers that it counts with.

    That Kafka's clients hear of it only after minutes, and the memory's members at once, is not for us to know.
    """
    reader = await readers.start(topics=(LEFT, RIGHT))
    await shared(broker, reader)
    more = broker.partitions + 2
    await forces.grow(LEFT, more)
    topics = await eventually(broker.topics, lambda topics: topics[LEFT] == more)
    assert topics[RIGHT] == broker.partitions
    await append(broker, outgoing("beyond", partition=more - 1), outgoing("a"))
    await reader.until(lambda reader: "a" in values(reader.records))
    assert reader.numbers == frozenset(range(broker.partitions))
    assert reader.member.position(TopicPartition(LEFT, more - 1)) is None
    assert set(values(reader.records)) == {"a"}
    await shared(broker, await readers.start("others"))
