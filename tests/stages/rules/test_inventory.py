"""Stock: low, out, oversold; what is a crossing and what is only where an item starts from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import subjects
from schemas.alerts import Alert, AlertState, Severity
from schemas.configuration import InventoryRules, Rules, Threshold
from schemas.events import Source
from schemas.facts.stock import (
    InventoryFacts,
    InventoryItemFacts,
    Item,
    Level,
    ProductFacts,
    ProductVariant,
    VariantFacts,
)
from stages.rules.thresholds import recovered_at, threshold_for
from tests.stages.rules.world import SHOP, START, Desk, configuration, labels

ITEM = 77
NO_SALES = "its cover, since no sales of it are known"
SUBJECT = subjects.inventory(SHOP, ITEM)


def shirt(available: int | None, **changed: Any) -> Item:
    told: dict[str, Any] = {"id": ITEM, "sku": "SHIRT-1", "tracked": True, "product": "Linen shirt", "product_id": 9}
    told |= {"product_status": "active", "vendor": "Weavers", "tags": ("Summer",), "policy": "deny"}
    told |= {"available": available, "on_hand": 8, "committed": 2, "incoming": 40}
    return Item(**told | changed)


def read(desk: Desk, available: int | None, minute: int, **changed: Any) -> list[Alert]:
    """One location's level has changed, and the item was looked up for it."""
    at = START + timedelta(minutes=minute)
    facts = InventoryFacts(item_id=ITEM, location_id=1, available=available, item=shirt(available, **changed))
    name = f"{minute:04d}/{available}/{changed}"
    return desk.event("inventory_levels/update", facts, SUBJECT, occurred=at, updated=at, delivery_id=name)


def ran_out(desk: Desk, minute: int, item: Item | None, kind: str = "variants/out_of_stock") -> list[Alert]:
    at = START + timedelta(minutes=minute)
    facts = VariantFacts(id=5, in_stock=kind == "variants/in_stock", item=item)
    missing = () if item else ("item",)
    return desk.event(kind, facts, SUBJECT, occurred=at, updated=at, incomplete=missing, delivery_id=f"{kind}{minute}")


def alerts(desk: Desk) -> list[Alert]:
    """Without the lines of the digest."""
    return [alert for alert in desk.alerts if not alert.line]


def after(*course: int, **changed: Any) -> Desk:
    desk = Desk()
    for minute, available in enumerate(course):
        read(desk, available, minute, **changed)
    return desk


# --- low -------------------------------------------------------------------------------------------------------------


def test_a_stock_that_falls_below_its_threshold_is_low_and_procurement_reads_what_it_needs() -> None:
    desk = after(25, 14, 6)

    (alert,) = desk.alerts

    assert (alert.rule, alert.severity, alert.state) == ("inventory-low", Severity.WARNING, AlertState.FIRING)
    assert alert.title == "Low stock: Linen shirt (SHIRT-1), 6 left (threshold 10)"
    assert alert.since == START + timedelta(minutes=2)
    assert labels(alert) == {
        "Vendor": "Weavers",
        "SKU": "SHIRT-1",
        "Available": "6",
        "On hand": "8",
        "Committed": "2",
        "Incoming": "40",
        "Sold without stock": "no",
    }
    assert alert.link == "https://admin.shopify.com/store/demo/products/9"
    assert alert.unknown == (NO_SALES,)


@pytest.mark.parametrize("course", [(6,), (6, 5, 4), (0,), (-3,), (10, 10), (11, 10)])
def test_where_an_item_starts_from_and_what_is_still_enough_are_no_alert(course: tuple[int, ...]) -> None:
    assert alerts(after(*course)) == []


def test_where_an_item_starts_from_is_a_line_of_the_digest_once_where_that_is_below_its_threshold() -> None:
    desk = after(6, 5, 4)

    (line,) = desk.alerts

    assert line.title == "Low at first sight: Linen shirt (SHIRT-1), 6 left (threshold 10)"
    assert (line.line, line.digest, line.milestone, line.severity) == (True, True, True, Severity.INFO)
    assert desk.open == {}


def test_an_older_reading_that_comes_late_shows_that_there_was_enough_at_first() -> None:
    desk = after()
    read(desk, 6, 5)

    assert [(told.rule, told.line) for told in read(desk, 30, 1)] == [("inventory-low", False)]


