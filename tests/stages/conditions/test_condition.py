"""True, false, or not to be told: what is known decides where it can, and nothing that is not does."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from schemas.alerts import Untold
from schemas.events import Event, Source
from schemas.facts.orders import Address, Customer, Line, OrderFacts, Terms
from schemas.money import Money
from stages.conditions.condition import Condition, Malformed, Told, compiled
from stages.conditions.seen import Sight
from stages.conditions.table import seen_by
from stages.dossiers.dossier import Dossier
from stages.dossiers.merging import merged
from stages.dossiers.registers import MANY
from stages.rules.rule import Case
from stages.rules.table import RULES
from tests.stages.rules.world import NUMBER, SHOP, START, configuration, usd

RULE = next(rule for rule in RULES if rule.name == "order-high-risk")


def told(expression: str, **order: Any) -> Told:
    said: dict[str, Any] = {"id": NUMBER, "total": usd("100.00")}
    facts = OrderFacts(**said | order)
    subject = f"{SHOP}/order/{NUMBER}"
    event = Event("orders/updated", SHOP, subject, subject, START, START, "d", Source.WEBHOOK, facts)
    case = Case(SHOP, subject, merged(Dossier(), event), START, configuration())
    return Condition(expression).told(Sight(case), seen_by(RULE, "order"))


@pytest.mark.parametrize(
    ("expression", "order", "holds"),
    [
        ("order.total >= 100", {}, True),
        ("order.total > 100", {}, False),
        ("order.total >= 4999.99", {"total": usd("4999.99")}, True),
        ("order.total == 250000", {"total": Money(Decimal(250000), "JPY")}, True),
        ("order.discount_share > 0.19 && order.discount_share < 0.21", {"discounts": usd(25)}, True),
        ('order.country == "NO"', {"address": Address("no")}, True),
        ('order.country == "NO"', {}, False),
        ('"vip" in order.tags', {"tags": ("VIP",)}, True),
        ('order.company != ""', {"company_id": 8}, True),
        ('order.company != ""', {}, False),
        ('order.terms == "Net 30"', {"terms": Terms("Net 30")}, True),
        ("order.draft", {"source_name": "shopify_draft_order"}, True),
        ("order.draft", {"source_name": "web"}, False),
        ("customer.first_order", {"customer": Customer(3, orders=1)}, True),
        ("customer.first_order", {"customer": Customer(3, orders=2)}, False),
        ("customer.premium", {"customer": Customer(3, tags=("Vip",))}, True),
        ("customer.guest", {}, True),
        ("customer.guest", {"customer_id": 3}, False),
        ('"A" in order.skus && order.units == 3', {"lines": (Line(sku="A", quantity=5, current_quantity=3),)}, True),
        ('"A" in order.skus', {"lines": (Line(sku="A", quantity=5, current_quantity=0),)}, False),
        ("order.lines.exists(line, line.price > 9.0)", {"lines": (Line(price=Decimal(10)),)}, True),
        ('order.created < timestamp("2027-01-01T00:00:00Z")', {"created": START}, True),
        ("order.created < timestamp('2026-11-02T08:59:59Z') + duration('1h')", {"created": START}, True),
    ],
)
def test_it_says_what_the_facts_say(expression: str, order: dict[str, Any], holds: bool) -> None:
    assert told(expression, **order) == Told(holds)


@pytest.mark.parametrize(
    ("expression", "order", "unknown"),
    [
        ("order.total > 5", {"total": None}, "order.total"),
        ('"vip" in order.tags', {"absent": ("tags",)}, "order.tags"),
        ('order.country == "NO"', {"absent": ("address",)}, "order.country"),
        ('order.country == "NO"', {"address": Address()}, "order.country"),
        ('order.company == ""', {"absent": ("company_id",)}, "order.company"),
        ("customer.first_order", {}, "customer.first_order"),
        ("customer.first_order", {"customer": Customer(3)}, "customer.first_order"),
        ("order.lines.exists(line, line.gift_card)", {"lines": tuple(Line(id=n) for n in range(MANY))}, "order.lines"),
        ('"a" in order.product_tags', {}, "order.product_tags"),
        ("order.discount_share > 0.1", {"discounts": Money(Decimal(9), "EUR")}, "order.discount_share"),
        ('order.risk == "high" && customer.orders > 1', {}, "order.risk, customer.orders"),
    ],
)
def test_what_is_not_known_is_neither_true_nor_false_and_named(
    expression: str, order: dict[str, Any], unknown: str
) -> None:
    assert told(expression, **order) == Told(None, Untold.UNKNOWN, f"not known: {unknown}")


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("order.total > 5 || customer.orders > 1", True),
        ("customer.orders > 1 || order.total > 5", True),
        ("order.total < 5 && customer.orders > 1", False),
        ("customer.orders > 1 && order.total < 5", False),
        ("has(customer.orders) && customer.orders > 1", False),
    ],
)
def test_what_is_known_decides_whatever_else_is_not(expression: str, holds: bool) -> None:
    assert told(expression) == Told(holds)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("order.total > 'a'", "it failed: No such overload"),
        ("order.units / 0 > 1", "it failed: division by zero"),
        ("int(order.name) > 1000", "it failed: Function 'int' error"),
        ("order.skus[3] == 'A'", "it failed: index out of bounds"),
        ("order.total", "it gives float, not true or false"),
        ("lower(order.name) == 'a'", "it failed: Undefined variable or function: 'lower'"),
    ],
)
def test_what_an_expression_cannot_do_is_an_answer_and_no_exception(expression: str, says: str) -> None:
    found = told(expression, name="#1001", lines=(Line(sku="A", quantity=1),))

    assert (found.holds, found.untold) == (None, Untold.FAILED)
    assert found.because.startswith(says)


def test_texts_of_strangers_are_texts_whatever_they_hold() -> None:
    for name in ('" || true || "', "{{ 7 * 7 }}", "\u202e\x00", "a" * 65_536):
        assert told('order.name == "x"', name=name) == Told(False)


def test_a_pattern_that_is_hard_on_others_is_answered_at_once() -> None:
    assert told('order.name.matches("(a+)+$")', name="a" * 290 + "b") == Told(False)


def test_an_expression_is_compiled_once() -> None:
    assert compiled("order.total > 77") is compiled("order.total > 77")


def test_what_is_no_expression_is_malformed() -> None:
    with pytest.raises(Malformed, match=r"order\.total >"):
        compiled("order.total >")


def test_facts_that_are_not_mentioned_are_not_looked_for() -> None:
    assert told("order.total > 5", created=START - timedelta(days=9999)).holds is True
