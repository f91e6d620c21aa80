"""A broker that is gone: it is said in time, nothing hangs or is left, and all goes on by itself when it is back.

One outage for everything that is asked here: killing a broker and starting it again takes the most of it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable

import pytest

from pipeline.broker import BrokerError, InDoubt, Unavailable
from pipeline.kafka import KafkaBroker
from pipeline.kafka.appender import KafkaAppender
from pipeline.kafka.producer import KafkaProducer
from pipeline.local_kafka import DockerKafka, LocalKafka
from schemas.records import Outgoing, TopicPartition
from schemas.topics import TopicSpec
from tests.kafka.world import (
    LEFT,
    RIGHT,
    SPECS,
    Listening,
    counting_worker,
    counts,
    left_over,
    outgoing,
    silence,
)
from tests.pipeline.world import at_work, until

#: What the receiver has for its whole answer.
ANSWER_SECONDS = 4.0
#: Until whatever else hangs on a broker has to say that there is none.
PATIENCE = 40.0


@pytest.fixture
async def broker(own_kafka: LocalKafka | DockerKafka) -> AsyncIterator[KafkaBroker]:
    broker = KafkaBroker(own_kafka.bootstrap, f"test-{secrets.token_hex(4)}", 2)
    await broker.start()
    await broker.create_topics(SPECS)
    yield broker
    await broker.close()
    assert left_over() == []


async def test_an_outage_is_told_in_time_and_ends_by_itself(
    broker: KafkaBroker, own_kafka: LocalKafka | DockerKafka
) -> None:
    appender, doomed = await broker.appender(), await broker.appender()
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("in doubt", RIGHT, 1)])
    async with at_work(counting_worker(broker)) as worker:
        await appender.append(Outgoing(LEFT, 0, b"a", b"1"))
        await until(lambda: counts(broker, {"a": 1}), PATIENCE)
        own_kafka.kill()
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(
                    _appends_nothing(appender),
                    _is_closed_in_time(doomed),
                    _is_in_doubt(producer),
                    _answers_nothing(broker, own_kafka.bootstrap),
                )
        finally:
            await own_kafka.restart()
        began = time.monotonic()
        assert (await appender.append(Outgoing(LEFT, 0, b"a", b"2"))).offset >= 1
        assert time.monotonic() - began < ANSWER_SECONDS
        await until(lambda: counts(broker, {"a": 2}), PATIENCE)
        await until(lambda: not worker.problems(), PATIENCE)
    await appender.close()


async def _appends_nothing(appender: KafkaAppender) -> None:
    for value in ("first", "second"):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await appender.append(Outgoing(LEFT, 1, value.encode(), b"lost, and said so"))
        assert time.monotonic() - began < ANSWER_SECONDS


async def _is_closed_in_time(appender: KafkaAppender) -> None:
    with pytest.raises(Unavailable):
        await appender.append(outgoing("never", RIGHT, 1))
    async with asyncio.timeout(10.0):
        await appender.close()


async def _is_in_doubt(producer: KafkaProducer) -> None:
    with pytest.raises(InDoubt):
        await producer.commit("task", {TopicPartition(LEFT, 1): 1})
    with pytest.raises(InDoubt):
        await producer.begin()
    async with asyncio.timeout(10.0):
        await producer.close()


async def _answers_nothing(broker: KafkaBroker, bootstrap: str) -> None:
    partition = TopicPartition(RIGHT, 0)
    await asyncio.gather(
        _is_told(broker.high_watermarks([partition])),
        _is_told(broker.stable_ends([partition])),
        _is_told(broker.committed("task", [partition])),
        _is_told(broker.topics()),
        _is_told(broker.create_topics([TopicSpec("another", 1_000_000)])),
        _is_told(broker.producer("another")),
        _is_told(broker.appender()),
        _is_told(broker.member("task", [RIGHT]).start(Listening())),
        _is_told(KafkaBroker(bootstrap, "test", 2).start()),
        _hears_nothing(),
    )


async def _hears_nothing() -> None:
    with silence() as address:
        await _is_told(KafkaBroker(address, "test", 2).start())


async def _is_told(question: Awaitable[object]) -> None:
    with pytest.raises(BrokerError):
        await question