def test_an_older_low_reading_that_comes_late_is_no_line_where_there_is_enough_now() -> None:
    desk = after()
    read(desk, 30, 5)

    assert read(desk, 6, 1) == []


def test_a_stock_that_rises_to_below_its_threshold_has_not_crossed_it() -> None:
    assert alerts(after(2, 8)) == []


def test_selling_on_does_not_tell_it_again() -> None:
    assert len(after(25, 9, 8, 7, 8, 3).alerts) == 1


def test_within_the_margin_nothing_changes_and_above_it_the_low_stock_is_over() -> None:
    desk = after(25, 9, 11, 9, 10)
    assert list(desk.open) == ["inventory-low"]
    assert len(desk.alerts) == 1

    (end,) = read(desk, 12, 9)

    assert end.state is AlertState.RESOLVED
    assert labels(end) == {"Ended": "12 available again"}


def test_a_low_stock_can_come_back_after_it_was_over() -> None:
    desk = after(25, 9, 30, 9)

    assert [alert.state for alert in desk.alerts] == [AlertState.FIRING, AlertState.RESOLVED, AlertState.FIRING]
    assert len({alert.id for alert in desk.alerts}) == 2


def test_a_low_stock_stays_open_however_many_readings_follow() -> None:
    desk = after(25, *([9, 8] * 40))

    assert list(desk.open) == ["inventory-low"]
    assert len(desk.alerts) == 1


def test_an_older_reading_that_comes_late_changes_nothing() -> None:
    desk = after(25, 14)
    read(desk, 6, 60)

    assert read(desk, 30, 40) == []
    assert list(desk.open) == ["inventory-low"]


def test_an_older_low_reading_that_comes_after_the_restock_is_silent() -> None:
    desk = after(25)
    read(desk, 40, 60)

    assert read(desk, 6, 30) == []


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"tracked": False}, "its stock is not tracked any more"),
        ({"product_status": "archived"}, "the product is archived now"),
        ({"product_status": "draft"}, "the product is draft now"),
        ({"bundle": True}, "it is a bundle, whose parts are counted"),
    ],
)
def test_what_does_not_count_never_alerts_and_ends_what_is_open(changed: dict[str, Any], because: str) -> None:
    assert after(25, 6, 0, -2, **changed).alerts == []
    desk = after(25, 6)

    (end,) = read(desk, 5, 9, **changed)

    assert (end.state, labels(end)) == (AlertState.RESOLVED, {"Ended": because})


@pytest.mark.parametrize("changed", [{"tracked": None}, {"product_status": None}])
def test_an_item_of_which_too_little_is_known_neither_fires_nor_ends(changed: dict[str, Any]) -> None:
    assert after(25, 6, 0, -2, **changed).alerts == []
    desk = after(25, 6)

    assert read(desk, 40, 9, **changed) == []


def test_without_the_lookup_the_webhooks_own_number_tells_nothing() -> None:
    desk = after(25)
    facts = InventoryFacts(item_id=ITEM, location_id=1, available=0)

    assert desk.event("inventory_levels/update", facts, SUBJECT, incomplete=("item",)) == []
    assert desk.event("inventory_levels/update", facts, SUBJECT) == []


def test_a_number_that_is_null_ends_it_without_a_lookup_and_one_that_is_missing_does_not() -> None:
    desk, at = after(25, 6), START + timedelta(minutes=9)
    missing = InventoryFacts(item_id=ITEM, location_id=1, absent=("available",))
    null = InventoryFacts(item_id=ITEM, location_id=1)

    assert desk.event("inventory_levels/update", missing, SUBJECT, occurred=at, incomplete=("item",)) == []
    (end,) = desk.event("inventory_levels/update", null, SUBJECT, occurred=at + timedelta(1), incomplete=("item",))
    assert labels(end) == {"Ended": "its stock is not tracked any more"}


def test_an_item_that_is_not_tracked_any_more_ends_it_without_a_lookup() -> None:
    desk = after(25, 6)
    at = START + timedelta(minutes=9)
    facts = InventoryItemFacts(item_id=ITEM, tracked=False, updated=at)

    (end,) = desk.event("inventory_items/update", facts, SUBJECT, occurred=at, updated=at)

    assert labels(end) == {"Ended": "its stock is not tracked any more"}


