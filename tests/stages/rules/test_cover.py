"""Cover: popular items that will not last, at the pace of their last week; and the orders behind an oversold one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.state import Change, Memory, View
from schemas import subjects
from schemas.alerts import Alert, AlertState, Severity
from schemas.configuration import InventoryRules, Rules
from schemas.facts.stock import InventoryFacts, Item, SoldFacts
from stages.classify import Classify
from stages.dossiers.registers import Stamp
from stages.dossiers.sales import MOST, Pace, Sale, set_aside, with_sale
from tests.stages.rules.world import SHOP, START, Desk, configuration, labels

ITEM = 77
SUBJECT = subjects.inventory(SHOP, ITEM)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def item(available: int | None, **changed: Any) -> Item:
    told: dict[str, Any] = {"id": ITEM, "sku": "SHIRT-1", "tracked": True, "product": "Linen shirt", "product_id": 9}
    told |= {"product_status": "active", "vendor": "Weavers", "policy": "deny", "available": available}
    told |= {"on_hand": 8, "committed": 2, "incoming": 0}
    return Item(**told | changed)


def read(desk: Desk, available: int | None, day: float, **changed: Any) -> list[Alert]:
    at = START + day * DAY
    facts = InventoryFacts(item_id=ITEM, location_id=1, available=available, item=item(available, **changed))
    return desk.event(
        "inventory_levels/update", facts, SUBJECT, occurred=at, updated=at, delivery_id=f"r{day:08.3f}/{available}"
    )


def sold(
    desk: Desk, order: int, day: float, units: int, *, changed: float | None = None, open: bool = True
) -> list[Alert]:
    """`changed`: when the order got so, where that is later than when it was placed."""
    placed, at = START + day * DAY, START + (day if changed is None else changed) * DAY
    facts = SoldFacts(order_id=order, order_name=f"#{order}", placed=placed, units=units, is_open=open)
    kind = "orders/create" if changed is None else "orders/updated"
    return desk.event(kind, facts, SUBJECT, occurred=at, updated=at, delivery_id=f"s{order}/{day}/{changed}/{units}")


def selling(desk: Desk, per_day: int, days: int = 8, stock: int = 100) -> Desk:
    """Observed from the first day; so many units a day, one order each."""
    read(desk, stock, 0)
    for day in range(days):
        sold(desk, 1000 + day, day + 0.5, per_day)
    desk.passes(days * DAY)
    return desk


def popular() -> Desk:
    return selling(Desk(), 4)


# --- it fires ---------------------------------------------------------------------------------------------------------


def test_a_popular_item_that_will_not_last_five_days_is_running_out() -> None:
    desk = popular()
    assert desk.alerts == []

    (alert,) = read(desk, 16, 8)

    assert (alert.rule, alert.severity) == ("inventory-cover", Severity.WARNING)
    assert alert.title == "Running out: Linen shirt (SHIRT-1), 16 left, enough for 4 days at 4.0 a day"
    assert labels(alert) == {
        "Vendor": "Weavers",
        "SKU": "SHIRT-1",
        "Available": "16",
        "On hand": "8",
        "Committed": "2",
        "Incoming": "0",
        "Sold without stock": "no",
        "Cover": "4 days",
        "Sold in 7 days": "28",
    }
    assert read(desk, 15, 8.01) == []
    assert sold(desk, 2000, 8.02, 1) == []


def test_a_sale_alone_can_make_it_run_out() -> None:
    desk = popular()
    read(desk, 24, 8)
    assert desk.alerts == []

    (alert,) = sold(desk, 2000, 8.1, 20)

    assert alert.rule == "inventory-cover"


def test_while_more_is_on_its_way_it_is_told_as_info() -> None:
    (alert,) = read(popular(), 16, 8, incoming=40)

    assert alert.severity is Severity.INFO
    assert alert.next_step == "Check that what is on its way arrives in time."


def test_what_is_low_or_out_says_how_long_that_lasts_where_its_sales_are_known() -> None:
    (low,) = read(popular(), 9, 8)
    (_, out) = read(popular(), 0, 8)
    fresh = Desk()
    read(fresh, 30, 0)
    sold(fresh, 1, 0.1, 9)
    fresh.passes(DAY)
    (unsure,) = read(fresh, 9, 1)

    assert (labels(low)["Cover"], labels(low)["Sold in 7 days"]) == ("2 days", "28")
    assert (out.rule, labels(out)["Cover"]) == ("inventory-out", "less than a day")
    assert "Cover" not in labels(unsure)
    assert unsure.unknown == ("its cover, since its sales are known for less than a week",)


# --- it does not ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("available", [20, 21, 100])
def test_what_lasts_five_days_or_more_is_silent(available: int) -> None:
    assert read(popular(), available, 8) == []


def test_what_sells_seldom_is_not_popular() -> None:
    assert read(selling(Desk(), 1), 3 + 10, 8) == []


def test_what_has_not_been_observed_for_a_week_is_silent() -> None:
    desk = selling(Desk(), 10, days=6)

    assert read(desk, 16, 6) == []


def test_cancelled_and_edited_orders_sell_less() -> None:
    desk = popular()
    for order in range(1001, 1005):
        sold(desk, order, order - 1000 + 0.5, 0, changed=8)
    sold(desk, 1005, 5.5, 1, changed=8)

    assert read(desk, 16, 8.1) == []


def test_an_older_word_of_an_order_that_comes_later_changes_nothing() -> None:
    desk = popular()
    for order in range(1001, 1006):
        sold(desk, order, order - 1000 + 0.5, 0, changed=8)
        sold(desk, order, order - 1000 + 0.5, 4, changed=7.9)

    assert read(desk, 16, 8.1) == []


def test_what_is_low_by_its_threshold_is_told_as_that_only() -> None:
    desk = popular()

    assert [alert.rule for alert in read(desk, 9, 8)] == ["inventory-low"]
    assert [alert.rule for alert in read(desk, 30, 8.1)] == ["inventory-low"]
    assert [alert.rule for alert in read(desk, 16, 8.2)] == ["inventory-cover"]
    assert [(a.rule, a.state) for a in read(desk, 9, 8.3)] == [
        ("inventory-low", AlertState.FIRING),
        ("inventory-cover", AlertState.RESOLVED),
    ]


def test_within_its_margin_a_low_stock_stays_what_it_was() -> None:
    desk = popular()
    read(desk, 9, 8)

    assert read(desk, 11, 8.1) == []


def test_nothing_left_is_out_of_stock_and_no_cover() -> None:
    assert [alert.rule for alert in read(popular(), 0, 8)] == ["inventory-low", "inventory-out"]


@pytest.mark.parametrize("changed", [{"tracked": False}, {"product_status": "archived"}, {"bundle": True}])
def test_what_is_not_watched_any_more_ends_it(changed: dict[str, Any]) -> None:
    desk = popular()
    read(desk, 16, 8)

    assert [alert.state for alert in read(desk, 16, 8.1, **changed)] == [AlertState.RESOLVED]


# --- it ends ----------------------------------------------------------------------------------------------------------


def test_up_to_six_days_nothing_changes_and_above_it_is_over() -> None:
    desk = popular()
    read(desk, 16, 8)
    assert read(desk, 24, 8.1) == []

    (end,) = read(desk, 25, 8.2)

    assert (end.state, labels(end)) == (AlertState.RESOLVED, {"Ended": "there is enough for the days to come"})


def test_what_nobody_buys_any_more_ends_by_itself() -> None:
    desk = popular()
    read(desk, 16, 8)

    (end,) = desk.passes(7 * DAY)

    assert end.state is AlertState.RESOLVED
    assert [name for name in desk.due if name.startswith("inventory-cover")] == []


def test_its_limits_are_configured() -> None:
    rules = InventoryRules(popular_from=5, cover_below=20 * DAY, cover_above=30 * DAY)
    desk = selling(Desk(configuration(rules=Rules(inventory=rules))), 1)

    assert [alert.rule for alert in read(desk, 18, 8)] == ["inventory-cover"]


# --- the pace ---------------------------------------------------------------------------------------------------------


def test_of_thousands_of_orders_a_week_each_counts_and_cancels_and_edits_take_back_theirs() -> None:
    """More than are kept one by one: told in any order, each twice, and changed long after they were set aside."""
    desk, orders = Desk(), 3 * MOST // 2
    read(desk, 5000, 0)
    told: list[tuple[int, float, float | None, int]] = [
        (order, 1.1 + order * 6.8 / orders, None, 2) for order in range(orders)
    ]
    told += [(order, 1.1 + order * 6.8 / orders, 8.0, 0) for order in range(0, orders, 3)]
    told += [(order, 1.1 + order * 6.8 / orders, 8.0, 3) for order in range(1, orders, 3)]
    Random(7).shuffle(told)
    for order, day, changed, units in [*told, *told[::5]]:
        sold(desk, order, day, units, changed=changed)
    desk.passes(8 * DAY)

    (alert,) = read(desk, 250, 8.0)

    assert labels(alert)["Sold in 7 days"] == str(orders // 3 * (2 + 3))
    assert alert.title.endswith(f"{orders // 3 * 5 / 7:.1f} a day")


def test_what_is_remembered_of_an_item_does_not_grow_with_its_orders() -> None:
    found: dict[int, Sale] = {}
    hours: dict[int, int] = {}
    state = View(Memory(Classify.families), Change(), START)
    at = START
    for number in range(5 * MOST):
        at += timedelta(minutes=15)
        found = with_sale(found, SoldFacts(order_id=number, placed=at, units=2), Stamp(at, at, str(number)))
        found, hours = set_aside(found, hours, SUBJECT, state)

    assert len(found) == MOST
    assert len(hours) <= 9 * 24
    assert abs(Pace(found, hours).units(at) - 2 * 7 * 24 * 4) < 2 * 4


HAPPENINGS: tuple[Callable[[Desk], object], ...] = (
    lambda desk: read(desk, 20, 8),
    lambda desk: read(desk, 14, 8.1),
    lambda desk: sold(desk, 2000, 8.15, 9),
    lambda desk: read(desk, 40, 8.2),
    lambda desk: sold(desk, 2001, 8.3, 30),
)


@given(st.data())
def test_what_is_open_in_the_end_does_not_depend_on_order_and_repetition(data: st.DataObject) -> None:
    known = data.draw(st.lists(st.integers(min_value=0, max_value=4), unique=True, min_size=1))
    arriving = data.draw(st.permutations([*known, *data.draw(st.lists(st.sampled_from(known)))]))
    in_order, mixed = popular(), popular()
    for step in sorted(known):
        HAPPENINGS[step](in_order)
    for step in arriving:
        HAPPENINGS[step](mixed)

    assert mixed.open_conditions == in_order.open_conditions


# --- oversold ---------------------------------------------------------------------------------------------------------


def test_an_oversold_item_names_the_oldest_open_orders_that_have_it() -> None:
    desk = Desk()
    read(desk, 3, 0)
    for number, day in enumerate([0.5, 0.3, 0.4]):
        sold(desk, 10 + number, day, 1)
    sold(desk, 11, 0.3, 1, changed=0.6, open=False)
    sold(desk, 13, 0.2, 0)

    alert = next(alert for alert in read(desk, -1, 1) if alert.rule == "inventory-oversold")

    assert labels(alert)["Oldest open orders"] == "#12, #10"


def test_backorders_are_oversold_only_where_a_company_wants_to_hear_of_them() -> None:
    rules = Rules(inventory=InventoryRules(oversold_backorders=True))
    told = []
    for desk in (Desk(), Desk(configuration(rules=rules))):
        read(desk, 3, 0, policy="continue")
        read(desk, -2, 1, policy="continue")
        told.append([alert.severity for alert in desk.told("inventory-oversold")])

    assert told == [[], [Severity.WARNING]]
