"""What makes an order's alerts urgent, and that what is not known does not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from schemas.configuration import PremiumRule, Rules
from schemas.events import Event, Source
from schemas.facts.orders import Customer, OrderFacts
from schemas.facts.returns import DisputeFacts
from schemas.facts.shipments import FulfillmentOrderFacts
from schemas.facts.table import AnyFacts
from schemas.money import Money
from schemas.subjects import order as subject_of
from stages.dossiers.dossier import Dossier
from stages.dossiers.merging import merged
from stages.rules.priority import DISPUTED, is_premium, reasons, unknown
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
        (Customer(id=1), None),
        (Customer(id=1, orders=900), True),
        (Customer(id=1, orders=2), None),
    ],
)
def test_a_customer_is_premium_by_tag_by_orders_or_by_what_was_spent(customer: Customer, premium: bool | None) -> None:
    rule = PremiumRule(orders_from=20, spent_from=Decimal(1000))

    assert is_premium(knowing(order(customer=customer, total=usd(50))), rule) is premium


def test_unless_configured_neither_orders_nor_money_count() -> None:
    customer = Customer(id=1, orders=900, spent=usd(900_000), segments=(5,))

    assert is_premium(knowing(order(customer=customer, company_id=7)), PremiumRule()) is False


@pytest.mark.parametrize(
    ("spent", "counted", "premium"),
    [
        (Money(Decimal(900_000), "JPY"), None, None),
        (Money(Decimal(900_000), "JPY"), "JPY", True),
        (usd(900_000), "JPY", None),
        (usd(999), "USD", False),
        (None, "USD", None),
    ],
)
def test_what_was_spent_counts_in_its_currency_and_is_never_guessed_in_another(
    spent: Money | None, counted: str | None, premium: bool | None
) -> None:
    rule = PremiumRule(spent_from=Decimal(1000), spent_currency=counted)

    assert is_premium(knowing(order(customer=Customer(id=1, spent=spent), total=usd(50))), rule) is premium


@pytest.mark.parametrize(("segments", "premium"), [((5, 6), True), ((6,), False), ((), False), (None, None)])
def test_a_customer_in_a_configured_segment_is_premium(segments: tuple[int, ...] | None, premium: bool | None) -> None:
    rule = PremiumRule(segments=("gid://shopify/Segment/5", "7"))

    assert is_premium(knowing(order(customer=Customer(id=1, segments=segments))), rule) is premium


@pytest.mark.parametrize(
    ("companies", "told", "premium"),
    [
        (("7",), {"company_id": 7}, True),
        (("gid://shopify/Company/7",), {"company_id": 7}, True),
        (("any",), {"company_id": 8}, True),
        (("7",), {"company_id": 8}, False),
        (("any",), {}, False),
        (("any",), {"absent": ("company_id",)}, None),
    ],
)
def test_an_order_for_a_configured_company_is_a_premium_one(
    companies: tuple[str, ...], told: dict[str, Any], premium: bool | None
) -> None:
    assert is_premium(knowing(order(customer=Customer(id=1), **told)), PremiumRule(companies=companies)) is premium


def test_what_might_make_it_urgent_and_is_not_known_is_named() -> None:
    rules = Rules(premium=PremiumRule(segments=("5",)))

    assert unknown(knowing(order(customer=Customer(id=1))), rules) == ("whether the customer is a premium one",)
    assert unknown(knowing(order(customer=Customer(id=1, tags=("vip",)))), rules) == ()
    assert unknown(knowing(order()), rules) == (), "a guest has no segment"


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
