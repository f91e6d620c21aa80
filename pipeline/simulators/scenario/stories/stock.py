"""Use case 3: two things run low, one of them out."""

from __future__ import annotations

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.shelf import LAMP, SHELF, SHIRT, WAREHOUSE, Goods
from pipeline.simulators.scenario.telling import Telling
from pipeline.simulators.shopify.graph import Thing, gid, link
from pipeline.simulators.shopify.stock import (
    InventoryItem,
    InventoryLevel,
    InventoryQuantity,
    Location,
    Product,
    ProductVariant,
)

_PLACE = 24826418


def tell(told: Telling) -> None:
    told.use_case = 3
    told.change(0, Location(id=gid("Location", _PLACE), name=WAREHOUSE))
    for goods in SHELF:
        told.change(0, *_shelved(told, 0, goods, 60))
    _counted(told, 12, SHIRT, 25, "nothing: the first reading is a baseline")
    _counted(told, 244, SHIRT, 14, "nothing: still enough")
    _counted(told, 428, SHIRT, 6, "inventory-low fires")
    told.webhook(390, "inventory_levels/update", _level(told, 390, SHIRT, 11), "nothing: an older reading", arrives=446)
    _counted(told, 702, SHIRT, 40, "inventory-low ends: restocked")
    _counted(told, 18, LAMP, 13, "nothing: the first reading is a baseline")
    _counted(told, 540, LAMP, 0, "inventory-low and inventory-out fire: it cannot be sold any more")
    told.webhook(541, "variants/out_of_stock", _variant(told, 541, LAMP), "nothing new: the same, of the variant")
    _counted(told, 1010, LAMP, 30, "both end: restocked")


def _counted(told: Telling, minute: float, goods: Goods, available: int, why: str) -> None:
    told.change(minute, *_shelved(told, minute, goods, available))
    told.webhook(minute, "inventory_levels/update", _level(told, minute, goods, available), why)


def _level(told: Telling, minute: float, goods: Goods, available: int) -> Json:
    return sample("inventory_levels/update") | {
        "inventory_item_id": goods.item,
        "location_id": _PLACE,
        "available": available,
        "updated_at": told.stamp(minute),
        "admin_graphql_api_id": f"gid://shopify/InventoryLevel/{goods.item + 1}?inventory_item_id={goods.item}",
    }


def _variant(told: Telling, minute: float, goods: Goods) -> Json:
    return sample("variants/out_of_stock") | {
        "id": goods.variant,
        "admin_graphql_api_id": gid("ProductVariant", goods.variant),
        "product_id": goods.product,
        "title": "Default Title",
        "sku": goods.sku,
        "price": str(goods.price),
        "inventory_policy": goods.policy.lower(),
        "updated_at": told.stamp(minute),
    }


def _shelved(told: Telling, minute: float, goods: Goods, available: int) -> tuple[Thing, ...]:
    at = told.moment(minute)
    counts = {"available": available, "on_hand": available + 2, "committed": 2, "incoming": 0}
    return (
        Product(id=gid("Product", goods.product), title=goods.title, tags=goods.tags, vendor=goods.vendor),
        ProductVariant(
            id=gid("ProductVariant", goods.variant),
            sku=goods.sku,
            display_name=f"{goods.title} - Default Title",
            inventory_policy=goods.policy,
            sellable_online_quantity=available,
            product=link("Product", goods.product),
            inventory_item=link("InventoryItem", goods.item),
        ),
        InventoryItem(id=gid("InventoryItem", goods.item), sku=goods.sku, updated_at=at),
        InventoryLevel(
            id=f"gid://shopify/InventoryLevel/{goods.item + 1}?inventory_item_id={goods.item}",
            item=link("InventoryItem", goods.item),
            location=link("Location", _PLACE),
            updated_at=at,
            quantities=tuple(
                InventoryQuantity(name=name, quantity=count, updated_at=at) for name, count in counts.items()
            ),
        ),
    )
