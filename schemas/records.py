"""A record: an event at a position on a topic. The same shape for every broker.

Topics carry their logical name here (`events.enriched`); the prefix of an installation is added and removed by the
broker, so that nothing above it can mix two installations.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

#: The header of a record that an operator has given back from the dead letters: when (wall time, ISO 8601).
REDRIVEN_AT = "redriven-at"


class TopicPartition(NamedTuple):
    topic: str
    partition: int


class Position(NamedTuple):
    topic: str
    partition: int
    offset: int


class Record(Struct, frozen=True, gc=False):
    """As read: `timestamp` in milliseconds since the epoch, `value` None for a tombstone."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def position(self) -> Position:
        return Position(self.topic, self.partition, self.offset)

    @property
    def topic_partition(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)

    def header(self, name: str) -> str | None:
        """The first header of that name as text, None where it is absent or no UTF-8."""
        for found, value in self.headers:
            if found == name:
                try:
                    return value.decode()
                except UnicodeDecodeError:
                    return None
        return None


class Outgoing(Struct, frozen=True, gc=False):
    """To be written: the partition is always chosen by us (`partition_of`), never by the broker's client."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int | None = None


def partition_of(key: bytes, partitions: int) -> int:
    """Kafka's default partitioner (murmur2, seed 0x9747b28c), so that any other client finds the same partition."""
    return (_murmur2(key) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bit, as Kafka's `Utils.murmur2`: class org.apache.kafka.common.utils.Utils."""
    mask, multiplier = 0xFFFFFFFF, 0x5BD1E995
    length = len(data)
    digest = 0x9747B28C ^ length
    whole = length & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little")
        word = (word * multiplier) & mask
        word ^= word >> 24
        word = (word * multiplier) & mask
        digest = ((digest * multiplier) & mask) ^ word
    if rest := data[whole:]:
        digest ^= int.from_bytes(rest, "little")
        digest = (digest * multiplier) & mask
    digest ^= digest >> 13
    digest = (digest * multiplier) & mask
    return digest ^ (digest >> 15)
