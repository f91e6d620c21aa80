"""What waits for the world outlives whoever it waited with: nothing of it is drained or closed, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from pipeline.dead_letters import Choice, letters, redrive
from pipeline.worker import Worker
from schemas import codec, topics
from tests.pipeline.world import Asking, Count, World, memory_world, until
from tests.stages.asking import Enriching, enriching
from tests.stages.test_enrich import DOWN, GID, LIVE, OF_ORDER, knows_order, knows_place, order_now

HOUR = timedelta(hours=1)


def parked(worker: Worker) -> int:
    return sum(task.parked for task in worker._tasks.values())


async def answered(world: World, expected: list[str]) -> bool:
    return [codec.decode(record, Count).key for record in await world.records(topics.UNIQUE)] == expected


@asynccontextmanager
async def killed(world: Enriching) -> AsyncIterator[None]:
    """`enrich` runs until the end of the block, and is killed there."""
    async with world.running():
        yield
        worker = world.worker
        assert worker is not None
        runs = list(worker._runs.values())
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)


async def test_a_parked_record_and_all_that_queues_behind_it_go_on_in_order_after_every_kill() -> None:
    world = await memory_world(1)
    answers: dict[str, str | None] = {str(number): f"answer {number}" for number in range(6)} | {"0": None}
    stage = Asking(lambda request: answers[request])
    for number in range(3):
        await world.append(topics.RAW[0], "a", str(2 * number).encode(), str(2 * number + 1).encode())
        async with world.doomed(stage, "enrich") as worker:
            await until(lambda number=number: parked(worker) == 2 * number + 2)  # type: ignore[misc]
    answers["0"] = "answer 0"
    world.advance(seconds=5)
    async with world.doomed(stage, "enrich"):
        await until(partial(answered, world, [f"answer {number}" for number in range(6)]))
    async with world.worker(stage, "enrich") as worker:
        await until(lambda: worker.is_still)
        assert await answered(world, [f"answer {number}" for number in range(6)])


async def test_facts_that_are_waited_for_come_late_from_another_owner_than_the_event() -> None:
    world = await enriching()
    world.shopify.otherwise = DOWN
    async with killed(world):
        await world.deliver("orders/updated", LIVE)
        await world.parked(1)
        await world.pass_time(timedelta(seconds=30))
        (event,) = await world.come(1)
        assert event.incomplete != ()
    knows_order(world.shopify)
    world.shopify.told["OrderCore", GID] = order_now()
    async with world.running():
        await world.settled()
        await world.pass_time(HOUR)
        _, late = await world.come(2)
    assert (late.kind, late.subject, late.incomplete) == ("answer.facts", event.subject, ())


async def test_what_was_given_up_after_a_day_finds_its_order_once_it_is_given_back() -> None:
    world = await enriching()
    broker, clock = world.world.broker, world.world.clock
    async with killed(world):
        await world.deliver("fulfillment_holds/added")
        await world.parked(1)
        await world.pass_time(25 * HOUR)
        await world.parked(0)
    (letter,) = await letters(broker, Choice())
    assert letter.reason == "subject-unknown"
    clock.advance(48 * HOUR)
    assert await redrive(broker, [letter], clock.wall(), lambda _: None) == 1
    async with killed(world):
        await world.parked(1)
        await world.pass_time(HOUR)
        await world.parked(1)
    knows_place(world.shopify)
    async with world.running():
        await world.settled()
        await world.pass_time(HOUR)
        (event,) = await world.come(1)
    assert event.subject == OF_ORDER
