"""The broker itself, and the hooks by which a test lets time do its work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

from pipeline.broker import Appender, Member, Producer, Unavailable
from pipeline.clock import Clock
from pipeline.memory.faults import Call, Calm, Fate, Faults
from pipeline.memory.log import PartitionLog
from pipeline.memory.member import MemoryMember
from pipeline.memory.producer import MemoryAppender, MemoryProducer, TransactionalId
from pipeline.memory.store import Store
from schemas.records import Position, Record, TopicPartition
from schemas.topics import TopicSpec

#: Records in one batch of `read`.
BATCH = 1_000


class _Reader:
    def __init__(self) -> None:
        self.more = asyncio.Event()

    def stir(self, partition: TopicPartition) -> None:
        self.more.set()


class MemoryBroker:
    """One object is the whole installation: processes that share a Kafka share this object. Closing it does nothing.

    Records without a timestamp get the clock's wall time, and records dated more than an hour ahead of it are refused;
    without a clock they get 0, and none is refused.
    """

    def __init__(self, partitions: int, clock: Clock | None = None, faults: Faults | None = None) -> None:
        self._store = Store(partitions, clock)
        self._faults = faults or Calm()
        self._identities: dict[str, TransactionalId] = {}
        self._members = 0

    @property
    def partitions(self) -> int:
        return self._store.partitions

    async def start(self) -> None:
        await self._ask(Call.ASK)

    async def close(self) -> None:
        """Producers and members are closed by those who have them."""

    async def producer(self, transactional_id: str) -> Producer:
        fate = await self._faults.meet(Call.INIT, transactional_id)
        if fate in (Fate.DONE, Fate.ANSWER_LOST):
            identity = self._identity(transactional_id)
            identity.take()
            producer = MemoryProducer(identity, self._store, self._faults)
            await identity.last.settled.wait()
            if fate is Fate.DONE:
                return producer
        raise Unavailable(f"{transactional_id}: no answer to the taking of it")

    async def appender(self) -> Appender:
        await self._ask(Call.ASK)
        return MemoryAppender(self._store, self._faults)

    def member(self, group: str, topics: Sequence[str]) -> Member:
        """Named `<group>-<number>`, numbered from 1 over all groups: `expel` wants the name."""
        self._members += 1
        return MemoryMember(f"{group}-{self._members}", group, topics, self._store, self._faults)

    async def read(self, partition: TopicPartition, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        """Waits where `end` is behind the last stable offset, as a reader of Kafka does."""
        reader = _Reader()
        log = self._log(partition)
        log.watch(reader)
        try:
            while start < end:
                reader.more.clear()
                await self._ask(Call.READ, partition.topic)
                log.check(start)
                records, start = log.read(start, min(end, log.stable_end), BATCH)
                if records:
                    yield records
                elif start < end:
                    await reader.more.wait()
        finally:
            log.unwatch(reader)

    async def fetch(self, position: Position) -> Record | None:
        await self._ask(Call.READ, position.topic)
        log = self._log(TopicPartition(position.topic, position.partition))
        if not log.beginning <= position.offset < log.stable_end:
            return None
        records, _ = log.read(position.offset, position.offset + 1, 1)
        return records[0] if records else None

    async def committed(self, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        await self._ask(Call.ASK)
        return {partition: self._store.group(group).committed.get(partition) for partition in partitions}

    async def beginnings(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await self._ask(Call.ASK)
        return {partition: self._log(partition).beginning for partition in partitions}

    async def stable_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await self._ask(Call.ASK)
        return {partition: self._log(partition).stable_end for partition in partitions}

    async def high_watermarks(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await self._ask(Call.ASK)
        return {partition: self._log(partition).high_watermark for partition in partitions}

    async def topics(self) -> dict[str, int]:
        await self._ask(Call.ASK)
        return dict(self._store.counts)

    async def create_topics(self, specs: Sequence[TopicSpec]) -> None:
        await self._ask(Call.ASK)
        for spec in specs:
            self._store.create(spec)

    async def delete_topics(self, names: Sequence[str]) -> None:
        await self._ask(Call.ASK)
        for name in names:
            self._store.delete(name)

    # Hooks: what Kafka does by itself when time passes, or what another installation may do to us.

    def truncate(self, partition: TopicPartition, before: int) -> None:
        """Retention: records before that offset are gone. ValueError where they are not stable yet."""
        self._log(partition).truncate(before)

    def compact(self, partition: TopicPartition) -> None:
        """Keeps the newest stable record per key. A tombstone goes at the second compaction after it was written."""
        self._log(partition).compact()

    def grow(self, topic: str, partitions: int) -> None:
        """An operator's doing: the topic has more partitions than the installation."""
        self._store.grow(topic, partitions)

    def fence(self, transactional_id: str) -> None:
        """What a new owner does, or the transaction's timeout: the open transaction is aborted, its producer fenced."""
        self._identity(transactional_id).take()

    def expel(self, group: str, member: str) -> None:
        """The session timeout of a member that does not poll. It hears of it at its next poll, and joins again."""
        self._store.group(group).leave(member)

    def forget_offsets(self, group: str) -> None:
        """The retention of committed offsets."""
        self._store.group(group).committed.clear()

    def hold_markers(self, partition: TopicPartition) -> None:
        """Transactions that end from now on stay open there: Kafka writes the markers of one after the answer."""
        self._log(partition).hold_markers()

    def release_markers(self, partition: TopicPartition) -> None:
        self._log(partition).release_markers()

    def _identity(self, transactional_id: str) -> TransactionalId:
        return self._identities.setdefault(transactional_id, TransactionalId(transactional_id))

    def _log(self, partition: TopicPartition) -> PartitionLog:
        return self._store.log(partition)

    async def _ask(self, call: Call, name: str = "") -> None:
        if await self._faults.meet(call, name) is not Fate.DONE:
            raise Unavailable(f"no answer: {call} {name}".rstrip())
