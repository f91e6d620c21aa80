"""Another configuration: what nobody watches any more is withdrawn, nothing is lost with a team, moments move."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import subjects
from schemas.alerts import Alert
from schemas.configuration import Configuration, OrderRules, Person, Route, Rules, Team
from schemas.facts.orders import OrderFacts
from schemas.questions import QuestionKind
from stages.rules.rule import Again, Clear, Due, Fire, Rule, Tell
from stages.stage import SweepCause
from tests.stages.rules.scripted import CRITICAL, INFO, LATER, OVER, Scripted, by_state, said, states, told
from tests.stages.rules.sweeping import SweptDesk
from tests.stages.rules.world import SHOP, START, configuration, labels

OFF = configuration(rules=Rules(off=("scripted",)))


def team(name: str) -> Team:
    return Team(name=name, people=(Person(name="desk", email="desk@example.com"),))


def told_to(*names: str, default: str = "operations") -> Configuration:
    """Everything is told to the first of these teams."""
    teams = tuple(team(name) for name in dict.fromkeys((*names, default)))
    return configuration(teams=teams, routes=Route(teams=(default,), routes=(Route(teams=(names[0],)),)))


def shown(alerts: list[Alert]) -> list[str]:
    return [f"{alert.state} {alert.team}" for alert in alerts]


def firing(*verdicts: Any, **changed: Any) -> Scripted:
    """Fires while the order is pending, and is over once it is paid."""
    return Scripted(by_state(pending=verdicts or (Fire(said()),), paid=OVER).judged, **changed)


# --- rules ------------------------------------------------------------------------------------------------------------


def test_what_a_rule_that_is_switched_off_has_told_is_withdrawn_and_says_why() -> None:
    desk = SweptDesk(rules=[firing()])
    (began,) = told(desk, "pending")

    (ended,) = desk.reconfigure(OFF, [firing()])

    assert (ended.id, ended.state, ended.team, ended.revision) == (began.id, "withdrawn", "operations", 2)
    assert (ended.title, ended.opened_by, labels(ended)) == (
        began.title,
        began.opened_by,
        {"Ended": "the rule is switched off"},
    )
    assert (began.configuration, ended.configuration) == ("0123456789ab", "fedcba987654")


def test_what_a_rule_that_there_is_no_more_has_told_is_withdrawn() -> None:
    desk = SweptDesk(rules=[firing(name="of-yesterday")])
    told(desk, "pending")

    (ended,) = desk.reconfigure(configuration(), [firing()])

    assert (ended.rule, ended.state) == ("of-yesterday", "withdrawn")
    assert labels(ended)["Ended"] == "the rule does not exist any more"


def test_the_moments_and_questions_of_a_rule_that_is_switched_off_are_forgotten() -> None:
    soon = START + timedelta(minutes=1)
    waits = firing(Due(said(), START + LATER, "a"), Due(said(), soon, "b", ask=QuestionKind.ORDER))
    desk = SweptDesk(rules=[waits])
    told(desk, "pending")
    desk.passes(timedelta(minutes=1))
    assert len(desk.asked) == 1

    assert desk.reconfigure(OFF, [waits]) == []
    assert desk._timers == {}
    assert desk.passes(2 * LATER) == []


@pytest.mark.parametrize(
    ("name", "off"),
    [
        ("order-high-risk", OrderRules(high_risk=False)),
        ("order-address-invalid", OrderRules(address_invalid=False)),
    ],
)
def test_a_rule_with_a_switch_of_its_own_is_off_by_that_too(name: str, off: OrderRules) -> None:
    rule = firing(name=name)
    desk = SweptDesk(rules=[rule])
    told(desk, "pending")

    assert shown(desk.reconfigure(configuration(rules=Rules(orders=off)), [rule])) == ["withdrawn operations"]


def test_a_rule_that_is_switched_off_and_on_again_begins_anew_with_the_next_news() -> None:
    desk = SweptDesk(rules=[firing()])
    (first,) = told(desk, "pending")
    desk.reconfigure(OFF, [firing()])

    assert desk.reconfigure(configuration(), [firing()]) == []
    (second,) = told(desk, "pending", 5)
    assert (second.state, second.revision) == ("firing", 1)
    assert second.id != first.id


# --- teams ------------------------------------------------------------------------------------------------------------


def test_what_only_a_removed_team_knew_begins_for_the_default_route_in_the_words_of_its_rule() -> None:
    rule = firing(Fire(said(title="Order #1001: unpaid")))
    desk = SweptDesk(told_to("finance"), [rule])
    (began,) = told(desk, "pending")
    desk.passes(LATER)

    (again,) = desk.reconfigure(configuration(), [rule])

    assert (began.team, again.team, again.state, again.id) == ("finance", "operations", "firing", began.id)
    assert (again.title, again.since, again.opened_by) == (began.title, began.since, began.opened_by)
    assert labels(again) == {"Told before to": "finance, no longer configured"}
    assert shown(told(desk, "paid", 61)) == ["resolved operations"]


def test_without_a_word_of_the_rule_it_is_handed_over_in_the_words_that_are_remembered() -> None:
    desk = SweptDesk(told_to("finance"), [firing()])
    told(desk, "pending")

    (again,) = desk.reconfigure(configuration(), [by_state()])

    assert (again.title, again.state, again.team) == ("Something is wrong", "firing", "operations")


def test_who_of_the_default_route_was_told_already_is_not_told_again() -> None:
    both = configuration(
        teams=(team("operations"), team("finance")), routes=Route(routes=(Route(teams=("finance", "operations")),))
    )
    desk = SweptDesk(both, [firing()])
    assert shown(told(desk, "pending")) == ["firing finance", "firing operations"]

    assert desk.reconfigure(configuration(), [firing()]) == []
    assert shown(told(desk, "paid", 5)) == ["resolved operations"]


def test_teams_that_stay_hear_nothing_of_a_change_and_the_end_once() -> None:
    desk = SweptDesk(told_to("finance"), [firing()])
    told(desk, "pending")

    assert desk.reconfigure(told_to("warehouse", "finance"), [firing()]) == []
    assert shown(told(desk, "paid", 5)) == ["resolved finance"]


def test_a_removed_team_is_told_nothing_even_before_its_alert_is_visited() -> None:
    rule = by_state(pending=(Fire(said()),), voided=(Fire(said(CRITICAL)),), paid=OVER)
    worse, over = SweptDesk(told_to("finance"), [rule]), SweptDesk(told_to("finance"), [rule])
    for desk in (worse, over):
        told(desk, "pending")
        desk.take(configuration(), watching={"order": (rule,)})

    assert shown(told(worse, "voided", 5)) == ["firing operations"]
    assert worse.sweep(SweepCause.CONFIGURATION, "fedcba987654") == []
    assert told(over, "paid", 5) == []
    assert over.sweep(SweepCause.CONFIGURATION, "fedcba987654") == []


def test_what_is_withdrawn_is_not_handed_over_first() -> None:
    desk = SweptDesk(told_to("finance"), [firing()])
    told(desk, "pending")

    assert desk.reconfigure(OFF, [firing()]) == []
    assert told(desk, "paid", 5) == []


# --- what the rules say now -------------------------------------------------------------------------------------------


def test_what_does_not_hold_by_the_new_configuration_ends_and_says_that() -> None:
    desk = SweptDesk(rules=[firing()])
    told(desk, "pending")

    (ended,) = desk.reconfigure(configuration(), [by_state(pending=(Clear("it is small enough", title="All well"),))])

    assert (ended.state, ended.title) == ("resolved", "Something is wrong")
    assert labels(ended)["Ended"] == "the configuration changed: it is small enough"


def test_what_is_worse_by_the_new_configuration_is_an_update() -> None:
    desk = SweptDesk(rules=[firing()])
    told(desk, "pending")

    assert states(desk.reconfigure(configuration(), [firing(Fire(said(CRITICAL)))])) == ["updated critical"]


@pytest.mark.parametrize("moment", [timedelta(minutes=20), timedelta(minutes=40), 3 * LATER])
def test_a_moment_that_has_moved_sets_its_timer_anew_also_to_one_that_is_past(moment: timedelta) -> None:
    desk = SweptDesk(rules=[firing(Due(said(), START + LATER))])
    told(desk, "pending")
    desk.passes(timedelta(minutes=30))

    assert desk.reconfigure(configuration(), [firing(Due(said(), START + moment))]) == []

    assert desk.due == {"scripted|": START + moment}
    assert states(desk.passes(3 * LATER)) == ["firing warning"]


def test_what_was_told_stays_open_where_it_would_be_told_only_later_now() -> None:
    desk = SweptDesk(rules=[firing(Due(said(), START + LATER))])
    told(desk, "pending")
    assert states(desk.passes(LATER)) == ["firing warning"]

    assert desk.reconfigure(configuration(), [firing(Due(said(), START + 3 * LATER))]) == []
    assert desk.passes(4 * LATER) == []
    assert states(told(desk, "paid", 500)) == ["resolved warning"]


def test_nothing_else_begins_by_a_change_but_with_the_next_news() -> None:
    """What is told once stays told once; what nobody asked about before is no news."""
    more = (Tell(said(INFO), "shipped"), Fire(said(), "other"), Due(said(), START, "later"), Again(START, "look"))
    desk = SweptDesk(rules=[firing()])
    told(desk, "pending")

    changed = firing(Fire(said()), *more)
    assert desk.reconfigure(configuration(), [changed]) == []
    assert desk.due == {}
    assert len(told(desk, "pending", 5)) == 2


def test_a_milestone_is_not_told_anew() -> None:
    rule = firing(Fire(said()), Tell(said(INFO), "shipped"))
    desk = SweptDesk(rules=[rule])
    assert len(told(desk, "pending")) == 2

    assert desk.reconfigure(configuration(), [rule]) == []


def test_what_the_same_configuration_opens_a_second_time_is_another_alert() -> None:
    waits, fires = firing(Due(said(), START + 9 * LATER)), firing()
    desk = SweptDesk(rules=[waits])
    told(desk, "pending")
    (first,) = desk.reconfigure(configuration(), [fires])
    desk.reconfigure(configuration(), [by_state(pending=(Clear("no"),))])
    desk.passes(LATER)
    told(desk, "voided", 61)
    desk.take(configuration(), watching={"order": (waits,)})
    told(desk, "pending", 62)

    (second,) = desk.reconfigure(configuration(), [fires])

    assert first.id != second.id


def test_a_threshold_of_the_configuration_moves_an_alert_that_is_open() -> None:
    desk = SweptDesk()
    facts = OrderFacts(id=1, name="#1", created=START, financial="pending")
    desk.event("orders/create", facts, updated=START)
    assert desk.due == {"order-payment-pending|": START + timedelta(hours=1)}

    sooner = OrderRules(payment_pending_after=timedelta(minutes=20))
    assert desk.reconfigure(configuration(rules=Rules(orders=sooner))) == []

    assert desk.due == {"order-payment-pending|": START + timedelta(minutes=20)}


# --- in parts, twice --------------------------------------------------------------------------------------------------

ORDERS = st.lists(st.sampled_from(["pending", "authorized", "voided", "paid"]), min_size=1, max_size=6)


def before() -> Rule:
    return by_state(
        pending=(Fire(said()),), authorized=(Due(said(), START + LATER),), voided=(Fire(said(), "a"), Fire(said(), "b"))
    )


def after() -> Rule:
    return by_state(
        pending=(Fire(said(CRITICAL)),),
        authorized=(Due(said(), START + 2 * LATER),),
        voided=(Clear("over", "a"), Fire(said(), "b"), Tell(said(INFO), "c")),
    )


def filled(orders: list[str]) -> SweptDesk:
    desk = SweptDesk(told_to("finance"), [before(), firing(name="gone")])
    for number, financial in enumerate(orders, 1):
        desk.event("orders/updated", OrderFacts(id=number, financial=financial), subjects.order(SHOP, number))
    desk.take(configuration(), watching={"order": (after(),)})
    return desk


@given(ORDERS, st.lists(st.integers(1, 3), max_size=4), st.integers(1, 3))
def test_visiting_in_any_part_sizes_and_again_gives_the_same(orders: list[str], parts: list[int], times: int) -> None:
    whole, parted = filled(orders), filled(orders)

    at_once = whole.sweep(SweepCause.CONFIGURATION, "fedcba987654")
    in_parts = parted.sweep(SweepCause.CONFIGURATION, "fedcba987654", parts, times)

    assert in_parts == at_once
    assert (parted.remembered, parted._timers) == (whole.remembered, whole._timers)
    assert whole.sweep(SweepCause.CONFIGURATION, "fedcba987654") == []
    assert not any(alert.team == "finance" for alert in at_once)
