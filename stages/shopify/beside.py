"""What is looked up beside an event and told as an event of its own, before it: what no fact of its own could hold.

The order of a parcel, where it has not told of itself: it may be a test, or cancelled. How an order is to be shipped
that is shipped in part, or was routed anew. What an order comes to after an edit. And, of what is more than a day old,
how it stands: it may long be over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec.structs import replace

from schemas.events import Event, Source
from schemas.facts.orders import OrderEditFacts, OrderFacts
from schemas.facts.payments import TransactionFacts
from schemas.facts.returns import DispositionFacts, ReturnFacts, ReverseDeliveryFacts
from schemas.facts.shipments import FulfillmentFacts, FulfillmentOrderFacts, ParcelsFacts, RoutingFacts, ShipmentFacts
from stages.bodies.fields import integer
from stages.shopify.answers import Found
from stages.shopify.lookup import Lookup, Place, Reply, What

_ROUTED_ANEW = frozenset(
    f"fulfillment_orders/{word}"
    for word in ("moved", "split", "merged", "cancelled", "rescheduled", "scheduled_fulfillment_order_ready")
)
#: What rules tell of an order that may be a test, or cancelled meanwhile.
_TOLD = frozenset(
    f"fulfillment_orders/{word}"
    for word in (
        "fulfillment_request_rejected",
        "fulfillment_service_failed_to_complete",
        "cancellation_request_rejected",
        "progress_reported",
        "line_items_prepared_for_pickup",
        "line_items_prepared_for_local_delivery",
    )
)
_KINDS: Mapping[type, str] = {
    OrderFacts: "answer.order",
    RoutingFacts: "answer.routing",
    ParcelsFacts: "answer.parcels",
    ReturnFacts: "answer.return",
}


#: That the order is a test, or was brought over, is to be known before anything is told of it.
_FIRST = "order"


def beside(event: Event, place: Place | None, *, known: bool, late: bool) -> Mapping[str, Lookup]:
    """`known`: the order has told of itself. `late`: the event is more than a day old. By the names of what is unknown
    without them."""
    found = dict(_of_old(event, place)) if late else {}
    match event.facts:
        case OrderFacts(fulfillment="partial", cancelled=None) as facts:
            found["routing"] = Lookup(event.shop, What.ROUTING, str(facts.id), event.received, event.updated)
        case (FulfillmentFacts() | ShipmentFacts()) as facts if not known:
            found["order"] = _asked(event, What.ORDER, facts.order_id)
        case OrderEditFacts(order_id=order):
            found["order"] = _asked(event, What.ORDER, order)
        case FulfillmentOrderFacts() as facts:
            found |= _of_fulfillment_order(event, facts, place)
    return found


def _of_old(event: Event, place: Place | None) -> Iterator[tuple[str, Lookup]]:
    match event.facts:
        case (FulfillmentFacts() | ShipmentFacts()) as facts:
            yield "parcels", _asked(event, What.PARCELS, facts.order_id)
        case TransactionFacts(order_id=order):
            yield "order", _asked(event, What.ORDER, order)
        case ReturnFacts(id=identity) if event.source is not Source.EVENT:
            yield "return", _asked(event, What.RETURN_STATE, identity)
        case (ReverseDeliveryFacts() | DispositionFacts()) as facts:
            told = facts.return_id or (place.return_id if place else None)
            if told is not None:
                yield "return", _asked(event, What.RETURN_STATE, told)


def _asked(event: Event, what: What, identity: object) -> Lookup:
    return Lookup(event.shop, what, str(identity), event.received)


def _of_fulfillment_order(
    event: Event, facts: FulfillmentOrderFacts, place: Place | None
) -> Iterator[tuple[str, Lookup]]:
    identity = integer(facts.fulfillment_order) if place is None else place.identity
    if event.source is Source.EVENT or event.kind in _TOLD:
        yield "order", _asked(event, What.ORDER_BESIDE if place is None else What.ORDER, identity)
    if event.source is Source.EVENT or event.kind in _ROUTED_ANEW:
        yield "routing", _asked(event, What.ROUTING_BESIDE if place is None else What.ROUTING, identity)


def told_beside(event: Event, replies: Mapping[str, Reply | None], now: datetime) -> Iterator[Event]:
    """As answers, each of now."""
    for name, reply in sorted(replies.items(), key=lambda one: one[0] != _FIRST):
        if isinstance(reply, Found) and (kind := _KINDS.get(type(reply.value))) is not None:
            yield replace(
                event,
                kind=kind,
                source=Source.ANSWER,
                facts=reply.value,
                occurred=now,
                updated=None,
                delivery_id=f"{event.delivery_id}/{name}",
                incomplete=(),
                echo=False,
            )
