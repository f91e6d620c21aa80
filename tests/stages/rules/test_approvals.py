"""Approvals: what approvers are asked, with all that they must see; asked again, withdrawn, and gone out unapproved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.alerts import AlertState, Severity
from schemas.approvals import Asked, Needed, Overdue, Request
from schemas.calendars import Calendar, working_hours
from schemas.configuration import Approval, PremiumRule, Rules
from schemas.facts.orders import Address, Assessment, Customer, Line, RiskFacts, Terms
from schemas.facts.shipments import FulfillmentOrderFacts
from schemas.money import Money
from tests.stages.rules.approving import DUE, EXPORT, LARGE, Approvers, company, open_teams, order
from tests.stages.rules.world import NUMBER, START, labels, usd

MARK = "Order #1030 needs approval"


# --- what is said -----------------------------------------------------------------------------------------------------


def test_an_order_that_matches_a_policy_is_told_to_its_teams_with_all_that_an_approver_reads() -> None:
    desk = Approvers(company(LARGE))
    desk.event(
        "orders/risk_assessment_changed",
        RiskFacts(order_id=NUMBER, assessment=Assessment("Fraud Filter", "low", app=77)),
        updated=START,
    )
    buyer: dict[str, Any] = {"customer": Customer(3, orders=1), "customer_id": 3, "company_id": 8}
    seen: dict[str, Any] = {"discounts": usd("2500.00"), "presented": Money(Decimal("11400.00"), "EUR")}
    facts = order(**buyer, **seen, address=Address("NO"), terms=Terms(name="Net 30"), tags=("b2b",))

    alerts = desk.ordered(facts)

    assert [alert.team for alert in alerts] == ["finance", "sales"]
    assert {alert.severity for alert in alerts} == {Severity.WARNING}
    assert alerts[0].title == "Order #1030 needs approval: 12500.00 USD (large-orders)"
    assert labels(alerts[0]) == {
        "Policy": "large-orders: total from 5000",
        "Approval by": "all of finance, sales",
        "Until": "02 Nov 2026 at 13:00 UTC (finance); 02 Nov 2026 at 13:00 UTC (sales)",
        "If nobody decides": "it goes on to operations",
        "Total": "12500.00 USD (11400.00 EUR for the customer)",
        "Discount": "2500.00 USD (17 %)",
        "Lines": "50 x Oak chair (CHAIR-1) at 250.00",
        "Destination": "NO",
        "Company": "8",
        "Payment terms": "Net 30",
        "Payment": "pending",
        "Risk": "Fraud Filter: low",
        "Orders of this customer": "1 (this is the first)",
        "Tags": "b2b",
        "Only a notice": "nothing is held yet, though the policy asks for it; a hold would stop shipping, not a "
        "capture; no link decides yet, and nothing happens by itself after 4 working hours",
    }
    assert not alerts[0].unknown
    assert alerts[0].link == "https://admin.shopify.com/store/demo/orders/5000000000123"


@pytest.mark.parametrize(
    ("changed", "label", "words"),
    [
        ({"needs": Needed.ANY}, "Approval by", "any of finance, sales"),
        ({"teams": ("finance",)}, "Approval by", "finance"),
        ({"then": Overdue.REJECT}, "If nobody decides", "it counts as rejected"),
        ({"next_level": ("management",)}, "If nobody decides", "it goes on to management"),
        (
            {"within": timedelta(hours=2)},
            "Until",
            "02 Nov 2026 at 11:00 UTC (finance); 02 Nov 2026 at 11:00 UTC (sales)",
        ),
        (
            {"hold": False, "within": timedelta(hours=2)},
            "Only a notice",
            "nothing is held yet; no link decides yet, and nothing happens by itself after 2 hours",
        ),
    ],
)
def test_who_decides_until_when_and_what_then_is_said(changed: dict[str, Any], label: str, words: str) -> None:
    alerts = Approvers(company(replace(LARGE, **changed))).ordered(order())

    assert labels(alerts[0])[label] == words


def test_of_teams_in_order_the_first_is_asked_and_those_behind_it_are_named() -> None:
    desk = Approvers(company(replace(LARGE, needs=Needed.IN_ORDER)))

    (alert,) = desk.ordered(order())

    assert alert.team == "finance"
    assert labels(alert)["Approval by"] == "finance, then sales: each once the one before has approved"
    assert labels(alert)["Until"] == "02 Nov 2026 at 13:00 UTC (finance)"
    request = desk.request("large-orders")
    assert request is not None
    assert (request.asked, request.later) == ((Asked("finance", DUE),), ("sales",))


def test_each_policy_that_matches_asks_its_own_teams_and_all_go_into_one_message() -> None:
    desk = Approvers(company(LARGE, EXPORT))

    alerts = desk.ordered(order(tags=("export-control",), address=Address("ae")))

    assert [(alert.team, labels(alert)["Policy"]) for alert in alerts] == [
        ("finance", "large-orders: total from 5000"),
        ("sales", "large-orders: total from 5000"),
        ("compliance", "export-control: to AE or IR, tagged Export-Control"),
    ]
    assert len({alert.id for alert in alerts}) == 2
    assert len({alert.bundle for alert in alerts}) == 1


def test_lines_are_bounded_and_those_that_are_worth_most_are_shown() -> None:
    lines = (
        Line(title="Gone", quantity=2, current_quantity=0, price=Decimal(9999)),
        *(Line(title=f"Part {n}", sku=f"P{n}", quantity=1, price=Decimal(n)) for n in range(1, 8)),
        Line(id=9, quantity=3),
    )

    (alert, _) = Approvers(company(LARGE)).ordered(order(lines=lines))

    assert labels(alert)["Lines"] == (
        "1 x Part 7 (P7) at 7, 1 x Part 6 (P6) at 6, 1 x Part 5 (P5) at 5, 1 x Part 4 (P4) at 4, 1 x Part 3 (P3) at 3, "
        "and 3 more"
    )


def test_of_five_hundred_lines_all_are_counted_and_the_dearest_is_shown_wherever_it_stands() -> None:
    lines = tuple(Line(id=n, sku=f"P{n}", quantity=1, price=Decimal(100 + n % 7)) for n in range(499))
    crane = Line(title="Crane", sku="CRANE", quantity=2, price=Decimal(9000))

    (alert, _) = Approvers(company(LARGE)).ordered(order(lines=(*lines, crane)))

    assert labels(alert)["Lines"].startswith("2 x Crane (CRANE) at 9000, 1 x P")
    assert labels(alert)["Lines"].endswith(", and 495 more")


HOSTILE = "\u202e<script>{{ 7*7 }}</script>\x00" + "x" * 65_536


def test_what_strangers_write_stays_short() -> None:
    line = Line(title=HOSTILE, sku=HOSTILE, quantity=10**12, price=Decimal("1e20"))
    facts = order(lines=(line,) * 500, tags=(HOSTILE,) * 500, terms=Terms(name=HOSTILE), name=HOSTILE)

    (alert, _) = Approvers(company(LARGE)).ordered(facts)

    assert len(labels(alert)["Lines"]) < 1000
    assert len(alert.title) < 500
    assert sum(len(text) for text in labels(alert).values()) < 10_000


def test_currencies_that_do_not_exist_and_amounts_without_end_are_asked_about_all_the_same() -> None:
    (alert, _) = Approvers(company(LARGE)).ordered(order("1e40", "ZZZ"))

    assert alert.title.endswith("ZZZ (large-orders)")


def test_how_many_orders_a_customer_has_is_unknown_where_the_lookup_failed_or_a_guest_ordered() -> None:
    failed, guest = Approvers(company(LARGE)), Approvers(company(LARGE))

    (told, _) = failed.ordered(order(customer_id=3), incomplete=("customer",))
    (of_guest, _) = guest.ordered(order())

    assert told.unknown == ("how many orders this customer has placed", "whether the customer is a premium one")
    assert "Orders of this customer" not in labels(told)
    assert labels(of_guest)["Orders of this customer"] == "unknown, it was ordered as a guest"


def test_an_order_that_was_a_draft_says_that_nothing_is_known_of_an_approval_of_that() -> None:
    (alert, _) = Approvers(company(LARGE)).ordered(order(source_name="shopify_draft_order"))

    assert labels(alert)["Made as a draft"] == "whether the draft was approved is not known here"


def test_an_order_that_is_days_old_is_asked_about_and_says_how_late() -> None:
    desk = Approvers(company(LARGE))

    (alert, _) = desk.ordered(order(), occurred=START - timedelta(days=9))

    assert labels(alert)["Learned late"] == "it happened on 24 Oct 2026 at 09:00 UTC, 9 days ago"


@pytest.mark.parametrize(
    "changed",
    [{"test": True}, {"processed": START - timedelta(days=8)}],
)
def test_of_tests_and_imports_nobody_is_asked(changed: dict[str, Any]) -> None:
    assert Approvers(company(LARGE)).ordered(order(**changed)) == []


# --- what is remembered -----------------------------------------------------------------------------------------------


def test_what_is_asked_of_whom_until_when_is_remembered_with_the_episode() -> None:
    desk = Approvers(company(LARGE))

    desk.ordered(order(address=Address("NO"), discounts=usd("2500.00")))

    assert desk.request("large-orders") == Request(
        policy="large-orders",
        revision=1,
        at=START,
        needed=Needed.ALL,
        asked=(Asked("finance", DUE), Asked("sales", DUE)),
        amount=usd("12500.00"),
        discount=17,
        off=usd("2500.00"),
        country="NO",
    )


def test_each_team_has_its_own_calendar() -> None:
    late = Calendar(name="late", time_zone="America/New_York", hours=("09:00-17:00",))
    whole = company(LARGE, calendars=(late,))
    teams = tuple(replace(team, calendar="late") if team.name == "sales" else team for team in whole.teams)
    desk = Approvers(replace(whole, teams=teams))

    desk.ordered(order())

    request = desk.request("large-orders")
    assert request is not None
    assert request.asked == (Asked("finance", DUE), Asked("sales", datetime(2026, 11, 2, 18, tzinfo=UTC)))


def test_the_same_delivery_gives_the_same_approval_and_another_opening_another_one() -> None:
    first, again = Approvers(company(LARGE)), Approvers(company(LARGE))

    (one, _), (same, _) = first.ordered(order()), again.ordered(order())
    first.ordered(order("10.00"), 1)
    (other, _) = first.ordered(order(), 2)

    assert one.id == same.id
    assert other.id != one.id


# --- asked again ------------------------------------------------------------------------------------------------------


def test_a_higher_amount_asks_again_and_says_what_it_was_the_same_or_less_does_not() -> None:
    desk = Approvers(company(EXPORT, LARGE))
    desk.ordered(order("6000.00"), 1)
    assert desk.ordered(order("6000.00"), 2) == []
    assert desk.ordered(order("5500.00"), 3) == []
    assert desk.ordered(order("5999.00"), 4) == []
    desk.passes(timedelta(hours=1))

    updates = desk.ordered(order("6000.01"), 5)

    assert [(alert.team, alert.state) for alert in updates] == [
        ("finance", AlertState.UPDATED),
        ("sales", AlertState.UPDATED),
    ]
    assert updates[0].title == f"{MARK} again: 6000.01 USD, was 6000.00 USD (large-orders)"
    request = desk.request("large-orders")
    assert request is not None
    assert (request.revision, request.amount, request.was) == (2, usd("6000.01"), usd("6000.00"))
    assert request.asked[0].due == DUE + timedelta(hours=1)


@pytest.mark.parametrize(
    ("before", "after", "is_asked"),
    [
        ({"discounts": usd("100.00")}, {"total": "5000.00", "discounts": usd("5000.00")}, True),
        ({"discounts": usd("100.00")}, {"discounts": usd("10.00")}, False),
        ({"total": "7000.00", "discounts": usd("500.00")}, {"total": "6000.00", "discounts": usd("500.00")}, False),
        ({"total": "7000.00", "discounts": usd("500.00")}, {"total": "6500.00", "discounts": usd("1000.00")}, True),
        ({"address": Address("NO")}, {"address": Address("IR")}, True),
        ({"address": Address("NO")}, {"address": Address(None)}, False),
        ({"address": Address("NO")}, {"address": None, "absent": ("address",)}, False),
        ({"address": None}, {"address": Address("IR")}, True),
        ({"total": None}, {}, True),
        ({}, {"total": None}, False),
        ({"currency": "EUR"}, {"currency": "USD", "total": "5000.00"}, True),
        ({"tags": ("a",)}, {"tags": ("b",)}, False),
    ],
)
def test_what_else_is_more_asks_again_and_what_is_not_known_is_not_more(
    before: dict[str, Any], after: dict[str, Any], is_asked: bool
) -> None:
    desk = Approvers(company(LARGE))
    assert len(desk.ordered(order(**before), 1)) == 2

    assert len(desk.ordered(order(**after), 2)) == (2 if is_asked else 0)


def test_a_larger_discount_says_what_it_was() -> None:
    desk = Approvers(company(LARGE))
    desk.ordered(order("7000.00", discounts=usd("500.00")), 1)

    (update, _) = desk.ordered(order("6500.00", discounts=usd("1000.00")), 2)

    assert update.title == f"{MARK} again: 6500.00 USD, was 7000.00 USD; 13 % off, was 7 % (large-orders)"


def test_an_amount_that_was_not_known_is_said_to_have_been() -> None:
    desk = Approvers(company(LARGE))
    desk.ordered(order(None), 1)

    (update, _) = desk.ordered(order(), 2)

    assert update.title == f"{MARK} again: 12500.00 USD, was unknown (large-orders)"


def test_an_update_for_another_reason_says_what_was_asked_about() -> None:
    desk = Approvers(company(LARGE))
    desk.ordered(order("6000.00"), 1)

    (update, _) = desk.ordered(order("5500.00", fulfillment="partial"), 2)

    assert (labels(update)["Total"], labels(update)["Asked about"]) == ("5500.00 USD", "6000.00 USD")
    request = desk.request("large-orders")
    assert request is not None
    assert (request.revision, request.amount) == (1, usd("6000.00"))


def test_a_higher_amount_says_what_it_was_also_where_another_alert_opens_with_it() -> None:
    desk = Approvers(company(LARGE))
    desk.ordered(order("6000.00"), 1)

    alerts = desk.ordered(order("7000.00", tags=("review",)), 2)

    told = [alert for alert in alerts if alert.rule == "approval-required"]
    assert [alert.title for alert in told] == [f"{MARK} again: 7000.00 USD, was 6000.00 USD (large-orders)"] * 2


def test_other_teams_of_a_policy_are_asked_when_the_configuration_changes() -> None:
    desk = Approvers(company(LARGE))
    desk.ordered(order())

    alerts = desk.reconfigure(company(replace(LARGE, teams=("sales", "compliance"))))

    assert [(alert.team, alert.state) for alert in alerts] == [
        ("finance", AlertState.UPDATED),
        ("sales", AlertState.UPDATED),
        ("compliance", AlertState.FIRING),
    ]
    request = desk.request("large-orders")
    assert request is not None
    assert (request.revision, request.teams) == (2, ("sales", "compliance"))


def test_the_request_of_a_team_that_is_removed_is_not_lost() -> None:
    desk = Approvers(company(LARGE))
    desk.ordered(order())
    whole = company(replace(LARGE, teams=("sales",)))

    alerts = desk.reconfigure(replace(whole, teams=tuple(team for team in whole.teams if team.name != "finance")))

    assert [(alert.team, alert.state) for alert in alerts] == [
        ("sales", AlertState.UPDATED),
        ("operations", AlertState.FIRING),
    ]
    assert labels(alerts[1])["Told before to"] == "finance, no longer configured"
    assert labels(alerts[1])["Approval by"] == "sales"


# --- withdrawn --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"cancelled": START, "cancel_reason": "customer"}, "the order was cancelled (customer)"),
        ({"cancelled": START, "fulfillment": "fulfilled"}, "the order was cancelled"),
        (
            {"closed": START - timedelta(days=2), "updated": START, "fulfillment": "fulfilled"},
            "the order was archived on 31 Oct 2026 at 09:00 UTC, and nobody had approved it",
        ),
        (
            {"total": "10.00"},
            "it does not match the policy any more: it comes to 10.00 USD (asked about: 12500.00 USD)",
        ),
    ],
)
def test_it_is_withdrawn_with_the_order_and_with_the_match(changed: dict[str, Any], because: str) -> None:
    desk = Approvers(company(LARGE))
    desk.ordered(order(), 1)

    ends = desk.ordered(order(**changed), 2)

    assert [(end.team, end.state, labels(end)["Ended"]) for end in ends] == [
        ("finance", AlertState.WITHDRAWN, because),
        ("sales", AlertState.WITHDRAWN, because),
    ]
    assert desk.request("large-orders") is None


def test_a_policy_that_is_gone_or_raised_withdraws_what_it_asked_with_the_sweep() -> None:
    gone, raised = Approvers(company(LARGE, EXPORT)), Approvers(company(LARGE))
    for desk in (gone, raised):
        desk.ordered(order())

    ends = gone.reconfigure(company(EXPORT))
    higher = raised.reconfigure(company(replace(LARGE, total_from=Decimal(20_000))))

    assert [(end.state, labels(end)["Ended"]) for end in ends] == [
        ("withdrawn", "the configuration changed: the policy is not in the configuration any more")
    ] * 2
    assert [(end.state, labels(end)["Ended"]) for end in higher] == [
        (
            "withdrawn",
            "the configuration changed: it does not match the policy any more: it comes to 12500.00 USD "
            "(asked about: 12500.00 USD)",
        )
    ] * 2


def test_a_policy_that_is_lowered_asks_nobody_about_orders_of_before() -> None:
    desk = Approvers(company(LARGE))
    desk.ordered(order("4000.00"))

    assert desk.reconfigure(company(replace(LARGE, total_from=Decimal(3000)))) == []


def test_of_two_policies_the_one_that_does_not_match_any_more_ends_alone() -> None:
    desk = Approvers(company(LARGE, EXPORT))
    desk.ordered(order(tags=("export-control",), address=Address("AE")), 1)

    ends = desk.ordered(order(tags=(), address=Address("AE")), 2)

    assert [(end.team, end.state) for end in ends] == [("compliance", AlertState.WITHDRAWN)]
    assert open_teams(desk) == {"finance", "sales"}


# --- gone out unapproved ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "title", "happened"),
    [
        ({"fulfillment": "fulfilled"}, "went out unapproved (shipped)", "shipped"),
        (
            {"fulfillment": "partial", "financial": "paid"},
            "went out unapproved (shipped in part)",
            "shipped in part, captured",
        ),
        ({"financial": "paid"}, "needs approval", "captured"),
        ({"financial": "partially_paid"}, "needs approval", "captured (partially paid)"),
        ({"financial": "authorized"}, "needs approval", None),
    ],
)
def test_what_has_happened_before_anybody_was_asked_is_said_loudly(
    changed: dict[str, Any], title: str, happened: str | None
) -> None:
    (alert, _) = Approvers(company(LARGE)).ordered(order(**changed))

    assert alert.title.startswith(f"Order #1030 {title}: ")
    assert labels(alert).get("Already happened") == happened
    assert (alert.severity is Severity.CRITICAL) is title.startswith("went out")


def test_news_of_an_order_that_was_archived_long_ago_asks_nobody_and_of_one_that_was_archived_now_they_do() -> None:
    gone: dict[str, Any] = {"fulfillment": "fulfilled", "updated": START}

    assert Approvers(company(LARGE)).ordered(order(**gone, closed=START - timedelta(days=90))) == []
    assert len(Approvers(company(LARGE)).ordered(order(**gone, closed=START - timedelta(hours=23)))) == 2


def test_fulfillment_that_is_in_progress_is_named() -> None:
    desk = Approvers(company(LARGE))
    told = FulfillmentOrderFacts(fulfillment_order="gid://shopify/FulfillmentOrder/1", status="in_progress")
    desk.event("fulfillment_orders/fulfillment_request_accepted", told)

    (alert, _) = desk.ordered(order())

    assert labels(alert)["Already happened"] == "fulfillment is in progress"


@pytest.mark.parametrize("customer", [None, Customer(3, tags=("vip",))])
def test_an_order_that_is_shipped_while_nobody_has_decided_is_critical_and_stays_open(
    customer: Customer | None,
) -> None:
    desk = Approvers(company(LARGE, rules=Rules(premium=PremiumRule(tags=("vip",)))))
    desk.ordered(order(customer=customer), 1)

    in_part = desk.ordered(order(customer=customer, fulfillment="partial"), 2)
    wholly = desk.ordered(order(customer=customer, fulfillment="fulfilled"), 3)

    assert [(alert.state, alert.severity) for alert in (*in_part, *wholly)] == [("updated", "critical")] * 4
    assert wholly[0].title == "Order #1030 went out unapproved (shipped): 12500.00 USD (large-orders)"
    assert desk.ordered(order(customer=customer, fulfillment="fulfilled", tags=("x",)), 4) == []
    assert open_teams(desk) == {"finance", "sales"}


# --- whatever comes first ---------------------------------------------------------------------------------------------

STATES = (
    (1, order("6000.00")),
    (2, order("100.00")),
    (3, order("9000.00", tags=("export-control",), address=Address("AE"))),
    (4, order(None, absent=("tags",))),
    (5, order("7000.00", tags=("export-control",), address=Address("NO"))),
    (6, order("7000.00", cancelled=START)),
    (7, order("7000.00", fulfillment="fulfilled", address=None, absent=("address",))),
    (8, order("8000.00", customer_id=3, customer=Customer(3, orders=1))),
    (9, order("8000.00", fulfillment="fulfilled", closed=START, updated=START + timedelta(hours=1))),
    (10, order("8000.00", fulfillment="fulfilled", closed=START, updated=START + timedelta(days=3))),
)


@given(st.data())
def test_what_is_open_in_the_end_does_not_depend_on_order_and_repetition(data: st.DataObject) -> None:
    policies = (LARGE, EXPORT, Approval(name="first", teams=("management",), when="customer.first_order"))
    known = data.draw(st.lists(st.sampled_from(STATES), unique_by=lambda state: state[0], min_size=1))
    arriving = data.draw(st.permutations([*known, *data.draw(st.lists(st.sampled_from(known)))]))
    in_order, mixed = Approvers(company(*policies)), Approvers(company(*policies))
    for minute, facts in sorted(known, key=lambda state: state[0]):
        in_order.ordered(facts, minute)
    for minute, facts in arriving:
        mixed.ordered(facts, minute)

    assert open_teams(mixed) == open_teams(in_order)


def test_a_deadline_in_working_time_is_the_default() -> None:
    assert LARGE.within == working_hours(4)
