"""What a task reads: records at hand, and up to where its inputs are read and settled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from pipeline.broker import Member
from pipeline.inbox import Inbox
from pipeline.surroundings import Limits
from schemas.records import Record, TopicPartition


class Reading:
    """`positions` is up to where the log knows it as settled."""

    def __init__(self, member: Member, inputs: Sequence[TopicPartition], limits: Limits) -> None:
        self.inputs = tuple(inputs)
        self.positions: dict[TopicPartition, int] = {}
        self._member = member
        self._limits = limits
        self._inbox = Inbox(limits.inbox, limits.inbox_bytes)
        self._read_to: dict[TopicPartition, int] = {}
        self._in_hand: int | None = None
        self._held_back = False
        self.crowded: Collection[str] = ()
        """Families of which more is remembered than shall be: nothing more is read or taken until it is less."""

    @property
    def is_crowded(self) -> bool:
        return bool(self.crowded)

    @property
    def has_more(self) -> bool:
        """Something is at hand that may be taken now."""
        return len(self) > 0 and not self.is_crowded

    def __len__(self) -> int:
        return len(self._inbox)

    def begin(self, positions: Mapping[TopicPartition, int]) -> None:
        """From there, with nothing at hand."""
        self.clear()
        self._in_hand = None
        self._held_back = False
        self.positions = dict(positions)
        self._read_to = dict(positions)

    def start(self) -> None:
        for partition, offset in self.positions.items():
            self._member.seek(partition, offset)
        self._member.resume(self.inputs)
        self.hold_back()

    def stop(self) -> None:
        """Its partitions are not read in vain."""
        self.clear()
        self._member.pause(self.inputs)

    def clear(self) -> None:
        self._inbox.clear()

    def offer(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Those that were taken before (a seek brings them again) are passed over."""
        known = self._read_to[partition]
        self._inbox.put(record for record in records if record.offset >= known)

    def advanced(self, partition: TopicPartition, position: int) -> bool:
        """Everything before `position` has been offered. True where that is news."""
        if position <= self._read_to.get(partition, 0):
            return False
        self._read_to[partition] = position
        return True

    def hold_back(self) -> None:
        """Pauses its partitions while it has enough at hand, so that they starve no other, or enough in mind."""
        if not self._held_back and (self._inbox.is_full or self.is_crowded):
            self._member.pause(self.inputs)
            self._held_back = True
        elif self._held_back and self._inbox.has_room and not self.is_crowded:
            self._member.resume(self.inputs)
            self._held_back = False

    def take(self) -> list[Record]:
        oldest = self._inbox.oldest if self._in_hand is None else self._in_hand
        records = self._inbox.take(self._limits.lanes * 2, self._limits.batch_bytes)
        self.hold_back()
        self._in_hand = oldest
        return records

    def put_back(self, records: Sequence[Record]) -> None:
        self._inbox.put_back(records)

    def committed(self, positions: Mapping[TopicPartition, int]) -> None:
        """A transaction that settles nothing of what was taken (a stop) leaves it in hand."""
        if positions != self.positions:
            self._in_hand = None
        self.positions = dict(positions)
        for partition, offset in positions.items():
            self._read_to[partition] = max(offset, self._read_to.get(partition, 0))

    def settled(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Up to where everything is settled once `offsets` are; control records count while nothing is at hand."""
        return {**self.positions, **offsets} if len(self._inbox) else {**self.positions, **self._read_to}

    def behind(self) -> dict[TopicPartition, int]:
        """Inputs that are read further than they are settled, and how far."""
        return {p: offset for p, offset in self._read_to.items() if offset > self.positions[p]}

    def oldest(self) -> datetime | None:
        """The timestamp of the oldest record that was read and is not settled."""
        known = [at for at in (self._in_hand, self._inbox.oldest) if at is not None]
        return datetime.fromtimestamp(min(known) / 1000, UTC) if known else None
