"""What counts towards the stop of a task that rejects too much, and what does not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pipeline.editions import Edition, Editions
from pipeline.memory import Call, Fate, Script
from pipeline.rejections import Rejections, TooManyRejected
from pipeline.surroundings import StageSpec
from pipeline.task import Phase
from pipeline.worker import Worker
from schemas import topics
from schemas.reasons import OWN_FAULTS, RejectReason
from stages.stage import Context, Outcome, Work
from tests.pipeline.chained import put, running
from tests.pipeline.world import Asking, Counting, World, at_work, memory_world, totals, until


def is_stopped(worker: Worker) -> bool:
    return any(task.phase is Phase.STOPPED for task in worker._tasks.values())


@pytest.mark.parametrize("reason", sorted(set(RejectReason) - OWN_FAULTS))
def test_what_is_others_fault_stops_nobody_and_is_none_in_a_row(reason: RejectReason) -> None:
    rejections = Rejections()
    for _ in range(2_000):
        rejections.rejected(reason)
        rejections.check()
    for _ in range(2):
        for _ in range(49):
            rejections.rejected(RejectReason.DEFECT)
            rejections.check()
        rejections.rejected(reason)
    for _ in range(49):
        rejections.rejected(RejectReason.DEFECT)
    rejections.check()
    rejections.rejected(RejectReason.UNDECODABLE)
    with pytest.raises(TooManyRejected, match="50 records in a row"):
        rejections.check()


class Buggy(Asking):
    """The world is not ready; once it is, it answers what this one cannot deal with."""

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        outcomes = super().process(work, context)
        raise ZeroDivisionError(f"a bug behind {outcomes}")


async def test_parked_records_that_all_fail_stop_the_task_too() -> None:
    world = await memory_world(1)
    stage = Buggy(lambda request: None)
    for number in range(60):
        await put(world, topics.RAW[0], 0, f"key {number}", b"x")
    async with running(world, StageSpec("enrich", topics.RAW[:2], stage)) as worker:
        await until(lambda: worker._tasks[0].parked == 60)
        stage.world = str
        world.advance(seconds=10)
        worker.wake()
        await until(lambda: is_stopped(worker))
    assert len(await world.records(topics.dead_of("enrich"))) < 60


async def test_another_configuration_does_not_begin_to_count_anew() -> None:
    world = await memory_world(1)
    editions = Editions(Edition(0, "first", Counting()))
    spec = StageSpec("deduplicate", (topics.ENRICHED,), editions.newest.stage, given=editions)
    await world.append(topics.ENRICHED, "a", *[b"bug"] * 30)
    async with at_work(Worker(spec, world.around())) as worker:
        await until(lambda: has_letters(world, 30))
        editions.publish(Edition(1, "second", Counting()))
        await world.append(topics.ENRICHED, "a", *[b"bug"] * 20)
        await until(lambda: is_stopped(worker))


async def has_letters(world: World, count: int) -> bool:
    return len(await world.records(topics.dead_of("deduplicate"))) == count


async def test_refusals_with_work_between_them_stop_nobody() -> None:
    script = Script()
    world = await memory_world(1, script)
    async with world.worker(Counting()) as worker:
        for number in range(1, 5):
            script.next(Call.SEND, Fate.REFUSED)
            await world.append(topics.ENRICHED, "a", b"1")
            await until(lambda number=number: has_counted(world, worker, number))  # type: ignore[misc]


async def has_counted(world: World, worker: Worker, number: int) -> bool:
    assert not is_stopped(worker)
    return await totals(world) == {"a": list(range(1, number + 1))}
