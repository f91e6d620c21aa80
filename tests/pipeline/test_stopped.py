"""A stopped task stays stopped, whoever is killed, until an operator lets it go on; then it goes on where it stood."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from functools import partial

import pytest

from pipeline.memory import Call, Fate, MemoryBroker, Script
from pipeline.stopped import Loss, NotAccepted, accept_loss, lift, losses, stopped_tasks
from pipeline.surroundings import StageSpec
from pipeline.task import Phase
from pipeline.worker import Worker
from schemas import topics
from schemas.records import Outgoing, Record, TopicPartition
from stages.stage import Context, Outcome, Work
from tests.pipeline.world import START, Counting, World, at_work, memory_world, totals, until

INPUTS = (topics.ENRICHED,)
SOURCE, STATE = TopicPartition(topics.ENRICHED, 0), TopicPartition(topics.state_of("deduplicate"), 0)
#: One more than a task takes in a row (`pipeline.rejections`).
TOO_MANY = [b"bug"] * 51


class Patient(Counting):
    """A bug is mended in this build."""

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        is_bug = isinstance(work, Record) and work.value == b"bug"
        return super().process(_good(work) if is_bug else work, context)


def _good(record: Work) -> Record:
    assert isinstance(record, Record)
    return Record(record.topic, record.partition, record.offset, record.timestamp, record.key, b"good")


class Measured(MemoryBroker):
    """Knows how many offsets were asked for."""

    asked = 0

    def read(self, partition: TopicPartition, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        self.asked += end - start
        return super().read(partition, start, end)


def quick(world: World) -> World:
    world.limits = replace(world.limits, look_again=0.01)
    return world


def is_stopped(worker: Worker) -> bool:
    return any(task.phase is Phase.STOPPED for task in worker._tasks.values())


async def has_counted(world: World, numbers: list[int]) -> bool:
    return await totals(world) == {"a": numbers}


async def stopped_world() -> World:
    """One record is counted, then come too many that a bug of ours rejects; their owner is killed."""
    world = quick(await memory_world(1))
    async with world.doomed(Counting()) as worker:
        await world.append(topics.ENRICHED, "a", b"1")
        await until(partial(has_counted, world, [1]))
        await world.append(topics.ENRICHED, "a", *TOO_MANY)
        await until(lambda: is_stopped(worker))
    return world


async def test_a_stop_is_seen_from_outside_with_its_reason_and_its_time() -> None:
    world = await stopped_world()
    (found,) = await stopped_tasks(world.broker)
    assert (found.stage, found.number, found.stopped.at) == ("deduplicate", 0, START)
    assert "in a row were rejected" in found.stopped.reason


async def test_whoever_takes_a_stopped_task_over_does_not_work_either_mended_or_not() -> None:
    world = await stopped_world()
    async with world.doomed(Patient()) as worker:
        await until(lambda: is_stopped(worker))
    async with world.worker(Patient()) as worker:
        await until(lambda: "`pipeline stopped lift deduplicate 0`" in str(worker.problems()))
    assert await has_counted(world, [1])
    assert await world.records(topics.dead_of("deduplicate")) == []


async def test_a_task_that_is_lifted_goes_on_where_it_stood_without_a_restart() -> None:
    world = await stopped_world()
    async with world.worker(Patient()) as worker:
        await until(lambda: is_stopped(worker))
        lifted = await lift(world.broker, "deduplicate", 0)
        assert lifted is not None
        assert "in a row were rejected" in lifted.reason
        await until(partial(has_counted, world, list(range(1, len(TOO_MANY) + 2))))
        assert worker.problems() == []
    assert await stopped_tasks(world.broker) == []


async def test_a_task_that_is_lifted_over_the_same_fault_stops_again() -> None:
    world = await stopped_world()
    async with world.worker(Counting()) as worker:
        await until(lambda: is_stopped(worker))
        assert await lift(world.broker, "deduplicate", 0) is not None
        await until(lambda: stopped_tasks(world.broker))


async def test_lifting_what_is_not_stopped_leaves_its_owner_alone() -> None:
    world = await memory_world(1)
    owner = await world.broker.producer("deduplicate-0")
    assert await lift(world.broker, "deduplicate", 0) is None
    assert await accept_loss(world.broker, "deduplicate", 0, INPUTS) == []
    await owner.begin()
    await owner.send([Outgoing(topics.UNIQUE, 0, b"a", b"1")])
    await owner.commit("deduplicate", {})
    assert len(await world.records(topics.UNIQUE)) == 1


async def test_a_stop_is_found_at_the_end_of_a_long_changelog_without_reading_all_of_it() -> None:
    broker = Measured(1)
    await broker.create_topics(topics.catalogue())
    world = quick(World(broker))
    async with world.worker(Counting()) as worker:
        await world.append(topics.ENRICHED, "a", b"1")
        await until(lambda: worker.is_still and worker.transactions)
        for number in range(4000):
            await world.append(topics.ENRICHED, f"key-{number}", b"1")
        await until(lambda: worker.is_still)
        await world.append(topics.ENRICHED, "a", *TOO_MANY)
        await until(lambda: is_stopped(worker))
    length = (await broker.stable_ends([STATE]))[STATE]
    assert length > 3000
    broker.asked = 0
    (found,) = await stopped_tasks(broker, ("deduplicate",))
    assert found.number == 0
    assert broker.asked <= 1000


async def eaten_world() -> World:
    """Two of six records are counted, retention eats the first four."""
    world = quick(await memory_world(1))
    async with world.worker(Counting()):
        await world.append(topics.ENRICHED, "a", b"1", b"1")
        await until(partial(has_counted, world, [1, 2]))
    await world.append(topics.ENRICHED, "a", *[b"1"] * 4)
    world.memory.truncate(SOURCE, 5)
    return world


async def test_what_retention_ate_before_it_was_read_is_counted_and_accepted_only_by_an_operator() -> None:
    world = await eaten_world()
    lost = [Loss(topics.ENRICHED, 2, 5)]
    async with world.worker(Counting()) as worker:
        await until(lambda: is_stopped(worker))
        assert await losses(world.broker, "deduplicate", 0, INPUTS) == lost
        assert lost[0].offsets == 3
        assert await accept_loss(world.broker, "deduplicate", 0, INPUTS) == lost
        await until(partial(has_counted, world, [1, 2, 3]))
        assert worker.problems() == []
    assert await losses(world.broker, "deduplicate", 0, INPUTS) == []


async def test_a_loss_is_accepted_for_the_inputs_that_lost_and_no_other() -> None:
    world = await eaten_world()
    inputs = (topics.ENRICHED, topics.UNIQUE)
    assert await accept_loss(world.broker, "deduplicate", 0, inputs) == [Loss(topics.ENRICHED, 2, 5)]
    committed = await world.broker.committed("deduplicate", [SOURCE, TopicPartition(topics.UNIQUE, 0)])
    assert list(committed.values()) == [5, None]


async def test_a_loss_that_is_accepted_takes_no_other_input_back_to_its_beginning() -> None:
    world = quick(await memory_world(1))
    inputs = (topics.ENRICHED, topics.ALERTS)
    spec = StageSpec("deduplicate", inputs, Counting())
    for topic in inputs:
        await world.append(topic, "a", b"1")
    async with at_work(Worker(spec, world.around())):
        await until(partial(has_counted, world, [1, 2]))
    await world.append(topics.ENRICHED, "a", b"1", b"1")
    world.memory.truncate(SOURCE, 2)
    world.memory.forget_offsets("deduplicate")
    assert await accept_loss(world.broker, "deduplicate", 0, inputs) == [Loss(topics.ENRICHED, 1, 2)]
    async with at_work(Worker(spec, world.around())) as worker:
        await until(lambda: worker.transactions and worker.is_still)
        assert await has_counted(world, [1, 2, 3])


async def test_a_topic_that_was_made_anew_stops_its_task_until_somebody_accepts_that_however_long_it_grows() -> None:
    world = await eaten_world()
    await world.broker.delete_topics([topics.ENRICHED])
    await world.broker.create_topics(topics.catalogue())
    async with world.worker(Counting()) as worker:
        await until(lambda: is_stopped(worker))
    await world.append(topics.ENRICHED, "a", *[b"1"] * 5)
    async with world.worker(Counting()) as worker:
        await until(lambda: any("--accept-loss" in problem for problem in worker.problems()))
        with pytest.raises(NotAccepted, match="another log"):
            await lift(world.broker, "deduplicate", 0)
        assert await accept_loss(world.broker, "deduplicate", 0, INPUTS) == [Loss(topics.ENRICHED, 2, 0, is_anew=True)]
        await until(partial(has_counted, world, [1, 2, 3, 4, 5, 6, 7]))
        assert worker.problems() == []
    assert await stopped_tasks(world.broker, ("deduplicate",)) == []


async def test_a_task_whose_writes_are_refused_stops_once_and_a_restart_does_not_try_again() -> None:
    script = Script()
    world = quick(await memory_world(1, script))
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.is_still)
        script.next(Call.SEND, Fate.REFUSED, Fate.REFUSED, Fate.REFUSED)
        await world.append(topics.ENRICHED, "a", b"1")
        await until(lambda: is_stopped(worker))
        (found,) = await stopped_tasks(world.broker, ("deduplicate",))
        assert "refuses" in found.stopped.reason
    async with world.worker(Counting()) as worker:
        await until(lambda: is_stopped(worker))
        await lift(world.broker, "deduplicate", 0)
        await until(partial(has_counted, world, [1]))
