"""What a person gets wrong in a configuration: where it is, what is wrong, and what would be right, in one line."""

from __future__ import annotations

import pytest

from pipeline.settings import ConfigurationError, parse
from stages.rules.table import NAMES
from tests.pipeline.test_settings import HIDDEN, LEAST


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text, NAMES)
    return [str(mistake) for mistake in caught.value.mistakes]


RULES = [
    ("orders: {payment_pending_after: 60}", "`60`: a time needs its unit: 90s, 60m, 1h30m, 2d"),
    ("orders: {payment_pending_after: 60 min}", "whole numbers, each with its unit (w, d, h, m, s) and no space"),
    ("orders: {payment_pending_after: 1.5h}", "whole numbers, each with its unit"),
    ("orders: {payment_pending_after: -60m}", "`-60m`: a length of time is never negative"),
    ("orders: {payment_pending_after: 2 working days}", "this time runs by the clock"),
    ("orders: {manual_payment_after: 3.5 working days}", "working time is a whole number of one unit"),
    ("orders: {manual_payment_after: 3 business days}", "like `3 working days`"),
    ("orders: {high_risk: off}", "`off` is neither true nor false"),
    ("order: {high_risk: false}", "unknown key; did you mean `orders`?"),
    ("order-high-risk: false", "a rule is switched off by `off: [order-high-risk]`, and narrowed by `when:"),
    ("inventory_low: {below: 3}", "a rule is switched off by `off: [inventory-low]`"),
    ("off: [OrderHighRisk]", "no rule `OrderHighRisk`; did you mean `order-high-risk`?"),
    ("when: order.total > 100", "a rule's name, like order-high-risk; each with a CEL expression"),
    ("when: {inventory-low: order.total > 3}", "no variable `order` here; there is item, shop"),
    ("when: {order-hihg-risk: order.total > 3}", "no rule `order-hihg-risk`; did you mean `order-high-risk`?"),
    ("when: {order-high-risk: order.total >= 100 and order.ships}", "CEL writes `&&`, not `and`"),
    ("when: {shipment-stalled: !fulfillment.tracked}", "a value that begins with `!` is put in quotes"),
    ("fulfillment: {packed_when: [label_print]}", "is no word of Shopify's; did you mean `label_printed`?"),
    ("orders: {authorization_lasts_by_gateway: [paypal]}", "wanted here: a text; each with a time, like 60m"),
    (
        "inventory: {thresholds: [{sku: A}]}",
        "thresholds[0].below (line 11): is missing: a whole number",
    ),
    ("inventory: {below: -1}", "-1 must be at least 0"),
    ("inventory: {margin: 20%}", "`20%` is no number; a share of 20 % is written 0.2"),
    ("inventory: {margin: 20}", "20 is no share from 0 to 1; 20 % is written 0.2"),
    ("inventory: {margin: -0.2}", "-0.2 is no share from 0 to 1"),
    ("inventory: {thresholds: [{product: A, below: 3}]}", "unknown key; there is below, location, location_group, sku"),
    ("inventory: {thresholds: {sku: A, below: 3}}", "a list is wanted here, of keys and values (below, sku, tag"),
    ("inventory: {cover_below: 7d}", "rules.inventory.cover_above (line 11): is shorter than `cover_below`"),
    ("orders: {cash_on_delivery_gateways: [cod, '']}", "cash_on_delivery_gateways[1] (line 11): an empty name fits"),
    ("orders: {authorization_lasts: 2d}", "rules.orders.authorization_lasts (line 11): is no longer than"),
    ("orders: {authorization_lasts_by_gateway: {paypal: 2d}}", "authorization_lasts_by_gateway.paypal"),
    ("premium: {spent_from: 1.000}", "`1.000` is 1 here, since a point begins the decimals: write 1, or 1000"),
    ("premium: {spent_from: 1,000}", "a comma begins a new entry here: a number is written without, like 1000.50"),
    ("premium: {spent_from: '1.000,50'}", "is no number; right is for example 1000.50, without a currency"),
    ("premium: {spent_from: 500 EUR}", "is no number; right is for example 1000.50, without a currency"),
    ("premium: {spent_from: -5}", "nothing comes to less than nothing: -5 is every amount; leave it out"),
    ("operations: {jobs: [{name: Feed Sync}]}", "`Feed Sync` is not a name (small letters, digits"),
    ("operations: {jobs: [{name: feed, every: 0s}]}", "no job is done in no time"),
    ("operations: {jobs: [{name: feed, time_zone: Europe/Berln}]}", "did you mean `Europe/Berlin`?"),
    ("operations: {jobs: [{name: feed, shop: exmple.myshopify.com}]}", "did you mean `example.myshopify.com`?"),
    ("operations: {required_scopes: [read_order]}", "no scope of Shopify's; did you mean `read_orders`?"),
    ("operations: {required_scopes: [orders]}", "`orders` is no scope of Shopify's, like read_orders"),
    ("operations: {sync: {topics: [orders/paid]}}", "`orders/paid` is not known; there is fulfillments/create"),
    ("operations: {sync: {unknown_rhythm: 0h}}", "nothing happens in no time"),
    ("returns: {evidence_before: 72h}", "a list is wanted here: [72h]"),
    ("payments: {velocity_window: 0m}", "nothing happens in no time"),
]

