"""What Shopify has that a topic has not told: the newest things of its kind, by their own times.

What is as new as a few minutes may still be on its way as a webhook, and does not count. One page is read: the rest is
`more`. Not promised: that Shopify's search has heard of what is new; it may lag behind by minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.configuration import SyncTopic
from schemas.facts.operations import SyncFacts
from stages.bodies.fields import instant
from stages.shopify.answers import Answer, Denied, Found
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Reply, told
from stages.shopify.operations import Operation
from stages.shopify.shapes import Moment, PageInfo, Shape


class Fulfilled(Shape, frozen=True):
    created_at: Moment


class OrderNode(Shape, frozen=True):
    id: str
    test: bool = False
    created_at: Moment | None = None
    updated_at: Moment | None = None
    fulfillments: tuple[Fulfilled, ...] = ()


class Orders(Shape, frozen=True):
    nodes: tuple[OrderNode, ...] = ()
    page_info: PageInfo = PageInfo()


class OrdersSince(Shape, frozen=True):
    orders: Orders


class ChangedLevel(Shape, frozen=True):
    updated_at: Moment | None = None


class ChangedLevels(Shape, frozen=True):
    nodes: tuple[ChangedLevel, ...] = ()


class ItemNode(Shape, frozen=True):
    id: str
    inventory_levels: ChangedLevels = ChangedLevels()


class Items(Shape, frozen=True):
    nodes: tuple[ItemNode, ...] = ()
    page_info: PageInfo = PageInfo()


class InventorySince(Shape, frozen=True):
    inventory_items: Items


ORDERS_SINCE = Operation("OrdersSince", OrdersSince)
FULFILLMENTS_SINCE = Operation("FulfillmentsSince", OrdersSince)
INVENTORY_SINCE = Operation("InventorySince", InventorySince)

#: A webhook may be this late without anything being wrong.
ON_ITS_WAY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Times:
    """When the things of one page were made or changed; there may be `more` pages."""

    times: tuple[datetime, ...]
    more: bool


async def newer(shopify: Shopify, lookup: Lookup) -> Reply:
    """`identity` is the topic and since when: `orders/create 2026-11-02T09:05:00+00:00`."""
    name, _, moment = lookup.identity.partition(" ")
    topic, since = next((topic for topic in SyncTopic if topic == name), None), instant(moment)
    if since is None or topic is None:
        return Denied(f"not what can be asked for: {lookup.identity}")
    until = (lookup.since or datetime.max.replace(tzinfo=UTC)) - ON_ITS_WAY
    ask = _items if topic is SyncTopic.INVENTORY_UPDATE else _orders

    def facts(found: Times) -> SyncFacts:
        times = [time for time in found.times if since < time <= until]
        return SyncFacts(since=since, newer=len(times), more=found.more, newest=max(times, default=None))

    return told(await ask(shopify, lookup, topic, since), facts)


async def _orders(shopify: Shopify, lookup: Lookup, topic: SyncTopic, since: datetime) -> Answer[Times]:
    """An order is updated with each of its fulfillments."""
    is_created = topic is SyncTopic.ORDERS_CREATE
    asked = {"query": _later("created_at" if is_created else "updated_at", since)}
    operation = FULFILLMENTS_SINCE
    if topic is not SyncTopic.FULFILLMENTS_CREATE:
        operation, asked = ORDERS_SINCE, {**asked, "sort": "CREATED_AT" if is_created else "UPDATED_AT"}
    answer = await shopify.query(lookup.shop, operation, asked, lookup.since)
    if not isinstance(answer, Found):
        return answer
    page = answer.value.orders
    found = (time for order in page.nodes if not order.test for time in _of(order, topic))
    return Found(Times(tuple(time for time in found if time is not None), page.page_info.has_next_page))


def _of(order: OrderNode, topic: SyncTopic) -> Iterable[datetime | None]:
    match topic:
        case SyncTopic.ORDERS_CREATE:
            return (order.created_at,)
        case SyncTopic.FULFILLMENTS_CREATE:
            return (each.created_at for each in order.fulfillments)
        case _:
            return (order.updated_at,)


async def _items(shopify: Shopify, lookup: Lookup, _: SyncTopic, since: datetime) -> Answer[Times]:
    """Each level that has changed is told of by a webhook of its own."""
    asked = {"query": _later("updated_at", since)}
    answer = await shopify.query(lookup.shop, INVENTORY_SINCE, asked, lookup.since)
    if not isinstance(answer, Found):
        return answer
    page = answer.value.inventory_items
    levels = (level.updated_at for item in page.nodes for level in item.inventory_levels.nodes)
    return Found(Times(tuple(time for time in levels if time is not None), page.page_info.has_next_page))


def _later(field: str, since: datetime) -> str:
    return f"{field}:>'{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"
