"""What time does to a log and to a group, done now: by the hooks of the one broker, by asking the other for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aiokafka.admin import NewPartitions, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from pipeline.broker import Broker
from pipeline.kafka import KafkaBroker
from pipeline.memory import MemoryBroker
from schemas.records import Outgoing, Record, TopicPartition
from tests.conformance.world import LIMIT, append, eventually, everything

#: Kafka's cleaner looks for something to do every 15 seconds (`log.cleaner.backoff.ms`), whatever a topic asks for.
CLEANED_WITHIN = 30.0
#: All that is changed about a topic, since what is not named goes back to the broker's default.
_AT_ONCE = {
    "cleanup.policy": "compact",
    "segment.ms": "1",
    "min.cleanable.dirty.ratio": "0.0001",
    "max.compaction.lag.ms": "1",
    "delete.retention.ms": "0",
    "max.message.bytes": str(LIMIT),
}


class Forces(Protocol):
    async def truncate(self, partition: TopicPartition, before: int) -> None:
        """Retention: nothing before that offset is on the log any more."""

    async def compact(self, partition: TopicPartition) -> None:
        """Only the newest of every key is left of what was written before; one more record, of a key `last`, is."""

    async def end_session(self, group: str, member: str) -> None:
        """Of a member that hangs."""

    async def grow(self, topic: str, partitions: int) -> None:
        """The topic has so many from now on."""


class MemoryForces:
    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def truncate(self, partition: TopicPartition, before: int) -> None:
        self._broker.truncate(partition, before)

    async def compact(self, partition: TopicPartition) -> None:
        await _append_last(self._broker, partition)
        self._broker.compact(partition)

    async def end_session(self, group: str, member: str) -> None:
        self._broker.expel(group, member)

    async def grow(self, topic: str, partitions: int) -> None:
        self._broker.grow(topic, partitions)


class KafkaForces:
    def __init__(self, broker: KafkaBroker) -> None:
        self._broker = broker

    async def truncate(self, partition: TopicPartition, before: int) -> None:
        there = self._broker._at.there(partition)
        await self._broker._admin_client.delete_records({there: RecordsToDelete(before)})

    async def compact(self, partition: TopicPartition) -> None:
        topic = self._broker._at.topic_there(partition.topic)
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, dict(_AT_ONCE))
        await self._broker._admin_client.alter_configs([resource])
        # a segment that is written to is never compacted; this record comes after its time, and begins another one
        await _append_last(self._broker, partition)
        await eventually(lambda: everything(self._broker, partition), _is_clean, CLEANED_WITHIN)

    async def end_session(self, group: str, member: str) -> None:
        """It does so by itself."""

    async def grow(self, topic: str, partitions: int) -> None:
        there = self._broker._at.topic_there(topic)
        await self._broker._admin_client.create_partitions({there: NewPartitions(partitions)})


async def _append_last(broker: Broker, partition: TopicPartition) -> None:
    await append(broker, Outgoing(partition.topic, partition.partition, b"last", b"last"))


def _is_clean(records: Sequence[Record]) -> bool:
    return len({record.key for record in records}) == len(records)
