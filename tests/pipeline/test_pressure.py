"""A slow world and a long backlog: what a task remembers is bounded, the rest stays on the log, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.chain import CHAIN_BEAT
from pipeline.state import Change, Memory, View, key_of
from pipeline.surroundings import Chain, Limits, StageSpec
from pipeline.timers import Timers
from pipeline.worker import Worker
from schemas import topics
from schemas.codec import decode, encode
from schemas.notifications import Receipt, SendingState, SendingStatus
from schemas.records import Outgoing, Record, TopicPartition, partition_of
from stages.classify import Classify
from stages.deduplicate import Deduplicate
from stages.dispatch import Dispatch
from stages.enrich import Enrich
from stages.group import Group
from stages.opentext.answers import SubmitAnswer, TryAgain
from stages.sending.sendings import WAITING
from stages.stage import Context, Emit, Family, Outcome, SetTimer, Timer, TimerKind, Work
from tests.pipeline.world import START, Count, World, at_work, memory_world, until
from tests.stages.opentext.desk import Account, configuration, notification, told

HOUR = timedelta(hours=1)
KEPT: Family[int] = Family("kept", int, most=100)
SHORT: Family[int] = Family("short", int, ttl=HOUR)
LIMITS = Limits(batch_records=50, lanes=4, idle_commit=0.01, backoff=0.01, beat=15.0)
#: What a transaction may take beyond its bound: two rounds of lanes.
LAST_TAKE = 2 * LIMITS.lanes


class Hoarding:
    """Keeps every record for an hour by the wall, then lets it go. `largest`: so many it has had at the same time."""

    families: Sequence[Family[Any]] = (KEPT,)

    def __init__(self) -> None:
        self.taken = self.gone = self.largest = 0

    def lane(self, timer: Timer) -> str:
        return f"{timer.routing}/{timer.name}"

    def plan(self, work: Work, context: Context) -> Sequence[str]:
        return ()

    async def perform(self, request: str) -> str:
        return request

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer):
            context.state.delete(KEPT, work.routing, work.name)
            self.gone += 1
            return [Emit(topics.UNIQUE, work.routing, Count(work.routing, int(work.name)), "count")]
        key = (work.key or b"").decode()
        context.state.put(KEPT, key, 1, str(work.offset))
        self.taken += 1
        self.largest = max(self.largest, self.taken - self.gone)
        return [SetTimer(key, str(work.offset), context.wall + HOUR, TimerKind.RETRY)]


def crowded(world: World, worker: Worker) -> bool:
    worker.measure()
    return world.metrics.registry.get_sample_value("pipeline_crowded_tasks", {"stage": worker.spec.name}) == 1


def rests(worker: Worker, number: int = 0) -> bool:
    """The task waits for something: all that it would have taken is taken."""
    return worker._tasks[number]._quiet.is_set()


async def backlog(world: World, count: int) -> None:
    await world.append(topics.ENRICHED, "a", *[b"x"] * count)


async def test_from_its_bound_on_a_task_takes_nothing_more_and_goes_on_by_itself_at_half_of_it() -> None:
    world = await memory_world(1)
    world.limits = LIMITS
    await backlog(world, 2_000)
    stage = Hoarding()

    def is_over() -> bool:
        if rests(worker):
            world.advance(hours=1)
            worker.wake()
        return stage.gone == 2_000

    async with world.worker(stage) as worker:
        await until(lambda: crowded(world, worker) and rests(worker))
        assert worker.problems() == []
        await until(is_over, 60)
        await until(lambda: not crowded(world, worker))
    assert stage.largest < 100 + LIMITS.batch_records + LAST_TAKE
    numbers = [decode(record, Count).number for record in await world.records(topics.UNIQUE)]
    assert sorted(numbers) == list(range(2_000))


async def test_who_takes_over_a_crowded_task_reads_nothing_until_there_is_room() -> None:
    world = await memory_world(2)
    world.limits = LIMITS
    full = partition_of(b"a", 2)
    await backlog(world, 1_000)
    async with world.doomed(Hoarding()) as worker:
        await until(lambda: crowded(world, worker) and rests(worker, full))
    stage = Hoarding()
    async with world.worker(stage) as worker:
        await until(lambda: crowded(world, worker) and rests(worker, full))
        await append_to(world, 1 - full, 3)
        await until(lambda: stage.taken == 3)
        await until(lambda: worker._tasks[full].oldest_unsettled() is None)
        assert stage.taken == 3
        world.advance(hours=1)
        worker.wake()
        await until(lambda: stage.taken > 3)


async def append_to(world: World, partition: int, count: int) -> None:
    appender = await world.broker.appender()
    for _ in range(count):
        await appender.append(Outgoing(topics.ENRICHED, partition, b"other", b"x"))
    await appender.close()


async def test_a_crowded_task_does_not_say_that_it_has_passed_what_it_has_not_read() -> None:
    world = await memory_world(1)
    world.limits = LIMITS
    spec = StageSpec("enrich", (topics.RAW[0],), Hoarding(), chain=Chain.BEATS)
    async with at_work(Worker(spec, world.around())) as worker:
        await until(lambda: beats(world, 1))
        await world.append(topics.RAW[0], "a", *[b"x"] * 1_000)
        await until(lambda: crowded(world, worker) and rests(worker))
        said = len(await told_beats(world))
        for _ in range(3):
            world.advance(seconds=16)
            await turned(worker)
        assert len(await told_beats(world)) == said

        async def says_more() -> bool:
            world.advance(hours=1)
            await turned(worker)
            return await beats(world, said + 1)

        await until(says_more, 30)


async def turned(worker: Worker) -> None:
    """Woken, the task has looked at everything once, and waits again."""
    worker.wake()
    await until(lambda: not worker._tasks[0]._wake.is_set())
    await until(lambda: rests(worker))


async def told_beats(world: World) -> list[Record]:
    return [one for one in await world.records(topics.ENRICHED) if one.header("ce_type") == CHAIN_BEAT]


async def beats(world: World, count: int) -> bool:
    return len(await told_beats(world)) >= count


def test_only_stages_whose_timers_go_by_wall_time_are_held_back_by_what_they_remember() -> None:
    """A deadline waits for the log to be read: where nothing is read it would wait for ever."""
    stages: tuple[type[Any], ...] = (Enrich, Deduplicate, Classify, Group, Dispatch)
    bounded = {stage: [family.name for family in stage.families if family.most is not None] for stage in stages}
    assert {stage: names for stage, names in bounded.items() if names} == {
        Enrich: ["late"],
        Dispatch: ["waiting", "followed"],
    }
    assert {stage for stage in stages if hasattr(stage, "perform")} == {Enrich, Dispatch}


# --- dispatch, while OpenText is down ---------------------------------------------------------------------------------


class Closable(Account):
    """503 while it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.is_open = False

    async def submit(self, submission: Any, message_id: str, trace: str | None = None) -> SubmitAnswer:
        if not self.is_open:
            return TryAgain("HTTP 503")
        return await super().submit(submission, message_id, trace)


