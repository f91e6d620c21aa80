"""Rules 3 and 4 of time: how far the chain says it is, and what waits for its word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import msgspec

from pipeline.worker import Worker
from schemas import topics
from schemas.codec import decode, encode
from schemas.journal import Journal
from schemas.records import Outgoing, partition_of
from schemas.signals import ChainBeat, ChainBehind
from stages.stage import TimerKind
from tests.pipeline.chained import (
    ABOUT,
    Forwarding,
    all_have_passed,
    awaiting,
    beating,
    chain_beats,
    killed,
    looks_again,
    passing,
    put,
    receiver_beats,
    running,
    told,
    whats,
)
from tests.pipeline.world import START, Asking, World, memory_world, until

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
RAW = topics.RAW[0]


async def kinds(world: World, topic: str) -> list[str]:
    return [record.header("ce_type") or "" for record in await world.records(topic)]


async def beats(world: World, topic: str = topics.ENRICHED, partition: int = 0) -> list[ChainBeat]:
    return [
        decode(record, ChainBeat)
        for record in await world.records(topic)
        if record.header("ce_type") == "chain-beat" and record.partition == partition
    ]


async def has_beats(world: World, count: int, partition: int = 0) -> bool:
    return len(await beats(world, partition=partition)) >= count


async def behind(world: World) -> list[ChainBehind]:
    found = (r for r in await world.records(topics.SIGNALS) if r.header("ce_type") == "chain-behind")
    return [decode(record, ChainBehind) for record in found]


async def said(world: World, *expected: str) -> bool:
    return await whats(world) == list(expected)


async def is_told(world: World, *expected: bool) -> bool:
    return [one.behind for one in await behind(world)] == list(expected)


# --- the beginning of the chain -------------------------------------------------------------------------------------


async def test_a_beat_stands_on_every_partition_behind_all_that_came_in_before_it() -> None:
    world = await memory_world(1)
    await world.append(RAW, "a", *[b"x"] * 2000)
    async with running(world, beating(Forwarding(topics.ENRICHED))):
        await until(partial(has_beats, world, 1))
    found = await kinds(world, topics.ENRICHED)
    assert found.index("chain-beat") == 2000
    assert (await beats(world))[0].occurred == START


async def test_each_task_beats_on_every_partition() -> None:
    world = await memory_world(3)
    async with running(world, beating(Forwarding(topics.ENRICHED))):
        for partition in range(3):
            await until(partial(has_beats, world, 3, partition))
    for partition in range(3):
        assert {beat.sender for beat in await beats(world, partition=partition)} == {0, 1, 2}


async def test_what_is_still_being_written_holds_the_beat() -> None:
    world = await memory_world(1)
    producer = await world.broker.producer("upstream-0")
    await producer.begin()
    await producer.send([Outgoing(RAW, 0, b"a", b"open")])
    async with running(world, beating(Forwarding(topics.ENRICHED))) as worker:
        world.advance(minutes=1)
        worker.wake()
        await looks_again(world, worker, topics.RAW[1])
        assert await beats(world) == []
        await producer.commit("nobody", {})
        await until(partial(has_beats, world, 1))
    assert (await kinds(world, topics.ENRICHED))[0] == "told"


async def test_it_beats_every_fifteen_seconds_and_at_once_when_business_time_steps() -> None:
    world = await memory_world(1)
    async with running(world, beating(Forwarding(topics.ENRICHED))) as worker:
        await until(partial(has_beats, world, 1))
        world.advance(seconds=14)
        await looks_again(world, worker, RAW)
        assert len(await beats(world)) == 1
        world.advance(seconds=1)
        await looks_again(world, worker, RAW)
        assert [beat.occurred for beat in await beats(world)] == [START, START + 15 * SECOND]
        world.advance(seconds=1)
        worker.wake()
        await until(partial(has_beats, world, 3))
    assert (await beats(world))[-1].occurred == START + 16 * SECOND


def knows(request: str) -> str | None:
    return None if request.startswith("unknown") else request


async def test_a_parked_record_holds_the_beat_for_thirty_seconds_and_no_longer() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, look_again=0.01)
    await world.append(RAW, "a", b"unknown")
    async with running(world, beating(Asking(knows))) as worker:
        await until(lambda: worker._tasks[0].parked)
        await looks_again(world, worker, RAW)
        assert await beats(world) == []
        world.advance(seconds=29)
        await looks_again(world, worker, RAW)
        assert await beats(world) == []
        world.advance(seconds=1)
        await until(partial(has_beats, world, 1))
    assert (await beats(world))[0].occurred == START


async def test_a_parked_record_that_is_settled_holds_the_beat_no_more() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, look_again=0.01)
    stage = Asking(knows)
    await world.append(RAW, "a", b"unknown")
    async with running(world, beating(stage)) as worker:
        await until(lambda: worker._tasks[0].parked)
        await looks_again(world, worker, RAW)
        stage.world = str
        world.advance(seconds=5)
        worker.wake()
        await until(partial(has_beats, world, 1))
        assert worker._tasks[0].parked == 0
        world.advance(seconds=15)
        worker.wake()
        await until(partial(has_beats, world, 2))


async def test_what_is_parked_after_a_beat_was_due_does_not_hold_it() -> None:
    """Else a world that is away for an hour, in which something is parked all the time, would hold it for as long."""
    world = await memory_world(1)
    world.limits = replace(world.limits, look_again=0.01)
    async with running(world, beating(Asking(knows))) as worker:
        await until(partial(has_beats, world, 1))
        for number in range(10):
            world.advance(seconds=10)
            await world.append(RAW, str(number), b"unknown")
            await until(lambda number=number: worker._tasks[0].parked == number + 1)  # type: ignore[misc]
            await looks_again(world, worker, RAW)
        newest = (await beats(world))[-1].occurred
    assert newest >= world.clock.now() - MINUTE


async def test_a_record_that_is_parked_holds_the_beat_after_a_restart_too() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, look_again=0.01)
    await world.append(RAW, "a", b"unknown")
    async with killed(world, beating(Asking(knows))) as worker:
        await until(lambda: worker._tasks[0].parked)
    async with running(world, beating(Asking(knows))) as worker:
        await looks_again(world, worker, RAW)
        assert await beats(world) == []
        world.advance(seconds=30)
        await until(partial(has_beats, world, 1))


# --- on its way ------------------------------------------------------------------------------------------------------


async def test_a_beat_is_passed_on_in_its_place_and_to_its_own_partition() -> None:
    world = await memory_world(2)
    for partition in range(2):
        key = next(key for key in "abcdefghij" if partition_of(key.encode(), 2) == partition)
        await put(world, topics.ENRICHED, partition, key, b"before")
        beat = encode(ChainBeat("pipeline", ABOUT, START + partition * SECOND, START, sender=partition))
        await put(world, topics.ENRICHED, partition, ABOUT, beat, "chain-beat")
    async with running(world, passing()):
        await until(partial(has_kinds, world, topics.UNIQUE, ["told", "chain-beat"] * 2))
    records = await world.records(topics.UNIQUE)
    assert [record.partition for record in records] == [0, 0, 1, 1]
    assert [decode(records[n], ChainBeat).sender for n in (1, 3)] == [0, 1]


async def has_kinds(world: World, topic: str, expected: list[str]) -> bool:
    return await kinds(world, topic) == expected


async def test_a_beat_is_passed_on_once_whatever_becomes_of_the_task() -> None:
    world = await memory_world(1)
    for second in range(50):
        beat = encode(ChainBeat("pipeline", ABOUT, START + second * SECOND, START, sender=0))
        await put(world, topics.ENRICHED, 0, ABOUT, beat, "chain-beat")
    world.limits = replace(world.limits, batch_records=5, lanes=1)
    for passed in (10, 25):
        async with killed(world, passing()):
            await until(partial(has_passed_on, world, passed))
    async with running(world, passing()):
        await until(partial(has_passed_on, world, 50))
    assert [b.occurred for b in await beats(world, topics.UNIQUE)] == [START + n * SECOND for n in range(50)]


async def has_passed_on(world: World, count: int) -> bool:
    return len(await beats(world, topics.UNIQUE)) >= count


async def test_a_beat_goes_no_further_than_to_whom_it_is_awaited_by() -> None:
    world = await memory_world(1)
    async with running(world, awaiting()) as worker:
        await all_have_passed(world, START)
        await looks_again(world, worker)
    assert set(await kinds(world, topics.ALERTS)) == {"told"}


# --- what waits for it -----------------------------------------------------------------------------------------------


async def expect(world: World, worker: Worker, kind: TimerKind, key: str = "a", minutes: int = 60) -> None:
    await put(world, topics.UNIQUE, 0, key, f"{kind} {minutes}".encode())
    await until(lambda: worker.next_business_timer() is not None)


async def test_absence_waits_until_every_sender_and_a_receiver_have_passed_its_time() -> None:
    world = await memory_world(2)
    due = START + HOUR
    async with running(world, awaiting()) as worker:
        await expect(world, worker, TimerKind.ABSENCE)
        world.advance(minutes=61)
        worker.wake()
        await chain_beats(world, due, 0)
        await receiver_beats(world, due)
        await absence_has_not_fired(world, worker)
        await chain_beats(world, due - SECOND, 1)
        await absence_has_not_fired(world, worker)
        await chain_beats(world, due, 1)
        await until(partial(is_said, world, "absence fired"))
    assert (await told(world))[-1].chain_passed


async def absence_has_not_fired(world: World, worker: Worker) -> None:
    await looks_again(world, worker)
    assert "absence fired" not in await whats(world)


async def is_said(world: World, what: str) -> bool:
    return what in await whats(world)


async def test_absence_waits_for_a_receiver_when_the_chain_has_passed() -> None:
    world = await memory_world(1)
    due = START + HOUR
    async with running(world, awaiting()) as worker:
        await expect(world, worker, TimerKind.ABSENCE)
        world.advance(minutes=61)
        await chain_beats(world, due)
        await absence_has_not_fired(world, worker)
        await receiver_beats(world, due - SECOND)
        await absence_has_not_fired(world, worker)
        await receiver_beats(world, due)
        await until(partial(is_said, world, "absence fired"))


async def test_what_ends_the_wait_and_stands_before_the_beats_beats_the_timer() -> None:
    world = await memory_world(1)
    async with running(world, awaiting()) as worker:
        await expect(world, worker, TimerKind.ABSENCE)
    world.advance(minutes=61)
    await receiver_beats(world, START + HOUR)
    await put(world, topics.UNIQUE, 0, "b", b"x")
    await put(world, topics.UNIQUE, 0, "a", b"cancel")
    await chain_beats(world, START + HOUR)
    async with running(world, awaiting()) as worker:
        await until(lambda: worker.next_business_timer() is None)
        await absence_has_not_fired(world, worker)


async def test_what_ends_the_wait_and_stands_on_another_input_beats_the_timer_too() -> None:
    """The chain has passed; its own inputs are asked for after that."""
    world = await memory_world(1)
    producer = await world.broker.producer("someone-0")
    async with running(world, awaiting()) as worker:
        await expect(world, worker, TimerKind.ABSENCE)
        world.advance(minutes=61)
        await receiver_beats(world, START + HOUR)
        await looks_again(world, worker)
        await producer.begin()
        await producer.send([Outgoing(topics.SIGNALS, 0, b"a", b"cancel", (("ce_type", b"told"),))])
        await chain_beats(world, START + HOUR)
        await absence_has_not_fired(world, worker)
        await producer.commit("nobody", {})
        await until(lambda: worker.next_business_timer() is None)
        await absence_has_not_fired(world, worker)


async def test_a_deadline_does_not_wait_for_the_chain() -> None:
    world = await memory_world(1)
    async with running(world, awaiting()) as worker:
        await expect(world, worker, TimerKind.DEADLINE)
        world.advance(minutes=61)
        worker.wake()
        await until(partial(said, world, "deadline fired"))
    assert (await told(world))[0].chain_passed


async def test_an_outside_deadline_waits_for_the_chain_for_fifteen_minutes_and_says_that_it_did_not_pass() -> None:
    world = await memory_world(1)
    async with running(world, awaiting()) as worker:
        await expect(world, worker, TimerKind.OUTSIDE)
        world.advance(minutes=60)
        await looks_again(world, worker)
        world.advance(minutes=14, seconds=59)
        await looks_again(world, worker)
        assert "outside fired" not in await whats(world)
        world.advance(seconds=1)
        await looks_again(world, worker)
        await until(partial(is_said, world, "outside fired"))
    assert [one.chain_passed for one in await told(world) if one.what == "outside fired"] == [False]


async def test_an_outside_deadline_fires_at_once_when_the_chain_has_passed() -> None:
    world = await memory_world(1)
    async with running(world, awaiting()) as worker:
        await expect(world, worker, TimerKind.OUTSIDE)
        world.advance(minutes=60)
        await all_have_passed(world, START + HOUR)
        await until(partial(is_said, world, "outside fired"))
    assert (await told(world))[-1].chain_passed


async def test_each_outside_deadline_waits_fifteen_minutes_of_its_own() -> None:
    world = await memory_world(1)
    async with running(world, awaiting()) as worker:
        await put(world, topics.UNIQUE, 0, "a", b"outside 60")
        await put(world, topics.UNIQUE, 0, "b", b"outside 70")
        await looks_again(world, worker)
        for _ in range(75):
            world.advance(minutes=1)
            await looks_again(world, worker)
        assert (await whats(world)).count("outside fired") == 1
        for _ in range(10):
            world.advance(minutes=1)
            await looks_again(world, worker)
        assert (await whats(world)).count("outside fired") == 2


# --- being behind is told --------------------------------------------------------------------------------------------


async def test_a_task_tells_once_that_the_chain_is_behind_and_once_that_it_is_not_any_more() -> None:
    world = await memory_world(1)
    async with running(world, awaiting()) as worker:
        await put(world, topics.UNIQUE, 0, "a", b"absence 60")
        await put(world, topics.UNIQUE, 0, "b", b"absence 61")
        await looks_again(world, worker)
        world.advance(minutes=60)
        await looks_again(world, worker)
        world.advance(minutes=14, seconds=59)
        await looks_again(world, worker)
        assert await behind(world) == []
        for _ in range(30):
            world.advance(minutes=1)
            await looks_again(world, worker)
        (first,) = await behind(world)
        assert (first.behind, first.stage, first.number) == (True, "classify", 0)
        assert first.since == START + HOUR
        assert set(first.late) == {"enrich-0", "receiver"}
        await all_have_passed(world, world.clock.now())
        await until(partial(is_told, world, True, False))
        await looks_again(world, worker)
    assert [one.behind for one in await behind(world)] == [True, False]


async def test_who_is_late_is_named() -> None:
    world = await memory_world(2)
    async with running(world, awaiting()) as worker:
        await expect(world, worker, TimerKind.ABSENCE)
        world.advance(minutes=60)
        await chain_beats(world, START + HOUR, 0)
        await receiver_beats(world, START + HOUR)
        await looks_again(world, worker)
        world.advance(minutes=15)
        await looks_again(world, worker)
        (first,) = await behind(world)
    assert first.late == ("enrich-1",)


async def test_a_restart_neither_tells_it_again_nor_forgets_to_tell_its_end() -> None:
    world = await memory_world(1)
    async with killed(world, awaiting()) as worker:
        await expect(world, worker, TimerKind.ABSENCE)
        world.advance(minutes=60)
        await looks_again(world, worker)
        world.advance(minutes=15)
        await looks_again(world, worker)
        await until(partial(is_told, world, True))
    async with killed(world, awaiting()) as worker:
        await looks_again(world, worker)
        world.advance(minutes=20)
        await looks_again(world, worker)
        assert len(await behind(world)) == 1
    async with running(world, awaiting()) as worker:
        await all_have_passed(world, world.clock.now())
        await until(partial(is_told, world, True, False))
    async with running(world, awaiting()) as worker:
        await all_have_passed(world, world.clock.now())
        await looks_again(world, worker)
    assert await is_told(world, True, False)


async def test_it_is_not_over_because_nothing_waits_for_the_chain_just_now() -> None:
    """Else it were told, and told to be over, for each outside deadline that has gone on."""
    world = await memory_world(1)
    async with running(world, awaiting()) as worker:
        await expect(world, worker, TimerKind.OUTSIDE)
        for _ in range(76):
            world.advance(minutes=1)
            await looks_again(world, worker)
        assert "outside fired" in await whats(world)
        assert [one.behind for one in await behind(world)] == [True]
        await put(world, topics.UNIQUE, 0, "c", b"outside 1")
        for _ in range(17):
            world.advance(minutes=1)
            await looks_again(world, worker)
        assert (await whats(world)).count("outside fired") == 2
        assert [one.behind for one in await behind(world)] == [True]
        await all_have_passed(world, world.clock.now())
        await until(partial(is_told, world, True, False))


async def test_a_chain_that_is_a_little_behind_all_the_time_is_not_told_of() -> None:
    """There is always a timer that is due and waits for the next beat; none of them waits for long."""
    world = await memory_world(1)
    async with running(world, awaiting()) as worker:
        for minute in range(1, 61):
            await put(world, topics.UNIQUE, 0, f"key-{minute}", f"absence {minute}".encode())
        await looks_again(world, worker)
        for minute in range(1, 61):
            world.advance(minutes=1)
            await looks_again(world, worker)
            await all_have_passed(world, START + (minute - 2) * MINUTE)
            await until(partial(has_fired, world, max(0, minute - 2)))
    assert await behind(world) == []


async def has_fired(world: World, count: int) -> bool:
    return (await whats(world)).count("absence fired") == count


async def test_a_chain_that_stays_twenty_minutes_behind_is_told_of_once_and_for_all() -> None:
    world = await memory_world(1)
    async with running(world, awaiting()) as worker:
        for minute in range(1, 121):
            await put(world, topics.UNIQUE, 0, f"key-{minute}", f"absence {minute}".encode())
        await looks_again(world, worker)
        for _ in range(90):
            world.advance(minutes=1)
            await all_have_passed(world, world.clock.now() - 20 * MINUTE)
            await looks_again(world, worker)
        assert [one.behind for one in await behind(world)] == [True]


# --- a receiver that was away ----------------------------------------------------------------------------------------


async def test_a_gap_in_the_receivers_beats_is_known_to_whatever_fires_then_and_after_a_restart() -> None:
    world = await memory_world(1)
    back = START + 70 * MINUTE
    missed_until = back + timedelta(hours=4, minutes=15)
    async with running(world, awaiting()) as worker:
        await receiver_beats(world, START, START)
        await put(world, topics.UNIQUE, 0, "a", b"absence 60")
        await put(world, topics.UNIQUE, 0, "b", b"absence 120")
        await put(world, topics.UNIQUE, 0, "c", b"absence 400")
        await looks_again(world, worker)
        world.advance(minutes=70)
        await all_have_passed(world, back, back)
        await until(partial(is_said, world, "absence fired"))
        await put(world, topics.UNIQUE, 0, "d", b"deadline 1")
        await looks_again(world, worker)
        world.advance(minutes=1)
        worker.wake()
        await until(partial(is_said, world, "deadline fired"))
    (known,) = {one.missed_until for one in await told(world) if one.what == "deadline fired"}
    assert known == missed_until, "by what was heard in an earlier transaction"
    async with running(world, awaiting()) as worker:
        world.advance(minutes=59)
        await all_have_passed(world, world.clock.now(), back)
        await until(lambda: has_fired(world, 2))
        world.advance(minutes=300)
        await all_have_passed(world, world.clock.now(), back)
        await until(lambda: has_fired(world, 3))
    fired = [one.missed_until for one in await told(world) if one.what == "absence fired"]
    assert fired == [missed_until] * 3


async def test_a_receiver_beside_another_one_that_begins_anew_is_no_gap() -> None:
    world = await memory_world(1)
    async with running(world, awaiting()) as worker:
        for minute in range(10):
            await receiver_beats(world, START + minute * MINUTE, START)
        await receiver_beats(world, START + 9 * MINUTE, START + 9 * MINUTE)
        await receiver_beats(world, START + 10 * MINUTE, START + 9 * MINUTE)
        await looks_again(world, worker, topics.SIGNALS)
    assert {one.missed_until for one in await told(world)} == {None}


async def test_the_beat_that_tells_of_a_gap_closes_the_transaction_before_it() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, lanes=1, batch_seconds=10.0)
    back = START + 10 * MINUTE
    await receiver_beats(world, START, START)
    await put(world, topics.SIGNALS, 0, "a", b"1")
    await put(world, topics.SIGNALS, 0, "a", b"2")
    await put(world, topics.SIGNALS, 0, "a", b"3")
    await receiver_beats(world, back, back)
    await put(world, topics.SIGNALS, 0, "a", b"4")
    world.advance(minutes=10)
    async with running(world, awaiting()):
        await until(partial(said, world, "1", "2", "3", "4"))
    journals = await journal(world)
    by_record = {one.what: one.missed_until for one in await told(world)}
    assert by_record["1"] is None
    assert by_record["4"] == back + timedelta(hours=4, minutes=15)
    assert len({entry.missed_until for entry in journals if entry.taken}) == 2
    for entry in journals:
        (part,) = entry.taken or (None,)
        if part is not None:
            assert {by_record[str(n)] for n in range(part.first, part.next) if str(n) in by_record} <= {
                entry.missed_until
            }


async def journal(world: World) -> list[Journal]:
    return [
        msgspec.json.decode(r.value or b"", type=Journal) for r in await world.records(topics.journal_of("classify"))
    ]


# --- what cannot be read ---------------------------------------------------------------------------------------------


async def test_a_beat_that_nobody_can_read_is_a_dead_letter_and_those_beside_it_are_heard() -> None:
    world = await memory_world(1)
    due = START + HOUR
    async with running(world, awaiting()) as worker:
        await expect(world, worker, TimerKind.ABSENCE)
    world.advance(minutes=61)
    await chain_beats(world, due)
    await put(world, topics.UNIQUE, 0, "broken", b"{", "chain-beat")
    await receiver_beats(world, due)
    await put(world, topics.SIGNALS, 0, "broken too", b"{", "receiver-beat")
    async with running(world, awaiting()) as worker:
        await until(partial(is_said, world, "absence fired"))
        assert worker.problems() == []
    dead = await world.records(topics.dead_of("classify"))
    assert {record.key for record in dead} == {b"broken", b"broken too"}
