"""Every dead letter has its way back: once, to where it came from, whatever goes wrong meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest

from pipeline.broker import BrokerError, Producer
from pipeline.dead_letters import Choice, Letter, TakenOver, letters, redrive, show
from pipeline.memory import Call, Fate, MemoryBroker
from pipeline.worker import Worker
from schemas import topics
from schemas.reasons import RejectReason
from schemas.records import Outgoing, Position, Record, TopicPartition, partition_of
from stages.stage import Context, Outcome, Work
from tests.pipeline.world import START, Asking, Counting, World, memory_world, totals, until

DEAD = topics.dead_of("deduplicate")
HEADERS = (("ce_type", b"orders/create"), ("ce_id", b"delivery-1"), ("x-shopify-hmac-sha256", b"\xff\x00"))


class Mended(Counting):
    """What `Counting` rejects it counts."""

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        return super().process(replace_value(work), context)


def replace_value(work: Work) -> Work:
    if not isinstance(work, Record):
        return work
    return Record(work.topic, work.partition, work.offset, work.timestamp, work.key, b"good", work.headers)


@dataclass
class Once:
    """One thing goes wrong at one call of whoever gives back."""

    at: int
    fate: Fate | str
    calls: int = 0
    broker: MemoryBroker | None = None

    async def meet(self, call: Call, name: str) -> Fate:
        running = asyncio.current_task()
        if running is None or running.get_name() != "operator":
            return Fate.DONE
        self.calls += 1
        if self.calls != self.at:
            return Fate.DONE
        if self.fate == "kill":
            running.cancel()
            await asyncio.sleep(0)
        if self.fate == "fence":
            assert self.broker is not None
            self.broker.fence("redrive")
            return Fate.DONE
        return Fate(self.fate)


class Before:
    """A task writes a letter just before whoever gives back writes."""

    task: Producer | None = None

    async def meet(self, call: Call, name: str) -> Fate:
        if call is Call.SEND and name == "redrive" and self.task is not None:
            task, self.task = self.task, None
            await task.begin()
            await task.send([Outgoing(DEAD, 0, b"b", b"bad")])
        return Fate.DONE


def silent(_: int) -> None:
    """Nobody looks at the progress."""


async def given_back(world: World, choice: Choice = Choice()) -> int:  # noqa: B008 - frozen
    return await redrive(world.broker, await letters(world.broker, choice), world.clock.wall(), silent)


async def rejected(
    world: World, *keys: str, value: bytes = b"bad", headers: tuple[tuple[str, bytes], ...] = ()
) -> None:
    """A record of each key becomes a dead letter of `deduplicate`."""
    before = len(await world.records(DEAD))
    appender = await world.broker.appender()
    for key in keys:
        number = partition_of(key.encode(), world.broker.partitions)
        await appender.append(Outgoing(topics.ENRICHED, number, key.encode(), value, headers))
    async with world.worker(Counting()):
        await until(partial(holds, world, DEAD, before + len(keys)))


async def holds(world: World, topic: str, count: int) -> bool:
    return len(await world.records(topic)) == count


async def has_counted(world: World, expected: dict[str, list[int]]) -> bool:
    return await totals(world) == expected


def parked(worker: Worker) -> int:
    return sum(task.parked for task in worker._tasks.values())


def said(found: Iterable[Letter]) -> list[tuple[str, str]]:
    return [(letter.key, letter.reason) for letter in found]


async def test_a_letter_says_what_was_rejected_where_when_and_why() -> None:
    world = await memory_world(2)
    await rejected(world, "a", headers=HEADERS)
    (letter,) = await letters(world.broker, Choice())
    number = partition_of(b"a", 2)
    assert letter == Letter(
        position=Position(DEAD, number, 0),
        stage="deduplicate",
        at=START,
        reason="undecodable",
        error="it says bad",
        kind="orders/create",
        key="a",
        origin=Position(topics.ENRICHED, number, 0),
        size=3,
    )


async def test_letters_are_chosen_by_stage_reason_time_and_place_and_the_newest_stands_last() -> None:
    world = await memory_world(2)
    await rejected(world, "d")
    world.advance(hours=1)
    await rejected(world, "b", value=b"bug")
    world.advance(hours=1)
    await rejected(world, "c")
    look = partial(letters, world.broker)
    everything = await look(Choice())
    assert said(everything) == [("d", "undecodable"), ("b", "defect"), ("c", "undecodable")]
    assert said(await look(Choice(reason="defect"))) == [("b", "defect")]
    assert said(await look(Choice(since=START + timedelta(hours=1)))) == said(everything)[1:]
    assert await look(Choice(stages=("enrich",))) == []
    assert await look(Choice(positions=frozenset({everything[2].position}))) == everything[2:]


async def test_what_is_given_back_is_what_was_rejected_where_it_came_from() -> None:
    world = await memory_world(2)
    await rejected(world, "a", headers=HEADERS)
    world.advance(days=2)
    assert await given_back(world) == 1
    original, back = await world.records(topics.ENRICHED)
    assert (back.partition, back.key, back.value) == (original.partition, original.key, original.value)
    assert back.headers == (*HEADERS, ("redriven-at", (START + timedelta(days=2)).isoformat().encode()))
    assert await letters(world.broker, Choice()) == []
    assert await given_back(world) == 0


async def test_a_letter_is_shown_with_its_bytes_and_whether_it_has_been_given_back() -> None:
    world = await memory_world(1)
    await rejected(world, "a", headers=HEADERS)
    (letter,) = await letters(world.broker, Choice())
    for is_back in (False, True):
        found = await show(world.broker, letter.position)
        assert found is not None
        assert (found[0], found[1].value, found[2]) == (letter, b"bad", is_back)
        await given_back(world)
    assert await show(world.broker, Position(DEAD, 0, 2)) is None, "a marker is no letter"
    assert await show(world.broker, Position(DEAD, 0, 99)) is None


async def test_once_the_stage_is_mended_what_was_given_back_is_worked_on_whoever_was_killed() -> None:
    world = await memory_world(1)
    async with world.doomed(Counting()):
        await world.append(topics.ENRICHED, "a", b"1", b"bad", b"bug")
        await until(partial(holds, world, DEAD, 2))
    assert await given_back(world) == 2
    async with world.doomed(Mended()):
        await until(partial(has_counted, world, {"a": [1, 2, 3]}))
    async with world.worker(Mended()) as worker:
        await until(lambda: worker.is_still)
        assert await totals(world) == {"a": [1, 2, 3]}


async def test_a_letter_that_is_rejected_again_says_why_once_and_where_it_stood_then() -> None:
    world = await memory_world(1)
    await rejected(world, "a", headers=HEADERS)
    world.advance(hours=1)
    await given_back(world)
    async with world.worker(Counting()):
        await until(partial(holds, world, DEAD, 3))
    (letter,) = await letters(world.broker, Choice())
    assert letter.origin == Position(topics.ENRICHED, 0, 1)
    (record,) = [record for record in await world.records(DEAD) if record.offset == letter.position.offset]
    names = [name for name, _ in record.headers]
    assert len(names) == len(set(names))
    world.advance(hours=1)
    await given_back(world)
    back = (await world.records(topics.ENRICHED))[-1]
    assert back.headers == (*HEADERS, ("redriven-at", (START + timedelta(hours=2)).isoformat().encode()))


async def given_back_in_spite_of(trouble: Once) -> None:
    world = await memory_world(2, trouble)
    trouble.broker = world.memory
    keys = ("a", "b", "c", "d")
    await rejected(world, *keys)
    operator = asyncio.create_task(given_back(world), name="operator")
    try:
        await operator
    except (BrokerError, asyncio.CancelledError):
        await given_back(world)
    records = await world.records(topics.ENRICHED)
    assert sorted(record.key or b"" for record in records) == sorted(2 * [key.encode() for key in keys])
    assert await letters(world.broker, Choice()) == []


@pytest.mark.parametrize("fate", [Fate.UNAVAILABLE, Fate.ANSWER_LOST, Fate.REFUSED, "fence", "kill"])
async def test_each_letter_is_given_back_once_wherever_the_trouble_comes(fate: str) -> None:
    calm = Once(0, fate)
    await given_back_in_spite_of(calm)
    assert calm.calls > 10, "the trouble has places to come at"
    for at in range(1, calm.calls + 1):
        trouble = Once(at, fate)
        await given_back_in_spite_of(trouble)
        assert trouble.calls >= at


async def test_of_two_operators_the_first_is_told_that_another_has_taken_over() -> None:
    world = await memory_world(2)
    keys = ("a", "b", "c", "d")
    await rejected(world, *keys)
    stale = await letters(world.broker, Choice())
    assert len({letter.position.partition for letter in stale}) == 2
    told: list[int] = []

    def another_comes(more: int) -> None:
        told.append(more)
        world.memory.fence("redrive")

    with pytest.raises(TakenOver) as taken:
        await redrive(world.broker, stale, world.clock.wall(), another_comes)
    assert [taken.value.given] == told
    assert await redrive(world.broker, stale, world.clock.wall(), silent) == len(keys) - taken.value.given
    assert await holds(world, topics.ENRICHED, 2 * len(keys))


async def test_a_marker_that_nobody_can_read_yet_is_waited_for() -> None:
    """A transaction of the stage's task, begun just before it on the same partition, hides it."""
    before = Before()
    world = await memory_world(1, before)
    await rejected(world, "a")
    stale = await letters(world.broker, Choice())
    before.task = task = await world.broker.producer("deduplicate-0")
    assert await redrive(world.broker, stale, world.clock.wall(), silent) == 1
    assert len(await letters(world.broker, Choice())) == 1, "as far as anybody can read"
    again = asyncio.create_task(redrive(world.broker, stale, world.clock.wall(), silent))
    await until(lambda: bool(world.memory._log(TopicPartition(DEAD, 0))._watchers) or again.done())
    await task.abort()
    assert await again == 0
    assert await holds(world, topics.ENRICHED, 2)


