"""Payments that are declined: who hears of it and when, what ends it, and what is said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas import subjects
from schemas.alerts import AlertState, Audience, Severity
from schemas.configuration import Person, Route, Rules, Team
from schemas.events import Event, Source
from schemas.facts.operations import ShopFacts
from schemas.facts.orders import Assessment, OrderFacts, RiskFacts
from schemas.facts.payments import TransactionFacts
from stages.bodies.arrivals import copies
from stages.bodies.orders import EMPTY_SAYS
from stages.rules.payments import FRAUD_CODES
from tests.stages.rules.world import NUMBER, SHOP, START, Desk, configuration, labels, usd


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def tried(
    number: int, minute: float, error: str | None = None, *, kind: str = "sale", order: int = NUMBER, **changed: Any
) -> TransactionFacts:
    """`error` None: it succeeded."""
    facts: dict[str, Any] = {
        "id": number,
        "order_id": order,
        "kind": kind,
        "status": "success" if error is None else "failure",
        "gateway": "shopify_payments",
        "amount": usd("49.90"),
        "error_code": error,
        "message": "Your card was declined.",
        "processed": START + minutes(minute),
    }
    return TransactionFacts(**facts | changed)


def order(financial: str = "pending", minute: float = 0, **changed: Any) -> OrderFacts:
    told: dict[str, Any] = {"id": NUMBER, "name": "#1001", "financial": financial, "updated": START + minutes(minute)}
    return OrderFacts(**told | changed)


#: What an answer holds where Shopify did not give one.
SILENT = OrderFacts(id=NUMBER, absent=tuple(EMPTY_SAYS))


def told_order(desk: Desk, facts: OrderFacts) -> None:
    desk.event("orders/updated", facts, updated=facts.updated)


def transact(desk: Desk, facts: TransactionFacts, subject: str = "", delivery_id: str = "") -> list[str]:
    raised = desk.event("order_transactions/create", facts, subject, delivery_id=delivery_id)
    return [f"{alert.rule} {alert.state}" for alert in raised]


def routed() -> Desk:
    """Finance, fraud review and retention have a team each, everybody else has another."""
    readers = (Audience.FINANCE, Audience.FRAUD_REVIEW, Audience.RETENTION, Audience.IT_SUPPORT)
    person = (Person(name="desk", email="desk@example.com"),)
    teams = tuple(Team(name=name, people=person) for name in ("others", *(reader.value for reader in readers)))
    routes = tuple(Route(teams=(reader.value,), audiences=(reader,)) for reader in readers)
    return Desk(configuration(teams=teams, routes=Route(teams=("others",), routes=routes)))


def passes_hour(desk: Desk, minute: float) -> None:
    """Lets time pass, and nobody answers what is asked."""
    desk.passes(START + minutes(minute) - desk.now)


# --- payment-declined -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(FRAUD_CODES))
def test_a_decline_that_smells_of_fraud_is_told_to_fraud_review_at_once(code: str) -> None:
    desk = routed()

    transact(desk, tried(1, 0, code))

    (declined,) = desk.told("payment-declined")
    is_second = code == "card_testing"  # which is an alert of its own besides
    assert (declined.team, declined.severity) == ("fraud-review", Severity.CRITICAL if is_second else Severity.WARNING)


def test_fraud_review_reads_what_each_provider_says_of_the_order_in_its_own_name() -> None:
    desk = routed()
    desk.event(
        "orders/risk_assessment_changed",
        RiskFacts(order_id=NUMBER, assessment=Assessment("Fraud Filter", "high", app=77)),
    )

    transact(desk, tried(1, 0, "fraud_suspected"))

    assert labels(desk.told("payment-declined")[0])["Risk"] == "Fraud Filter: high"


def test_another_decline_is_told_to_finance_once_ten_minutes_have_passed() -> None:
    desk = routed()
    transact(desk, tried(1, 0, "insufficient_funds"))
    desk.passes(minutes(9))
    before = list(desk.alerts)

    desk.passes(minutes(2))

    assert before == []
    assert [alert.team for alert in desk.alerts] == ["finance"]


def test_finance_is_told_only_after_shopify_was_asked_and_what_it_answers_wins() -> None:
    desk = Desk()
    transact(desk, tried(1, 0, "insufficient_funds"))
    desk.passes(minutes(10))
    asked = [question.kind for question in desk.asked]

    desk.answer(order("paid", 10))
    desk.passes(minutes(120))

    assert asked == ["payment"]
    assert desk.alerts == []


def test_a_success_within_ten_minutes_makes_it_a_line_of_the_digest() -> None:
    desk = Desk()
    transact(desk, tried(1, 0, "insufficient_funds"))
    desk.passes(minutes(3))

    transact(desk, tried(2, 3))
    desk.passes(minutes(120))

    (line,) = desk.alerts
    assert (line.milestone, line.line, line.severity) == (True, True, Severity.INFO)
    assert line.title == f"Order {NUMBER}: declined (insufficient funds), paid 3 minutes later"


def test_that_the_order_said_so_before_its_transaction_takes_nothing_from_that_line() -> None:
    desk = Desk()
    transact(desk, tried(1, 0, "insufficient_funds"))
    desk.passes(minutes(3))

    told_order(desk, order("paid", 3.1))
    transact(desk, tried(2, 3))

    (line,) = desk.alerts
    assert line.title == "Order #1001: declined (insufficient funds), paid 3 minutes later"


@pytest.mark.parametrize(("hours", "is_late"), [(26, True), (23, False)])
def test_a_decline_that_is_heard_of_a_day_late_says_so_in_whatever_is_told_of_it(hours: float, is_late: bool) -> None:
    desk = routed()
    desk.passes(timedelta(hours=hours))

    desk.event("order_transactions/create", tried(1, 0, "card_declined"), occurred=START)
    desk.passes(minutes(2))

    told = desk.told("payment-declined")
    assert [(alert.team, "Learned late" in labels(alert)) for alert in told] == [
        ("finance", is_late),
        ("retention", is_late),
    ]


def test_a_failed_capture_is_told_to_finance_at_once() -> None:
    desk = routed()

    transact(desk, tried(1, 0, "authorization_expired", kind="capture"))

    assert [alert.team for alert in desk.alerts] == ["finance"]
    assert desk.alerts[0].title == f"Order {NUMBER}: the capture failed, authorization expired"


def test_a_failed_capture_that_smells_of_fraud_is_told_to_fraud_review_too() -> None:
    desk = routed()
    transact(desk, tried(1, 0, "processing_error", kind="capture"))

    transact(desk, tried(2, 5, "fraud_suspected", kind="capture"))

    assert [(alert.team, alert.state) for alert in desk.told("payment-declined")] == [
        ("finance", AlertState.FIRING),
        ("finance", AlertState.UPDATED),
        ("fraud-review", AlertState.FIRING),
    ]


def test_an_authorization_does_not_make_a_failed_capture_good_but_a_capture_does() -> None:
    desk = Desk()
    transact(desk, tried(1, 1, "processing_error", kind="capture"))

    transact(desk, tried(2, 2, kind="authorization"))
    still = "payment-declined" in desk.open
    transact(desk, tried(3, 3, kind="capture"))

    assert still
    assert desk.open == {}
    (recovered,) = desk.told("payment-recovered")
    assert recovered.title == f"Order {NUMBER}: paid after all, 2 minutes after the capture failed"


def test_an_authorized_order_is_not_unpaid_but_its_capture_has_failed_all_the_same() -> None:
    desk = Desk()
    transact(desk, tried(1, 0, "do_not_honor"))
    transact(desk, tried(2, 1, "processing_error", kind="capture"))

    told_order(desk, order("authorized", 5))
    desk.passes(minutes(120))

    assert {alert.title for alert in desk.alerts} == {f"Order {NUMBER}: the capture failed, processing error"}
    assert list(desk.open) == ["payment-declined"]


def test_an_order_still_unpaid_after_an_hour_is_told_to_retention() -> None:
    desk = routed()
    transact(desk, tried(1, 0, "card_declined"))

    desk.passes(minutes(62))

    assert [alert.team for alert in desk.alerts] == ["finance", "retention"]
    assert desk.alerts[1].title == f"Order {NUMBER}: unpaid 1 hour after its payment was declined"


def test_retention_reads_whether_the_customer_accepts_marketing_and_where_they_are_in_the_admin() -> None:
    desk = routed()
    told_order(desk, order(customer_id=77, marketing_consent=False))
    transact(desk, tried(1, 0, "card_declined"))
    unknown = routed()
    transact(unknown, tried(1, 0, "card_declined"))
    for one in (desk, unknown):
        one.passes(minutes(62))

    told, bare = (
        labels(next(alert for alert in one.told("payment-declined") if alert.team == "retention"))
        for one in (desk, unknown)
    )
    assert (told["Marketing consent"], bare["Marketing consent"]) == ("no", "not known")
    assert told["Customer"] == "https://admin.shopify.com/store/demo/customers/77"
    assert "Marketing consent" not in labels(desk.told("payment-declined")[0]), "finance has no use for it"


def test_a_decline_changes_no_order_so_that_it_was_paid_before_is_what_shopify_answers_after_an_hour() -> None:
    desk = routed()
    desk.passes(minutes(5))
    told_order(desk, order("paid", 0))
    transact(desk, tried(1, 5, "insufficient_funds"))
    desk.passes(minutes(10))
    desk.answer(order("paid", 0))

    desk.passes(minutes(55))

    assert [alert.team for alert in desk.told("payment-declined")] == []


def test_what_is_declined_after_shopify_has_answered_is_not_settled_by_that() -> None:
    desk = routed()
    transact(desk, tried(1, 0, "insufficient_funds"))
    desk.passes(minutes(10))
    desk.answer(order("paid", -5))

    desk.passes(minutes(10))
    transact(desk, tried(2, 20, "insufficient_funds"))
    passes_hour(desk, 31)

    assert [alert.team for alert in desk.told("payment-declined")] == ["finance"]


def test_what_was_told_while_shopify_was_silent_is_asked_about_again_and_its_answer_ends_it() -> None:
    desk = routed()
    transact(desk, tried(1, 0, "insufficient_funds"))
    asked = []
    for minute in (10, 60, 120, 240, 480, 960):
        passes_hour(desk, minute)
        asked.append(len(desk.asked))
        desk.answer(SILENT, incomplete=("order", "payment"))
    is_open = list(desk.open)
    passes_hour(desk, 24 * 60)

    desk.answer(order("paid", 4))
    passes_hour(desk, 72 * 60)

    assert (asked, is_open) == ([1] * 6, ["payment-declined"])
    assert (desk.open, desk.asked) == ({}, [])
    assert [alert.team for alert in desk.told("payment-recovered")] == ["finance", "retention"]


def test_a_look_that_brought_nothing_is_no_newer_one_than_that_which_says_of_when_it_is() -> None:
    desk = routed()
    transact(desk, tried(1, 0, "insufficient_funds"))
    passes_hour(desk, 10)
    desk.answer(SILENT, incomplete=("order", "payment"))

    passes_hour(desk, 60)
    ends = desk.answer(order("paid", -30))
    passes_hour(desk, 72 * 60)

    assert [alert.team for alert in desk.told("payment-declined")] == ["finance", "finance"]
    assert {alert.rule for alert in ends} >= {"payment-recovered"}
    assert desk.open == {}


def test_everybody_who_was_told_hears_once_that_it_was_paid_after_all_and_how_long_it_took() -> None:
    desk = routed()
    told_order(desk, order())
    transact(desk, tried(1, 0, "fraud_suspected"))
    transact(desk, tried(2, 1, "card_declined"))
    passes_hour(desk, 70)

    transact(desk, tried(3, 74))

    told = desk.told("payment-recovered")
    assert [alert.team for alert in told] == ["fraud-review", "finance", "retention"]
    assert {(alert.severity, alert.milestone, alert.digest, alert.line) for alert in told} == {
        (Severity.INFO, True, False, False)
    }
    assert {alert.title for alert in told} == {
        "Order #1001: paid after all, 1 hour 14 minutes after the payment was declined"
    }
    ends = [alert for alert in desk.alerts if alert.state is AlertState.RESOLVED]
    assert {alert.id for alert in ends} == set(told[0].resolves)
    assert {alert.told_by for alert in ends} == {told[0].id}, "their teams read it in one message"
    assert desk.alerts.index(told[-1]) < desk.alerts.index(ends[0]), "which has to come first"
    assert set(desk.open) == {"order-payment-pending"}, "the order's own state is yet to come"
    assert {name.partition("|")[0] for name in desk.due} == {"order-payment-pending"}


def test_how_long_it_took_is_counted_from_the_first_decline_since_the_last_success() -> None:
    desk = Desk()
    transact(desk, tried(1, 0, "fraud_suspected"))
    transact(desk, tried(2, 1))
    transact(desk, tried(3, 60, "fraud_suspected"))

    transact(desk, tried(4, 65))

    titles = [alert.title for alert in desk.told("payment-recovered")]
    assert titles == [
        f"Order {NUMBER}: paid after all, {minutes} after the payment was declined"
        for minutes in ("1 minute", "5 minutes")
    ]


def test_what_finance_was_told_is_no_line_of_the_digest_too() -> None:
    desk = Desk()
    transact(desk, tried(1, 0, "card_declined"))
    desk.passes(minutes(11))
    late = Desk()
    transact(late, tried(1, 0, "card_declined"))
    late.passes(minutes(11))

    transact(desk, tried(2, 12))
    transact(late, tried(2, 9))

    for one in (desk, late):
        assert [alert.state for alert in one.told("payment-declined")] == [AlertState.FIRING, AlertState.RESOLVED]


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (Rules(off=("payment-recovered",)), 0),
        (Rules(when={"payment-recovered": "order.total > 100.0"}), 0),
        (Rules(when={"payment-recovered": "order.total > 10.0"}), 1),
    ],
)
def test_where_nobody_wants_to_hear_of_a_recovery_its_end_is_told_like_any_other(rules: Rules, told: int) -> None:
    desk = Desk(configuration(rules=rules))
    told_order(desk, order(total=usd("49.90")))
    transact(desk, tried(1, 0, "fraud_suspected"))

    transact(desk, tried(2, 1))

    assert len(desk.told("payment-recovered")) == told
    (_, ended) = desk.told("payment-declined")
    assert (ended.state, ended.told_by is None) == (AlertState.RESOLVED, told == 0)
    assert labels(ended)["Ended"] == "another attempt succeeded"


@pytest.mark.parametrize(
    ("kind", "financial", "word"),
    [
        ("sale", None, "paid"),
        ("authorization", None, "authorized"),
        ("authorization", "authorized", "authorized"),
        ("authorization", "paid", "paid"),
    ],
)
def test_what_is_only_authorized_is_not_said_to_be_paid(kind: str, financial: str | None, word: str) -> None:
    desk = Desk()
    transact(desk, tried(1, 0, "fraud_suspected"))
    if financial is not None:
        told_order(desk, order(financial, -1))

    transact(desk, tried(2, 5, kind=kind))

    (recovered,) = desk.told("payment-recovered")
    assert recovered.title.endswith(f": {word} after all, 5 minutes after the payment was declined")


def test_what_is_told_of_a_recovery_goes_to_those_who_were_told_whatever_the_routes_say_now() -> None:
    desk = routed()
    transact(desk, tried(1, 0, "processing_error", kind="capture"))

    transact(desk, tried(2, 30, kind="capture"))

    assert [alert.team for alert in desk.told("payment-recovered")] == ["finance"]


def test_each_further_decline_is_told_once_to_fraud_review_and_each_failed_capture_to_finance() -> None:
    desk = routed()
    transact(desk, tried(1, 0, "fraud_suspected"))
    transact(desk, tried(2, 0, "processing_error", kind="capture"))

    for _ in range(2):
        transact(desk, tried(3, 20, "pick_up_card"))
        transact(desk, tried(4, 21, "processing_error", kind="capture"))

    assert [(alert.team, alert.state) for alert in desk.told("payment-declined")] == [
        ("fraud-review", AlertState.FIRING),
        ("finance", AlertState.FIRING),
        ("fraud-review", AlertState.UPDATED),
        ("finance", AlertState.UPDATED),
    ]


def test_a_further_decline_is_held_back_like_the_first_and_those_that_were_told_with_it_are_not_told_again() -> None:
    desk = routed()
    transact(desk, tried(1, 0, "card_declined"))
    transact(desk, tried(2, 8, "card_declined"))
    passes_hour(desk, 11)
    transact(desk, tried(3, 16, "card_declined"))
    passes_hour(desk, 25)
    before = len(desk.told("payment-declined"))

    passes_hour(desk, 27)

    told = desk.told("payment-declined")
    assert before == 1
    assert [(alert.state, labels(alert)["Attempts"].partition(" ")[0]) for alert in told] == [
        (AlertState.FIRING, "2"),
        (AlertState.UPDATED, "3"),
    ]


def test_the_same_decline_told_five_times_is_one_alert() -> None:
    desk = Desk()

    for _ in range(5):
        transact(desk, tried(1, 0, "fraud_suspected"))

    assert len(desk.told("payment-declined")) == 1


def test_a_transaction_that_comes_again_as_a_success_was_no_decline_in_the_end() -> None:
    """Pitfall: `order_transactions/create` comes again for the same id when its status changes."""
    desk = Desk()
    transact(desk, tried(7, 0, "fraud_suspected"))
    desk.passes(minutes(1))

    transact(desk, tried(7, 0))

    assert desk.open == {}


@pytest.mark.parametrize("financial", ["voided", "pending", "partially_paid", "expired", "a_word_of_tomorrow"])
def test_what_is_not_paid_ends_nothing(financial: str) -> None:
    desk = Desk()
    transact(desk, tried(1, 0, "fraud_suspected"))

    told_order(desk, order(financial, 5))

    assert "payment-declined" in desk.open


def test_a_paid_state_from_before_the_decline_ends_nothing() -> None:
    desk = Desk()
    transact(desk, tried(1, 10, "fraud_suspected"))

    told_order(desk, order("paid", 5))

    assert "payment-declined" in desk.open


def test_a_cancelled_order_has_recovered_nothing_and_ends_it() -> None:
    desk = Desk()
    transact(desk, tried(1, 0, "fraud_suspected"))

    told_order(desk, order("voided", 5, cancelled=START + minutes(5)))
    desk.passes(minutes(120))

    assert desk.open == {}
    assert labels(desk.alerts[-1])["Ended"] == "the order was cancelled"
    assert desk.told("payment-recovered") == []


@pytest.mark.parametrize("kind", ["refund", "void", "emv_authorization"])
def test_what_is_no_attempt_to_pay_is_no_decline(kind: str) -> None:
    desk = Desk()

    transact(desk, tried(1, 0, "fraud_suspected", kind=kind))
    desk.passes(minutes(120))

    assert desk.told("payment-declined") == []


def test_a_test_transaction_is_no_decline() -> None:
    desk = Desk()

    transact(desk, tried(1, 0, "fraud_suspected", test=True))
    desk.passes(minutes(120))

    assert desk.alerts == []


def test_without_a_code_the_gateways_own_words_are_the_reason() -> None:
    desk = Desk()
    transact(desk, tried(1, 0, "generic", error_code=None))

    desk.passes(minutes(11))

    assert desk.alerts[0].title == f"Order {NUMBER}: payment declined, Your card was declined."


def test_finance_reads_gateway_code_amount_and_attempts() -> None:
    desk = Desk()
    told_order(desk, order())
    transact(desk, tried(1, 0, "card_declined"))
    transact(desk, tried(2, 4, "insufficient_funds"))

    desk.passes(minutes(11))

    (alert,) = desk.told("payment-declined")
    assert {(detail.label, detail.text) for detail in alert.details} >= {
        ("Amount at risk", "49.90 USD"),
        ("Error code", "insufficient_funds"),
        ("Gateway", "shopify_payments"),
        ("Attempts", "2 (09:00 card declined, 09:04 insufficient funds; UTC)"),
        ("Payment", "pending"),
        ("Shipped", "no"),
    }
    assert alert.link == f"https://admin.shopify.com/store/demo/orders/{NUMBER}"


def test_an_order_that_was_paid_and_then_costs_more_was_paid_all_the_same() -> None:
    desk = Desk()
    transact(desk, tried(1, 0, "fraud_suspected"))
    told_order(desk, order("paid", 5))
    told_order(desk, order("partially_paid", 8))
    desk.passes(minutes(90))
    before = dict(desk.open)

    transact(desk, tried(2, 90, "fraud_suspected"))

    assert "payment-declined" not in before
    assert [alert.state for alert in desk.told("payment-declined")] == ["firing", "resolved", "firing"]
    assert labels(desk.open["payment-declined"])["Attempts"].startswith("1 (10:30")


def test_attempts_of_several_days_are_told_with_their_days() -> None:
    desk = Desk()
    for number, minute in ((1, 0), (2, 23 * 60)):
        transact(desk, tried(number, minute, "fraud_suspected"))

    newest = desk.told("payment-declined")[-1]
    assert labels(newest)["Attempts"] == "2 (02 Nov 09:00 fraud suspected, 03 Nov 08:00 fraud suspected; UTC)"


def test_a_decline_of_an_order_that_nobody_has_told_of_says_what_is_not_known() -> None:
    desk = Desk()

    transact(desk, tried(1, 0, "fraud_suspected"))

    assert desk.alerts[0].unknown == ("the order's payment state and whether it was shipped",)


# --- payment-velocity -------------------------------------------------------------------------------------------------


def test_three_declines_in_a_quarter_of_an_hour_are_told_to_fraud_review() -> None:
    desk = routed()
    first = transact(desk, tried(1, 0, "incorrect_cvc")) + transact(desk, tried(2, 4, "card_declined"))

    transact(desk, tried(3, 8, "do_not_honor"))

    (alert,) = desk.told("payment-velocity")
    assert first == []
    assert (alert.team, alert.severity) == ("fraud-review", Severity.WARNING)
    assert alert.title == f"Order {NUMBER}: 3 payments declined within 15 minutes"


def test_three_declines_over_an_hour_are_not() -> None:
    desk = Desk()

    for number, minute in ((1, 0), (2, 14), (3, 30)):
        transact(desk, tried(number, minute, "card_declined"))

    assert desk.told("payment-velocity") == []


def test_captures_that_fail_are_nobody_trying_cards() -> None:
    desk = Desk()

    for number in (1, 2, 3):
        transact(desk, tried(number, number, "processing_error", kind="capture"))

    assert desk.told("payment-velocity") == []


def test_one_capture_that_is_card_testing_is_enough_until_the_order_is_paid() -> None:
    desk = Desk()

    transact(desk, tried(1, 0, "card_testing", kind="capture"))

    (tested,) = desk.told("payment-velocity")
    assert (tested.title, tested.severity) == (f"Order {NUMBER}: the gateway sees card testing", Severity.CRITICAL)
    transact(desk, tried(2, 9, kind="capture"))
    assert desk.open == {}


def test_it_ends_when_the_order_is_paid_after_all() -> None:
    desk = Desk()
    for number in (1, 2, 3):
        transact(desk, tried(number, number, "card_declined"))

    transact(desk, tried(4, 9))

    assert [alert.state for alert in desk.told("payment-velocity")] == [AlertState.FIRING, AlertState.RESOLVED]
    (recovered,) = desk.told("payment-recovered")
    assert recovered.title == f"Order {NUMBER}: paid after all, 8 minutes after the payment was declined"


def test_what_came_right_does_not_name_the_pending_order_of_before_and_names_one_that_is_paid() -> None:
    lagging, known = Desk(), Desk()
    for desk in (lagging, known):
        told_order(desk, order())
        transact(desk, tried(1, 0, "fraud_suspected"))

    transact(lagging, tried(2, 9))
    told_order(known, order("paid", 9))

    told = [labels(desk.told("payment-recovered")[0]).get("Payment") for desk in (lagging, known)]
    assert told == [None, "paid"]


def test_one_transaction_that_fails_in_two_ways_is_one_decline() -> None:
    desk = Desk()

    for number, status in ((1, "failure"), (1, "error"), (2, "failure")):
        transact(desk, tried(number, 0, "card_declined", status=status))

    assert desk.told("payment-velocity") == []


def test_card_testing_is_critical_at_once() -> None:
    desk = Desk()

    transact(desk, tried(1, 0, "card_testing"))

    (alert,) = desk.told("payment-velocity")
    assert alert.severity is Severity.CRITICAL


def test_a_card_declined_on_two_orders_is_critical() -> None:
    desk, card = routed(), subjects.card(SHOP, "0123456789abcdef")
    one = transact(desk, tried(1, 0, "card_declined", order=11), card)

    transact(desk, tried(2, 90, "card_declined", order=12), card)

    (alert,) = desk.told("payment-velocity")
    assert one == []
    assert (alert.team, alert.severity) == ("fraud-review", Severity.CRITICAL)
    assert labels(alert)["Orders"] == "11, 12"
    assert labels(alert)["In the admin"].endswith("/orders/11, https://admin.shopify.com/store/demo/orders/12")
    assert labels(alert)["Amount at risk"] == "99.80 USD", "each order once"


def test_a_card_declined_twice_on_one_order_or_months_apart_is_not() -> None:
    desk, card = Desk(), subjects.card(SHOP, "0123456789abcdef")

    transact(desk, tried(1, 0, "card_declined", order=11), card)
    transact(desk, tried(2, 5, "card_declined", order=11), card)
    transact(desk, tried(3, 60 * 24 * 40, "card_declined", order=12), card)

    assert desk.told("payment-velocity") == []


def test_a_card_that_has_been_quiet_for_a_day_is_over() -> None:
    desk, card = Desk(), subjects.card(SHOP, "0123456789abcdef")
    transact(desk, tried(1, 0, "card_declined", order=11), card)
    transact(desk, tried(2, 1, "card_declined", order=12), card)

    desk.passes(timedelta(hours=25))

    assert [alert.state for alert in desk.told("payment-velocity")] == [AlertState.FIRING, AlertState.RESOLVED]


def test_a_third_order_makes_a_cards_alert_an_update() -> None:
    desk, card = Desk(), subjects.card(SHOP, "0123456789abcdef")

    for number, of in enumerate((11, 12, 12, 13), 1):
        transact(desk, tried(number, number, "card_declined", order=of), card)

    states = [alert.state for alert in desk.told("payment-velocity")]
    assert states == [AlertState.FIRING, AlertState.UPDATED]


# --- payment-provider-failing -----------------------------------------------------------------------------------------


def provider_fails(desk: Desk, count: int, apart: float = 1) -> None:
    for number in range(count):
        facts = tried(number, number * apart, "payment_provider_error", order=100 + number)
        transact(desk, facts, subjects.shop_wide(SHOP))


def test_five_failures_of_the_provider_in_a_quarter_of_an_hour_are_critical_for_it_and_finance() -> None:
    desk = routed()
    provider_fails(desk, 4)
    before = list(desk.alerts)

    provider_fails(desk, 5)

    told = desk.told("payment-provider-failing")
    assert before == []
    assert {alert.team for alert in told} == {"it-support", "finance"}
    assert {alert.severity for alert in told} == {Severity.CRITICAL}
    assert told[0].title == "Payments fail at shopify payments: 5 since 02 Nov 2026 at 09:00 UTC"


def test_five_failures_over_an_hour_are_not() -> None:
    desk = Desk()

    provider_fails(desk, 5, apart=12)

    assert desk.alerts == []


def test_it_ends_once_the_provider_has_been_quiet_for_as_long() -> None:
    desk = Desk()
    provider_fails(desk, 5)

    desk.passes(minutes(20))

    assert desk.open == {}
    assert desk.alerts[-1].state is AlertState.RESOLVED


def test_what_is_over_is_not_told_again_with_the_shops_next_news() -> None:
    desk = Desk()
    provider_fails(desk, 5)
    desk.passes(timedelta(days=1))

    news = desk.event("shop/update", ShopFacts(id=1, plan="basic"), subjects.shop_wide(SHOP))

    assert [alert.state for alert in desk.alerts] == [AlertState.FIRING, AlertState.RESOLVED]
    assert news == []


def test_a_single_failure_long_after_them_is_no_failing_provider() -> None:
    desk = Desk()
    provider_fails(desk, 5)
    desk.passes(timedelta(days=1))

    raised = transact(desk, tried(99, 60 * 24, "config_error", order=199), subjects.shop_wide(SHOP))

    assert raised == []


def test_failures_that_are_learned_when_they_are_over_are_told_once() -> None:
    desk, shop = Desk(), subjects.shop_wide(SHOP)
    desk.passes(timedelta(hours=4))
    provider_fails(desk, 5)
    desk.passes(minutes(1))

    news = desk.event("shop/update", ShopFacts(id=1, plan="basic"), shop)

    assert [alert.state for alert in desk.told("payment-provider-failing")] == [AlertState.FIRING, AlertState.RESOLVED]
    assert news == []


def test_five_more_failures_on_another_day_are_told_again() -> None:
    desk = Desk()
    provider_fails(desk, 5)
    desk.passes(timedelta(days=1))

    for number in range(50, 55):
        transact(desk, tried(number, 60 * 24 + number, "config_error", order=number), subjects.shop_wide(SHOP))

    assert set(desk.open) == {"payment-provider-failing"}


def test_what_the_provider_is_to_blame_for_counts_for_the_shop_and_the_card() -> None:
    told = replace(tried(1, 0, "config_error"), card="0123456789abcdef")

    assert [event.subject for event in copies(event_of(told))] == [f"{SHOP}/card/0123456789abcdef", f"{SHOP}/shop"]
    assert copies(event_of(tried(2, 0, "card_declined"))) == ()
    assert copies(event_of(tried(3, 0, error_code="config_error"))) == ()


def event_of(facts: TransactionFacts) -> Event:
    subject = subjects.order(SHOP, facts.order_id)
    return Event(
        kind="order_transactions/create",
        shop=SHOP,
        subject=subject,
        resource=subject,
        occurred=START,
        received=START,
        delivery_id="delivery",
        source=Source.WEBHOOK,
        facts=facts,
    )


# --- order and repetition ---------------------------------------------------------------------------------------------

DELIVERIES: tuple[tuple[TransactionFacts | OrderFacts, str], ...] = (
    (tried(1, 0, "incorrect_cvc"), "a"),
    (tried(2, 2, "fraud_suspected"), "b"),
    (tried(3, 4, "card_declined"), "c"),
    (tried(4, 5), "d"),
    (tried(5, 8, "card_testing"), "e"),
    (tried(6, 9, "processing_error", kind="capture"), "f"),
    (order("authorized", 6), "g"),
)


def keys_open(told: list[tuple[TransactionFacts | OrderFacts, str]]) -> list[str]:
    """Which of a rule's alerts are open when all is told: rule, subject, and the key where there is one."""
    desk = Desk()
    for facts, delivery in told:
        if isinstance(facts, OrderFacts):
            desk.event("orders/updated", facts, updated=facts.updated, delivery_id=delivery)
        else:
            desk.event("order_transactions/create", facts, occurred=facts.processed, delivery_id=delivery)
    desk.passes(minutes(120))
    newest = {alert.id: alert for alert in desk.alerts if not alert.milestone}
    left = [alert for alert in newest.values() if alert.state is not AlertState.RESOLVED]
    return sorted(alert.id.removesuffix(f":{alert.opened_by}") for alert in left)


@settings(max_examples=60)
@given(st.permutations(DELIVERIES), st.lists(st.sampled_from(DELIVERIES), max_size=4))
def test_what_stays_open_does_not_depend_on_order_and_repetition(
    shuffled: list[tuple[TransactionFacts | OrderFacts, str]], again: list[tuple[TransactionFacts | OrderFacts, str]]
) -> None:
    subject = f"{SHOP}/order/{NUMBER}"

    assert keys_open(shuffled + again) == [
        f"payment-declined:{subject}:capture",
        f"payment-declined:{subject}:fraud-review",
        f"payment-declined:{subject}:retention",
        f"payment-velocity:{subject}",
    ]
