"""What an order takes of which items, where its own bodies do not say it all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import orjson

from schemas.facts.stock import SoldFacts
from stages.shopify import shapes
from stages.shopify.answers import Found
from tests.stages.asking import SHOP, Enriching, enriching

ORDER, NUMBER = "gid://shopify/Order/42", 42
CREATED = datetime(2026, 11, 2, 8, tzinfo=UTC)
NAMED = {"shopify-topic": "Order", "shopify-resource-id": ORDER}
BODY = {"id": NUMBER, "created_at": CREATED.isoformat(), "updated_at": CREATED.isoformat(), "customer": None}


def knows(world: Enriching, cancelled: datetime | None = None, **units: int) -> None:
    """The order, and how many units of which items it has."""
    order = shapes.Order(ORDER, "#42", created_at=CREATED, updated_at=CREATED, cancelled_at=cancelled)
    world.shopify.told["OrderCore", ORDER] = Found(shapes.OrderCore(order))
    lines = [
        shapes.BoughtLine(
            f"gid://shopify/LineItem/{item}",
            current_quantity=count,
            variant=shapes.BoughtVariant(shapes.Named(f"gid://shopify/InventoryItem/{item.removeprefix('item')}")),
        )
        for item, count in units.items()
    ]
    lines.append(shapes.BoughtLine("gid://shopify/LineItem/9", current_quantity=5))
    bought = shapes.BoughtOrder(ORDER, shapes.BoughtLines(tuple(lines)))
    world.shopify.told["OrderItems", ORDER] = Found(shapes.LinesOfOrder(bought))


async def told(
    world: Enriching, topic: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> list[tuple[str, int, bool, datetime]]:
    """What the items hear of a delivery, once all that is waited for is over."""
    before = len(await world.events())
    await world.deliver(topic, body=orjson.dumps(body), headers=headers)
    await world.settled()
    for _ in range(4):
        await world.pass_time(timedelta(seconds=31))
    return [
        (event.subject.removeprefix(f"{SHOP}/inventory/"), event.facts.units, event.facts.is_open, event.facts.placed)
        for event in (await world.events())[before:]
        if isinstance(event.facts, SoldFacts)
    ]


async def test_of_an_order_that_only_events_tell_of_each_item_hears_once_for_each_change() -> None:
    world = await enriching()
    async with world.running():
        knows(world, item7=2, item8=1)
        first = await told(world, "orders/create", {"id": NUMBER}, NAMED)
        assert first == [("7", 2, True, CREATED), ("8", 1, True, CREATED)]
        assert await told(world, "orders/updated", {"id": NUMBER}, NAMED) == []
        knows(world, item7=2)
        assert await told(world, "orders/updated", {"id": NUMBER}, NAMED) == [
            ("7", 2, True, CREATED),
            ("8", 0, True, CREATED),
        ]
        knows(world, CREATED, item7=2)
        assert [count for _, count, _, _ in await told(world, "orders/updated", {"id": NUMBER}, NAMED)] == [0, 0]


async def test_an_order_of_very_many_variants_is_asked_for_its_items_and_one_that_is_deleted_takes_nothing() -> None:
    world = await enriching()
    lines = [{"id": number, "variant_id": number, "quantity": 1} for number in range(1, 80)]
    async with world.running():
        knows(world, item7=79)
        assert await told(world, "orders/create", BODY | {"line_items": lines}) == [("7", 79, True, CREATED)]
        assert await told(world, "orders/delete", {"id": NUMBER}) == [("7", 0, False, CREATED)]
        assert await told(world, "orders/delete", {"id": NUMBER}) == []
