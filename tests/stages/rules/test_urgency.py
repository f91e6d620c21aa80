"""How urgent the classifier makes an alert, who is told of it, and who is not, whatever the rule is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from schemas.alerts import AlertState, Audience
from schemas.configuration import Configuration, Person, Route, Rules, Team
from schemas.facts.orders import OrderFacts
from schemas.facts.payments import CheckoutFacts
from stages.rules.rule import Case, Due, Fire, Tell, Verdict
from tests.stages.rules.scripted import CRITICAL, INFO, LATER, OVER, WARNING, Scripted, by_state, said, states, told
from tests.stages.rules.world import NUMBER, START, Desk, configuration

# --- how urgent -------------------------------------------------------------------------------------------------------


def test_priority_makes_a_warning_critical_and_says_why() -> None:
    desk = Desk(rules=[by_state(pending=(Fire(said()),))])

    raised = told(desk, "pending", shipping_methods=("Express",))

    assert states(raised) == ["firing critical"]
    assert raised[0].priority
    assert ("Priority", "time-sensitive shipping (Express)") in [(each.label, each.text) for each in raised[0].details]


def test_priority_leaves_an_info_one_but_sends_it_at_once() -> None:
    desk = Desk(rules=[by_state(pending=(Tell(said(INFO), "shipped"),))])

    raised = told(desk, "pending", tags=("Escalated",))

    assert [(alert.severity, alert.priority, alert.digest) for alert in raised] == [(INFO, True, False)]


def test_a_second_rule_that_warns_on_the_same_order_makes_both_critical() -> None:
    desk = Desk(rules=[by_state(pending=(Fire(said()),), voided=(Fire(said()),)), Scripted(_on_void, "second")])
    told(desk, "pending")

    raised = told(desk, "voided", 1)

    assert {(alert.rule, alert.state, alert.severity) for alert in raised} == {
        ("scripted", AlertState.UPDATED, CRITICAL),
        ("second", AlertState.FIRING, CRITICAL),
    }


def _on_void(case: Case) -> Iterable[Verdict]:
    order = case.dossier.order
    return (Fire(said()),) if order is not None and order.financial == "voided" else ()


def test_two_conditions_of_one_rule_do_not_make_each_other_critical() -> None:
    desk = Desk(rules=[by_state(pending=(Fire(said(), "1"), Fire(said(), "2")))])

    assert states(told(desk, "pending")) == ["firing warning", "firing warning"]


def test_news_of_yesterday_says_that_it_was_learned_late() -> None:
    desk = Desk(rules=[by_state(pending=(Fire(said()),))])
    facts = OrderFacts(id=NUMBER, financial="pending", updated=START - timedelta(hours=30))

    raised = desk.event("orders/updated", facts, updated=facts.updated, occurred=START - timedelta(hours=30))

    assert [each.text for each in raised[0].details if each.label == "Learned late"] == [
        "it happened on 01 Nov 2026 at 03:00 UTC, 1 day 6 hours ago"
    ]


# --- for nobody -------------------------------------------------------------------------------------------------------


def test_a_test_order_is_silent() -> None:
    desk = Desk(rules=[by_state(pending=(Fire(said()), Due(said(), START + LATER, "later")))])

    assert told(desk, "pending", test=True) == []
    assert desk.due == {}


def test_an_imported_order_is_silent_and_a_late_one_is_not() -> None:
    for days, expected in ((8, []), (6, ["firing warning"])):
        desk = Desk(rules=[by_state(pending=(Fire(said()),))])

        raised = told(desk, "pending", created=START, processed=START - timedelta(days=days))

        assert states(raised) == expected


def test_a_rule_that_is_off_says_nothing() -> None:
    desk = Desk(configuration(rules=Rules(off=("scripted",))), [by_state(pending=(Fire(said()),))])

    assert told(desk, "pending") == []


def test_a_subject_that_no_rule_watches_is_dropped_by_name() -> None:
    desk = Desk(rules=[by_state()])

    desk.event("checkouts/create", CheckoutFacts(token="t"), "demo.myshopify.com/checkout/t")

    assert desk.dropped == ["not-watched"]


# --- who is told ------------------------------------------------------------------------------------------------------


def teams(*names: str) -> tuple[Team, ...]:
    return tuple(Team(name=name, people=(Person(name=name, email=f"{name}@example.com"),)) for name in names)


ROUTED: Configuration = configuration(
    teams=teams("operations", "finance", "managers"),
    routes=Route(
        teams=("operations",),
        routes=(
            Route(teams=("managers",), severities=(CRITICAL,), proceed=True),
            Route(teams=("finance",), audiences=(Audience.FINANCE,)),
        ),
    ),
)


def test_each_audience_is_routed_for_itself_and_a_team_is_told_once() -> None:
    readers = (Audience.OPERATIONS, Audience.FINANCE, Audience.RETURNS)
    desk = Desk(ROUTED, [by_state(pending=(Fire(said(WARNING, *readers)),))])

    assert sorted(alert.team for alert in told(desk, "pending")) == ["finance", "operations"]


def test_a_route_that_proceeds_tells_the_next_one_too() -> None:
    desk = Desk(ROUTED, [by_state(pending=(Fire(said(CRITICAL, Audience.FINANCE)),))])

    assert sorted(alert.team for alert in told(desk, "pending")) == ["finance", "managers"]


def test_who_is_added_by_an_update_hears_a_beginning_and_all_hear_the_end() -> None:
    rule = by_state(
        pending=(Fire(said(WARNING, Audience.FINANCE)),),
        voided=(Fire(said(CRITICAL, Audience.FINANCE)),),
        paid=OVER,
    )
    desk = Desk(ROUTED, [rule])
    told(desk, "pending")

    worse, ends = told(desk, "voided", 1), told(desk, "paid", 2)

    assert {alert.team: alert.state for alert in worse} == {
        "finance": AlertState.UPDATED,
        "managers": AlertState.FIRING,
    }
    assert {alert.team: alert.state for alert in ends} == dict.fromkeys(("finance", "managers"), AlertState.RESOLVED)
