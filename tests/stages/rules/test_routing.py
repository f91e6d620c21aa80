"""The route tree: whose an alert is, and that it is always somebody's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import Audience, Severity
from schemas.configuration import Configuration, Person, Route, Team
from stages.judging.routing import Goods, Label, Step, default_teams, fits, teams_for, way_of
from tests.stages.rules.world import SHOP, configuration

NAMES = ("first", "second", "third", "fourth")
FINANCE = Label(SHOP, 6, "refund-due", Severity.WARNING, Audience.FINANCE)
LOW = Label(
    SHOP,
    3,
    "inventory-low",
    Severity.WARNING,
    Audience.PROCUREMENT,
    Goods("Weavers", ("Summer", "New"), ("Berlin", "1", "Oslo", "2")),
)
RETURNS = Label(SHOP, 6, "refund-due", Severity.WARNING, Audience.RETURNS)


def company(root: Route) -> Configuration:
    person = (Person(name="desk", email="desk@example.com"),)
    return configuration(teams=tuple(Team(name=name, people=person) for name in NAMES), routes=root)


def test_without_routes_everything_is_the_first_teams() -> None:
    assert teams_for(company(Route()), [FINANCE]) == ("first",)
    assert default_teams(company(Route(teams=("third",)))) == ("third",)


@pytest.mark.parametrize(
    "wanted",
    [
        {"shops": (SHOP,)},
        {"use_cases": (1, 6)},
        {"rules": ("refund-due",)},
        {"severities": (Severity.WARNING,)},
        {"audiences": (Audience.FINANCE,)},
        {},
    ],
)
def test_a_route_fits_what_it_names_or_does_not_mention(wanted: dict[str, Any]) -> None:
    assert fits(Route(**wanted), FINANCE)


@pytest.mark.parametrize(
    "wanted",
    [
        {"shops": ("other.myshopify.com",)},
        {"use_cases": (1,)},
        {"rules": ("refund-failed",)},
        {"severities": (Severity.CRITICAL,)},
        {"audiences": (Audience.RETURNS,)},
        {"audiences": (Audience.FINANCE,), "severities": (Severity.CRITICAL,)},
    ],
)
def test_a_route_fits_only_where_all_that_it_names_does(wanted: dict[str, Any]) -> None:
    assert not fits(Route(**wanted), FINANCE)


@pytest.mark.parametrize(
    ("wanted", "is_right"),
    [
        ({"vendors": ("Mills", "weavers")}, True),
        ({"vendors": ("Mills",)}, False),
        ({"product_tags": ("SUMMER", "winter")}, True),
        ({"product_tags": ("winter",)}, False),
        ({"locations": ("oslo",)}, True),
        ({"locations": ("2",)}, True),
        ({"locations": ("Shop floor",)}, False),
        ({"vendors": ("Weavers",), "product_tags": ("New",), "locations": ("1",), "use_cases": (3,)}, True),
        ({"vendors": ("Weavers",), "product_tags": ("winter",)}, False),
        ({"vendors": ("Weavers",), "use_cases": (1,)}, False),
    ],
)
def test_a_stock_alert_is_routed_by_vendor_product_tag_and_location(wanted: dict[str, Any], is_right: bool) -> None:
    assert fits(Route(**wanted), LOW) is is_right


@pytest.mark.parametrize("name", ["vendors", "product_tags", "locations"])
def test_what_is_no_item_and_what_is_not_known_of_one_fits_none_that_are_named(name: str) -> None:
    wanted: dict[str, Any] = {name: ("Weavers",)}

    assert not fits(Route(**wanted), FINANCE)


def test_the_first_child_that_fits_is_told_and_its_parent_is_not() -> None:
    root = Route(
        teams=("first",),
        routes=(
            Route(teams=("second",), rules=("job-failed",)),
            Route(teams=("third",), use_cases=(6,)),
            Route(teams=("fourth",), use_cases=(6,)),
        ),
    )

    assert teams_for(company(root), [FINANCE]) == ("third",)


def test_a_child_that_proceeds_lets_the_next_one_that_fits_be_told_too() -> None:
    root = Route(
        teams=("first",),
        routes=(
            Route(teams=("second",), use_cases=(6,), proceed=True),
            Route(teams=("third",), use_cases=(1,)),
            Route(teams=("fourth",), use_cases=(6,)),
            Route(teams=("third",)),
        ),
    )

    assert teams_for(company(root), [FINANCE]) == ("second", "fourth")


def test_a_node_without_teams_passes_its_parents_on() -> None:
    bare = Route(use_cases=(6,), routes=(Route(teams=("third",), severities=(Severity.CRITICAL,)),))
    root = Route(teams=("first",), routes=(Route(teams=("second",), routes=(bare,)),))

    assert teams_for(company(root), [FINANCE]) == ("second",)


def test_a_deeper_child_wins_over_its_parent() -> None:
    below = Route(teams=("second",), use_cases=(6,), routes=(Route(teams=("third",), rules=("refund-due",)),))

    assert teams_for(company(Route(routes=(below,))), [FINANCE]) == ("third",)


def test_what_fits_nowhere_is_still_somebodys() -> None:
    root = Route(teams=("second",), shops=("other.myshopify.com",))

    assert teams_for(company(root), [FINANCE]) == ("second",)
    assert teams_for(company(root), []) == ("second",)


def test_each_audience_is_routed_for_itself_and_nobody_is_named_twice() -> None:
    root = Route(
        teams=("first",),
        routes=(
            Route(teams=("second", "third"), audiences=(Audience.FINANCE,)),
            Route(teams=("third", "fourth"), audiences=(Audience.RETURNS,)),
        ),
    )

    assert teams_for(company(root), [FINANCE, RETURNS, FINANCE]) == ("second", "third", "fourth")


nodes = st.recursive(
    st.builds(
        Route,
        teams=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
        use_cases=st.sampled_from([(), (6,), (1,)]),
        audiences=st.sampled_from([(), (Audience.FINANCE,), (Audience.RETURNS,)]),
        proceed=st.booleans(),
    ),
    lambda below: st.builds(
        Route,
        teams=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
        use_cases=st.sampled_from([(), (6,)]),
        proceed=st.booleans(),
        routes=st.lists(below, max_size=3).map(tuple),
    ),
    max_leaves=8,
)


@given(root=nodes, labels=st.permutations([FINANCE, RETURNS]))
def test_whatever_the_tree_somebody_is_told_once_and_the_same_people_for_any_order(
    root: Route, labels: list[Label]
) -> None:
    told = teams_for(company(root), labels)

    assert told
    assert len(told) == len(set(told))
    assert set(told) == set(teams_for(company(root), [RETURNS, FINANCE]))


def test_the_way_to_each_team_is_told_by_its_nodes() -> None:
    tree = Route(
        teams=("operations",),
        routes=(
            Route(teams=("finance",), use_cases=(4,)),
            Route(use_cases=(1,), proceed=True, routes=(Route(teams=("fraud",), severities=(Severity.CRITICAL,)),)),
            Route(teams=("support",), use_cases=(1,)),
        ),
    )
    label = Label(SHOP, 1, "order-high-risk", Severity.CRITICAL, Audience.OPERATIONS)

    assert way_of(configuration(routes=tree), label) == [
        Step("routes.routes[1].routes[0]", ("fraud",)),
        Step("routes.routes[2]", ("support",)),
    ]
