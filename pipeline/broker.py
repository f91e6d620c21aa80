"""The broker port: what the runtime needs of a log, and nothing else.

Two implementations are held to one suite (`tests/conformance`): `pipeline.kafka` for Apache Kafka and
`pipeline.memory` for tests, replay and the demo without a Kafka. Topic names, group names and transactional ids are
logical everywhere above this port; an implementation adds the installation's prefix.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Protocol

from schemas.records import Outgoing, Position, Record, TopicPartition
from schemas.topics import TopicSpec


class BrokerError(Exception):
    """The broker said no, or said nothing. `str()` is one line for a person."""


class Unavailable(BrokerError):
    """No answer in time; nothing is known to have been written. Trying again is safe."""


class Fenced(BrokerError):
    """Another owner has taken this transactional id: whoever sees this owns nothing any more."""


class InDoubt(BrokerError):
    """A commit was asked for and its answer is missing: it may have happened. Only a rebuild can tell."""


class Refused(BrokerError):
    """A record was not accepted (size, policy). The transaction must be aborted; nothing of it is visible."""


class OutOfRange(BrokerError):
    """The position asked for is not on the log any more: retention has eaten it."""


class Producer(Protocol):
    """One transactional producer. Used by one task, one transaction at a time."""

    async def begin(self) -> None: ...

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Returns only when every record is acknowledged. Raises Refused, Fenced, Unavailable."""

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Offsets (of the next record to read) and everything sent become visible together.

        Raises Fenced, or InDoubt when it cannot be known whether the commit happened. Never to be retried.
        """

    async def abort(self) -> None: ...

    async def close(self) -> None:
        """Bounded; does not raise for a broker that is gone."""


class Appender(Protocol):
    """A plain idempotent producer for the receiver: acks=all, no transaction."""

    async def append(self, record: Outgoing) -> Position:
        """Returns when all in-sync replicas have it. Raises Refused or Unavailable."""

    async def close(self) -> None: ...


class Listener(Protocol):
    """Told of a rebalance, between two polls. Must be quick: no heartbeat is sent while it runs."""

    async def revoked(self) -> None:
        """All partitions are about to be taken away (eager): stop working on them."""

    async def assigned(self, numbers: frozenset[int]) -> None:
        """These partition numbers, of every input topic, are ours now. They start paused, at offset 0."""


class Member(Protocol):
    """A member of a stage's group, on all of the stage's inputs; the same numbers of each topic (co-partitioned)."""

    async def start(self, listener: Listener) -> None: ...

    async def poll(self, timeout: float, limit: int) -> Mapping[TopicPartition, Sequence[Record]]:
        """Committed records only, of partitions that are not paused; empty after `timeout` seconds.

        Raises OutOfRange, naming the partition, where a sought position is gone.
        """

    def seek(self, partition: TopicPartition, offset: int) -> None: ...

    def pause(self, partitions: Iterable[TopicPartition]) -> None: ...

    def resume(self, partitions: Iterable[TopicPartition]) -> None: ...

    def position(self, partition: TopicPartition) -> int | None:
        """The next offset to be read, behind control records and aborted ones too; None if not ours."""

    async def stop(self) -> None:
        """Leaves the group. Bounded; does not raise for a broker that is gone."""


class Broker(Protocol):
    """A log with partitions, groups and transactions. Offsets are those of the next record to be read."""

    @property
    def partitions(self) -> int:
        """The one partition count of all topics of this installation."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def producer(self, transactional_id: str) -> Producer:
        """Fences every earlier producer of that id and ends its open transaction before it returns."""

    async def appender(self) -> Appender: ...

    def member(self, group: str, topics: Sequence[str]) -> Member: ...

    def read(self, partition: TopicPartition, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        """Committed records with `start <= offset < end`, in batches, without a group; then it ends."""

    async def fetch(self, position: Position) -> Record | None:
        """One record again; None where retention or compaction has removed it."""

    async def committed(self, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]: ...

    async def beginnings(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]: ...

    async def stable_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The last stable offset: up to where a read_committed reader can read."""

    async def high_watermarks(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The end of the log, open transactions included."""

    async def topics(self) -> dict[str, int]:
        """The topics of this installation with their partition counts."""

    async def create_topics(self, specs: Sequence[TopicSpec]) -> None:
        """Makes those that do not exist, each with `partitions` partitions."""

    async def delete_topics(self, names: Sequence[str]) -> None: ...
