"""What fell due is done once, when the log allows it, and is put off where it fails; nothing of it goes in silence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

import msgspec

from pipeline.memory import Call, Fate, Script
from pipeline.tenure import Tenure
from pipeline.worker import Worker
from schemas import topics
from schemas.journal import Journal
from schemas.reasons import RejectReason
from schemas.records import Outgoing, TopicPartition
from stages.stage import Context, Outcome, Timer, Work
from tests.pipeline.chained import Expecting, awaiting, killed, put, running, whats
from tests.pipeline.world import START, Asking, World, memory_world, until

RAW = TopicPartition(topics.RAW[0], 0)


class Failing(Expecting):
    """Its timers fail until it is mended."""

    is_mended = False

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer) and not self.is_mended:
            raise ZeroDivisionError("a bug")
        return super().process(work, context)


async def says(world: World, expected: list[str]) -> bool:
    return await whats(world) == expected


def tenure_of(worker: Worker) -> Tenure | None:
    return worker._tasks[0]._tenure if worker.owned() else None


def next_retry(worker: Worker) -> datetime | None:
    tenure = tenure_of(worker)
    return None if tenure is None else tenure.settling.timers.next_wall()


def waits_for_log(worker: Worker) -> bool:
    tenure = tenure_of(worker)
    return tenure is not None and tenure.waits_for_log


async def test_a_stage_without_calls_tries_again_when_its_retry_is_due() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", b"retry 1")
    async with world.worker(Expecting()) as worker:
        await until(partial(next_retry, worker))
        world.advance(minutes=2)
        worker.wake()
        await until(partial(says, world, ["retry fired"]))


async def test_the_retry_of_a_stage_without_calls_waits_for_what_is_on_the_log() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", b"retry 1")
    async with world.worker(Expecting()) as worker:
        await until(partial(next_retry, worker))
        producer = await world.broker.producer("upstream")
        await producer.begin()
        await producer.send([Outgoing(topics.ENRICHED, 0, b"a", b"cancel")])
        world.advance(minutes=2)
        worker.wake()
        await until(lambda: waits_for_log(worker))
        await producer.commit("upstream", {})
        await until(lambda: next_retry(worker) is None and worker.is_still)
    assert await whats(world) == []


async def test_a_deadline_that_fails_is_put_off_by_a_minute_until_it_is_mended() -> None:
    world = await memory_world(1)
    stage = Failing()
    await world.append(topics.ENRICHED, "a", b"deadline 1")
    async with world.worker(stage) as worker:
        await until(worker.next_business_timer)
        for minutes in (2, 3):
            world.advance(minutes=1)
            worker.wake()
            due = START + timedelta(minutes=minutes)
            await until(lambda due=due: worker.next_business_timer() == due)  # type: ignore[misc]
        stage.is_mended = True
        world.advance(minutes=1)
        worker.wake()
        await until(partial(says, world, ["deadline fired"]))


async def test_of_a_timer_that_was_cancelled_in_its_last_moment_the_journal_does_not_say_that_it_fired() -> None:
    world = await memory_world(1)
    await put(world, topics.UNIQUE, 0, "a", b"deadline 1")
    async with killed(world, awaiting()) as worker:
        await until(worker.next_business_timer)
    world.advance(minutes=2)
    await put(world, topics.UNIQUE, 0, "a", b"cancel")
    async with running(world, awaiting()) as worker:
        await until(lambda: worker.transactions and worker.next_business_timer() is None)
    written = await world.records(topics.journal_of("classify"))
    entries = [msgspec.json.decode(record.value or b"", type=Journal) for record in written]
    assert len([part for entry in entries for part in entry.taken]) == 2
    assert [entry.fired for entry in entries if entry.fired] == []


async def parked(worker: Worker, number: int) -> None:
    await until(lambda: worker.owned() == 1 and worker._tasks[0].parked == number)


async def test_a_parked_record_that_retention_took_is_a_dead_letter_and_those_behind_it_go_on() -> None:
    world = await memory_world(1)
    stage = Asking(lambda request: None)
    await world.append(topics.RAW[0], "a", b"1", b"2")
    async with world.worker(stage, "enrich") as worker:
        await parked(worker, 2)
        world.memory.truncate(RAW, 1)
        stage.world = str
        world.advance(seconds=10)
        worker.wake()
        await parked(worker, 0)
    (letter,) = await world.records(topics.dead_of("enrich"))
    assert letter.key == b"a"
    assert RejectReason.RETENTION.value.encode() in [value for _, value in letter.headers]
    assert len(await world.records(topics.UNIQUE)) == 1


async def test_a_parked_record_that_cannot_be_read_just_now_is_read_again_a_minute_later() -> None:
    script = Script()
    world = await memory_world(1, script)
    stage = Asking(lambda request: None)
    await world.append(topics.RAW[0], "a", b"1")
    async with world.worker(stage, "enrich") as worker:
        await parked(worker, 1)
        stage.world = str
        script.next(Call.READ, Fate.UNAVAILABLE)
        world.advance(seconds=10)
        worker.wake()
        await until(lambda: next_retry(worker) == START + timedelta(seconds=70))
        world.advance(minutes=1)
        worker.wake()
        await parked(worker, 0)
        assert len(await world.records(topics.UNIQUE)) == 1
