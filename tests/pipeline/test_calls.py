"""Calls of a task: under way, too slow, cut, and at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

from pipeline.calls import Calls
from pipeline.editions import Edition, Editions
from pipeline.surroundings import StageSpec
from pipeline.worker import Worker
from schemas import topics
from schemas.records import Record
from stages.stage import Context, Outcome, SetTimer, TimerKind, Work
from tests.pipeline.world import Asking, World, at_work, memory_world, until


class Sending(Asking):
    """Every record sets a timer of its own in one lane; the timers make the calls."""

    def lane(self, timer: object) -> str:
        return "the only one"

    def plan(self, work: Work, context: Context) -> Sequence[str]:
        return [] if isinstance(work, Record) else super().plan(work, context)

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Record):
            return [SetTimer("a", (work.value or b"").decode(), context.wall, TimerKind.RETRY)]
        return super().process(work, context)


async def sent(world: World) -> list[bytes]:
    return [record.value or b"" for record in await world.records(topics.UNIQUE)]


async def has_sent(world: World, number: int) -> bool:
    return len(await sent(world)) == number


@asynccontextmanager
async def changing(world: World, editions: Editions, takeover: timedelta = timedelta(0)) -> AsyncIterator[Worker]:
    """A worker whose configuration may change."""
    spec = StageSpec("dispatch", (topics.NOTIFICATIONS,), editions.newest.stage, takeover, given=editions)
    async with at_work(Worker(spec, world.around())) as worker:
        yield worker


def is_ending_calls(worker: Worker) -> bool:
    tenure = worker._tasks[0]._tenure
    return tenure is not None and tenure.settling._beside.is_ending


def timers(worker: Worker) -> int:
    task = worker._tasks.get(0)
    return 0 if task is None or task._tenure is None else len(task._tenure.settling.timers)


async def test_a_stop_lets_calls_end_and_settles_their_answers() -> None:
    world = await memory_world(1)
    stage = Sending(lambda request: request)
    stage.gate.clear()
    await world.append(topics.NOTIFICATIONS, "a", b"1")
    async with world.worker(stage, "dispatch") as worker:
        await until(lambda: stage.asked == ["1"])
        leaving = asyncio.get_running_loop().call_later(0.02, stage.gate.set)
        assert not worker.is_still
    leaving.cancel()
    assert await has_sent(world, 1)


async def test_a_stop_begins_no_call_that_it_would_have_to_cut() -> None:
    world = await memory_world(1)
    stage = Sending(lambda request: request)
    stage.gate.clear()
    await world.append(topics.NOTIFICATIONS, "a", b"1", b"2", b"3")
    async with world.worker(stage, "dispatch") as worker:
        await until(lambda: stage.asked == ["1"] and timers(worker) == 3)
        asyncio.get_running_loop().call_later(0.02, stage.gate.set)
    assert stage.asked == ["1"]
    assert await has_sent(world, 1)
    async with world.worker(stage, "dispatch"):
        await until(partial(has_sent, world, 3))
    assert stage.asked == ["1", "2", "3"]


async def test_a_stop_does_not_wait_for_a_call_that_hangs() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, calls_end=0.05)
    stage = Sending(lambda request: request)
    stage.gate.clear()
    await world.append(topics.NOTIFICATIONS, "a", b"1")
    async with asyncio.timeout(2):
        async with world.worker(stage, "dispatch"):
            await until(lambda: stage.asked == ["1"])
    stage.gate.set()
    async with world.worker(stage, "dispatch"):
        await until(partial(has_sent, world, 1))
    assert stage.asked == ["1", "1"], "the next owner performs it again"


async def test_timers_that_wait_for_their_lane_are_not_forgotten_when_the_configuration_changes() -> None:
    world = await memory_world(1)
    stage = Sending(lambda request: request)
    stage.gate.clear()
    editions = Editions(Edition(0, "first", stage))
    await world.append(topics.NOTIFICATIONS, "a", b"1", b"2", b"3")
    async with changing(world, editions) as worker:
        await until(lambda: stage.asked == ["1"] and timers(worker) == 3)
        editions.publish(Edition(1, "second", Sending(lambda request: f"new {request}")))
        await world.append(topics.NOTIFICATIONS, "a", b"4")
        await until(lambda: is_ending_calls(worker))
        stage.gate.set()
        await until(partial(has_sent, world, 4))
    assert stage.asked == ["1"]


async def test_a_call_that_was_cut_for_a_new_configuration_is_made_again_when_it_can_not_be_under_way() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, calls_end=0.01)
    stage, second = Sending(lambda request: request), Sending(lambda request: f"new {request}")
    stage.gate.clear()
    editions = Editions(Edition(0, "first", stage))
    await world.append(topics.NOTIFICATIONS, "a", b"1")
    async with changing(world, editions, takeover=timedelta(seconds=10)) as worker:
        await until(lambda: stage.asked == ["1"])
        editions.publish(Edition(1, "second", second))
        await world.append(topics.NOTIFICATIONS, "a", b"2")
        await until(partial(has_sent, world, 1))
        world.advance(seconds=10)
        worker.wake()
        await until(partial(has_sent, world, 2))
    assert second.asked == ["2", "1"]


async def test_a_call_that_is_due_does_not_wait_until_everything_at_hand_is_settled() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, batch_records=10, lanes=5)
    left: list[int] = []

    def answer(request: str) -> str:
        left.append(len(worker._tasks[0]._reading))
        return request

    await world.append(topics.NOTIFICATIONS, "a", *[str(number).encode() for number in range(300)])
    async with world.worker(Sending(answer), "dispatch") as worker:
        await until(lambda: left)
    assert left[0] > 200


async def test_a_lane_that_hangs_holds_back_no_other_key() -> None:
    world = await memory_world(1)
    stage = Asking(lambda request: request)
    stage.gate.clear()
    await world.append(topics.RAW[0], "slow", b"slow")
    async with world.worker(stage, "enrich") as worker:
        await until(lambda: sum(task.parked for task in worker._tasks.values()) == 1)
        stage.gate.set()
        await world.append(topics.RAW[0], "quick", b"quick")
        await until(partial(has_sent, world, 1))
        assert b"quick" in (await sent(world))[0]


async def test_a_retry_leaves_nothing_of_its_work_behind() -> None:
    world = await memory_world(1)
    await world.append(topics.RAW[0], "a", b"down")
    async with world.worker(Asking(lambda request: None), "enrich") as worker:
        await until(lambda: sum(task.parked for task in worker._tasks.values()) == 1)
    assert await sent(world) == []
    families = {(record.key or b"").split(b"\x00")[1] for record in await world.records(topics.state_of("enrich"))}
    assert families == {b"mark", b"parked", b"timer"}


async def test_a_call_that_is_asked_for_twice_is_made_once() -> None:
    gate, made = asyncio.Event(), 0

    async def perform(request: str) -> str:
        nonlocal made
        made += 1
        await gate.wait()
        return request.upper()

    calls = Calls(perform, 2)
    assert await calls.ask(["a"], 0.001) == {}
    second = asyncio.create_task(calls.ask(["a"], None))
    await asyncio.sleep(0)
    gate.set()
    assert (await second, made) == ({"a": "A"}, 1)
    await until(lambda: len(calls) == 0)


async def test_a_call_that_was_cut_has_no_answer_and_harms_nobody() -> None:
    async def perform(request: str) -> str:
        if request == "cut":
            raise asyncio.CancelledError
        return request.upper()

    assert await Calls(perform, 2).ask(["a", "cut"], None) == {"a": "A"}


async def test_only_so_many_calls_are_made_at_once() -> None:
    gate, under_way, most = asyncio.Event(), 0, 0

    async def perform(request: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await gate.wait()
        under_way -= 1
        return request

    calls = Calls(perform, 3)
    asking = asyncio.create_task(calls.ask(range(10), None))
    await until(lambda: under_way == 3)
    gate.set()
    assert len(await asking) == 10
    assert most == 3


async def test_the_next_owner_waits_out_a_call_that_the_lost_one_may_still_be_making() -> None:
    world = await memory_world(1)
    stage = Sending(lambda request: request)
    stage.gate.clear()
    await world.append(topics.NOTIFICATIONS, "a", b"1")
    async with world.doomed(stage, "dispatch") as worker:
        await until(lambda: stage.asked == ["1"])
        await until(lambda: timers(worker) == 1)
    stage.gate.set()
    async with world.worker(stage, "dispatch", takeover=timedelta(seconds=10)) as worker:
        await until(lambda: worker.is_member and timers(worker) == 1)
        world.advance(seconds=9)
        worker.wake()
        await world.append(topics.NOTIFICATIONS, "a", b"2")
        await until(partial(has_sent, world, 1))
        assert stage.asked == ["1", "2"]
        world.advance(seconds=1)
        worker.wake()
        await until(partial(has_sent, world, 2))
