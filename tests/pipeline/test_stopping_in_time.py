"""A stop takes no longer than it may: what cannot be ended in time is cut, and nothing is begun meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from time import monotonic

import pytest

from pipeline import cli, serving, worker
from pipeline.kafka import appender, broker, member, producer, reading
from pipeline.memory.faults import Call, Fate, Script
from pipeline.receiver import application
from pipeline.receiver.intake import Bounds
from pipeline.surroundings import Limits
from pipeline.worker import Worker
from schemas import topics
from tests.pipeline.world import Asking, Counting, World, memory_world, totals, until

#: Seconds of the deadline for whatever a busy machine does meanwhile.
MARGIN = 4.0
#: Far less than what is given to work in hand.
SOON = 5.0


class Hanging:
    """Calls of one kind never end, once it is named."""

    def __init__(self) -> None:
        self.kind: Call | None = None
        self.hangs = asyncio.Event()

    async def meet(self, call: Call, name: str) -> Fate:
        await asyncio.sleep(0)
        if call is self.kind:
            self.hangs.set()
            await asyncio.Event().wait()
        return Fate.DONE


async def stopped(made: Worker, when: asyncio.Event) -> float:
    """Runs it until `when`, then stops it; the seconds that this took."""
    stop = asyncio.Event()
    run = asyncio.create_task(made.run(stop))
    async with asyncio.timeout(SOON):
        await when.wait()
    stop.set()
    began = monotonic()
    async with asyncio.timeout(3 * SOON):
        await run
    return monotonic() - began


async def counted(world: World, expected: list[int]) -> bool:
    return await totals(world) == {"a": expected}


def test_all_bounds_of_a_stop_fit_into_its_deadline() -> None:
    """The longest way, where nothing answers any more. The receiver ends beside the workers."""
    workers = worker._CLOSE_SECONDS + max(member._STOP_WITHIN, producer._CLOSE_WITHIN + reading._CLOSE_WITHIN)
    http = serving._SHUTDOWN_SECONDS + Bounds().drain_seconds + application._SHUTDOWN_SECONDS
    configuration = reading._CLOSE_WITHIN + appender._CLOSE_WITHIN
    receiver = configuration + http + appender._CLOSE_WITHIN
    assert max(workers, receiver) + broker._CLOSE_WITHIN + MARGIN <= cli._HARD_STOP_SECONDS <= 25.0
    assert Limits().calls_end < worker._CLOSE_SECONDS, "their answers are settled behind them"


@pytest.mark.parametrize("kind", [Call.POLL, Call.INIT, Call.READ, Call.ASK])
async def test_what_hangs_before_a_task_runs_is_not_waited_for(kind: Call) -> None:
    """The joining of the group, the taking of the id, the restoring, the positions."""
    faults = Hanging()
    world = await memory_world(1, faults)
    await world.append(topics.ENRICHED, "a", b"x")
    async with world.worker(Counting()):
        await until(partial(counted, world, [1]))
    faults.kind = kind
    assert await stopped(world.made(Counting()), faults.hangs) < SOON
    faults.kind = None
    await world.append(topics.ENRICHED, "a", b"x")
    async with world.worker(Counting()):
        await until(partial(counted, world, [1, 2]))


@pytest.mark.parametrize("kind", [Call.SEND, Call.COMMIT])
async def test_a_transaction_that_hangs_is_cut_and_done_by_the_next_owner(
    kind: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_CLOSE_SECONDS", 0.1)
    faults = Hanging()
    world = await memory_world(1, faults)
    await world.append(topics.ENRICHED, "a", b"x", b"x")
    faults.kind = kind
    assert await stopped(world.made(Counting()), faults.hangs) < SOON
    faults.kind = None
    async with world.worker(Counting()):
        await until(partial(counted, world, [1, 2]))


async def test_what_is_at_hand_and_not_in_hand_stays_on_the_log() -> None:
    script = Script()
    world = await memory_world(1, script)
    world.limits = replace(world.limits, batch_records=1, lanes=1)
    script.hold(Call.SEND)
    await world.append(topics.ENRICHED, "a", *[b"x"] * 200)
    made, stop = world.made(Counting()), asyncio.Event()
    run = asyncio.create_task(made.run(stop))
    await until(lambda: 0 in made._tasks and len(made._tasks[0]._reading) > 190)
    stop.set()
    await until(lambda: made._is_draining)
    script.release(Call.SEND)
    await run
    assert len((await totals(world))["a"]) <= 2


async def test_a_rebalance_takes_nothing_from_a_worker_that_drains_and_gives_it_nothing() -> None:
    world = await memory_world(2)
    stage = Asking(lambda request: request)
    stage.gate.clear()
    made, stop = world.made(stage, "dispatch"), asyncio.Event()
    run = asyncio.create_task(made.run(stop))
    await world.append(topics.NOTIFICATIONS, "a", b"1")
    await until(lambda: stage.asked)
    stop.set()
    await until(lambda: made._is_draining)
    await made.assigned(frozenset({5}))
    assert set(made._tasks) == {0, 1}
    stage.gate.set()
    await run
