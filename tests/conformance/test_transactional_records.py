"""What is sent in a transaction is what is read, whatever its shape; and what can be asked for again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.broker import Broker, Refused
from schemas.records import Outgoing, Position, TopicPartition
from tests.conformance.world import (
    KEPT,
    LEFT,
    LEFT_0,
    LIMIT,
    PATIENCE,
    append,
    eventually,
    everything,
    high_watermark,
    outgoing,
    transact,
    values,
)


async def test_a_record_of_a_transaction_keeps_key_value_headers_and_timestamp(broker: Broker) -> None:
    headers = (("ce_id", b"1"), ("ce_id", b"2"), ("empty", b""), ("bytes", b"\x00\xff"))
    moment = int((datetime.now(UTC) - timedelta(days=1)).timestamp() * 1000)
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([Outgoing(LEFT, 0, b"\xffkey", b"\x00value", headers, moment), Outgoing(LEFT, 0, b"key", None)])
    await producer.commit("nobody", {})
    await producer.close()
    first, second = await everything(broker)
    assert (first.key, first.value, first.headers, first.timestamp) == (b"\xffkey", b"\x00value", headers, moment)
    assert (second.key, second.value, second.headers) == (b"key", None, ())


async def test_a_transaction_may_be_many_times_as_large_as_its_topics_largest_record(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    sent = [Outgoing(LEFT, 0, b"key", bytes([number]) * (LIMIT - 200 - number * 1_000)) for number in range(60)]
    await producer.send(sent)
    await producer.commit("nobody", {})
    await producer.close()
    assert [record.value for record in await everything(broker)] == [record.value for record in sent]


async def test_a_record_without_key_is_refused_by_a_compacted_topic_in_a_transaction_too(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    with pytest.raises(Refused, match=KEPT):
        await producer.send([outgoing("beside"), Outgoing(KEPT, 0, None, b"value")])
    await producer.abort()
    await transact(producer, "after")
    await producer.close()
    assert values(await everything(broker)) == ["after"]


async def test_a_send_of_nothing_is_no_mistake(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([])
    await producer.commit("stage", {LEFT_0: 1})
    await producer.close()
    await eventually(lambda: broker.committed("stage", [LEFT_0]), lambda found: found == {LEFT_0: 1})


async def test_a_read_waits_for_the_end_of_an_open_transaction(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("late")])
    await eventually(lambda: high_watermark(broker), lambda end: end == 1)
    reading = asyncio.create_task(_values(broker, LEFT_0, 1))
    await producer.commit("nobody", {})
    async with asyncio.timeout(PATIENCE):
        assert await reading == ["late"]
    await producer.close()


async def _values(broker: Broker, partition: TopicPartition, end: int) -> list[str]:
    return values([record async for batch in broker.read(partition, 0, end) for record in batch])


async def test_there_is_no_record_to_fetch_behind_the_end_of_the_log_or_of_what_is_stable(broker: Broker) -> None:
    await append(broker, outgoing("a"))
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("open")])
    async with asyncio.timeout(PATIENCE):
        assert [await broker.fetch(Position(LEFT, 0, offset)) for offset in (1, 2, 1_000)] == [None] * 3
    await producer.abort()
    await producer.close()


class Failing:
    async def revoked(self) -> None:
        return

    async def assigned(self, numbers: frozenset[int]) -> None:
        raise ZeroDivisionError("a bug in the listener")


async def test_what_a_listener_raises_is_raised_by_the_next_poll(broker: Broker) -> None:
    member = broker.member("readers", [LEFT])
    await member.start(Failing())
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: member.poll(0.1, 1), lambda found: bool(found))
    await member.stop()