def product(minute: int, **told: Any) -> dict[str, Any]:
    at = START + timedelta(minutes=minute)
    facts = ProductFacts(id=9, updated=None if told.get("deleted") else at, **told)
    kind = "products/delete" if facts.deleted else "products/update"
    return {"kind": kind, "facts": facts, "subject": SUBJECT, "occurred": at, "updated": facts.updated}


@pytest.mark.parametrize(
    ("told", "because"),
    [
        ({"status": "archived"}, "the product is archived now"),
        ({"status": "draft"}, "the product is draft now"),
        ({"deleted": True}, "it was deleted"),
    ],
)
def test_what_a_product_tells_of_itself_ends_what_is_open(told: dict[str, Any], because: str) -> None:
    desk = after(25, -1)

    ends = desk.event(**product(9, **told))

    assert {(end.rule, end.state, labels(end)["Ended"]) for end in ends} == {
        (rule, AlertState.RESOLVED, because) for rule in ("inventory-low", "inventory-out", "inventory-oversold")
    }


def test_an_item_that_is_deleted_ends_what_is_open() -> None:
    desk, at = after(25, 6), START + timedelta(minutes=9)

    (end,) = desk.event("inventory_items/delete", InventoryItemFacts(item_id=ITEM, deleted=True), SUBJECT, occurred=at)

    assert labels(end) == {"Ended": "it was deleted"}


def test_of_a_product_that_changes_otherwise_nothing_ends_and_what_it_is_now_is_told() -> None:
    desk = after(25, 6)
    variant = ProductVariant(ITEM, "SHIRT-2", "continue")

    assert desk.event(**product(9, status="active", vendor="Mills", title="Shirt", variants=(variant,))) == []
    (alert,) = read(desk, 0, 8, sku="SHIRT-2") or desk.told("inventory-out")

    assert alert.title == "Out of stock: Shirt (SHIRT-2), sells on backorder"
    assert labels(alert)["Vendor"] == "Mills"


def test_what_was_known_of_the_product_before_an_item_was_looked_up_does_not_count() -> None:
    desk = after(25)
    desk.event(**product(5, status="archived"))

    assert [alert.rule for alert in [*read(desk, 20, 6), *read(desk, 6, 7)]] == ["inventory-low"]


def test_what_crosses_while_it_is_not_sold_has_crossed_nothing_when_it_is_again() -> None:
    desk = after(25)
    read(desk, 20, 2, product_status="draft")
    read(desk, 4, 3, product_status="draft")

    (line,) = read(desk, 3, 4)
    assert line.title == "Low at first sight: Linen shirt (SHIRT-1), 3 left (threshold 10)"
    assert read(desk, 2, 5) == []


def test_what_ended_with_its_product_begins_anew_only_by_another_crossing() -> None:
    desk = after(25, 6)
    desk.event(**product(9, status="archived"))

    assert desk.event(**product(10, status="active")) == []
    assert [told.line for told in read(desk, 5, 11)] == [True]
    read(desk, 20, 12)
    assert [alert.rule for alert in read(desk, 5, 13)] == ["inventory-low"]


def test_an_item_that_no_online_location_stocks_any_more_ends_it() -> None:
    desk = after(25, 6)
    at = START + timedelta(minutes=9)
    gone = shirt(None, levels=(Level(location_id=1, active=False), Level(location_id=2, online=False)))
    facts = InventoryFacts(item_id=ITEM, location_id=1, disconnected=True, item=gone)

    (end,) = desk.event("inventory_levels/disconnect", facts, SUBJECT, occurred=at, updated=at)

    assert labels(end) == {"Ended": "no location that sells online stocks it any more"}


def test_units_that_could_not_be_counted_end_nothing() -> None:
    desk = after(25, 6)

    assert read(desk, None, 9, levels=(Level(location_id=1),)) == []
    assert read(desk, None, 10, levels=()) == []


