"""Which jobs are awaited is said by the receiver: to the task of each, from the start, and again with every hour."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from pipeline.memory import Call, Fate
from pipeline.receiver import Bounds, Credentials
from schemas import subjects
from schemas.codec import decode
from schemas.records import partition_of
from schemas.signals import JobAwaited
from tests.pipeline.world import until
from tests.receiver.test_beat import beating
from tests.receiver.world import CREDENTIALS, NOW, SHOP, WALL, World, receiving

FEED, EXPORT = subjects.job(SHOP, "feed"), subjects.job(SHOP, "export")
QUICK = Bounds(beat_seconds=0.01)


def awaiting(*jobs: str) -> Credentials:
    return Credentials(CREDENTIALS.shops, CREDENTIALS.callback_secret, jobs)


async def said(world: World) -> list[JobAwaited]:
    records = [it for it in await world.records("signals") if it.header("ce_type") == "job-awaited"]
    assert all(it.partition == partition_of(it.key or b"", 3) for it in records)
    return [decode(record, JobAwaited) for record in records]


async def counted(world: World) -> Counter[str]:
    return Counter(signal.subject for signal in await said(world))


async def rounds(world: World, count: int = 3) -> None:
    """Returns when so many more beats have been said."""
    seen = len(await world.records("signals"))

    async def is_so() -> bool:
        return len(await world.records("signals")) >= seen + 3 * count

    await until(is_so)


async def test_each_is_said_from_the_start_once_and_again_in_the_next_hour() -> None:
    async with receiving(QUICK, awaiting(FEED, EXPORT)) as world, beating(world):
        await rounds(world)
        assert sorted(await said(world), key=lambda it: it.subject) == [
            JobAwaited(SHOP, EXPORT, NOW, WALL),
            JobAwaited(SHOP, FEED, NOW, WALL),
        ]

        world.clock.passes(timedelta(hours=1))
        await rounds(world)
        assert await counted(world) == {FEED: 2, EXPORT: 2}


async def test_one_that_a_new_configuration_brings_is_said_and_the_others_are_not_said_again() -> None:
    credentials = awaiting(FEED)
    async with receiving(QUICK, credentials) as world, beating(world):
        await rounds(world)
        credentials.take_over(awaiting(FEED, EXPORT))
        await rounds(world)

        assert await counted(world) == {FEED: 1, EXPORT: 1}


async def test_what_could_not_be_written_is_said_in_the_next_round() -> None:
    async with receiving(QUICK, awaiting(FEED, EXPORT)) as world:
        world.faults.next(Call.APPEND, *[Fate.DONE] * 3, Fate.UNAVAILABLE, Fate.REFUSED)
        async with beating(world):
            await rounds(world, 5)

            assert await counted(world) == {FEED: 1, EXPORT: 1}
