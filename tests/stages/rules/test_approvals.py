"""Approvals, as notices: what matches a policy, what is not known, and what an approver reads."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.alerts import Alert, AlertState, Severity, Untold
from schemas.configuration import Approval, Configuration, Person, Team
from schemas.events import Event, Source
from schemas.facts import Address, Customer, Line, OrderFacts, Terms
from stages.dossiers.dossier import Dossier
from stages.dossiers.merging import merged
from stages.dossiers.registers import MANY
from stages.rules.approvals import ApprovalRequired
from stages.rules.policies import fits
from stages.rules.rule import Case, Clear
from tests.stages.rules.world import NUMBER, SHOP, START, Desk, configuration, labels, usd

LARGE = Approval(name="large-orders", teams=("finance", "sales"), total_from=Decimal(5000))
EXPORT = Approval(name="export-control", teams=("compliance",), tags=("Export-Control",), countries=("AE", "IR"))
CHAIR = Line(id=1, sku="CHAIR-1", title="Oak chair", quantity=50)


def company(*policies: Approval) -> Configuration:
    person = (Person(name="desk", email="desk@example.com"),)
    teams = tuple(Team(name=name, people=person) for name in ("operations", "finance", "sales", "compliance"))
    return configuration(teams=teams, approvals=policies)


def order(total: str | None = "12500.00", **changed: Any) -> OrderFacts:
    told: dict[str, Any] = {"id": NUMBER, "name": "#1030", "created": START, "financial": "paid", "lines": (CHAIR,)}
    return OrderFacts(**told | {"total": None if total is None else usd(total)} | changed)


def tell(desk: Desk, facts: OrderFacts, minute: int = 0, incomplete: tuple[str, ...] = ()) -> list[Alert]:
    at = START + timedelta(minutes=minute)
    name = f"{minute:03d}"
    return desk.event("orders/updated", facts, updated=at, occurred=at, delivery_id=name, incomplete=incomplete)


def test_an_order_that_matches_a_policy_is_told_to_its_teams_with_all_that_an_approver_reads() -> None:
    desk = Desk(company(LARGE))
    customer = Customer(id=3, orders=1)
    buyer: dict[str, Any] = {"customer": customer, "customer_id": 3, "company_id": 8, "address": Address("NO")}
    facts = order(**buyer, terms=Terms(name="Net 30"), discounts=usd("2500.00"), tags=("b2b",))

    alerts = tell(desk, facts)

    assert [alert.team for alert in alerts] == ["finance", "sales"]
    assert {alert.severity for alert in alerts} == {Severity.WARNING}
    assert alerts[0].title == "Order #1030 needs approval: 12500.00 USD (large-orders)"
    assert labels(alerts[0]) == {
        "Policy": "large-orders: total from 5000",
        "Total": "12500.00 USD",
        "Discount": "2500.00 USD (17 %)",
        "Lines": "50 x Oak chair",
        "Destination": "NO",
        "Company": "8",
        "Payment terms": "Net 30",
        "Payment": "paid",
        "Orders of this customer": "1 (this is the first)",
        "Tags": "b2b",
        "Only a notice": "the order is not held, and no link decides yet",
    }
    assert not alerts[0].unknown


def test_an_order_below_the_amount_needs_nobody() -> None:
    assert tell(Desk(company(LARGE, EXPORT)), order("4999.99")) == []


def test_the_amount_itself_counts() -> None:
    assert len(tell(Desk(company(LARGE)), order("5000.00"))) == 2


def test_each_policy_that_matches_asks_its_own_teams() -> None:
    desk = Desk(company(LARGE, EXPORT))

    alerts = tell(desk, order(tags=("export-control",), address=Address("ae")))

    assert [(alert.team, labels(alert)["Policy"]) for alert in alerts] == [
        ("finance", "large-orders: total from 5000"),
        ("sales", "large-orders: total from 5000"),
        ("compliance", "export-control: to AE or IR, tagged Export-Control"),
    ]


@pytest.mark.parametrize(
    ("changed", "matches"),
    [
        ({"tags": ("export-control",), "address": Address("AE")}, True),
        ({"tags": ("export-control",), "address": Address("NO")}, False),
        ({"tags": (), "address": Address("AE")}, False),
        ({"tags": ("export-control",), "address": None}, False),
        ({"tags": ("export-control",), "address": None, "absent": ("address",)}, None),
        ({"tags": ("export-control",), "address": Address(None)}, None),
        ({"tags": (), "absent": ("tags",), "address": Address("AE")}, None),
        ({"tags": (), "absent": ("tags",), "address": Address("NO")}, False),
    ],
)
def test_a_policy_fits_where_all_of_it_does_and_what_is_not_known_decides_nothing(
    changed: dict[str, Any], matches: bool | None
) -> None:
    assert fits(EXPORT, order(**changed)) is matches


@pytest.mark.parametrize(
    ("lines", "absent", "matches"),
    [
        ((CHAIR,), (), True),
        ((Line(sku="CHAIR-1", quantity=50, current_quantity=0),), (), False),
        ((Line(sku="OTHER", quantity=1),), (), False),
        ((), ("lines",), None),
        ((Line(sku="OTHER", quantity=1),) * MANY, (), None),
    ],
)
def test_a_sku_is_looked_for_among_the_lines_that_stand(
    lines: tuple[Line, ...], absent: tuple[str, ...], matches: bool | None
) -> None:
    policy = Approval(name="chairs", teams=("sales",), skus=("CHAIR-1",))

    assert fits(policy, order(lines=lines, absent=absent)) is matches


def test_an_unknown_amount_neither_opens_nor_ends_anything() -> None:
    desk = Desk(company(LARGE))
    assert tell(desk, order(None), 1) == []
    tell(desk, order(), 2)

    assert tell(desk, order(None), 3) == []
    assert list(desk.open) == ["approval-required"]


def test_raising_the_amount_is_an_update_and_the_same_or_less_is_not() -> None:
    desk = Desk(company(EXPORT, LARGE))
    tell(desk, order("6000.00"), 1)
    assert tell(desk, order("6000.00"), 2) == []
    assert tell(desk, order("5500.00"), 3) == []

    updates = tell(desk, order("6000.01"), 4)

    assert [(alert.team, alert.state) for alert in updates] == [
        ("finance", AlertState.UPDATED),
        ("sales", AlertState.UPDATED),
    ]
    assert updates[0].title.startswith("Order #1030 needs approval: 6000.01 USD")


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"cancelled": START, "cancel_reason": "customer"}, "the order was cancelled (customer)"),
        ({"fulfillment": "fulfilled"}, "the order was shipped; nothing had held it"),
        ({"total": "10.00"}, "the order does not match the policy any more"),
    ],
)
def test_it_ends_with_the_order_or_with_the_match(changed: dict[str, Any], because: str) -> None:
    desk = Desk(company(LARGE))
    tell(desk, order(), 1)

    ends = tell(desk, order(**changed), 2)

    assert [(end.team, end.state, labels(end)["Ended"]) for end in ends] == [
        ("finance", AlertState.RESOLVED, because),
        ("sales", AlertState.RESOLVED, because),
    ]


def test_a_policy_that_is_not_configured_any_more_ends_what_it_opened() -> None:
    dossier = merged(Dossier(), Event("orders/updated", SHOP, "", "", START, START, "1", Source.WEBHOOK, order()))
    case = Case(SHOP, "", dossier, START, company(), open=frozenset({"large-orders"}))

    (verdict,) = ApprovalRequired().judge(case)

    assert verdict == Clear("the policy is not in the configuration any more", "large-orders")


def test_a_part_that_was_shipped_ends_nothing_and_is_said() -> None:
    desk = Desk(company(LARGE))

    alerts = tell(desk, order(fulfillment="partial"))

    assert labels(alerts[0])["Partly shipped"] == "yes"


def test_how_many_orders_a_customer_has_is_unknown_where_the_lookup_failed_or_a_guest_ordered() -> None:
    failed, guest = Desk(company(LARGE)), Desk(company(LARGE))

    (told, _) = tell(failed, order(customer_id=3), incomplete=("customer",))
    (of_guest, _) = tell(guest, order())

    assert told.unknown == ("how many orders this customer has placed", "whether the customer is a premium one")
    assert "Orders of this customer" not in labels(told)
    assert labels(of_guest)["Orders of this customer"] == "unknown, it was ordered as a guest"


def test_many_lines_are_counted_and_those_that_were_removed_are_not_shown() -> None:
    lines = (
        Line(title="Gone", quantity=2, current_quantity=0),
        *(Line(title=f"Part {n}", quantity=n) for n in range(1, 8)),
    )

    (alert, _) = tell(Desk(company(LARGE)), order(lines=lines))

    assert labels(alert)["Lines"] == "1 x Part 1, 2 x Part 2, 3 x Part 3, 4 x Part 4, 5 x Part 5, and 2 more"


FIRST = Approval(name="first-order", teams=("sales",), when="customer.first_order && order.total > 100")
SHARE = Approval(name="discount", teams=("sales",), when="order.discount_share >= 0.25")
HARMFUL = Approval(name="harm", teams=("sales",), when="int(order.name) > 3")


@pytest.mark.parametrize(
    ("policy", "changed", "matches"),
    [
        (FIRST, {"customer": Customer(3, orders=1)}, True),
        (FIRST, {"customer": Customer(3, orders=2)}, False),
        (FIRST, {}, None),
        (SHARE, {"discounts": usd("5000.00")}, True),
        (SHARE, {"discounts": usd("500.00")}, False),
        (replace(FIRST, total_from=Decimal(99999)), {"customer": Customer(3, orders=1)}, False),
        (replace(FIRST, countries=("NO",)), {"customer": Customer(3, orders=1), "absent": ("address",)}, None),
        (replace(SHARE, when='order.company != "" && order.terms == "Net 30"'), {}, False),
        (replace(SHARE, when='order.company != ""'), {"company_id": 8}, True),
        (replace(SHARE, when="order.draft"), {"source_name": "shopify_draft_order"}, True),
    ],
)
def test_a_policys_condition_must_hold_too(policy: Approval, changed: dict[str, Any], matches: bool | None) -> None:
    desk = Desk(company(policy))

    assert bool(tell(desk, order(**changed))) is (matches is True)
    ended = tell(desk, order(**changed | {"cancelled": START}), 1)
    assert bool(ended) is (matches is True)


def test_what_a_condition_does_not_know_ends_no_request() -> None:
    desk = Desk(company(FIRST))
    tell(desk, order(customer=Customer(3, orders=1), customer_id=3))

    assert tell(desk, order(None, customer_id=3), 1) == []


def test_a_condition_that_fails_asks_rather_than_lets_pass_and_says_so() -> None:
    (alert,) = tell(Desk(company(HARMFUL)), order())

    assert alert.unknown[0].startswith("whether it needs approval: int(order.name) > 3 (it failed: ")
    assert alert.untold is Untold.FAILED


def test_the_condition_is_what_an_approver_reads_of_the_policy() -> None:
    (alert,) = tell(Desk(company(FIRST)), order(customer=Customer(3, orders=1)))

    assert labels(alert)["Policy"] == "first-order: customer.first_order && order.total > 100"


STATES = (
    (1, order("6000.00")),
    (2, order("100.00")),
    (3, order("9000.00", tags=("export-control",), address=Address("AE"))),
    (4, order(None, absent=("tags",))),
    (5, order("7000.00", tags=("export-control",), address=Address("NO"))),
    (6, order("7000.00", cancelled=START)),
)


@given(st.data())
def test_what_is_open_in_the_end_does_not_depend_on_order_and_repetition(data: st.DataObject) -> None:
    known = data.draw(st.lists(st.sampled_from(STATES), unique_by=lambda state: state[0], min_size=1))
    newest = max(minute for minute, _ in known)
    if newest == 4:  # what is not known leaves open what was open: that alone depends on what came before
        return
    arriving = data.draw(st.permutations([*known, *data.draw(st.lists(st.sampled_from(known)))]))
    in_order, mixed = Desk(company(LARGE, EXPORT)), Desk(company(LARGE, EXPORT))
    for minute, facts in sorted(known, key=lambda state: state[0]):
        tell(in_order, facts, minute)
    for minute, facts in arriving:
        tell(mixed, facts, minute)

    assert open_teams(mixed) == open_teams(in_order)


def open_teams(desk: Desk) -> set[str]:
    newest = {(alert.id, alert.team): alert.state for alert in desk.alerts}
    return {team for (_, team), state in newest.items() if state is not AlertState.RESOLVED}
