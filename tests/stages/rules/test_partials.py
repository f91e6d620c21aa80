"""Shipped in part, where Shopify has told how the rest is to be shipped: which lines, where, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.alerts import Alert
from schemas.events import Source
from schemas.facts.shipments import Allotted, FulfillmentOrderFacts, Routed, RoutingFacts
from schemas.questions import QuestionKind
from tests.stages.rules.parcel import PARCEL, fulfilled, line, ordered
from tests.stages.rules.world import NUMBER, START, Desk, labels

PARTIAL = "fulfillment-partial"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
_LOOKS = count(1)


def on(name: str, *lines: Allotted, status: str = "open", **changed: Any) -> Routed:
    """A fulfillment order at the location of that name."""
    return Routed(f"gid://shopify/FulfillmentOrder/{name}", status, location=name, lines=lines, **changed)


def left(number: int, remaining: int, total: int = 1, **changed: Any) -> Allotted:
    return replace(Allotted(number, total, remaining, ships=True, title=f"Chair {number}"), **changed)


def routed(desk: Desk, *orders: Routed, minute: float = 5) -> list[Alert]:
    """Shopify's word on how the order is to be shipped, as it comes beside an event."""
    at = START + minute * MINUTE
    facts = RoutingFacts(order_id=NUMBER, orders=orders)
    return desk.event("answer.routing", facts, occurred=at, source=Source.ANSWER, delivery_id=f"look-{next(_LOOKS)}")


SHIPPED = on("Berlin", left(1, 0), status="closed")
TWO = (line(1), line(2, title="Chair 2"))


def in_part(desk: Desk, *orders: Routed, **changed: Any) -> list[Alert]:
    """The first of two lines is in a parcel, and Shopify calls the order partly shipped."""
    fulfilled(desk)
    routed(desk, *orders)
    return [a for a in ordered(desk, 5, **{"fulfillment": "partial", "lines": TWO} | changed) if a.rule == PARTIAL]


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        (on("Berlin", left(2, 1)), "1 x Chair 2 (Berlin: not begun)"),
        (on("Oslo", left(2, 1)), "1 x Chair 2 (Oslo: not begun, another location than what is shipped)"),
        (
            on("Berlin", left(2, 1), status="on_hold", holds=("inventory_out_of_stock",)),
            "1 x Chair 2 (Berlin: on hold, inventory out of stock)",
        ),
        (on("Berlin", left(2, 1), status="in_progress"), "1 x Chair 2 (Berlin: being fulfilled)"),
        (
            on("Berlin", left(2, 1), request_status="rejected"),
            "1 x Chair 2 (Berlin: the fulfillment service rejected it)",
        ),
        (
            on("Berlin", left(2, 1), status="incomplete"),
            "1 x Chair 2 (Berlin: the fulfillment service could not complete it)",
        ),
    ],
)
def test_it_says_which_lines_where_and_why(rest: Routed, says: str) -> None:
    (alert,) = in_part(Desk(), SHIPPED, rest)

    assert labels(alert)["Remaining"] == says
    assert not [words for words in alert.unknown if "why" in words]


def test_what_is_on_no_fulfillment_order_that_is_shown_has_no_reason_that_is_known() -> None:
    (alert,) = in_part(Desk(), SHIPPED)

    assert labels(alert)["Remaining"] == "1 x Chair 2"
    assert "why the rest remains, and at which location" in alert.unknown


@pytest.mark.parametrize(
    "rest",
    [
        on("Berlin", left(2, 1), status="scheduled", fulfill_at=START + 90 * HOUR),
        on("Berlin", left(2, 0), status="closed"),
        on("Berlin", left(2, 1), status="cancelled"),
        on("Berlin", left(2, 1, ships=False)),
    ],
)
def test_what_is_scheduled_shipped_already_or_needs_no_shipping_is_not_waited_for(rest: Routed) -> None:
    assert in_part(Desk(), SHIPPED, rest) == []


def test_scheduled_units_of_a_line_are_not_counted_and_are_named() -> None:
    later = on("Berlin", left(2, 2, total=2), status="scheduled", fulfill_at=START + 24 * HOUR)
    lines = (line(1), line(2, title="Chair 2", quantity=3))

    (alert,) = in_part(Desk(), SHIPPED, on("Berlin", left(2, 1)), later, lines=lines)

    assert labels(alert)["Remaining"] == "1 x Chair 2 (Berlin: not begun)"
    assert labels(alert)["Scheduled"] == "2 x Chair 2 for 03 Nov 2026 at 09:00 UTC"


def test_it_ends_when_the_rest_is_scheduled_for_later() -> None:
    desk = Desk()
    in_part(desk, SHIPPED, on("Berlin", left(2, 1)))
    scheduled = on("Berlin", left(2, 1), status="scheduled", fulfill_at=START + 24 * HOUR)

    (end,) = routed(desk, SHIPPED, scheduled, minute=9)

    assert (end.state, labels(end)["Ended"]) == ("resolved", "the rest is scheduled for 03 Nov 2026 at 09:00 UTC")


