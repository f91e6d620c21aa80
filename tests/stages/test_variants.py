"""Products: which items hear of them, and that they hear of each change once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from schemas.facts.stock import ProductFacts
from stages.shopify import shapes
from stages.shopify.answers import Found
from tests.stages.asking import enriching

NAMED = {"shopify-topic": "Product", "shopify-resource-id": "gid://shopify/Product/9"}


def linen(status: str, minute: int, *variants: tuple[int, str]) -> dict[str, object]:
    written = [{"id": item + 1, "inventory_item_id": item, "inventory_policy": policy} for item, policy in variants]
    at = f"2026-11-02T08:{minute:02}:00Z"
    return {"id": 9, "title": "Linen", "status": status, "tags": "", "variants": written, "updated_at": at}


def looked_up(*items: int, status: str = "ACTIVE", minute: int = 30) -> shapes.ProductData:
    named = (shapes.Named(f"gid://shopify/InventoryItem/{item}") for item in items)
    nodes = tuple(shapes.VariantItem(f"gid://shopify/ProductVariant/{item.id}", item) for item in named)
    now = datetime(2026, 11, 2, 8, minute, tzinfo=UTC)
    return shapes.ProductData(
        shapes.ProductNode(
            "gid://shopify/Product/9", "Linen", status, updated_at=now, variants=shapes.VariantItems(nodes)
        )
    )


async def test_a_product_tells_each_of_its_items_what_changed_of_it_once_and_that_it_is_gone() -> None:
    world = await enriching()

    async def told(
        topic: str, body: Mapping[str, object], items: int, headers: Mapping[str, str] | None = None
    ) -> list[tuple[str, str | None]]:
        before = len(await world.events())
        await world.deliver(topic, body=orjson.dumps(body), headers=headers)
        events = (await world.come(before + 1 + items))[before + 1 :]
        facts = [(event.subject, event.facts) for event in events if isinstance(event.facts, ProductFacts)]
        return [(name.rpartition("/")[2], "gone" if each.deleted else each.status) for name, each in facts]

    both = ((11, "deny"), (21, "deny"))
    async with world.running():
        assert await told("products/create", linen("active", 1, *both), 2) == [("11", "active"), ("21", "active")]
        assert await told("products/update", linen("active", 2, *both), 0) == []
        assert await told("products/update", linen("draft", 4, *both), 2) == [("11", "draft"), ("21", "draft")]
        assert await told("products/update", linen("active", 3, *both), 0) == []
        assert await told("products/update", linen("draft", 5, (11, "deny"), (21, "continue")), 1) == [("21", "draft")]
        world.shopify.told["Product", "gid://shopify/Product/9"] = Found(looked_up(11, 31))
        assert await told("products/update", {"id": 9}, 2, NAMED) == [("11", "active"), ("31", "active")]
        assert await told("products/update", linen("active", 7, (11, "deny")), 0) == []
        assert await told("products/update", linen("archived", 6, (11, "deny")), 1) == [("11", "archived")], (
            "in between"
        )
        named: dict[str, object] = {"variant_gids": [{}, {}, {}]}
        assert await told("products/update", linen("active", 41, (11, "deny")) | named, 0) == []
        asked = len(world.shopify.asked)
        world.shopify.told["Product", "gid://shopify/Product/9"] = Found(looked_up(11, 31, 41, status="DRAFT"))
        gone = [("11", "draft"), ("31", "draft"), ("41", "draft")]
        assert await told("products/update", linen("draft", 42, (11, "deny")) | named, 3) == gone
        assert len(world.shopify.asked) == asked + 1
        world.shopify.told["Product", "gid://shopify/Product/9"] = Found(looked_up(11, 31, minute=50))
        assert await told("products/update", {"id": 9}, 2, NAMED) == [("11", "active"), ("31", "active")]
        assert await told("products/delete", {"id": 9}, 2) == [("11", "gone"), ("31", "gone")]
        assert await told("products/delete", {"id": 9}, 0) == []