WHOLE = [
    ("approvals: [{name: large, teams: [sales], total_from: 5000}]", "no team `sales`; there is operations"),
    ("approvals: [{name: large, teams: [operations], total_from: 5.000 EUR}]", "without a currency"),
    ("approvals: [{name: a, teams: [operations], when: order.discount_share > 20}]", "20 % is written 0.2"),
    ("calendars: [{name: default, hours: 9-17}]", "a list is wanted here, of hours of the day, like 09:00-17:00"),
    (
        "calendars: [{name: default, days: mon-fri}]",
        "a list is wanted here, of one of mon, tue, wed, thu, fri, sat, sun",
    ),
    ("calendars: [{name: default, holidays: [DE]}]", "(country, subdivision), like {country: ...}"),
    ("routes: [{teams: [operations]}]", "keys and values are wanted here (teams, shops, use_cases"),
    (
        "routes: {routes: [{teams: [operations]}, {use_cases: [3], teams: [operations]}]}",
        "routes.routes[0] (line 10): takes all there is, so that nothing behind it is asked: put it last, or set",
    ),
    (
        "routes: {routes: [{audiences: [purchasing], teams: [operations]}]}",
        "is not known; there is application-owners,",
    ),
    (
        "routes: {routes: [{use_cases: [1], vendors: [Mills], teams: [operations]}]}",
        "routes.routes[0].vendors (line 10): fits nothing: only alerts about stock (use case 3) are about an item, and",
    ),
    (
        "routes: {routes: [{rules: [order-high-risk], routes: [{locations: [Oslo], teams: [operations]}]}]}",
        "their rules are inventory-low, inventory-out, inventory-oversold, inventory-cover",
    ),
    (
        "routes: {routes: [{audiences: [finance], product_tags: [new], teams: [operations]}]}",
        "and these are for procurement, merchandising, warehouse",
    ),
    ("routes: {routes: [{vendors: [Mills, mills], teams: [operations]}]}", "`mills` stands twice; letter case makes"),
    ("routes: {routes: [{product_tags: [' '], teams: [operations]}]}", "is empty: nothing is called so"),
    ("routes: {routes: [{vendor: [Mills], teams: [operations]}]}", "unknown key; did you mean `vendors`?"),
    ("routes: {routes: [{severities: [Warning], teams: [operations]}]}", "did you mean `warning`? there is critical,"),
    ("teams: []", "teams (line 10): stands here twice"),
    ("---\nteams: []", "a file is one document, so that `---` may stand at its beginning only"),
    ("rules: {off: [", "a bracket is open"),
    ('rules:\n  when:\n    order-manual-review: "a" in order.tags', "a value with quotes in it quoted as a whole?"),
]

LEAST_CHANGED = [
    ("  - name: operations", "\t- name: operations", "YAML indents by spaces, and never by tabs"),
    ("    people", "   people", "is this line indented like its neighbours"),
    ("[{env: SHOPIFY_CLIENT_SECRET}]", f"[{HIDDEN}]", "never stands here itself: {env: NAME_OF_A_VARIABLE} or {file:"),
    ("{env: OPENTEXT_PASSWORD}", HIDDEN, "opentext.basic.password (line 9): a secret is named here, and never stands"),
    ("[{name: desk, email: desk@example.com}]", "[desk@example.com]", "(name, email, phone), like {name: ...}"),
    (
        "name: operations\n",
        "name: operations\n    channels: [email]\n",
        "one of info, warning, critical; each with a list",
    ),
    ("example.com/mra/v1", "example.com", "opentext.base_url (line 8): is a host only; right is https://HOST/mra/v1"),
]


@pytest.mark.parametrize(("line", "says"), RULES)
def test_a_mistake_in_a_rule_says_what_would_be_right(line: str, says: str) -> None:
    assert says in "; ".join(mistakes(f"{LEAST}rules:\n  {line}\n"))


@pytest.mark.parametrize(("line", "says"), WHOLE)
def test_a_mistake_beside_the_rules_says_what_would_be_right(line: str, says: str) -> None:
    assert says in "; ".join(mistakes(f"{LEAST}{line}\n"))


@pytest.mark.parametrize(("old", "new", "says"), LEAST_CHANGED)
def test_a_mistake_in_what_every_file_has_says_what_would_be_right(old: str, new: str, says: str) -> None:
    found = "; ".join(mistakes(LEAST.replace(old, new)))

    assert says in found
    assert HIDDEN not in found


def test_a_route_that_takes_everything_may_stand_last_and_before_others_with_proceed() -> None:
    last = "routes: {routes: [{use_cases: [3], teams: [operations]}, {teams: [operations]}]}\n"
    first = "routes: {routes: [{teams: [operations], proceed: true}, {use_cases: [3], teams: [operations]}]}\n"

    assert parse(LEAST + last, NAMES).routes.routes
    assert parse(LEAST + first, NAMES).routes.routes


def test_a_job_stands_once_for_each_shop_and_once_for_all() -> None:
    ours = "example.myshopify.com"
    lists = [f"{{name: x, shop: {ours}}}, {{name: x}}", "{name: x}, {name: x}", f"{{name: x, shop: {ours}}}, " * 2]
    right, *wrong = [f"{LEAST}rules: {{operations: {{jobs: [{jobs}]}}}}\n" for jobs in lists]

    assert len(parse(right, NAMES).rules.operations.jobs) == 2
    assert all("jobs[1].name (line 10): `x` stands twice" in "; ".join(mistakes(text)) for text in wrong)
