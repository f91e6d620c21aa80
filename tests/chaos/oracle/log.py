"""What stood on an installation's topics at one moment, as a value: the oracle judges this, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import msgspec
from aiokafka.partitioner import murmur2

from schemas import topics
from schemas.records import Record, TopicPartition
from tests.chaos.oracle.remembered import Key, Stored, changelog_entry

#: What is said to every task alike. No stage sees it, and it is in no content check.
BROADCASTS = frozenset({"chain-beat", "receiver-beat", "shop/redact"})
#: What the runtime says of itself, on its own behalf.
_OWN_WORDS = ("beat/", "behind/", "caught-up/")

#: What stages write for each other.
WRITTEN = (*topics.DERIVED, topics.OUTCOMES)
_READ = frozenset({*topics.RAW, *topics.DERIVED})


class Made(NamedTuple):
    """Who made a record, and of what: its `ce_id`, taken apart. `source`: `<topic>/<offset>`, a timer or a visit."""

    stage: str
    number: int
    source: str
    turn: int

    @property
    def position(self) -> tuple[str, int] | None:
        """Topic and offset of the source, None where it is no record."""
        topic, _, offset = self.source.rpartition("/")
        return (topic, int(offset)) if topic in _READ and offset.isdecimal() else None

    @property
    def task(self) -> tuple[str, int]:
        return self.stage, self.number


class Change(NamedTuple):
    """A record of a changelog; `stored` None where the key was deleted."""

    record: Record
    key: Key
    stored: Stored | None


class Mark(NamedTuple):
    """A transaction's mark. `first`: the first offset that its transaction wrote on the changelog. `time` in ms."""

    first: int
    offset: int
    positions: Mapping[str, int]
    time: int


@dataclass(frozen=True)
class Log:
    """`records` in order of their offsets; `committed` by group, as far as there is anything."""

    partitions: int
    records: Mapping[TopicPartition, Sequence[Record]]
    committed: Mapping[str, Mapping[TopicPartition, int]]

    def on(self, topic: str, number: int) -> Sequence[Record]:
        return self.records.get(TopicPartition(topic, number), ())

    def of(self, *names: str) -> Iterator[Record]:
        for topic in names:
            for number in range(self.partitions):
                yield from self.on(topic, number)

    @cached_property
    def made(self) -> Mapping[tuple[str, int], Sequence[tuple[Made, Record]]]:
        """By task, what its stage has told others; each output partition in order."""
        found: dict[tuple[str, int], list[tuple[Made, Record]]] = {}
        for record in self.of(*WRITTEN):
            made = made_of(record)
            if made is not None and not is_broadcast(record) and not made.source.startswith(_OWN_WORDS):
                found.setdefault(made.task, []).append((made, record))
        return found

    def changes(self, stage: str, number: int) -> Sequence[Change]:
        """The changelog of a task, in order."""
        return self._changes.get((stage, number), ())

    def marks(self, stage: str, number: int) -> Sequence[Mark]:
        """In order. Empty where the task never committed anything; compaction leaves the newest at least."""
        return self._marks.get((stage, number), ())

    @cached_property
    def _changes(self) -> Mapping[tuple[str, int], Sequence[Change]]:
        return {
            (stage, number): [Change(record, *changelog_entry(record)) for record in self.on(topic, number)]
            for stage in topics.STAGES
            for topic in (topics.state_of(stage),)
            for number in range(self.partitions)
        }

    @cached_property
    def _marks(self) -> Mapping[tuple[str, int], Sequence[Mark]]:
        return {task: list(_marks(changes)) for task, changes in self._changes.items()}

    def home(self, key: bytes) -> int:
        """The partition of a key, by a murmur2 that is not ours."""
        return int((murmur2(key) & 0x7FFFFFFF) % self.partitions)


def _marks(changes: Sequence[Change]) -> Iterator[Mark]:
    """Who lifts a stop writes without a transaction of the task's, and leaves no mark."""
    first: int | None = None
    for record, key, stored in changes:
        if key.family == "stopped" and stored is None:
            continue
        first = record.offset if first is None else first
        if key.family == "mark" and stored is not None:
            positions, time = msgspec.msgpack.decode(stored.payload, type=tuple[dict[str, int], int])
            yield Mark(first, record.offset, positions, time)
            first = None


def made_of(record: Record) -> Made | None:
    """None for what no stage has made."""
    parts = (record.header("ce_id") or "").split("/")
    if len(parts) < 4 or parts[0] not in topics.STAGES or not (parts[1].isdecimal() and parts[-1].isdecimal()):
        return None
    return Made(parts[0], int(parts[1]), "/".join(parts[2:-1]), int(parts[-1]))


def is_broadcast(record: Record) -> bool:
    return record.header("ce_type") in BROADCASTS


def at(record: Record) -> str:
    return f"{record.topic}-{record.partition}@{record.offset}"


def rejected(record: Record) -> tuple[str, int]:
    """Topic and offset of what became this dead letter; its partition is the task's."""
    return record.header("dead-topic") or "", int(record.header("dead-offset") or -1)