def test_a_threshold_that_does_not_fit_the_item_is_not_the_items() -> None:
    rules = InventoryRules(
        below=10,
        thresholds=(
            Threshold(below=3, sku="SHIRT-1", vendor="Others"),
            Threshold(below=50, tag="summer"),
            Threshold(below=4, vendor="Weavers"),
        ),
    )

    assert threshold_for(shirt(1), rules) == 50
    assert threshold_for(shirt(1, tags=()), rules) == 4
    assert threshold_for(shirt(1, tags=(), vendor=None), rules) == 10


@pytest.mark.parametrize(("below", "margin", "over"), [(10, "0.2", 12), (11, "0.2", 14), (2, "0.2", 3), (0, "0", 1)])
def test_a_low_stock_is_over_a_margin_above_its_threshold(below: int, margin: str, over: int) -> None:
    assert recovered_at(below, InventoryRules(margin=Decimal(margin))) == over


def test_another_threshold_is_used_and_named() -> None:
    thresholds = (Threshold(below=30, vendor="Weavers"),)
    desk = Desk(configuration(rules=Rules(inventory=InventoryRules(thresholds=thresholds))))
    read(desk, 31, 1)

    (alert,) = read(desk, 29, 2)

    assert alert.title == "Low stock: Linen shirt (SHIRT-1), 29 left (threshold 30)"


def test_locations_are_named_where_there_are_several_that_sell_online() -> None:
    levels = (
        Level(location_id=1, location="Berlin", available=2),
        Level(location_id=2, available=3),
        Level(location_id=3, location="Back room", available=90, online=False),
    )
    desk = after(25)

    (alert,) = read(desk, 5, 9, levels=levels, on_hand=None, committed=None)

    assert labels(alert)["By location"] == "Berlin: 2, 2: 3"
    assert alert.unknown == ("how many are on hand and committed", NO_SALES)


@pytest.mark.parametrize(
    ("changed", "called"),
    [
        ({"product": "x" * 200}, f"{'x' * 57}... (SHIRT-1)"),
        ({"product": None}, "SKU SHIRT-1"),
        ({"sku": None}, "Linen shirt"),
        ({"sku": None, "product": None, "product_id": None}, "item 77"),
    ],
)
def test_a_title_is_one_short_line_whatever_is_known_of_the_item(changed: dict[str, Any], called: str) -> None:
    (alert,) = after(25, 6, **changed).alerts

    assert alert.title == f"Low stock: {called}, 6 left (threshold 10)"


# --- out and oversold ------------------------------------------------------------------------------------------------


def test_what_runs_out_and_may_not_be_sold_then_is_critical() -> None:
    (_, alert) = after(13, 0).alerts

    assert (alert.rule, alert.severity) == ("inventory-out", Severity.CRITICAL)
    assert alert.title == "Out of stock: Linen shirt (SHIRT-1), cannot be sold any more"


def test_what_sells_on_backorder_is_only_an_information_and_never_oversold() -> None:
    (alert,) = alerts(after(1, 0, -4, policy="continue"))

    assert (alert.rule, alert.severity, alert.digest) == ("inventory-out", Severity.INFO, True)
    assert alert.title == "Out of stock: Linen shirt (SHIRT-1), sells on backorder"


def test_a_policy_that_is_not_known_excuses_nothing_and_is_said() -> None:
    (alert,) = alerts(after(1, 0, policy=None))

    assert alert.severity is Severity.CRITICAL
    assert alert.title == "Out of stock: Linen shirt (SHIRT-1)"
    assert alert.unknown == ("whether it is sold without stock", NO_SALES)


def test_a_stock_that_falls_from_enough_to_nothing_is_low_and_out_and_stays_low_with_the_first_unit() -> None:
    desk = after(13, 0)
    assert [alert.title for alert in desk.alerts] == [
        "Low stock: Linen shirt (SHIRT-1), none left (threshold 10)",
        "Out of stock: Linen shirt (SHIRT-1), cannot be sold any more",
    ]

    assert [(told.rule, told.state) for told in read(desk, 3, 9)] == [("inventory-out", AlertState.RESOLVED)]
    assert list(desk.open) == ["inventory-low"]
    assert [(told.rule, told.state) for told in read(desk, 12, 10)] == [("inventory-low", AlertState.RESOLVED)]


