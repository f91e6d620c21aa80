"""What a task's journal says is what it did: worked through again it gives the same, byte for byte."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp
import msgspec
import structlog

from pipeline import logs
from pipeline.app import TOPOLOGY, Outside, Pipeline
from pipeline.chain import is_to_every_task
from pipeline.clock import SteppingClock
from pipeline.demo.company import PARTITIONS, SHOP, Keys, company
from pipeline.demo.day import Day
from pipeline.kafka import KafkaBroker
from pipeline.memory import Call, Fate, MemoryBroker, Script
from pipeline.metrics import Metrics
from pipeline.restoring import MARK_KEY, OWN
from pipeline.settings import Secrets
from pipeline.settling import Settling
from pipeline.simulators.opentext import OpenTextSettings, OpenTextSimulator
from pipeline.simulators.scenario import LENGTH, Player, day
from pipeline.simulators.serving import serve
from pipeline.simulators.shopify import Admin, AdminSettings, Sender, ShopifySimulator, Store
from pipeline.state import Memory
from pipeline.surroundings import Surroundings
from pipeline.sweeping import Part
from pipeline.timers import Timers
from pipeline.transaction import TIMER, Moment, Origin
from pipeline.watermarks import SharedWatermarks
from schemas import topics
from schemas.journal import Journal
from schemas.records import Outgoing, Record, TopicPartition
from schemas.resources import SHOP_REDACT
from stages.classify import Classify
from stages.group import Group
from stages.stage import Stage, SweepCause, Visit
from tests.pipeline.chained import all_have_passed, awaiting, killed, put, receiver_beats, running, whats
from tests.pipeline.world import START, World, at_work, memory_world, until

INPUTS = (topics.UNIQUE, topics.SIGNALS)


async def on(broker: Any, topic: str, number: int = 0) -> list[Record]:
    partition = TopicPartition(topic, number)
    end = (await broker.stable_ends([partition]))[partition]
    return [record async for records in broker.read(partition, 0, end) for record in records]


async def journal(broker: Any, stage: str = "classify", number: int = 0) -> list[Journal]:
    records = await on(broker, topics.journal_of(stage), number)
    return [msgspec.json.decode(record.value or b"", type=Journal) for record in records]


def require_contiguous(entries: Sequence[Journal], positions: dict[str, int]) -> None:
    reached: dict[str, int] = defaultdict(int)
    for entry in entries:
        for part in entry.taken:
            assert part.first == reached[part.topic]
            assert part.next > part.first
            reached[part.topic] = part.next
    assert reached == positions


async def require_exact(broker: Any, entries: Sequence[Journal], stage: str = "classify", number: int = 0) -> None:
    """Every transaction ends with its mark: where the first of its changes stands is what its entry says."""
    firsts: list[int] = []
    begins = True
    for record in await on(broker, topics.state_of(stage), number):
        if begins:
            firsts.append(record.offset)
        begins = record.key == MARK_KEY
    assert [entry.changelog for entry in entries] == firsts


async def stood(world: World) -> dict[str, int]:
    """Up to where the group knows the inputs as settled."""
    found = await world.broker.committed("classify", [TopicPartition(topic, 0) for topic in INPUTS])
    return {partition.topic: offset for partition, offset in found.items() if offset}


# --- what stands in it -----------------------------------------------------------------------------------------------


async def worked(world: World, rounds: int) -> None:
    """Through kills: records, timers that fire, heartbeats."""
    world.limits = replace(world.limits, batch_records=7, lanes=2)
    for number in range(rounds):
        for each in range(10):
            await put(world, topics.UNIQUE, 0, f"key-{each}", f"said-{number}-{each}".encode())
        await put(world, topics.UNIQUE, 0, f"timed-{number}", b"deadline 1")
        await all_have_passed(world, world.clock.now())
        life = running if number % 2 else killed
        async with life(world, awaiting()):
            await until(partial(has_said, world, f"said-{number}-9"), 20)
        world.advance(minutes=2)
    async with running(world, awaiting()) as worker:
        await until(partial(has_fired, world, rounds), 20)
        await until(lambda: worker.is_still, 20)


async def has_said(world: World, what: str) -> bool:
    return what in await whats(world)


async def has_fired(world: World, count: int) -> bool:
    return (await whats(world)).count("deadline fired") == count


async def test_it_takes_everything_once_and_says_where_the_changelog_stood() -> None:
    world = await memory_world(1)
    await worked(world, 6)
    entries = await journal(world.broker)
    require_contiguous(entries, await stood(world))
    await require_exact(world.broker, entries)
    assert sorted(fired.routing for entry in entries for fired in entry.fired) == [f"timed-{n}" for n in range(6)]
    assert [entry.now for entry in entries] == sorted(entry.now for entry in entries)


async def test_what_was_aborted_does_not_stand_in_it_and_the_changelog_is_exact_behind_it() -> None:
    script = Script()
    world = await memory_world(1, script)
    world.limits = replace(world.limits, batch_records=3, lanes=1)
    await receiver_beats(world, START)
    for fate in (Fate.UNAVAILABLE, Fate.ANSWER_LOST, Fate.UNAVAILABLE):
        await put(world, topics.UNIQUE, 0, "a", f"before-{fate}".encode())
        for call in (Call.SEND, Call.COMMIT):
            script.next(call, fate)
        async with running(world, awaiting()) as worker:
            for number in range(20):
                await put(world, topics.UNIQUE, 0, "a", f"{fate}-{number}".encode())
            await until(partial(has_said, world, f"{fate}-19"))
            await until(lambda: worker.is_still)
    entries = await journal(world.broker)
    require_contiguous(entries, await stood(world))
    await require_exact(world.broker, entries)


async def test_on_a_real_kafka_it_is_as_exact(kafka_broker: KafkaBroker) -> None:
    await kafka_broker.create_topics(topics.catalogue())
    world = World(kafka_broker)
    await worked(world, 3)
    entries = await journal(kafka_broker)
    require_contiguous(entries, await stood(world))
    await require_exact(kafka_broker, entries)


# --- worked through again --------------------------------------------------------------------------------------------


@dataclass
class Walker:
    """Feeds a stage what its journal says, in that order and at those times."""

    broker: MemoryBroker
    stage: Stage
    name: str
    number: int

    async def outputs(self) -> list[Outgoing]:
        clock = SteppingClock(START)
        log = structlog.get_logger()
        around = Surroundings(self.broker, clock, Metrics(), log, SharedWatermarks(self.broker))
        memory = Memory([*OWN, *self.stage.families])
        settling = Settling(self.stage, Origin(self.name, self.number, PARTITIONS), memory, Timers(), around)
        inputs = {row.name: row.inputs for row in TOPOLOGY}[self.name]
        held = {topic: await on(self.broker, topic, self.number) for topic in inputs}
        found: list[Outgoing] = []
        for entry in await journal(self.broker, self.name, self.number):
            batch = settling.batch(Moment(entry.now, entry.wall, entry.missed_until))
            for part in entry.taken:
                taken = [record for record in held[part.topic] if part.first <= record.offset < part.next]
                await settling.settle_records(batch, [record for record in taken if not is_to_every_task(record)])
            for fired in entry.fired:
                timer = batch.view().get(TIMER, fired.routing, fired.name)
                assert timer is not None
                assert timer.due == fired.due
                settling.fire(batch, timer, chain_passed=fired.chain_passed)
            for part_of in entry.visited:
                visits = [Visit(routing, SweepCause(part_of.cause), part_of.about) for routing in part_of.routings]
                settling.settle_visits(batch, Part(visits, ()))
            settling.sweep(batch)
            settling.committed(batch)
            found.extend(batch.outgoing)
        return found


async def written(broker: MemoryBroker, name: str, number: int) -> dict[tuple[str, int], list[bytes]]:
    """What the stage of that task has on the log, but for the runner's own words."""
    found: dict[tuple[str, int], list[bytes]] = defaultdict(list)
    for spec in topics.catalogue():
        for partition in range(PARTITIONS):
            for record in await on(broker, spec.name, partition):
                is_ours = (record.header("ce_id") or "").startswith(f"{name}/{number}/")
                if is_ours and record.header("ce_type") not in ("chain-behind", SHOP_REDACT):
                    found[spec.name, partition].append(_bytes(record))
    return found