async def test_a_parked_record_that_retention_took_is_listed_and_has_nothing_to_give_back() -> None:
    world = await memory_world(1)
    stage = Asking({"x": None}.get)
    async with world.worker(stage, "enrich") as worker:
        await world.append(topics.RAW[0], "a", b"x")
        await until(lambda: parked(worker) == 1)
        world.memory.truncate(TopicPartition(topics.RAW[0], 0), 1)
        world.advance(seconds=5)
        worker.wake()
        await until(lambda: parked(worker) == 0)
    found = await letters(world.broker, Choice())
    assert said(found) == [("a", RejectReason.RETENTION)]
    assert await redrive(world.broker, found, world.clock.wall(), silent) == 0
    assert await world.records(topics.RAW[0]) == []


async def test_more_letters_than_one_transaction_takes_are_all_given_back_and_counted_as_they_go() -> None:
    world = await memory_world(1)
    appender = await world.broker.appender()
    why = (("dead-stage", b"deduplicate"), ("dead-reason", b"defect"), ("dead-error", b""))
    where = (("dead-topic", topics.ENRICHED.encode()), ("dead-partition", b"0"), ("dead-offset", b"0"))
    for _ in range(450):
        at = ("dead-at", START.isoformat().encode())
        await appender.append(Outgoing(DEAD, 0, b"a", b"bad", (*why, *where, at)))
    told: list[int] = []
    found = await letters(world.broker, Choice())
    assert await redrive(world.broker, found, START, told.append) == 450
    assert told == [200, 200, 50]
    assert await holds(world, topics.ENRICHED, 450)
