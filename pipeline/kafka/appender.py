"""The receiver's way in: an idempotent producer that says within a bound whether all in-sync replicas have a record.

A record whose answer did not come in time may still be written when the broker is back: whoever tries again writes it
twice. While no broker answers, what waits is bounded: one batch per partition.
"""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from pipeline.broker import BrokerError, Unavailable
from pipeline.kafka.ending import end
from pipeline.kafka.failures import bounded, not_ours, told_of_write
from pipeline.kafka.installation import Installation
from pipeline.kafka.limits import Limits, require_partition
from schemas.records import Outgoing, Position, TopicPartition

#: Seconds. The receiver has to answer within four.
_START_WITHIN = 10.0
_APPEND_WITHIN = 3.0
_CLOSE_WITHIN = 2.0


class KafkaAppender:
    def __init__(self, at: Installation, limits: Limits) -> None:
        self._at = at
        self._limits = limits
        self._client: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Raises Unavailable."""
        await self._started(_START_WITHIN)

    async def append(self, record: Outgoing) -> Position:
        deadline = asyncio.get_running_loop().time() + _APPEND_WITHIN
        try:
            async with asyncio.timeout_at(deadline):
                client = await self._started(_APPEND_WITHIN)
                await self._limits.require([record])
                await require_partition(client, self._at.there(TopicPartition(record.topic, record.partition)))
                return await self._append(client, record)
        except TimeoutError:
            raise Unavailable(f"{record.topic}: not acknowledged within {_APPEND_WITHIN:g} s") from None

    async def close(self) -> None:
        self._retire(self._client)
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _started(self, within: float) -> AIOKafkaProducer:
        async with self._starting:
            if self._client is None:
                client = self._at.producer(None)
                try:
                    async with bounded("the receiver's producer", within):
                        await client.start()
                except BaseException:
                    self._leave(client)
                    raise
                self._client = client
            return self._client

    async def _append(self, client: AIOKafkaProducer, record: Outgoing) -> Position:
        there = self._at.topic_there(record.topic)
        try:
            with not_ours(record.topic):
                sent = await client.send(
                    there,
                    value=record.value,
                    key=record.key,
                    partition=record.partition,
                    timestamp_ms=record.timestamp,
                    headers=list(record.headers),
                )
                written = await sent
        except Unavailable:
            self._retire(client)
            raise
        except KafkaError as error:
            # what it sends next would be out of sequence, or its sender has died
            self._retire(client)
            raise _told(record, error) from error
        return Position(record.topic, record.partition, written.offset)

    def _retire(self, client: AIOKafkaProducer | None) -> None:
        if client is not None and client is self._client:
            self._client = None
            self._leave(client)

    def _leave(self, client: AIOKafkaProducer) -> None:
        leaving = asyncio.create_task(end(client, _CLOSE_WITHIN))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)


def _told(record: Outgoing, error: KafkaError) -> BrokerError:
    return told_of_write(record.topic, error)
