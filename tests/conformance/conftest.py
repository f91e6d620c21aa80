"""One suite for the broker port, run on every implementation. `kafka_broker` stands in `tests/conftest.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pipeline.broker import Broker
from pipeline.kafka import KafkaBroker
from pipeline.memory import MemoryBroker
from schemas.records import TopicPartition
from tests.conformance.forces import Forces, KafkaForces, MemoryForces
from tests.conformance.reading import Readers
from tests.conformance.world import SPECS, eventually

PARTITIONS = 4


@pytest.fixture
def memory_broker() -> MemoryBroker:
    return MemoryBroker(PARTITIONS)


@pytest.fixture(params=["memory", "kafka"])
def started(request: pytest.FixtureRequest) -> Broker:
    # not async: a fixture of a running loop could not ask for another async one
    implementation: Broker = request.getfixturevalue(f"{request.param}_broker")
    return implementation


@pytest.fixture
async def broker(started: Broker) -> Broker:
    """A broker of its own for the test, with the topics of `SPECS`, empty."""
    await started.create_topics(SPECS)
    firsts = [TopicPartition(spec.name, started.partitions - 1) for spec in SPECS]
    await eventually(lambda: started.high_watermarks(firsts), lambda ends: set(ends.values()) == {0})
    return started


@pytest.fixture
async def readers(broker: Broker) -> AsyncIterator[Readers]:
    """Makes members that are polled until the test is over."""
    opened = Readers(broker)
    yield opened
    await opened.stop()


@pytest.fixture
def forces(broker: Broker) -> Forces:
    if isinstance(broker, MemoryBroker):
        return MemoryForces(broker)
    assert isinstance(broker, KafkaBroker)
    return KafkaForces(broker)
