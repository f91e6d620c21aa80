"""Facts of fulfillment orders, fulfillments and parcels (use case 2)."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.facts.fact import Facts
from schemas.facts.orders import Hold, Line


class FulfillmentOrderFacts(Facts, frozen=True, tag="fulfillment-order"):
    """fulfillment_orders/*. `message` is free text of a fulfillment service. `open_holds` (all of the order's) and the
    order are looked up where the source says nothing of them."""

    fulfillment_order: str
    status: str | None = None
    request_status: str | None = None
    message: str | None = None
    order_id: int | None = None
    order_name: str | None = None
    fulfill_at: datetime | None = None
    fulfill_by: datetime | None = None
    deliver_by: datetime | None = None
    open_holds: tuple[Hold, ...] | None = None


class Allotted(Struct, frozen=True, omit_defaults=True):
    """What a fulfillment order has of an order's line: `total` units, of which `remaining` are not shipped yet."""

    line: int
    total: int
    remaining: int
    ships: bool
    title: str | None = None
    sku: str | None = None


class Routed(Struct, frozen=True, omit_defaults=True):
    """One fulfillment order as it is now. `holds`: their reasons. `more`: it has more lines than these."""

    fulfillment_order: str
    status: str
    request_status: str | None = None
    fulfill_at: datetime | None = None
    fulfill_by: datetime | None = None
    deliver_by: datetime | None = None
    location: str | None = None
    holds: tuple[str, ...] = ()
    lines: tuple[Allotted, ...] = ()
    more: bool = False


class RoutingFacts(Facts, frozen=True, tag="routing"):
    """Looked up: how the order is to be shipped, as far as our scopes show it. `more`: in more than these."""

    order_id: int
    orders: tuple[Routed, ...] = ()
    more: bool = False


class FulfillmentFacts(Facts, frozen=True, tag="fulfillment"):
    """fulfillments/create and /update."""

    id: int
    order_id: int
    name: str | None = None
    status: str | None = None
    shipment_status: str | None = None
    carrier: str | None = None
    tracking_numbers: tuple[str, ...] = ()
    location_id: int | None = None
    created: datetime | None = None
    updated: datetime | None = None
    lines: tuple[Line, ...] = ()
    requires_shipping: bool | None = None
    #: Only looked up.
    estimated_delivery: datetime | None = None


class ShipmentFacts(Facts, frozen=True, tag="shipment"):
    """fulfillment_events/create and /delete: one carrier's event, and that it was taken back."""

    id: int
    fulfillment_id: int
    order_id: int
    status: str
    happened: datetime | None = None
    estimated_delivery: datetime | None = None
    country: str | None = None


class ParcelsFacts(Facts, frozen=True, tag="parcels"):
    """Looked up: the order's parcels as they are now, and the last scans of each. A scan of id 0 is known by its
    parcel only."""

    order_id: int
    parcels: tuple[FulfillmentFacts, ...] = ()
    scans: tuple[ShipmentFacts, ...] = ()
