"""Facts of items, their levels and products, and of what orders take of them (use case 3)."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.facts.fact import Facts


class Level(Struct, frozen=True, omit_defaults=True):
    location_id: int
    location: str | None = None
    available: int | None = None
    online: bool = True
    active: bool = True


class Item(Struct, frozen=True, omit_defaults=True):
    """An inventory item, looked up. `available` is summed over active locations that fulfil online orders."""

    id: int
    sku: str | None = None
    tracked: bool | None = None
    product: str | None = None
    product_id: int | None = None
    product_status: str | None = None
    vendor: str | None = None
    tags: tuple[str, ...] = ()
    policy: str | None = None
    bundle: bool = False
    available: int | None = None
    on_hand: int | None = None
    committed: int | None = None
    incoming: int | None = None
    levels: tuple[Level, ...] = ()


class InventoryFacts(Facts, frozen=True, tag="inventory"):
    """inventory_levels/update, connect, disconnect. `available` None: untracked, or disconnected. `item`: looked up."""

    item_id: int
    location_id: int
    available: int | None = None
    updated: datetime | None = None
    disconnected: bool = False
    item: Item | None = None

    @property
    def untracked(self) -> bool:
        """Shopify says so itself, by a number that is null."""
        return self.available is None and not self.disconnected and "available" not in self.absent


class InventoryItemFacts(Facts, frozen=True, tag="inventory-item"):
    """inventory_items/create, update and delete."""

    item_id: int
    sku: str | None = None
    tracked: bool | None = None
    updated: datetime | None = None
    deleted: bool = False
    #: Looked up with `answer.inventory`.
    item: Item | None = None


class ProductVariant(Struct, frozen=True, omit_defaults=True):
    """Of a product, what stands for an inventory item."""

    item_id: int
    sku: str | None = None
    policy: str | None = None


class ProductFacts(Facts, frozen=True, tag="product"):
    """products/create, update and delete. `variants` None: looked up, where a body or an Event does not carry them.

    The copy for an inventory item has that one of its variants, and of one that was deleted none.
    """

    id: int
    title: str | None = None
    vendor: str | None = None
    status: str | None = None
    tags: tuple[str, ...] | None = None
    updated: datetime | None = None
    deleted: bool = False
    variants: tuple[ProductVariant, ...] | None = None


class SoldFacts(Facts, frozen=True, tag="sold"):
    """An order's copy for an inventory item that it has: how many units of it now, none where it was cancelled."""

    order_id: int
    placed: datetime
    units: int = 0
    is_open: bool = True
    order_name: str | None = None


class VariantFacts(Facts, frozen=True, tag="variant"):
    """variants/out_of_stock and /in_stock. `item` is looked up: the body has no inventory item."""

    id: int
    product_id: int | None = None
    title: str | None = None
    sku: str | None = None
    policy: str | None = None
    quantity: int | None = None
    in_stock: bool = False
    item: Item | None = None
