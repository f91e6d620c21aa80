"""A task that has enough at hand holds its partitions back, and lets them go on by itself."""

from __future__ import annotations

import pytest

from pipeline import worker
from schemas import topics
from tests.pipeline.world import Counting, memory_world, totals, until

PATIENTLY = 60.0


async def test_a_partition_goes_on_as_soon_as_its_task_has_room_and_not_at_the_next_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "_POLL_SECONDS", PATIENTLY)
    monkeypatch.setattr(worker, "_POLL_RECORDS", 1_000)
    world = await memory_world()
    await world.append(topics.ENRICHED, "a", *[b"x"] * 2_500)

    async def is_counted() -> bool:
        return (await totals(world)).get("a") == list(range(1, 2_501))

    async with world.worker(Counting()):
        await until(is_counted, PATIENTLY / 4)
