"""The tags of what was bought: of all products of an order or a draft together. A product that is gone has none."""

from __future__ import annotations

import asyncio

from stages.shopify import shapes
from stages.shopify.answers import Found, Missing
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, ProductTags, Reply, gid
from stages.shopify.operations import Nodes, Operation

#: Tags change slowly: an answer of the last minutes serves, also for other orders.
PRODUCT_TAGS: Operation[Nodes[shapes.TaggedProduct]] = Operation("ProductTags", Nodes[shapes.TaggedProduct], keep=300.0)


ORDER_PRODUCTS = Operation("OrderProducts", shapes.OrderProducts)


async def product_tags(shopify: Shopify, lookup: Lookup) -> Reply:
    """`identity`: the numbers of the products, with commas between them, or nothing."""
    asked = [gid("Product", number) for number in lookup.identity.split(",") if number]
    answers = await asyncio.gather(*(shopify.node(lookup.shop, PRODUCT_TAGS, one) for one in asked))
    tags = set[str]()
    for answer in answers:
        if isinstance(answer, Found):
            tags.update(answer.value.tags)
        elif not isinstance(answer, Missing):
            return answer
    return Found(ProductTags(tuple(sorted(tags))))


async def of_order(shopify: Shopify, lookup: Lookup) -> Reply:
    """Of an order whose lines nobody has told: page by page."""
    tags, after = set[str](), None
    while True:
        asked = {"id": gid("Order", lookup.identity), "after": after}
        answer = await shopify.query(lookup.shop, ORDER_PRODUCTS, asked, lookup.since)
        if not isinstance(answer, Found):
            return answer
        if answer.value.order is None:
            return Missing()
        page = answer.value.order.line_items
        tags.update(tag for line in page.nodes if line.product and line.current_quantity for tag in line.product.tags)
        after = page.page_info.end_cursor
        if not page.page_info.has_next_page:
            return Found(ProductTags(tuple(sorted(tags))))
