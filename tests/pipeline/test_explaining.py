"""`pipeline explain` and `pipeline route`: the real stages in memory, and what a person or a program reads of them."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.explaining.accounts import Account, Teller
from pipeline.explaining.given import Asked, DeadLetter, Unusable, read
from pipeline.settings import load
from pipeline.simulators.samples import bodies, topics
from stages.rules.table import NAMES

DEPLOY = Path(__file__).parents[2] / "deploy"
SHOP = "demo.myshopify.com"
AT = "2026-11-26T08:00:00+00:00"
FILE = f"""\
shops: [{{domain: {SHOP}, secrets: [{{env: A_SECRET}}], admin: {{token: {{env: A_TOKEN}}}}}}]
teams:
  - {{name: operations, people: [{{name: desk, email: desk@example.com, phone: "+15005550100"}}],
      channels: {{info: [email], critical: [email, sms]}}}}
  - {{name: fraud, people: [{{name: analyst, email: fraud@example.com}}]}}
opentext: {{base_url: https://example.com/mra/v1, basic: {{user: demo, password: {{env: A_PASSWORD}}}}}}
routes:
  teams: [operations]
  routes: [{{use_cases: [2]}}, {{vendors: [Weavers], locations: [oslo], teams: [fraud]}},
      {{rules: [order-high-risk], severities: [critical], teams: [fraud]}}]
rules:
  when:
    order-manual-review: customer.orders > 3
    order-payment-pending: order.total > 1000
  off: [order-address-invalid]
"""
ORDER = {
    "id": 42,
    "name": "#1042",
    "currency": "EUR",
    "current_total_price": "500.00",
    "financial_status": "pending",
    "fulfillment_status": None,
    "created_at": AT,
    "processed_at": AT,
    "updated_at": AT,
    "cancelled_at": None,
    "closed_at": None,
    "tags": "review",
    "payment_gateway_names": ["shopify_payments"],
    "customer": {"id": 7},
    "line_items": [{"id": 1, "title": "Chair", "quantity": 1, "requires_shipping": True, "sku": "CHAIR-1"}],
    "shipping_address": {"address1": "x", "city": "y", "zip": "1", "country_code": "NO"},
    "payment_terms": None,
}
RISK = {"order_id": 42, "provider_id": None, "provider_title": None, "risk_level": "HIGH", "created_at": AT}
FACTS = {
    "customer": {"id": 7, "orders": 9},
    "risk": [{"provider": "Shopify", "level": "high"}],
    "recommendation": "cancel",
    "address_verdict": "no_issues",
}


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PIPELINE_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    Path("pipeline.yaml").write_text(FILE)
    Path("order.json").write_text(json.dumps(ORDER))
    Path("facts.json").write_text(json.dumps(FACTS))


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code."""
    monkeypatch.setattr(sys, "argv", ["pipeline", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


class Told:
    """What a command said as JSON."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, command: str, event: str, *arguments: str, topic: str | None = "orders/create") -> Any:
        of = () if topic is None else ("--topic", topic)
        code = asked(self._monkeypatch, command, event, *of, "--at", AT, *arguments, "--json")
        said = self._capsys.readouterr()
        assert (code, said.err) == (0, "")
        return json.loads(said.out)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(monkeypatch, capsys)


def of_rule(account: Any, rule: str) -> list[Any]:
    return [says for says in account["rules"] if says["rule"] == rule]


# --- rules -----------------------------------------------------------------------------------------------------------


def test_each_rule_says_whether_it_fires_and_why_not(told: Told) -> None:
    (account,) = told("explain", "order.json", "--facts", "facts.json")["events"]

    (review, *_) = of_rule(account, "order-manual-review")
    assert (review["says"], review["severity"], review["key"]) == ("fires", "warning", "review")
    assert review["when"] == {"expression": "customer.orders > 3", "holds": True, "because": ""}
    assert of_rule(account, "order-address-invalid")[0]["says"] == "off"
    assert "inventory-low" in account["looks_not"]
    assert "order-manual-review" not in account["looks_not"]
    assert [alert["rule"] for alert in account["alerts"]] == ["order-manual-review"]


def test_a_rule_whose_condition_does_not_hold_says_what_it_would_have(told: Told) -> None:
    (account,) = told("explain", "order.json")["events"]

    pending = of_rule(account, "order-payment-pending")[0]
    assert (pending["says"], pending["because"]) == ("not", "its `when` does not hold")
    assert pending["title"].startswith("Order #1042: payment pending since")
    assert pending["when"]["holds"] is False


def test_what_would_have_to_be_looked_up_is_unknown_unless_it_is_given(told: Told) -> None:
    (without,) = told("explain", "order.json")["events"]
    (given,) = told("explain", "order.json", "--facts", "facts.json")["events"]

    assert "customer" in without["unknown"]
    assert given["unknown"] == []
    when = of_rule(without, "order-manual-review")[0]["when"]
    assert (when["holds"], when["because"]) == (None, "not known: customer.orders")
    assert any(
        says.startswith("whether it was to be told: customer.orders > 3") for says in without["alerts"][0]["unknown"]
    )


def test_a_test_order_is_nobodys(told: Told) -> None:
    Path("test.json").write_text(json.dumps({**ORDER, "test": True}))

    (account,) = told("explain", "test.json")["events"]

    assert {says["because"] for says in account["rules"] if says["says"] != "off"} == {"it is a test order"}
    assert account["alerts"] == []


def test_a_second_delivery_of_the_same_is_dropped_before_any_rule(
    told: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = {"headers": {"X-Shopify-Topic": "orders/create", "X-Shopify-Webhook-Id": "a"}, "body": ORDER}
    Path("two.jsonl").write_text("\n".join([json.dumps(saved)] * 2))

    (first, second) = told("explain", "two.jsonl", topic=None)["events"]

    assert (first["dropped"], second["dropped"]) == (None, "duplicate-delivery")
    assert second["rules"] == []
    assert asked(monkeypatch, "explain", "two.jsonl") == 0
    assert "dropped before any rule: this very delivery came before" in capsys.readouterr().out


def test_events_in_order_build_on_one_another_and_their_headers_say_when(told: Told) -> None:
    lines = [
        {"topic": "orders/create", "at": AT, "body": ORDER},
        {"topic": "orders/risk_assessment_changed", "at": "2026-11-26T08:05:00Z", "body": RISK},
        {
            "headers": {"X-Shopify-Topic": "orders/updated", "X-Shopify-Triggered-At": "2026-11-26T09:00:00Z"},
            "body": {**ORDER, "cancelled_at": "2026-11-26T09:00:00Z", "updated_at": "2026-11-26T09:00:00Z"},
        },
    ]
    Path("day.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")

    (_, risky, cancelled) = told("explain", "day.jsonl", "--facts", "facts.json", topic=None)["events"]

    assert of_rule(risky, "order-high-risk")[0]["says"] == "fires"
    assert cancelled["occurred"].startswith("2026-11-26T09:00:00")
    assert of_rule(cancelled, "order-high-risk")[0]["says"] == "ends"
    assert {alert["state"] for alert in cancelled["alerts"]} == {"resolved"}


def test_a_milestone_is_told_once(told: Told) -> None:
    parcel = {"id": 9, "order_id": 42, "name": "#1042.1", "status": "success", "shipment_status": "in_transit"}
    lines = [
        {"topic": "fulfillments/create", "at": f"2026-11-26T0{hour}:00:00Z", "body": {**parcel, "updated_at": at}}
        for hour, at in ((8, AT), (9, "2026-11-26T09:00:00Z"))
    ]
    lines[1]["topic"] = "fulfillments/update"
    Path("parcel.jsonl").write_text("\n".join(map(json.dumps, lines)))

    (first, second) = told("explain", "parcel.jsonl", topic=None)["events"]

    assert [of_rule(account, "fulfillment-shipped")[0]["says"] for account in (first, second)] == [
        "told",
        "told before",
    ]


def test_a_place_that_only_shopify_can_tell_can_be_given(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = {"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/5", "status": "on_hold"}}
    hold |= {"created_fulfillment_hold": {"id": "gid://shopify/FulfillmentHold/6", "reason": "other"}}
    Path("hold.json").write_text(json.dumps(hold))
    Path("place.json").write_text(json.dumps({"place": {"kind": "order", "identity": 42}, "holds": []}))

    (account,) = told("explain", "hold.json", "--facts", "place.json", topic="fulfillment_holds/added")["events"]

    assert account["subject"] == f"{SHOP}/order/42"


@pytest.mark.parametrize(
    ("topic", "body", "note"),
    [
        ("carts/update", {}, None),
        ("checkouts/delete", {"token": "abc"}, "no part of the pipeline reads this topic"),
        ("shop/redact", {"shop_id": 1, "shop_domain": SHOP}, "all that is kept of the shop is erased"),
    ],
)
def test_what_no_rule_hears_of_says_so(
    topic: str, body: object, note: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("event.json").write_text(json.dumps(body))

    assert asked(monkeypatch, "explain", "event.json", "--topic", topic) == (2 if note is None else 0)
    said = capsys.readouterr().out
    assert note is None or note in said
    assert "says nothing" not in said


def test_a_moment_that_has_passed_before_the_event_is_told_at_once(
    told: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = {**ORDER, "tags": "", "current_total_price": "5000.00", "updated_at": "2026-11-26T06:00:00Z"}
    Path("old.json").write_text(json.dumps({**old, "created_at": "2026-11-26T06:00:00Z"}))

    (account,) = told("explain", "old.json")["events"]

    (now, *_) = of_rule(account, "order-payment-pending")
    assert (now["says"], now["at"]) == ("due now", "2026-11-26T07:00:00Z")
    assert asked(monkeypatch, "explain", "old.json", "--topic", "orders/create", "--at", AT) == 0
    assert "fires at once, having asked Shopify (payment), unless something has ended it" in capsys.readouterr().out


def test_what_is_looked_up_of_a_location_can_be_given(told: Told) -> None:
    Path("shut.json").write_text(json.dumps({"id": 4, "name": "North", "active": False}))
    Path("stock.json").write_text(json.dumps({"location": {"id": 4, "active": False, "has_stock": True}}))

    (unknown,) = told("explain", "shut.json", topic="locations/deactivate")["events"]
    (known,) = told("explain", "shut.json", "--facts", "stock.json", topic="locations/deactivate")["events"]

    assert unknown["unknown"] == ["has_stock"]
    assert [alert["title"] for alert in known["alerts"]] == ["The location North was deactivated with stock in it"]


def test_what_is_looked_up_beside_an_event_can_be_given(told: Told) -> None:
    scan = {"id": 5, "fulfillment_id": 9, "order_id": 42, "status": "failure", "happened_at": "2026-11-26T08:00:00Z"}
    Path("scan.json").write_text(json.dumps(scan))
    Path("order.facts").write_text(json.dumps({"order": {"id": 42, "name": "#1042", "financial": "paid"}}))
    Path("test.facts").write_text(json.dumps({"order": {"id": 42, "name": "#1042", "test": True}}))

    (unknown,) = told("explain", "scan.json", topic="fulfillment_events/create")["events"]
    (known,) = told("explain", "scan.json", "--facts", "order.facts", topic="fulfillment_events/create")["events"]
    (nobodys,) = told("explain", "scan.json", "--facts", "test.facts", topic="fulfillment_events/create")["events"]

    titles = [[alert["title"] for alert in one["alerts"]] for one in (unknown, known, nobodys)]
    assert unknown["unknown"] == ["order"]
    assert titles == [["Order 42: the carrier reports a failure"], ["Order #1042: the carrier reports a failure"], []]


def test_conditions_that_do_not_hold_for_one_reason_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("plain.json").write_text(json.dumps({**ORDER, "tags": ""}))

    assert asked(monkeypatch, "explain", "plain.json", "--topic", "orders/create", "--at", AT) == 0
    said = capsys.readouterr().out
    assert said.count("the hold is gone") == 1
    assert "[cross-sell, inventory_out_of_stock, awaiting_return_items]" in said


def test_what_a_policy_reads_of_goods_and_of_the_buyer_can_be_given(told: Told) -> None:
    when = "'sharp' in order.product_tags && order.company == \"5\""
    Path("pipeline.yaml").write_text(f"{FILE}approvals: [{{name: sharp, teams: [fraud], when: {json.dumps(when)}}}]\n")
    Path("goods.json").write_text(json.dumps({"product_tags": ["sharp"], "company": 5}))
    Path("order.json").write_text(
        json.dumps({**ORDER, "line_items": [{"id": 1, "title": "Knife", "quantity": 1, "product_id": 9}]})
    )

    (unknown,) = told("explain", "order.json")["events"]
    (known,) = told("explain", "order.json", "--facts", "goods.json")["events"]

    assert {"company", "product_tags"} <= set(unknown["unknown"])
    assert of_rule(known, "approval-required")[0]["says"] == "fires"


# --- who is told -----------------------------------------------------------------------------------------------------


def test_who_is_told_how_and_by_which_node_of_the_routes(told: Told) -> None:
    Path("risk.json").write_text(json.dumps(RISK))

    topic = "orders/risk_assessment_changed"
    (account,) = told("route", "risk.json", "--facts", "facts.json", topic=topic)["events"]

    (alert,) = account["alerts"]
    assert (alert["rule"], alert["severity"], alert["state"]) == ("order-high-risk", "critical", "firing")
    assert alert["teams"] == [
        {"team": "fraud", "by": ["operations -> routes.routes[2]"], "channels": {"email": ["analyst"]}}
    ]


def test_by_what_an_item_is_its_alert_is_routed(told: Told) -> None:
    levels = [{"location_id": 1, "location": "Oslo", "available": 0}]
    item = {"id": 7, "tracked": True, "product_status": "active", "vendor": "Weavers", "available": 0, "levels": levels}
    Path("item.json").write_text(json.dumps({"item": item, "place": {"kind": "inventory", "identity": 7}}))
    Path("out.json").write_text(json.dumps({"id": 5, "product_id": 9, "inventory_policy": "deny", "updated_at": AT}))

    (account,) = told("route", "out.json", "--facts", "item.json", topic="variants/out_of_stock")["events"]

    (alert,) = account["alerts"]
    assert (alert["rule"], [team["team"] for team in alert["teams"]]) == ("inventory-out", ["fraud"])
    readers = ("procurement", "merchandising", "warehouse")
    assert alert["teams"][0]["by"] == [f"{reader} -> routes.routes[1]" for reader in readers]


def test_what_is_only_a_line_of_a_digest_is_said_to_be_one(
    told: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = {"token": "a1", "name": "#9", "email": "x@example.com", "completed_at": None, "updated_at": AT}
    Path("left.json").write_text(json.dumps({**left, "currency": "EUR", "total_price": "20.00", "line_items": []}))

    (alert,) = told("route", "left.json", topic="checkouts/update")["later"]

    assert (alert["rule"], alert["how"]) == ("checkout-abandoned", "digest")
    assert asked(monkeypatch, "route", "left.json", "--topic", "checkouts/update", "--at", AT) == 0
    assert "checkout-abandoned (firing, a line of the next digest)" in capsys.readouterr().out


def test_what_comes_if_nothing_else_happens_is_told_with_its_time(told: Told) -> None:
    Path("large.json").write_text(json.dumps({**ORDER, "tags": "", "current_total_price": "5000.00"}))

    found = told("route", "large.json")

    assert found["events"][0]["alerts"] == []
    pending = found["later"][0]
    assert (pending["rule"], pending["at"]) == ("order-payment-pending", "2026-11-26T09:00:00Z")
    assert pending["unknown"][-1] == "not confirmed: Shopify did not answer when it was asked"
    assert pending["teams"][0]["by"] == ["operations -> routes"]
    assert told("route", "large.json", "--ahead", "30m")["later"] == []


def test_what_time_brings_between_two_events_stands_between_them(told: Told) -> None:
    large = {**ORDER, "tags": "", "current_total_price": "5000.00"}
    paid = {**large, "financial_status": "paid", "updated_at": "2026-11-26T12:00:00Z"}
    lines = [
        {"topic": "orders/create", "at": AT, "body": large},
        {"topic": "orders/paid", "at": "2026-11-26T12:00:00Z", "body": paid},
    ]
    Path("day.jsonl").write_text("\n".join(map(json.dumps, lines)))

    (_, second) = told("route", "day.jsonl", topic=None)["events"]

    assert [alert["rule"] for alert in second["meanwhile"]] == ["order-payment-pending"]
    assert [alert["state"] for alert in second["alerts"]] == ["resolved"]


def test_who_hears_of_a_recovery_was_told_before_and_reads_the_end_in_the_same_message(told: Told) -> None:
    tried = {"id": 9, "order_id": 42, "kind": "sale", "status": "failure", "error_code": "pick_up_card"}
    paid = {**tried, "id": 10, "status": "success", "error_code": None}
    lines = [
        {"topic": "order_transactions/create", "at": AT, "body": tried | {"processed_at": AT}},
        {"topic": "order_transactions/create", "at": AT, "body": paid | {"processed_at": AT}},
    ]
    Path("tries.jsonl").write_text("\n".join(map(json.dumps, lines)))

    (_, second) = told("route", "tries.jsonl", topic=None)["events"]

    assert [(alert["rule"], alert["teams"][0]["by"]) for alert in second["alerts"]] == [
        ("payment-recovered", ["was told of the beginning"]),
        ("payment-declined", ["reads it with what has come right"]),
    ]
    assert [bool(alert["teams"][0]["channels"]) for alert in second["alerts"]] == [True, False]


def test_what_was_asked_is_answered_by_the_facts_that_were_given(told: Told) -> None:
    large = {**ORDER, "tags": "", "current_total_price": "5000.00"}
    Path("large.json").write_text(json.dumps(large))
    paid = {"id": 42, "financial": "paid", "updated": "2026-11-26T08:30:00Z"}
    Path("facts.json").write_text(json.dumps({**FACTS, "risk": [], "recommendation": None, "order": paid}))

    assert told("route", "large.json", "--facts", "facts.json")["later"] == []


def rehearsed(topic: str, body: bytes) -> tuple[Account, ...]:
    """Nothing, where only Shopify could tell whose it is, or where it would be a dead letter."""
    configuration = load(DEPLOY / "pipeline.example.yaml", NAMES)
    given = Asked(configuration, datetime.now(UTC), topic)
    try:
        return Teller(configuration, "0123456789ab", None).told(read(body, given), timedelta(days=30)).events
    except (DeadLetter, Unusable):
        return ()


def test_of_every_real_body_what_rules_say_is_what_happens() -> None:
    seen = set()
    for topic, names in topics().items():
        for name in names:
            for account in rehearsed(topic, bodies()[name].replace(b'"test": true', b'"test": false')):
                fired = {says.rule for says in account.rules if says.says in ("fires", "told")}
                told = {alert.rule for alert in account.alerts if alert.state in ("firing", "told once")}
                assert fired == told, topic
                seen |= fired
    assert len(seen) > 5


# --- people ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", ["80", "120"])
def test_a_person_reads_it_within_the_width_of_the_terminal(
    width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    for command in ("explain", "route"):
        assert asked(monkeypatch, command, "order.json", "--topic", "orders/create", "--at", AT) == 0
        said = capsys.readouterr().out
        assert max(map(len, said.splitlines())) <= int(width)
        assert "Order #1042 needs a review: tagged 'review'" in said


def test_what_a_person_reads_names_the_condition_and_what_it_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(monkeypatch, "explain", "order.json", "--topic", "orders/create", "--at", AT, "--facts", "facts.json")

    said = " ".join(capsys.readouterr().out.split())
    assert "when customer.orders > 3: holds" in said
    assert "when order.total > 1000: does not hold" in said
    assert "does not fire: its `when` does not hold" in said


def test_a_strangers_text_moves_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("evil.json").write_text(json.dumps({**ORDER, "name": "[red]#1\x1b[2J\u202e[/red]"}))

    for command in ("explain", "route"):
        asked(monkeypatch, command, "evil.json", "--topic", "orders/create", "--at", AT)
        said = capsys.readouterr().out
        assert "\x1b" not in said
        assert "\u202e" not in said
        assert "[red]#1" in said


def test_an_event_can_be_piped_in(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(ORDER).encode())))

    assert asked(monkeypatch, "explain", "-", "--topic", "orders/create") == 0
    assert "order-manual-review" in capsys.readouterr().out


def test_no_secret_has_to_be_there(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_SECRET", raising=False)

    assert told("explain", "order.json")["events"]


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "arguments", "code", "says"),
    [
        (ORDER, (), 2, "event.json: which topic is it? Say --topic orders/create, or give the record with its headers"),
        (ORDER, ("--topic", "order/create"), 2, "event.json: no topic `order/create`; did you mean `orders/create`"),
        (ORDER, ("--topic", "ORDERS_CREATE"), 2, "event.json: no topic `ORDERS_CREATE`; did you mean `orders/create`"),
        (ORDER, ("--topic", "[red]x"), 2, "event.json: no topic `[red]x`; topics are written as in `orders/create`"),
        (
            ORDER,
            ("--topic", "orders/create", "--shop", "x.myshopify.com"),
            2,
            f"event.json: the shop x.myshopify.com is not configured: its webhooks are refused; there is {SHOP}",
        ),
        (ORDER, ("--topic", "orders/create", "--at", "today"), 2, "--at `today` is no moment with its offset"),
        ({}, ("--topic", "orders/create"), 1, "event.json: it would be a dead letter (undecodable): no identity at"),
        ([1], ("--topic", "orders/create"), 2, "event.json: an event is a JSON object, not a list"),
        ({"topic": "orders/create", "body": 3}, (), 2, "event.json: `body` is an object, or the original body as a"),
        ({"headers": 3, "body": {}}, (), 2, "event.json: `headers` is an object of names and texts, not a number"),
        (
            {"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/5"}},
            ("--topic", "fulfillment_orders/moved"),
            2,
            "event.json: whose it is does not stand in its body, and only Shopify can tell: give it",
        ),
        ({"headers": {"X-Shopify-Topic": "orders/create"}}, (), 2, "event.json: a saved record has a `body` beside"),
        (
            {"headers": {"Shopify-Topic": "Order"}, "body": {}},
            (),
            2,
            "event.json: an Event names itself by two headers",
        ),
    ],
)
def test_a_mistake_is_one_line_that_says_what_would_be_right(
    body: object,
    arguments: tuple[str, ...],
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("event.json").write_text(json.dumps(body))

    assert asked(monkeypatch, "explain", "event.json", *arguments) == code
    said = capsys.readouterr()
    assert said.err.startswith(f"pipeline: {says}")
    assert (said.out, said.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "event.json: is no JSON: "),
        ("", "event.json: it is empty"),
        ("\ufeff\n", "event.json: it is empty"),
        ('{"topic": "orders/create", "body": {"id": 1}}\n{"topic": \n', "event.json: line 2: is no JSON: "),
        (
            '{"topic": "orders/create", "body": {"id": 1}}\n{"topic": "orders/create", "body": {}}\n',
            "event.json: event 2: it would be a dead letter (undecodable)",
        ),
        ('{"topic": "orders/creat", "body": {"id": 1}}\n{}\n', "event.json: line 1: no topic `orders/creat`"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(
    text: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("event.json").write_text(text)

    assert asked(monkeypatch, "explain", "event.json") > 0
    assert capsys.readouterr().err.startswith(f"pipeline: {says}")


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"custumer": {}}, "did you mean `customer`?"),
        ({"customer": {"id": "x"}}, "Expected `int`, got `str` - at `$.customer.id`"),
        ({"customer": {"id": 1, "order": 3}}, "`customer` has no `order`; did you mean `orders`?"),
        ({"risk": [{"provider": "a", "level": "high", "at_": 1}]}, "`risk[0]` has no `at_`; did you mean `at`?"),
    ],
)
def test_facts_that_would_be_skipped_are_a_mistake(
    facts: object, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("facts.json").write_text(json.dumps(facts))

    assert asked(monkeypatch, "explain", "order.json", "--topic", "orders/create", "--facts", "facts.json") == 2
    assert says in capsys.readouterr().err


def test_which_shop_must_be_said_where_there_are_several(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = f"shops: [{{domain: other.myshopify.com, secrets: [{{env: A_SECRET}}]}}, {{domain: {SHOP}"
    Path("pipeline.yaml").write_text(FILE.replace(f"shops: [{{domain: {SHOP}", other))

    assert asked(monkeypatch, "route", "order.json", "--topic", "orders/create") == 2
    assert "of which shop is it? Say --shop; there is other.myshopify.com, demo.myshopify.com" in (
        capsys.readouterr().err
    )
    assert asked(monkeypatch, "route", "order.json", "--topic", "orders/create", "--shop", SHOP) == 0


def test_a_time_that_is_none_is_a_mistake(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(monkeypatch, "route", "order.json", "--topic", "orders/create", "--ahead", "5") == 2
    assert capsys.readouterr().err.startswith("pipeline: --ahead `5`")
