"""A member that is polled all the time, and remembers what it was told and given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pipeline.broker import Broker, Member
from schemas.records import Record, TopicPartition
from tests.conformance.world import LEFT, PATIENCE, values


class Reader:
    """With `resumes` it reads every partition that it is given from the beginning, as nobody but a test would."""

    def __init__(self, member: Member, topics: Sequence[str], resumes: frozenset[int]) -> None:
        self.member = member
        self.records: list[Record] = []
        self.numbers: frozenset[int] | None = None
        self.told: list[str] = []
        self._topics = topics
        self._resumes = resumes
        self._stopping = False
        self._changed = asyncio.Condition()
        self._polling: asyncio.Task[None] | None = None
        self._may_let_go = asyncio.Event()
        self._may_let_go.set()

    async def revoked(self) -> None:
        self.told.append("revoked")
        self.numbers = None
        async with self._changed:
            self._changed.notify_all()
        await self._may_let_go.wait()

    def holds_on(self) -> None:
        """From now on it hangs when it is to give up what it has, until it `lets_go`."""
        self._may_let_go.clear()

    def lets_go(self) -> None:
        self._may_let_go.set()

    async def assigned(self, numbers: frozenset[int]) -> None:
        self.told.append("assigned")
        self.numbers = numbers
        self.resume([TopicPartition(topic, number) for topic in self._topics for number in numbers & self._resumes])

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        for partition in partitions:
            self.member.seek(partition, 0)
        self.member.resume(partitions)

    async def start(self) -> None:
        await self.member.start(self)
        self._polling = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """Ends the poll that is under way, then leaves the group. A poll that failed fails the test here."""
        self._stopping = True
        if self._polling is not None:
            polling, self._polling = self._polling, None
            try:
                await polling
            finally:
                await self.member.stop()

    async def until(self, holds: Callable[[Reader], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: holds(self) or (self._polling is not None and self._polling.done()))
        if self._polling is not None and self._polling.done():
            await self._polling

    async def has(self, *expected: str) -> None:
        """Waits for so many records, and they are these, in this order."""
        await self.until(lambda reader: len(reader.records) >= len(expected))
        assert values(self.records) == list(expected)

    async def _poll(self) -> None:
        try:
            while not self._stopping:
                for records in (await self.member.poll(0.1, 500)).values():
                    self.records += records
                async with self._changed:
                    self._changed.notify_all()
        finally:
            async with self._changed:
                self._changed.notify_all()


class Readers:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.everyone: list[Reader] = []

    async def start(
        self, group: str = "readers", topics: Sequence[str] = (LEFT,), resumes: frozenset[int] = frozenset(range(64))
    ) -> Reader:
        reader = Reader(self._broker.member(group, topics), topics, resumes)
        self.everyone.append(reader)
        await reader.start()
        return reader

    async def stop(self) -> None:
        for reader in self.everyone:
            reader.lets_go()
            await reader.stop()


async def shared(broker: Broker, *readers: Reader) -> None:
    """Waits until these readers, and nobody else, have all the numbers, each with one of them."""
    everyone = list(range(broker.partitions))

    def is_shared(_: Reader) -> bool:
        held = [reader.numbers for reader in readers if reader.numbers is not None]
        return len(held) == len(readers) and sorted(number for numbers in held for number in numbers) == everyone

    await readers[0].until(is_shared)


class Alone:
    """The only member of its group, polled by the test itself; everything is assigned and paused."""

    def __init__(self, broker: Broker, topic: str = LEFT) -> None:
        self.member = broker.member(f"alone-on-{topic}", (topic,))
        self._has_numbers = False

    async def revoked(self) -> None:
        self._has_numbers = False

    async def assigned(self, numbers: frozenset[int]) -> None:
        self._has_numbers = True

    async def start(self) -> None:
        await self.member.start(self)
        async with asyncio.timeout(PATIENCE):
            while not self._has_numbers:
                assert await self.member.poll(0.1, 1) == {}

    def read_from(self, partition: TopicPartition, offset: int) -> None:
        self.member.seek(partition, offset)
        self.member.resume([partition])

    async def take(self, count: int) -> list[Record]:
        """Polls until it has `count` records."""
        found: list[Record] = []
        async with asyncio.timeout(PATIENCE):
            while len(found) < count:
                for records in (await self.member.poll(0.1, 500)).values():
                    found += records
        return found
