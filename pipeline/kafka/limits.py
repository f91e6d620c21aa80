"""What the topics take, asked of Kafka and checked before anything is sent.

Kafka checks too, but a batch that it refuses leaves a gap in the producer's sequence: every later batch to that
partition would be refused as out of order. And a refused record takes the innocent ones of its batch with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import aiokafka
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import UnknownTopicOrPartitionError
from msgspec import Struct

from pipeline.broker import Refused, Unavailable
from pipeline.kafka.failures import answered
from pipeline.kafka.installation import Installation
from schemas.records import Outgoing

_WITHIN = 5.0
_MAX_BYTES, _CLEANUP, _AHEAD = "max.message.bytes", "cleanup.policy", "message.timestamp.after.max.ms"


class Limit(Struct, frozen=True):
    """Of one topic. What Kafka does not tell us is Kafka's to check."""

    max_bytes: int = 2**31 - 1
    compacted: bool = False
    ahead_ms: int = 2**62

    def complaint(self, record: Outgoing) -> str | None:
        if (size := size_of(record)) > self.max_bytes:
            return f"{size} bytes, it takes {self.max_bytes}"
        if self.compacted and record.key is None:
            return "it is compacted and takes no record without a key"
        if record.timestamp is not None and record.timestamp > time.time() * 1000 + self.ahead_ms:
            return f"the timestamp is more than {self.ahead_ms} ms ahead"
        return None


class Limits:
    def __init__(self, admin: AIOKafkaAdminClient, at: Installation) -> None:
        self._admin = admin
        self._at = at
        self._known: dict[str, Limit] = {}

    async def require(self, records: Sequence[Outgoing]) -> None:
        """Raises Refused. Before that it asks again: an operator may have changed the topic."""
        await self._learn({record.topic for record in records} - self._known.keys())
        if not self._complaints(records):
            return
        await self._learn({record.topic for record in records})
        if complaints := self._complaints(records):
            raise Refused("; ".join(complaints[:3]))

    def of(self, topic: str) -> Limit:
        return self._known.get(topic, Limit())

    def _complaints(self, records: Sequence[Outgoing]) -> list[str]:
        found = ((record.topic, self.of(record.topic).complaint(record)) for record in records)
        return [f"{topic}: {complaint}" for topic, complaint in found if complaint is not None]

    async def _learn(self, topics: Iterable[str]) -> None:
        resources = [ConfigResource(ConfigResourceType.TOPIC, self._at.topic_there(topic)) for topic in topics]
        if not resources:
            return
        for name, limit in await answered("the topics' limits", lambda: self._describe(resources), _WITHIN):
            self._known[self._at.topic_here(name)] = limit

    async def _describe(self, resources: Sequence[ConfigResource]) -> list[tuple[str, Limit]]:
        """A topic that was made just now is not known everywhere yet: that is worth another question."""
        found: list[tuple[str, Limit]] = []
        for answer in await self._admin.describe_configs(list(resources)):
            for code, _, _, name, entries in answer.resources:
                if code == UnknownTopicOrPartitionError.errno:
                    raise UnknownTopicOrPartitionError(name)
                found.append((name, _limit(entries) if code == 0 else Limit()))
        return found


async def require_partition(client: AIOKafkaProducer, there: aiokafka.TopicPartition) -> None:
    """Raises Unavailable. The client itself stops with a failed assertion, as for a defect of its user's."""
    if there.partition not in (await client.partitions_for(there.topic) or ()):
        raise Unavailable(f"no partition {there.partition} of a topic {there.topic}")


def _limit(entries: Iterable[Sequence[Any]]) -> Limit:
    values = {entry[0]: entry[1] for entry in entries}
    known = Limit()
    return Limit(
        int(values.get(_MAX_BYTES, known.max_bytes)),
        "compact" in str(values.get(_CLEANUP, "")),
        min(int(values.get(_AHEAD, known.ahead_ms)), known.ahead_ms),
    )


def size_of(record: Outgoing) -> int:
    """Bytes of the batch that carries this record alone, at most: what `max.message.bytes` is compared with.

    61 bytes of batch header, up to 36 of lengths and deltas, up to 10 of lengths per header
    (https://kafka.apache.org/documentation/#messageformat).
    """
    headers = sum(len(name.encode()) + len(value) + 10 for name, value in record.headers)
    return 61 + 36 + len(record.key or b"") + len(record.value or b"") + headers
