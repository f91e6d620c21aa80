"""Whatever goes wrong at whichever call of the broker: outputs, state and offsets are there once, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest

from pipeline.memory import Call, Fate, MemoryBroker, Script
from pipeline.restoring import restored
from pipeline.state import encoded, key_of
from pipeline.task import Phase
from pipeline.worker import Worker
from schemas import topics
from schemas.records import Outgoing, TopicPartition
from tests.pipeline.world import Asking, Counting, World, memory_world, totals, until

SOURCE = TopicPartition(topics.ENRICHED, 0)
KEYS = ("a", "b")


class Trouble:
    """One thing goes wrong at one call of the task: polls and the test's own questions are not counted."""

    def __init__(self, at: int, what: str) -> None:
        self.at = at
        self.what = what
        self.calls = 0
        self.killed = asyncio.Event()
        self.broker: MemoryBroker | None = None

    async def meet(self, call: Call, name: str) -> Fate:
        await asyncio.sleep(0)
        running = asyncio.current_task()
        if call is Call.POLL or running is None or running.get_name() != "deduplicate-0":
            return Fate.DONE
        self.calls += 1
        if self.calls != self.at:
            return Fate.DONE
        if self.what == "kill":
            self.killed.set()
            await asyncio.Event().wait()
        if self.what == "fence":
            assert self.broker is not None
            self.broker.fence("deduplicate-0")
            return Fate.DONE
        return Fate(self.what)


async def troubled_world(trouble: Trouble) -> World:
    world = await memory_world(1, trouble)
    trouble.broker = world.memory
    world.limits = replace(world.limits, batch_records=8, lanes=2, backoff=0.001, backoff_longest=0.002)
    for key in KEYS:
        await world.append(topics.ENRICHED, key, b"late", b"1", b"bad", *[b"x"] * 6)
    return world


@asynccontextmanager
async def owner(world: World, trouble: Trouble) -> AsyncIterator[Worker]:
    """A worker; where the trouble kills it, the next one."""
    async with world.doomed(Counting()) as first:
        dead = asyncio.create_task(trouble.killed.wait())
        counted = asyncio.create_task(until(partial(holds, world, 7)))
        await asyncio.wait((dead, counted), return_when=asyncio.FIRST_COMPLETED)
        dead.cancel()
        if not trouble.killed.is_set():
            await counted
            yield first
            return
        counted.cancel()
    async with world.worker(Counting()) as second:
        yield second


async def holds(world: World, number: int) -> bool:
    return await totals(world) == {key: list(range(1, number + 1)) for key in KEYS}


async def rebuilt_equals_remembered(world: World, worker: Worker) -> bool:
    """What a next owner would build now is what this one has, and the group's offsets say the same."""
    task = worker._tasks[0]
    if not task.is_still or task._tenure is None:
        return False
    found = await restored(world.broker, worker.spec, 0)
    offsets = await world.broker.committed("deduplicate", [SOURCE])
    return (
        found.memory._values == task._tenure.settling.memory._values
        and len(found.timers) == len(task._tenure.settling.timers)
        and dict(found.positions) == dict(task.positions()) == offsets
    )


async def calls_of_a_calm_run() -> int:
    return await survives(Trouble(0, "done"))


async def survives(trouble: Trouble) -> int:
    """Counts, falls due, counts again. Returns how many calls that took until all was counted."""
    world = await troubled_world(trouble)
    async with owner(world, trouble) as worker:
        await until(partial(holds, world, 7))
        calls = trouble.calls
        world.advance(hours=1)
        worker.wake()
        await until(partial(holds, world, 8))
        await until(partial(rebuilt_equals_remembered, world, worker))
    letters = await world.records(topics.dead_of("deduplicate"))
    assert [(letter.key, letter.value) for letter in letters] == [(b"a", b"bad"), (b"b", b"bad")]
    return calls


@pytest.mark.parametrize("what", [Fate.UNAVAILABLE, Fate.ANSWER_LOST, Fate.REFUSED, "fence", "kill"])
async def test_nothing_is_lost_or_twice_wherever_the_trouble_comes(what: str) -> None:
    calls = await calls_of_a_calm_run()
    assert calls > 10, "the trouble has places to come at"
    for at in range(1, calls + 1):
        trouble = Trouble(at, what)
        await survives(trouble)
        assert trouble.calls >= at


