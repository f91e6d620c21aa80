"""Parked records are looked at again by thousands: that costs a question each, not a client each."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer

from pipeline.kafka import KafkaBroker
from pipeline.kafka.installation import Installation
from schemas.records import Position, Record
from tests.kafka.world import LEFT, SPECS, outgoing


async def test_however_many_records_are_looked_at_again_one_client_does_it(
    kafka_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kafka_broker.create_topics(SPECS)
    appender = await kafka_broker.appender()
    for number in range(40):
        await appender.append(outgoing(str(number), partition=number % 2))
    await appender.close()
    made: list[AIOKafkaConsumer] = []
    reader = Installation.reader

    def counted(at: Installation, isolation: str) -> AIOKafkaConsumer:
        made.append(reader(at, isolation))
        return made[-1]

    monkeypatch.setattr(Installation, "reader", counted)
    wanted = [Position(LEFT, number % 2, number // 2) for number in range(40)]
    found = await asyncio.gather(*(kafka_broker.fetch(position) for position in wanted))
    assert [record.value for record in found if record is not None] == [str(n).encode() for n in range(40)]
    assert len(made) == 1
    hurried = asyncio.create_task(kafka_broker.fetch(wanted[0]))
    await asyncio.sleep(0)
    hurried.cancel()
    await asyncio.gather(hurried, return_exceptions=True)
    assert (await kafka_broker.fetch(wanted[1])) == found[1]


async def test_records_that_are_looked_at_together_are_each_found_or_not_whatever_stands_between(
    kafka_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Near and far, on two partitions, asked for twice; on the place of a control record, and where no log is yet."""
    await kafka_broker.create_topics(SPECS)
    producer = await kafka_broker.producer("writer")
    for first in range(0, 1200, 300):
        await producer.begin()
        await producer.send([outgoing(f"{first + number:5000}", partition=number % 2) for number in range(300)])
        await producer.commit("nobody", {})
    await producer.close()
    turns: list[object] = []
    assign = AIOKafkaConsumer.assign

    def counted(consumer: AIOKafkaConsumer, partitions: list[object]) -> None:
        turns.append(partitions)
        assign(consumer, partitions)

    monkeypatch.setattr(AIOKafkaConsumer, "assign", counted)
    offsets = [*range(10), 150, 7, 301, 302, 590, 603, 604, 5000]
    wanted = [Position(LEFT, partition, offset) for offset in (*offsets, *reversed(offsets)) for partition in (0, 1)]
    found = await asyncio.gather(*(kafka_broker.fetch(position) for position in wanted))
    for position, record in zip(wanted, found, strict=True):
        is_there = position.offset < 604 and position.offset % 151 != 150
        assert (None if record is None else record.position) == (position if is_there else None)
    turns.clear()
    ascending = [Position(LEFT, partition, offset) for offset in range(150) for partition in (0, 1)]
    found = await asyncio.gather(*(kafka_broker.fetch(position) for position in ascending))
    assert len([record for record in found if record is not None]) == 300
    assert len(turns) < 30


async def test_whoever_gives_up_takes_nobody_with_him(kafka_broker: KafkaBroker) -> None:
    await kafka_broker.create_topics(SPECS)
    producer = await kafka_broker.producer("writer")
    await producer.begin()
    await producer.send([outgoing(f"{number}") for number in range(50)])
    await producer.commit("nobody", {})
    await producer.close()
    asking = [asyncio.create_task(kafka_broker.fetch(Position(LEFT, 0, offset))) for offset in range(50)]
    await asyncio.sleep(0)
    for task in asking[:5]:
        task.cancel()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in found[:5])
    assert [one.value for one in found[5:] if isinstance(one, Record)] == [str(n).encode() for n in range(5, 50)]
