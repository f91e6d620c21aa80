"""What makes an order's alerts urgent, and that what is not known does not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from schemas.configuration import PremiumRule, Rules
from schemas.events import Event, Source
from schemas.facts import AnyFacts, Customer, DisputeFacts, FulfillmentOrderFacts, OrderFacts
from schemas.subjects import order as subject_of
from stages.dossiers.dossier import Dossier
from stages.dossiers.merging import merged
from stages.rules.priority import DISPUTED, is_premium, reasons
from tests.stages.rules.world import NUMBER, SHOP, START, usd


def knowing(*facts: AnyFacts) -> Dossier:
    dossier = Dossier()
    for number, each in enumerate(facts):
        subject = subject_of(SHOP, NUMBER)
        told = Event("any", SHOP, subject, subject, START, START, f"delivery-{number}", Source.WEBHOOK, each)
        dossier = merged(dossier, told)
    return dossier


def order(**changed: Any) -> OrderFacts:
    return OrderFacts(id=NUMBER, financial="paid", **changed)


def due_in(hours: float) -> FulfillmentOrderFacts:
    return FulfillmentOrderFacts(fulfillment_order="1", fulfill_by=START + timedelta(hours=hours))


def urgent(*facts: AnyFacts) -> tuple[str, ...]:
    return reasons(knowing(*facts), Rules(), START)


def test_an_ordinary_order_is_not_urgent_and_neither_is_one_of_which_nothing_is_known() -> None:
    assert urgent(order(shipping_methods=("Standard",), tags=("b2b",))) == ()
    assert urgent() == ()


@pytest.mark.parametrize(
    ("customer", "premium"),
    [
        (Customer(id=1, tags=("VIP",)), True),
        (Customer(id=1, orders=20), True),
        (Customer(id=1, spent=usd(1000)), True),
        (Customer(id=1, tags=("vips",), orders=19, spent=usd("999.99")), False),
        (Customer(id=1), False),
    ],
)
def test_a_customer_is_premium_by_tag_by_orders_or_by_what_was_spent(customer: Customer, premium: bool) -> None:
    assert is_premium(customer, PremiumRule(orders_from=20, spent_from=Decimal(1000))) is premium


def test_unless_configured_neither_orders_nor_money_count() -> None:
    assert not is_premium(Customer(id=1, orders=900, spent=usd(900_000)), PremiumRule())


def test_a_premium_customers_order_is_urgent() -> None:
    assert urgent(order(customer=Customer(id=1, tags=("vip",)))) == ("premium customer",)


@pytest.mark.parametrize("method", ["Express", "UPS Next Day Air", "Overnight saver"])
def test_a_fast_shipment_is_urgent(method: str) -> None:
    assert urgent(order(shipping_methods=("Pickup", method))) == (f"time-sensitive shipping ({method})",)


def test_an_order_that_has_to_leave_within_a_day_is_urgent_until_it_has() -> None:
    assert urgent(order(), due_in(25)) == ()
    assert urgent(order(), due_in(24)) == ("to be fulfilled within 24 hours",)
    assert urgent(order(), due_in(-1)) == ("was to be fulfilled already",)
    assert urgent(order(fulfillment="fulfilled"), due_in(5)) == ()
    assert urgent(order(cancelled=START), due_in(5)) == ()


def test_a_tag_escalates_in_any_letter_case() -> None:
    assert urgent(order(tags=("Escalated",))) == ("tagged as escalated",)


@pytest.mark.parametrize(
    ("status", "counts"), [("needs_response", True), ("won", False), ("lost", False), (None, False)]
)
def test_an_open_dispute_is_urgent_also_before_the_order_is_known(status: str | None, counts: bool) -> None:
    dispute = DisputeFacts(id=5, status=status)

    assert (DISPUTED in urgent(dispute)) is counts
    assert (DISPUTED in urgent(order(), dispute)) is counts


def test_all_reasons_are_named() -> None:
    facts = order(customer=Customer(id=1, tags=("premium",)), tags=("escalated",), shipping_methods=("Express",))

    assert len(urgent(facts, due_in(1), DisputeFacts(id=5, status="needs_response"))) == 5