def _bytes(record: Record | Outgoing) -> bytes:
    return msgspec.msgpack.encode((record.key, record.value, record.headers, record.timestamp))


def by_partition(outputs: Sequence[Outgoing]) -> dict[tuple[str, int], list[bytes]]:
    found: dict[tuple[str, int], list[bytes]] = defaultdict(list)
    for record in outputs:
        found[record.topic, record.partition].append(_bytes(record))
    return found


@asynccontextmanager
async def played() -> AsyncIterator[tuple[MemoryBroker, Pipeline]]:
    """A day in the store of the demo, over."""
    end = datetime.now(UTC)
    clock, keys, store = SteppingClock(end - LENGTH), Keys(), Store(SHOP)
    broker = MemoryBroker(PARTITIONS, clock)
    await broker.create_topics(topics.catalogue())
    async with AsyncExitStack() as closing:
        admin = Admin(store, AdminSettings(token=keys.admin))
        shopify = await closing.enter_async_context(serve(ShopifySimulator(SHOP, admin, None, clock.now).application))
        simulated = OpenTextSimulator(OpenTextSettings(users={"demo": keys.opentext}))
        opentext = await closing.enter_async_context(serve(simulated.application))
        outside = Outside(broker, clock, logs.silent(), Secrets(keys.environ))
        pipeline = Pipeline(company(shopify, opentext, "demo"), outside)
        async with at_work(pipeline):
            await pipeline.started()
            receiver = f"http://127.0.0.1:{pipeline.receiver_port}"
            session = await closing.enter_async_context(aiohttp.ClientSession())
            sender = Sender(session, f"{receiver}/webhooks/shopify", keys.shopify, within=10.0)
            player = Player(store, sender, session, receiver, keys.tokens)
            await Day(pipeline, clock, player, None).play(day(end, 7, SHOP), end)
            yield broker, pipeline


async def test_history_worked_through_again_gives_the_same_byte_for_byte() -> None:
    async with played() as (broker, pipeline):
        whole, digest = pipeline._following.in_force.configuration, pipeline.configuration_hash
        for number in range(PARTITIONS):
            for name, stage in (("classify", Classify(whole, digest)), ("group", Group(whole))):
                entries = await journal(broker, name, number)
                await require_exact(broker, entries, name, number)
                assert {entry.configuration for entry in entries} == {digest}
                again = await Walker(broker, stage, name, number).outputs()
                assert by_partition(again) == await written(broker, name, number)
        alerts = [one for number in range(PARTITIONS) for one in await on(broker, topics.ALERTS, number)]
        assert len(alerts) > 50
