"""A stage with its part in the chain, in the small world: what is said to every task, and what waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from pipeline.surroundings import Chain, StageSpec
from pipeline.worker import Worker
from schemas import topics
from schemas.codec import encode
from schemas.records import Outgoing, Record, TopicPartition
from schemas.signals import ChainBeat, ReceiverBeat, Signal
from stages.stage import CancelTimer, Context, Emit, Family, Outcome, SetTimer, Timer, TimerKind, Work
from tests.pipeline.world import World, at_work, doomed, until

PREFIX = "pipeline"
ABOUT = f"{PREFIX}/pipeline"


class Told(Struct, frozen=True):
    """What the toy stages emit: `what` a record said or which timer fired, and what the context knew then."""

    what: str
    chain_passed: bool = True
    missed_until: datetime | None = None


class Forwarding:
    """Says again what a record says, on `onto`."""

    families: Sequence[Family[Any]] = ()

    def __init__(self, onto: str) -> None:
        self._onto = onto

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        assert isinstance(work, Record)
        return [Emit(self._onto, _key(work), Told(_text(work)), "told")]


class Expecting:
    """`KIND MINUTES` sets its key's timer, `cancel` ends it; whatever else a record says is said again."""

    families: Sequence[Family[Any]] = ()

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer):
            return [_told(work.routing, f"{work.kind} fired", context)]
        key, (first, *more) = _key(work), _text(work).split()
        if first == "cancel":
            return [CancelTimer(key, "expected")]
        if more:
            due = context.now + timedelta(minutes=float(more[0]))
            return [SetTimer(key, "expected", due, TimerKind(first))]
        return [_told(key, first, context)]


def _told(key: str, what: str, context: Context) -> Emit:
    return Emit(topics.ALERTS, key, Told(what, context.chain_passed, context.missed_until), "told")


def _key(record: Record) -> str:
    return (record.key or b"").decode(errors="replace")


def _text(record: Record) -> str:
    return (record.value or b"").decode()


ENRICH = "enrich"


def beating(stage: Any) -> StageSpec:
    return StageSpec(ENRICH, topics.RAW[:2], stage, chain=Chain.BEATS, passes_to=topics.ENRICHED)


def passing() -> StageSpec:
    return StageSpec("deduplicate", (topics.ENRICHED,), Forwarding(topics.UNIQUE), passes_to=topics.UNIQUE)


def awaiting(stage: Any = None) -> StageSpec:
    inputs = (topics.UNIQUE, topics.SIGNALS)
    given = Expecting() if stage is None else stage
    return StageSpec("classify", inputs, given, chain=Chain.AWAITS, passes_to=topics.ALERTS, journaled=True)


@asynccontextmanager
async def running(world: World, spec: StageSpec) -> AsyncIterator[Worker]:
    async with at_work(Worker(spec, world.around())) as worker:
        await until(lambda: worker.is_member and not worker.problems())
        yield worker


@asynccontextmanager
async def killed(world: World, spec: StageSpec) -> AsyncIterator[Worker]:
    """At the end nothing of it is drained or closed."""
    async with doomed(Worker(spec, world.around())) as worker:
        await until(lambda: worker.is_member and not worker.problems())
        yield worker


# --- what others say -------------------------------------------------------------------------------------------------


async def put(world: World, topic: str, partition: int, key: str, value: bytes, kind: str = "told") -> None:
    appender = await world.broker.appender()
    headers = (("ce_type", kind.encode()), ("ce_id", b"1"))
    await appender.append(Outgoing(topic, partition, key.encode(), value, headers))
    await appender.close()


def _signal(of: type[Signal], world: World, at: datetime, **more: Any) -> bytes:
    return encode(of(PREFIX, ABOUT, at, world.clock.wall(), **more))


async def chain_beats(world: World, at: datetime, sender: int = 0, partition: int = 0) -> None:
    beat = _signal(ChainBeat, world, at, sender=sender)
    await put(world, topics.UNIQUE, partition, ABOUT, beat, "chain-beat")


async def receiver_beats(world: World, at: datetime, up_since: datetime | None = None, partition: int = 0) -> None:
    beat = _signal(ReceiverBeat, world, at, up_since=up_since)
    await put(world, topics.SIGNALS, partition, ABOUT, beat, "receiver-beat")


async def all_have_passed(world: World, at: datetime, up_since: datetime | None = None) -> None:
    """Of one partition: its sender, and a receiver."""
    await receiver_beats(world, at, up_since)
    await chain_beats(world, at)


# --- what is seen ----------------------------------------------------------------------------------------------------


async def told(world: World, topic: str = topics.ALERTS) -> list[Told]:
    return [
        msgspec.json.decode(record.value or b"", type=Told)
        for record in await world.records(topic)
        if record.header("ce_type") == "told"
    ]


async def whats(world: World, topic: str = topics.ALERTS) -> list[str]:
    return [one.what for one in await told(world, topic)]


async def looks_again(world: World, worker: Worker, topic: str = topics.UNIQUE) -> None:
    """Some transactions are made, in each of which it would have done whatever was due."""
    nudged = TopicPartition(topic, 0)
    for _ in range(3):
        await put(world, topic, 0, "nudge", b"nudge")
        end = (await world.broker.high_watermarks([nudged]))[nudged]
        await until(lambda end=end: worker.positions()[nudged] >= end)  # type: ignore[misc]
