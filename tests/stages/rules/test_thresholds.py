"""Thresholds: which one holds for an item, and what a location or a group of them counts for itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import subjects
from schemas.alerts import Alert, AlertState
from schemas.configuration import InventoryRules, LocationGroup, Person, Route, Rules, Team, Threshold
from schemas.facts.stock import InventoryFacts, Item, Level
from stages.rules.thresholds import places_of, threshold_for
from tests.stages.rules.world import SHOP, START, Desk, configuration

ITEM = 77
SUBJECT = subjects.inventory(SHOP, ITEM)
BERLIN, OSLO, STORE = 1, 2, 3
NAMES = {BERLIN: "Berlin", OSLO: "Oslo", STORE: "Shop floor"}


def shirt(units: dict[int, int | None], **changed: Any) -> Item:
    """Berlin and Oslo sell online, the store does not."""
    online = [count for place, count in units.items() if place != STORE and count is not None]
    told: dict[str, Any] = {"id": ITEM, "sku": "SHIRT-1", "tracked": True, "product_status": "active"}
    told |= {"vendor": "Weavers", "tags": ("Summer",), "policy": "deny"}
    told |= {"available": sum(online) if online else None}
    told |= {
        "levels": tuple(Level(place, NAMES[place], count, online=place != STORE) for place, count in units.items())
    }
    return Item(**told | changed)


def desk(*thresholds: Threshold, below: int = 10, groups: tuple[LocationGroup, ...] = ()) -> Desk:
    rules = InventoryRules(below=below, thresholds=thresholds, location_groups=groups)
    return Desk(configuration(rules=Rules(inventory=rules)))


def read(at: Desk, units: dict[int, int | None], minute: int, **changed: Any) -> list[Alert]:
    moment = START + timedelta(minutes=minute)
    facts = InventoryFacts(item_id=ITEM, location_id=1, item=shirt(units, **changed))
    delivery = f"{minute:04d}/{units}"
    return at.event("inventory_levels/update", facts, SUBJECT, occurred=moment, updated=moment, delivery_id=delivery)


# --- which one holds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thresholds", "below"),
    [
        ((), 10),
        ((Threshold(below=3, vendor="Weavers"),), 3),
        ((Threshold(below=3, vendor="Weavers"), Threshold(below=4, tag="summer")), 4),
        (
            (Threshold(below=3, vendor="Weavers"), Threshold(below=4, tag="SUMMER"), Threshold(below=5, sku="SHIRT-1")),
            5,
        ),
        ((Threshold(below=4, tag="summer"), Threshold(below=6, tag="summer", vendor="Weavers")), 6),
        ((Threshold(below=5, sku="SHIRT-1"), Threshold(below=6, tag="summer", vendor="Weavers")), 5),
        ((Threshold(below=5, tag="summer"), Threshold(below=6, tag="Summer")), 5),
        ((Threshold(below=5, sku="SHIRT-1", vendor="Others"),), 10),
        ((Threshold(below=5, location="Berlin"),), 10),
    ],
)
def test_the_most_specific_threshold_holds_wherever_it_stands(thresholds: tuple[Threshold, ...], below: int) -> None:
    assert threshold_for(shirt({BERLIN: 9}), InventoryRules(thresholds=thresholds)) == below


def test_of_one_location_the_most_specific_holds_too() -> None:
    thresholds = (Threshold(below=3, location="oslo"), Threshold(below=7, location="2", sku="SHIRT-1"))

    (_, oslo) = places_of(shirt({BERLIN: 9, OSLO: 9}), InventoryRules(thresholds=thresholds))

    assert (oslo.below, oslo.called, oslo.locations) == (7, "Oslo", frozenset({OSLO}))


def test_the_letter_case_of_a_vendor_and_of_a_tag_makes_no_difference() -> None:
    for named in (Threshold(below=3, vendor="WEAVERS"), Threshold(below=3, tag="SUMMER")):
        assert threshold_for(shirt({BERLIN: 9}), InventoryRules(thresholds=(named,))) == 3


# --- whom it is told -------------------------------------------------------------------------------------------------


def test_an_item_is_its_vendors_teams_and_a_location_that_counts_alone_its_own_teams() -> None:
    person = (Person(name="desk", email="desk@example.com"),)
    routes = Route(
        teams=("others",),
        routes=(
            Route(use_cases=(3,), locations=("Shop floor",), teams=("floor",)),
            Route(use_cases=(3,), vendors=("weavers",), product_tags=("summer",), teams=("weavers",)),
        ),
    )
    teams = tuple(Team(name=name, people=person) for name in ("others", "floor", "weavers"))
    rules = Rules(inventory=InventoryRules(thresholds=(Threshold(below=5, location="Shop floor"),)))
    at = Desk(configuration(rules=rules, teams=teams, routes=routes))
    other = Desk(configuration(rules=rules, teams=teams, routes=routes))
    read(at, {BERLIN: 30, OSLO: 30}, 1)
    read(other, {BERLIN: 30, STORE: 30}, 1)

    assert {alert.team for alert in read(at, {BERLIN: 2, OSLO: 2}, 2)} == {"weavers"}
    assert {alert.team for alert in read(at, {BERLIN: 2, OSLO: 20}, 3)} == {"weavers"}
    assert {alert.team for alert in read(other, {BERLIN: 30, STORE: 2}, 2)} == {"floor"}
    assert {alert.team for alert in read(other, {BERLIN: 2}, 3, tags=())} == {"floor", "others"}


# --- what is counted -------------------------------------------------------------------------------------------------


def test_a_location_without_a_threshold_of_its_own_never_counts_alone() -> None:
    at = desk()
    read(at, {BERLIN: 30, OSLO: 30}, 1)

    assert read(at, {BERLIN: 30, OSLO: 1}, 2) == []


def test_a_location_with_a_threshold_counts_alone_and_is_named() -> None:
    at = desk(Threshold(below=5, location="Oslo"))
    read(at, {BERLIN: 30, OSLO: 30}, 1)

    (alert,) = read(at, {BERLIN: 30, OSLO: 4}, 2)

    assert alert.title == "Low stock at Oslo: SKU SHIRT-1, 4 left (threshold 5)"
    assert alert.next_step == "Reorder, or move some there from another location."
    (over,) = read(at, {BERLIN: 29, OSLO: 6}, 3)
    assert (over.id, over.state) == (alert.id, AlertState.RESOLVED)


def test_the_whole_item_and_its_location_are_two_alerts() -> None:
    at = desk(Threshold(below=5, location="Oslo"))
    read(at, {BERLIN: 30, OSLO: 30}, 1)

    titles = {alert.title for alert in read(at, {BERLIN: 2, OSLO: 4}, 2)}

    assert titles == {
        "Low stock: SKU SHIRT-1, 6 left (threshold 10)",
        "Low stock at Oslo: SKU SHIRT-1, 4 left (threshold 5)",
    }


def test_a_group_counts_the_units_of_all_its_locations() -> None:
    at = desk(
        Threshold(below=8, location_group="nordic"),
        groups=(LocationGroup(name="nordic", locations=("Oslo", "3", "nowhere")),),
    )
    read(at, {BERLIN: 30, OSLO: 5, STORE: 5}, 1)

    assert read(at, {BERLIN: 30, OSLO: 1, STORE: 7}, 2) == []
    (alert,) = read(at, {BERLIN: 30, OSLO: 1, STORE: 6}, 3)
    assert alert.title == "Low stock at nordic: SKU SHIRT-1, 7 left (threshold 8)"


def test_a_store_that_does_not_sell_online_counts_for_its_own_threshold_only() -> None:
    at = desk(Threshold(below=5, location="Shop floor"))
    read(at, {STORE: 9}, 1)

    (alert,) = read(at, {STORE: 4}, 2)

    assert alert.title == "Low stock at Shop floor: SKU SHIRT-1, 4 left (threshold 5)"


def test_a_location_that_is_an_items_only_one_counts_alone_too() -> None:
    at = desk(Threshold(below=20, location="Berlin"))
    read(at, {BERLIN: 30}, 1)

    assert [alert.title for alert in read(at, {BERLIN: 15}, 2)] == [
        "Low stock at Berlin: SKU SHIRT-1, 15 left (threshold 20)"
    ]


def test_the_first_reading_of_a_location_is_only_where_it_starts_from() -> None:
    at = desk(Threshold(below=5, location="Oslo"))

    (line,) = read(at, {BERLIN: 30, OSLO: 2}, 1)
    assert (line.line, line.title) == (True, "Low at first sight at Oslo: SKU SHIRT-1, 2 left (threshold 5)")
    assert read(at, {BERLIN: 30, OSLO: 1}, 2) == []


def test_that_the_whole_item_is_low_says_nothing_of_where_a_location_starts_from() -> None:
    at = desk(Threshold(below=5, location="Oslo"))
    read(at, {BERLIN: 30, OSLO: 2}, 1)

    (whole,) = read(at, {BERLIN: 5, OSLO: 2}, 2)

    assert whole.title == "Low stock: SKU SHIRT-1, 7 left (threshold 10)"
    assert read(at, {BERLIN: 4, OSLO: 2}, 3) == []


def test_a_location_that_stocks_it_no_more_ends_its_alert() -> None:
    at = desk(Threshold(below=5, location="Oslo"))
    read(at, {BERLIN: 30, OSLO: 30}, 1)
    read(at, {BERLIN: 30, OSLO: 4}, 2)

    (over,) = read(at, {BERLIN: 30}, 3)

    assert over.state is AlertState.RESOLVED


def test_an_item_that_is_archived_ends_the_alerts_of_its_locations() -> None:
    at = desk(Threshold(below=5, location="Oslo"))
    read(at, {BERLIN: 30, OSLO: 30}, 1)
    read(at, {BERLIN: 30, OSLO: 4}, 2)

    (over,) = read(at, {BERLIN: 30, OSLO: 4}, 3, product_status="archived")

    assert over.state is AlertState.RESOLVED


READINGS = [(1, 9), (2, 4), (3, 5), (4, 8), (5, 3), (6, 0)]


@given(st.data())
def test_what_is_open_at_a_location_does_not_depend_on_order_and_repetition(data: st.DataObject) -> None:
    known = data.draw(st.lists(st.sampled_from(READINGS), unique=True, min_size=1))
    arriving = data.draw(st.permutations([*known, *data.draw(st.lists(st.sampled_from(known)))]))
    in_order, mixed = (desk(Threshold(below=5, location="Oslo")) for _ in range(2))
    for at, readings in ((in_order, sorted(known)), (mixed, arriving)):
        for minute, units in readings:
            read(at, {BERLIN: 30, OSLO: units}, minute)

    assert set(mixed.open) == set(in_order.open)
