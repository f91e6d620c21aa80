"""What a topic takes: known before anything is sent, and safe where Kafka knows better."""

from __future__ import annotations

import time

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from pipeline.broker import Refused, Unavailable
from pipeline.kafka import KafkaBroker
from schemas.records import Outgoing, TopicPartition
from schemas.topics import TopicSpec
from tests.kafka.world import committed_records
from tests.pipeline.world import until

LIMIT = 100_000
SPEC = TopicSpec("limited", LIMIT, retention_ms=3_600_000_000)
KEPT = TopicSpec("kept", LIMIT, compacted=True, min_compaction_lag_ms=1_000)


async def are_there(broker: KafkaBroker, *topics: str) -> bool:
    return set(topics) <= (await broker.topics()).keys()


async def settings(broker: KafkaBroker, topic: str) -> dict[str, str]:
    there = ConfigResource(ConfigResourceType.TOPIC, broker._at.topic_there(topic))
    (answer,) = await broker._admin_client.describe_configs([there])
    return {entry[0]: entry[1] for entry in answer.resources[0][4]}


async def change(broker: KafkaBroker, topic: str, name: str, value: str) -> None:
    there = ConfigResource(ConfigResourceType.TOPIC, broker._at.topic_there(topic), {name: value})
    await broker._admin_client.alter_configs([there])


async def test_a_topic_is_made_as_its_specification_says(kafka_broker: KafkaBroker) -> None:
    await kafka_broker.create_topics([SPEC, KEPT])
    await until(lambda: are_there(kafka_broker, "limited", "kept"))
    limited, kept = await settings(kafka_broker, "limited"), await settings(kafka_broker, "kept")
    assert (limited["max.message.bytes"], limited["retention.ms"]) == ("100000", "3600000000")
    assert (limited["cleanup.policy"], kept["cleanup.policy"]) == ("delete", "compact")
    assert kept["min.compaction.lag.ms"] == "1000"


async def test_a_limit_that_was_raised_is_learnt(kafka_broker: KafkaBroker) -> None:
    await kafka_broker.create_topics([SPEC])
    appender = await kafka_broker.appender()
    large = Outgoing("limited", 0, b"key", b"x" * LIMIT)
    with pytest.raises(Refused, match="limited"):
        await appender.append(large)
    await change(kafka_broker, "limited", "max.message.bytes", str(2 * LIMIT))
    assert (await appender.append(large)).offset == 0
    await appender.close()


async def test_a_batch_that_kafka_refuses_against_our_knowledge_is_never_committed_around(
    kafka_broker: KafkaBroker,
) -> None:
    await kafka_broker.create_topics([SPEC])
    producer = await kafka_broker.producer("task")
    await producer.begin()
    await producer.send([Outgoing("limited", 0, b"key", b"known by now")])
    await producer.commit("task", {})
    await change(kafka_broker, "limited", "max.message.bytes", str(LIMIT // 2))
    await producer.begin()
    with pytest.raises(Refused):
        await producer.send(
            [Outgoing("limited", 0, b"key", b"x" * (LIMIT - 1_000)), Outgoing("limited", 1, b"k", b"v")]
        )
    with pytest.raises(Refused):
        await producer.commit("task", {TopicPartition("limited", 0): 1})
    await producer.abort()
    with pytest.raises(Unavailable):
        await producer.begin()
    await producer.close()
    assert [record.value for record in await committed_records(kafka_broker, "limited")] == [b"known by now"]
    assert await kafka_broker.committed("task", [TopicPartition("limited", 0)]) == {TopicPartition("limited", 0): None}
    successor = await kafka_broker.producer("task")
    await successor.begin()
    await successor.send([Outgoing("limited", 0, b"key", b"goes on")])
    await successor.commit("task", {})
    await successor.close()


async def test_a_record_from_the_future_takes_no_innocent_one_with_it(kafka_broker: KafkaBroker) -> None:
    await kafka_broker.create_topics([SPEC])
    appender = await kafka_broker.appender()
    later = int((time.time() + 2 * 3600) * 1000)
    with pytest.raises(Refused, match="ahead"):
        await appender.append(Outgoing("limited", 0, b"key", b"value", timestamp=later))
    assert (await appender.append(Outgoing("limited", 0, b"key", b"value"))).offset == 0
    await appender.close()
