"""Parcels in trouble and parcels nobody hears of: what tells, what ends it, and what two weeks of silence do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alerts import Alert
from schemas.configuration import FulfillmentRules, Rules
from schemas.facts.orders import Address
from schemas.facts.shipments import FulfillmentOrderFacts, ParcelsFacts, ShipmentFacts
from tests.stages.rules.parcel import PARCEL, fulfilled, line, ordered, scanned
from tests.stages.rules.world import NUMBER, START, Desk, configuration

TROUBLE, STALLED = "shipment-exception", "shipment-stalled"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERVICE = "gid://shopify/FulfillmentOrder/7"


def shown(alerts: list[Alert], rule: str = TROUBLE) -> list[str]:
    return [f"{alert.state} {alert.severity}" for alert in alerts if alert.rule == rule]


def asked_in_vain(desk: Desk, by: timedelta) -> list[Alert]:
    """What is told after that time, where Shopify does not answer."""
    return desk.passes(by + timedelta(seconds=30))


def service(desk: Desk, topic: str, minute: float = 1) -> list[Alert]:
    facts = FulfillmentOrderFacts(fulfillment_order=SERVICE, order_id=NUMBER, order_name="#1001", message="No stock")
    return desk.event(f"fulfillment_orders/{topic}", facts, occurred=START + timedelta(minutes=minute))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("failure", ["firing critical"]),
        ("not_delivered", ["firing critical"]),
        ("attempted_delivery", ["firing warning"]),
        ("delayed", ["firing warning"]),
        ("in_transit", []),
        ("delivered", []),
        ("confirmed", []),
        ("label_printed", []),
    ],
)
def test_what_the_carrier_says_tells_how_bad_it_is(status: str, expected: list[str]) -> None:
    assert shown(scanned(Desk(), status)) == expected


def test_a_word_that_nobody_knows_yet_is_shown_as_it_is() -> None:
    raised = scanned(Desk(), "eaten_by_a_bear")

    assert [alert.title for alert in raised] == [f"Order {NUMBER}: the carrier says 'eaten_by_a_bear'"]


def test_the_fulfillments_own_status_tells_too() -> None:
    assert shown(fulfilled(Desk(), shipment_status="failure")) == ["firing critical"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("error", ["firing critical"]),
        ("failure", ["firing critical"]),
        ("a_new_word", ["firing warning"]),
        ("open", []),
    ],
)
def test_a_fulfillment_that_failed_is_trouble(status: str, expected: list[str]) -> None:
    assert shown(fulfilled(Desk(), status=status)) == expected


def test_support_reads_which_parcel_and_what_to_do() -> None:
    desk = Desk()
    ordered(desk)
    fulfilled(desk)

    alert = scanned(desk, "failure", 5)[0]

    assert alert.title == "Order #1001: the carrier reports a failure"
    assert {(each.label, each.text) for each in alert.details} >= {("Carrier", "UPS"), ("Tracking", "1Z1")}
    assert alert.next_step
    assert alert.link == f"https://admin.shopify.com/store/demo/orders/{NUMBER}"


@pytest.mark.parametrize("status", ["delivered", "picked_up"])
def test_a_failure_ends_by_an_arrival(status: str) -> None:
    desk = Desk()
    scanned(desk, "failure", 5)

    assert shown(scanned(desk, status, 60)) == ["resolved critical"]


def test_a_failure_does_not_end_by_the_next_step_and_a_mild_one_does() -> None:
    bad, mild = Desk(), Desk()
    scanned(bad, "failure", 5)
    scanned(mild, "attempted_delivery", 5)

    assert shown(scanned(bad, "out_for_delivery", 60)) == []
    assert shown(scanned(mild, "out_for_delivery", 60)) == ["resolved warning"]


def test_what_happened_before_the_failure_and_is_told_after_it_ends_nothing() -> None:
    desk = Desk()
    scanned(desk, "failure", 60)

    assert shown(scanned(desk, "delivered", 5)) == []


def test_a_failure_ends_when_a_replacement_is_shipped() -> None:
    desk = Desk()
    fulfilled(desk)
    scanned(desk, "failure", 5)

    assert shown(fulfilled(desk, 60, PARCEL + 1, name="#1001.2", lines=(line(2),))) == [], "another line"
    assert shown(fulfilled(desk, 70, PARCEL + 2, name="#1001.3")) == ["resolved critical"]


def test_a_parcel_from_before_replaces_nothing() -> None:
    desk = Desk()
    fulfilled(desk, 0, PARCEL + 1)
    fulfilled(desk, 10)
    scanned(desk, "failure", 20)

    assert desk.open_conditions == {f"{TROUBLE}|{PARCEL}"}


def test_what_has_arrived_is_in_no_trouble_whatever_its_fulfillment_is_called() -> None:
    desk = Desk()
    scanned(desk, "delivered", 5)

    assert shown(fulfilled(desk, 9, status="a_new_word")) == []


def test_events_count_by_when_they_happened_not_by_when_they_were_written() -> None:
    desk = Desk()
    scanned(desk, "delivered", 60)
    happened = START + timedelta(minutes=5)
    facts = ShipmentFacts(id=1, fulfillment_id=PARCEL, order_id=NUMBER, status="failure", happened=happened)

    assert shown(desk.event("fulfillment_events/create", facts, updated=START + 2 * HOUR)) == []


def test_a_fulfillment_that_repeats_an_older_event_ends_nothing() -> None:
    desk = Desk()
    scanned(desk, "in_transit", 5)
    scanned(desk, "attempted_delivery", 10)

    assert shown(fulfilled(desk, 30, shipment_status="in_transit")) == []
    assert desk.open_conditions == {f"{TROUBLE}|{PARCEL}"}


def test_after_two_weeks_without_news_it_is_over() -> None:
    desk = Desk()
    scanned(desk, "failure", 0)

    assert shown(desk.passes(14 * DAY - HOUR)) == []
    ends = [alert for alert in desk.passes(HOUR) if alert.rule == TROUBLE]

    assert shown(ends) == ["resolved critical"]
    assert ends[0].details[0].text == "no further news for 14 days"


def test_two_parcels_are_two_alerts() -> None:
    desk = Desk()
    scanned(desk, "failure", 5)
    scanned(desk, "failure", 6, PARCEL + 1)

    assert desk.open_conditions == {f"{TROUBLE}|{PARCEL}", f"{TROUBLE}|{PARCEL + 1}"}


# --- taken back -------------------------------------------------------------------------------------------------------


def test_a_cancelled_fulfillment_is_told_if_nothing_takes_its_place_within_an_hour() -> None:
    desk = Desk()
    fulfilled(desk, status="cancelled")

    assert shown(desk.passes(HOUR - timedelta(seconds=1))) == []
    assert shown(asked_in_vain(desk, timedelta(seconds=1))) == ["firing warning"]
    assert "carrier" not in desk.alerts[0].next_step
    assert shown(fulfilled(desk, 90, PARCEL + 1)) == ["resolved warning"]


def test_a_cancelled_fulfillment_that_nothing_replaces_is_over_by_its_arrival_or_after_two_weeks() -> None:
    left, arrives = Desk(), Desk()
    for desk in (left, arrives):
        fulfilled(desk, status="cancelled")
        assert shown(asked_in_vain(desk, HOUR)) == ["firing warning"]

    ends = left.passes(14 * DAY)

    assert shown(ends) == ["resolved warning"]
    assert ends[0].details[0].text == "no further news for 14 days"
    assert shown(scanned(arrives, "delivered", 90), TROUBLE) == ["resolved warning"]


def test_a_replacement_in_time_is_no_news() -> None:
    desk = Desk()
    fulfilled(desk, status="cancelled")
    fulfilled(desk, 30, PARCEL + 1)

    assert shown(desk.passes(2 * HOUR)) == []


def test_that_all_was_shipped_before_it_was_taken_back_does_not_excuse_it() -> None:
    desk = Desk()
    ordered(desk, 5, fulfillment="fulfilled")
    fulfilled(desk, 10, status="cancelled")

    assert shown(asked_in_vain(desk, 2 * HOUR)) == ["firing warning"]
    assert shown(ordered(desk, 130, fulfillment="fulfilled")) == ["resolved warning"], (
        "shipped again, in whatever parcel"
    )


def test_a_fulfillment_of_a_cancelled_order_is_rightly_taken_back() -> None:
    desk = Desk()
    fulfilled(desk, status="cancelled")
    ordered(desk, 5, cancelled=START)

    assert shown(desk.passes(2 * HOUR)) == []


# --- fulfillment services ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("fulfillment_request_rejected", "the fulfillment service rejected it"),
        ("fulfillment_service_failed_to_complete", "the fulfillment service could not complete it"),
    ],
)
def test_a_service_that_refuses_is_told_until_something_is_shipped(topic: str, words: str) -> None:
    desk = Desk()

    raised = service(desk, topic)

    assert shown(raised) == ["firing critical"]
    assert raised[0].title == f"Order #1001: {words}"
    assert shown(fulfilled(desk, 60)) == ["resolved critical"]


def test_a_request_that_is_made_again_ends_the_refusal() -> None:
    desk = Desk()
    service(desk, "fulfillment_request_rejected", 1)

    assert shown(service(desk, "fulfillment_request_accepted", 9)) == ["resolved critical"]


def test_a_service_that_ships_a_cancelled_order_anyway_is_told() -> None:
    desk = Desk()

    assert service(desk, "cancellation_request_rejected") == []
    raised = ordered(desk, 5, cancelled=START)

    assert [alert.title for alert in raised] == [
        "Order #1001: the fulfillment service will ship anyway, though the order was cancelled"
    ]
    assert "from another location" not in raised[0].next_step


def test_who_hears_of_a_refusal_reads_what_of_the_order_is_on_its_way() -> None:
    fresh, begun = Desk(), Desk()
    fulfilled(begun)

    alone, beside = service(fresh, "fulfillment_request_rejected", 5), service(begun, "fulfillment_request_rejected", 5)

    assert "no parcel of the order is known" in str(alone[0].unknown)
    assert "no parcel" not in str(beside[0].unknown)
    assert [detail.text for detail in beside[0].details if detail.label == "Shipped by"] == ["UPS, 1Z1"]


# --- silence ----------------------------------------------------------------------------------------------------------


def stalled(desk: Desk, by: timedelta) -> list[str]:
    return shown(asked_in_vain(desk, by), STALLED)


def test_what_shopify_says_when_it_is_asked_beats_the_silence() -> None:
    desk = Desk()
    fulfilled(desk)
    scanned(desk, "in_transit", 0)
    desk.passes(5 * DAY)

    arrived = ShipmentFacts(id=0, fulfillment_id=PARCEL, order_id=NUMBER, status="delivered", happened=START + DAY)
    desk.answer(ParcelsFacts(order_id=NUMBER, scans=(arrived,)))

    assert stalled(desk, 30 * DAY) == []
    assert desk.told(STALLED) == []


def test_a_scan_that_was_taken_back_has_not_happened() -> None:
    desk = Desk()
    fulfilled(desk)
    scanned(desk, "failure", 5)
    (taken,) = [known.value for known in desk.dossier.every(ShipmentFacts)]

    ends = desk.event("fulfillment_events/delete", taken, updated=START - HOUR, occurred=START + HOUR)

    assert shown(ends) == ["resolved critical"]
    assert shown(desk.event("fulfillment_events/create", taken, updated=START + HOUR)) == [], "told once more"


def test_a_carrier_that_says_no_more_for_five_days_is_told_and_its_next_word_ends_it() -> None:
    desk = Desk()
    fulfilled(desk)
    scanned(desk, "in_transit", 0)

    assert stalled(desk, 5 * DAY - HOUR) == []
    assert stalled(desk, HOUR) == ["firing warning"]
    assert shown(scanned(desk, "in_transit", 6 * 1440), STALLED) == ["resolved warning"]


def test_what_lies_ready_for_pickup_waits_for_its_customer_and_for_no_carrier() -> None:
    desk = Desk()
    ordered(desk)
    fulfilled(desk, carrier=None, tracking_numbers=())
    scanned(desk, "ready_for_pickup")

    assert stalled(desk, timedelta(days=12)) == []


def test_what_was_brought_to_a_pickup_point_waits_for_its_customer_too() -> None:
    desk = Desk()
    fulfilled(desk)
    scanned(desk, "in_transit", 0)
    scanned(desk, "ready_for_pickup", 60)

    assert stalled(desk, timedelta(days=12)) == []


def test_a_label_that_names_a_day_is_late_a_day_after_it_though_nobody_has_scanned_it() -> None:
    desk = Desk()
    fulfilled(desk)
    scanned(desk, "label_purchased", 0, promised=START + 2 * DAY)

    assert stalled(desk, 3 * DAY - HOUR) == []
    assert stalled(desk, HOUR) == ["firing warning"]


def test_the_name_of_a_country_is_no_other_country_than_its_code() -> None:
    desk = Desk()
    ordered(desk, address=Address(country="CA"))
    scanned(desk, "in_transit", 0, country="CA")
    scanned(desk, "in_transit", 1, country="Canada")

    assert stalled(desk, 5 * DAY + HOUR) == ["firing warning"]


def test_silence_counts_from_what_happened_last_not_from_what_was_written_last() -> None:
    desk = Desk()
    scanned(desk, "in_transit", 60)
    facts = ShipmentFacts(id=1, fulfillment_id=PARCEL, order_id=NUMBER, status="in_transit", happened=START)
    desk.event("fulfillment_events/create", facts, updated=START + 2 * HOUR)

    assert desk.due[f"{STALLED}|{PARCEL}"] == START + HOUR + 5 * DAY


def test_abroad_ten_days_are_waited() -> None:
    desk = Desk()
    ordered(desk, address=Address(country="DE"))
    scanned(desk, "in_transit", 0, country="US")

    assert stalled(desk, 9 * DAY) == []
    assert stalled(desk, DAY) == ["firing warning"]


def test_past_its_promise_a_day_is_waited() -> None:
    desk = Desk()
    scanned(desk, "in_transit", 0, promised=START + DAY)

    assert stalled(desk, 2 * DAY - HOUR) == []
    assert stalled(desk, HOUR) == ["firing warning"]


@pytest.mark.parametrize("status", ["delivered", "failure"])
def test_what_has_arrived_or_failed_is_not_waited_for(status: str) -> None:
    desk = Desk()
    scanned(desk, "in_transit", 0)
    scanned(desk, status, 5)

    assert stalled(desk, 13 * DAY) == []


@pytest.mark.parametrize(("carriers", "expected"), [((), []), (("ups",), ["firing warning"])])
def test_a_label_without_a_scan_tells_only_of_carriers_that_scan(
    carriers: tuple[str, ...], expected: list[str]
) -> None:
    desk = Desk(configuration(rules=Rules(fulfillment=FulfillmentRules(scanning_carriers=carriers))))
    fulfilled(desk)
    scanned(desk, "label_printed", 0)

    assert stalled(desk, 3 * DAY) == expected


# --- whatever comes first ---------------------------------------------------------------------------------------------

SCANS: tuple[tuple[str, float], ...] = (("in_transit", 1), ("attempted_delivery", 5), ("out_for_delivery", 9))
MORE: tuple[tuple[str, float], ...] = (*SCANS, ("failure", 12), ("delivered", 20), ("delayed", 15))


@given(st.sets(st.sampled_from(MORE), min_size=1), st.data())
@settings(max_examples=60)
def test_what_is_open_does_not_depend_on_the_order_of_the_scans(scans: set[tuple[str, float]], data: Any) -> None:
    shuffled = data.draw(st.permutations(sorted(scans)))
    ends = []
    for order in (sorted(scans, key=lambda scan: scan[1]), [*shuffled, *shuffled]):
        desk = Desk()
        for status, minute in order:
            scanned(desk, status, minute)
        ends.append(desk.open_conditions)

    assert ends[0] == ends[1]
