"""Every mistake that a person would make in an expression has an error that helps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stages.conditions.checking import LONGEST, wrong_with
from stages.conditions.seen import LINE
from stages.conditions.table import seen_anywhere
from stages.rules.table import RULES

ORDER = seen_anywhere(next(rule for rule in RULES if rule.name == "order-high-risk"))
ITEM = seen_anywhere(next(rule for rule in RULES if rule.name == "inventory-low"))


@pytest.mark.parametrize(
    "expression",
    [
        "order.total >= 5000",
        "order.total >= 99.90 && order.currency == 'EUR'",
        'order.country in ["NO", "CH"] || "wholesale" in order.tags',
        'order.lines.exists(line, line.sku.startsWith("TNT-") && line.quantity > 10)',
        "order.lines.all(line, line.price < 50.0)",
        'order.tags.exists(tag, tag.startsWith("b2b"))',
        'order.tags.filter(tag, tag != "b2b").size() > 2 && size(order.skus) < 3',
        "has(customer.orders) && customer.orders <= 1",
        'order.name.matches("^#1[0-9]+$")',
        'order.created > timestamp("2026-01-01T00:00:00Z")',
        'order.created.getHours() < 6 // at night, "order.totl" is said here only',
        'order.company != "" ? order.total > 1000 : order.total > 200',
        "!customer.premium",
        "order.total - order.outstanding > 100.0",
        r'order.name == "a \" order.totl"',
        "1 < order.units",
        'shop.domain == "demo.myshopify.com"',
        "20.0 < order.discount_share * 100.0 && order.discount_share > 20.0 / 100.0",
        'order.financial in ["paid", "partially_paid"] && "NO" != order.country && order.draft == true',
        '["vip"] == order.tags || order.tags == []',
    ],
)
def test_what_people_want_to_say_can_be_said(expression: str) -> None:
    assert [*wrong_with(expression, ORDER)] == []


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("  ", "an expression is wanted here, like `order.total >= 100`"),
        ("order.totl >= 5000", "`order` has no `totl`; did you mean `total`?"),
        ("ordr.total >= 5000", "no variable `ordr` here; did you mean `order`?"),
        ("total >= 5000", "no variable `total` here; there is customer, order, shop"),
        ("item.sku == 'A'", "no variable `item` here; there is customer, order, shop"),
        ("order == null", "`order` needs a name behind it: `order.cancelled`"),
        ('order["total"] > 5', "`order` needs a name behind it: `order.cancelled`"),
        ("order.total.amount > 5", "`order.total` is a number and has no `amount`"),
        ("order.lines.exists(line, line.skuu == 'A')", "a line has no `skuu`; did you mean `sku`?"),
        ("order.tags.exists(tag, tag.name == 'A')", "`tag` is a text and has no `name`"),
        ("order.total.exists(it, it > 1)", "`order.total` is a number, and no list"),
        ("order.tags.exists(order, order == 'a')", "`order` is a variable already: call the element something else"),
        ("order.name.lowerAscii() == 'a'", "no function `lowerAscii`; there is "),
        ("order.name.startWith('#')", "no function `startWith`; did you mean `startsWith`?"),
        ('"VIP" in order.tags', '`order.tags` are in small letters: write "vip"'),
        ("order.tags == 'vip'", '`order.tags` is a list of texts: write `"vip" in order.tags`'),
        ("'vip' == order.tags", '`order.tags` is a list of texts: write `"vip" in order.tags`'),
        ("order.name == 1001", '`order.name` is a text: write "1001"'),
        ("order.total == '100'", "`order.total` is a number: write it without quotes"),
        ("order.units in [1, '2']", "`order.units` is a number: write it without quotes"),
        ("order.draft == 'true'", "`order.draft` is true or false: write `order.draft`, or `!order.draft`"),
        ("order.discount_share >= 20", "`order.discount_share` is a share from 0.0 to 1.0: 20 % is written 0.2"),
        ("1.5 < order.discount_share", "20 % is written 0.2"),
        ("order.country == 'no'", '`order.country` is in capitals: write "NO"'),
        ("order.country in ['NO', 'ch']", '`order.country` is in capitals: write "CH"'),
        ("order.financial == 'PAID'", '`order.financial` is in small letters: write "paid"'),
        ("order.financial in ['paid', 'Pending']", '`order.financial` is in small letters: write "pending"'),
        ("true", "looks at no fact, so it is always the same; there is customer, order, shop"),
        ("order.total", "gives a number; it must be true or false"),
        ("order.name", "gives a text; it must be true or false"),
        ('order.total > "5000"', "cannot be worked out: No such overload"),
        ("order.total * 2 > 100", "beside + - * / a number is written with its point: 2.0"),
        ("order.name.matches('(')", "cannot be worked out: Function 'matches' error"),
        ("order.total > " + "1" * LONGEST, f"is longer than {LONGEST} characters"),
    ],
)
def test_a_mistake_says_what_would_be_right(expression: str, says: str) -> None:
    (found, *_) = wrong_with(expression, ORDER)

    assert says in found


@pytest.mark.parametrize("sign", ["&&", "||"])
def test_a_mistake_of_types_is_found_behind_what_would_hide_it(sign: str) -> None:
    (found,) = wrong_with(f'order.ships {sign} order.total > "5"', ORDER)

    assert found.startswith("cannot be worked out: No such overload")


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ('order.total > 5 and order.currency == "EUR"', "CEL writes `&&`, not `and`"),
        ('order.total > 5 or order.currency == "EUR"', "CEL writes `||`, not `or`"),
        ('order.country not in ["NO"]', "CEL writes `!`, not `not`"),
        ("order.total = 5", "CEL writes `==`, not `=`"),
    ],
)
def test_words_of_other_languages_are_known(expression: str, hint: str) -> None:
    (found,) = wrong_with(expression, ORDER)

    assert hint in found


def test_a_syntax_error_points_into_the_expression() -> None:
    (found,) = wrong_with("order.total >= 5000 &&", ORDER)

    says, shown, pointer = found.split("\n")
    assert says.startswith("is no CEL expression: mismatched input '<EOF>'")
    assert shown == "    order.total >= 5000 &&"
    assert pointer.strip(".") == "    " + "." * 22 + "^"


def test_each_rule_has_the_variables_of_what_it_watches() -> None:
    seen = {rule.name: set(seen_anywhere(rule)) for rule in RULES}

    assert seen["inventory-low"] == {"shop", "item"}
    assert seen["checkout-abandoned"] == {"shop", "checkout", "customer"}
    assert seen["shipment-stalled"] == {"shop", "order", "customer", "fulfillment"}
    assert seen["return-undecided"] >= {"order", "returned"}
    assert seen["dispute-evidence-due"] >= {"order", "dispute"}
    assert seen["payment-declined"] == {"shop", "order", "customer", "payment"}
    assert seen["job-failed"] == {"shop", "job"}
    assert [*wrong_with('"summer" in item.tags && item.vendor == "Weavers"', ITEM)] == []


def test_every_name_that_a_rule_has_can_be_asked_for() -> None:
    for rule in RULES:
        for variable, names in seen_anywhere(rule).items():
            for name in names:
                assert [*wrong_with(f"has({variable}.{name})", seen_anywhere(rule))] == [], (rule.name, name)


def test_the_readme_names_all_that_a_condition_sees() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    table = "\n".join(line for line in readme.splitlines() if line.startswith("| ") and "`" in line)
    for rule in RULES:
        for variable, names in seen_anywhere(rule).items():
            described = " ".join(re.findall(rf"`{variable}\.`([^;|]*)", table))
            assert set(names) <= set(re.findall(r"\w+", described)), variable
    assert set(LINE) <= set(re.findall(r"\w+", re.findall(r"lines \(each with ([^)]*)", table)[0]))
