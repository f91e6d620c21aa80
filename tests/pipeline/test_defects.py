"""What becomes of records, stages and tasks that are broken: each visibly, none in silence."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from pipeline.memory import Call, Fate, Script
from pipeline.task import Phase
from pipeline.worker import Worker
from schemas import topics
from schemas.records import Outgoing, Record
from stages.stage import Family
from tests.pipeline.world import Asking, Clumsy, Counting, World, memory_world, totals, until


async def holds(world: World, expected: dict[str, list[int]]) -> bool:
    return await totals(world) == expected


async def letters(world: World, stage: str = "deduplicate") -> list[Record]:
    return await world.records(topics.dead_of(stage))


def stopped(worker: Worker) -> list[str]:
    """What the tasks that have stopped say, in /ready."""
    return worker.problems() if any(task.phase is Phase.STOPPED for task in worker._tasks.values()) else []


async def test_a_dead_letter_carries_the_original_bytes_key_and_headers_and_why() -> None:
    world = await memory_world(1)
    appender = await world.broker.appender()
    headers = (("ce_id", b"7"), ("ce_id", b"again"), ("raw", b"\xff\x00"))
    await appender.append(Outgoing(topics.ENRICHED, 0, b"\xffkey", b"good"))
    await appender.append(Outgoing(topics.ENRICHED, 0, b"\xffkey", b"bad", headers, timestamp=1_700_000_000_123))
    async with world.worker(Counting()):
        await until(partial(letters, world))
    (letter,) = await letters(world)
    assert (letter.key, letter.value, letter.headers[:3]) == (b"\xffkey", b"bad", headers)
    assert {name: value.decode() for name, value in letter.headers[3:]} == {
        "dead-stage": "deduplicate",
        "dead-reason": "undecodable",
        "dead-error": "it says bad",
        "dead-topic": topics.ENRICHED,
        "dead-partition": "0",
        "dead-offset": "1",
        "dead-timestamp": "1700000000123",
        "dead-at": "2026-11-02T09:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"bug", "defect"), (b"huge", "too-large"), (b"fat", "too-large"), (b"nowhere", "defect"), (b"later", "defect")],
)
async def test_a_record_that_cannot_be_settled_leaves_a_dead_letter_and_nothing_else(value: bytes, reason: str) -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", b"1", value, b"2")
    async with world.worker(Clumsy()):
        await until(partial(holds, world, {"a": [1, 2]}))
    assert [(letter.value, letter.header("dead-reason")) for letter in await letters(world)] == [(value, reason)]


@pytest.mark.parametrize("stage", [Counting(), Asking(lambda _: "fine")], ids=["pure", "calling"])
@pytest.mark.parametrize("key", [b"a\x00b", b"\x00"])
async def test_a_key_that_no_state_can_have_is_a_dead_letter_and_stops_nobody(stage: Any, key: bytes) -> None:
    world = await memory_world(1)
    name = "deduplicate" if isinstance(stage, Counting) else "enrich"
    source = topics.ENRICHED if isinstance(stage, Counting) else topics.RAW[0]
    await world.append(source, key, b"1")
    await world.append(source, "fine", b"1")
    async with world.worker(stage, name):
        await until(lambda: world.records(topics.UNIQUE))
        assert [letter.header("dead-reason") for letter in await letters(world, name)] == ["undecodable"]


@pytest.mark.parametrize("key", [b"\xff\xfe", b"", b"\xed\xa0\x80"])
async def test_a_key_that_is_no_text_is_parked_and_settled_like_any_other(key: bytes) -> None:
    world = await memory_world(1)
    answers: dict[str, str | None] = {"x": None}
    await world.append(topics.RAW[0], key, b"x")
    async with world.worker(Asking(lambda request: answers[request]), "enrich") as worker:
        await until(lambda: sum(task.parked for task in worker._tasks.values()) == 1)
        answers["x"] = "fine"
        world.advance(seconds=5)
        worker.wake()
        await until(lambda: world.records(topics.UNIQUE))


async def test_fifty_defects_in_a_row_stop_the_task_and_their_letters_are_not_written() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", *[b"bug"] * 60, b"1")
    async with world.worker(Counting()) as worker:
        await until(lambda: stopped(worker))
        assert "rejected" in worker.problems()[0]
        assert ["rejected" in reason for reason in worker.stopped().values()] == [True]
        await world.append(topics.ENRICHED, "a", b"1")
        worker.wake()
        await asyncio.sleep(0)
        assert stopped(worker)
    assert len(await letters(world)) < 60
    assert await totals(world) == {}


async def test_forty_nine_defects_between_good_records_stop_nobody() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", *([b"bug"] * 49 + [b"1"]) * 2)
    async with world.worker(Counting()) as worker:
        await until(partial(holds, world, {"a": [1, 2]}))
        assert not worker.problems()


async def test_a_fifth_of_the_last_thousand_stops_the_task() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", *([b"bug"] + [b"1"] * 3) * 300)
    async with world.worker(Counting()) as worker:
        await until(lambda: stopped(worker))


class Forgetful(Counting):
    """Breaks in a place where no stage is asked: what the runner itself cannot foresee."""

    @property
    def families(self) -> tuple[Family[Any], ...]:  # type: ignore[override]
        raise KeyError("families")


async def test_a_task_that_dies_of_what_nobody_foresaw_says_so() -> None:
    world = await memory_world(1)
    async with world.worker(Forgetful()) as worker:
        await until(lambda: stopped(worker) and worker.is_member)
        assert "KeyError" in worker.problems()[0]


async def test_a_broker_that_goes_on_refusing_what_a_task_writes_stops_it() -> None:
    script = Script()
    world = await memory_world(1, script)
    await world.append(topics.ENRICHED, "a", b"1")
    script.next(Call.SEND, *[Fate.REFUSED] * 100)
    async with world.worker(Counting()) as worker:
        await until(lambda: stopped(worker))
        assert "refuse" in worker.problems()[0]


async def test_one_refusal_is_got_over() -> None:
    script = Script()
    world = await memory_world(1, script)
    await world.append(topics.ENRICHED, "a", b"1")
    script.next(Call.SEND, Fate.REFUSED)
    async with world.worker(Counting()):
        await until(partial(holds, world, {"a": [1]}))


async def test_a_worker_that_can_feed_its_tasks_no_more_ends_with_what_broke_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await memory_world(1)
    worker = world.made(Counting())

    async def poll(timeout: float, limit: int) -> None:
        raise KeyError("poll")

    monkeypatch.setattr(worker._member, "poll", poll)
    with pytest.raises(KeyError):
        await worker.run(asyncio.Event())