class Few(Dispatch):
    """`dispatch` with room for forty."""

    families = tuple(replace(family, most=40) if family is WAITING else family for family in Dispatch.families)


@asynccontextmanager
async def dispatching(world: World, account: Account) -> AsyncIterator[Worker]:
    inputs = (topics.NOTIFICATIONS, topics.SENDING_STATUS)
    async with at_work(Worker(StageSpec("dispatch", inputs, Few(configuration(), account)), world.around())) as w:
        yield w


async def arrive(world: World, count: int) -> list[str]:
    """Over five groups, to one team."""
    names = [f"m{number:03}" for number in range(count)]
    values = [encode(notification(name, f"g{int(name[1:]) % 5}")) for name in names]
    await world.append(topics.NOTIFICATIONS, "desk", *values)
    return names


async def receipts(world: World) -> list[Receipt]:
    return [decode(record, Receipt) for record in await world.records(topics.RECEIPTS)]


async def test_a_backlog_waits_on_the_log_while_opentext_is_down_and_then_goes_out_once_each_and_in_order() -> None:
    world = await memory_world(1)
    world.limits = LIMITS
    account = Closable()
    names = await arrive(world, 400)
    async with dispatching(world, account) as worker:
        await until(lambda: crowded(world, worker) and rests(worker))
        assert waiting(worker) < 40 + LIMITS.batch_records + LAST_TAKE
        said = SendingStatus("desk", "m000", told("Sent", message_id="m000", job_id="xsi-1").body.decode(), START)
        await world.append(topics.SENDING_STATUS, "desk", encode(said))
        account.is_open = True
        await until(lambda: goes_on(world, worker, account, 400), 60)
        await until(lambda: not crowded(world, worker))
        at = TopicPartition(topics.SENDING_STATUS, partition_of(b"desk", 1))
        await until(lambda: worker.positions().get(at) == 1)
    assert sorted(account.called) == names
    for group in range(5):
        assert [name for name in account.called if int(name[1:]) % 5 == group] == names[group::5]
    assert SendingState.CANCELLED not in {receipt.state for receipt in await receipts(world)}


