"""Records that wait for the world: how long they have waited, what they cost, and what may come between."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from time import process_time

import msgspec

from pipeline import parking
from pipeline.parking import PARKED
from pipeline.state import Change, Memory, View
from pipeline.surroundings import StageSpec
from pipeline.transaction import TIMER
from pipeline.worker import Worker
from schemas import topics
from schemas.reasons import RetryReason
from schemas.records import Outgoing, Record
from schemas.resources import SHOP_REDACT
from stages.stage import Retry
from tests.pipeline.chained import put, running
from tests.pipeline.world import START, Asking, Count, World, memory_world, until

GONE = "gone.example.com"
KEY = f"{GONE}/order/1"


def enriching(stage: Asking) -> StageSpec:
    return StageSpec("enrich", topics.RAW[:2], stage, passes_to=topics.ENRICHED)


async def told(world: World) -> list[Count]:
    return [msgspec.json.decode(record.value or b"", type=Count) for record in await world.records(topics.UNIQUE)]


def next_look(worker: Worker) -> datetime | None:
    tenure = worker._tasks[0]._tenure
    return None if tenure is None else tenure.settling.timers.next_wall()


async def test_what_was_tried_again_in_vain_has_waited_since_its_first_failure() -> None:
    world = await memory_world(1)
    stage = Asking(lambda request: None)
    await put(world, topics.RAW[0], 0, KEY, b"question")
    async with running(world, enriching(stage)) as worker:
        await until(lambda: next_look(worker) == START + timedelta(seconds=5))
        for seconds in (10, 20):
            world.advance(seconds=10)
            worker.wake()
            await until(lambda due=seconds + 5: next_look(worker) == START + timedelta(seconds=due))  # type: ignore[misc]
        stage.world = str
        world.advance(seconds=10)
        worker.wake()
        await until(lambda: worker.is_still)
    assert [count.number for count in await told(world)] == [30]


async def test_what_queues_up_while_its_key_is_erased_goes_on_by_itself() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, batch_records=1, lanes=1)
    stage = Asking(lambda request: None)
    says = (("ce_type", SHOP_REDACT.encode()), ("ce_source", f"//{GONE}".encode()), ("ce_id", b"1"))
    await put(world, topics.RAW[0], 0, KEY, b"before")
    appender = await world.broker.appender()
    await appender.append(Outgoing(topics.RAW[0], 0, GONE.encode(), msgspec.json.encode({"shop_domain": GONE}), says))
    await appender.close()
    for said in (b"one", b"two", b"three"):
        await put(world, topics.RAW[0], 0, KEY, said)
    async with running(world, enriching(stage)) as worker:
        await until(lambda: worker._tasks[0].parked == 3 and not len(worker._tasks[0]._reading))
        stage.world = str
        world.advance(seconds=10)
        worker.wake()
        await until(lambda: worker.is_still)
    assert [count.key for count in await told(world)] == ["one", "two", "three"]


def test_three_thousand_behind_one_key_cost_a_second_and_not_half_a_minute() -> None:
    memory, began = Memory([PARKED, TIMER]), process_time()
    for offset in range(3_000):
        view = View(memory, Change(), START)
        record = Record(topics.RAW[0], 0, offset, 0, b"a", b"", ())
        if parking.is_queued(view, "a"):
            parking.park_behind(view, record)
        else:
            parking.park(view, record, Retry(RetryReason.SLOW, timedelta(seconds=1)), START)
        memory.apply(view.change)
    for offset in range(3_000):
        view = View(memory, Change(), START)
        name, entry = parking.head(view, "a")
        assert entry.offset == offset
        parking.release(view, "a", name, START)
        memory.apply(view.change)
    assert memory.count(PARKED.name) == 0
    assert process_time() - began < 5.0
