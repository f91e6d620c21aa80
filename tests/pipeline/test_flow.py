"""How records flow through a task: at once when alone, bounded when many, and never in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from statistics import median

from pipeline.inbox import Inbox
from pipeline.memory import Call, Fate, Script
from pipeline.task import Phase, Task
from pipeline.tenure import Tenure
from pipeline.worker import Worker
from schemas import topics
from schemas.records import Outgoing, Record, TopicPartition
from stages.stage import Context, Outcome, Work
from tests.pipeline.world import Asking, Counting, World, at_work, memory_world, totals, until

SOURCE = TopicPartition(topics.ENRICHED, 0)


def record(offset: int, size: int = 1, timestamp: int = 0) -> Record:
    return Record(topics.ENRICHED, 0, offset, timestamp, None, b"x" * size)


def task_of(worker: Worker) -> Task:
    return worker._tasks[0]


def tenure_of(worker: Worker) -> Tenure:
    tenure = task_of(worker)._tenure
    assert tenure is not None
    return tenure


async def reached(world: World, number: int) -> bool:
    return (await totals(world)).get("a", [0])[-1] == number


class Watched(Counting):
    """Sees how much was at hand whenever a record was settled."""

    worker: Worker

    def __init__(self) -> None:
        self.most = 0

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        self.most = max(self.most, len(task_of(self.worker)._reading))
        return super().process(work, context)


def test_an_inbox_is_full_by_number_or_by_size_and_roomy_at_half() -> None:
    inbox = Inbox(4, 100)
    inbox.put([record(0), record(1), record(2)])
    assert (inbox.is_full, inbox.has_room) == (False, False)
    inbox.put([record(3)])
    assert (inbox.is_full, inbox.has_room) == (True, False)
    assert [taken.offset for taken in inbox.take(2, 100)] == [0, 1]
    assert (inbox.is_full, inbox.has_room) == (False, True)
    inbox.put([record(4, 100)])
    assert (inbox.is_full, inbox.has_room) == (True, False)
    inbox.clear()
    assert (inbox.is_full, inbox.has_room, len(inbox)) == (False, True, 0)


def test_a_take_is_bounded_by_size_and_gives_one_at_least() -> None:
    inbox = Inbox(10, 1000)
    inbox.put([record(0, 60), record(1, 60), record(2, 60)])
    assert [taken.offset for taken in inbox.take(10, 100)] == [0, 1]
    assert [taken.offset for taken in inbox.take(10, 1)] == [2]
    assert inbox.take(10, 100) == []


async def test_a_record_alone_does_not_wait() -> None:
    world = await memory_world(1)
    took: list[float] = []
    loop = asyncio.get_running_loop()
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.is_still)
        for number in range(1, 21):
            began = loop.time()
            await world.append(topics.ENRICHED, "a", b"1")
            await until(lambda number=number: task_of(worker)._reading.positions[SOURCE] == number)  # type: ignore[misc]
            took.append(loop.time() - began)
    assert median(took) < world.limits.batch_seconds / 2


async def test_a_backlog_is_paused_and_never_at_hand_as_a_whole() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, inbox=100)
    stage = Watched()
    await world.append(topics.ENRICHED, "a", *[b"x"] * 5000)
    async with at_work(world.made(stage)) as stage.worker:
        await until(partial(reached, world, 5000), 30)
    assert stage.most <= 100 + 1000, "its bound and what one poll brings"


async def test_a_task_that_is_built_again_in_a_backlog_is_still_bounded() -> None:
    script = Script()
    world = await memory_world(1, script)
    world.limits = replace(world.limits, inbox=100, batch_records=64)
    stage = Watched()
    await world.append(topics.ENRICHED, "a", *[b"x"] * 8000)
    async with at_work(world.made(stage)) as stage.worker:
        for number in (500, 1500, 2500):
            await until(partial(passed, world, number), 30)
            script.next(Call.SEND, Fate.UNAVAILABLE)
        await until(partial(reached, world, 8000), 30)
    assert stage.most <= 100 + 1000


async def passed(world: World, number: int) -> bool:
    return (await totals(world)).get("a", [0])[-1] >= number


async def test_a_transaction_takes_no_more_records_than_its_bound() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, batch_records=64)
    await world.append(topics.ENRICHED, "a", *[b"x"] * 640)
    async with world.worker(Counting()) as worker:
        await until(partial(reached, world, 640))
        assert worker.transactions >= 10


async def test_a_transaction_takes_no_more_bytes_than_its_bound() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, batch_bytes=4096)
    await world.append(topics.ENRICHED, "a", *[b"x" * 1024] * 40)
    async with world.worker(Counting()) as worker:
        await until(partial(reached, world, 40))
        assert worker.transactions >= 5


class Slow(Asking):
    """Every answer takes a while; records of one key come one after the other."""

    async def perform(self, request: str) -> str | None:
        await asyncio.sleep(0.02)
        return request


async def test_a_transaction_is_closed_when_its_time_is_up() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, batch_seconds=0.03, lanes=1)
    for number in range(12):
        await world.append(topics.RAW[0], "a", str(number).encode())
    async with world.worker(Slow(str), "enrich") as worker:
        await until(lambda: worker.is_still and worker.transactions > 0)
        assert worker.transactions >= 4
    assert len(await world.records(topics.UNIQUE)) == 12


async def test_heartbeats_are_passed_over_and_their_offsets_are_committed() -> None:
    world = await memory_world(1)
    appender = await world.broker.appender()
    for kind in (b"receiver-beat", b"chain-beat"):
        await appender.append(Outgoing(topics.ENRICHED, 0, b"a", b"{}", (("ce_type", kind),)))
    async with world.worker(Counting()):
        await until(partial(is_committed, world, 2))
    assert await totals(world) == {}
    assert await world.records(topics.dead_of("deduplicate")) == []


async def is_committed(world: World, offset: int) -> bool:
    return (await world.broker.committed("deduplicate", [SOURCE]))[SOURCE] == offset


async def test_a_deadline_fires_under_a_load_that_never_pauses() -> None:
    """What was on the log when it fell due is settled; that more comes all the time is no reason to be late."""
    world = await memory_world(1)
    world.limits = replace(world.limits, batch_records=2, lanes=1)
    async with world.worker(Counting()) as worker:
        await world.append(topics.ENRICHED, "a", b"late")
        await until(lambda: worker.next_business_timer() is not None)
        world.clock.advance(timedelta(hours=2))
        for _ in range(300):
            await world.append(topics.ENRICHED, "b", *[b"x"] * 100)
            if worker.next_business_timer() is None:
                break
        assert len(task_of(worker)._reading)
        assert worker.next_business_timer() is None
        assert (await totals(world))["a"] == [1]


async def test_an_idle_task_rests() -> None:
    world = await memory_world(1)
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.is_still)
        assert tenure_of(worker).seconds_to_next() == 60
        await world.append(topics.ENRICHED, "a", b"1")
        await until(lambda: worker.transactions == 1 and worker.is_still)
        assert tenure_of(worker).seconds_to_next() == 60


async def test_a_stopped_task_is_not_fed_any_more() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", *[b"bug"] * 50)
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.owned() == 1 and task_of(worker).phase is Phase.STOPPED)
        stood = worker._member.position(SOURCE)
        await world.append(topics.ENRICHED, "a", *[b"x"] * 100)
        await worker._member.poll(0.0, 1000)
        assert worker._member.position(SOURCE) == stood
        assert worker.oldest_unsettled(), "what it stopped over is still the oldest"


async def test_what_waits_says_since_when() -> None:
    world = await memory_world(1)
    stage = Asking(lambda request: request)
    stage.gate.clear()
    world.limits = replace(world.limits, patience=60.0)
    appender = await world.broker.appender()
    async with world.worker(stage, "enrich") as worker:
        await until(lambda: worker.is_still)
        assert worker.oldest_unsettled() == {}
        await appender.append(Outgoing(topics.RAW[0], 0, b"a", b"1", timestamp=1_700_000_000_000))
        await until(lambda: stage.asked)
        await appender.append(Outgoing(topics.RAW[0], 0, b"b", b"2", timestamp=1_800_000_000_000))
        assert {at.timestamp() for at in worker.oldest_unsettled().values()} == {1_700_000_000.0}
        stage.gate.set()
        await until(lambda: worker.is_still and worker.oldest_unsettled() == {})


async def test_a_position_that_retention_has_eaten_stops_its_task_and_says_so() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", b"1")
    async with world.worker(Counting()):
        await until(partial(reached, world, 1))
    await world.append(topics.ENRICHED, "a", b"2", b"3")
    world.memory.truncate(SOURCE, 3)
    async with world.worker(Counting()) as worker:
        await until(lambda: any("retention" in problem for problem in worker.problems()))
        assert topics.ENRICHED in worker.problems()[0]
