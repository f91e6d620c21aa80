"""What the broker holds: topics with their logs, groups, and the rules by which a record is accepted."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.broker import Refused, Unavailable
from pipeline.clock import Clock
from pipeline.memory.group import Group
from pipeline.memory.log import PartitionLog, Transaction, batch_size
from schemas.records import Outgoing, TopicPartition
from schemas.topics import TopicSpec

#: Kafka's `message.timestamp.after.max.ms`: an hour.
AHEAD_MS = 3_600_000


class Store:
    """`clock` stamps records that carry no timestamp, by its wall time. Without one they get 0, and none is too new."""

    def __init__(self, partitions: int, clock: Clock | None) -> None:
        self.partitions = partitions
        self.specs: dict[str, TopicSpec] = {}
        self.counts: dict[str, int] = {}
        self._clock = clock
        self._logs: dict[TopicPartition, PartitionLog] = {}
        self._groups: dict[str, Group] = {}

    def group(self, name: str) -> Group:
        if name not in self._groups:
            self._groups[name] = Group(self.partitions)
        return self._groups[name]

    def log(self, partition: TopicPartition) -> PartitionLog:
        found = self._logs.get(partition)
        if found is None:
            raise Unavailable(f"no partition {partition.partition} of a topic {partition.topic}")
        return found

    def find(self, partition: TopicPartition) -> PartitionLog | None:
        return self._logs.get(partition)

    def create(self, spec: TopicSpec) -> None:
        if spec.name in self.specs:
            return
        self.specs[spec.name] = spec
        self.grow(spec.name, self.partitions)

    def grow(self, topic: str, partitions: int) -> None:
        for number in range(self.counts.get(topic, 0), partitions):
            partition = TopicPartition(topic, number)
            self._logs[partition] = PartitionLog(partition)
        self.counts[topic] = partitions
        for group in self._groups.values():
            group.changed(topic)

    def delete(self, topic: str) -> None:
        """Its logs, and what groups have committed on it, as Kafka does."""
        if self.specs.pop(topic, None) is None:
            return
        for number in range(self.counts.pop(topic)):
            del self._logs[TopicPartition(topic, number)]
        for group in self._groups.values():
            group.committed = {at: offset for at, offset in group.committed.items() if at.topic != topic}

    def append(self, records: Sequence[Outgoing], transaction: Transaction | None) -> list[int]:
        """All of them or, with Refused, none. Returns their offsets."""
        now = 0 if self._clock is None else int(self._clock.wall().timestamp() * 1000)
        targets = [self._accepting(record, now) for record in records]
        return [
            log.append(record, now if record.timestamp is None else record.timestamp, transaction)
            for log, record in zip(targets, records, strict=True)
        ]

    def _accepting(self, record: Outgoing, now: int) -> PartitionLog:
        log = self.log(TopicPartition(record.topic, record.partition))
        spec = self.specs[record.topic]
        if (size := batch_size(record)) > spec.max_bytes:
            raise Refused(f"{record.topic}: {size} bytes, it takes {spec.max_bytes}")
        if spec.compacted and record.key is None:
            raise Refused(f"{record.topic} is compacted and takes no record without a key")
        if self._clock is not None and record.timestamp is not None and record.timestamp > now + AHEAD_MS:
            raise Refused(f"{record.topic}: the timestamp is more than an hour ahead")
        return log
