"""The order of the accepted configurations, as a real Kafka keeps it."""

from __future__ import annotations

from pathlib import Path

from pipeline.kafka import KafkaBroker
from schemas import topics
from tests.pipeline.configured import accepted_on, below, digest, started

SPECS = [spec for spec in topics.catalogue() if spec.name == topics.CONFIG]


async def test_all_processes_work_by_what_was_accepted_last_and_who_comes_with_an_old_file_too(
    kafka_broker: KafkaBroker, tmp_path: Path
) -> None:
    await kafka_broker.create_topics(SPECS)
    one = await started(kafka_broker, tmp_path / "one.yaml", below(1))
    two = await started(kafka_broker, tmp_path / "two.yaml", below(1))
    await one.changes(below(2))
    await two.looks(1)
    assert one.hash == two.hash == digest(below(2))
    old = await started(kafka_broker, tmp_path / "old.yaml", below(1))
    assert old.hash == digest(below(2))
    assert not old.is_well()
    await two.changes(below(3))
    await two.changes(below(1))
    for process in (one, old):
        await process.looks(1)
        assert process.hash == digest(below(1))
        assert process.is_well()
    assert await accepted_on(kafka_broker) == [digest(below(2)), digest(below(3)), digest(below(1))]
    numbers = [number for number, _ in one.desk.taken]
    assert numbers == sorted(set(numbers))
