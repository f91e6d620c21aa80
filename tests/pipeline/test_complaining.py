"""What a process sees of itself is said once a minute, as long as it lasts."""

from __future__ import annotations

from pipeline.complaining import Complaints, complaining
from pipeline.metrics import Metrics
from schemas import topics
from schemas.codec import decode
from schemas.signals import DeadLettered, SignaturesFailed, TaskStopped
from tests.pipeline.world import World, memory_world, until

STOPPED = [("enrich", 3, "50 records in a row were rejected")]


def complaints(world: World, metrics: Metrics, *stopped: tuple[str, int, str]) -> Complaints:
    return Complaints("shop-eu", lambda: stopped, metrics, world.clock)


async def test_a_stopped_task_is_said_every_time_and_what_is_well_never() -> None:
    world = await memory_world()
    here = complaints(world, Metrics(), *STOPPED)

    for _ in range(2):
        (said,) = here.now()
        assert isinstance(said, TaskStopped)
        assert (said.subject, said.stage, said.number, said.reason) == ("shop-eu/pipeline", *STOPPED[0])
    assert complaints(world, Metrics()).now() == []


async def test_dead_letters_are_said_once_by_stage_and_reason() -> None:
    world, metrics = await memory_world(), Metrics()
    here = complaints(world, metrics)
    metrics.dead_letters_total.labels("enrich", "undecodable").inc(3)
    metrics.dead_letters_total.labels("classify", "defect").inc()

    first = [said for said in here.now() if isinstance(said, DeadLettered)]
    metrics.dead_letters_total.labels("classify", "defect").inc()
    second = [said for said in here.now() if isinstance(said, DeadLettered)]

    assert {(said.stage, said.reason, said.count) for said in first} == {
        ("enrich", "undecodable", 3),
        ("classify", "defect", 1),
    }
    assert [(said.stage, said.count) for said in second] == [("classify", 1)]
    assert here.now() == []


async def test_false_signatures_are_said_with_how_many_came_in_all() -> None:
    world, metrics = await memory_world(), Metrics()
    here = complaints(world, metrics)
    metrics.webhooks_total.labels("orders", "accepted").inc(7)
    metrics.webhooks_total.labels("orders", "unsigned").inc(2)
    metrics.webhooks_total.labels("inventory", "unsigned").inc()

    (said,) = here.now()

    assert isinstance(said, SignaturesFailed)
    assert (said.failed, said.of) == (3, 10)
    metrics.webhooks_total.labels("orders", "accepted").inc()
    assert here.now() == []


async def test_it_is_written_where_classify_reads_it_for_as_long_as_the_block_lasts() -> None:
    world = await memory_world()

    async def are_there() -> bool:
        return len(await world.records(topics.SIGNALS)) >= 2

    async with complaining(
        world.broker, complaints(world, Metrics(), *STOPPED), world.around().log, every=0.001
    ) as task:
        await until(are_there)
    records = await world.records(topics.SIGNALS)

    assert task.cancelled()
    assert {record.key for record in records} == {b"shop-eu/pipeline"}
    assert len({record.partition for record in records}) == 1
    assert decode(records[0], TaskStopped).reason == STOPPED[0][2]
    assert records[0].header("ce_type") == "task-stopped"
