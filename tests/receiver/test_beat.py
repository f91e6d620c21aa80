"""The receiver's heartbeat stands on every partition, so that a gap in it can be seen wherever timers wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipeline.memory import Call, Fate
from pipeline.receiver import Bounds
from schemas.codec import decode
from schemas.signals import ReceiverBeat
from tests.pipeline.world import until
from tests.receiver.world import NOW, WALL, World, receiving


@asynccontextmanager
async def beating(world: World) -> AsyncIterator[None]:
    task = asyncio.create_task(world.receiver.beat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def beats(world: World, count: int) -> bool:
    """Each partition has at least so many."""
    partitions = Counter(record.partition for record in await world.records("signals"))
    return len(partitions) == 3 and min(partitions.values()) >= count


async def test_a_heartbeat_stands_on_every_partition_from_the_start(world: World) -> None:
    async with beating(world):
        await until(lambda: beats(world, 1))

    records = await world.records("signals")
    assert sorted(record.partition for record in records) == [0, 1, 2]
    assert {record.header("ce_type") for record in records} == {"receiver-beat"}
    assert {record.key for record in records} == {b"shop/pipeline"}
    assert decode(records[0], ReceiverBeat) == ReceiverBeat("shop", "shop/pipeline", NOW, WALL)


async def test_it_comes_again_and_again() -> None:
    async with receiving(Bounds(beat_seconds=0.01)) as world, beating(world):
        await until(lambda: beats(world, 3))


async def test_it_survives_an_outage_of_the_broker() -> None:
    async with receiving(Bounds(beat_seconds=0.01)) as world:
        world.faults.next(Call.APPEND, *[Fate.UNAVAILABLE] * 3, *[Fate.REFUSED] * 3)
        async with beating(world):
            await until(lambda: beats(world, 1))


async def test_it_does_not_hang_with_the_broker() -> None:
    async with receiving(Bounds(beat_seconds=0.01, answer_seconds=0.05)) as world, beating(world):
        world.faults.hold(Call.APPEND)
        await until(lambda: len(world.intake._writes) > 3)
        world.faults.release(Call.APPEND)
        await until(lambda: beats(world, 2))
