"""Facts of fulfillments, shipments, holds and fulfillment orders."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest

from schemas.facts.orders import Hold, HoldFacts, Line
from schemas.facts.shipments import FulfillmentFacts, FulfillmentOrderFacts, ShipmentFacts
from schemas.resources import raw_key
from stages.bodies.parsed import About
from stages.bodies.table import facts_of
from stages.stage import Reject
from tests.stages.bodies.reading import NEW_YEAR, ORDER, facts, parsed, varied

SHOP = "demo.myshopify.com"
FIRST = "gid://shopify/FulfillmentOrder/1"


def shipped(identity: int, sku: str, title: str, price: str, product: int | None) -> Line:
    return Line(identity, sku, title, None, product, 1, None, Decimal(price), requires_shipping=True)


@pytest.mark.parametrize("topic", ["fulfillments/create", "fulfillments/update"])
def test_a_fulfillment_is_read_exactly_and_is_of_its_order(topic: str) -> None:
    read = parsed(topic, "fulfillments_create__1")

    assert (read.about, read.updated) == (About("order", ORDER), NEW_YEAR)
    assert read.facts == FulfillmentFacts(
        id=123456,
        order_id=ORDER,
        name="#9999.1",
        status="pending",
        carrier="UPS",
        tracking_numbers=("1z827wk74630",),
        created=NEW_YEAR,
        updated=NEW_YEAR,
        lines=(
            shipped(487817672276298554, "SKU2006-001", "Aviator sunglasses", "89.99", 788032119674292922),
            shipped(789012345678901234, "LENS-PROTECT-2YR", "Lens Protection Plan (2 Year)", "19.99", None),
            shipped(890123456789012345, "CASE-LEATHER-PREM", "Premium Leather Case", "24.99", None),
            shipped(976318377106520349, "SKU2006-020", "Mid-century lounger", "159.99", 788032119674292922),
            shipped(315789986012684393, "SKU2006-035", "Coffee table", "119.99", 788032119674292922),
        ),
        requires_shipping=True,
    )


def test_a_single_tracking_number_counts_where_there_is_no_list() -> None:
    found = varied("fulfillments/create", {"tracking_numbers": [], "tracking_number": "Z1"}).facts
    assert isinstance(found, FulfillmentFacts)
    assert found.tracking_numbers == ("Z1",)


def test_a_shipment_status_that_is_null_is_known_and_one_without_its_key_is_not() -> None:
    said, silent = varied("fulfillments/create"), varied("fulfillments/create", without=("shipment_status",))
    assert (said.facts.absent, silent.facts.absent) == ((), ("shipment_status",))


def test_a_carriers_event_is_read_exactly() -> None:
    read = parsed("fulfillment_events/create", "fulfillment_events_create__1")

    assert (read.about, read.updated) == (About("order", ORDER), NEW_YEAR)
    assert read.facts == ShipmentFacts(
        id=1234567, fulfillment_id=123456, order_id=ORDER, status="in_transit", happened=NEW_YEAR, country="CA"
    )


def test_an_estimated_delivery_and_a_new_word_of_a_carrier_are_kept() -> None:
    changes = {"status": "Handed_To_Drone", "estimated_delivery_at": "2026-03-05T18:00:00-05:00"}
    found = varied("fulfillment_events/create", changes).facts
    assert isinstance(found, ShipmentFacts)
    assert (found.status, found.estimated_delivery) == ("handed_to_drone", datetime(2026, 3, 5, 23, tzinfo=UTC))


def hold(identity: int, reason: str, handle: str) -> Hold:
    return Hold(
        f"gid://shopify/FulfillmentHold/{identity}", FIRST, reason, handle, ours=False, app="gid://shopify/App/12345"
    )


@pytest.mark.parametrize(
    ("topic", "name", "released", "held"),
    [
        ("fulfillment_holds/added", "fulfillment_holds_added__1", False, hold(1, "other", "test_handle")),
        ("fulfillment_holds/released", "fulfillment_holds_released__1", True, hold(1, "other", "fulfillment_hold_1")),
        (
            "fulfillment_orders/placed_on_hold",
            "fulfillment_orders_placed_on_hold__1",
            False,
            hold(1, "other", "example-hold-1"),
        ),
        ("fulfillment_orders/hold_released", "fulfillment_orders_hold_released__1", True, None),
    ],
)
def test_a_hold_is_read_exactly_and_its_order_is_not_known(
    topic: str, name: str, released: bool, held: Hold | None
) -> None:
    read = parsed(topic, name)

    assert read.facts == HoldFacts(fulfillment_order=FIRST, released=released, hold=held)
    assert (read.about, read.echo) == (About("fulfillment-order", 1), False)


def test_a_hold_of_our_app_under_our_prefix_is_an_echo() -> None:
    ours = {"id": "gid://shopify/FulfillmentHold/1", "reason": "other", "handle": "approval-17"}
    assert varied("fulfillment_holds/added", {"fulfillment_hold": ours | {"held_by_requesting_app": True}}).echo
    assert varied("fulfillment_holds/added", {"fulfillment_hold": ours}).echo, "nobody says whose it is"
    assert not varied("fulfillment_holds/added", {"fulfillment_hold": ours | {"held_by_requesting_app": False}}).echo


def test_the_only_hold_that_stands_is_the_one_that_was_placed() -> None:
    standing = {"id": FIRST, "fulfillment_holds": [{"id": "gid://shopify/FulfillmentHold/9", "reason": "OTHER"}]}
    placed = varied("fulfillment_orders/placed_on_hold", {"fulfillment_order": standing}, ("created_fulfillment_hold",))
    assert isinstance(placed.facts, HoldFacts)
    assert placed.facts.hold == Hold("gid://shopify/FulfillmentHold/9", FIRST, "other")


def test_a_hold_that_still_stands_is_not_the_one_that_was_released() -> None:
    standing = {"id": FIRST, "fulfillment_holds": [{"id": "gid://shopify/FulfillmentHold/9", "reason": "other"}]}
    released = varied("fulfillment_orders/hold_released", {"fulfillment_order": standing})
    assert isinstance(released.facts, HoldFacts)
    assert released.facts.hold is None


def test_fulfillment_orders_are_read_exactly() -> None:
    rejected = facts(
        "fulfillment_orders/fulfillment_request_rejected", "fulfillment_orders_fulfillment_request_rejected__1"
    )
    routed = parsed("fulfillment_orders/order_routing_complete", "fulfillment_orders_order_routing_complete__1")

    assert rejected == FulfillmentOrderFacts(
        fulfillment_order=FIRST,
        status="open",
        request_status="rejected",
        message="Can't fulfill due to no inventory on product.",
    )
    assert routed.facts == FulfillmentOrderFacts(fulfillment_order=FIRST, status="open")
    assert routed.about == About("fulfillment-order", 1)


@pytest.mark.parametrize(
    "body",
    [
        {"moved_fulfillment_order": {"id": FIRST + "2"}, "original_fulfillment_order": {"id": FIRST}},
        {"original_fulfillment_order": {"id": FIRST}},
        {"submitted_fulfillment_order": {"id": FIRST}},
        {"fulfillment_order_merges": [{"fulfillment_order": {"id": FIRST}}]},
        {"fulfillment_order_merges": {"fulfillment_order": {"id": FIRST, "status": "open"}}, "merge_intents": []},
        {"fulfillment_order_splits": [{"fulfillment_order": {"id": FIRST}}]},
    ],
)
def test_a_fulfillment_order_is_found_in_every_shape(body: dict[str, object]) -> None:
    read = varied("fulfillment_orders/order_routing_complete", body, ("fulfillment_order",))
    assert read.about == About("fulfillment-order", 1)


def test_a_fulfillment_order_without_any_identity_is_rejected() -> None:
    with pytest.raises(Reject, match="fulfillment_order"):
        varied("fulfillment_orders/order_routing_complete", without=("fulfillment_order",))


#: As Shopify documents them (API 2026-04), each with what it says of the fulfillment order that was there before.
DOCUMENTED: tuple[tuple[str, dict[str, object], str | None, str | None], ...] = (
    (
        "moved",
        {
            "original_fulfillment_order": {"id": FIRST, "status": "closed"},
            "moved_fulfillment_order": {"id": FIRST + "2", "status": "open"},
            "source_location": {"id": "gid://shopify/Location/0"},
        },
        "closed",
        None,
    ),
    (
        "split",
        {
            "split_line_items": [{"id": "gid://shopify/FulfillmentOrderLineItem/1", "quantity": 1}],
            "fulfillment_order": {"id": FIRST, "status": "open"},
            "remaining_fulfillment_order": {"id": FIRST + "2", "status": "open"},
            "replacement_fulfillment_order": {"id": FIRST + "3", "status": "open"},
        },
        "open",
        None,
    ),
    (
        "merged",
        {
            "merge_intents": [{"fulfillment_order_id": 1, "fulfillment_order_line_items": [{"id": 1, "quantity": 1}]}],
            "fulfillment_order_merges": {"fulfillment_order": {"id": FIRST, "status": "open"}},
        },
        "open",
        None,
    ),
    (
        "cancelled",
        {
            "fulfillment_order": {"id": FIRST, "status": "cancelled"},
            "replacement_fulfillment_order": {"id": FIRST + "2", "status": "open"},
        },
        "cancelled",
        None,
    ),
    ("scheduled_fulfillment_order_ready", {"fulfillment_order": {"id": FIRST, "status": "open"}}, "open", None),
    (
        "cancellation_request_submitted",
        {"fulfillment_order": {"id": FIRST, "status": "in_progress", "request_status": "cancellation_request"}},
        "in_progress",
        "cancellation_request",
    ),
    (
        "fulfillment_request_submitted",
        {
            "original_fulfillment_order": {"id": FIRST, "status": "open", "request_status": "unsubmitted"},
            "submitted_fulfillment_order": {"id": FIRST, "status": "open", "request_status": "unsubmitted"},
        },
        "open",
        "unsubmitted",
    ),
    ("manually_reported_progress_stopped", {"fulfillment_order": {"id": FIRST, "status": "open"}}, "open", None),
    (
        "line_items_prepared_for_pickup",
        {"fulfillment_order": {"id": FIRST, "status": "open", "delivery_method": {"method_type": "pickup"}}},
        "open",
        None,
    ),
)


@pytest.mark.parametrize(("topic", "body", "status", "request_status"), DOCUMENTED)
def test_every_topic_of_a_fulfillment_order_is_read_and_keyed_by_the_same_one(
    topic: str, body: dict[str, object], status: str | None, request_status: str | None
) -> None:
    written = orjson.dumps(body)
    read = facts_of(f"fulfillment_orders/{topic}", written)

    assert read.about == About("fulfillment-order", 1)
    assert isinstance(read.facts, FulfillmentOrderFacts)
    assert (read.facts.fulfillment_order, read.facts.status, read.facts.request_status) == (
        FIRST,
        status,
        request_status,
    )
    assert raw_key(SHOP, f"fulfillment_orders/{topic}", written, "1").key == f"{SHOP}/fulfillment-order/1"


def test_when_it_is_rescheduled_for_is_read_and_what_staff_wrote_of_its_progress_is_not() -> None:
    later = {"id": FIRST, "status": "scheduled", "fulfill_at": "2021-12-31T19:00:00-05:00"}
    rescheduled = facts_of("fulfillment_orders/rescheduled", orjson.dumps({"fulfillment_order": later})).facts
    progress = {"fulfillment_order": {"id": FIRST}, "progress_report": {"reason_notes": "Ann is packing it"}}

    assert isinstance(rescheduled, FulfillmentOrderFacts)
    assert rescheduled.fulfill_at == NEW_YEAR
    assert facts_of("fulfillment_orders/progress_reported", orjson.dumps(progress)).facts == FulfillmentOrderFacts(
        fulfillment_order=FIRST
    )
