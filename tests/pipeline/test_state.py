"""State: what a stage sees of it, what becomes a tombstone, and what a restart makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.state import Change, Memory, View, encoded, key_of, split_key
from pipeline.task import Phase
from pipeline.worker import Worker
from schemas import topics
from schemas.codec import Undecodable
from schemas.records import Outgoing, Record, TopicPartition
from stages.stage import Context, Family, Outcome, Work
from tests.pipeline.world import COUNT, START, Asking, Counting, World, memory_world, totals, until

SHORT: Family[int] = Family("short", int, ttl=timedelta(hours=1))
LISTED: Family[str] = Family("listed", str, scanned=True)
FAMILIES = (SHORT, LISTED)
CHANGELOG = TopicPartition(topics.state_of("deduplicate"), 0)


class Remembering:
    """Puts every record's key into a family that lives an hour."""

    families = FAMILIES

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        assert isinstance(work, Record)
        context.state.put(SHORT, (work.key or b"").decode(), 1)
        return []


def keys(worker: Worker) -> int:
    return sum(task.state_keys for task in worker._tasks.values())


def stopped(worker: Worker) -> str:
    return next((task.stopped_because or "" for task in worker._tasks.values() if task.phase is Phase.STOPPED), "")


async def test_what_has_outlived_its_time_gets_a_tombstone_and_is_gone_from_memory() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "old", b"1")
    async with world.worker(Remembering()) as worker:
        await until(lambda: keys(worker) == 2)
        world.advance(minutes=59)
        await world.append(topics.ENRICHED, "new", b"1")
        await until(lambda: keys(worker) == 3)
        world.advance(minutes=1)
        worker.wake()
        await until(lambda: keys(worker) == 2)
    tombs = [record.key for record in await world.records(topics.state_of("deduplicate")) if record.value is None]
    assert tombs == [key_of("old", SHORT.name)]
    async with world.worker(Remembering()) as worker:
        await until(lambda: keys(worker) == 2)


async def test_what_is_put_anew_in_the_transaction_that_would_end_it_stays() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "old", b"1")
    async with world.worker(Remembering()) as worker:
        await until(lambda: keys(worker) == 2 and worker.is_still)
        world.advance(hours=1)
        await world.append(topics.ENRICHED, "old", b"1")
        await until(lambda: worker.positions()[TopicPartition(topics.ENRICHED, 0)] == 2)
    assert None not in [record.value for record in await world.records(topics.state_of("deduplicate"))]


async def test_what_expired_while_nobody_worked_gets_its_tombstone_from_the_next_owner() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "old", b"1")
    async with world.worker(Remembering()) as worker:
        await until(lambda: keys(worker) == 2)
    world.advance(hours=1)
    async with world.worker(Remembering()) as worker:
        await until(lambda: keys(worker) == 1)
    assert None in [record.value for record in await world.records(topics.state_of("deduplicate"))]


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        (key_of("a", "strange"), encoded(1), "unknown family 'strange'"),
        (key_of("a", "count"), msgspec.msgpack.encode((9, 0, 1)), "version 9, this build reads 1"),
        (key_of("a", "count"), b"\xc1", "does not decode"),
        (b"no parts", encoded(1), "without three parts"),
        (b"\xff\x00count\x00", encoded(1), "no text"),
    ],
)
async def test_a_changelog_of_another_build_stops_the_task_and_says_why(key: bytes, value: bytes, says: str) -> None:
    world = await memory_world(1)
    appender = await world.broker.appender()
    await appender.append(Outgoing(*CHANGELOG, key, value))
    await world.append(topics.ENRICHED, "a", b"1")
    async with world.worker(Counting()) as worker:
        await until(lambda: stopped(worker) and worker.is_member)
        assert says in stopped(worker)
        assert says in worker.problems()[0]
    assert await totals(world) == {}


async def test_a_value_of_another_type_stops_the_task_when_it_is_read() -> None:
    world = await memory_world(1)
    appender = await world.broker.appender()
    await appender.append(Outgoing(*CHANGELOG, key_of("a", "count"), encoded("three")))
    await world.append(topics.ENRICHED, "a", b"1")
    async with world.worker(Counting()) as worker:
        await until(lambda: stopped(worker))
        assert "'count' does not decode" in stopped(worker)
    assert await totals(world) == {}


async def test_a_changelog_that_was_compacted_gives_the_same_state() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", b"1", b"1", b"late", b"cancel")
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.is_still and keys(worker) == 2)
    world.memory.compact(CHANGELOG)
    world.memory.compact(CHANGELOG)
    await world.append(topics.ENRICHED, "a", b"1")
    async with world.worker(Counting()):
        await until(partial(_counted, world, 3))


async def _counted(world: World, number: int) -> bool:
    return (await totals(world)).get("a", [0])[-1] == number


