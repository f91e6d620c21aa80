"""Where a reader stands, and how it moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from pipeline.broker import Broker, Member, OutOfRange
from schemas.records import Position, Record, TopicPartition
from tests.conformance.world import (
    LEFT,
    LEFT_0,
    PATIENCE,
    RIGHT,
    RIGHT_0,
    append,
    eventually,
    everything,
    high_watermark,
    outgoing,
    transact,
    values,
)


class Told:
    def __init__(self) -> None:
        self.numbers: frozenset[int] | None = None

    async def revoked(self) -> None:
        self.numbers = None

    async def assigned(self, numbers: frozenset[int]) -> None:
        self.numbers = numbers


@pytest.fixture
async def member(broker: Broker) -> AsyncIterator[Member]:
    """A member alone in its group, with everything assigned and paused; the test polls."""
    told = Told()
    found = broker.member("alone", (LEFT,))
    await found.start(told)
    async with asyncio.timeout(PATIENCE):
        while told.numbers is None:
            assert await found.poll(0.1, 1) == {}
    yield found
    await found.stop()


def start(member: Member, offset: int = 0) -> None:
    member.seek(LEFT_0, offset)
    member.resume([LEFT_0])


async def take(member: Member, count: int, limit: int = 500) -> list[Record]:
    """Polls until it has `count` records."""
    found: list[Record] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            for records in (await member.poll(0.1, limit)).values():
                found += records
    return found


async def test_a_poll_without_news_is_empty_after_its_timeout(member: Member) -> None:
    start(member)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await member.poll(0.2, 1) == {}
    assert 0.15 < loop.time() - began < 5


async def test_a_waiting_poll_wakes_up_for_a_new_record(broker: Broker, member: Member) -> None:
    start(member)
    assert await member.poll(0.1, 1) == {}
    loop = asyncio.get_running_loop()
    began = loop.time()
    polling = asyncio.create_task(member.poll(PATIENCE, 1))
    await append(broker, outgoing("a"))
    assert values((await polling)[LEFT_0]) == ["a"]
    assert loop.time() - began < PATIENCE / 2


async def test_a_paused_partition_is_not_read(broker: Broker, member: Member) -> None:
    await append(broker, outgoing("a"))
    member.seek(LEFT_0, 0)
    assert await member.poll(0.3, 10) == {}
    member.resume([LEFT_0])
    assert values(await take(member, 1)) == ["a"]


async def test_pause_stops_the_reading_and_resume_goes_on_at_the_same_place(broker: Broker, member: Member) -> None:
    await append(broker, *[outgoing(value) for value in "abc"])
    start(member)
    assert values(await take(member, 1, limit=1)) == ["a"]
    member.pause([LEFT_0])
    assert await member.poll(0.3, 10) == {}
    assert member.position(LEFT_0) == 1
    member.resume([LEFT_0])
    assert values(await take(member, 2)) == ["b", "c"]


async def test_a_poll_gives_no_more_than_its_limit_and_loses_nothing(broker: Broker, member: Member) -> None:
    await append(broker, *[outgoing(str(number), partition=number // 5) for number in range(10)])
    start(member)
    member.resume([TopicPartition(LEFT, 1)])
    seen: list[str] = []
    while len(seen) < 10:
        found = [record for records in (await member.poll(1.0, 3)).values() for record in records]
        assert len(found) <= 3
        seen += values(found)
    assert sorted(seen) == [str(number) for number in range(10)]


async def test_seek_reads_again_from_there(broker: Broker, member: Member) -> None:
    await append(broker, *[outgoing(value) for value in "abc"])
    start(member)
    await take(member, 3)
    assert await member.poll(0.1, 10) == {}
    member.seek(LEFT_0, 1)
    assert member.position(LEFT_0) == 1
    assert values(await take(member, 2)) == ["b", "c"]


async def test_a_position_passes_control_records_and_aborted_ones(broker: Broker, member: Member) -> None:
    producer = await broker.producer("task")
    await transact(producer, "a")
    await producer.begin()
    await producer.send([outgoing("aborted")])
    await producer.abort()
    await producer.close()
    start(member)
    assert values(await take(member, 1)) == ["a"]

    async def position() -> int | None:
        assert await member.poll(0.1, 10) == {}
        return member.position(LEFT_0)

    assert await eventually(position, lambda offset: offset == 4) == 4


async def test_a_position_that_is_not_on_the_log_is_out_of_range_and_says_where(broker: Broker, member: Member) -> None:
    await append(broker, outgoing("a"))
    start(member, 1_000)
    with pytest.raises(OutOfRange, match=LEFT):
        await take(member, 1)
    member.seek(LEFT_0, 0)
    assert values(await take(member, 1)) == ["a"]


async def test_a_read_ends_at_its_end_even_if_control_records_are_last(broker: Broker) -> None:
    producer = await broker.producer("task")
    await transact(producer, "a", "b")
    await producer.close()
    end = await eventually(lambda: high_watermark(broker), lambda end: end == 3)
    async with asyncio.timeout(PATIENCE):
        assert values([record async for batch in broker.read(LEFT_0, 0, end) for record in batch]) == ["a", "b"]


async def test_a_read_over_nothing_but_aborted_records_ends_with_nothing(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("aborted")])
    await producer.abort()
    await producer.close()
    end = await eventually(lambda: high_watermark(broker), lambda end: end == 2)
    async with asyncio.timeout(PATIENCE):
        assert [batch async for batch in broker.read(LEFT_0, 0, end)] == []


async def test_a_read_gives_what_lies_between_start_and_end(broker: Broker) -> None:
    await append(broker, *[outgoing(value) for value in "abcde"])
    assert values([record async for batch in broker.read(LEFT_0, 1, 4) for record in batch]) == ["b", "c", "d"]


async def test_a_read_of_nothing_ends_at_once(broker: Broker) -> None:
    assert [batch async for batch in broker.read(LEFT_0, 0, 0)] == []


async def test_a_long_read_is_whole_and_in_order(broker: Broker) -> None:
    producer = await broker.producer("task")
    expected = [str(number) for number in range(5_000)]
    for start in range(0, 5_000, 500):
        await transact(producer, *expected[start : start + 500])
    await producer.close()
    assert values(await everything(broker)) == expected


async def test_one_record_can_be_fetched_again(broker: Broker) -> None:
    await append(broker, outgoing("a"), outgoing("b"), outgoing("c"))
    (_, second, _) = await everything(broker)
    assert await broker.fetch(Position(LEFT, 0, 1)) == second


async def test_there_is_no_record_to_fetch_where_one_was_aborted_or_a_control_record_stands(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("aborted")])
    await producer.abort()
    await transact(producer, "committed")
    await producer.close()
    await eventually(lambda: high_watermark(broker), lambda end: end == 4)
    async with asyncio.timeout(PATIENCE):
        found = [await broker.fetch(Position(LEFT, 0, offset)) for offset in range(4)]
    assert [None if record is None else record.value for record in found] == [None, None, b"committed", None]


async def test_a_log_begins_at_0_and_ends_behind_its_last_record(broker: Broker) -> None:
    await append(broker, outgoing("a", RIGHT), outgoing("b", RIGHT))
    assert await broker.beginnings([RIGHT_0]) == {RIGHT_0: 0}
    assert await broker.stable_ends([RIGHT_0]) == await broker.high_watermarks([RIGHT_0]) == {RIGHT_0: 2}
