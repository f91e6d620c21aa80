"""What retention and compaction leave, and what a reader is told who wants the rest.

Committed offsets that expire are not here: Kafka lets them go after days (`offsets.retention.minutes`, a setting of the
broker, looked after every ten minutes), so that is `MemoryBroker.forget_offsets` and its own tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from pipeline.broker import Broker, Member, OutOfRange
from schemas.records import Outgoing, Position, Record, TopicPartition
from tests.conformance.forces import Forces
from tests.conformance.reading import Alone
from tests.conformance.world import KEPT, LEFT, LEFT_0, PATIENCE, append, eventually, outgoing, transact, values

KEPT_0 = TopicPartition(KEPT, 0)
LEFT_1 = TopicPartition(LEFT, 1)


@pytest.fixture
async def alone(broker: Broker) -> AsyncIterator[Alone]:
    alone = Alone(broker)
    await alone.start()
    yield alone
    await alone.member.stop()


async def letters(broker: Broker, text: str) -> None:
    await append(broker, *[outgoing(value) for value in text])


async def read(broker: Broker, partition: TopicPartition, start: int, end: int) -> list[Record]:
    async with asyncio.timeout(PATIENCE):
        return [record async for batch in broker.read(partition, start, end) for record in batch]


async def out_of_range(member: Member) -> None:
    """Polls until it is raised; nothing else may come."""
    with pytest.raises(OutOfRange, match=LEFT):
        await eventually(lambda: member.poll(0.1, 10), lambda found: bool(found))


# --- retention ---------------------------------------------------------------------------------------------------


async def test_retention_moves_the_beginning_and_no_offset(broker: Broker, forces: Forces) -> None:
    await letters(broker, "abcd")
    await forces.truncate(LEFT_0, 2)
    assert await broker.beginnings([LEFT_0, LEFT_1]) == {LEFT_0: 2, LEFT_1: 0}
    assert await broker.high_watermarks([LEFT_0]) == await broker.stable_ends([LEFT_0]) == {LEFT_0: 4}
    assert [(record.offset, record.value) for record in await read(broker, LEFT_0, 2, 4)] == [(2, b"c"), (3, b"d")]


async def test_a_log_of_which_nothing_is_left_goes_on_with_its_offsets(broker: Broker, forces: Forces) -> None:
    await letters(broker, "ab")
    await forces.truncate(LEFT_0, 2)
    assert await broker.beginnings([LEFT_0]) == {LEFT_0: 2}
    appender = await broker.appender()
    assert await appender.append(outgoing("c")) == Position(LEFT, 0, 2)
    await appender.close()
    assert values(await read(broker, LEFT_0, 2, 3)) == ["c"]


async def test_a_read_from_before_the_beginning_is_out_of_range(broker: Broker, forces: Forces) -> None:
    await letters(broker, "abc")
    await forces.truncate(LEFT_0, 2)
    with pytest.raises(OutOfRange, match=LEFT):
        await read(broker, LEFT_0, 1, 3)


async def test_a_read_from_above_the_end_is_out_of_range(broker: Broker) -> None:
    await letters(broker, "a")
    with pytest.raises(OutOfRange, match=LEFT):
        await read(broker, LEFT_0, 100, 101)


async def test_a_read_of_nothing_is_nothing_wherever_it_is(broker: Broker, forces: Forces) -> None:
    await letters(broker, "abc")
    await forces.truncate(LEFT_0, 2)
    for offset in (0, 2, 3, 100):
        assert await read(broker, LEFT_0, offset, offset) == []


async def test_a_record_that_retention_has_eaten_is_none(broker: Broker, forces: Forces) -> None:
    await letters(broker, "abc")
    await forces.truncate(LEFT_0, 2)
    assert await broker.fetch(Position(LEFT, 0, 1)) is None
    assert (await read(broker, LEFT_0, 2, 3))[0] == await broker.fetch(Position(LEFT, 0, 2))


async def test_a_read_whose_log_is_truncated_under_way_is_out_of_range_and_gives_nothing_behind_a_gap(
    broker: Broker, forces: Forces
) -> None:
    producer = await broker.producer("task")
    for _ in range(4):
        await transact(producer, *["x" * 1_500] * 500)
    await producer.close()
    seen: list[int] = []

    async def read_on() -> None:
        async for batch in broker.read(LEFT_0, 0, 2_000):
            seen.extend(record.offset for record in batch)
            await forces.truncate(LEFT_0, 1_990)

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(OutOfRange, match=LEFT):
            await read_on()
    assert seen == [offset for offset in range(seen[-1] + 2) if offset % 501 != 500][: len(seen)]


# --- members -----------------------------------------------------------------------------------------------------


async def test_a_member_below_the_beginning_is_told_again_and_again_until_somebody_seeks(
    broker: Broker, alone: Alone, forces: Forces
) -> None:
    await letters(broker, "abc")
    await forces.truncate(LEFT_0, 1)
    alone.read_from(LEFT_0, 0)
    await out_of_range(alone.member)
    await out_of_range(alone.member)
    assert alone.member.position(LEFT_0) == 0
    alone.member.seek(LEFT_0, 1)
    assert values(await alone.take(2)) == ["b", "c"]


async def test_a_member_above_the_end_is_told_too(broker: Broker, alone: Alone) -> None:
    await letters(broker, "a")
    alone.read_from(LEFT_0, 2)
    await out_of_range(alone.member)
    alone.member.seek(LEFT_0, 0)
    assert values(await alone.take(1)) == ["a"]


async def test_a_member_at_the_end_is_not_out_of_range(broker: Broker, alone: Alone) -> None:
    await letters(broker, "a")
    alone.read_from(LEFT_0, 1)
    assert await alone.member.poll(0.5, 10) == {}
    await letters(broker, "b")
    assert values(await alone.take(1)) == ["b"]


async def test_a_member_whose_log_is_truncated_while_it_is_paused_is_told_when_it_goes_on(
    broker: Broker, alone: Alone, forces: Forces
) -> None:
    await letters(broker, "a")
    alone.read_from(LEFT_0, 0)
    assert values(await alone.take(1)) == ["a"]
    alone.member.pause([LEFT_0])
    assert await alone.member.poll(0.3, 10) == {}
    await letters(broker, "bc")
    await forces.truncate(LEFT_0, 2)
    alone.member.resume([LEFT_0])
    await out_of_range(alone.member)


async def test_what_is_out_of_range_costs_no_record_of_another_partition(
    broker: Broker, alone: Alone, forces: Forces
) -> None:
    await letters(broker, "ab")
    await append(broker, outgoing("other", partition=1))
    await forces.truncate(LEFT_0, 1)
    alone.read_from(LEFT_0, 0)
    alone.read_from(LEFT_1, 0)
    found: list[Record] = []
    raised = 0
    async with asyncio.timeout(PATIENCE):
        while not (raised and found):
            try:
                found += [record for records in (await alone.member.poll(0.1, 10)).values() for record in records]
            except OutOfRange:
                raised += 1
                alone.member.pause([LEFT_0])
    assert values(found) == ["other"]


# --- compaction --------------------------------------------------------------------------------------------------


async def test_compaction_leaves_the_newest_of_every_key_where_it_was_and_reads_pass_over_the_gaps(
    broker: Broker, forces: Forces
) -> None:
    """One test for all of it: Kafka's cleaner takes its time."""
    producer = await broker.producer("task")
    await producer.begin()
    written = [(b"a", b"1"), (b"a", b"2"), (b"b", b"1"), (b"gone", b"1"), (b"a", b"3"), (b"gone", None)]
    await producer.send([Outgoing(KEPT, 0, key, value) for key, value in written])
    await producer.commit("nobody", {})
    await producer.begin()
    await producer.send([Outgoing(KEPT, 0, b"b", b"never")])
    await producer.abort()
    await producer.close()
    await forces.compact(KEPT_0)
    end = (await broker.high_watermarks([KEPT_0]))[KEPT_0]
    left = await read(broker, KEPT_0, 0, end)
    # a tombstone goes some time after what it has put an end to
    assert [(record.offset, record.key, record.value) for record in left if record.key != b"gone"] == [
        (2, b"b", b"1"),
        (4, b"a", b"3"),
        (end - 1, b"last", b"last"),
    ]
    assert [record.value for record in left if record.key == b"gone"] in ([], [None])
    assert await broker.beginnings([KEPT_0]) == {KEPT_0: 0}
    assert [record.offset for record in await read(broker, KEPT_0, 3, 5)] == [4], "from within a gap"
    assert await read(broker, KEPT_0, 0, 2) == [], "of nothing but a gap"
    assert [record.offset for record in await read(broker, KEPT_0, 0, 4)] == [2], "to within a gap"
    assert [await broker.fetch(Position(KEPT, 0, offset)) for offset in (0, 1, 3)] == [None] * 3
    assert await broker.fetch(Position(KEPT, 0, 4)) == left[1]
    alone = Alone(broker, KEPT)
    await alone.start()
    alone.read_from(KEPT_0, 1)
    assert await alone.take(len(left)) == left
    await alone.member.stop()
