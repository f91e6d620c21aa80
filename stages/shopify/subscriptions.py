"""The webhook subscriptions that were made for a shop. Those of the app as a whole are shown to nobody."""

from __future__ import annotations

from schemas.facts.operations import Subscribed, SubscriptionsFacts
from schemas.resources import RESOURCES
from stages.shopify.answers import Found, Unavailable
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Reply
from stages.shopify.operations import Operation
from stages.shopify.shapes import PageInfo, Shape

_MOST_PAGES = 5
#: `ORDERS_CREATE` for `orders/create`: the words cannot be taken apart, so the topics that we know are put together.
_TOPICS = {topic.replace("/", "_").replace(".", "_").upper(): topic for topic in RESOURCES}


class Node(Shape, frozen=True):
    id: str
    topic: str
    uri: str | None = None
    filter: str | None = None
    include_fields: tuple[str, ...] = ()


class Page(Shape, frozen=True):
    nodes: tuple[Node, ...] = ()
    page_info: PageInfo = PageInfo()


class Subscriptions(Shape, frozen=True):
    webhook_subscriptions: Page


SUBSCRIPTIONS = Operation("Subscriptions", Subscriptions)


async def subscriptions(shopify: Shopify, lookup: Lookup) -> Reply:
    """Every page, or none: of half of them one could not tell which is missing."""
    found: list[Subscribed] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        answer = await shopify.query(lookup.shop, SUBSCRIPTIONS, {"after": after}, lookup.since)
        if not isinstance(answer, Found):
            return answer
        page = answer.value.webhook_subscriptions
        found += [
            Subscribed(_TOPICS.get(each.topic, each.topic.lower()), each.uri, each.filter, each.include_fields)
            for each in page.nodes
        ]
        if not page.page_info.has_next_page:
            return Found(SubscriptionsFacts(subscriptions=tuple(found)))
        after = page.page_info.end_cursor
    return Unavailable("more subscriptions than are read", answered=True)
