"""What was bought: an order's lines, and the tags of all products of an order or a draft. One that is gone has none."""

from __future__ import annotations

import asyncio

from schemas.facts.orders import Line
from stages.shopify import shapes
from stages.shopify.answers import Answer, Denied, Found, Missing
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lines, Lookup, OrderItems, ProductTags, Reply, gid, number
from stages.shopify.operations import Nodes, Operation
from stages.shopify.paging import pages_of

#: Tags change slowly: an answer of the last minutes serves, also for other orders.
PRODUCT_TAGS: Operation[Nodes[shapes.TaggedProduct]] = Operation("ProductTags", Nodes[shapes.TaggedProduct], keep=300.0)

ORDER_PRODUCTS = Operation("OrderProducts", shapes.LinesOfOrder)
ORDER_LINES = Operation("OrderLines", shapes.LinesOfOrder)
ORDER_ITEMS = Operation("OrderItems", shapes.LinesOfOrder)
_MOST_PAGES = 40


async def product_tags(shopify: Shopify, lookup: Lookup) -> Reply:
    """`identity`: the numbers of the products, with commas between them, or nothing."""
    asked = [gid("Product", product) for product in lookup.identity.split(",") if product]
    answers = await asyncio.gather(*(shopify.node(lookup.shop, PRODUCT_TAGS, one) for one in asked))
    tags = set[str]()
    for answer in answers:
        if isinstance(answer, Found):
            tags.update(answer.value.tags)
        elif not isinstance(answer, Missing):
            return answer
    return Found(ProductTags(tuple(sorted(tags))))


async def of_order(shopify: Shopify, lookup: Lookup) -> Reply:
    """Of an order whose lines nobody has told."""
    bought = await _all_lines(shopify, lookup, ORDER_PRODUCTS)
    if not isinstance(bought, Found):
        return bought
    tags = {tag for line in bought.value if line.product and line.current_quantity for tag in line.product.tags}
    return Found(ProductTags(tuple(sorted(tags))))


async def lines(shopify: Shopify, lookup: Lookup) -> Reply:
    """What is in an order of which an Event tells, or a body without its lines."""
    bought = await _all_lines(shopify, lookup, ORDER_LINES)
    return Found(Lines(tuple(map(_line, bought.value)))) if isinstance(bought, Found) else bought


async def items(shopify: Shopify, lookup: Lookup) -> Reply:
    """Which inventory items an order has: lines whose variant is gone, and those of no variant, have none."""
    bought = await _all_lines(shopify, lookup, ORDER_ITEMS)
    if not isinstance(bought, Found):
        return bought
    units: dict[int, int] = {}
    for line in bought.value:
        if line.variant is not None and line.variant.inventory_item is not None:
            item = number(line.variant.inventory_item.id)
            units[item] = units.get(item, 0) + line.current_quantity
    return Found(OrderItems(units))


def _line(found: shapes.BoughtLine) -> Line:
    price = found.original_unit_price_set
    return Line(
        id=number(found.id),
        sku=found.sku,
        title=found.title,
        quantity=found.quantity,
        current_quantity=found.current_quantity,
        price=price.shop_money.amount if price else None,
        requires_shipping=found.requires_shipping,
        gift_card=found.is_gift_card,
    )


async def _all_lines(
    shopify: Shopify, lookup: Lookup, operation: Operation[shapes.LinesOfOrder]
) -> Answer[tuple[shapes.BoughtLine, ...]]:
    """Of an order whose pages do not end nothing is known."""
    answer = await pages_of(
        shopify,
        lookup,
        operation,
        lambda data: data.order,
        lambda order: order.line_items.page_info,
        _MOST_PAGES,
    )
    if not isinstance(answer, Found):
        return answer
    if answer.value[-1].line_items.page_info.has_next_page:
        return Denied(f"more than {_MOST_PAGES} pages of lines")
    return Found(tuple(line for order in answer.value for line in order.line_items.nodes))
