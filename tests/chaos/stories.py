"""The load as a value: signed webhooks that tell what Shopify's truth says in the end, made from real bodies.

The stories are those of the simulated day, each told many times with ids of its own. All of it lies in the past, so
that timers of the business are due as soon as they are set, unless what ends them is already there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from pipeline.simulators.samples import sample
from pipeline.simulators.scenario.shelf import LAMP, WAREHOUSE, customers
from pipeline.simulators.scenario.steps import Change, deliveries
from pipeline.simulators.scenario.stories import approvals, orders, payments, returns, shipments
from pipeline.simulators.scenario.telling import Telling
from pipeline.simulators.shopify.deliveries import Delivery
from pipeline.simulators.shopify.graph import Thing, gid, link
from pipeline.simulators.shopify.stock import (
    InventoryItem,
    InventoryLevel,
    InventoryQuantity,
    Location,
    Product,
    ProductVariant,
)

SHOPS = tuple(f"chaos-{number}.myshopify.com" for number in range(1, 5))
#: The stories' day is over when the run begins; so far apart no two of them share an id.
_DAY = timedelta(hours=24)
_APART = timedelta(seconds=10)
_PLACE = 24826418
_READINGS = (25, 14, 6, 0, 40)


@dataclass(frozen=True)
class Told:
    """One story: its deliveries in their order, and how everything that it tells of is in the end."""

    deliveries: tuple[Delivery, ...]
    things: tuple[Thing, ...]


def stories(seed: int, start: datetime) -> Iterator[Told]:
    """Without end. The same arguments tell the same."""
    chance = Random(seed)
    number = 0
    while True:
        for tell in _STORIES:
            number += 1
            yield _told(tell, SHOPS[number % len(SHOPS)], start - _DAY - number * _APART, chance)


def _told(tell: Callable[[Telling], None], shop: str, start: datetime, chance: Random) -> Told:
    telling = Telling(shop, start, chance)
    telling.change(0, *customers())
    tell(telling)
    telling.steps.sort(key=lambda step: step.at)
    things: dict[str, Thing] = {}
    for step in telling.steps:
        if isinstance(step.act, Change):
            things |= {thing.id: thing for thing in step.act.things}
    return Told(tuple(_odd(chance, delivery) for delivery in deliveries(telling.steps)), tuple(things.values()))


def _odd(chance: Random, delivery: Delivery) -> Delivery:
    """Few are of a topic that nobody knows, or no JSON at all."""
    fate = chance.random()
    if fate < 0.004:
        return replace(delivery, body=b'{"id": 1, "note": \xff')
    return replace(delivery, topic="collections/update") if fate < 0.01 else delivery


def _stock(told: Telling) -> None:
    """An item of its own runs out and is restocked; what was read last is the truth."""
    item = told.number()
    for number, available in enumerate(_READINGS):
        minute = 60.0 * number
        body = sample("inventory_levels/update") | {
            "inventory_item_id": item,
            "location_id": _PLACE,
            "available": available,
            "updated_at": told.stamp(minute),
            "admin_graphql_api_id": _level(item),
        }
        told.webhook(minute, "inventory_levels/update", body, "stock")
    minute = 60.0 * _READINGS.index(0) + 1
    body = sample("variants/out_of_stock") | {
        "id": item + 1,
        "admin_graphql_api_id": gid("ProductVariant", item + 1),
        "product_id": item + 2,
        "sku": LAMP.sku,
        "updated_at": told.stamp(minute),
    }
    told.webhook(minute, "variants/out_of_stock", body, "stock")
    told.change(60.0 * len(_READINGS), *_shelved(told, item))


def _shelved(told: Telling, item: int) -> tuple[Thing, ...]:
    at = told.moment(60.0 * len(_READINGS))
    left = InventoryQuantity(name="available", quantity=_READINGS[-1], updated_at=at)
    return (
        Location(id=gid("Location", _PLACE), name=WAREHOUSE),
        Product(id=gid("Product", item + 2), title=LAMP.title, vendor=LAMP.vendor),
        ProductVariant(
            id=gid("ProductVariant", item + 1),
            sku=LAMP.sku,
            display_name=LAMP.title,
            product=link("Product", item + 2),
            inventory_item=link("InventoryItem", item),
        ),
        InventoryItem(id=gid("InventoryItem", item), sku=LAMP.sku, updated_at=at),
        InventoryLevel(
            id=_level(item),
            item=link("InventoryItem", item),
            location=link("Location", _PLACE),
            updated_at=at,
            quantities=(left,),
        ),
    )


def _level(item: int) -> str:
    return f"gid://shopify/InventoryLevel/{item + 3}?inventory_item_id={item}"


_STORIES: tuple[Callable[[Telling], None], ...] = (
    orders.tell,
    _stock,
    shipments.tell,
    _stock,
    payments.tell,
    approvals.tell,
    returns.tell,
)
