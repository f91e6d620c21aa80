"""Payments that do not come: what is waited for and how long, what ends it, and which orders are not late at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.alerts import Alert, Audience, Severity
from schemas.configuration import OrderRules, Person, Route, Rules, Team
from schemas.events import Source
from schemas.facts.orders import Hold, HoldFacts, OrderFacts, Schedule, Terms
from schemas.facts.payments import PaymentScheduleFacts, PaymentTermsFacts
from schemas.facts.shipments import FulfillmentFacts, FulfillmentOrderFacts, ShipmentFacts
from schemas.questions import QuestionKind
from stages.bodies.orders import EMPTY_SAYS
from stages.judging.doubts import NOT_CONFIRMED
from tests.stages.rules.world import NUMBER, START, Desk, configuration, usd

RULE = "order-payment-pending"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PATIENCE = timedelta(seconds=30)


def told(desk: Desk, financial: str, minute: float = 0, **changed: Any) -> list[Alert]:
    at = START + timedelta(minutes=minute)
    facts: dict[str, Any] = {"id": NUMBER, "name": "#1001", "updated": at, "financial": financial}
    facts |= {"created": START, "total": usd(250)}
    return desk.event("orders/updated", OrderFacts(**facts | changed), updated=at)


def answered(desk: Desk, financial: str, **changed: Any) -> list[Alert]:
    absent = ("address", "cancelled", "closed", "fulfillment", "gateways", "lines", "tags", "terms")
    return desk.answer(OrderFacts(id=NUMBER, financial=financial, updated=desk.now, absent=absent, **changed))


def due(minute: float = 0, balance: str = "250", **changed: Any) -> PaymentScheduleFacts:
    at = START + timedelta(minutes=minute)
    return PaymentScheduleFacts(id=5, balance=usd(balance), due=at, order_id=NUMBER, order_name="#1001", **changed)


def shown(alerts: list[Alert]) -> list[str]:
    return [f"{alert.state} {alert.severity} {alert.team}" for alert in alerts]


def with_finance() -> Desk:
    teams = tuple(Team(name=name, people=(Person(name=name, email="a@example.com"),)) for name in ("desk", "finance"))
    finance = Route(teams=("finance",), audiences=(Audience.FINANCE,))
    return Desk(configuration(teams=teams, routes=Route(teams=("desk",), routes=(finance,))))


def test_an_event_that_carries_less_than_a_body_hides_nothing_that_a_body_told() -> None:
    desk = Desk()
    told(desk, "pending", outstanding=usd(250))
    at = START + timedelta(minutes=5)
    less = OrderFacts(id=NUMBER, financial="pending", updated=at, absent=tuple(EMPTY_SAYS))
    desk.event("orders/updated", less, updated=at, occurred=at, source=Source.EVENT)

    desk.passes(HOUR)
    assert shown(answered(desk, "pending")) == ["firing warning operations"]


@pytest.mark.parametrize("financial", ["pending", "partially_paid"])
def test_what_is_unpaid_for_an_hour_is_told_after_shopify_confirmed_it(financial: str) -> None:
    desk = Desk()
    told(desk, financial, outstanding=usd(250), gateways=("bogus",))

    assert desk.passes(HOUR) == []
    raised = answered(desk, financial)

    assert shown(raised) == ["firing warning operations"]
    words = "partly paid" if financial == "partially_paid" else "payment pending"
    assert raised[0].title == f"Order #1001: {words} since 02 Nov 2026 at 09:00 UTC"
    assert {(each.label, each.text) for each in raised[0].details} >= {("Amount", "250 USD"), ("Gateway", "bogus")}


def test_what_shopify_says_is_paid_meanwhile_is_no_alert() -> None:
    desk = Desk()
    told(desk, "pending")
    desk.passes(HOUR)

    assert answered(desk, "paid") == []
    assert desk.passes(DAY) == []


def test_without_an_answer_it_is_told_as_not_confirmed() -> None:
    desk = Desk()
    told(desk, "pending")
    desk.passes(HOUR)

    assert NOT_CONFIRMED in desk.passes(PATIENCE)[0].unknown


def test_the_hour_counts_in_that_state() -> None:
    desk = Desk()
    told(desk, "pending")
    told(desk, "partially_paid", 50)

    desk.passes(HOUR + PATIENCE)
    assert desk.alerts == []
    assert desk.due == {f"{RULE}|": START + timedelta(minutes=110)}


@pytest.mark.parametrize(
    "changed",
    [
        {"financial": "paid"},
        {"financial": "refunded"},
        {"financial": "pending", "outstanding": usd(0)},
        {"financial": "voided", "cancelled": START},
    ],
)
def test_what_is_settled_or_cancelled_ends_it(changed: dict[str, Any]) -> None:
    desk = Desk()
    told(desk, "pending")
    desk.passes(HOUR + PATIENCE)

    assert shown(told(desk, minute=70, **changed)) == ["resolved warning operations"]
    assert desk.due == {}


def test_an_old_delivery_does_not_make_a_paid_order_unpaid() -> None:
    desk = Desk()
    told(desk, "paid", 30)
    told(desk, "pending", 0)

    assert desk.passes(DAY) == []


def test_whether_there_are_terms_must_be_known_and_is_asked_once() -> None:
    desk = Desk()
    told(desk, "pending", absent=("terms",))

    assert desk.passes(DAY) == []
    assert [question.kind for question in desk.asked] == [QuestionKind.TERMS]


@pytest.mark.parametrize(("terms", "expected"), [(None, ["firing warning operations"]), (Terms(name="Net 30"), [])])
def test_an_order_of_which_no_body_has_told_its_terms_is_judged_by_those_that_shopify_tells(
    terms: Terms | None, expected: list[str]
) -> None:
    desk = Desk()
    absent = tuple(EMPTY_SAYS)
    told(desk, "pending", absent=absent)
    desk.passes(PATIENCE)
    desk.answer(OrderFacts(id=NUMBER, terms=terms, absent=tuple(name for name in absent if name != "terms")))
    told(desk, "pending", 5, absent=absent)

    assert shown(desk.passes(2 * HOUR)) == expected


def test_an_order_that_only_an_answer_has_told_of_is_asked_about_when_its_own_webhook_is_a_day_late() -> None:
    desk, absent = Desk(), tuple(EMPTY_SAYS)
    only = OrderFacts(id=NUMBER, financial="pending", updated=START, absent=absent)
    desk.event("answer.payment", only, source=Source.ANSWER)

    assert desk.passes(DAY - PATIENCE) == []
    assert desk.asked == []
    desk.passes(PATIENCE)
    desk.answer(replace(only, absent=tuple(name for name in absent if name != "terms")))
    assert shown(desk.passes(PATIENCE)) == ["firing warning operations"]


@pytest.mark.parametrize("financial", ["expired", "voided"])
def test_an_authorization_that_is_over_is_told_also_where_no_terms_are_known(financial: str) -> None:
    assert shown(told(Desk(), financial, absent=("terms",))) == ["firing warning operations"]


def test_with_terms_nothing_is_late_before_its_schedule_says_so() -> None:
    desk = Desk()
    told(desk, "pending", terms=Terms(name="Net 30"))

    assert desk.passes(10 * DAY) == []


def test_a_schedule_that_is_due_is_told_to_finance_and_a_day_later_as_a_warning() -> None:
    desk = with_finance()
    told(desk, "pending", terms=Terms(name="Net 30"))

    raised = desk.event("payment_schedules/due", due())
    desk.passes(DAY)
    worse = answered(desk, "pending")

    assert shown(raised) == ["firing info finance"]
    assert raised[0].title == "Order #1001: 250 USD is due by its payment terms"
    assert shown(worse) == ["updated warning finance"]
    assert shown(told(desk, "paid", 2000)) == ["resolved warning finance"]


def dates(*told: Schedule, **changed: Any) -> PaymentTermsFacts:
    return PaymentTermsFacts(id=77, terms=Terms("Two parts", "fixed", None, told), **changed)


PAID = Schedule(5, START, START + HOUR, usd(0))
OPEN = Schedule(6, START + 9 * DAY, None, usd(150))


@pytest.mark.parametrize(
    ("facts", "over"),
    [
        (dates(PAID, OPEN), True),
        (dates(Schedule(5, START, None, usd(100)), OPEN), False),
        (dates(OPEN), True),
        (dates(Schedule(None, START, None, usd(100))), False),
        (dates(Schedule(None, START, START + HOUR)), True),
        (PaymentTermsFacts(id=77, deleted=True), True),
    ],
)
def test_what_has_become_of_a_date_that_was_due_its_terms_tell(facts: PaymentTermsFacts, over: bool) -> None:
    desk = Desk()
    told(desk, "partially_paid", terms=Terms(name="Two parts"))
    desk.event("payment_schedules/due", due(balance="100", terms_id=77))
    later = START + 2 * HOUR
    topic = "payment_terms/delete" if facts.deleted else "payment_terms/update"

    ends = desk.event(topic, facts, updated=None if facts.deleted else later, occurred=later)

    assert shown(ends) == (["resolved info operations"] if over else [])


def test_two_dates_that_are_due_are_one_alert_over_what_is_due_of_both() -> None:
    desk = Desk()
    told(desk, "pending", terms=Terms(name="Two parts"))
    second = replace(due(1, balance="150.50", terms_id=77), id=6)
    desk.event("payment_schedules/due", due(balance="100", terms_id=77))
    assert desk.event("payment_schedules/due", second) == []
    desk.passes(DAY)

    absent = tuple(name for name in EMPTY_SAYS if name != "terms")
    still = Terms("Two parts", "fixed", None, (PAID, Schedule(6, START, None, usd("150.50"))))
    left = OrderFacts(id=NUMBER, financial="partially_paid", terms=still, absent=absent)
    assert desk.answer(left) == []
    desk.passes(timedelta(minutes=1))
    (worse,) = desk.answer(left)
    assert worse.title == "Order #1001: 150.50 USD is due by its payment terms, and still unpaid"


def test_an_order_whose_terms_were_deleted_is_late_after_an_hour_like_any_other() -> None:
    desk = Desk()
    told(desk, "pending", terms=Terms(name="Net 30"))
    desk.event("payment_terms/create", dates(OPEN))
    desk.event("payment_terms/delete", PaymentTermsFacts(id=77, deleted=True), occurred=START + HOUR)

    assert shown(desk.passes(2 * HOUR)) == ["firing warning operations"]


@pytest.mark.parametrize("schedule", [due(balance="0"), due(completed=START)])
def test_a_schedule_without_a_balance_is_none(schedule: PaymentScheduleFacts) -> None:
    assert Desk().event("payment_schedules/due", schedule) == []


def test_a_manual_payment_is_told_as_info_once_and_warned_of_after_three_days() -> None:
    desk = Desk()
    told(desk, "pending", gateways=("Bank Deposit",))
    desk.passes(HOUR)

    assert shown(answered(desk, "pending", manual_gateway=True)) == ["firing info operations"]
    assert desk.passes(2 * DAY - HOUR) == []
    desk.passes(DAY)
    assert shown(answered(desk, "pending", manual_gateway=True)) == ["updated warning operations"]


def test_cash_on_delivery_is_late_three_days_after_the_delivery() -> None:
    desk = Desk()
    told(desk, "pending", gateways=("Cash on Delivery (COD)",))
    assert desk.passes(10 * DAY) == []
    arrived = ShipmentFacts(id=1, fulfillment_id=2, order_id=NUMBER, status="delivered", happened=desk.now)
    desk.event("fulfillment_events/create", arrived)

    assert desk.due[f"{RULE}|"] == desk.now + 3 * DAY
    assert shown([a for a in desk.passes(3 * DAY + PATIENCE) if a.rule == RULE]) == ["firing warning operations"]


def test_what_is_paid_on_delivery_is_known_by_the_configured_names() -> None:
    desk = Desk(configuration(rules=Rules(orders=OrderRules(cash_on_delivery_gateways=("Nachnahme",)))))
    told(desk, "pending", gateways=("DHL nachnahme",))

    assert desk.passes(10 * DAY) == []


def test_a_delivery_that_only_the_fulfillment_tells_is_one_too() -> None:
    desk = Desk()
    told(desk, "pending", gateways=("Cash on Delivery (COD)",))

    desk.event("fulfillments/update", FulfillmentFacts(id=2, order_id=NUMBER, shipment_status="delivered"))

    assert shown([a for a in desk.passes(3 * DAY + PATIENCE) if a.rule == RULE]) == ["firing warning operations"]


def test_an_authorization_is_told_two_days_before_it_ends_and_says_what_was_assumed() -> None:
    desk = Desk()
    told(desk, "authorized")

    assert desk.passes(5 * DAY) == []
    raised = desk.passes(PATIENCE)

    assert raised[0].title == (
        "Order #1001: its authorization ends 09 Nov 2026 at 09:00 UTC (assumed), and it is not captured"
    )


@pytest.mark.parametrize(("shipped", "words"), [(None, "before the order is shipped"), ("fulfilled", "at once")])
def test_what_to_do_about_an_authorization_depends_on_what_is_shipped(shipped: str | None, words: str) -> None:
    desk = Desk()
    told(desk, "authorized", fulfillment=shipped)

    raised = desk.passes(5 * DAY + PATIENCE)

    assert words in raised[0].next_step


def test_when_shopify_knows_the_end_of_an_authorization_that_counts() -> None:
    desk = Desk()
    told(desk, "authorized")
    desk.passes(PATIENCE)
    ends = START + 20 * DAY
    assert answered(desk, "authorized", capturable=True, authorization_expires=ends) == []

    assert desk.passes(17 * DAY) == []
    desk.passes(DAY - PATIENCE)
    raised = answered(desk, "authorized", capturable=True, authorization_expires=ends)
    assert [alert.title for alert in raised] == [
        "Order #1001: its authorization ends 22 Nov 2026 at 09:00 UTC, and it is not captured"
    ]


def test_an_authorization_that_ends_sooner_than_is_assumed_is_told_in_time() -> None:
    desk = Desk()
    told(desk, "authorized")
    desk.passes(PATIENCE)
    ends = START + 5 * DAY
    answered(desk, "authorized", capturable=True, authorization_expires=ends)

    assert desk.passes(3 * DAY - PATIENCE) == []
    assert shown(answered(desk, "authorized", capturable=True, authorization_expires=ends)) == [
        "firing warning operations"
    ]


@pytest.mark.parametrize(
    ("gateways", "by", "ends"),
    [
        (("gift_card", "PayPal"), None, "05 Nov 2026 at 09:00 UTC (assumed by the days configured for its gateway)"),
        (("PayPal", "klarna"), "klarna", "30 Nov 2026 at 09:00 UTC (assumed by the days configured for its gateway)"),
        (("bogus",), None, "09 Nov 2026 at 09:00 UTC (assumed)"),
    ],
)
def test_an_authorization_lasts_as_its_gateway_is_configured(
    gateways: tuple[str, ...], by: str | None, ends: str
) -> None:
    days = {"paypal": 3 * DAY, "Klarna": 28 * DAY}
    desk = Desk(configuration(rules=Rules(orders=OrderRules(authorization_lasts_by_gateway=days))))
    told(desk, "authorized", gateways=gateways)
    desk.passes(PATIENCE)
    answered(desk, "authorized", capturable=True, authorized_by=by, gateways=gateways)

    (alert,) = [alert for alert in desk.passes(27 * DAY) if alert.severity is Severity.WARNING]
    assert alert.title == f"Order #1001: its authorization ends {ends}, and it is not captured"


def test_an_order_that_is_partly_paid_again_is_waited_for_from_then_on_however_often_it_changes() -> None:
    desk = Desk()
    for minute, financial in ((0, "pending"), (5, "partially_paid"), (10, "paid")):
        told(desk, financial, minute)
    for minute in (60, 80, 100, 115):
        desk.now = START + timedelta(minutes=minute)
        told(desk, "partially_paid", minute)

    desk.passes(timedelta(minutes=5))

    (alert,) = answered(desk, "partially_paid")
    assert alert.title == "Order #1001: partly paid since 02 Nov 2026 at 10:00 UTC"


def test_what_cannot_be_captured_cannot_be_lost() -> None:
    desk = Desk()
    told(desk, "authorized")
    desk.passes(PATIENCE)

    assert answered(desk, "authorized", capturable=False) == []
    assert desk.passes(6 * DAY) == []


def test_what_was_known_of_an_earlier_authorization_says_nothing_of_the_next_one() -> None:
    desk = Desk()
    told(desk, "authorized")
    desk.passes(PATIENCE)
    answered(desk, "authorized", capturable=False)
    told(desk, "pending", 60)
    told(desk, "authorized", 120)
    desk.passes(2 * HOUR)

    assert [question.kind for question in desk.asked] == [QuestionKind.PAYMENT]
    answered(desk, "authorized", capturable=True)
    assert [alert.title for alert in desk.passes(5.9 * DAY)] == [
        "Order #1001: its authorization ends 09 Nov 2026 at 11:00 UTC (assumed), and it is not captured"
    ]


def test_a_pending_payment_that_becomes_authorized_ends_the_alert() -> None:
    desk = Desk()
    told(desk, "pending")
    desk.passes(HOUR + PATIENCE)

    assert shown(told(desk, "authorized", 70)) == ["resolved warning operations"]


@pytest.mark.parametrize("financial", ["expired", "voided"])
def test_what_expired_or_was_voided_is_told_at_once(financial: str) -> None:
    assert shown(told(Desk(), financial)) == ["firing warning operations"]


def test_a_hold_for_the_payment_is_told_at_once() -> None:
    desk = Desk()
    told(desk, "pending")
    hold = Hold(id="1", fulfillment_order="7", reason="awaiting_payment")

    raised = desk.event("fulfillment_holds/added", HoldFacts(fulfillment_order="7", released=False, hold=hold))

    assert [alert.title for alert in raised] == ["Order #1001: on hold until it is paid"]
    assert desk.passes(2 * HOUR) == [], "what it waits for is not told a second time"
    assert shown(told(desk, "paid", 130)) == ["resolved warning operations"]


def on_hold(desk: Desk, minute: float, *, released: bool = False) -> list[Alert]:
    hold = Hold(id="1", fulfillment_order="7", reason="awaiting_payment")
    facts = HoldFacts(fulfillment_order="7", released=released, hold=hold)
    topic = f"fulfillment_holds/{'released' if released else 'added'}"
    return desk.event(topic, facts, occurred=START + timedelta(minutes=minute))


@pytest.mark.parametrize("financial", ["authorized", "a_word_of_tomorrow", None])
def test_a_hold_for_the_payment_is_told_whatever_is_known_of_that_and_ends_with_it(financial: str | None) -> None:
    desk = Desk()
    if financial is not None:
        told(desk, financial)

    assert shown(on_hold(desk, 1)) == ["firing warning operations"]
    assert shown(on_hold(desk, 2, released=True)) == ["resolved warning operations"]


def test_a_hold_for_the_payment_that_is_placed_after_that_is_told_and_one_from_before_is_over() -> None:
    early, late = Desk(), Desk()
    for desk in (early, late):
        told(desk, "pending")
    on_hold(early, 1)
    for desk in (early, late):
        told(desk, "paid", 2)
    on_hold(late, 3)

    assert early.open == {}
    assert late.open[RULE].title == "Order #1001: on hold until it is paid, though nothing is outstanding"
    assert shown(on_hold(late, 4, released=True)) == ["resolved warning operations"]


def test_what_was_shipped_is_not_on_hold_any_more() -> None:
    desk = Desk()
    told(desk, "authorized")
    on_hold(desk, 1)

    assert shown(told(desk, "authorized", 5, fulfillment="fulfilled")) == ["resolved warning operations"]
    assert on_hold(desk, 2) == []
    told(desk, "pending", 6, fulfillment="fulfilled")
    desk.passes(2 * HOUR)
    assert desk.open_conditions == {f"{RULE}|"}, "and its payment is waited for like any other"


def test_when_the_hold_is_gone_the_payment_is_waited_for_again() -> None:
    desk = Desk()
    told(desk, "pending")
    on_hold(desk, 10)
    desk.passes(2 * HOUR)
    on_hold(desk, 120, released=True)
    desk.passes(PATIENCE)

    assert desk.open_conditions == {f"{RULE}|"}


@given(st.permutations(range(4)))
@settings(max_examples=24)
def test_a_late_hold_and_an_early_one_are_told_alike_in_any_order(order: list[int]) -> None:
    for minute, expected in ((20, {f"{RULE}|held"}), (90, {f"{RULE}|held", f"{RULE}|"})):
        desk = Desk()
        desk.passes(2 * HOUR)
        deliveries = (
            lambda desk=desk: told(desk, "pending"),
            lambda desk=desk, minute=minute: on_hold(desk, minute),
            lambda desk=desk: told(desk, "pending", 5),
            lambda desk=desk: desk.passes(HOUR),
        )
        for number in order:
            deliveries[number]()
        desk.passes(HOUR)

        assert desk.open_conditions == expected


def test_one_that_stays_unpaid_for_another_day_becomes_critical() -> None:
    desk = Desk()
    told(desk, "pending")
    desk.passes(HOUR + PATIENCE)

    desk.passes(DAY)
    raised = desk.passes(PATIENCE)

    assert [alert.severity for alert in (*desk.told(RULE), *raised)][-1] is Severity.CRITICAL


def test_an_order_that_must_go_out_soon_is_not_still_unpaid_before_it_is_unpaid_for_an_hour() -> None:
    desk = Desk()
    told(desk, "pending")
    soon = FulfillmentOrderFacts(fulfillment_order="7", order_id=NUMBER, fulfill_by=START + 3 * HOUR)
    desk.event("fulfillment_orders/order_routing_complete", soon)

    assert desk.passes(HOUR - PATIENCE) == []
    desk.passes(PATIENCE)
    assert shown(answered(desk, "pending")) == ["firing critical operations"]


STEPS = (("pending", 0), ("authorized", 5), ("partially_paid", 8), ("paid", 20), ("voided", 25))


@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=10))
@settings(max_examples=60)
def test_what_is_open_depends_on_the_newest_state_not_on_the_order_of_deliveries(steps: list[tuple[str, int]]) -> None:
    desk = Desk()
    for financial, minute in steps:
        told(desk, financial, minute)
    desk.passes(2 * HOUR)

    newest = max(steps, key=lambda step: step[1])[0]
    assert desk.open_conditions == ({f"{RULE}|"} if newest in ("pending", "partially_paid", "voided") else set())
