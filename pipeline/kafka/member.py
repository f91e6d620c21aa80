"""A member of a stage's group.

aiokafka tells of a rebalance from a task of its own, swallows what the listener raises, and begins to ask where a new
partition's reader stands at once. So whatever is new is paused and set to 0 before anything is awaited, and what the
listener raised is raised by the next poll. A new assignment forgets what was paused: everything is paused again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import aiokafka
from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from pipeline.broker import Listener, OutOfRange, Unavailable
from pipeline.kafka.assignor import NumberAssignor
from pipeline.kafka.ending import end
from pipeline.kafka.failures import bounded, not_ours, told
from pipeline.kafka.installation import Installation
from pipeline.kafka.records import record_of
from schemas.records import Record, TopicPartition

_CONNECT_WITHIN = 10.0
_STOP_WITHIN = 4.0
#: How much longer than asked a poll may take: the client waits for the end of a rebalance without a bound.
_GRACE = 0.1
#: How often the joining is asked for an error, which it tells nobody by itself.
_LOOK_SECONDS = 0.02


class KafkaMember:
    def __init__(self, group: str, topics: Sequence[str], at: Installation) -> None:
        self._group = group
        self._topics = topics
        self._at = at
        self._consumer: AIOKafkaConsumer | None = None
        self._listener: Listener | None = None
        self._ours: frozenset[aiokafka.TopicPartition] = frozenset()
        self._settled = asyncio.Event()
        self._trouble: Exception | None = None

    async def start(self, listener: Listener) -> None:
        """Returns with the first assignment, which may be empty. Raises Unavailable."""
        self._listener = listener
        try:
            await self._join()
        except BaseException:
            await self.stop()
            raise

    async def poll(self, timeout: float, limit: int) -> Mapping[TopicPartition, Sequence[Record]]:
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble
        if self._listener is None:
            return {}
        if self._consumer is None or _has_died(self._consumer):
            await self._join_anew()
        consumer = self._client
        try:
            with not_ours(self._group):
                async with asyncio.timeout(timeout + _GRACE):
                    await self._settled.wait()
                    found = await consumer.getmany(timeout_ms=int(timeout * 1000), max_records=limit)
        except (TimeoutError, NoOffsetForPartitionError):
            return {}
        except OffsetOutOfRangeError as error:
            raise self._out_of_range(error) from error
        except KafkaError as error:
            raise told(self._group, error) from error
        return {self._at.here(at): [record_of(self._at, one) for one in records] for at, records in found.items()}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        for there in self._held([partition]):
            self._client.seek(there, offset)

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        if held := self._held(partitions):
            self._client.pause(*held)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        if held := self._held(partitions):
            self._client.resume(*held)

    def position(self, partition: TopicPartition) -> int | None:
        for there in self._held([partition]):
            # its public way to ask can wait, and where it need not it says this
            offset: int = self._client._subscription.subscription.assignment.state_value(there).position
            return offset
        return None

    async def stop(self) -> None:
        self._listener = None
        self._ours = frozenset()
        consumer, self._consumer = self._consumer, None
        self._settled.set()
        if consumer is not None:
            await end(consumer, _STOP_WITHIN)

    async def _join(self) -> None:
        consumer = self._at.member(self._group, NumberAssignor(self._at.partitions))
        self._consumer = consumer
        try:
            async with bounded(f"{self._group}: the joining", _CONNECT_WITHIN + 2 * self._at.timing.session):
                await consumer.start()
                consumer.subscribe([self._at.topic_there(topic) for topic in self._topics], listener=_Told(self))
                while not self._settled.is_set():
                    consumer._coordinator.check_errors()
                    await asyncio.sleep(_LOOK_SECONDS)
        except BaseException:
            self._consumer = None
            await end(consumer, _STOP_WITHIN)
            raise

    async def _join_anew(self) -> None:
        """With another client, as after a lost session: the tasks of this one have died of what it did not foresee."""
        await self.revoked()
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await end(consumer, _STOP_WITHIN)
        await self._join()

    # --- what the client tells -----------------------------------------------------------------------------------

    async def revoked(self) -> None:
        had, self._ours = self._ours, frozenset()
        was_settled = self._settled.is_set()
        self._settled.clear()
        if self._listener is not None and (had or was_settled):
            try:
                await self._listener.revoked()
            except Exception as error:  # noqa: BLE001 - raised by the next poll: aiokafka would only log it
                self._trouble = error

    async def assigned(self, partitions: frozenset[aiokafka.TopicPartition]) -> None:
        consumer, listener = self._consumer, self._listener
        if consumer is None or listener is None:
            return
        consumer.pause(*partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
        self._ours = partitions
        try:
            await listener.assigned(frozenset(partition.partition for partition in partitions))
        except Exception as error:  # noqa: BLE001 - raised by the next poll: aiokafka would only log it
            self._trouble = error
        self._settled.set()

    @property
    def _client(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise Unavailable(f"{self._group}: this member has stopped")
        return self._consumer

    def _held(self, partitions: Iterable[TopicPartition]) -> list[aiokafka.TopicPartition]:
        return [there for there in map(self._at.there, partitions) if there in self._ours]

    def _out_of_range(self, error: OffsetOutOfRangeError) -> OutOfRange:
        asked: Mapping[Any, int] = error.args[0]
        places = ", ".join(
            f"{here.topic}-{here.partition} at {offset}"
            for here, offset in ((self._at.here(there), offset) for there, offset in asked.items())
        )
        return OutOfRange(f"{self._group}: not on the log any more: {places}")


def _has_died(consumer: AIOKafkaConsumer) -> bool:
    return bool(consumer._coordinator._coordination_task.done() or consumer._fetcher.error_future.done())


class _Told(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, member: KafkaMember) -> None:
        self._member = member

    async def on_partitions_revoked(self, revoked: Iterable[aiokafka.TopicPartition]) -> None:
        await self._member.revoked()

    async def on_partitions_assigned(self, assigned: Iterable[aiokafka.TopicPartition]) -> None:
        await self._member.assigned(frozenset(assigned))
