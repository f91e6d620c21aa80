"""Next-generation Events: the body's shape is chosen by the subscription, so that only its identity is relied on.

What the rules must know is looked up like any other missing fact. Where neither the header nor the body names the
resource, the delivery stays what it is: verified, counted, not understood.
"""

from __future__ import annotations

from msgspec import Raw

from schemas.facts import (
    AnyFacts,
    FulfillmentOrderFacts,
    InventoryItemFacts,
    LocationFacts,
    OrderFacts,
    ReturnFacts,
    UnknownFacts,
)
from stages.bodies.fields import NULL, Body, integer, one, text, whole
from stages.bodies.parsed import About, Parsed


class _Delivery(Body):
    data: Raw = NULL


class _Resource(Body):
    id: Raw = NULL


def event(topic: str, gid: str | None, body: bytes) -> Parsed | None:
    """`topic` as Shopify names it (`Order`), `gid` of the header. None for a topic without typed facts.

    Raises Reject for a body that is no JSON object.
    """
    delivery = whole(body, _Delivery)
    named = gid or _named_in(topic, delivery)
    identity = integer(named)
    if named is None or identity is None or topic not in _KINDS:
        return None
    return Parsed(_facts(topic, named, identity), About(_KINDS[topic], identity))


_KINDS = {
    "Order": "order",
    "FulfillmentOrder": "fulfillment-order",
    "Return": "return",
    "InventoryItem": "inventory",
    "Location": "location",
}


def _facts(topic: str, gid: str, identity: int) -> AnyFacts:
    match topic:
        case "Order":
            return OrderFacts(id=identity)
        case "FulfillmentOrder":
            return FulfillmentOrderFacts(fulfillment_order=gid)
        case "Return":
            return ReturnFacts(id=identity)
        case "InventoryItem":
            return InventoryItemFacts(item_id=identity)
        case "Location":
            return LocationFacts(id=identity)
        case _:
            return UnknownFacts()


def _named_in(topic: str, delivery: _Delivery) -> str | None:
    """The resource in the answer of the subscription's own query, where it asked for its `id`."""
    fields = one(delivery.data, _FIELDS[topic]) if topic in _FIELDS else None
    found = one(fields.resource, _Resource) if fields else None
    return text(found.id) if found else None


class _Named(Body):
    resource: Raw = NULL


class _Order(_Named, rename={"resource": "order"}):
    pass


class _FulfillmentOrder(_Named, rename={"resource": "fulfillmentOrder"}):
    pass


class _Return(_Named, rename={"resource": "return"}):
    pass


class _InventoryItem(_Named, rename={"resource": "inventoryItem"}):
    pass


class _Location(_Named, rename={"resource": "location"}):
    pass


_FIELDS: dict[str, type[_Named]] = {
    "Order": _Order,
    "FulfillmentOrder": _FulfillmentOrder,
    "Return": _Return,
    "InventoryItem": _InventoryItem,
    "Location": _Location,
}
