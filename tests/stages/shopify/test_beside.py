"""What is looked up beside an event: whose order it is, how it is shipped, and how things stand that are old news."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from schemas.events import Event, Source
from schemas.facts.orders import OrderFacts
from schemas.facts.payments import TransactionFacts
from schemas.facts.returns import ReturnFacts
from schemas.facts.shipments import FulfillmentFacts, FulfillmentOrderFacts, RoutingFacts, ShipmentFacts
from schemas.facts.table import AnyFacts
from stages.shopify.answers import Found, Unavailable
from stages.shopify.beside import beside, told_beside
from stages.shopify.lookup import Place, Reply
from tests.stages.rules.world import NUMBER, SHOP, START

PARCEL = FulfillmentFacts(id=9, order_id=NUMBER)
SCAN = ShipmentFacts(id=8, fulfillment_id=9, order_id=NUMBER, status="in_transit")
SERVICE = FulfillmentOrderFacts(fulfillment_order="gid://shopify/FulfillmentOrder/7")
PAID = TransactionFacts(id=5, order_id=NUMBER, kind="sale", status="failure")
PARTIAL = OrderFacts(id=NUMBER, fulfillment="partial")


def event(kind: str, facts: AnyFacts, source: Source = Source.WEBHOOK) -> Event:
    subject = f"{SHOP}/order/{NUMBER}"
    return Event(kind, SHOP, subject, subject, START, START, "delivery-1", source, facts)


@pytest.mark.parametrize(
    ("told", "known", "late", "wanted"),
    [
        (event("fulfillments/create", PARCEL), False, False, {"order": "order"}),
        (event("fulfillments/create", PARCEL), True, False, {}),
        (event("fulfillment_events/create", SCAN), True, True, {"parcels": "parcels"}),
        (event("orders/updated", PARTIAL), True, False, {"routing": "routing"}),
        (event("orders/updated", replace(PARTIAL, cancelled=START)), True, False, {}),
        (event("orders/updated", replace(PARTIAL, fulfillment="fulfilled")), True, True, {}),
        (event("fulfillment_orders/order_routing_complete", SERVICE), False, False, {}),
        (event("fulfillment_orders/moved", SERVICE), False, False, {"routing": "routing-beside"}),
        (event("fulfillment_orders/cancellation_request_rejected", SERVICE), True, False, {"order": "order-beside"}),
        (
            event("FulfillmentOrder/update", SERVICE, Source.EVENT),
            False,
            False,
            {"routing": "routing-beside", "order": "order-beside"},
        ),
        (event("order_transactions/create", PAID), True, False, {}),
        (event("order_transactions/create", PAID), True, True, {"order": "order"}),
        (event("returns/close", ReturnFacts(id=4)), False, True, {"return": "return-state"}),
        (event("returns/close", ReturnFacts(id=4)), False, False, {}),
    ],
)
def test_what_is_looked_up_beside_an_event(told: Event, known: bool, late: bool, wanted: dict[str, str]) -> None:
    asked = beside(told, None, known=known, late=late)

    assert {name: str(lookup.what) for name, lookup in asked.items()} == wanted


def test_where_the_order_is_known_it_is_asked_by_its_number() -> None:
    asked = beside(event("fulfillment_orders/split", SERVICE), Place("order", NUMBER), known=True, late=False)

    assert [(str(lookup.what), lookup.identity) for lookup in asked.values()] == [("routing", str(NUMBER))]


def test_what_has_come_is_told_as_an_answer_of_now_and_what_has_not_is_not() -> None:
    routing, now = RoutingFacts(order_id=NUMBER), START + timedelta(hours=40)
    replies: dict[str, Reply | None] = {"routing": Found(routing), "order": Unavailable("down")}

    (told,) = told_beside(event("fulfillment_orders/moved", SERVICE), replies, now)

    assert (told.kind, told.source, told.facts, told.occurred) == ("answer.routing", Source.ANSWER, routing, now)
    assert told.delivery_id == "delivery-1/routing"