async def test_a_transaction_that_was_refused_is_seen_by_nobody() -> None:
    script = Script()
    world = await memory_world(1, script)
    world.limits = replace(world.limits, backoff=60.0)
    await world.append(topics.ENRICHED, "a", b"1", b"bad")
    script.next(Call.SEND, Fate.REFUSED)
    async with world.worker(Counting()) as worker:
        await until(lambda: bool(worker._tasks) and worker._tasks[0]._refusals == 1)
        for topic in (topics.UNIQUE, topics.dead_of("deduplicate"), topics.state_of("deduplicate")):
            assert await world.records(topic) == []
        assert await world.broker.committed("deduplicate", [SOURCE]) == {SOURCE: None}


async def test_positions_stand_in_the_state_and_outlive_the_group_s_offsets() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", b"1", b"1")
    async with world.worker(Counting()):
        await until(partial(counted, world, [1, 2]))
    world.memory.forget_offsets("deduplicate")
    await world.append(topics.ENRICHED, "a", b"1")
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.is_still and worker.transactions)
        assert await counted(world, [1, 2, 3])


async def counted(world: World, numbers: list[int]) -> bool:
    return await totals(world) == {"a": numbers}


async def test_a_task_that_is_given_back_after_somebody_else_worked_is_built_again() -> None:
    """Before it does anything else: a stage with calls would make them on a state that is not true any more."""
    world = await memory_world(1)
    async with world.worker(Counting()) as worker:
        await world.append(topics.ENRICHED, "a", b"1")
        await until(partial(counted, world, [1]))
        await worker.revoked()
        other = await world.broker.producer("deduplicate-0")
        await other.begin()
        await other.send([Outgoing(topics.state_of("deduplicate"), 0, key_of("b", "count"), encoded(7))])
        await other.commit("deduplicate", {})
        await worker.assigned(frozenset({0}))
        await until(lambda: worker._tasks[0].state_keys == 3)


async def test_a_fenced_owner_lets_go_longer_than_one_in_trouble() -> None:
    """Else two that both believe to own a partition would take it from one another all the time."""
    world = await memory_world(1)
    world.limits = replace(world.limits, backoff_longest=60.0)
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.is_still)
        taken = await world.broker.producer("deduplicate-0")
        await world.append(topics.ENRICHED, "a", b"1")
        await until(lambda: bool(worker.problems()))
        await taken.begin()
        await taken.send([Outgoing(topics.UNIQUE, 0, b"other", b"1")])
        await taken.commit("another", {})
    assert [record.key for record in await world.records(topics.UNIQUE)] == [b"other"]


async def test_a_stop_does_not_wait_for_a_task_that_cannot_be_built() -> None:
    script = Script()
    world = await memory_world(1, script)
    world.limits = replace(world.limits, backoff=60.0, backoff_longest=60.0)
    script.next(Call.INIT, Fate.UNAVAILABLE)
    async with asyncio.timeout(2):
        async with world.worker(Counting()) as worker:
            await until(lambda: worker.owned() == 1)
            assert worker._tasks[0].phase is Phase.STARTING


async def test_parked_records_keep_the_order_of_their_key_whoever_owns_them() -> None:
    world = await memory_world(1)
    answers: dict[str, str | None] = {"0": None} | {str(number): f"answer {number}" for number in range(1, 9)}
    stage = Asking(lambda request: answers[request])
    for number in range(3):
        await world.append(topics.RAW[0], "a", *[str(3 * number + place).encode() for place in range(3)])
        async with world.worker(stage, "enrich") as worker:
            await until(lambda number=number: parked(worker) == 3 * number + 3)  # type: ignore[misc]
    answers["0"] = "answer 0"
    world.advance(seconds=5)
    async with world.worker(stage, "enrich") as worker:
        await until(lambda: worker.is_still)
        records = await world.records(topics.UNIQUE)
    assert [record.value for record in records] == [said(number) for number in range(9)]


def parked(worker: Worker) -> int:
    return sum(task.parked for task in worker._tasks.values())


def said(number: int) -> bytes:
    waited = 5 if number == 0 else 0
    return b'{"key":"answer %d","number":%d,"by":"record"}' % (number, waited)
