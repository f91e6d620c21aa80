"""Which orders and drafts a policy is about, and what is done where that is not known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from schemas import subjects
from schemas.alerts import AlertState, Untold
from schemas.configuration import Approval
from schemas.events import Event, Source
from schemas.facts.orders import Address, Customer, Line, Terms
from stages.dossiers.dossier import Dossier
from stages.dossiers.merging import merged
from stages.dossiers.registers import MANY
from stages.rules.approvals import ApprovalRequired
from stages.rules.rule import Case, Clear
from tests.stages.rules.approving import CHAIR, EXPORT, LARGE, Approvers, company, order
from tests.stages.rules.world import NUMBER, SHOP, START, labels, usd

MATCHES, MAY, NOT = "it matches", "it may match", "it does not match"


def asked(policy: Approval, changed: dict[str, Any]) -> str:
    alerts = Approvers(company(policy)).ordered(order(**changed))
    if not alerts:
        return NOT
    return MAY if alerts[0].untold else MATCHES


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"tags": ("export-control",), "address": Address("AE")}, MATCHES),
        ({"tags": ("export-control",), "address": Address("ae")}, MATCHES),
        ({"tags": ("export-control",), "address": Address("NO")}, NOT),
        ({"tags": (), "address": Address("AE")}, NOT),
        ({"tags": ("export-control",), "address": None}, NOT),
        ({"tags": ("export-control",), "address": None, "absent": ("address",)}, MAY),
        ({"tags": ("export-control",), "address": Address(None)}, MAY),
        ({"tags": (), "absent": ("tags",), "address": Address("AE")}, MAY),
        ({"tags": (), "absent": ("tags",), "address": Address("NO")}, NOT),
        ({"tags": (), "absent": ("tags", "address")}, MAY),
    ],
)
def test_all_of_a_policy_must_fit_and_what_is_not_known_does_not_excuse(changed: dict[str, Any], expected: str) -> None:
    assert asked(EXPORT, changed) == expected


def test_case_is_ignored_in_countries_and_tags_and_counts_in_skus() -> None:
    small = Approval(name="a", teams=("sales",), countries=("no",), tags=("VIP",))
    sku = Approval(name="b", teams=("sales",), skus=("chair-1",))

    assert asked(small, {"address": Address("NO"), "tags": ("vip",)}) == MATCHES
    assert asked(sku, {}) == NOT


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (("fragile", "Lithium"), MATCHES),
        (("lithium",), MATCHES),
        (("lith",), NOT),
        ((), NOT),
        (None, MAY),
        (tuple(f"tag-{n}" for n in range(1000)), NOT),
        ((*(f"tag-{n}" for n in range(1000)), "lithium"), MATCHES),
        (tuple(f"tag-{n}" for n in range(5000)), MAY),
    ],
)
def test_the_tags_of_the_goods_are_those_that_were_looked_up(tags: tuple[str, ...] | None, expected: str) -> None:
    policy = Approval(name="dangerous", teams=("sales",), product_tags=("LITHIUM",))
    condition = Approval(name="dangerous", teams=("sales",), when='"lithium" in order.product_tags')

    assert [asked(one, {"product_tags": tags}) for one in (policy, condition)] == [expected] * 2


def test_tags_that_were_looked_up_for_an_older_state_are_those_of_the_newest_too_where_that_lookup_fails() -> None:
    policy = Approval(name="dangerous", teams=("sales",), product_tags=("lithium",))
    desk = Approvers(company(policy))
    desk.ordered(order(product_tags=()), 1)

    assert desk.ordered(order("13000.00"), 2, incomplete=("product_tags",)) == []


@pytest.mark.parametrize(
    ("total", "expected"),
    [("4999.99", NOT), ("5000.00", MATCHES), ("0.00", NOT), ("-5.00", NOT), (None, MAY)],
)
def test_the_amount_itself_counts(total: str | None, expected: str) -> None:
    assert asked(LARGE, {"total": total}) == expected


@pytest.mark.parametrize(
    ("lines", "absent", "expected"),
    [
        ((CHAIR,), (), MATCHES),
        ((Line(sku="CHAIR-1", quantity=50, current_quantity=0),), (), NOT),
        ((Line(sku="OTHER", quantity=1),), (), NOT),
        ((Line(sku=None, quantity=1),), (), NOT),
        ((), ("lines",), MAY),
        ((Line(sku="OTHER", quantity=1),) * MANY, (), NOT),
        ((Line(sku="OTHER", quantity=1),) * 500, (), NOT),
        ((*(Line(sku="OTHER", quantity=1),) * 500, CHAIR), (), MATCHES),
        ((*(Line(sku="OTHER", quantity=1),) * 500, replace(CHAIR, current_quantity=0)), (), NOT),
        (tuple(Line(sku=f"OTHER-{n}", quantity=1) for n in range(5000)), (), MAY),
    ],
)
def test_a_sku_is_looked_for_among_the_lines_that_stand(
    lines: tuple[Line, ...], absent: tuple[str, ...], expected: str
) -> None:
    policy = Approval(name="chairs", teams=("sales",), skus=("CHAIR-1",))

    assert asked(policy, {"lines": lines, "absent": absent}) == expected


FIRST = Approval(name="first-order", teams=("sales",), when="customer.first_order && order.total > 100")
SHARE = Approval(name="discount", teams=("sales",), when="order.discount_share >= 0.25")


@pytest.mark.parametrize(
    ("policy", "changed", "expected"),
    [
        (FIRST, {"customer": Customer(3, orders=1)}, MATCHES),
        (FIRST, {"customer": Customer(3, orders=2)}, NOT),
        (FIRST, {}, MAY),
        (FIRST, {"total": "99.00"}, NOT),
        (replace(FIRST, when="!customer.guest && customer.first_order"), {}, NOT),
        (SHARE, {"discounts": usd("5000.00")}, MATCHES),
        (SHARE, {"discounts": usd("500.00")}, NOT),
        (SHARE, {"discounts": None}, MAY),
        (replace(FIRST, total_from=Decimal(99999)), {"customer": Customer(3, orders=1)}, NOT),
        (replace(FIRST, total_from=Decimal(99999)), {}, NOT),
        (replace(FIRST, countries=("NO",)), {"customer": Customer(3, orders=1), "absent": ("address",)}, MAY),
        (replace(FIRST, countries=("NO",)), {"customer": Customer(3, orders=2), "absent": ("address",)}, NOT),
        (replace(SHARE, when='order.company != "" && order.terms == "Net 30"'), {}, NOT),
        (replace(SHARE, when='order.terms == "Net 30"'), {"terms": Terms(name="Net 30")}, MATCHES),
        (replace(SHARE, when='order.company != ""'), {"company_id": 8}, MATCHES),
        (replace(SHARE, when='order.company != ""'), {"absent": ("company_id",)}, MAY),
        (replace(SHARE, when="order.draft"), {"source_name": "shopify_draft_order"}, MATCHES),
        (replace(SHARE, when="order.lines.exists(line, line.price > 200.0)"), {}, MATCHES),
    ],
)
def test_a_policys_condition_must_hold_too(policy: Approval, changed: dict[str, Any], expected: str) -> None:
    assert asked(policy, changed) == expected


def test_a_condition_that_fails_asks_rather_than_lets_pass_and_says_so() -> None:
    harmful = Approval(name="harm", teams=("sales",), when="int(order.name) > 3")

    (alert,) = Approvers(company(harmful)).ordered(order())

    assert alert.unknown[0].startswith("whether it needs approval: int(order.name) > 3 (it failed: ")
    assert alert.untold is Untold.FAILED


def test_each_thing_that_is_not_known_is_said() -> None:
    policy = replace(FIRST, countries=("NO",), tags=("vip",))

    (alert,) = Approvers(company(policy)).ordered(order(absent=("address", "tags")))

    assert alert.unknown == (
        "whether it needs approval: where it goes",
        "whether it needs approval: its tags",
        "whether it needs approval: customer.first_order && order.total > 100 (not known: customer.first_order)",
        "its destination",
    )
    assert alert.untold is Untold.UNKNOWN


def test_a_lookup_that_failed_opens_a_request_and_its_answer_withdraws_it() -> None:
    desk = Approvers(company(FIRST))
    (began,) = desk.ordered(order(customer_id=3), 1, incomplete=("customer",))

    (ended,) = desk.ordered(order(customer_id=3, customer=Customer(3, orders=5)), 2)

    assert "how many orders this customer has placed" in began.unknown
    assert (ended.state, labels(ended)["Ended"]) == (
        "withdrawn",
        "it does not match the policy any more: customer.first_order && order.total > 100 does not hold "
        "(asked about: 12500.00 USD)",
    )


def test_an_answer_that_finds_a_match_after_all_is_no_second_request() -> None:
    desk = Approvers(company(FIRST))
    desk.ordered(order(customer_id=3), 1, incomplete=("customer",))

    assert desk.ordered(order(customer_id=3, customer=Customer(3, orders=1)), 2) == []
    assert list(desk.open) == ["approval-required"]


def test_what_becomes_unknown_ends_nothing() -> None:
    desk = Approvers(company(LARGE, EXPORT))
    desk.ordered(order(tags=("export-control",), address=Address("AE")), 1)

    assert desk.ordered(order(None, absent=("tags", "address")), 2) == []
    assert {alert.state.value for alert in desk.alerts} == {"firing"}


def test_of_an_order_that_was_only_looked_at_its_own_word_is_waited_for() -> None:
    """An answer never tells where it goes or what is in it; its webhook is still to come."""
    looked_at = order(lines=(), absent=("address", "checkout_token", "customer_id", "lines", "terms"))
    desk = Approvers(company(LARGE, Approval(name="abroad", teams=("compliance",), countries=("NO",))))

    alerts = desk.event("answer.order", looked_at, updated=START, source=Source.ANSWER)

    assert [alert.team for alert in alerts] == ["finance", "sales"]
    assert [alert.team for alert in desk.ordered(order(address=Address("NO")), 2)] == ["compliance"]


def test_long_conditions_and_lists_are_cut_in_a_message() -> None:
    long = Approval(
        name="a", teams=("sales",), when="int(order.name) > 3 || " + "order.total > 99999.0 || " * 30 + "false"
    )
    listed = Approval(name="b", teams=("sales",), skus=("CHAIR-1", *(f"SKU-{n}" for n in range(500))))

    alerts = Approvers(company(long, listed)).ordered(order())

    assert [len(labels(alert)["Policy"]) <= 300 for alert in alerts] == [True, True]
    assert len(alerts[0].unknown[0]) < 400


@pytest.mark.parametrize(
    ("policy", "changed", "because"),
    [
        (LARGE, {"total": "12.00"}, "it does not match the policy: it comes to 12.00 USD"),
        (EXPORT, {"address": Address("NO")}, "it does not match the policy: it goes to NO"),
        (EXPORT, {}, "it does not match the policy: it goes nowhere"),
        (EXPORT, {"address": Address("IR")}, "it does not match the policy: it has none of the tags"),
        (
            Approval(name="goods", teams=("sales",), product_tags=("lithium",)),
            {"product_tags": ("fragile",)},
            "it does not match the policy: none of its goods has one of the tags",
        ),
        (replace(LARGE, skus=("X",)), {}, "it does not match the policy: none of the goods is in it"),
        (SHARE, {"discounts": usd("1.00")}, "it does not match the policy: order.discount_share >= 0.25 does not hold"),
    ],
)
def test_why_a_policy_is_not_about_an_order_can_be_told(
    policy: Approval, changed: dict[str, Any], because: str
) -> None:
    told = Event("orders/updated", SHOP, "", "", START, START, "1", Source.WEBHOOK, order(**changed))
    case = Case(SHOP, subjects.order(SHOP, NUMBER), merged(Dossier(), told), START, company(policy))

    (verdict,) = ApprovalRequired().judge(case)

    assert verdict == Clear(because, policy.name, state=AlertState.WITHDRAWN)
