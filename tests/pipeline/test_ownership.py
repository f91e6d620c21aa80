"""Who owns a partition: rebalances, zombies, kept tasks."""

from __future__ import annotations

import asyncio

from schemas import topics
from schemas.records import partition_of
from tests.pipeline.world import Counting, World, memory_world, totals, until


async def all_counted(world: World, keys: list[str], number: int) -> bool:
    return await totals(world) == {key: list(range(1, number + 1)) for key in keys}


KEYS = [f"key-{number}" for number in range(12)]


async def test_members_that_come_and_go_neither_lose_nor_double_a_record() -> None:
    world = await memory_world(4)
    for key in KEYS:
        await world.append(topics.ENRICHED, key, *[b"x"] * 50)
    async with world.worker(Counting()) as first:
        await until(lambda: first.owned() == 4)
        async with world.worker(Counting()) as second:
            await until(lambda: second.owned() == 2)
            for key in KEYS:
                await world.append(topics.ENRICHED, key, *[b"x"] * 50)
            async with world.doomed(Counting()) as third:
                await until(lambda: third.owned() >= 1)
        await until(lambda: all_counted(world, KEYS, 100))


async def test_more_members_than_partitions_wait_without_harm() -> None:
    world = await memory_world(1)
    async with world.worker(Counting()) as first, world.worker(Counting()) as second:
        await until(lambda: first.owned() + second.owned() == 1 and first.is_member and second.is_member)
        await world.append(topics.ENRICHED, "a", b"x")
        await until(lambda: all_counted(world, ["a"], 1))
        assert not [problem for worker in (first, second) for problem in worker.problems()]


async def test_a_task_that_is_given_back_goes_on_with_its_state() -> None:
    world = await memory_world(2)
    async with world.worker(Counting()) as first:
        await world.append(topics.ENRICHED, "a", b"x")
        await until(lambda: all_counted(world, ["a"], 1))
        before = dict(first._tasks)
        async with world.worker(Counting()) as second:
            await until(lambda: second.owned() == 1)
            await until(lambda: not first.problems())
            kept = [number for number, task in first._tasks.items() if before.get(number) is task]
            assert len(kept) == 1
        await until(lambda: first.owned() == 2)
        await world.append(topics.ENRICHED, "a", b"x")
        await until(lambda: all_counted(world, ["a"], 2))


async def test_an_owner_that_was_replaced_without_knowing_it_commits_nothing_more() -> None:
    world = await memory_world(1)
    async with world.worker(Counting()) as zombie:
        await world.append(topics.ENRICHED, "a", b"x")
        await until(lambda: all_counted(world, ["a"], 1))
        other = await world.broker.producer("deduplicate-0")
        await world.append(topics.ENRICHED, "a", b"x")
        await until(lambda: bool(zombie.problems()))
        assert await all_counted(world, ["a"], 1)
        await other.close()
        await until(lambda: all_counted(world, ["a"], 2))


async def test_a_hot_partition_does_not_starve_its_neighbour() -> None:
    world = await memory_world(2)
    hot, cold = "key-0", next(key for key in KEYS if _partition(key) != _partition("key-0"))
    await world.append(topics.ENRICHED, hot, *[b"x"] * 20_000)
    async with world.worker(Counting()) as worker:
        await until(lambda: not worker.problems())
        await world.append(topics.ENRICHED, cold, b"x")
        await until(lambda: _is_counted(world, cold))
        async with asyncio.timeout(60):
            await until(lambda: _last(world, hot, 20_000), 60)


def _partition(key: str) -> int:
    return partition_of(key.encode(), 2)


async def _is_counted(world: World, key: str) -> bool:
    return key in await totals(world)


async def _last(world: World, key: str, number: int) -> bool:
    return (await totals(world)).get(key, [0])[-1] == number
