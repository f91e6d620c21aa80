"""Next-generation Events: the body's shape is chosen by the subscription, so that only its identity is relied on.

What the rules must know is looked up like any other missing fact. Where neither the header nor the body names the
resource, the delivery stays what it is: verified, counted, not understood.
"""

from __future__ import annotations

from msgspec import Raw

from schemas.facts.operations import LocationFacts, UnknownFacts
from schemas.facts.orders import OrderFacts
from schemas.facts.returns import RefundFacts, ReturnFacts
from schemas.facts.shipments import FulfillmentOrderFacts
from schemas.facts.stock import InventoryItemFacts, ProductFacts
from schemas.facts.table import AnyFacts
from stages.bodies import returns
from stages.bodies.fields import NULL, Body, integer, members, number, one, text, whole
from stages.bodies.orders import EMPTY_SAYS
from stages.bodies.parsed import About, Parsed


class _Delivery(Body):
    id: Raw = NULL
    data: Raw = NULL


class _Resource(Body):
    id: Raw = NULL


def event(topic: str, gid: str | None, body: bytes) -> Parsed | None:
    """`topic` as Shopify names it (`Order`), `gid` of the header. None for a topic without typed facts.

    Raises Reject for a body that is no JSON object.
    """
    named = gid or _named_in(topic, whole(body, _Delivery))
    identity = integer(named)
    if named is None or identity is None or topic not in _KINDS:
        return None
    return Parsed(_facts(topic, named, identity), About(_KINDS[topic], identity))


def identity_in(topic: str, gid: str | None, body: bytes) -> int | None:
    """Of the resource, whatever became of it; None where nothing names it. Raises Reject as `event` does."""
    delivery = whole(body, _Delivery)
    return integer(gid or _named_in(topic, delivery)) or number(delivery.id)


_KINDS = {
    "Order": "order",
    "FulfillmentOrder": "fulfillment-order",
    "Return": "return",
    "Refund": "refund",
    "InventoryItem": "inventory",
    "Product": "product",
    "Location": "location",
}


def _facts(topic: str, gid: str, identity: int) -> AnyFacts:
    match topic:
        case "Order":
            return OrderFacts(id=identity, absent=tuple(EMPTY_SAYS))
        case "FulfillmentOrder":
            return FulfillmentOrderFacts(fulfillment_order=gid)
        case "Return":
            return ReturnFacts(id=identity)
        case "Refund":
            return RefundFacts(id=identity, absent=tuple(returns.EMPTY_SAYS))
        case "InventoryItem":
            return InventoryItemFacts(item_id=identity)
        case "Product":
            return ProductFacts(id=identity)
        case "Location":
            return LocationFacts(id=identity)
        case _:
            return UnknownFacts()


#: Under which name a subscription's query answers with the resource.
_ASKED_AS = {
    "Order": "order",
    "FulfillmentOrder": "fulfillmentOrder",
    "Return": "return",
    "Refund": "refund",
    "InventoryItem": "inventoryItem",
    "Product": "product",
    "Location": "location",
}


def _named_in(topic: str, delivery: _Delivery) -> str | None:
    """The resource in the answer of the subscription's own query, where it asked for its `id`."""
    resource = members(delivery.data).get(_ASKED_AS.get(topic, ""), NULL)
    found = one(resource, _Resource)
    return text(found.id) if found else None
