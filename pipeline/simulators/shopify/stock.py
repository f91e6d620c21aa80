"""Products and their stock, in the shapes of Admin GraphQL."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.simulators.shopify.graph import Joined, Link, Part, Thing


class Product(Thing, frozen=True, kw_only=True):
    title: str
    status: str = "ACTIVE"
    tags: tuple[str, ...] = ()
    vendor: str = ""
    updated_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    variants: Joined = Joined("ProductVariant", "product")


class ProductVariant(Thing, frozen=True, kw_only=True):
    sku: str | None = None
    display_name: str
    inventory_policy: str = "DENY"
    sellable_online_quantity: int = 0
    requires_components: bool = False
    product: Link
    inventory_item: Link


class Location(Thing, frozen=True, kw_only=True):
    name: str
    is_active: bool = True
    fulfills_online_orders: bool = True
    has_active_inventory: bool = True


class InventoryQuantity(Part, frozen=True, kw_only=True):
    name: str
    quantity: int
    updated_at: datetime | None = None


class InventoryLevel(Thing, frozen=True, kw_only=True):
    item: Link
    location: Link
    is_active: bool = True
    updated_at: datetime
    quantities: tuple[InventoryQuantity, ...]


class InventoryItem(Thing, frozen=True, kw_only=True):
    sku: str | None = None
    tracked: bool = True
    updated_at: datetime
    variants: Joined = Joined("ProductVariant", "inventory_item")
    inventory_levels: Joined = Joined("InventoryLevel", "item")
