"""A producer may be fenced in the middle of a send: Kafka's client then says only that this is no time to send."""

from __future__ import annotations

import pytest

from pipeline.broker import Fenced
from pipeline.kafka import KafkaBroker
from tests.kafka.world import LEFT, RIGHT, SPECS, outgoing


async def test_whoever_is_fenced_between_two_batches_of_a_send_is_told_that_he_is_fenced(
    kafka_broker: KafkaBroker,
) -> None:
    """The client asks where the second topic is; meanwhile it is answered that the first may not be written to."""
    await kafka_broker.create_topics(SPECS)
    topics = [LEFT, RIGHT, *(spec.name for spec in SPECS if spec.name not in (LEFT, RIGHT))]
    for _ in range(5):
        first = await kafka_broker.producer("taken")
        second = await kafka_broker.producer("taken")
        await first.begin()
        with pytest.raises(Fenced):
            await first.send([outgoing("x", topic, partition) for topic in topics for partition in range(4)])
        await first.close()
        await second.close()
