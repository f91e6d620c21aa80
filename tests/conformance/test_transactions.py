"""A transaction: everything of it, or nothing, and nobody reads past one that is open."""

from __future__ import annotations

import pytest

from pipeline.broker import Broker, BrokerError, Refused
from schemas.records import Outgoing, TopicPartition
from tests.conformance.reading import Readers
from tests.conformance.world import (
    LEFT,
    LEFT_0,
    LIMIT,
    RIGHT,
    RIGHT_0,
    append,
    eventually,
    everything,
    high_watermark,
    outgoing,
    stable_end,
    transact,
    values,
)


async def test_outputs_on_all_topics_and_offsets_become_visible_with_the_commit(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("l"), outgoing("r", RIGHT)])
    assert await broker.stable_ends([LEFT_0, RIGHT_0]) == {LEFT_0: 0, RIGHT_0: 0}
    assert await broker.committed("stage", [RIGHT_0]) == {RIGHT_0: None}
    await producer.commit("stage", {RIGHT_0: 7})
    await eventually(lambda: broker.committed("stage", [RIGHT_0]), lambda found: found == {RIGHT_0: 7})
    assert values(await everything(broker)) == ["l"]
    assert values(await everything(broker, RIGHT_0)) == ["r"]
    await producer.close()


async def test_offsets_can_be_committed_without_any_record(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.commit("stage", {LEFT_0: 3})
    await eventually(lambda: broker.committed("stage", [LEFT_0]), lambda found: found == {LEFT_0: 3})
    await producer.close()


async def test_a_later_commit_of_offsets_replaces_the_earlier_and_leaves_other_partitions(broker: Broker) -> None:
    producer = await broker.producer("task")
    for offsets in ({LEFT_0: 3, RIGHT_0: 5}, {LEFT_0: 4}):
        await producer.begin()
        await producer.commit("stage", offsets)
    await eventually(
        lambda: broker.committed("stage", [LEFT_0, RIGHT_0]), lambda found: found == {LEFT_0: 4, RIGHT_0: 5}
    )
    await producer.close()


async def test_committed_offsets_of_an_unknown_group_are_none(broker: Broker) -> None:
    assert await broker.committed("stranger", [LEFT_0, RIGHT_0]) == {LEFT_0: None, RIGHT_0: None}


async def test_aborted_records_are_never_seen(broker: Broker, readers: Readers) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("aborted")])
    await producer.abort()
    await transact(producer, "committed")
    assert values(await everything(broker)) == ["committed"]
    await (await readers.start()).has("committed")
    await producer.close()


async def test_an_aborted_transaction_commits_no_offsets_with_the_next_one(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("aborted")])
    await producer.abort()
    await transact(producer, "committed")
    assert await broker.committed("stage", [LEFT_0]) == {LEFT_0: None}
    await producer.close()


async def test_every_end_of_a_transaction_takes_an_offset_in_each_partition_it_touched(broker: Broker) -> None:
    producer = await broker.producer("task")
    await transact(producer, "a", "b")
    await producer.begin()
    await producer.send([outgoing("aborted")])
    await producer.abort()
    await transact(producer, "c")
    await eventually(lambda: high_watermark(broker), lambda end: end == 7)
    assert [record.offset for record in await everything(broker)] == [0, 1, 5]
    assert await high_watermark(broker, TopicPartition(LEFT, 1)) == 0
    await producer.close()


async def test_an_open_transaction_holds_the_stable_end_back_while_the_high_watermark_goes_on(
    broker: Broker, readers: Readers
) -> None:
    slow, quick = await broker.producer("slow"), await broker.producer("quick")
    await append(broker, outgoing("before"))
    await slow.begin()
    await slow.send([outgoing("slow")])
    await transact(quick, "quick")
    await eventually(lambda: high_watermark(broker), lambda end: end == 4)
    assert await stable_end(broker) == 1
    reader = await readers.start()
    await reader.has("before")
    assert reader.member.position(LEFT_0) == 1
    await slow.commit("nobody", {})
    await reader.has("before", "slow", "quick")
    assert await stable_end(broker) == 5
    await slow.close()
    await quick.close()


