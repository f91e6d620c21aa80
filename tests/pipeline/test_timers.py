"""Timers as an index over state, and the deadlines that wait for the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from time import process_time

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipeline.broker import Unavailable
from pipeline.surroundings import StageSpec, Surroundings
from pipeline.timers import Gate, Timers
from pipeline.worker import Worker
from schemas import topics
from schemas.records import Outgoing, TopicPartition
from stages.stage import Timer, TimerKind
from tests.pipeline.world import START, Count, Counting, World, at_work, memory_world, totals, until

HOUR = timedelta(hours=1)
SOURCE = TopicPartition(topics.ENRICHED, 0)


def timer(name: str, after: timedelta, kind: TimerKind = TimerKind.RETRY) -> Timer:
    return Timer(routing="a", name=name, due=START + after, kind=kind)


def names(taken: Sequence[Timer]) -> list[str]:
    return [taken_timer.name for taken_timer in taken]


async def holds(world: World, expected: dict[str, list[int]]) -> bool:
    return await totals(world) == expected


def test_a_timer_is_given_once_when_it_is_due() -> None:
    timers = Timers()
    timers.put(timer("late", 2 * HOUR))
    timers.put(timer("early", HOUR))
    assert names(timers.take_wall(START, 10)) == []
    assert names(timers.take_wall(START + 3 * HOUR, 10)) == ["early", "late"]
    assert names(timers.take_wall(START + 3 * HOUR, 10)) == []


def test_the_same_name_set_again_replaces_the_timer() -> None:
    timers = Timers()
    timers.put(timer("x", HOUR))
    timers.put(timer("x", 3 * HOUR))
    assert len(timers) == 1
    assert names(timers.take_wall(START + 2 * HOUR, 10)) == []
    assert timers.next_wall() == START + 3 * HOUR
    assert names(timers.take_wall(START + 3 * HOUR, 10)) == ["x"]


def test_a_timer_that_changes_its_clock_obeys_the_new_one_only() -> None:
    timers = Timers()
    timers.put(timer("x", HOUR, TimerKind.DEADLINE))
    timers.put(timer("x", HOUR, TimerKind.RETRY))
    assert timers.next_business() is None
    assert names(timers.take(TimerKind.DEADLINE, START + 2 * HOUR, 10)) == []
    assert names(timers.take_wall(START + 2 * HOUR, 10)) == ["x"]


def test_a_takeover_postpones_what_was_due_and_nothing_else() -> None:
    timers = Timers()
    timers.put(timer("due", -HOUR))
    timers.put(timer("later", HOUR))
    timers.put(timer("business", -HOUR, TimerKind.DEADLINE))
    timers.postpone_due(START, timedelta(minutes=5))
    assert names(timers.take_wall(START, 10)) == []
    assert names(timers.take(TimerKind.DEADLINE, START, 10)) == ["business"]
    assert names(timers.take_wall(START + timedelta(minutes=5), 10)) == ["due"]
    assert timers.next_wall() == START + HOUR


def test_what_was_postponed_and_then_set_again_is_given_by_its_new_time() -> None:
    timers = Timers()
    timers.put(timer("x", -HOUR))
    timers.postpone_due(START, 2 * HOUR)
    timers.put(timer("x", HOUR))
    assert names(timers.take_wall(START + HOUR, 10)) == ["x"]
    timers.put(timer("x", 5 * HOUR))
    assert names(timers.take_wall(START + 4 * HOUR, 10)) == []
    assert names(timers.take_wall(START + 5 * HOUR, 10)) == ["x"]


actions = st.lists(st.tuples(st.sampled_from(["put", "remove", "take"]), st.sampled_from("abc"), st.integers(0, 9)))


@given(actions)
def test_in_any_order_a_timer_is_given_when_due_and_only_what_is_set_is_given(
    works: list[tuple[str, str, int]],
) -> None:
    timers, expected = Timers(), dict[str, int]()
    for work, name, hours in works:
        if work == "put":
            timers.put(timer(name, hours * HOUR))
            expected[name] = hours
        elif work == "remove":
            timers.remove(("a", name))
            expected.pop(name, None)
        else:
            taken = timers.take_wall(START + hours * HOUR, 100)
            assert sorted(names(taken)) == sorted(due for due, at in expected.items() if at <= hours)
            for due in taken:
                timers.remove(("a", due.name))
                del expected[due.name]
    assert len(timers) == len(expected)


def test_ten_thousand_timers_are_cheap() -> None:
    timers, began = Timers(), process_time()
    for number in range(10_000):
        timers.put(timer(str(number), number * timedelta(seconds=1)))
        timers.put(timer(str(number), number * timedelta(seconds=2)))
    while taken := timers.take_wall(START + 10 * HOUR, 500):
        assert len(taken) <= 500
        for due in taken:
            timers.remove((due.routing, due.name))
    assert len(timers) == 0
    assert process_time() - began < 2.0


def test_a_gate_opens_when_every_input_is_read_past_its_mark() -> None:
    other = TopicPartition("other", 0)
    gate = Gate(START, START, {SOURCE: 5, other: 0})
    assert not gate.is_passed({SOURCE: 4, other: 9})
    assert not gate.is_passed({})
    assert gate.is_passed({SOURCE: 5})


async def test_a_decision_in_the_backlog_beats_the_deadline_that_passed_while_nobody_worked() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", b"late")
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.next_business_timer())
    world.advance(hours=2)
    await world.append(topics.ENRICHED, "b", *[b"x"] * 2000)
    await world.append(topics.ENRICHED, "a", b"cancel")
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.is_still and worker.next_business_timer() is None)
    assert list(await totals(world)) == ["b"]


def waits_for_log(worker: Worker) -> bool:
    tenure = worker._tasks[0]._tenure
    return tenure is not None and tenure.waits_for_log


async def test_a_decision_in_a_transaction_that_is_still_open_beats_the_deadline_too() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", b"late")
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.next_business_timer())
        producer = await world.broker.producer("upstream")
        await producer.begin()
        await producer.send([Outgoing(topics.ENRICHED, 0, b"a", b"cancel")])
        world.advance(hours=2)
        worker.wake()
        await until(lambda: waits_for_log(worker))
        await producer.commit("upstream", {})
        await until(lambda: worker.next_business_timer() is None)
        await until(lambda: worker.is_still)
    assert await totals(world) == {}


async def test_a_cancelled_timer_does_not_fire_and_one_set_again_fires_at_its_new_time() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", b"late", b"cancel")
    await world.append(topics.ENRICHED, "b", b"late")
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.next_business_timer())
        world.advance(minutes=30)
        await world.append(topics.ENRICHED, "b", b"late", b"1")
        await until(partial(holds, world, {"b": [1]}))
        world.advance(minutes=30)
        worker.wake()
        await world.append(topics.ENRICHED, "b", b"1")
        await until(partial(holds, world, {"b": [1, 2]}))
        world.advance(minutes=30)
        worker.wake()
        await until(partial(holds, world, {"b": [1, 2, 3]}))
    last = msgspec.json.decode((await world.records(topics.UNIQUE))[-1].value or b"", type=Count)
    assert last.by == "timer"


async def test_a_deadline_waits_while_nobody_says_where_the_log_ends() -> None:
    world = await memory_world(1)
    silent = True

    async def watermarks(partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        if silent:
            raise Unavailable("no answer")
        return await world.broker.high_watermarks(partitions)

    around = world.around()
    given_around = Surroundings(around.broker, around.clock, around.metrics, around.log, watermarks, around.limits)
    await world.append(topics.ENRICHED, "a", b"late")
    async with at_work(Worker(StageSpec("deduplicate", (topics.ENRICHED,), Counting()), given_around)) as worker:
        await until(lambda: worker.next_business_timer())
        world.advance(hours=2)
        worker.wake()
        await until(lambda: bool(worker.problems()))
        assert await totals(world) == {}
        silent = False
        await until(partial(holds, world, {"a": [1]}))


async def test_time_never_runs_backwards_for_a_task() -> None:
    world = await memory_world(1)
    world.advance(hours=5)
    await world.append(topics.ENRICHED, "a", b"1")
    async with world.worker(Counting()):
        await until(partial(holds, world, {"a": [1]}))
    world.advance(hours=-3)
    await world.append(topics.ENRICHED, "a", b"1")
    async with world.worker(Counting()):
        await until(partial(holds, world, {"a": [1, 2]}))
    first, second = await world.records(topics.UNIQUE)
    assert first.timestamp == second.timestamp == int((START + 5 * HOUR).timestamp() * 1000)
