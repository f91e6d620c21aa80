"""What is known of an inventory item: its product, and its quantities over all locations; of a product its items."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from schemas.facts.stock import Item, Level, ProductFacts, ProductVariant
from stages.shopify import shapes
from stages.shopify.answers import Answer, Found, Missing, Unavailable
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Place, Reply, Stale, What, behind, gid, number, told, words
from stages.shopify.operations import Nodes, Operation
from stages.shopify.places import variant

INVENTORY_ITEMS: Operation[Nodes[shapes.InventoryItem]] = Operation("InventoryItems", Nodes[shapes.InventoryItem])
INVENTORY_LEVELS = Operation("InventoryLevels", shapes.LevelsOfItem)
PRODUCT = Operation("Product", shapes.ProductData)
#: A shop has no more than a thousand locations, a product no more than two thousand variants.
_MOST_PAGES = 25


async def item(shopify: Shopify, lookup: Lookup) -> Reply:
    def is_behind(node: shapes.InventoryItem) -> bool:
        return behind(_read_at(node), lookup.newer)

    def enough(node: shapes.InventoryItem) -> bool:
        """Where there are more pages, any of them may hold what has changed."""
        return not is_behind(node) or node.inventory_levels.page_info.has_next_page

    def value(node: shapes.InventoryItem) -> Item | Stale:
        return Stale() if is_behind(node) else item_of(node)

    asked = gid("InventoryItem", lookup.identity)
    answer = await shopify.node(lookup.shop, INVENTORY_ITEMS, asked, lookup.since, enough)
    return told(await _with_all_levels(shopify, lookup, answer), value)


async def _with_all_levels(
    shopify: Shopify, lookup: Lookup, answer: Answer[shapes.InventoryItem]
) -> Answer[shapes.InventoryItem]:
    for _ in range(_MOST_PAGES):
        if not isinstance(answer, Found) or not (page := answer.value.inventory_levels).page_info.has_next_page:
            break
        asked = {"id": answer.value.id, "after": page.page_info.end_cursor}
        more = await shopify.query(lookup.shop, INVENTORY_LEVELS, asked, lookup.since)
        if not isinstance(more, Found):
            return more
        if (item := more.value.inventory_item) is None:
            return Missing()
        levels = shapes.InventoryLevels((*page.nodes, *item.inventory_levels.nodes), item.inventory_levels.page_info)
        answer = Found(replace(answer.value, inventory_levels=levels))
    return answer


def _read_at(node: shapes.InventoryItem) -> datetime | None:
    """The newest change of any of its levels."""
    levels = node.inventory_levels.nodes
    times = [level.updated_at for level in levels] + [each.updated_at for level in levels for each in level.quantities]
    return max((time for time in times if time is not None), default=None)


def item_of(node: shapes.InventoryItem) -> Item:
    """Sums are over active locations that fulfil online orders; None where there is none, or not all could be read."""
    variant = node.variants.nodes[0] if node.variants.nodes else None
    product = variant.product if variant else None
    levels = node.inventory_levels
    online = [
        level
        for level in levels.nodes
        if level.is_active and level.location.is_active and level.location.fulfills_online_orders
    ]
    whole = bool(online) and not levels.page_info.has_next_page
    return Item(
        id=number(node.id),
        sku=node.sku,
        tracked=node.tracked,
        product=product.title if product else None,
        product_id=number(product.id) if product else None,
        product_status=words(product.status) if product else None,
        vendor=product.vendor if product else None,
        tags=product.tags if product else (),
        policy=words(variant.inventory_policy) if variant else None,
        bundle=any(each.requires_components for each in node.variants.nodes),
        available=_sum(online, "available") if whole else None,
        on_hand=_sum(online, "on_hand") if whole else None,
        committed=_sum(online, "committed") if whole else None,
        incoming=_sum(online, "incoming") if whole else None,
        levels=tuple(map(_level, levels.nodes)),
    )


def _sum(levels: list[shapes.InventoryLevel], name: str) -> int:
    return sum(_quantity(level, name) or 0 for level in levels)


def _quantity(level: shapes.InventoryLevel, name: str) -> int | None:
    return next((each.quantity for each in level.quantities if each.name == name), None)


def _level(found: shapes.InventoryLevel) -> Level:
    return Level(
        location_id=number(found.location.id),
        location=found.location.name,
        available=_quantity(found, "available"),
        online=found.location.fulfills_online_orders,
        active=found.is_active and found.location.is_active,
    )


async def item_of_variant(shopify: Shopify, lookup: Lookup) -> Reply:
    place = await variant(shopify, lookup)
    if not (isinstance(place, Found) and isinstance(place.value, Place)):
        return place
    return await item(shopify, Lookup(lookup.shop, What.ITEM, str(place.value.identity), lookup.since))


async def product(shopify: Shopify, lookup: Lookup) -> Reply:
    """With all of its variants, page by page."""
    variants: tuple[shapes.VariantItem, ...] = ()
    after: str | None = None
    for _ in range(_MOST_PAGES):
        asked = {"id": gid("Product", lookup.identity), "after": after}
        answer = await shopify.query(lookup.shop, PRODUCT, asked, lookup.since)
        if not isinstance(answer, Found):
            return answer
        if (node := answer.value.product) is None:
            return Missing()
        page = node.variants
        variants, after = (*variants, *page.nodes), page.page_info.end_cursor
        if not page.page_info.has_next_page:
            return Found(product_of(node, variants))
    return Unavailable("more variants than a product has", answered=True)


def product_of(node: shapes.ProductNode, variants: Sequence[shapes.VariantItem]) -> ProductFacts:
    items = ((number(variant.inventory_item.id), variant) for variant in variants if variant.inventory_item)
    return ProductFacts(
        id=number(node.id),
        title=node.title,
        vendor=node.vendor,
        status=words(node.status),
        tags=node.tags,
        updated=node.updated_at,
        variants=tuple(ProductVariant(item, variant.sku, words(variant.inventory_policy)) for item, variant in items),
    )
