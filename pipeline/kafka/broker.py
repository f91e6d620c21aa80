"""The broker port on a Kafka. One object per process: it asks the questions, the others move records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from pipeline.broker import OutOfRange, Unavailable
from pipeline.kafka import producer, reading
from pipeline.kafka.appender import KafkaAppender
from pipeline.kafka.ending import end
from pipeline.kafka.failures import answered, bounded
from pipeline.kafka.installation import Installation, Timing
from pipeline.kafka.limits import Limits
from pipeline.kafka.member import KafkaMember
from pipeline.kafka.producer import KafkaProducer
from pipeline.kafka.security import Security
from pipeline.kafka.topics import Topics
from schemas.records import Position, Record, TopicPartition
from schemas.topics import TopicSpec

T = TypeVar("T")

_ASK_WITHIN = 10.0
_CLOSE_WITHIN = 2.0


class KafkaBroker:
    """`prefix` is the installation's; `partitions` what all of its topics have."""

    def __init__(
        self,
        bootstrap: str,
        prefix: str,
        partitions: int,
        security: Security | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._at = Installation(bootstrap, prefix, partitions, security or Security(), timing or Timing())
        self._admin: AIOKafkaAdminClient | None = None
        self._stable: AIOKafkaConsumer | None = None
        self._unstable: AIOKafkaConsumer | None = None
        self._limits: Limits | None = None
        self._lookback = reading.Lookback(self._at, self.stable_ends)

    @property
    def partitions(self) -> int:
        return self._at.partitions

    async def start(self) -> None:
        """Raises Unavailable where no broker answers."""
        self._admin = self._at.admin()
        self._limits = Limits(self._admin, self._at)
        # end_offsets of a read_committed reader are last stable offsets; two kinds of answers need two readers
        self._stable, self._unstable = self._at.reader("read_committed"), self._at.reader("read_uncommitted")
        try:
            async with bounded(f"the Kafka at {self._at.bootstrap}{self._at.security.spoken}", _ASK_WITHIN):
                for client in (self._admin, self._stable, self._unstable):
                    await client.start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Bounded: all at the same time. Producers, appenders and members are closed by those who have them."""
        readers = [reader for reader in (self._stable, self._unstable) if reader is not None]
        closings = [self._lookback.close(), *(end(reader, _CLOSE_WITHIN) for reader in readers)]
        if self._admin is not None:
            closings.append(_in_time(self._admin.close()))
        await asyncio.gather(*closings)
        self._admin = self._stable = self._unstable = None

    # --- those who write and read --------------------------------------------------------------------------------

    async def producer(self, transactional_id: str) -> KafkaProducer:
        return await producer.take(transactional_id, self._at, self._known_limits)

    async def appender(self) -> KafkaAppender:
        appender = KafkaAppender(self._at, self._known_limits)
        await appender.start()
        return appender

    def member(self, group: str, topics: Sequence[str]) -> KafkaMember:
        return KafkaMember(group, topics, self._at)

    def read(self, partition: TopicPartition, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        return reading.read(self._at, partition, start, end)

    async def fetch(self, position: Position) -> Record | None:
        try:
            return await self._lookback.fetch(position)
        except OutOfRange:
            return None

    # --- questions -----------------------------------------------------------------------------------------------

    async def committed(self, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        there = {self._at.there(partition): partition for partition in partitions}
        if not there:
            return {}
        admin, name = self._admin_client, self._at.group_there(group)
        found = await answered(
            f"what {group} has committed",
            lambda: admin.list_consumer_group_offsets(name, partitions=list(there)),
            _ASK_WITHIN,
        )
        offsets = {partition: found[at].offset if at in found else -1 for at, partition in there.items()}
        return {partition: None if offset < 0 else offset for partition, offset in offsets.items()}

    async def beginnings(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        ask = _started(self._stable).beginning_offsets
        return await self._offsets("where the logs begin", ask, partitions)

    async def stable_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        ask = _started(self._stable).end_offsets
        return await self._offsets("where the logs are stable", ask, partitions)

    async def high_watermarks(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        ask = _started(self._unstable).end_offsets
        return await self._offsets("where the logs end", ask, partitions)

    # --- topics --------------------------------------------------------------------------------------------------

    async def topics(self) -> dict[str, int]:
        return await self._topics.list()

    async def create_topics(self, specs: Sequence[TopicSpec]) -> None:
        await self._topics.create(specs)

    async def delete_topics(self, names: Sequence[str]) -> None:
        await self._topics.delete(names)

    @property
    def _topics(self) -> Topics:
        return Topics(self._admin_client, self._at)

    @property
    def _admin_client(self) -> AIOKafkaAdminClient:
        return _started(self._admin)

    @property
    def _known_limits(self) -> Limits:
        if self._limits is None:
            raise Unavailable("this broker was not started")
        return self._limits

    async def _offsets(
        self, what: str, ask: Callable[[Any], Awaitable[Any]], partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, int]:
        there = [self._at.there(partition) for partition in partitions]
        found = await answered(what, lambda: ask(there), _ASK_WITHIN)
        return {self._at.here(partition): offset for partition, offset in found.items()}


async def _in_time(closing: Coroutine[Any, Any, None]) -> None:
    await asyncio.wait({asyncio.create_task(closing)}, timeout=_CLOSE_WITHIN)


def _started(client: T | None) -> T:
    if client is None:
        raise Unavailable("this broker is not started, or is closed")
    return client
