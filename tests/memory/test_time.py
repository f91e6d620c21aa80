"""Timestamps: the record's own, else the clock's."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.broker import Refused
from pipeline.clock import VirtualClock
from pipeline.memory import MemoryBroker
from schemas.records import Outgoing, TopicPartition
from tests.memory.conftest import SPECS
from tests.memory.world import LOG_0, append, join, outgoing, read_from, take

START = datetime(2026, 10, 1, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
async def timed(clock: VirtualClock) -> MemoryBroker:
    made = MemoryBroker(1, clock)
    await made.create_topics(SPECS)
    return made


async def stamps(broker: MemoryBroker) -> list[int]:
    end = (await broker.stable_ends([LOG_0]))[LOG_0]
    return [record.timestamp async for batch in broker.read(LOG_0, 0, end) for record in batch]


async def test_a_record_without_a_timestamp_gets_the_clocks(timed: MemoryBroker, clock: VirtualClock) -> None:
    await append(timed, outgoing("a"))
    clock.advance(timedelta(seconds=1.5))
    await append(timed, outgoing("b"))
    assert await stamps(timed) == [START_MS, START_MS + 1_500]


async def test_a_record_keeps_the_timestamp_that_it_has(timed: MemoryBroker) -> None:
    await append(timed, Outgoing("log", 0, None, b"a", (), 5))
    assert await stamps(timed) == [5]


async def test_a_record_more_than_an_hour_ahead_is_refused(timed: MemoryBroker) -> None:
    hour = 3_600_000
    await append(timed, Outgoing("log", 0, None, b"a", (), START_MS + hour))
    with pytest.raises(Refused, match="ahead"):
        await append(timed, Outgoing("log", 0, None, b"b", (), START_MS + hour + 1))


async def test_without_a_clock_there_is_no_time_and_no_future(broker: MemoryBroker) -> None:
    await append(broker, outgoing("a"), Outgoing("log", 0, None, b"b", (), 10**15))
    assert await stamps(broker) == [0, 10**15]


async def test_a_hundred_thousand_records_take_less_than_three_seconds_of_work(broker: MemoryBroker) -> None:
    member, _ = await join(broker)
    await take(member)
    read_from(member, LOG_0)
    producer = await broker.producer("task")
    began, read = time.process_time(), 0
    for _ in range(1_000):
        await producer.begin()
        await producer.send([outgoing("value")] * 100)
        await producer.commit("stage", {TopicPartition("out", 0): 1})
        read += len(await take(member))
    assert read == 100_000
    assert time.process_time() - began < 3