def test_a_key_can_be_taken_apart_again_whatever_its_name_holds() -> None:
    assert split_key(key_of("a/b", "family", b"\x00\xff\x00")) == ("a/b", "family", b"\x00\xff\x00")
    with pytest.raises(Undecodable):
        key_of("a\x00b", "family")


def test_an_entry_is_gone_at_the_end_of_its_time_before_its_tombstone_is_written() -> None:
    memory, change = Memory(FAMILIES), Change()
    view = View(memory, change, START)
    view.put(SHORT, "a", 7)
    memory.apply(view.change)
    assert View(memory, change, START + timedelta(minutes=59)).get(SHORT, "a") == 7
    assert View(memory, change, START + timedelta(hours=1)).get(SHORT, "a") is None
    assert memory.expired(START + timedelta(hours=1), 10) == [key_of("a", SHORT.name)]


def test_what_is_put_again_and_again_is_remembered_once_and_expires_once() -> None:
    memory, now = Memory(FAMILIES), START
    for number in range(3000):
        view = View(memory, Change(), now + timedelta(minutes=number // 1500))
        view.put(SHORT, "hot", number)
        memory.apply(view.change)

    assert len(memory._expiring) == 2
    assert memory.expired(now + timedelta(hours=2), limit=10) == [key_of("hot", SHORT.name)]


def test_what_was_put_again_expires_by_its_newest_put() -> None:
    memory = Memory(FAMILIES)
    for hour in range(3):
        view = View(memory, Change(), START + timedelta(minutes=30 * hour))
        view.put(SHORT, "a", hour)
        memory.apply(view.change)
    assert memory.expired(START + timedelta(minutes=119), 10) == []
    assert len(memory.expired(START + timedelta(minutes=120), 10)) == 1


operation = st.tuples(st.sampled_from(["put", "delete"]), st.sampled_from("ab"), st.sampled_from("xyz"), st.integers())


@given(st.lists(st.tuples(st.sampled_from(["work", "transaction", "commit"]), operation)))
def test_a_view_reads_its_own_writes_over_the_transaction_over_what_is_committed(works: list[Any]) -> None:
    memory, transaction, expected = Memory(FAMILIES), Change(), dict[tuple[str, str], str]()
    view = View(memory, transaction, START)
    for when, (what, routing, name, number) in works:
        if when != "work":
            transaction.absorb(view.change)
            if when == "commit":
                memory.apply(transaction)
                transaction = Change()
            view = View(memory, transaction, START)
        if what == "put":
            view.put(LISTED, routing, str(number), name)
            expected[routing, name] = str(number)
        else:
            view.delete(LISTED, routing, name)
            expected.pop((routing, name), None)
        for key in "ab":
            mine = {name: value for (routing, name), value in expected.items() if routing == key}
            assert {name.decode(): value for name, value in view.scan(LISTED, key)} == mine
            assert [name for name, _ in view.scan(LISTED, key)] == sorted(name.encode() for name in mine)
            assert all(view.get(LISTED, key, name) == mine.get(name) for name in "xyz")
            ends = (min(mine).encode(), max(mine).encode()) if mine else None
            assert view.ends(LISTED, key) == ends
            assert view.names(LISTED, key) == {name.encode() for name in mine}
    transaction.absorb(view.change)
    memory.apply(transaction)
    assert memory.count(LISTED.name) == len(memory) == len(expected)


class Reading(Asking):
    """Reads a count before it asks."""

    families = (COUNT,)

    def plan(self, work: Work, context: Context) -> Sequence[str]:
        assert isinstance(work, Record)
        context.state.get(COUNT, (work.key or b"").decode())
        return super().plan(work, context)


async def test_a_broken_state_stops_the_task_at_once_though_other_keys_still_wait_for_answers() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, patience=60.0)
    stage = Reading(lambda request: request)
    stage.gate.clear()
    appender = await world.broker.appender()
    broken = Outgoing(topics.state_of("enrich"), 0, key_of("b", COUNT.name), encoded("three"))
    await appender.append(broken)
    await world.append(topics.RAW[0], "a", b"1")
    await world.append(topics.RAW[0], "b", b"2")
    async with world.worker(stage, "enrich") as worker:
        await until(lambda: stopped(worker))
        assert "'count' does not decode" in stopped(worker)
        lanes = [task for task in asyncio.all_tasks() if "_settle_lane" in repr(task) or "_fly" in repr(task)]
        await until(lambda: all(task.done() for task in lanes))
    assert await world.records(topics.UNIQUE) == []
    assert await world.records(topics.dead_of("enrich")) == []


def test_a_name_that_looks_like_another_family_is_none_of_it() -> None:
    memory, change = Memory(FAMILIES), Change()
    change.put(key_of("a", LISTED.name, f"x\x00{SHORT.name}\x00y"), encoded("listed"))
    change.put(key_of("a", SHORT.name), encoded(1))
    memory.apply(change)
    assert [key for key, _ in memory.items(SHORT.name)] == [key_of("a", SHORT.name)]
