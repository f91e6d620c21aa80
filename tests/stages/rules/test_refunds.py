"""Money that is owed for what came back, and refunds whose money did not move."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.alerts import Alert, AlertState, Audience, Severity
from schemas.configuration import ReturnRules, Rules
from schemas.facts.orders import OrderFacts
from schemas.facts.payments import TransactionFacts
from schemas.facts.returns import (
    Disposition,
    DispositionFacts,
    RefundFacts,
    RefundLine,
    RefundTransaction,
    ReturnFacts,
    ReturnLine,
)
from schemas.facts.table import AnyFacts
from schemas.money import Money
from stages.judging.doubts import AWAY, BEHIND, NOT_CONFIRMED
from tests.stages.rules.world import NUMBER, SHOP, START, Desk, configuration, labels, routed, usd

BACK = 700
NAME = "#1001-R1"

#: Who hears of returns and refunds.
READERS = (Audience.RETURNS, Audience.CUSTOMER_SERVICE, Audience.FINANCE)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def returned(status: str | None = "open", **changed: Any) -> ReturnFacts:
    told: dict[str, Any] = {"id": BACK, "order_id": NUMBER, "name": NAME, "status": status, "quantity": 2}
    return ReturnFacts(**told | {"reasons": ("defective",)} | changed)


def counted(refunded: int = 0, worth: str | None = None, **changed: Any) -> ReturnFacts:
    """As Shopify knows it: both units were processed."""
    line = ReturnLine(2, processed=2, refunded=refunded, refundable=2 - refunded, worth=usd(worth) if worth else None)
    return returned(lines=(line,), dispositions=(), **changed)


def approve(desk: Desk, **changed: Any) -> None:
    desk.event("returns/approve", returned(**changed))


def arrive(desk: Desk, quantity: int = 2) -> None:
    pieces = (Disposition("restocked", quantity),)
    facts = DispositionFacts(id=900, dispositions=pieces, order_id=NUMBER, return_id=BACK, return_name=NAME)
    desk.event("reverse_fulfillment_orders/dispose", facts)


def moved(number: int, status: str, amount: str | None = "129.00", error: str | None = None) -> RefundTransaction:
    paid = None if amount is None else usd(amount)
    return RefundTransaction(number, "refund", status, paid, "shopify_payments", error)


def refund(number: int, *transactions: RefundTransaction, day: float = 0, **changed: Any) -> RefundFacts:
    at = START + days(day)
    told: dict[str, Any] = {"id": number, "order_id": NUMBER, "created": at, "processed": at, "quantity": 2}
    return RefundFacts(**told | {"transactions": transactions} | changed)


def pay(desk: Desk, facts: RefundFacts) -> list[Alert]:
    return desk.event("refunds/create", facts, occurred=facts.created)


# --- refund-due -------------------------------------------------------------------------------------------------------


def test_a_refund_that_is_due_is_a_warning_a_day_before_and_critical_when_missed() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)

    desk.passes(days(3.9))
    before = list(desk.told("refund-due"))
    desk.passes(days(2))

    assert before == []
    assert [(alert.severity, alert.title) for alert in desk.told("refund-due")] == [
        (Severity.WARNING, f"Return {NAME}: a refund for 2 units is due by 07 Nov 2026 at 09:00 UTC"),
        (Severity.CRITICAL, f"Return {NAME}: no refund for 2 units by 07 Nov 2026 at 09:00 UTC, when it was due"),
    ]


def test_it_is_for_finance_and_returns_and_says_what_is_owed_by_when() -> None:
    desk = Desk(routed(*READERS))
    approve(desk, reasons=("defective",))
    arrive(desk, 1)

    desk.passes(days(4.1))

    told = desk.told("refund-due")
    assert {alert.team for alert in told} == {"finance", "returns"}
    assert labels(told[0])["Received"] == "1"
    assert labels(told[0])["Quantity"] == "2"
    assert labels(told[0])["Refund due"] == "by 07 Nov 2026 at 09:00 UTC"


def test_shopify_is_asked_before_it_is_told_and_a_refund_that_it_knows_of_wins() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)
    desk.passes(days(4))
    asked = [(question.kind.value, question.resource) for question in desk.asked]

    desk.answer(counted(refunded=2))
    desk.passes(days(4))

    assert asked == [("return", str(BACK))]
    assert desk.told("refund-due") == []


def test_the_deadline_does_not_wait_for_a_pipeline_that_is_behind_or_a_receiver_that_was_away() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)
    desk.is_behind, desk.missed_until = True, START + days(9)

    (soon, missed) = desk.passes(days(5.1))

    assert (soon.severity, missed.severity) == (Severity.WARNING, Severity.CRITICAL)
    assert soon.unknown == missed.unknown == (NOT_CONFIRMED, BEHIND, AWAY)


def test_what_shopify_answers_does_not_move_the_deadline() -> None:
    desk = Desk()
    approve(desk)
    desk.event("returns/process", returned(None, quantity=None))
    desk.passes(days(4))

    desk.answer(counted())
    desk.passes(days(1.1))

    assert [alert.severity for alert in desk.told("refund-due")] == [Severity.WARNING, Severity.CRITICAL]


def test_a_refund_whose_money_has_moved_meets_it() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)
    desk.passes(days(4.5))

    pay(desk, refund(600, moved(1, "success"), day=4.5, return_id=BACK))

    states = [alert.state for alert in desk.told("refund-due")]
    assert states == [AlertState.FIRING, AlertState.RESOLVED]
    assert desk.told("refund-due")[-1].title == f"Return {NAME}: refunded 4 days 12 hours after it arrived"


@pytest.mark.parametrize("status", ["pending", "failure", "awaiting_response"])
def test_a_refund_whose_money_has_not_moved_meets_nothing(status: str) -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)

    pay(desk, refund(600, moved(1, status), return_id=BACK))
    desk.passes(days(6))

    assert "refund-due" in desk.open


def test_a_refund_for_part_of_what_came_back_leaves_the_rest_owed() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)

    pay(desk, refund(600, moved(1, "success"), return_id=BACK, quantity=1))
    desk.passes(days(4.1))

    assert len(desk.told("refund-due")) == 1


def test_after_a_part_refund_it_says_what_was_refunded_what_is_owed_and_by_when() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)
    pay(desk, refund(600, moved(1, "success"), return_id=BACK, quantity=1))
    desk.passes(days(4))

    (soon,) = desk.answer(counted(refunded=1, worth="258.00"))
    desk.passes(days(1))
    (missed,) = desk.answer(counted(refunded=1, worth="258.00"))
    (closed,) = closed_anew().told("refund-due")

    assert soon.title == (
        f"Return {NAME}: 1 of 2 units refunded, a refund for 1 unit worth 129.00 USD is due by 07 Nov 2026 at 09:00 UTC"
    )
    assert labels(soon).items() >= {"Refunded": "1, 129.00 USD", "Owed": "1 unit worth 129.00 USD"}.items()
    assert labels(soon)["Refund due"] == "by 07 Nov 2026 at 09:00 UTC"
    assert missed.title.startswith(f"Return {NAME}: 1 of 2 units refunded, no refund for 1 unit worth 129.00 USD by")
    assert closed.title == f"Return {NAME}: 1 of 2 units refunded, closed without a refund for 1 unit"


def closed_anew() -> Desk:
    """Closed after a refund for one of two units."""
    desk = Desk()
    approve(desk)
    arrive(desk)
    pay(desk, refund(600, moved(1, "success"), return_id=BACK, quantity=1))
    desk.event("returns/close", returned("closed"))
    desk.passes(timedelta(minutes=1))
    return desk


def piece(number: int, line: int, at: float = 0, units: int = 1, kind: str = "restocked") -> Disposition:
    """As Shopify knows it: of one line of the order."""
    return Disposition(kind, units, 100 + line, id=number, reverse=900, line=line, at=START + days(at))


def come(desk: Desk, *known: Disposition) -> None:
    facts = DispositionFacts(id=900, order_id=NUMBER, return_id=BACK, return_name=NAME, disposed=known)
    desk.event("reverse_fulfillment_orders/dispose", facts)


def test_what_a_late_webhook_made_us_look_up_came_back_when_it_did() -> None:
    desk = Desk()
    desk.passes(days(6))

    line = ReturnLine(1, 7, processed=1, refunded=0)
    facts = returned(quantity=1, lines=(line,), dispositions=(piece(1, 7, at=5),))
    desk.event("returns/approve", facts, occurred=START)
    desk.passes(days(3.1))

    (soon,) = desk.told("refund-due")
    assert labels(soon)["Refund due"] == "by 12 Nov 2026 at 09:00 UTC"
    assert [alert.since for alert in desk.told("return-received")] == [START + days(5)]


def test_several_looks_are_taken_for_what_is_furthest_whichever_was_made_last() -> None:
    desk = Desk()
    desk.event("returns/process", counted(refunded=2), occurred=START + days(1))
    desk.event("returns/update", counted(refunded=0), occurred=START + days(2))

    desk.passes(days(9))

    assert desk.told("refund-due") == []


def test_counts_below_nothing_neither_come_back_nor_are_paid_for() -> None:
    desk = Desk()
    approve(desk)
    come(desk, piece(1, 7), piece(2, 7, units=-5))
    pay(desk, refund(600, moved(1, "success"), return_id=BACK, lines=(RefundLine(-3, 7),)))
    desk.passes(days(4.1))

    assert [labels(alert)["Owed"] for alert in desk.told("refund-due")] == ["1 unit"]


def test_several_refunds_that_come_to_what_came_back_owe_nothing() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)

    pay(desk, refund(600, moved(1, "success"), return_id=BACK, quantity=1))
    pay(desk, refund(601, moved(2, "success"), day=1, return_id=BACK, quantity=1))
    desk.passes(days(9))

    assert desk.told("refund-due") == []


def test_what_came_back_later_is_due_later() -> None:
    desk = Desk()
    approve(desk, quantity=3)
    come(desk, piece(1, 7))
    pay(desk, refund(600, moved(1, "success"), return_id=BACK, quantity=1))
    desk.passes(days(10))

    come(desk, piece(1, 7), piece(2, 7, at=10, units=2))
    desk.passes(days(3.9))
    before = list(desk.told("refund-due"))
    desk.passes(days(0.2))

    assert before == []
    (soon,) = desk.told("refund-due")
    assert (
        soon.title == f"Return {NAME}: 1 of 3 units refunded, a refund for 2 units is due by 17 Nov 2026 at 09:00 UTC"
    )


@pytest.mark.parametrize(
    ("paid", "owed"),
    [
        ((RefundLine(1, 7), RefundLine(1, 8)), None),
        ((RefundLine(2, 7),), "1 unit"),
        ((RefundLine(1, 8),), "1 unit"),
        ((RefundLine(2),), None),
    ],
    ids=["both lines", "one line twice", "one of them", "lines not known"],
)
def test_it_is_reckoned_line_by_line_where_the_lines_are_known(paid: tuple[RefundLine, ...], owed: str | None) -> None:
    desk = Desk()
    approve(desk, quantity=3)
    come(desk, piece(1, 7), piece(2, 8), piece(3, 9, kind="missing"))

    pay(desk, refund(600, moved(1, "success"), return_id=BACK, lines=paid))
    desk.passes(days(4.1))

    assert [labels(alert)["Owed"] for alert in desk.told("refund-due")] == ([owed] if owed else [])


@pytest.mark.parametrize(
    ("day", "line", "owes"), [(1, 7, False), (-1, 7, True), (1, 8, True)], ids=["its line", "before it", "another line"]
)
def test_a_refund_that_names_no_return_counts_for_its_line_if_it_was_made_after_the_return_began(
    day: float, line: int, owes: bool
) -> None:
    desk = Desk()
    approve(desk, quantity=1, lines=(ReturnLine(1, 7),))
    come(desk, piece(1, 7))

    pay(desk, refund(600, moved(1, "success"), day=day, lines=(RefundLine(1, line),)))
    desk.passes(days(4.1))

    assert len(desk.told("refund-due")) == owes


def test_what_shopify_has_nothing_left_to_refund_for_is_owed_no_more() -> None:
    """It was paid for by an amount of its own, of no line."""
    desk = Desk()
    approve(desk)
    come(desk, piece(1, 7, units=2))
    desk.passes(days(4))

    spent = ReturnLine(2, 7, processed=2, refunded=0, refundable=0)
    desk.answer(returned(lines=(spent,), dispositions=()))
    desk.passes(days(4))

    assert desk.told("refund-due") == []


def test_a_refund_of_shipping_only_pays_for_no_unit() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)

    pay(desk, refund(600, moved(1, "success", "10.00"), return_id=BACK, quantity=0))
    desk.passes(days(4.1))

    (soon,) = desk.told("refund-due")
    assert labels(soon)["Refunded"] == "10.00 USD"
    assert labels(soon)["Owed"] == "2 units"


def test_what_is_missing_was_processed_and_is_owed_nothing() -> None:
    desk = Desk()
    approve(desk)
    come(desk, piece(1, 7), piece(2, 7, kind="missing"))
    pay(desk, refund(600, moved(1, "success"), return_id=BACK, quantity=1))

    desk.event("returns/process", counted(refunded=1))
    desk.passes(days(9))

    assert desk.told("refund-due") == []


@pytest.mark.parametrize(
    ("worth", "owed"),
    [("2000 JPY", "1 unit worth 667 JPY"), ("1.000 KWD", "1 unit worth 0.333 KWD")],
)
def test_what_is_owed_has_the_places_of_its_currency(worth: str, owed: str) -> None:
    desk = Desk()
    amount, currency = worth.split()
    line = ReturnLine(3, 7, processed=1, refunded=0, worth=Money(Decimal(amount), currency))
    approve(desk, quantity=3)
    come(desk, piece(1, 7))
    desk.passes(days(4))

    (soon,) = desk.answer(returned(quantity=3, lines=(line,), dispositions=()))

    assert labels(soon)["Owed"] == owed


def test_what_is_only_missing_is_owed_nothing() -> None:
    desk = Desk()
    approve(desk)
    facts = DispositionFacts(id=900, dispositions=(Disposition("missing", 2),), order_id=NUMBER, return_id=BACK)

    desk.event("reverse_fulfillment_orders/dispose", facts)
    desk.passes(days(6))

    assert desk.told("refund-due") == []


def test_an_exchange_owes_nothing_unless_its_order_says_so() -> None:
    desk = Desk()
    approve(desk, exchanges=1)
    arrive(desk)
    desk.passes(days(6))
    even = list(desk.told("refund-due"))

    balance = OrderFacts(id=NUMBER, outstanding=usd("-12.00"), updated=desk.now, financial="paid")
    desk.event("orders/updated", balance, updated=desk.now)
    desk.passes(days(1))

    assert even == []
    assert {alert.severity for alert in desk.told("refund-due")} == {Severity.CRITICAL}


def test_whether_an_exchange_is_even_is_asked_where_its_balance_is_not_known() -> None:
    desk = Desk()
    approve(desk, exchanges=1)
    arrive(desk)
    desk.passes(days(4))
    asked = [(question.kind.value, question.resource) for question in desk.asked]

    desk.answer(counted(exchanges=1, outstanding=usd("-12.00")))
    (soon,) = desk.passes(timedelta(minutes=1))

    assert asked == [("return", str(BACK))]
    assert labels(soon)["Owed"] == "12.00 USD (the order's balance)"
    assert soon.unknown == (NOT_CONFIRMED,)


def test_an_even_exchange_that_nobody_scans_is_not_asked_about() -> None:
    desk, cheaper = Desk(), Desk()
    for each, outstanding in ((desk, "0.00"), (cheaper, "-12.00")):
        approve(each, exchanges=1)
        balance(each, outstanding)

        each.passes(days(20))

    assert desk.told("refund-due") == []
    assert [alert.severity for alert in cheaper.told("refund-due")] == [Severity.INFO]


def test_a_balance_that_was_settled_since_owes_nothing() -> None:
    desk = Desk()
    approve(desk, exchanges=1)
    arrive(desk)
    for minute, amount in ((1, "-12.00"), (2, "0.00")):
        at = START + timedelta(minutes=minute)
        balance = OrderFacts(id=NUMBER, outstanding=usd(amount), updated=at, financial="paid")
        desk.event("orders/updated" if minute == 1 else "orders/paid", balance, updated=at)

    desk.passes(days(9))

    assert desk.told("refund-due") == []


def balance(desk: Desk, amount: str, **changed: Any) -> None:
    told: dict[str, Any] = {"id": NUMBER, "name": "#1001", "financial": "paid", "updated": desk.now}
    desk.event("orders/updated", OrderFacts(**told | {"outstanding": usd(amount)} | changed), updated=desk.now)


def test_a_balance_that_is_owed_without_any_return_is_due_as_long_after_it_was_first_seen() -> None:
    desk = Desk(routed(*READERS))
    balance(desk, "0.00")
    desk.passes(days(1))
    balance(desk, "-20.00")
    desk.passes(days(2))
    balance(desk, "-20.00", tags=("edited",))
    desk.passes(days(2))
    asked = [question.kind.value for question in desk.asked]

    told = desk.answer(OrderFacts(id=NUMBER, outstanding=usd("-20.00"), updated=desk.now, absent=("lines",)))
    desk.passes(days(1.1))

    assert asked == ["payment"]
    assert {(alert.team, alert.title) for alert in told} == {
        (team, "Order #1001: a refund of 20.00 USD is due by 08 Nov 2026 at 09:00 UTC")
        for team in ("finance", "returns")
    }
    assert {alert.severity for alert in told} == {Severity.WARNING}
    assert desk.open["refund-due"].severity is Severity.CRITICAL


def test_a_balance_that_is_owed_again_is_due_as_long_after_that_however_often_it_is_told() -> None:
    desk = Desk()
    for amount in ("-20.00", "0.00", "-5.00", "-5.00", "-5.00", "-5.00"):
        balance(desk, amount)
        desk.passes(days(1))

    desk.passes(days(0.1))

    (alert,) = desk.told("refund-due")
    assert alert.title == "Order #1001: a refund of 5.00 USD is due by 09 Nov 2026 at 09:00 UTC"


@pytest.mark.parametrize("settled", ["0.00", "5.00"])
def test_once_it_is_settled_it_is_owed_no_more(settled: str) -> None:
    desk = Desk()
    balance(desk, "-20.00")
    desk.passes(days(4.1))

    balance(desk, settled)
    desk.passes(days(9))

    assert [alert.state for alert in desk.told("refund-due")] == [AlertState.FIRING, AlertState.RESOLVED]


def test_a_balance_for_a_return_that_is_under_way_waits_for_its_receipt() -> None:
    desk = Desk()
    approve(desk)
    balance(desk, "-20.00")
    desk.passes(days(9))
    before = list(desk.told("refund-due"))

    arrive(desk)
    desk.passes(days(4.1))

    assert before == []
    assert [alert.title for alert in desk.told("refund-due")] == [
        f"Return {NAME}: a refund for 2 units is due by 16 Nov 2026 at 09:00 UTC"
    ]


def test_a_balance_that_is_owed_long_after_a_return_was_refunded_has_a_deadline_of_its_own() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)
    pay(desk, refund(600, moved(1, "success"), return_id=BACK))
    desk.passes(days(20))

    balance(desk, "-20.00")
    desk.passes(days(3.9))
    before = list(desk.told("refund-due"))
    desk.passes(days(0.2))

    assert before == []
    assert [alert.title for alert in desk.told("refund-due")] == [
        f"Return {NAME}: 2 of 2 units refunded, a refund for 20.00 USD (the order's balance) is due by "
        "27 Nov 2026 at 09:00 UTC"
    ]


def test_a_balance_from_before_the_goods_came_says_nothing_of_them() -> None:
    desk = Desk()
    balance = OrderFacts(id=NUMBER, outstanding=usd("-12.00"), updated=START, financial="paid")
    desk.event("orders/updated", balance, updated=START)
    approve(desk, exchanges=1)
    desk.passes(days(1))

    arrive(desk)
    desk.passes(days(6))

    assert desk.told("refund-due") == []


def test_what_came_back_uncounted_is_paid_by_any_refund_of_its_return() -> None:
    desk = Desk()
    approve(desk)
    desk.event("returns/process", returned(None, quantity=None))

    pay(desk, refund(600, moved(1, "success"), return_id=BACK, quantity=0))
    desk.passes(days(6))

    assert desk.told("refund-due") == []


def test_closed_with_money_owed_is_told_at_once_and_does_not_end_it() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)
    desk.passes(days(1))

    desk.event("returns/close", returned("closed"))
    desk.passes(timedelta(minutes=1))

    (alert,) = desk.told("refund-due")
    assert alert.title == f"Return {NAME}: closed without a refund for 2 units"
    assert "refund-due" in desk.open


@pytest.mark.parametrize("is_last", [False, True])
def test_reopened_it_has_until_its_due_again_whichever_is_told_first(is_last: bool) -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)
    desk.passes(timedelta(hours=3))
    turns = [("returns/close", "closed", 1), ("returns/reopen", "open", 2)]

    for kind, status, hour in reversed(turns) if is_last else turns:
        desk.event(kind, returned(status), occurred=START + timedelta(hours=hour))
        desk.passes(timedelta(minutes=1))
    before = set(desk.open)
    desk.passes(days(4))

    assert before == set()
    assert set(desk.open) == {"refund-due"}


def test_closed_after_the_refund_is_nothing() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)
    pay(desk, refund(600, moved(1, "success"), return_id=BACK))

    desk.event("returns/close", returned("closed"))
    desk.passes(days(30))

    assert desk.told("refund-due") == []


def test_a_canceled_return_owes_nothing() -> None:
    desk = Desk()
    approve(desk)
    arrive(desk)

    desk.passes(timedelta(hours=1))
    desk.event("returns/cancel", returned("canceled"))
    desk.passes(days(30))

    assert desk.told("refund-due") == []


@pytest.mark.parametrize(("statutory", "severity"), [(False, Severity.INFO), (True, Severity.WARNING)])
def test_what_was_never_scanned_is_asked_about_after_two_weeks(statutory: bool, severity: Severity) -> None:
    desk = Desk(configuration(rules=Rules(returns=ReturnRules(statutory=statutory))))
    approve(desk)

    desk.passes(days(14.1))

    (alert,) = desk.told("refund-due")
    assert (alert.severity, alert.digest, alert.line) == (severity, not statutory, not statutory)


def test_what_was_scanned_in_time_is_not_asked_about() -> None:
    desk = Desk()
    approve(desk)
    desk.passes(days(1))
    arrive(desk)
    pay(desk, refund(600, moved(1, "success"), day=1, return_id=BACK))

    desk.passes(days(20))

    assert desk.told("refund-due") == []


# --- refund-failed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["failure", "error"])
def test_a_refund_that_failed_is_critical_at_once_for_finance_and_support(status: str) -> None:
    desk = Desk(routed(*READERS))

    pay(desk, refund(600, moved(1, status, error="card_declined")))

    told = desk.told("refund-failed")
    assert {alert.team for alert in told} == {"finance", "customer-service"}
    assert {alert.severity for alert in told} == {Severity.CRITICAL}
    assert told[0].title == f"Order {NUMBER}: a refund of 129.00 USD failed, card declined"
    assert labels(told[0])["Gateway"] == "shopify_payments"


def test_a_later_refund_that_moved_the_money_ends_it() -> None:
    desk = Desk()
    pay(desk, refund(600, moved(1, "failure")))

    pay(desk, refund(601, moved(2, "success"), day=1))

    assert desk.open == {}
    assert desk.told("refund-failed")[-1].title == f"Order {NUMBER}: the refund of 129.00 USD went through after all"


@pytest.mark.parametrize(
    "other",
    [
        refund(601, moved(2, "success"), day=-1),
        refund(601, moved(2, "success", "20.00"), day=1),
        refund(601, RefundTransaction(2, "refund", "success", Money(Decimal("129.00"), "EUR")), day=1),
        refund(601, moved(2, "pending"), day=1),
        refund(601, day=1),
    ],
    ids=["earlier", "smaller", "another currency", "pending", "without money"],
)
def test_what_is_no_such_refund_does_not(other: RefundFacts) -> None:
    desk = Desk()
    pay(desk, refund(600, moved(1, "failure")))

    pay(desk, other)

    assert "refund-failed" in desk.open


def test_one_success_makes_one_failure_good() -> None:
    desk = Desk()
    pay(desk, refund(600, moved(1, "failure")))
    pay(desk, refund(601, moved(2, "failure")))

    pay(desk, refund(602, moved(3, "success"), day=1))

    ended = [alert for alert in desk.told("refund-failed") if alert.state is AlertState.RESOLVED]
    assert len(ended) == 1
    assert "refund-failed" in desk.open


def test_the_transactions_own_topic_tells_of_the_same_failure_and_of_its_end() -> None:
    desk = Desk()
    pay(desk, refund(600, moved(1, "pending")))

    for minute, status in ((5, "failure"), (9, "success")):
        desk.passes(timedelta(minutes=minute))
        facts = TransactionFacts(1, NUMBER, "refund", status, amount=usd("129.00"), message="Account closed")
        desk.event("order_transactions/create", facts)

    states = [alert.state for alert in desk.told("refund-failed")]
    assert states == [AlertState.FIRING, AlertState.RESOLVED]


def test_a_refund_whose_transaction_tells_of_its_success_later_has_gone_through() -> None:
    desk = Desk()
    pay(desk, refund(600, moved(1, "pending")))
    desk.passes(days(1))

    facts = TransactionFacts(1, NUMBER, "refund", "success", amount=usd("129.00"))
    desk.event("order_transactions/create", facts)
    desk.passes(days(5))

    assert [alert.rule for alert in desk.alerts] == ["return-refunded"]


def test_the_parts_of_a_refund_that_did_move_do_not_make_good_the_one_that_failed() -> None:
    desk = Desk()

    pay(desk, refund(600, moved(1, "failure", "50.00"), moved(2, "success", "79.00")))

    assert "refund-failed" in desk.open


def test_several_later_refunds_that_come_to_it_end_it() -> None:
    desk = Desk()
    pay(desk, refund(600, moved(1, "failure")))

    pay(desk, refund(601, moved(2, "success", "100.00"), day=1))
    before = set(desk.open)
    pay(desk, refund(602, moved(3, "success", "29.00"), day=2))

    assert before == {"refund-failed"}
    assert desk.open == {}


@pytest.mark.parametrize("kind", ["void", "authorization", "change"])
def test_what_gives_no_captured_money_back_neither_fails_nor_succeeds_as_a_refund(kind: str) -> None:
    desk = Desk()
    for number, status in ((600, "failure"), (601, "success"), (602, "pending")):
        pay(desk, refund(number, RefundTransaction(number, kind, status, usd("129.00"))))

    desk.passes(days(9))

    assert desk.alerts == []


@pytest.mark.parametrize("changed", [{"kind": "sale"}, {"test": True}])
def test_a_failed_transaction_that_is_no_refund_is_none_of_this(changed: dict[str, Any]) -> None:
    desk = Desk()
    facts = TransactionFacts(1, NUMBER, "refund", "failure", amount=usd("129.00"))

    desk.event("order_transactions/create", replace(facts, **changed))

    assert desk.told("refund-failed") == []


def test_a_refund_that_is_under_way_for_three_days_is_a_warning_once_shopify_was_asked() -> None:
    desk = Desk()
    pay(desk, refund(600, moved(1, "pending"), moved(2, "pending", "20.00")))
    desk.passes(days(2.9))
    before = list(desk.alerts)

    desk.passes(days(0.1))
    asked = [(question.kind.value, question.resource) for question in desk.asked]
    (alert,) = desk.answer(refund(600, moved(1, "pending"), moved(2, "pending", "20.00")))

    assert before == []
    assert asked == [("refund", "600")]
    assert (alert.rule, alert.severity, alert.unknown) == ("refund-failed", Severity.WARNING, ())
    assert alert.title == f"Order {NUMBER}: a refund of 149.00 USD has not gone through"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (moved(1, "success"), [("return-refunded", Severity.INFO)]),
        (moved(1, "failure"), [("refund-failed", Severity.CRITICAL)]),
    ],
    ids=["went through", "failed"],
)
def test_what_shopify_says_of_a_refund_that_is_under_way_wins(
    answer: RefundTransaction, told: list[tuple[str, Severity]]
) -> None:
    desk = Desk()
    pay(desk, refund(600, moved(1, "pending")))
    desk.passes(days(3))

    desk.answer(refund(600, answer))
    desk.passes(days(9))

    assert [(alert.rule, alert.severity) for alert in desk.alerts] == told


def test_without_an_answer_what_was_known_of_the_refund_stays_known() -> None:
    desk = Desk()
    pay(desk, refund(600, moved(1, "pending")))
    desk.passes(days(3))

    (alert,) = desk.answer(RefundFacts(id=600, absent=("return_id", "transactions")), incomplete=("refund",))

    assert alert.title == f"Order {NUMBER}: a refund of 129.00 USD has not gone through"
    assert alert.unknown == (NOT_CONFIRMED,)


def test_a_refund_without_transactions_never_fails() -> None:
    desk = Desk()

    pay(desk, refund(600))
    desk.passes(days(30))

    assert desk.told("refund-failed") == []


def test_a_failure_that_is_told_five_times_is_one_alert() -> None:
    desk = Desk()

    for _ in range(5):
        pay(desk, refund(600, moved(1, "failure")))

    assert len(desk.told("refund-failed")) == 1


# --- order and repetition ---------------------------------------------------------------------------------------------

DELIVERIES: tuple[tuple[str, AnyFacts, float, str], ...] = (
    ("returns/approve", returned("open"), 0, "a"),
    ("reverse_fulfillment_orders/dispose", DispositionFacts(9, (Disposition("restocked", 2),), NUMBER), 1, "b"),
    ("refunds/create", refund(600, moved(1, "failure"), day=2, return_id=BACK), 2, "c"),
    ("refunds/create", refund(601, moved(2, "success"), day=3), 3, "d"),
    ("refunds/create", refund(602, moved(3, "failure", "20.00"), day=4), 4, "e"),
    ("returns/close", returned("closed"), 5, "f"),
)


@settings(max_examples=60)
@given(st.permutations(DELIVERIES), st.lists(st.sampled_from(DELIVERIES), max_size=3))
def test_what_stays_open_does_not_depend_on_order_and_repetition(
    shuffled: list[tuple[str, AnyFacts, float, str]], again: list[tuple[str, AnyFacts, float, str]]
) -> None:
    desk = Desk()
    for kind, facts, day, delivery in [*shuffled, *again]:
        desk.event(kind, facts, occurred=START + days(day), delivery_id=delivery)
    desk.passes(days(30))

    newest = {alert.id: alert for alert in desk.alerts if not alert.milestone}
    left = [alert for alert in newest.values() if alert.state is not AlertState.RESOLVED]
    assert sorted(alert.id.removesuffix(f":{alert.opened_by}") for alert in left) == [
        f"refund-due:{SHOP}/order/{NUMBER}:{BACK}",
        f"refund-failed:{SHOP}/order/{NUMBER}:3",
    ]
