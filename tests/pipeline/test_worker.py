"""What the runtime promises of records, timers, calls and dead letters, on the broker in memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from functools import partial

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.memory import Call, Fate, MemoryBroker, Script
from schemas import topics
from schemas.records import Outgoing, TopicPartition
from tests.pipeline.world import Asking, Count, Counting, World, by_key, memory_world, totals, until


async def test_every_record_is_counted_once_and_in_order_of_its_key() -> None:
    world = await memory_world()
    await world.append(topics.ENRICHED, "a", b"1", b"2", b"3")
    await world.append(topics.ENRICHED, "b", b"1")
    async with world.worker(Counting()):
        await until(lambda: _holds(world, {"a": [1, 2, 3], "b": [1]}))


async def _holds(world: World, expected: dict[str, list[int]]) -> bool:
    return await totals(world) == expected


async def test_the_next_owner_goes_on_where_the_last_one_stopped() -> None:
    world = await memory_world()
    await world.append(topics.ENRICHED, "a", b"1", b"2")
    async with world.worker(Counting()):
        await until(lambda: _holds(world, {"a": [1, 2]}))
    await world.append(topics.ENRICHED, "a", b"3")
    async with world.worker(Counting()):
        await until(lambda: _holds(world, {"a": [1, 2, 3]}))


async def test_a_worker_that_is_killed_leaves_nothing_lost_and_nothing_twice() -> None:
    world = await memory_world()
    for batch in range(5):
        await world.append(topics.ENRICHED, "a", *[b"x"] * 40)
        async with world.doomed(Counting()):
            await until(partial(_reached, world, batch * 40 + 1))
    async with world.worker(Counting()):
        await until(lambda: _holds(world, {"a": list(range(1, 201))}))


async def _reached(world: World, number: int) -> bool:
    return number in (await totals(world)).get("a", [])


async def test_a_rejected_record_becomes_a_dead_letter_and_its_neighbours_go_on() -> None:
    world = await memory_world()
    await world.append(topics.ENRICHED, "a", b"1", b"bad", b"bug", b"2")
    async with world.worker(Counting()):
        await until(lambda: _holds(world, {"a": [1, 2]}))
    letters = await world.records(topics.dead_of("deduplicate"))
    assert [letter.value for letter in letters] == [b"bad", b"bug"]
    assert [letter.header("dead-reason") for letter in letters] == ["undecodable", "defect"]
    assert letters[0].header("dead-topic") == topics.ENRICHED
    assert letters[1].header("dead-error") == "ZeroDivisionError: a bug"


async def test_a_business_timer_fires_when_its_time_has_come_and_not_before() -> None:
    world = await memory_world()
    await world.append(topics.ENRICHED, "a", b"late")
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.next_business_timer())
        world.clock.advance(timedelta(minutes=59))
        worker.wake()
        await world.append(topics.ENRICHED, "a", b"1")
        await until(lambda: _holds(world, {"a": [1]}))
        world.clock.advance(timedelta(minutes=1))
        worker.wake()
        await until(lambda: _holds(world, {"a": [1, 2]}))


async def test_a_timer_survives_its_owner() -> None:
    world = await memory_world()
    await world.append(topics.ENRICHED, "a", b"late")
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.next_business_timer())
    world.clock.advance(timedelta(hours=2))
    async with world.worker(Counting()):
        await until(lambda: _holds(world, {"a": [1]}))


async def test_what_was_on_the_log_when_a_timer_fell_due_is_read_before_it_fires() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", b"late")
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.next_business_timer())
    await world.append(topics.ENRICHED, "a", *[b"x"] * 3000)
    world.clock.advance(timedelta(hours=2))
    async with world.worker(Counting()):
        await until(lambda: _reached(world, 3001), 30)
    values = [msgspec.json.decode(record.value or b"", type=Count) for record in await world.records(topics.UNIQUE)]
    assert [value.by for value in values] == ["record"] * 3000 + ["timer"]


async def test_an_idle_task_commits_the_position_behind_control_records() -> None:
    world = await memory_world(1)
    producer = await world.broker.producer("somebody")
    await producer.begin()
    await producer.send([Outgoing(topics.ENRICHED, 0, b"a", b"1")])
    await producer.commit("nobody", {})
    source = TopicPartition(topics.ENRICHED, 0)
    end = (await world.broker.high_watermarks([source]))[source]
    async with world.worker(Counting()):
        await until(lambda: _committed(world, source, end))


async def _committed(world: World, partition: TopicPartition, offset: int) -> bool:
    return (await world.broker.committed("deduplicate", [partition]))[partition] == offset


async def test_a_record_waits_for_the_world_and_others_of_its_partition_do_not() -> None:
    world = await memory_world(1)
    answers: dict[str, str | None] = {"down": None, "up": "fine"}
    stage = Asking(lambda request: answers[request])
    await world.append(topics.RAW[0], "a", b"down", b"up")
    await world.append(topics.RAW[0], "b", b"up")
    async with world.worker(stage, "enrich") as worker:
        await until(lambda: _keys(world, {"b"}))
        assert worker.owned() == 1
        answers["down"] = "fine now"
        world.clock.advance(timedelta(seconds=5))
        worker.wake()
        await until(lambda: _keys(world, {"a", "b"}))
        await until(lambda: _emitted(world, "a", ["fine now", "fine"]))


async def _keys(world: World, keys: set[str]) -> bool:
    return set(by_key(await world.records(topics.UNIQUE))) == keys


async def _emitted(world: World, key: str, answers: list[str]) -> bool:
    values = by_key(await world.records(topics.UNIQUE))[key]
    return [msgspec.json.decode(value, type=Count).key for value in values] == answers


async def test_parked_records_survive_their_owner() -> None:
    world = await memory_world(1)
    answers: dict[str, str | None] = {"down": None}
    await world.append(topics.RAW[0], "a", b"down")
    async with world.worker(Asking(lambda request: answers[request]), "enrich") as worker:
        await until(lambda: sum(task.parked for task in worker._tasks.values()) == 1)
    answers["down"] = "fine now"
    world.clock.advance(timedelta(minutes=10))
    async with world.worker(Asking(lambda request: answers[request]), "enrich"):
        await until(lambda: _keys(world, {"a"}))
    value = msgspec.json.decode((await world.records(topics.UNIQUE))[0].value or b"", type=Count)
    assert value.number == 600, "it knows since when it waited"


async def test_a_call_that_outlives_its_patience_is_not_made_again() -> None:
    world = await memory_world(1)
    stage = Asking(lambda request: "at last")
    stage.gate.clear()
    await world.append(topics.RAW[0], "a", b"slow")
    async with world.worker(stage, "enrich") as worker:
        await until(lambda: sum(task.parked for task in worker._tasks.values()) == 1)
        world.clock.advance(timedelta(seconds=5))
        worker.wake()
        stage.gate.set()
        await until(lambda: _emitted_any(world))
    assert Counter(stage.asked)["slow"] <= 2


async def _emitted_any(world: World) -> bool:
    return bool(await world.records(topics.UNIQUE))


async def test_a_commit_in_doubt_is_found_out_and_never_repeated() -> None:
    for fate in (Fate.ANSWER_LOST, Fate.UNAVAILABLE):
        script = Script()
        broker = MemoryBroker(1, faults=script)
        await broker.create_topics(topics.catalogue())
        world = World(broker)
        await world.append(topics.ENRICHED, "a", b"1", b"2")
        script.next(Call.COMMIT, fate)
        async with world.worker(Counting()):
            await until(partial(_holds, world, {"a": [1, 2]}))


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["commit-lost", "commit-failed", "send-failed", "kill", "none"]), max_size=6))
def test_whatever_fails_between_task_and_broker_each_record_counts_exactly_once(faults: list[str]) -> None:
    asyncio.run(_survives(faults))


async def _survives(faults: list[str]) -> None:
    script = Script()
    broker = MemoryBroker(1, faults=script)
    await broker.create_topics(topics.catalogue())
    world, total = World(broker), 0
    for fault in [*faults, "none"]:
        await world.append(topics.ENRICHED, "a", *[b"x"] * 5)
        total += 5
        if fault == "commit-lost":
            script.next(Call.COMMIT, Fate.ANSWER_LOST)
        if fault == "commit-failed":
            script.next(Call.COMMIT, Fate.UNAVAILABLE)
        if fault == "send-failed":
            script.next(Call.SEND, Fate.UNAVAILABLE)
        if fault == "kill":
            async with world.doomed(Counting()):
                await until(partial(_reached, world, total - 4))
        else:
            async with world.worker(Counting()):
                await until(partial(_reached, world, total))
    assert await totals(world) == {"a": list(range(1, total + 1))}
