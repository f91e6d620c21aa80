"""A shop's erasure goes through the whole chain, and takes with it what every stage remembers of that shop alone."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import msgspec

from pipeline.demo.company import PARTITIONS, SHOP
from pipeline.simulators.scenario import Step
from pipeline.simulators.shopify import Delivery
from pipeline.state import split_key
from schemas import topics
from schemas.records import Record, TopicPartition
from schemas.resources import SHOP_REDACT
from tests.pipeline.world import until
from tests.system.clockwork import ALL, START, Clockwork, clockwork
from tests.system.waits import PAYMENT, RETURN

EVERYBODY = (*ALL, "group", "dispatch")
PASSED = (topics.ENRICHED, topics.UNIQUE, topics.ALERTS, topics.NOTIFICATIONS)


async def on(world: Clockwork, topic: str) -> list[Record]:
    found: list[Record] = []
    for number in range(PARTITIONS):
        partition = TopicPartition(topic, number)
        end = (await world.broker.stable_ends([partition]))[partition]
        async for records in world.broker.read(partition, 0, end):
            found.extend(records)
    return found


async def erasures(world: Clockwork, topic: str) -> Counter[int]:
    return Counter(record.partition for record in await on(world, topic) if record.header("ce_type") == SHOP_REDACT)


async def remembered(world: Clockwork, stage: str) -> set[str]:
    """The families under keys of the shop."""
    alive = {}
    for record in await on(world, topics.state_of(stage)):
        assert record.key is not None
        alive[record.partition, record.key] = record.value
    keys = [split_key(key) for (_, key), value in alive.items() if value is not None]
    return {family for routing, family, _ in keys if routing.startswith(f"{SHOP}/")}


async def is_gone(world: Clockwork) -> bool:
    return not any([await remembered(world, stage) for stage in ("enrich", "deduplicate", "classify")])


def redaction() -> Step:
    body = msgspec.json.encode({"shop_id": 1, "shop_domain": SHOP})
    return Step(START, 0, Delivery(SHOP_REDACT, body, SHOP, "redaction", START), "")


async def test_a_shops_erasure_passes_every_task_once_and_leaves_nothing_under_its_keys() -> None:
    async with clockwork(roles=EVERYBODY) as world:
        await world.happens([*PAYMENT.begins(START), *RETURN.begins(START)])
        await world.passes(timedelta(minutes=30))
        for stage in ("enrich", "deduplicate", "classify"):
            assert await remembered(world, stage), stage
        await world.happens([redaction()])
        await until(lambda: is_gone(world))
        for topic in PASSED:
            assert await erasures(world, topic) == Counter(range(PARTITIONS)), topic
        await world.passes(timedelta(hours=3))
        assert await world.fired(PAYMENT.rule) == []
        assert await is_gone(world)