async def test_an_open_transaction_holds_back_only_the_partitions_that_it_has_written_to(
    broker: Broker, readers: Readers
) -> None:
    slow = await broker.producer("slow")
    await slow.begin()
    await slow.send([outgoing("slow", partition=1), outgoing("slow", RIGHT)])
    await append(broker, outgoing("zero"), outgoing("one", partition=1), outgoing("right", RIGHT))
    left_1 = TopicPartition(LEFT, 1)
    assert await broker.stable_ends([LEFT_0, left_1, RIGHT_0]) == {LEFT_0: 1, left_1: 0, RIGHT_0: 0}
    assert await broker.high_watermarks([LEFT_0, left_1, RIGHT_0]) == {LEFT_0: 1, left_1: 2, RIGHT_0: 2}
    reader = await readers.start(topics=(LEFT, RIGHT))
    await reader.has("zero")
    await slow.abort()
    await reader.until(lambda reader: len(reader.records) == 3)
    assert {record.topic: record.offset for record in reader.records if record.value != b"zero"} == {LEFT: 1, RIGHT: 1}
    assert await broker.stable_ends([LEFT_0, left_1, RIGHT_0]) == {LEFT_0: 1, left_1: 3, RIGHT_0: 3}
    await slow.close()


async def test_the_oldest_of_several_open_transactions_holds_the_stable_end(broker: Broker) -> None:
    first, second = await broker.producer("first"), await broker.producer("second")
    for producer in (first, second):
        await producer.begin()
        await producer.send([outgoing("open")])
    await append(broker, outgoing("behind"))
    assert await stable_end(broker) == 0
    await first.abort()
    await eventually(lambda: stable_end(broker), lambda end: end == 1)
    await second.commit("nobody", {})
    await eventually(lambda: stable_end(broker), lambda end: end == 5)
    assert values(await everything(broker)) == ["open", "behind"]
    await first.close()
    await second.close()


async def test_transactions_of_several_producers_are_read_in_the_order_of_the_log(broker: Broker) -> None:
    first, second = await broker.producer("first"), await broker.producer("second")
    await first.begin()
    await second.begin()
    for number in range(3):
        await first.send([outgoing(f"first {number}")])
        await second.send([outgoing(f"second {number}")])
    await second.abort()
    await first.commit("nobody", {})
    assert values(await everything(broker)) == ["first 0", "first 1", "first 2"]
    await first.close()
    await second.close()


async def test_a_refused_record_breaks_its_transaction_and_not_the_producer(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("before")])
    with pytest.raises(Refused):
        await producer.send([outgoing("beside"), Outgoing(LEFT, 0, b"key", b"x" * LIMIT)])
    await producer.abort()
    await transact(producer, "after")
    assert values(await everything(broker)) == ["after"]
    await producer.close()


async def test_a_transaction_with_a_refused_record_cannot_be_committed(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("before")])
    with pytest.raises(Refused):
        await producer.send([Outgoing(LEFT, 0, b"key", b"x" * LIMIT)])
    with pytest.raises(BrokerError):
        await producer.commit("stage", {LEFT_0: 1})
    await producer.abort()
    assert await everything(broker) == []
    assert await broker.committed("stage", [LEFT_0]) == {LEFT_0: None}
    await producer.close()


async def test_a_transaction_without_anything_leaves_no_trace(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.commit("stage", {})
    await producer.begin()
    await producer.abort()
    await transact(producer, "a")
    assert [record.offset for record in await everything(broker)] == [0]
    await producer.close()


async def test_a_producer_that_is_closed_within_a_transaction_commits_nothing(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("never")])
    await producer.close()
    successor = await broker.producer("task")
    assert await everything(broker) == []
    await successor.close()


async def test_one_transaction_can_carry_many_records_over_all_partitions(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing(str(number), partition=number % broker.partitions) for number in range(2_000)])
    await producer.commit("nobody", {})
    for partition in range(broker.partitions):
        expected = [str(number) for number in range(partition, 2_000, broker.partitions)]
        assert values(await everything(broker, TopicPartition(LEFT, partition))) == expected
    await producer.close()
