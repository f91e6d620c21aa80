"""Parked records are looked at again by thousands: that costs a question each, not a client each."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer

from pipeline.kafka import KafkaBroker
from pipeline.kafka.installation import Installation
from schemas.records import Position
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
