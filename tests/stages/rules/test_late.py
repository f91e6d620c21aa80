"""What is learned more than a day after it happened: what is so still is told, and says how late; the rest can wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.alerts import Alert, Audience
from schemas.events import Source
from schemas.facts.orders import Customer, OrderFacts
from schemas.facts.shipments import FulfillmentFacts, ParcelsFacts, ShipmentFacts
from schemas.questions import QuestionKind
from stages.rules.rule import Due, Fire, Tell
from tests.stages.rules.parcel import PARCEL, fulfilled, ordered
from tests.stages.rules.scripted import CRITICAL, INFO, WARNING, by_state, said
from tests.stages.rules.world import NUMBER, START, Desk, labels

DAY, LONG_AGO = timedelta(days=1), START - timedelta(hours=30)
LATE = "it happened on 01 Nov 2026 at 03:00 UTC, 1 day 6 hours ago"


def told_late(desk: Desk, *incomplete: str) -> list[Alert]:
    """An order of a premium customer, 30 hours late."""
    facts = OrderFacts(id=NUMBER, financial="pending", updated=LONG_AGO, tags=("escalated",))
    return desk.event("orders/updated", facts, updated=LONG_AGO, occurred=LONG_AGO, incomplete=incomplete)


@pytest.mark.parametrize(
    ("over", "incomplete", "waits"),
    [("", (), False), ("it was cancelled", (), True), ("", ("order",), True), ("", ("customer",), False)],
)
def test_a_milestone_goes_out_at_once_where_it_is_so_still_and_else_into_the_digest(
    over: str, incomplete: tuple[str, ...], waits: bool
) -> None:
    desk = Desk(rules=[by_state(pending=(Tell(said(INFO), "shipped", over=over),))])

    (alert,) = told_late(desk, *incomplete)

    assert (alert.digest, labels(alert)["Learned late"]) == (waits, LATE)
    assert labels(alert).get("Since then", "") == over


@pytest.mark.parametrize("severity", [WARNING, CRITICAL])
def test_what_holds_still_is_told_at_any_age_and_says_so_where_nobody_knows(severity: str) -> None:
    rule = by_state(pending=(Fire(said(CRITICAL if severity == CRITICAL else WARNING)),))

    (known,), (unsure,) = told_late(Desk(rules=[rule])), told_late(Desk(rules=[rule]), "order")

    assert labels(known)["Learned late"] == labels(unsure)["Learned late"] == LATE
    doubt = "not confirmed: it is more than a day old, and Shopify did not say whether it is still so"
    assert (doubt in known.unknown, doubt in unsure.unknown) == (False, True)


def test_deadlines_and_ends_have_no_age() -> None:
    due = Due(said(WARNING, Audience.OPERATIONS), START + DAY)
    desk = Desk(rules=[by_state(pending=(due,))])
    told_late(desk)

    (alert,) = desk.passes(2 * DAY)

    assert "Learned late" not in labels(alert)


def seen(desk: Desk, *scans: ShipmentFacts, parcels: tuple[FulfillmentFacts, ...] = ()) -> list[Alert]:
    """What Shopify says of the parcels, looked up beside an event."""
    facts = ParcelsFacts(order_id=NUMBER, parcels=parcels, scans=scans)
    return desk.event("answer.parcels", facts, source=Source.ANSWER)


def scan(status: str, hours: float, number: int = 1) -> ShipmentFacts:
    at = START - timedelta(hours=hours)
    return ShipmentFacts(id=number, fulfillment_id=PARCEL, order_id=NUMBER, status=status, happened=at)


def test_what_only_a_look_shows_is_learned_late_too() -> None:
    desk = Desk()
    ordered(desk)

    (alert,) = seen(desk, scan("attempted_delivery", 30))

    assert (alert.rule, labels(alert)["Learned late"]) == ("shipment-exception", LATE)


def test_a_failed_attempt_that_has_long_come_right_is_no_alert() -> None:
    desk = Desk()
    ordered(desk)
    seen(desk, scan("attempted_delivery", 30), scan("delivered", 2, 2))

    desk.event("fulfillment_events/create", scan("attempted_delivery", 30), occurred=LONG_AGO)

    assert desk.told("shipment-exception") == []


def test_a_parcel_that_was_cancelled_since_is_no_news_for_a_premium_customers_order() -> None:
    desk = Desk()
    ordered(desk, customer_id=7, customer=Customer(id=7, tags=("vip",)))
    fulfilled(desk, status="cancelled")

    raised = desk.event("fulfillment_events/create", scan("in_transit", 30), occurred=LONG_AGO)

    shipped = [alert for alert in raised if alert.rule == "fulfillment-shipped"]
    assert [(alert.digest, labels(alert)["Since then"]) for alert in shipped] == [
        (True, "its fulfillment ended in cancelled")
    ]


def test_nothing_is_asked_for_what_a_look_has_answered() -> None:
    desk = Desk()
    fulfilled(desk, 0)
    seen(desk, scan("in_transit", 0))
    desk.passes(timedelta(hours=1))

    assert QuestionKind.PARCELS not in [question.kind for question in desk.asked]
