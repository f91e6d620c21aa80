"""inventory_levels/*, inventory_items/*, products/*, variants/* and locations/*."""

from __future__ import annotations

from msgspec import Raw

from schemas.facts.operations import LocationFacts
from schemas.facts.stock import InventoryFacts, InventoryItemFacts, ProductFacts, ProductVariant, VariantFacts
from stages.bodies.fields import (
    NULL,
    Body,
    count,
    flag,
    integer,
    many,
    moment,
    number,
    required,
    tags,
    text,
    whole,
    word,
)
from stages.bodies.parsed import About, Parsed

_ITEM_IN_GID = "?inventory_item_id="


class _Level(Body):
    inventory_item_id: Raw = NULL
    location_id: Raw = NULL
    available: Raw = NULL
    updated_at: Raw = NULL
    admin_graphql_api_id: Raw = NULL


def _level(body: bytes, disconnected: bool) -> Parsed:
    found = whole(body, _Level)
    of_gid = integer((text(found.admin_graphql_api_id) or "").partition(_ITEM_IN_GID)[2])
    facts = InventoryFacts(
        item_id=required(number(found.inventory_item_id) or of_gid, "$.inventory_item_id"),
        location_id=required(number(found.location_id), "$.location_id"),
        available=None if disconnected else count(found.available),
        updated=moment(found.updated_at),
        disconnected=disconnected,
        absent=("available",) if found.available is NULL and not disconnected else (),
    )
    return Parsed(facts, About("inventory", facts.item_id), facts.updated)


def level(body: bytes) -> Parsed:
    return _level(body, disconnected=False)


def level_disconnected(body: bytes) -> Parsed:
    return _level(body, disconnected=True)


class _Item(Body):
    id: Raw = NULL
    sku: Raw = NULL
    tracked: Raw = NULL
    updated_at: Raw = NULL


def item(body: bytes) -> Parsed:
    """The item's cost stays behind."""
    found = whole(body, _Item)
    facts = InventoryItemFacts(
        item_id=required(number(found.id), "$.id"),
        sku=text(found.sku),
        tracked=flag(found.tracked),
        updated=moment(found.updated_at),
    )
    return Parsed(facts, About("inventory", facts.item_id), facts.updated)


def item_deleted(body: bytes) -> Parsed:
    facts = InventoryItemFacts(item_id=required(number(whole(body, _Item).id), "$.id"), deleted=True)
    return Parsed(facts, About("inventory", facts.item_id))


class _VariantOf(Body):
    inventory_item_id: Raw = NULL
    sku: Raw = NULL
    inventory_policy: Raw = NULL


class _Product(Body):
    id: Raw = NULL
    title: Raw = NULL
    vendor: Raw = NULL
    status: Raw = NULL
    tags: Raw = NULL
    variants: Raw = NULL
    variant_gids: Raw = NULL
    updated_at: Raw = NULL


def product(body: bytes) -> Parsed:
    """Shopify writes the first hundred of its variants, and names all: where there are more, they are not known."""
    found = whole(body, _Product)
    listed = many(found.variants, _VariantOf)
    is_whole = found.variants is not NULL and len(many(found.variant_gids, Raw)) <= len(listed)
    facts = ProductFacts(
        id=required(number(found.id), "$.id"),
        title=text(found.title),
        vendor=text(found.vendor),
        status=word(found.status),
        tags=None if found.tags is NULL else tags(found.tags),
        updated=moment(found.updated_at),
        variants=_variants(listed) if is_whole else None,
    )
    return Parsed(facts, About("product", facts.id), facts.updated)


def _variants(listed: list[_VariantOf]) -> tuple[ProductVariant, ...]:
    found = ((number(one.inventory_item_id), one) for one in listed)
    return tuple(
        ProductVariant(item, text(one.sku), word(one.inventory_policy)) for item, one in found if item is not None
    )


def product_deleted(body: bytes) -> Parsed:
    facts = ProductFacts(id=required(number(whole(body, _Product).id), "$.id"), deleted=True)
    return Parsed(facts, About("product", facts.id))


class _Variant(Body):
    id: Raw = NULL
    product_id: Raw = NULL
    title: Raw = NULL
    sku: Raw = NULL
    inventory_policy: Raw = NULL
    inventory_quantity: Raw = NULL
    updated_at: Raw = NULL


def _variant(body: bytes, in_stock: bool) -> Parsed:
    found = whole(body, _Variant)
    facts = VariantFacts(
        id=required(number(found.id), "$.id"),
        product_id=number(found.product_id),
        title=text(found.title),
        sku=text(found.sku),
        policy=word(found.inventory_policy),
        quantity=count(found.inventory_quantity),
        in_stock=in_stock,
    )
    return Parsed(facts, About("variant", facts.id), moment(found.updated_at))


def out_of_stock(body: bytes) -> Parsed:
    return _variant(body, in_stock=False)


def in_stock(body: bytes) -> Parsed:
    return _variant(body, in_stock=True)


class _Location(Body):
    id: Raw = NULL
    name: Raw = NULL
    active: Raw = NULL
    updated_at: Raw = NULL


def location(body: bytes) -> Parsed:
    """The address and the phone of a location stay behind."""
    found = whole(body, _Location)
    facts = LocationFacts(id=required(number(found.id), "$.id"), name=text(found.name), active=flag(found.active))
    return Parsed(facts, About("location", facts.id), moment(found.updated_at))


def location_removed(body: bytes) -> Parsed:
    """Shopify deletes none that stocks anything."""
    found = whole(body, _Location)
    facts = LocationFacts(id=required(number(found.id), "$.id"), name=text(found.name), active=False, has_stock=False)
    return Parsed(facts, About("location", facts.id))
