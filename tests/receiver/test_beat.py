"""The receiver's heartbeat stands on every partition, so that a gap in it can be seen wherever timers wait, and says
since when nothing was missed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

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


async def said(world: World) -> list[ReceiverBeat]:
    """On the first partition."""
    return [decode(record, ReceiverBeat) for record in await world.records("signals") if record.partition == 0]


async def since(world: World) -> set[tuple[datetime, datetime | None]]:
    """What the beats said: when, and since when they have been there. Beats of one moment say the same."""
    return {(beat.occurred, beat.up_since) for beat in await said(world)}


async def another(world: World) -> None:
    """Returns when two more rounds have ended: the second of them has begun after now."""
    count = len(await said(world))
    await until(lambda: beats(world, count + 2))


async def test_a_heartbeat_stands_on_every_partition_from_the_start(world: World) -> None:
    async with beating(world):
        await until(lambda: beats(world, 1))

    records = await world.records("signals")
    assert sorted(record.partition for record in records) == [0, 1, 2]
    assert {record.header("ce_type") for record in records} == {"receiver-beat"}
    assert {record.key for record in records} == {b"shop/pipeline"}
    assert decode(records[0], ReceiverBeat) == ReceiverBeat("shop", "shop/pipeline", NOW, WALL, NOW)


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


# --- time that steps --------------------------------------------------------------------------------------------------


async def test_a_step_of_the_business_time_is_told_at_once_and_is_no_break(world: World) -> None:
    async with beating(world):
        await until(lambda: beats(world, 1))
        world.clock.advance(timedelta(minutes=50))
        world.receiver.wake()
        await until(lambda: beats(world, 2))

    assert await since(world) == {(NOW, NOW), (NOW + timedelta(minutes=50), NOW)}


async def test_a_step_while_a_beat_is_being_written_is_told_after_it(world: World) -> None:
    async with beating(world):
        world.faults.hold(Call.APPEND)
        await until(lambda: world.intake._writes)
        world.clock.advance(timedelta(seconds=1))
        world.receiver.wake()
        world.faults.release(Call.APPEND)
        await until(lambda: beats(world, 2))

    assert await since(world) == {(NOW, NOW), (NOW + timedelta(seconds=1), NOW)}


# --- since when it has been there without a break ---------------------------------------------------------------------


async def test_minute_by_minute_it_has_been_there_since_its_start() -> None:
    async with receiving(Bounds(beat_seconds=0.01)) as world, beating(world):
        await until(lambda: beats(world, 1))
        for _ in range(3):
            world.clock.passes(timedelta(seconds=90))
            await another(world)

        assert await since(world) == {(NOW + number * timedelta(seconds=90), NOW) for number in range(4)}


async def test_one_that_stood_still_has_been_there_since_it_goes_on() -> None:
    async with receiving(Bounds(beat_seconds=0.01)) as world, beating(world):
        await until(lambda: beats(world, 1))
        world.clock.passes(timedelta(seconds=91))
        await another(world)
        world.clock.passes(timedelta(seconds=60))
        await another(world)

        again = NOW + timedelta(seconds=91)
        later = NOW + timedelta(seconds=151)
        assert await since(world) == {(NOW, NOW), (again, again), (later, again)}


@pytest.mark.parametrize("fate", [Fate.UNAVAILABLE, Fate.REFUSED, Fate.ANSWER_LOST])
async def test_after_a_beat_that_could_not_be_written_it_has_been_there_since_the_next_one(fate: Fate) -> None:
    async with receiving(Bounds(beat_seconds=0.01)) as world, beating(world):
        await until(lambda: beats(world, 1))
        world.clock.passes(timedelta(seconds=60))
        world.faults.next(Call.APPEND, *[fate] * 3)
        await another(world)
        world.clock.passes(timedelta(seconds=60))
        await another(world)

        missed, later = NOW + timedelta(seconds=60), NOW + timedelta(seconds=120)
        told = await since(world)
        assert {(NOW, NOW), (missed, missed), (later, missed)} <= told
        assert (later, NOW) not in told


async def test_after_a_beat_that_was_not_answered_in_time_it_has_been_there_since_the_next_one() -> None:
    async with receiving(Bounds(beat_seconds=0.01, answer_seconds=0.05)) as world, beating(world):
        await until(lambda: beats(world, 1))
        world.clock.passes(timedelta(seconds=60))
        world.faults.hold(Call.APPEND)
        await until(lambda: len(world.intake._writes) > 3)
        world.faults.release(Call.APPEND)
        world.clock.passes(timedelta(seconds=60))
        await another(world)

        assert (await said(world))[-1].up_since in (NOW + timedelta(seconds=60), NOW + timedelta(seconds=120))
