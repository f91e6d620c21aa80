"""What the classifier makes of verdicts: episodes, timers, questions, whatever the rule is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import AlertState
from schemas.facts.shipments import ShipmentFacts
from stages.rules.rule import Clear, Due, Fire, Tell
from tests.stages.rules.scripted import CRITICAL, INFO, LATER, OVER, Scripted, by_state, said, states, told
from tests.stages.rules.world import NUMBER, START, Desk

# --- episodes ---------------------------------------------------------------------------------------------------------


def test_the_same_condition_reported_five_times_is_one_alert() -> None:
    desk = Desk(rules=[by_state(pending=(Fire(said()),))])

    raised = [alert for minute in range(5) for alert in told(desk, "pending", minute)]

    assert states(raised) == ["firing warning"]


def test_a_worse_condition_is_an_update_of_the_same_alert_and_a_better_one_is_none() -> None:
    desk = Desk(rules=[by_state(pending=(Fire(said()),), voided=(Fire(said(CRITICAL)),))])
    told(desk, "pending")

    worse = told(desk, "voided", 1)
    better = told(desk, "pending", 2)

    assert states(worse) == ["updated critical"]
    assert worse[0].id == desk.alerts[0].id
    assert (worse[0].revision, worse[0].opened_by) == (2, "delivery-1")
    assert better == []


def test_a_higher_level_of_the_same_severity_is_an_update() -> None:
    desk = Desk(rules=[by_state(pending=(Fire(said(), level=1),), voided=(Fire(said(), level=2),))])
    told(desk, "pending")

    assert states(told(desk, "voided", 1)) == ["updated warning"]


def test_the_end_is_told_once_and_a_new_beginning_is_a_new_alert() -> None:
    desk = Desk(rules=[by_state(pending=(Fire(said()),), paid=OVER)])
    first = told(desk, "pending")

    ends = [*told(desk, "paid", 1), *told(desk, "paid", 2)]
    again = told(desk, "pending", 3)

    assert [(alert.state, alert.id, alert.details[0].text) for alert in ends] == [
        (AlertState.RESOLVED, first[0].id, "it is paid")
    ]
    assert states(again) == ["firing warning"]
    assert again[0].id != first[0].id


def test_silence_keeps_an_alert_open() -> None:
    desk = Desk(rules=[by_state(pending=(Fire(said()),))])
    told(desk, "pending")

    assert told(desk, "a word of tomorrow", 1) == []
    assert list(desk.open) == ["scripted"]


def test_conditions_of_one_rule_are_told_apart_by_their_key() -> None:
    both = (Fire(said(), "a"), Fire(said(), "b"))
    desk = Desk(rules=[by_state(pending=both, paid=(Clear("a is over", "a"),))])

    assert len({alert.id for alert in told(desk, "pending")}) == 2
    assert [alert.details[0].text for alert in told(desk, "paid", 1)] == ["a is over"]
    assert list(desk.open) == ["scripted"]


def test_a_milestone_is_told_once_and_has_no_end() -> None:
    desk = Desk(rules=[by_state(pending=(Tell(said(INFO), "shipped"),), paid=(Clear("over", "shipped"),))])

    raised = [alert for minute in range(3) for alert in told(desk, "pending", minute)]

    assert [(alert.milestone, alert.digest) for alert in raised] == [(True, True)]
    assert told(desk, "paid", 4) == []
    assert desk.open == {}


# --- time -------------------------------------------------------------------------------------------------------------


def due(**changed: Any) -> Due:
    return Due(said(), START + LATER, **changed)


def test_what_has_to_last_waits_for_its_moment() -> None:
    desk = Desk(rules=[by_state(pending=(due(),))])

    assert told(desk, "pending") == []
    assert desk.passes(LATER - timedelta(seconds=1)) == []
    assert states(desk.passes(timedelta(seconds=1))) == ["firing warning"]


def test_a_moment_that_is_past_already_still_waits_for_its_timer() -> None:
    desk = Desk(rules=[by_state(pending=(due(),))])
    desk.passes(2 * LATER)

    assert told(desk, "pending") == []
    assert states(desk.passes(timedelta())) == ["firing warning"]


def test_what_is_over_in_time_cancels_its_timer() -> None:
    desk = Desk(rules=[by_state(pending=(due(),), paid=OVER)])
    told(desk, "pending")
    told(desk, "paid", 1)

    assert desk.due == {}
    assert desk.passes(2 * LATER) == []


def test_a_later_moment_replaces_the_earlier_one() -> None:
    desk = Desk(rules=[by_state(pending=(due(),), authorized=(Due(said(), START + 3 * LATER),))])
    told(desk, "pending")
    told(desk, "authorized", 1)

    assert desk.passes(2 * LATER) == []
    assert states(desk.passes(LATER)) == ["firing warning"]


def test_an_earlier_moment_replaces_the_later_one() -> None:
    desk = Desk(rules=[by_state(pending=(Due(said(), START + 3 * LATER),), authorized=(due(),))])
    told(desk, "pending")
    told(desk, "authorized", 1)

    assert states(desk.passes(LATER)) == ["firing warning"]


def test_beside_what_holds_a_moment_makes_it_worse_at_its_time() -> None:
    desk = Desk(rules=[by_state(pending=(Fire(said()), Due(said(CRITICAL), START + LATER)))])
    told(desk, "pending")

    assert states(desk.passes(LATER)) == ["updated critical"]


def test_an_end_beside_a_later_moment_ends_what_is_open_and_waits_again() -> None:
    again = (Clear("for now"), Due(said(), START + 3 * LATER))
    desk = Desk(rules=[by_state(pending=(Fire(said()),), authorized=again)])
    told(desk, "pending")

    assert states(told(desk, "authorized", 1)) == ["resolved warning"]
    assert states(desk.passes(3 * LATER)) == ["firing warning"]


def test_a_milestone_with_a_moment_is_told_then_and_never_again() -> None:
    desk = Desk(rules=[by_state(pending=(Tell(said(INFO), "unscanned", START + LATER),))])

    assert told(desk, "pending") == []
    assert states(desk.passes(LATER)) == ["firing info"]
    assert told(desk, "pending", 61) == []
    assert desk.due == {}


def test_a_milestone_that_happens_before_its_moment_is_told_once_and_not_waited_for() -> None:
    waits, happened = Tell(said(INFO), "scanned", START + LATER), Tell(said(INFO), "scanned")
    desk = Desk(rules=[by_state(pending=(waits,), paid=(happened,))])
    told(desk, "pending")

    assert states(told(desk, "paid", 1)) == ["firing info"]
    assert desk.due == {}


def test_a_milestone_that_is_withdrawn_before_its_moment_is_never_told() -> None:
    waits = Tell(said(INFO), "unscanned", START + LATER)
    desk = Desk(rules=[by_state(pending=(waits,), paid=(Clear("scanned", "unscanned"),))])
    told(desk, "pending")
    told(desk, "paid", 1)

    assert desk.passes(2 * LATER) == []


# --- the dossier ------------------------------------------------------------------------------------------------------


def test_many_events_of_one_kind_do_not_push_out_what_else_is_known() -> None:
    desk = Desk(rules=[Scripted(lambda case: (Fire(said()),) if case.dossier.order else (Clear("forgotten"),))])
    told(desk, "pending")

    for number in range(60):
        desk.passes(timedelta(minutes=1))
        desk.event(
            "fulfillment_events/create",
            ShipmentFacts(id=number, fulfillment_id=1, order_id=NUMBER, status="in_transit"),
        )

    assert list(desk.open) == ["scripted"]


STEPS = (("pending", 0), ("authorized", 5), ("pending", 10), ("voided", 15), ("paid", 20))


@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=12))
def test_what_is_open_in_the_end_depends_on_what_was_told_not_on_its_order(steps: list[tuple[str, int]]) -> None:
    rule = by_state(pending=(due(),), authorized=OVER, voided=(Fire(said(CRITICAL)),), paid=OVER)
    newest = max(steps, key=lambda step: step[1])[0]
    desk = Desk(rules=[rule])
    for financial, minute in steps:
        told(desk, financial, minute)
        desk.passes(timedelta(seconds=1))
    desk.passes(2 * LATER)

    assert list(desk.open) == (["scripted"] if newest in ("pending", "voided") else [])
