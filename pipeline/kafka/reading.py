"""Reading a piece of a log without a group: restoring state, and looking at one record again.

Where thousands of records are parked, thousands are looked at again at the same time: a client for each of them would
leave the process no time for anything else. So all of that is done by one, a record at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from pipeline.broker import OutOfRange, Unavailable
from pipeline.kafka.ending import end
from pipeline.kafka.failures import bounded, told
from pipeline.kafka.installation import Installation
from pipeline.kafka.records import record_of
from schemas.records import Position, Record, TopicPartition

_START_WITHIN = 10.0
_CLOSE_WITHIN = 2.0
_POLL_MS = 300
#: Seconds without progress. An open transaction may hold a reader up, and Kafka ends every one after 10 s.
_STALLED = 20.0
_BATCH = 5_000


async def read(
    at: Installation, partition: TopicPartition, start: int, to: int
) -> AsyncGenerator[Sequence[Record], None]:
    """Ends at `to`, also where nothing but control records, aborted or compacted ones stands before it."""
    if start >= to:
        return
    consumer = await _started(at, f"{partition.topic}-{partition.partition}")
    try:
        async for batch in _Piece(at, consumer, partition, to).batches(start):
            yield batch
    finally:
        await end(consumer, _CLOSE_WITHIN)


class Lookback:
    """One record again, as often as wanted. Its client stays until `close`, or until something goes wrong with it."""

    def __init__(self, at: Installation) -> None:
        self._at = at
        self._consumer: AIOKafkaConsumer | None = None
        self._turn = asyncio.Lock()

    async def fetch(self, position: Position) -> Record | None:
        """None where no record stands. The log is stable there. Raises OutOfRange and Unavailable."""
        partition = TopicPartition(position.topic, position.partition)
        async with self._turn:
            if self._consumer is None:
                self._consumer = await _started(self._at, f"{partition.topic}-{partition.partition}")
            piece = _Piece(self._at, self._consumer, partition, position.offset + 1)
            try:
                async with aclosing(piece.batches(position.offset)) as batches:
                    return next(iter([records[0] async for records in batches]), None)
            except BaseException:
                await self.close()
                raise

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await end(consumer, _CLOSE_WITHIN)


async def _started(at: Installation, name: str) -> AIOKafkaConsumer:
    consumer = at.reader("read_committed")
    try:
        async with bounded(f"reading {name}", _START_WITHIN):
            await consumer.start()
    except BaseException:
        await end(consumer, _CLOSE_WITHIN)
        raise
    return consumer


class _Piece:
    def __init__(self, at: Installation, consumer: AIOKafkaConsumer, partition: TopicPartition, to: int) -> None:
        self._at = at
        self._consumer = consumer
        self._name = f"{partition.topic}-{partition.partition}"
        self._there = at.there(partition)
        self._to = to

    async def batches(self, start: int) -> AsyncGenerator[Sequence[Record], None]:
        loop = asyncio.get_running_loop()
        self._consumer.assign([self._there])
        self._consumer.seek(self._there, start)
        position, moved, polls_of_nothing = start, loop.time(), 0
        while position < self._to:
            began = loop.time()
            records = await self._poll()
            wanted = [record for record in records if record.offset < self._to]
            if wanted:
                yield wanted
            before, position = position, await self._consumer.position(self._there)
            if position != before:
                moved, polls_of_nothing = loop.time(), 0
                continue
            polls_of_nothing += self._is_nothing_left(loop.time() - began)
            if polls_of_nothing > 1:
                return
            if loop.time() - moved > _STALLED:
                raise Unavailable(f"{self._name}: nothing to read from {position} to {self._to} for {_STALLED:g} s")

    async def _poll(self) -> Sequence[Record]:
        try:
            found = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
        except OffsetOutOfRangeError as error:
            raise OutOfRange(f"{self._name}: {error.args[0].get(self._there)} is not on the log") from error
        except KafkaError as error:
            raise told(self._name, error) from error
        return [record_of(self._at, one) for one in found.get(self._there, ())]

    def _is_nothing_left(self, seconds: float) -> bool:
        """Kafka has answered in the last `seconds` that all is stable up to the end, and yet gave nothing."""
        stable = self._consumer.last_stable_offset(self._there)
        answered = self._consumer.last_poll_timestamp(self._there)
        return stable is not None and stable >= self._to and answered is not None and _age(answered) < seconds


def _age(milliseconds: int) -> float:
    return time.time() - milliseconds / 1000
