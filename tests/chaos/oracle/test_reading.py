"""A real Kafka, read by a plain consumer: what was committed, all of it, and nothing else."""

from __future__ import annotations

import asyncio

from pipeline.kafka import KafkaBroker
from schemas import topics
from schemas.records import Outgoing, Record, TopicPartition
from tests.chaos.oracle.reading import read

PLACE = TopicPartition(topics.ENRICHED, 1)


def outgoing(value: str) -> Outgoing:
    return Outgoing(PLACE.topic, PLACE.partition, b"key", value.encode(), (("ce_type", b"a"),), 1_700_000_000_000)


async def test_everything_that_is_committed_is_read_and_nothing_else(kafka_broker: KafkaBroker) -> None:
    await kafka_broker.create_topics(topics.catalogue())
    producer = await kafka_broker.producer("deduplicate-1")
    for values, is_good in ((("one", "two"), True), (("three",), False), (("four",), True), (("five",), False)):
        await producer.begin()
        await producer.send([outgoing(value) for value in values])
        if is_good:
            await producer.commit("deduplicate", {PLACE: 7})
        else:
            await producer.abort()
    await producer.close()
    async with asyncio.timeout(60):
        log = await read(kafka_broker._at.bootstrap, kafka_broker._at.prefix, kafka_broker.partitions)
    assert log.partitions == kafka_broker.partitions
    assert [(record.offset, record.value) for record in log.records[PLACE]] == [(0, b"one"), (1, b"two"), (5, b"four")]
    headers, at = (("ce_type", b"a"),), 1_700_000_000_000
    assert log.records[PLACE][0] == Record(PLACE.topic, PLACE.partition, 0, at, b"key", b"one", headers)
    assert log.committed["deduplicate"] == {PLACE: 7}
    assert sum(len(records) for records in log.records.values()) == 3
    assert set(log.records) == {TopicPartition(spec.name, n) for spec in topics.catalogue() for n in range(4)}
