"""The topics of an installation."""

from __future__ import annotations

from pipeline.broker import Broker
from schemas.records import Outgoing, TopicPartition
from schemas.topics import TopicSpec
from tests.conformance.world import KEPT, LEFT, LIMIT, RIGHT, SPECS, append, eventually, everything, outgoing, values


async def test_topics_are_listed_with_the_one_partition_count(broker: Broker) -> None:
    assert await broker.topics() == dict.fromkeys((LEFT, RIGHT, KEPT), broker.partitions)


async def test_making_topics_again_changes_nothing(broker: Broker) -> None:
    await append(broker, outgoing("a"))
    await broker.create_topics([*SPECS, TopicSpec("new", LIMIT)])
    topics = await eventually(broker.topics, lambda topics: len(topics) == 4)
    assert set(topics) == {LEFT, RIGHT, KEPT, "new"}
    assert values(await everything(broker)) == ["a"]


async def test_a_deleted_topic_is_gone_and_the_others_stay(broker: Broker) -> None:
    await append(broker, outgoing("a"))
    await broker.delete_topics([RIGHT])
    topics = await eventually(broker.topics, lambda topics: len(topics) == 2)
    assert set(topics) == {LEFT, KEPT}
    assert values(await everything(broker)) == ["a"]


async def test_a_compacted_topic_gives_at_least_the_newest_of_every_key(broker: Broker) -> None:
    partition = TopicPartition(KEPT, 0)
    written = [(b"one", b"old"), (b"two", b"only"), (b"one", b"new")]
    await append(broker, *[Outgoing(KEPT, 0, key, value) for key, value in written])
    newest = {record.key: record.value for record in await everything(broker, partition)}
    assert newest == {b"one": b"new", b"two": b"only"}
