"""An order and its parcels, as their webhooks tell them, minute by minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from schemas.alerts import Alert
from schemas.facts.orders import Line, OrderFacts
from schemas.facts.shipments import FulfillmentFacts, ShipmentFacts
from tests.stages.rules.world import NUMBER, START, Desk

PARCEL = 900
_NUMBERS = count(1)


def line(number: int, **changed: Any) -> Line:
    told: dict[str, Any] = {"id": number, "title": "Oak chair", "quantity": 1, "requires_shipping": True}
    return Line(**told | changed)


def ordered(desk: Desk, minute: float = 0, **changed: Any) -> list[Alert]:
    at = START + timedelta(minutes=minute)
    told: dict[str, Any] = {"id": NUMBER, "name": "#1001", "created": START, "updated": at, "financial": "paid"}
    told |= {"requires_shipping": True, "lines": (line(1),)}
    return desk.event("orders/updated", OrderFacts(**told | changed), updated=at, occurred=at)


def fulfilled(desk: Desk, minute: float = 0, parcel: int = PARCEL, **changed: Any) -> list[Alert]:
    """Marked as shipped at `minute`, in a parcel with the first line."""
    at = START + timedelta(minutes=minute)
    told: dict[str, Any] = {"id": parcel, "order_id": NUMBER, "name": "#1001.1", "status": "success", "carrier": "UPS"}
    told |= {"tracking_numbers": ("1Z1",), "created": at, "updated": at, "lines": (line(1),), "requires_shipping": True}
    return desk.event("fulfillments/update", FulfillmentFacts(**told | changed), updated=at, occurred=at)


def scanned(
    desk: Desk,
    status: str,
    minute: float = 1,
    parcel: int = PARCEL,
    promised: datetime | None = None,
    country: str = "US",
) -> list[Alert]:
    at = START + timedelta(minutes=minute)
    facts = ShipmentFacts(
        id=next(_NUMBERS),
        fulfillment_id=parcel,
        order_id=NUMBER,
        status=status,
        happened=at,
        estimated_delivery=promised,
        country=country,
    )
    return desk.event("fulfillment_events/create", facts, updated=at, occurred=at)
