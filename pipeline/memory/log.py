"""One partition's log, and the transactions that are open on it.

A slot is a record, or None for what nobody can read: control records, aborted records, compacted ones. Readers are
always read_committed, so an aborted record is simply emptied; its offset stays.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Protocol

from pipeline.broker import OutOfRange
from schemas.records import Outgoing, Record, TopicPartition


class Outcome(StrEnum):
    COMMITTED = "committed"
    ABORTED = "aborted"


class Transaction:
    """What one producer wrote between begin and end. It is settled when every log it touched carries its marker."""

    def __init__(self) -> None:
        self._unmarked: dict[PartitionLog, None] = {}
        self.settled = asyncio.Event()

    @property
    def is_empty(self) -> bool:
        return not self._unmarked

    def touch(self, log: PartitionLog) -> None:
        self._unmarked.setdefault(log)

    def end(self, outcome: Outcome) -> None:
        for log in list(self._unmarked):
            log.end(self, outcome)
        self._settle()

    def marked(self, log: PartitionLog) -> None:
        self._unmarked.pop(log, None)
        self._settle()

    def _settle(self) -> None:
        if not self._unmarked:
            self.settled.set()


class Watcher(Protocol):
    def stir(self, partition: TopicPartition) -> None:
        """There may be more to read there."""


class PartitionLog:
    def __init__(self, partition: TopicPartition) -> None:
        self.partition = partition
        self.beginning = 0
        self._slots: list[Record | None] = []
        # open transactions with their offsets here; in the order of their first offset, since they enter by writing
        self._open: dict[Transaction, list[int]] = {}
        self._markers_held: list[tuple[Transaction, Outcome]] | None = None
        self._old_tombstones: set[int] = set()
        self._watchers: dict[Watcher, None] = {}

    @property
    def high_watermark(self) -> int:
        return self.beginning + len(self._slots)

    @property
    def stable_end(self) -> int:
        """The first offset of the oldest open transaction, else the end."""
        for offsets in self._open.values():
            return offsets[0]
        return self.high_watermark

    def append(self, outgoing: Outgoing, timestamp: int, transaction: Transaction | None) -> int:
        offset = self.high_watermark
        topic, number = self.partition
        self._slots.append(
            Record(topic, number, offset, timestamp, outgoing.key, outgoing.value, tuple(outgoing.headers))
        )
        if transaction is None:
            self._stir()
        else:
            transaction.touch(self)
            self._open.setdefault(transaction, []).append(offset)
        return offset

    def read(self, start: int, end: int, limit: int) -> tuple[list[Record], int]:
        """At most `limit` readable records from `start` to before `end`, and the offset to go on from.

        `start` must not be before `beginning`, `end` not behind `stable_end`.
        """
        found: list[Record] = []
        offset = start
        while offset < end and len(found) < limit:
            stop = min(end, offset + limit - len(found))
            found += [slot for slot in self._slots[offset - self.beginning : stop - self.beginning] if slot is not None]
            offset = stop
        return found, offset

    def end(self, transaction: Transaction, outcome: Outcome) -> None:
        if self._markers_held is None:
            self._mark(transaction, outcome)
        else:
            self._markers_held.append((transaction, outcome))

    def hold_markers(self) -> None:
        """From now on transactions end here only when released: markers of one transaction come at different times."""
        if self._markers_held is None:
            self._markers_held = []

    def release_markers(self) -> None:
        held, self._markers_held = self._markers_held or [], None
        for transaction, outcome in held:
            self._mark(transaction, outcome)

    def truncate(self, before: int) -> None:
        if before > self.stable_end:
            raise ValueError(f"{self.partition} is stable up to {self.stable_end}, {before} is behind that")
        if before > self.beginning:
            del self._slots[: before - self.beginning]
            self.beginning = before

    def compact(self) -> None:
        """Keeps the newest record of every key; a tombstone outlives one compaction, by its delete retention."""
        stable = [record for record in self._slots[: self.stable_end - self.beginning] if record is not None]
        newest = {record.key: record.offset for record in stable}
        for record in stable:
            if newest[record.key] != record.offset or record.offset in self._old_tombstones:
                self._slots[record.offset - self.beginning] = None
        self._old_tombstones = {record.offset for record in stable if record.value is None}

    def check(self, offset: int) -> None:
        """Raises OutOfRange where a reader cannot stand at `offset`."""
        if not self.beginning <= offset <= self.high_watermark:
            topic, number = self.partition
            held = f"{self.beginning} to {self.high_watermark}"
            raise OutOfRange(f"{topic}/{number}: offset {offset} is not on the log, which holds {held}")

    def watch(self, watcher: Watcher) -> None:
        self._watchers[watcher] = None

    def unwatch(self, watcher: Watcher) -> None:
        self._watchers.pop(watcher, None)

    def _mark(self, transaction: Transaction, outcome: Outcome) -> None:
        offsets = self._open.pop(transaction)
        if outcome is Outcome.ABORTED:
            for offset in offsets:
                self._slots[offset - self.beginning] = None
        self._slots.append(None)
        transaction.marked(self)
        self._stir()

    def _stir(self) -> None:
        for watcher in self._watchers:
            watcher.stir(self.partition)


def batch_size(record: Outgoing) -> int:
    """Bytes of the batch that carries this record alone, at most: what `max.message.bytes` is compared with.

    61 bytes of batch header, up to 36 of lengths and deltas, up to 10 of lengths per header
    (https://kafka.apache.org/documentation/#messageformat).
    """
    headers = sum(len(name.encode()) + len(value) + 10 for name, value in record.headers)
    return 61 + 36 + len(record.key or b"") + len(record.value or b"") + headers