def test_what_several_rules_say_of_an_item_by_one_reading_goes_together() -> None:
    desk = after(13, -1)
    low, out, oversold = desk.alerts

    assert (low.carried_by, out.carried_by, oversold.carries) == (oversold.id, oversold.id, (low.id, out.id))
    ends = read(desk, 20, 9)
    assert [end.carried_by for end in ends] == [ends[-1].id, ends[-1].id, None]
    assert ends[-1].carries == (low.id, out.id)
    assert [(alert.carries, alert.carried_by) for alert in read(desk, 4, 10)] == [((), None)]


def test_a_stock_that_rises_from_nothing_has_not_crossed_its_threshold() -> None:
    desk = after(3, 0)

    assert [(told.rule, told.state) for told in read(desk, 5, 9)] == [("inventory-out", AlertState.RESOLVED)]


def test_shopify_saying_that_it_ran_out_is_enough_without_an_earlier_reading() -> None:
    desk = Desk()

    (alert,) = ran_out(desk, 1, shirt(0))

    assert alert.rule == "inventory-out"
    assert read(desk, 0, 2) == []


def test_without_admin_access_shopifys_word_on_a_variant_is_taken_and_what_is_not_known_is_said() -> None:
    desk, variant = Desk(), subjects.resource(SHOP, "variant", 5)
    facts = VariantFacts(id=5, product_id=9, sku="SHIRT-1", policy="deny")
    (alert,) = desk.event("variants/out_of_stock", facts, variant)
    assert (alert.rule, alert.severity, alert.title) == (
        "inventory-out",
        Severity.CRITICAL,
        "Out of stock: SKU SHIRT-1, cannot be sold any more",
    )
    assert alert.unknown == ("the product's name and state, and how many there are: no Admin access is configured",)
    assert not desk.event("variants/out_of_stock", facts, variant)

    desk.passes(timedelta(hours=1))
    (over,) = desk.event("variants/in_stock", VariantFacts(id=5, product_id=9, sku="SHIRT-1", in_stock=True), variant)
    assert over.state is AlertState.RESOLVED


def test_shopifys_word_is_checked_by_the_sum_over_all_locations() -> None:
    desk = Desk()

    assert ran_out(desk, 1, shirt(20)) == []
    assert ran_out(desk, 2, None) == []


def test_what_was_looked_up_later_counts_as_if_it_had_been_at_once() -> None:
    desk = Desk()
    ran_out(desk, 1, None)
    facts = VariantFacts(id=5, in_stock=False, item=shirt(0))
    updated, later = START + timedelta(minutes=1), START + timedelta(minutes=7)

    told = desk.event("answer.facts", facts, SUBJECT, occurred=later, updated=updated, source=Source.ANSWER)

    assert [alert.rule for alert in told] == ["inventory-out"]


def test_what_was_looked_up_later_takes_the_place_of_no_reading_of_before() -> None:
    desk = after(12, 0, 10)
    at, later = START + timedelta(minutes=1), START + timedelta(minutes=50)
    facts = InventoryFacts(item_id=ITEM, location_id=1, available=0, item=shirt(10))

    assert desk.event("answer.facts", facts, SUBJECT, occurred=later, updated=at, source=Source.ANSWER) == []
    assert [name.partition("/")[0] for name in desk.open] == ["inventory-low"], "10 are not enough again"


def test_what_shopify_has_yet_to_tell_ends_nothing_and_makes_no_line_of_what_was_before() -> None:
    desk = Desk()
    ran_out(desk, 1, None)
    facts = VariantFacts(id=5, in_stock=False, item=shirt(0))
    later = START + timedelta(minutes=3)
    (alert,) = desk.event("answer.facts", facts, SUBJECT, occurred=later, updated=later, source=Source.ANSWER)
    assert alert.rule == "inventory-out"

    assert ran_out(desk, 5, None, "variants/in_stock") == []
    assert [told.state for told in ran_out(desk, 6, shirt(40), "variants/in_stock")] == [AlertState.RESOLVED]


