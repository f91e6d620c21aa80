"""Packed, shipped, shipped in part: each told once, by what proves it, and not by what proves nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alerts import Alert
from schemas.configuration import FulfillmentRules, Rules
from schemas.facts.orders import Customer, Line
from schemas.facts.shipments import FulfillmentOrderFacts, ParcelsFacts, ShipmentFacts
from tests.stages.rules.parcel import PARCEL, fulfilled, line, ordered, scanned
from tests.stages.rules.world import NUMBER, START, Desk, configuration

PACKED, SHIPPED, PARTIAL = "fulfillment-packed", "fulfillment-shipped", "fulfillment-partial"


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def titles(alerts: list[Alert]) -> list[str]:
    return [alert.title for alert in alerts]


# --- packed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"),
    [("label_purchased", "label made"), ("label_printed", "label made"), ("ready_for_pickup", "ready for pickup")],
)
def test_a_label_and_lying_ready_are_told_as_what_they_are(status: str, words: str) -> None:
    desk = Desk()
    ordered(desk)

    raised = scanned(desk, status)

    assert [(alert.rule, alert.title, alert.milestone) for alert in raised] == [(PACKED, f"Order #1001: {words}", True)]


def test_two_events_of_one_label_are_told_once() -> None:
    desk = Desk()
    scanned(desk, "label_purchased", 1)

    assert scanned(desk, "label_printed", 2) == []


def test_what_means_packed_is_the_merchants_word() -> None:
    desk = Desk(configuration(rules=Rules(fulfillment=FulfillmentRules(packed_when=("label_printed",)))))

    assert titles(scanned(desk, "label_printed")) == [f"Order {NUMBER}: packed (label made)"]


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("line_items_prepared_for_pickup", "prepared for pickup"),
        ("line_items_prepared_for_local_delivery", "prepared for local delivery"),
        ("progress_reported", "progress was reported"),
    ],
)
def test_items_that_are_prepared_are_told(topic: str, words: str) -> None:
    facts = FulfillmentOrderFacts(fulfillment_order="7", order_id=NUMBER, order_name="#1001")

    (alert,) = Desk().event(f"fulfillment_orders/{topic}", facts)

    assert (alert.title, bool(alert.next_step)) == (f"Order #1001: {words}", True)


def test_a_label_that_is_told_after_the_carrier_has_it_is_no_news() -> None:
    desk = Desk()
    scanned(desk, "in_transit", 9)

    assert scanned(desk, "label_printed", 2) == []


def test_what_lies_ready_at_a_pickup_point_is_told_though_it_was_on_its_way_before() -> None:
    desk = Desk()
    scanned(desk, "in_transit", 2)

    assert titles(scanned(desk, "ready_for_pickup", 60)) == [f"Order {NUMBER}: ready for pickup"]
    scanned(desk, "delivered", 90, parcel=PARCEL + 1)
    assert scanned(desk, "ready_for_pickup", 80, parcel=PARCEL + 1) == [], "it was fetched since"


# --- shipped ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["carrier_picked_up", "in_transit", "out_for_delivery", "delivered"])
def test_the_carriers_first_scan_is_the_shipment(status: str) -> None:
    raised = scanned(Desk(), status)

    assert [(alert.rule, alert.milestone) for alert in raised] == [(SHIPPED, True)]


def test_it_is_told_once_whichever_scan_comes_first() -> None:
    desk = Desk()
    raised = [
        scanned(desk, status, minute)
        for status, minute in (("in_transit", 9), ("carrier_picked_up", 5), ("delivered", 60))
    ]

    assert [len(alerts) for alerts in raised] == [1, 0, 0]


def test_support_reads_carrier_tracking_promise_and_last_event() -> None:
    desk = Desk()
    fulfilled(desk)

    alert = scanned(desk, "in_transit", 5, promised=START + timedelta(days=3))[0]

    assert {detail.label: detail.text for detail in alert.details} == {
        "Carrier": "UPS",
        "Tracking": "1Z1",
        "Promised": "05 Nov 2026 at 09:00 UTC",
        "Last event": "in transit, 02 Nov 2026 at 09:05 UTC",
        "Items": "1 x Oak chair",
    }


@pytest.mark.parametrize("status", ["confirmed", "label_purchased", "submitted", "attempted_delivery"])
def test_what_proves_no_shipment_is_none(status: str) -> None:
    desk = Desk()
    scanned(desk, status)

    assert desk.told(SHIPPED) == []


def test_what_is_marked_as_shipped_and_not_scanned_in_half_an_hour_is_told_as_that() -> None:
    desk = Desk()

    assert fulfilled(desk) == []
    assert desk.passes(minutes(30)) == [], "Shopify is asked first"
    assert titles(desk.passes(minutes(1))) == ["Order #1001: marked as shipped, not yet scanned"]
    assert titles(scanned(desk, "in_transit", 90)) == ["Order #1001: shipped, it is in transit"]


def test_a_scan_that_only_shopify_tells_of_is_the_shipment() -> None:
    desk = Desk()
    fulfilled(desk)
    desk.passes(minutes(30))
    scan = ShipmentFacts(id=5, fulfillment_id=PARCEL, order_id=NUMBER, status="in_transit", happened=START + minutes(1))

    told = desk.answer(ParcelsFacts(order_id=NUMBER, scans=(scan,)))

    assert titles([*told, *desk.passes(minutes(60))]) == ["Order #1001: shipped, it is in transit"]


@pytest.mark.parametrize("changed", [{"tracking_numbers": ()}, {"status": "pending"}, {"requires_shipping": False}])
def test_what_has_no_tracking_is_not_done_or_needs_no_shipping_is_not_waited_for(changed: dict[str, Any]) -> None:
    desk = Desk()
    fulfilled(desk, **changed)

    assert desk.passes(minutes(60)) == []


def test_a_scan_in_time_leaves_only_the_shipment() -> None:
    desk = Desk()
    fulfilled(desk)
    scanned(desk, "in_transit", 20)

    assert desk.passes(minutes(60)) == []


def test_what_needs_no_shipping_is_never_shipped() -> None:
    desk = Desk()
    fulfilled(desk, requires_shipping=False)

    assert scanned(desk, "delivered", 5) == []


def test_a_premium_customers_parcel_does_not_wait_for_the_digest() -> None:
    calm, premium = Desk(), Desk()
    ordered(premium, customer_id=7, customer=Customer(id=7, tags=("VIP",)))

    assert [alert.digest for alert in scanned(calm, "in_transit")] == [True]
    assert [(alert.digest, alert.priority) for alert in scanned(premium, "in_transit")] == [(False, True)]


# --- in part ----------------------------------------------------------------------------------------------------------


def in_part(desk: Desk, *lines: Line, **changed: Any) -> list[Alert]:
    fulfilled(desk)
    return [a for a in ordered(desk, 5, fulfillment="partial", lines=lines, **changed) if a.rule == PARTIAL]


def test_lines_that_remain_are_named() -> None:
    raised = in_part(Desk(), line(1), line(2, title="Lamp", quantity=3))

    assert titles(raised) == ["Order #1001: shipped in part, 1 line remains"]
    assert {detail.label: detail.text for detail in raised[0].details}["Remaining"] == "3 x Lamp"


@pytest.mark.parametrize("changed", [{"gift_card": True}, {"requires_shipping": False}, {"current_quantity": 0}])
def test_gift_cards_digital_and_removed_lines_are_not_waited_for(changed: dict[str, Any]) -> None:
    assert in_part(Desk(), line(1), line(2, **changed)) == []


def test_a_gift_card_that_went_out_first_is_no_partial_shipment() -> None:
    desk = Desk()
    fulfilled(desk, lines=(line(2, gift_card=True, requires_shipping=False),), requires_shipping=False)

    assert ordered(desk, 5, fulfillment="partial", lines=(line(1), line(2, gift_card=True))) == []


def test_a_second_parcel_that_is_told_before_the_first_is_no_shipment_in_part() -> None:
    desk = Desk()
    ordered(desk, 5, fulfillment="partial", lines=(line(1), line(2)))
    fulfilled(desk, 60, parcel=PARCEL + 1, lines=(line(2),))

    fulfilled(desk, 5)

    assert desk.told(PARTIAL) == []


def test_a_second_parcel_that_left_lines_behind_is_told_by_the_orders_next_state() -> None:
    desk, lines = Desk(), (line(1), line(2), line(3))
    ordered(desk, 5, fulfillment="partial", lines=lines)
    fulfilled(desk, 60, parcel=PARCEL + 1, lines=(line(2),))

    raised = [a for a in ordered(desk, 60, fulfillment="partial", lines=lines) if a.rule == PARTIAL]

    assert titles(raised) == ["Order #1001: shipped in part, 2 lines remain"]


def test_a_day_later_it_is_a_warning() -> None:
    desk = Desk()
    in_part(desk, line(1), line(2))

    raised = [alert for alert in desk.passes(timedelta(hours=25)) if alert.rule == PARTIAL]

    assert [f"{alert.state} {alert.severity}" for alert in raised] == ["updated warning"]


@pytest.mark.parametrize("changed", [{"fulfillment": "fulfilled"}, {"fulfillment": "partial", "cancelled": START}])
def test_it_ends_when_all_is_shipped_or_cancelled(changed: dict[str, Any]) -> None:
    desk = Desk()
    in_part(desk, line(1), line(2))

    ends = ordered(desk, 60, lines=(line(1), line(2)), **changed)

    assert [f"{alert.rule} {alert.state}" for alert in ends] == [f"{PARTIAL} resolved"]


def test_it_ends_when_the_parcel_is_taken_back_and_nothing_is_shipped_any_more() -> None:
    desk = Desk()
    in_part(desk, line(1), line(2))
    fulfilled(desk, 50, status="cancelled")

    ends = ordered(desk, 60, lines=(line(1), line(2)))

    assert [f"{alert.rule} {alert.state}" for alert in ends] == [f"{PARTIAL} resolved"]


@pytest.mark.parametrize("shipped", [60, 499])
def test_an_order_of_more_lines_than_are_kept_is_shipped_in_part_as_shopify_says(shipped: int) -> None:
    desk, lines = Desk(), tuple(line(number) for number in range(1, 501))
    fulfilled(desk, lines=lines[:shipped])

    raised = [a for a in ordered(desk, 5, fulfillment="partial", lines=lines) if a.rule == PARTIAL]

    assert titles(raised) == ["Order #1001: shipped in part"]
    assert "what remains, and why: the order has more lines than are kept" in raised[0].unknown


def test_it_ends_when_the_rest_is_removed() -> None:
    desk = Desk()
    in_part(desk, line(1), line(2))

    ends = ordered(desk, 60, fulfillment="partial", lines=(line(1), line(2, current_quantity=0)))

    assert [alert.state for alert in ends] == ["resolved"]


@given(st.permutations(range(5)))
@settings(max_examples=50)
def test_what_is_open_does_not_depend_on_the_order_of_deliveries(order: list[int]) -> None:
    desk = Desk()
    deliveries = (
        lambda: ordered(desk, 0, lines=(line(1), line(2))),
        lambda: fulfilled(desk),
        lambda: ordered(desk, 5, fulfillment="partial", lines=(line(1), line(2))),
        lambda: scanned(desk, "in_transit", 9),
        lambda: scanned(desk, "label_printed", 2),
    )

    for number in (*order, *order):
        deliveries[number]()

    assert desk.open_conditions == {f"{PARTIAL}|"}
    assert len(desk.told(SHIPPED)) == 1


def test_parcels_of_one_order_are_told_apart() -> None:
    desk = Desk()
    fulfilled(desk)
    fulfilled(desk, parcel=PARCEL + 1, name="#1001.2", lines=(line(2),))

    assert titles(scanned(desk, "in_transit", 9, parcel=PARCEL + 1)) == [
        "Order #1001: shipped, it is in transit (parcel #1001.2)"
    ]
