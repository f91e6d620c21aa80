"""Reading a piece of a log without a group: restoring state, and looking at one record again.

Where thousands of records are parked, thousands are looked at again at the same time: a client for each of them would
leave the process no time for anything else. So all of that is done by one, and whoever has its turn reads for everybody
who waits for the same partition: records that stand together cost one question.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
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
#: Seconds after which whoever waits for another partition is next.
_TURN = 0.25

Ends = Callable[[Iterable[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]


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
    """Records again, as often as wanted. Its client stays until `close`, or until something goes wrong with it.

    Turns are taken in the order of asking, and each is bounded, so that no partition starves another. `ends`: up to
    where partitions are stable.
    """

    def __init__(self, at: Installation, ends: Ends) -> None:
        self._at = at
        self._ends = ends
        self._consumer: AIOKafkaConsumer | None = None
        self._turn = asyncio.Lock()
        self._wanted: dict[TopicPartition, dict[int, _Wanted]] = {}

    async def fetch(self, position: Position) -> Record | None:
        """None where no record stands, or none that is stable. Raises OutOfRange and Unavailable."""
        partition = TopicPartition(position.topic, position.partition)
        waiting = self._wanted.setdefault(partition, {})
        mine = waiting.setdefault(position.offset, _Wanted())
        mine.askers += 1
        try:
            async with self._turn:
                if not mine.is_found:
                    await self._look(partition, position.offset, waiting)
            return mine.record
        finally:
            mine.askers -= 1
            if not mine.askers:
                del waiting[position.offset]

    async def _look(self, partition: TopicPartition, start: int, waiting: Mapping[int, _Wanted]) -> None:
        """From `start` on, and for as many of those behind it as the turn has time for."""
        stable = (await self._ends([partition]))[partition]
        offsets = sorted(offset for offset, one in waiting.items() if start <= offset < stable and not one.is_found)
        if start >= stable:
            return
        if self._consumer is None:
            self._consumer = await _started(self._at, f"{partition.topic}-{partition.partition}")
        try:
            await self._read(partition, offsets, waiting)
        except BaseException:
            await self.close()
            raise

    async def _read(self, partition: TopicPartition, offsets: Sequence[int], waiting: Mapping[int, _Wanted]) -> None:
        assert self._consumer is not None
        loop = asyncio.get_running_loop()
        over, left = loop.time() + _TURN, deque(offsets)
        piece = _Piece(self._at, self._consumer, partition, offsets[-1] + 1)
        async with aclosing(piece.batches(offsets[0])) as batches:
            async for records in batches:
                there = {record.offset: record for record in records}
                while left and left[0] <= records[-1].offset:
                    offset = left.popleft()
                    _tell(waiting, offset, there.get(offset))
                if not left or loop.time() > over:
                    return
                piece.skip(left[0])
        for offset in left:
            _tell(waiting, offset, None)

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await end(consumer, _CLOSE_WITHIN)


class _Wanted:
    """One offset, and how many ask for it."""

    def __init__(self) -> None:
        self.askers = 0
        self.is_found = False
        self.record: Record | None = None

    def found(self, record: Record | None) -> None:
        self.record, self.is_found = record, True


def _tell(waiting: Mapping[int, _Wanted], offset: int, record: Record | None) -> None:
    """Whoever asked may have gone."""
    if (wanted := waiting.get(offset)) is not None:
        wanted.found(record)


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
        self._near = 0
        self._jump: int | None = None

    def skip(self, to: int) -> None:
        """Nothing before `to` is wanted. What is no further than the last batch was long comes with the next anyway."""
        self._jump = to if to > self._near else None

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
                self._near = wanted[-1].offset + len(wanted)
                yield wanted
            if self._jump is not None:
                self._consumer.seek(self._there, self._jump)
                self._jump = None
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