def waiting(worker: Worker) -> int:
    tenure = worker._tasks[0]._tenure
    return 0 if tenure is None else tenure.settling.memory.count(WAITING.name)


def goes_on(world: World, worker: Worker, account: Account, count: int) -> bool:
    if rests(worker):
        world.advance(minutes=1)
        worker.wake()
    return len(account.jobs) == count


async def test_an_outage_with_a_kill_in_it_sends_each_once_all_the_same() -> None:
    world = await memory_world(1)
    world.limits = LIMITS
    account = Closable()
    names = await arrive(world, 200)
    first = Worker(StageSpec("dispatch", (topics.NOTIFICATIONS,), Few(configuration(), account)), world.around())
    running = asyncio.create_task(first.run(asyncio.Event()))
    await until(lambda: first._tasks and crowded(world, first) and rests(first))
    for task in (running, *first._runs.values()):
        task.cancel()
    await asyncio.gather(running, *first._runs.values(), return_exceptions=True)
    account.is_open = True
    async with dispatching(world, account) as worker:
        await until(lambda: worker._tasks and goes_on(world, worker, account, 200), 60)
    assert sorted(account.called) == names


# --- what is kept beside the entries ----------------------------------------------------------------------------------


def put(memory: Memory, name: str, at: datetime) -> None:
    view = View(memory, Change(), at)
    view.put(SHORT, "a", 1, name)
    memory.apply(view.change)


def test_a_hundred_thousand_rewrites_of_the_same_keys_leave_no_more_behind_than_a_few() -> None:
    memory, timers = Memory([SHORT]), Timers()
    for number in range(100_000):
        at = START + timedelta(seconds=number / 1000)
        put(memory, str(number % 10), at)
        timers.put(Timer("a", str(number % 10), at + HOUR, TimerKind.DEADLINE))
    assert len(memory) == len(timers) == 10
    assert len(memory._expiring) <= 1_100
    assert sum(map(len, timers._heaps.values())) <= 1_100


step = st.tuples(st.sampled_from(["put", "delete"]), st.integers(0, 5), st.integers(0, 50))


@given(st.lists(step), st.sampled_from([0, 900, 1_100, 2_500]), st.lists(step), st.integers(0, 120))
def test_nothing_that_is_due_is_lost_when_old_ends_are_thrown_out(
    before: list[tuple[str, int, int]], rewrites: int, after: list[tuple[str, int, int]], later: int
) -> None:
    """`later` minutes after the start; each name's entry ends an hour after its newest put, its timer is due then."""
    memory, timers = Memory([SHORT]), Timers()
    ends: dict[str, datetime] = {}
    many: list[tuple[str, int, int]] = [("put", 9, number % 50) for number in range(rewrites)]
    for what, number, minute in [*before, *many, *after]:
        name, at = str(number), START + timedelta(minutes=minute)
        if what == "put":
            put(memory, name, at)
            timers.put(Timer("a", name, at + HOUR, TimerKind.DEADLINE))
            ends[name] = at + HOUR
        else:
            memory.restore(key_of("a", SHORT.name, name), None)
            timers.remove(("a", name))
            ends.pop(name, None)
    now = START + timedelta(minutes=later)
    due = sorted(name for name, end in ends.items() if end <= now)
    ended = memory.expired(now, 10_000)
    assert sorted(set(ended)) == [key_of("a", SHORT.name, name) for name in due]
    taken = [timer.name for timer in timers.take(TimerKind.DEADLINE, now, 10_000)]
    assert sorted(taken) == due


@given(st.integers(0, 12), st.lists(st.tuples(st.sampled_from(["put", "delete"]), st.integers(0, 12))))
def test_crowded_is_on_at_the_bound_and_off_at_half_of_it(filled: int, steps: list[tuple[str, int]]) -> None:
    few: Family[int] = Family("few", int, most=8)
    memory, there, was_crowded = Memory([few]), set[int](), False
    for what, number in [*(("put", number) for number in range(filled)), *steps]:
        key = key_of("a", few.name, str(number))
        view = View(memory, Change(), START)
        if what == "put":
            view.put(few, "a", 1, str(number))
            memory.apply(view.change)
            there.add(number)
        else:
            memory.restore(key, None)
            there.discard(number)
        was_crowded = len(there) >= 8 or (was_crowded and len(there) > 4)
        assert bool(memory.crowded) is was_crowded