def test_what_was_scheduled_is_late_by_when_it_became_ready() -> None:
    desk, ready = Desk(), START + 72 * HOUR
    in_part(desk, SHIPPED, on("Berlin", left(2, 1), status="scheduled", fulfill_at=ready))
    desk.passes(72 * HOUR)

    (began,) = routed(desk, SHIPPED, on("Berlin", left(2, 1), fulfill_at=ready), minute=72 * 60)

    assert (began.severity, began.since) == ("info", ready)
    assert PARTIAL not in {alert.rule for alert in desk.passes(23 * HOUR)}
    assert desk.passes(2 * HOUR)[-1].severity == "warning"


def test_an_order_of_which_no_parcel_was_told_is_shipped_in_part_all_the_same() -> None:
    desk = Desk()
    routed(desk, SHIPPED, on("Berlin", left(2, 1)))

    raised = [a for a in ordered(desk, 5, fulfillment="partial", lines=TWO) if a.rule == PARTIAL]

    assert [alert.title for alert in raised] == ["Order #1001: shipped in part, 1 line remains"]


def test_of_an_order_that_no_body_has_told_its_lines_are_asked() -> None:
    desk = Desk()
    ordered(desk, 5, fulfillment="partial", lines=(), absent=("lines",))
    desk.passes(6 * MINUTE)
    assert [question.kind for question in desk.asked] == [QuestionKind.ROUTING]

    raised = desk.answer(RoutingFacts(order_id=NUMBER, orders=(SHIPPED, on("Berlin", left(2, 1)))))

    assert [alert.title for alert in raised] == ["Order #1001: shipped in part, 1 line remains"]


def test_a_parcel_that_leaves_a_line_behind_is_asked_about_where_the_order_has_not_said_so_yet() -> None:
    desk = Desk()
    ordered(desk, 0, lines=TWO)
    fulfilled(desk, 5)
    assert desk.passes(6 * MINUTE) == []

    raised = desk.answer(RoutingFacts(order_id=NUMBER, orders=(SHIPPED, on("Berlin", left(2, 1)))))

    assert [(alert.rule, alert.severity) for alert in raised] == [(PARTIAL, "info")]
    assert [a.state for a in ordered(desk, 9, fulfillment="fulfilled", lines=TWO)] == ["resolved"]


def test_two_parcels_that_are_made_at_once_are_no_shipment_in_part() -> None:
    desk = Desk()
    ordered(desk, 0, lines=TWO)
    fulfilled(desk, 5)
    fulfilled(desk, 5, parcel=PARCEL + 1, lines=(line(2),))

    assert PARTIAL not in {alert.rule for alert in desk.passes(HOUR)}


@pytest.mark.parametrize("minutes", [30, 90])
def test_at_the_time_by_which_the_rest_is_to_be_fulfilled_it_is_a_warning(minutes: int) -> None:
    desk = Desk()
    rest = on("Berlin", left(2, 1), fulfill_by=START + minutes * MINUTE)
    late = on("Berlin", left(1, 0), status="closed", fulfill_by=START - HOUR)
    in_part(desk, late, rest)

    assert PARTIAL not in {alert.rule for alert in desk.passes((minutes - 1) * MINUTE)}
    raised = [a for a in desk.passes(2 * MINUTE) if a.rule == PARTIAL]

    assert [(alert.state, alert.severity) for alert in raised] == [("updated", "critical")], "and it is urgent"


def test_before_it_gets_worse_shopify_is_asked_and_its_answer_wins() -> None:
    desk = Desk()
    in_part(desk, SHIPPED, on("Berlin", left(2, 1)))
    desk.passes(25 * HOUR - MINUTE)
    assert desk.open[PARTIAL].severity == "warning", "nobody answered"

    calm = Desk()
    in_part(calm, SHIPPED, on("Berlin", left(2, 1)))
    calm.passes(24 * HOUR + 5 * MINUTE)
    (end,) = calm.answer(RoutingFacts(order_id=NUMBER, orders=(SHIPPED, on("Berlin", left(2, 0), status="closed"))))

    assert (end.state, end.severity) == ("resolved", "info")


@given(st.permutations(range(6)))
@settings(max_examples=40)
def test_what_is_open_does_not_depend_on_the_order_of_deliveries_and_looks(order: list[int]) -> None:
    desk, waits = Desk(), on("Berlin", left(2, 1))
    moved = FulfillmentOrderFacts(fulfillment_order=waits.fulfillment_order, status="closed", order_id=NUMBER)
    deliveries: tuple[Callable[[], object], ...] = (
        lambda: ordered(desk, 0, lines=TWO),
        lambda: fulfilled(desk, 4),
        lambda: ordered(desk, 5, fulfillment="partial", lines=TWO),
        lambda: routed(desk, SHIPPED, waits, minute=5),
        lambda: desk.event("fulfillment_orders/moved", moved, occurred=START + 7 * MINUTE),
        lambda: routed(desk, SHIPPED, on("Oslo", left(2, 1)), on("Berlin", status="closed"), minute=7),
    )

    for number in (*order, *order):
        deliveries[number]()
    desk.passes(HOUR)

    assert desk.open_conditions == {f"{PARTIAL}|"}
    assert "Oslo" in labels(desk.open[PARTIAL]).get("Location", "Oslo")