def test_selling_what_is_not_there_is_oversold_and_each_unit_more_is_an_update() -> None:
    desk = after(15, 1, -1)
    told = {alert.rule: alert for alert in desk.alerts}
    assert set(told) == {"inventory-low", "inventory-out", "inventory-oversold"}
    assert told["inventory-oversold"].title == "Oversold: Linen shirt (SHIRT-1), 1 more sold than there is"
    assert told["inventory-oversold"].severity is Severity.CRITICAL

    (worse,) = read(desk, -4, 9)

    assert (worse.rule, worse.state) == ("inventory-oversold", AlertState.UPDATED)
    assert worse.title == "Oversold: Linen shirt (SHIRT-1), 4 more sold than there are"
    assert read(desk, -3, 10) == []
    assert [(end.rule, end.state) for end in read(desk, 0, 11)] == [("inventory-oversold", AlertState.RESOLVED)]


def test_an_item_that_sinks_by_the_hundreds_is_told_a_few_times() -> None:
    desk = after(1, *range(-1, -401, -1))

    told = [alert.title.partition(", ")[2] for alert in desk.told("inventory-oversold")]

    assert [int(words.split()[0]) for words in told] == [*range(1, 21), 30, 45, 67, 100, 150, 225, 337]


def test_an_item_that_starts_below_zero_is_oversold_once_it_sinks_further() -> None:
    assert alerts(after(-3, -2)) == []
    assert [alert.rule for alert in alerts(after(-3, -4))] == ["inventory-oversold"]


def test_what_may_be_sold_without_stock_now_is_not_oversold_any_more() -> None:
    desk = after(5, -1)

    ends = read(desk, -1, 9, policy="continue")

    assert [(end.rule, end.state) for end in ends] == [("inventory-oversold", AlertState.RESOLVED)]


# --- whatever the order -----------------------------------------------------------------------------------------------

READINGS = ((1, 25), (2, 9), (3, 11), (4, 0), (5, -2), (6, 3), (7, 40), (8, 8), (9, 11))


@given(st.data())
def test_what_is_open_in_the_end_does_not_depend_on_order_and_repetition(data: st.DataObject) -> None:
    known = data.draw(st.lists(st.sampled_from(READINGS), unique=True, min_size=1))
    arriving = data.draw(st.permutations([*known, *data.draw(st.lists(st.sampled_from(known)))]))
    in_order, mixed = Desk(), Desk()
    for minute, available in sorted(known):
        read(in_order, available, minute)
    for minute, available in arriving:
        read(mixed, available, minute)

    assert set(mixed.open) == set(in_order.open)


NEWS: tuple[Callable[[Desk], object], ...] = (
    lambda desk: read(desk, 25, 1),
    lambda desk: read(desk, 6, 2),
    lambda desk: desk.event(**product(3, status="archived"), delivery_id="3"),
    lambda desk: read(desk, 5, 4),
    lambda desk: desk.event(**product(5, status="active"), delivery_id="5"),
    lambda desk: read(desk, 20, 6),
    lambda desk: read(desk, 0, 7),
    lambda desk: read(desk, 15, 8, tracked=False),
    lambda desk: read(desk, -2, 9),
    lambda desk: desk.event(**product(10, deleted=True), delivery_id="10"),
)


@settings(max_examples=60)
@given(st.data())
def test_what_a_product_tells_between_readings_does_not_depend_on_order_and_repetition(data: st.DataObject) -> None:
    known = data.draw(st.lists(st.integers(0, len(NEWS) - 1), unique=True, min_size=1))
    arriving = data.draw(st.permutations([*known, *data.draw(st.lists(st.sampled_from(known), max_size=4))]))
    in_order, mixed = Desk(), Desk()
    for number in sorted(known):
        NEWS[number](in_order)
    for number in arriving:
        NEWS[number](mixed)

    assert set(mixed.open) == set(in_order.open)


@given(st.lists(st.integers(min_value=-5, max_value=30), max_size=30))
def test_nothing_fires_twice_without_having_been_over(course: list[int]) -> None:
    desk = after(*course)

    for rule in ("inventory-low", "inventory-out", "inventory-oversold"):
        told = [alert for alert in desk.told(rule) if not alert.line]
        states = [alert.state for alert in told if alert.state is not AlertState.UPDATED]
        assert states == [AlertState.FIRING, AlertState.RESOLVED] * (len(states) // 2) + [AlertState.FIRING] * (
            len(states) % 2
        )
