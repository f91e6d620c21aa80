"""The Kafka of the tests, by the design's order: the one that is given, a JVM of our own, a container.

Where there is none the tests that need one fail, and say in one sentence what would help; they are never skipped.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from pipeline.kafka import KafkaBroker, Timing
from pipeline.local_kafka import (
    REMEDIES,
    DockerKafka,
    KafkaUnavailable,
    LocalKafka,
    available,
    obtain,
    start,
    start_docker,
)

T = TypeVar("T")
Keep = Callable[[Coroutine[Any, Any, T]], T]

# how long an example takes is the machine's business: on a busy one the default of 200 ms was a red test
settings.register_profile("whatever-the-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("whatever-the-machine")

#: What `tests/conformance` expects of every broker.
PARTITIONS = 4


@contextmanager
def _keeper() -> Iterator[Keep[Any]]:
    """Runs coroutines in a thread that lives on: a JVM of ours dies with the thread that started it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="keeper", daemon=True)
    thread.start()
    try:
        yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="session")
def keep() -> Iterator[Keep[Any]]:
    with _keeper() as keep:
        yield keep


@pytest.fixture(scope="session")
def kafka_bootstrap(keep: Keep[Any]) -> Iterator[str]:
    """HOST:PORT of a Kafka that is there for the whole session. Nobody may harm it."""
    # pytest is the main of the tests: here their environment becomes a value
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")  # noqa: TID251
    try:
        obtained = keep(obtain(given=given))
    except KafkaUnavailable as error:
        pytest.fail(f"the tests need an Apache Kafka: {error}", pytrace=False)
    yield obtained.bootstrap
    keep(obtained.stop())


@pytest.fixture
async def kafka_broker(kafka_bootstrap: str) -> AsyncIterator[KafkaBroker]:
    """An installation of its own on the session's Kafka; its topics go with it."""
    timing = Timing(heartbeat=0.1)  # members hear sooner of a rebalance than in production
    broker = KafkaBroker(kafka_bootstrap, f"test-{secrets.token_hex(4)}", PARTITIONS, timing=timing)
    await broker.start()
    yield broker
    await broker.delete_topics(list(await broker.topics()))
    await broker.close()


@pytest.fixture(scope="module")
def own_kafka(keep: Keep[Any]) -> Iterator[LocalKafka | DockerKafka]:
    """A Kafka that may be killed and started again; whoever does so leaves it running."""
    try:
        kafka: LocalKafka | DockerKafka = keep(_own())
    except KafkaUnavailable as error:
        pytest.fail(f"the tests need an Apache Kafka of their own: {error}. Remedies: {REMEDIES}", pytrace=False)
    yield kafka
    keep(kafka.stop())


async def _own() -> LocalKafka | DockerKafka:
    return await start() if available() is None else await start_docker()
