"""Between owners, dropped, or over a log that is not there any more, a task moves nothing and reads nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

from pipeline.memory import Call, Fate, Script
from pipeline.task import Phase, Task
from pipeline.worker import Worker
from schemas import topics
from schemas.records import TopicPartition
from stages.stage import Context, Outcome, SetTimer, Timer, TimerKind, Work
from tests.pipeline.world import Asking, Counting, World, memory_world, until

SOURCE = TopicPartition(topics.ENRICHED, 0)
RAW = TopicPartition(topics.RAW[0], 0)


def task_of(worker: Worker) -> Task:
    return worker._tasks[0]


def is_in(worker: Worker, phase: Phase) -> bool:
    return worker.owned() == 1 and task_of(worker).phase is phase


def stands_at(worker: Worker, partition: TopicPartition, position: int) -> bool:
    return worker._member.position(partition) == position


async def reads_nothing(world: World, worker: Worker) -> bool:
    """What is appended now is not read by the next poll."""
    stood = worker._member.position(SOURCE)
    await world.append(topics.ENRICHED, "a", b"1")
    await worker._member.poll(0.0, 1000)
    return worker._member.position(SOURCE) == stood


@asynccontextmanager
async def asked_with_more_at_hand(stage: Asking) -> AsyncIterator[tuple[World, Worker]]:
    """Two records of four are in hand, the call of the first is under way, and the others are at hand."""
    world = await memory_world(1)
    world.limits = replace(world.limits, patience=60.0, lanes=1, batch_records=1)
    stage.gate.clear()
    async with world.worker(stage, "enrich") as worker:
        await until(lambda: worker.is_still)
        await world.append(topics.RAW[0], "a", b"1", b"2", b"3", b"4")
        await until(lambda: stage.asked == ["1"] and stands_at(worker, RAW, 4))
        try:
            yield world, worker
        finally:
            stage.gate.set()


async def test_a_task_that_was_dropped_reads_nothing_until_it_is_built_again() -> None:
    script = Script()
    world = await memory_world(1, script)
    world.limits = replace(world.limits, backoff=60.0)
    await world.append(topics.ENRICHED, "a", b"1")
    script.next(Call.SEND, Fate.REFUSED)
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.owned() == 1 and task_of(worker)._refusals == 1)
        assert await reads_nothing(world, worker)


async def test_a_task_whose_partition_is_taken_while_it_is_built_does_not_begin_to_read() -> None:
    script = Script()
    world = await memory_world(1, script)
    script.hold(Call.INIT)
    async with world.worker(Counting()) as worker:
        await until(lambda: is_in(worker, Phase.STARTING))
        await worker.revoked()
        script.release(Call.INIT)
        await until(lambda: is_in(worker, Phase.SUSPENDED))
        assert await reads_nothing(world, worker)
        await worker.assigned(frozenset({0}))
        await until(lambda: is_in(worker, Phase.RUNNING) and stands_at(worker, SOURCE, 1))


async def test_whoever_gives_a_partition_up_has_first_committed_what_was_in_hand() -> None:
    stage = Asking(str)
    async with asked_with_more_at_hand(stage) as (world, worker):
        revoked = asyncio.create_task(worker.revoked())
        await until(lambda: task_of(worker)._suspended)
        assert not revoked.done()
        stage.gate.set()
        await revoked
        assert len(await world.records(topics.UNIQUE)) == 2


async def test_between_owners_nothing_is_at_hand() -> None:
    stage = Asking(str)
    async with asked_with_more_at_hand(stage) as (_, worker):
        revoked = asyncio.create_task(worker.revoked())
        await until(lambda: task_of(worker)._suspended)
        stage.gate.set()
        await revoked
        await until(lambda: is_in(worker, Phase.SUSPENDED))
        assert worker.oldest_unsettled() == {}
        assert stage.asked == ["1", "2"]


async def test_what_comes_after_a_partition_was_taken_is_not_put_to_what_is_at_hand() -> None:
    stage = Asking(str)
    async with asked_with_more_at_hand(stage) as (world, worker):
        task = task_of(worker)
        at_hand = len(task._reading)
        await task.suspend(0.0)
        await world.append(topics.RAW[0], "a", b"5")
        await until(partial(stands_at, worker, RAW, 5))
        assert len(task._reading) == at_hand


async def test_a_running_task_whose_next_record_retention_takes_stops_and_says_so() -> None:
    world = await memory_world(1)
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.is_still)
        worker._member.pause([SOURCE])
        await world.append(topics.ENRICHED, "a", b"1", b"2", b"3")
        world.memory.truncate(SOURCE, 2)
        worker._member.resume([SOURCE])
        await until(lambda: is_in(worker, Phase.STOPPED))
        assert "retention" in worker.problems()[0]


class Reminding(Asking):
    """Sets a timer for every record, and asks only when that falls due."""

    def plan(self, work: Work, context: Context) -> Sequence[str]:
        return [work.name] if isinstance(work, Timer) else []

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer):
            return super().process(work, context)
        return [SetTimer("a", "reminder", context.wall + timedelta(hours=1), TimerKind.RETRY)]


async def test_a_task_whose_next_record_is_gone_stops_before_it_does_anything() -> None:
    world = await memory_world(1)
    stage = Reminding(str)
    await world.append(topics.RAW[0], "a", b"1")
    async with world.worker(stage, "enrich") as worker:
        await until(lambda: worker.is_still and worker.transactions)
    await world.append(topics.RAW[0], "a", b"2", b"3", b"4")
    world.memory.truncate(RAW, 3)
    world.advance(hours=2)
    async with world.worker(stage, "enrich") as worker:
        await until(lambda: is_in(worker, Phase.STOPPED))
        assert stage.asked == []
