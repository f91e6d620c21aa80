"""Which configuration a task works by, and who still works by which."""

from __future__ import annotations

from pipeline.editions import Edition, Editions
from pipeline.parking import PARKED
from pipeline.state import encoded, key_of
from pipeline.surroundings import StageSpec
from pipeline.worker import Worker
from schemas import topics
from schemas.records import Outgoing
from tests.pipeline.chained import running, whats
from tests.pipeline.test_sweeps import edition, journal, notes, order, remembering
from tests.pipeline.world import Counting, World, at_work, memory_world, until


def test_an_older_one_than_the_newest_is_passed_over() -> None:
    first, second = Edition(1, "first", Counting()), Edition(2, "second", Counting())
    editions = Editions(second)
    editions.publish(first)
    editions.publish(Edition(2, "again", Counting()))
    assert editions.newest is second


async def test_a_task_that_has_ended_works_by_none() -> None:
    world = await memory_world(2)
    editions = Editions(Edition(0, "first", Counting()))
    spec = StageSpec("deduplicate", (topics.ENRICHED,), editions.newest.stage, given=editions)
    async with at_work(Worker(spec, world.around())) as worker:
        await until(lambda: worker.is_still and editions.in_use() == {0})
        editions.publish(Edition(1, "second", Counting()))
        worker.wake()
        await until(lambda: worker.is_still and editions.in_use() == {1})
    assert editions.in_use() == frozenset()


async def test_the_same_configuration_accepted_once_more_looks_nothing_through() -> None:
    world = await memory_world(1)
    editions = Editions(edition(0, "same"))
    async with running(world, remembering(editions)) as worker:
        await notes(world, order(1))
        await until(lambda: has_said(world, "note"))
        await until(lambda: worker.is_still)
        swept = [entry.visited for entry in await journal(world) if entry.visited]
        editions.publish(Edition(1, "same", editions.newest.stage))
        await notes(world, order(2), said=b"later")
        await until(lambda: has_said(world, "later"))
        await until(lambda: worker.is_still)
    assert [entry.visited for entry in await journal(world) if entry.visited] == swept


async def has_said(world: World, what: str) -> bool:
    return what in await whats(world)


async def test_a_task_that_cannot_read_what_is_parked_stops_and_works_by_none() -> None:
    world = await memory_world(1)
    appender = await world.broker.appender()
    broken = key_of("a", PARKED.name, b"1"), encoded("no place")
    await appender.append(Outgoing(topics.state_of("deduplicate"), 0, *broken))
    await appender.close()
    editions = Editions(Edition(0, "first", Counting()))
    spec = StageSpec("deduplicate", (topics.ENRICHED,), editions.newest.stage, given=editions)
    async with at_work(Worker(spec, world.around())) as worker:
        await until(lambda: any("does not decode" in problem for problem in worker.problems()))
        assert editions.in_use() == frozenset()
