"""Workers that come and go while records arrive: every record counts once, whoever has its partition."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pipeline.kafka import KafkaBroker
from pipeline.worker import Worker
from schemas.records import Outgoing, partition_of
from tests.kafka.world import LEFT, SPECS, counting_worker, counts
from tests.pipeline.world import at_work, until

KEYS = [f"key-{number}" for number in range(20)]
ROUND = 10


async def test_three_workers_that_come_and_go_keep_every_record_exactly_once(kafka_broker: KafkaBroker) -> None:
    await kafka_broker.create_topics(SPECS)
    appender = await kafka_broker.appender()

    async def send(rounds: int) -> None:
        for _ in range(rounds):
            for key in KEYS:
                partition = partition_of(key.encode(), kafka_broker.partitions)
                await appender.append(Outgoing(LEFT, partition, key.encode(), b"x"))

    first, second, third = (counting_worker(kafka_broker) for _ in range(3))
    async with at_work(first):
        sending = asyncio.create_task(send(3 * ROUND))
        async with at_work(second):
            async with at_work(third):
                await until(lambda: shared(kafka_broker, (first, second, third)), 20.0)
            await until(lambda: shared(kafka_broker, (first, second)), 20.0)
        await sending
        await until(lambda: counts(kafka_broker, dict.fromkeys(KEYS, 3 * ROUND)), 30.0)
    await appender.close()


def shared(broker: KafkaBroker, workers: Sequence[Worker]) -> bool:
    owned = [worker.owned() for worker in workers]
    return sum(owned) == broker.partitions and min(owned) > 0 and not any(worker.problems() for worker in workers)
