"""Three brokers of ours: one is killed, whichever it is, and nobody who waits a little notices."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from pipeline.broker import Appender, Unavailable
from pipeline.kafka import KafkaBroker
from pipeline.local_kafka import LocalCluster, available, start_cluster
from schemas import topics
from schemas.records import Outgoing
from tests.kafka.world import committed_records
from tests.pipeline.world import until

PATIENCE = 30.0
SPEC = topics.TopicSpec(topics.ENRICHED, topics.DERIVED_MAX_BYTES)


@pytest.fixture
async def cluster() -> AsyncIterator[LocalCluster]:
    if (reason := available()) is not None:
        pytest.fail(f"the tests need a local Kafka: {reason}; install Java >= 17 and Maven", pytrace=False)
    async with await start_cluster() as cluster:
        yield cluster


class First:
    """Partition 0 of one topic, and what the cluster says of it."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic

    async def leader(self) -> int:
        return int((await self._described())["leader"])

    async def is_in_sync(self, *numbers: int) -> bool:
        return sorted((await self._described())["isr"]) == list(numbers)

    async def _described(self) -> dict[str, Any]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        try:
            (found,) = await admin.describe_topics([self._topic])
            return next((each for each in found["partitions"] if each["partition"] == 0), {"leader": -1, "isr": []})
        finally:
            await admin.close()


async def taken(appender: Appender, value: bytes) -> bool:
    try:
        await appender.append(Outgoing(topics.ENRICHED, 0, b"key", value))
    except Unavailable:
        return False
    return True


async def test_the_broker_that_leads_is_killed_and_the_cluster_goes_on_and_takes_it_back(cluster: LocalCluster) -> None:
    broker = KafkaBroker(cluster.bootstrap, "test", 1)
    await broker.start()
    await broker.create_topics([SPEC])
    appender = await broker.appender()
    first = First(cluster.bootstrap, f"test.{topics.ENRICHED}")
    await until(lambda: first.is_in_sync(*cluster.numbers), PATIENCE)
    leader, pid = await first.leader(), cluster.pids
    assert await taken(appender, b"before")

    cluster.kill(leader)
    with pytest.raises(ProcessLookupError):
        os.kill(pid[leader], 0)
    await until(lambda: taken(appender, b"after"), PATIENCE)
    assert await first.leader() != leader
    assert await first.is_in_sync(*(number for number in cluster.numbers if number != leader))

    await cluster.restart(leader)
    await until(lambda: first.is_in_sync(*cluster.numbers), PATIENCE)
    values = [record.value for record in await committed_records(broker, topics.ENRICHED)]
    # what was not acknowledged in time may be written twice
    assert values[0] == b"before"
    assert set(values[1:]) == {b"after"}
    await appender.close()
    await broker.close()


async def test_stopping_ends_every_broker_and_removes_what_it_kept(cluster: LocalCluster) -> None:
    pids, folder = cluster.pids, cluster.directory
    assert list(pids) == [1, 2, 3]
    await cluster.stop()
    for pid in pids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not folder.exists()
