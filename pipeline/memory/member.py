"""A member of a group: it learns of rebalances inside `poll`, and reads what is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.broker import Listener, Unavailable
from pipeline.memory.faults import Call, Fate, Faults
from pipeline.memory.group import Group
from pipeline.memory.log import PartitionLog
from pipeline.memory.store import Store
from schemas.records import Record, TopicPartition


@dataclass(slots=True)
class Cursor:
    offset: int = 0
    paused: bool = True


class MemoryMember:
    """`seek`, `pause` and `resume` ignore a partition that is not ours: a rebalance may have been quicker.

    Unlike Kafka's client it calls the listener only inside `poll`, and lets its exceptions through.
    """

    def __init__(self, name: str, group: str, topics: Sequence[str], store: Store, faults: Faults) -> None:
        self.name = name
        self._group_name = group
        self._topics = tuple(topics)
        self._store = store
        self._faults = faults
        self._listener: Listener | None = None
        self._generation = 0
        self._cursors: dict[TopicPartition, Cursor] = {}
        # where there may be something to read, in the order of asking: who has delivered goes last
        self._stirred: dict[TopicPartition, None] = {}
        self._wake = asyncio.Event()

    async def start(self, listener: Listener) -> None:
        if await self._faults.meet(Call.POLL, self._group_name) is not Fate.DONE:
            raise Unavailable(f"{self._group_name}: no answer to the joining of it")
        self._listener = listener
        self._group.join(self.name, self._topics, self._wake)

    async def poll(self, timeout: float, limit: int) -> Mapping[TopicPartition, Sequence[Record]]:
        deadline = asyncio.get_running_loop().time() + timeout
        while self._listener is not None:
            self._wake.clear()
            if await self._is_answered() and self._listener is not None:
                await self._follow(self._listener)
                if found := self._take(limit):
                    return found
            if not await self._woken(deadline):
                return {}
        return {}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        if cursor := self._cursors.get(partition):
            cursor.offset = offset
            self.stir(partition)

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in self._ours(partitions):
            self._cursors[partition].paused = True

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in self._ours(partitions):
            self._cursors[partition].paused = False
            self.stir(partition)

    def stir(self, partition: TopicPartition) -> None:
        self._stirred[partition] = None
        self._wake.set()

    def position(self, partition: TopicPartition) -> int | None:
        cursor = self._cursors.get(partition)
        return None if cursor is None else cursor.offset

    async def stop(self) -> None:
        """The listener hears nothing of it: who stops knows. A poll that is waiting returns empty."""
        self._listener = None
        self._group.leave(self.name)
        self._drop()
        self._wake.set()

    @property
    def _group(self) -> Group:
        return self._store.group(self._group_name)

    async def _is_answered(self) -> bool:
        return await self._faults.meet(Call.POLL, self._group_name) is Fate.DONE

    def _ours(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        return [partition for partition in partitions if partition in self._cursors]

    async def _woken(self, deadline: float) -> bool:
        """Waits until there may be something to do; False when it is too late for it."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    async def _follow(self, listener: Listener) -> None:
        """Gives up what we have when the group asks for it, and takes what it gives."""
        if self._group.must_join(self.name):
            if self._cursors:
                await listener.revoked()
            self._drop()
            if not await self._is_answered() or self._listener is None:
                return
            self._group.join(self.name, self._topics, self._wake)
        if self._group.is_rebalancing or self._group.generation == self._generation:
            return
        generation, numbers = self._group.generation, self._group.numbers(self.name)
        for number in sorted(numbers):
            for topic in self._topics:
                self._give(TopicPartition(topic, number))
        await listener.assigned(numbers)
        self._generation = generation

    def _take(self, limit: int) -> dict[TopicPartition, Sequence[Record]]:
        found: dict[TopicPartition, Sequence[Record]] = {}
        for partition, cursor, log in self._behind():
            records, cursor.offset = log.read(cursor.offset, log.stable_end, limit)
            limit -= len(records)
            if records:
                found[partition] = records
                self._stirred[partition] = self._stirred.pop(partition)
            if limit <= 0:
                break
        return found

    def _behind(self) -> list[tuple[TopicPartition, Cursor, PartitionLog]]:
        """Where there is something before the last stable offset that we have not passed; the rest is not stirred."""
        behind = []
        for partition in list(self._stirred):
            cursor, log = self._cursors.get(partition), self._store.find(partition)
            if cursor is None or cursor.paused or log is None:
                del self._stirred[partition]
                continue
            log.check(cursor.offset)
            if cursor.offset < log.stable_end:
                behind.append((partition, cursor, log))
            else:
                del self._stirred[partition]
        return behind

    def _give(self, partition: TopicPartition) -> None:
        self._cursors[partition] = Cursor()
        if log := self._store.find(partition):
            log.watch(self)

    def _drop(self) -> None:
        for partition in self._cursors:
            if log := self._store.find(partition):
                log.unwatch(self)
        self._cursors.clear()
