"""Whose working time a deadline runs in, and which deadlines run in working time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.alerts import Audience, Severity
from schemas.calendars import Calendar, Length, Weekday, working_days, working_hours
from schemas.configuration import (
    Configuration,
    FulfillmentRules,
    OrderRules,
    Person,
    ReturnRules,
    Route,
    Rules,
    Team,
)
from schemas.facts.orders import Address, Assessment, Hold, HoldFacts, OrderFacts, RiskFacts
from schemas.facts.payments import PaymentScheduleFacts
from schemas.facts.returns import Disposition, DispositionFacts, RefundFacts, RefundTransaction, ReturnFacts
from schemas.facts.shipments import ShipmentFacts
from stages.judging.routing import Label
from stages.rules.calendars import Calendars
from tests.stages.rules.parcel import PARCEL, fulfilled, line, ordered, scanned
from tests.stages.rules.sweeping import SweptDesk
from tests.stages.rules.world import NUMBER, SHOP, START, Desk, configuration, labels, usd

#: Monday to Friday from nine to five, in the shop's zone, which is UTC.
OFFICE: dict[str, Any] = {"calendars": ()}
RETURN = 700
#: Everything below happens on Thursday at ten.
MINUTE = 3 * 1440 + 60
AT = START + timedelta(minutes=MINUTE)


def on(day: int, hour: float = 10) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC) + timedelta(hours=hour)


def desk_on_thursday(**rules: Any) -> Desk:
    desk = Desk(configuration(rules=Rules(**rules), **OFFICE))
    desk.passes(AT - START)
    return desk


def order(desk: Desk, **changed: Any) -> None:
    told: dict[str, Any] = {"id": NUMBER, "name": "#1001", "created": AT, "updated": AT, "financial": "paid"}
    desk.event("orders/updated", OrderFacts(**told | changed), updated=AT)


def manual(desk: Desk) -> None:
    order(desk, financial="pending", gateways=("Bank Deposit",))
    desk.passes(timedelta(hours=1))
    desk.answer(OrderFacts(id=NUMBER, financial="pending", updated=desk.now, absent=("terms",), manual_gateway=True))


def unpaid(desk: Desk) -> None:
    order(desk, financial="pending")


def paid_on_delivery(desk: Desk) -> None:
    order(desk, financial="pending", gateways=("Cash on Delivery (COD)",))
    arrived = ShipmentFacts(id=1, fulfillment_id=2, order_id=NUMBER, status="delivered", happened=AT)
    desk.event("fulfillment_events/create", arrived)


def by_terms(desk: Desk) -> None:
    schedule = PaymentScheduleFacts(id=5, balance=usd(250), due=AT, order_id=NUMBER)
    desk.event("payment_schedules/due", schedule)


def risky(desk: Desk) -> None:
    desk.event("orders/risk_assessment_changed", RiskFacts(order_id=NUMBER, assessment=Assessment("Shopify", "medium")))


def held(desk: Desk) -> None:
    one = Hold(
        id="gid://shopify/FulfillmentHold/1", fulfillment_order="gid://shopify/FulfillmentOrder/7", reason="other"
    )
    desk.event("fulfillment_holds/added", HoldFacts(fulfillment_order=one.fulfillment_order, released=False, hold=one))


def in_part(desk: Desk) -> None:
    fulfilled(desk, MINUTE)
    ordered(desk, MINUTE, fulfillment="partial", lines=(line(1), line(2)))


def silent(desk: Desk) -> None:
    scanned(desk, "in_transit", MINUTE)


def silent_abroad(desk: Desk) -> None:
    ordered(desk, MINUTE, address=Address(country="DE"))
    scanned(desk, "in_transit", MINUTE)


def past_its_promise(desk: Desk) -> None:
    scanned(desk, "in_transit", MINUTE, promised=AT)


def label_only(desk: Desk) -> None:
    fulfilled(desk, MINUTE)
    scanned(desk, "label_printed", MINUTE)


def requested(desk: Desk) -> None:
    desk.event("returns/request", ReturnFacts(id=RETURN, order_id=NUMBER, name="#1001-R1", status="requested"))


def approved(desk: Desk) -> None:
    desk.event("returns/approve", ReturnFacts(id=RETURN, order_id=NUMBER, name="#1001-R1", status="open", quantity=2))


def received(desk: Desk) -> None:
    approved(desk)
    pieces = (Disposition("restocked", 2),)
    desk.event("reverse_fulfillment_orders/dispose", DispositionFacts(9, pieces, order_id=NUMBER, return_id=RETURN))


def refunding(desk: Desk) -> None:
    moved = RefundTransaction(1, "refund", "pending", usd(129), "shopify_payments", None)
    desk.event(
        "refunds/create",
        RefundFacts(id=600, order_id=NUMBER, created=AT, processed=AT, transactions=(moved,)),
    )


@pytest.mark.parametrize(
    ("happens", "deadline", "at"),
    [
        (manual, "order-payment-pending|", on(10)),
        (risky, "order-high-risk|", on(10)),
        (held, "order-manual-review|review", on(10)),
        (in_part, "fulfillment-partial|", on(10)),
        (silent, f"shipment-stalled|{PARCEL}", on(12)),
        (silent_abroad, f"shipment-stalled|{PARCEL}", on(19)),
        (label_only, f"shipment-stalled|{PARCEL}", on(10)),
        (requested, f"return-undecided|{RETURN}", on(13)),
        # due on Thursday the 12th, and told a day before
        (received, f"refund-due|{RETURN}", on(11)),
        (refunding, "refund-failed|600/under-way", on(10)),
    ],
)
def test_what_the_use_cases_call_working_time_stands_still_at_night_and_on_a_weekend(
    happens: Callable[[Desk], None], deadline: str, at: datetime
) -> None:
    desk = desk_on_thursday(fulfillment=FulfillmentRules(scanning_carriers=("ups",)))
    happens(desk)
    assert desk.due[deadline] == at


@pytest.mark.parametrize(
    ("happens", "deadline", "at"),
    [
        (unpaid, "order-payment-pending|", AT + timedelta(minutes=60)),
        (paid_on_delivery, "order-payment-pending|", AT + timedelta(days=3)),
        (by_terms, "order-payment-pending|due", AT + timedelta(hours=24)),
        (past_its_promise, f"shipment-stalled|{PARCEL}", AT + timedelta(hours=24)),
        (approved, f"return-not-arrived|{RETURN}", AT + timedelta(days=21)),
        (approved, f"refund-due|{RETURN}/unscanned", AT + timedelta(days=14)),
    ],
)
def test_all_other_deadlines_run_by_the_clock(happens: Callable[[Desk], None], deadline: str, at: datetime) -> None:
    desk = desk_on_thursday()
    happens(desk)
    assert desk.due[deadline] == at


@pytest.mark.parametrize(
    ("lasts", "at"),
    [
        (timedelta(days=5), on(10)),
        (working_days(5), on(12)),
        (working_hours(24), on(10)),
    ],
)
def test_the_configuration_chooses_the_length_and_the_kind_of_time(lasts: Length, at: datetime) -> None:
    desk = desk_on_thursday(fulfillment=FulfillmentRules(stalled_after=lasts))
    silent(desk)
    assert desk.due[f"shipment-stalled|{PARCEL}"] == at


def test_days_on_delivery_may_be_working_days_where_the_configuration_wants_it() -> None:
    desk = desk_on_thursday(orders=OrderRules(cash_on_delivery_after=working_days(3)))
    paid_on_delivery(desk)
    assert desk.due["order-payment-pending|"] == on(10)


def test_a_refund_is_due_when_its_message_says_whoever_tells_it() -> None:
    desk = desk_on_thursday()
    received(desk)
    (arrival,) = desk.told("return-received")
    desk.passes(on(12, 12) - desk.now)
    missed = desk.told("refund-due")[-1]

    assert labels(arrival)["Refund due"] == "by 12 Nov 2026 at 10:00 UTC"
    assert "no refund for 2 units by 12 Nov 2026 at 10:00 UTC" in missed.title
    assert (missed.since, missed.severity) == (AT, Severity.CRITICAL)


# --- whose ------------------------------------------------------------------------------------------------------------

NIGHTS = Calendar(name="nights", days=tuple(Weekday), hours=("00:00-06:00",))
NEW_YORK = Calendar(name="new-york", time_zone="America/New_York")


def company(*calendars: Calendar, **of_teams: str | None) -> Configuration:
    """Finance hears what is for finance, returns what is for returns, and others hear the rest."""
    people = (Person(name="desk", email="desk@example.com"),)
    teams = tuple(
        Team(name=name, people=people, calendar=of_teams.get(name)) for name in ("others", "finance", "returns")
    )
    routes = (
        Route(teams=("finance", "returns"), audiences=(Audience.FINANCE,)),
        Route(teams=("returns",), audiences=(Audience.RETURNS,)),
    )
    return configuration(teams=teams, calendars=calendars, routes=Route(teams=("others",), routes=routes))


def label(audience: Audience, rule: str = "refund-due", severity: Severity = Severity.WARNING) -> Label:
    return Label(SHOP, 6, rule, severity, audience)


HOUR = working_hours(1)
MONDAY_NOON = on(2, 12)


def test_the_first_team_that_the_routes_name_counts() -> None:
    whole = Calendars(company(NIGHTS, NEW_YORK, finance="nights", returns="new-york"))
    assert whole.of(label(Audience.FINANCE)).add(MONDAY_NOON, HOUR) == on(3, 1)
    assert whole.of(label(Audience.RETURNS)).add(MONDAY_NOON, HOUR) == on(2, 15)


def test_where_no_route_fits_it_is_the_default_routes_team() -> None:
    whole = Calendars(company(NIGHTS, others="nights"))
    assert whole.of(label(Audience.OPERATIONS)).add(MONDAY_NOON, HOUR) == on(3, 1)


def test_a_route_by_rule_or_severity_is_asked_with_the_alerts_own() -> None:
    routes = (
        Route(teams=("finance",), rules=("refund-due",), severities=(Severity.CRITICAL,)),
        Route(teams=("returns",), rules=("refund-due",)),
    )
    whole = company(NIGHTS, NEW_YORK, finance="nights", returns="new-york")
    calendars = Calendars(replace(whole, routes=Route(teams=("others",), routes=routes)))
    critical = label(Audience.FINANCE, severity=Severity.CRITICAL)
    assert calendars.of(critical).add(MONDAY_NOON, HOUR) == on(3, 1)
    assert calendars.of(label(Audience.FINANCE)).add(MONDAY_NOON, HOUR) == on(2, 15)
    assert calendars.of(label(Audience.FINANCE, "refund-failed")).add(MONDAY_NOON, HOUR) == on(2, 13)


def test_a_team_that_names_no_calendar_has_the_default_one() -> None:
    default = replace(NIGHTS, name="default")
    assert Calendars(company(default)).of_team("finance", SHOP).add(MONDAY_NOON, HOUR) == on(3, 1)
    assert Calendars(company()).of_team("finance", SHOP).add(MONDAY_NOON, HOUR) == on(2, 13)
    assert Calendars(company(default)).of_team("gone", SHOP).add(MONDAY_NOON, HOUR) == on(3, 1)


def test_the_shops_zone_counts_where_the_calendar_names_none() -> None:
    whole = company(NEW_YORK, returns="new-york")
    tokyo = replace(whole, shops=(replace(whole.shops[0], time_zone="Asia/Tokyo"),))
    calendars = Calendars(tokyo)
    assert calendars.of_team("finance", SHOP).add(MONDAY_NOON, HOUR) == on(3, 1)
    assert calendars.of_team("returns", SHOP).add(MONDAY_NOON, HOUR) == on(2, 15)
    assert calendars.of_team("finance", "gone.myshopify.com").add(MONDAY_NOON, HOUR) == on(2, 13)


def test_a_rules_deadline_runs_in_the_calendar_of_the_team_that_it_will_tell() -> None:
    desk = Desk(company(NIGHTS, NEW_YORK, returns="nights", others="new-york"))
    requested(desk)
    risky(desk)
    assert desk.due[f"return-undecided|{RETURN}"] == START + timedelta(days=8, hours=-3)
    assert desk.due["order-high-risk|"] == on(4, 22)


@pytest.mark.parametrize("wanted", [{"rules": ("return-undecided", "refund-due")}, {"use_cases": (6,)}])
def test_a_route_by_rule_or_use_case_is_that_of_the_rule_that_waits(wanted: dict[str, Any]) -> None:
    whole = company(NEW_YORK, finance="new-york")
    desk = Desk(replace(whole, routes=Route(teams=("others",), routes=(Route(teams=("finance",), **wanted),))))
    requested(desk)
    risky(desk)
    assert desk.due[f"return-undecided|{RETURN}"] == on(9, 22)
    assert desk.due["order-high-risk|"] == on(4, 17)


def test_a_milestone_names_the_deadline_of_the_rule_that_watches_it() -> None:
    route = Route(teams=("finance",), rules=("refund-due",))
    desk = Desk(replace(company(NIGHTS, finance="nights"), routes=Route(teams=("others",), routes=(route,))))
    received(desk)
    (arrival,) = desk.told("return-received")
    assert labels(arrival)["Refund due"] == "by 08 Nov 2026 at 00:00 UTC"


def test_another_calendar_moves_what_is_waited_for() -> None:
    desk = SweptDesk(configuration(rules=Rules(returns=ReturnRules()), **OFFICE))
    requested(desk)
    before = desk.due[f"return-undecided|{RETURN}"]

    desk.reconfigure(configuration())

    assert before == on(9, 17)
    assert desk.due[f"return-undecided|{RETURN}"] == START + timedelta(hours=48)
