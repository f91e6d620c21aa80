"""What a topic takes: its limit is for the batch that would carry a record alone, with key, headers and framing."""

from __future__ import annotations

import pytest

from pipeline.broker import Broker, Refused
from schemas.records import Outgoing, TopicPartition
from tests.conformance.world import LEFT, LEFT_0, LIMIT, RIGHT, RIGHT_0, append, everything, outgoing, transact, values

#: What the port counts for a batch and a record, and for each header: never less than Kafka does.
FRAMING, PER_HEADER = 97, 10
HEADERS = (("ce_type", b"order.paid"), ("traceparent", b"0" * 55), ("é", b""))


def sized(size: int, headers: tuple[tuple[str, bytes], ...] = (), key: bytes = b"key") -> Outgoing:
    """Of exactly that size, by the port's count."""
    around = FRAMING + len(key) + sum(len(name.encode()) + len(value) + PER_HEADER for name, value in headers)
    return Outgoing(LEFT, 0, key, b"x" * (size - around), headers)


SHAPES = [(), HEADERS]
KEYS = [b"key", b"k" * 50_000]


@pytest.mark.parametrize("key", KEYS, ids=["short", "long"])
@pytest.mark.parametrize("headers", SHAPES, ids=["bare", "headed"])
async def test_a_record_at_the_limit_is_taken_and_one_byte_more_is_refused(
    broker: Broker, headers: tuple[tuple[str, bytes], ...], key: bytes
) -> None:
    appender = await broker.appender()
    assert (await appender.append(sized(LIMIT, headers, key))).offset == 0
    with pytest.raises(Refused, match=LEFT):
        await appender.append(sized(LIMIT + 1, headers, key))
    assert (await appender.append(sized(LIMIT, headers, key))).offset == 1
    await appender.close()


async def test_in_a_transaction_the_limit_is_the_same(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([sized(LIMIT), sized(LIMIT, HEADERS)])
    await producer.commit("nobody", {})
    await producer.begin()
    with pytest.raises(Refused, match=LEFT):
        await producer.send([sized(LIMIT + 1)])
    await producer.abort()
    await producer.close()
    assert len(await everything(broker)) == 2


@pytest.mark.parametrize("size", [LIMIT, LIMIT // 2, LIMIT // 3])
async def test_records_that_do_not_fit_into_one_batch_go_in_several_in_their_order(broker: Broker, size: int) -> None:
    sent = [sized(size, key=str(number).encode()) for number in range(7)]
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([*sent, outgoing("beside", RIGHT), *sent])
    await producer.commit("nobody", {})
    await producer.close()
    assert [(record.offset, record.key) for record in await everything(broker)] == [
        *((number, str(number).encode()) for number in range(7)),
        *((7 + number, str(number).encode()) for number in range(7)),
    ]
    assert values(await everything(broker, RIGHT_0)) == ["beside"]


async def test_a_transaction_of_many_mebibytes_in_several_sends_is_one(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    for _ in range(8):
        await producer.send([sized(LIMIT) for _ in range(20)])
    assert await broker.stable_ends([LEFT_0]) == {LEFT_0: 0}
    await producer.commit("nobody", {})
    await producer.close()
    assert sum(len(record.value or b"") for record in await everything(broker)) > 15 * 1024 * 1024


async def test_a_refused_record_among_many_leaves_nothing_of_any_and_the_producer_usable(broker: Broker) -> None:
    everywhere = [TopicPartition(topic, number) for topic in (LEFT, RIGHT) for number in range(broker.partitions)]
    producer = await broker.producer("task")
    await transact(producer, "before")
    await producer.begin()
    await producer.send([outgoing(str(number), *at) for number, at in enumerate(everywhere)])
    small = [outgoing(str(number), *at) for number, at in enumerate(everywhere)]
    with pytest.raises(Refused, match=LEFT):
        await producer.send([*small, sized(LIMIT + 1), *small])
    with pytest.raises(Refused):
        await producer.send(small)
    with pytest.raises(Refused):
        await producer.commit("stage", {LEFT_0: 9})
    await producer.abort()
    assert await broker.committed("stage", [LEFT_0]) == {LEFT_0: None}
    await producer.begin()
    await producer.send([outgoing("after")])
    await producer.commit("stage", {LEFT_0: 10})
    await producer.close()
    found = {at: values(await everything(broker, at)) for at in everywhere}
    assert found == {at: ["before", "after"] if at == LEFT_0 else [] for at in everywhere}


async def test_records_of_the_receiver_and_of_a_task_count_the_same(broker: Broker) -> None:
    """Whatever the receiver was able to append can become a dead letter of a topic with the same limit."""
    await append(broker, sized(LIMIT, HEADERS))
    (record,) = await everything(broker)
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([Outgoing(RIGHT, 0, record.key, record.value, record.headers)])
    await producer.commit("nobody", {})
    await producer.close()
    assert [(found.key, found.headers) for found in await everything(broker, RIGHT_0)] == [(b"key", HEADERS)]
