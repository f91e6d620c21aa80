"""The receiver was away, or the chain is behind: what is told of absence then, whatever the rule is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.facts.orders import OrderFacts
from schemas.questions import QuestionKind
from stages.judging.doubts import AWAY, BEHIND, NOT_CONFIRMED
from stages.rules.rule import Again, Clear, Due, Fire, Tell
from stages.stage import TimerKind
from tests.stages.rules.scripted import CRITICAL, INFO, LATER, OVER, Scripted, by_state, said, states, told
from tests.stages.rules.world import NUMBER, START, Desk

PATIENCE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)
#: From START; a condition is due after one hour.
MISSED = 5 * LATER


def due(at: timedelta = LATER, severity: Any = None, **changed: Any) -> Due:
    return Due(said() if severity is None else said(severity), START + at, **changed)


ABSENT = by_state(pending=(due(),), paid=OVER)
ASKS = by_state(pending=(due(ask=QuestionKind.PAYMENT),), paid=OVER)
OUTSIDE = by_state(pending=(due(timer=TimerKind.OUTSIDE),), paid=OVER)
OUTSIDE_ASKS = by_state(pending=(due(ask=QuestionKind.PAYMENT, timer=TimerKind.OUTSIDE),), paid=OVER)


def missing(rule: Scripted, until: timedelta = MISSED) -> Desk:
    """The condition has begun, and what was missed may come until then."""
    desk = Desk(rules=[rule])
    told(desk, "pending")
    desk.missed_until = START + until
    return desk


def answered(financial: str, minute: float = 0) -> OrderFacts:
    absent = ("fulfillment", "cancelled", "closed", "tags", "gateways", "lines", "address", "terms")
    return OrderFacts(id=NUMBER, financial=financial, updated=START + timedelta(minutes=minute), absent=absent)


# --- what nobody can be asked about -----------------------------------------------------------------------------------


def test_what_nobody_can_be_asked_about_waits_until_nothing_missed_can_come_any_more() -> None:
    desk = missing(ABSENT)

    assert desk.passes(MISSED - SECOND) == []
    (alert,) = desk.passes(SECOND)

    assert (states([alert]), alert.unknown) == (["firing warning"], ())
    assert desk.due == {}
    assert desk.passes(MISSED) == []


def test_what_comes_by_a_retry_ends_it_before_it_is_told() -> None:
    desk = missing(ABSENT)
    desk.passes(2 * LATER)

    assert told(desk, "paid", 30) == []
    assert desk.due == {}
    assert desk.passes(MISSED) == []


def test_news_of_the_same_neither_tells_it_early_nor_moves_it() -> None:
    desk = missing(ABSENT)
    desk.passes(2 * LATER)

    assert [*told(desk, "pending", 90), *told(desk, "pending", 91)] == []
    assert desk.due == {"scripted|": START + MISSED}
    assert states(desk.passes(3 * LATER)) == ["firing warning"]


def test_that_the_time_is_over_is_not_enough_before_the_log_has_been_read_so_far() -> None:
    """Its timer waits for the chain, in which what was missed may still be."""
    desk = missing(ABSENT)
    desk.passes(2 * LATER)
    desk.now = START + MISSED + SECOND

    assert told(desk, "pending", 90) == []
    assert told(desk, "paid", 91) == []
    assert desk.passes(LATER) == []


def test_what_was_missed_is_waited_for_as_long_as_the_chain_that_brings_it_is_behind() -> None:
    desk = missing(ABSENT)
    desk.passes(2 * LATER)
    desk.is_behind = True

    assert desk.passes(MISSED) == []
    desk.is_behind = False
    assert states(desk.passes(timedelta())) == ["firing warning"]


def test_a_second_gap_is_waited_out_too() -> None:
    desk = missing(ABSENT)
    desk.passes(2 * LATER)
    desk.missed_until = START + 8 * LATER

    assert desk.passes(4 * LATER) == []
    assert desk.due == {"scripted|": START + 8 * LATER}
    assert states(desk.passes(2 * LATER)) == ["firing warning"]


def test_what_is_due_after_the_last_retry_is_not_held() -> None:
    desk = missing(ABSENT, until=LATER - SECOND)

    assert states(desk.passes(LATER)) == ["firing warning"]


def test_a_moment_in_the_past_that_is_learned_of_after_the_gap_is_held_too() -> None:
    desk = Desk(rules=[ABSENT])
    desk.passes(2 * LATER)
    desk.missed_until = START + MISSED
    told(desk, "pending")

    assert desk.passes(3 * LATER - SECOND) == []
    assert states(desk.passes(SECOND)) == ["firing warning"]


def test_a_moment_that_moves_while_it_is_held_is_waited_for() -> None:
    moved = (due(7 * LATER),)
    desk = missing(by_state(pending=(due(),), authorized=moved))
    desk.passes(2 * LATER)
    told(desk, "authorized", 90)

    assert desk.passes(5 * LATER - SECOND) == []
    assert states(desk.passes(SECOND)) == ["firing warning"]


def test_what_is_told_already_stays_told_while_something_is_missed() -> None:
    """Also where an end for the time before stands beside the moment."""
    desk = Desk(rules=[by_state(pending=(Clear("for now"), due()))])
    told(desk, "pending")
    desk.passes(LATER)
    desk.missed_until = START + MISSED

    assert told(desk, "pending", 61) == []
    assert list(desk.open) == ["scripted"]
    assert desk.due == {}


def test_what_holds_now_is_told_now_and_gets_worse_when_it_is_known() -> None:
    desk = Desk(rules=[by_state(pending=(due(severity=CRITICAL),), authorized=(Fire(said()), due(severity=CRITICAL)))])
    told(desk, "pending")
    desk.missed_until = START + MISSED
    desk.passes(2 * LATER)

    assert states(told(desk, "authorized", 90)) == ["firing warning"]
    assert states(desk.passes(3 * LATER)) == ["updated critical"]


def test_two_conditions_of_one_rule_are_held_each_for_itself() -> None:
    desk = missing(by_state(pending=(due(key="a"), due(2 * LATER, key="b")), paid=(Clear("over", "a"),)))
    desk.passes(3 * LATER)
    told(desk, "paid", 90)

    assert desk.due == {"scripted|b": START + MISSED}


# --- milestones, and looking again ------------------------------------------------------------------------------------


def test_a_milestone_with_a_moment_is_held_and_told_once() -> None:
    desk = missing(by_state(pending=(Tell(said(INFO), "unscanned", START + LATER),)))
    told(desk, "pending", 1)

    assert desk.passes(MISSED - SECOND) == []
    assert states(desk.passes(SECOND)) == ["firing info"]
    assert told(desk, "pending", 400) == []
    assert desk.due == {}


def test_a_milestone_that_is_withdrawn_while_it_is_held_is_never_told() -> None:
    unscanned = Tell(said(INFO), "unscanned", START + LATER)
    desk = missing(by_state(pending=(unscanned,), paid=(Clear("scanned", "unscanned"),)))
    desk.passes(2 * LATER)
    told(desk, "paid", 90)

    assert desk.due == {}
    assert desk.passes(MISSED) == []


def test_looking_again_is_not_held() -> None:
    desk = missing(by_state(pending=(Again(START + LATER, "again", QuestionKind.ADDRESS),)))
    desk.passes(LATER)

    assert [question.kind for question in desk.asked] == [QuestionKind.ADDRESS]


# --- what Shopify is asked about --------------------------------------------------------------------------------------


def test_shopify_is_asked_at_once_and_its_answer_is_told_without_a_doubt() -> None:
    desk = missing(ASKS)
    desk.passes(LATER)

    (alert,) = desk.answer(answered("pending"))

    assert (states([alert]), alert.unknown) == (["firing warning"], ())
    assert desk.passes(MISSED) == []


def test_shopify_is_asked_at_once_and_its_answer_ends_it() -> None:
    desk = missing(ASKS)
    desk.passes(LATER)

    assert desk.answer(answered("paid", 59)) == []
    assert desk.due == {}
    assert desk.passes(MISSED) == []


def test_without_an_answer_it_waits_and_asks_again_then() -> None:
    desk = missing(ASKS)
    desk.passes(LATER)

    assert desk.passes(MISSED - LATER - SECOND) == []
    assert told(desk, "pending", 61) == []
    assert len(desk.asked) == 1, "what was asked in vain is not asked for with every event"
    assert desk.passes(SECOND) == []
    assert len({question.id for question in desk.asked}) == 2
    (alert,) = desk.passes(PATIENCE)
    assert (states([alert]), alert.unknown) == (["firing warning"], (NOT_CONFIRMED,))


def test_the_answer_to_the_second_question_wins() -> None:
    desk = missing(ASKS)
    desk.passes(MISSED)
    desk.asked.pop(0)

    assert desk.answer(answered("paid", 299)) == []
    assert desk.passes(LATER) == []


def test_an_answer_without_what_was_asked_is_none() -> None:
    desk = missing(ASKS)
    desk.passes(LATER)

    assert desk.answer(answered("pending"), incomplete=("payment",)) == []
    assert desk.due == {"scripted|": START + MISSED}


def test_an_answer_that_comes_late_is_one() -> None:
    desk = missing(ASKS)
    desk.passes(2 * LATER)

    (alert,) = desk.answer(answered("pending", 90))

    assert (states([alert]), alert.unknown) == (["firing warning"], ())
    assert desk.passes(MISSED) == []


def test_after_a_second_gap_shopify_is_asked_again_and_waited_for_again() -> None:
    desk = missing(ASKS)
    desk.passes(2 * LATER)
    desk.missed_until = START + 8 * LATER

    assert desk.passes(4 * LATER) == []
    assert states(desk.passes(2 * LATER + PATIENCE)) == ["firing warning"]


# --- deadlines of others ----------------------------------------------------------------------------------------------


def test_a_deadline_of_others_does_not_wait_for_what_was_missed_and_says_so() -> None:
    (alert,) = missing(OUTSIDE).passes(LATER)

    assert alert.unknown == (AWAY,)


def test_a_deadline_of_others_does_not_wait_for_a_chain_that_is_behind_and_says_so() -> None:
    desk = Desk(rules=[OUTSIDE])
    told(desk, "pending")
    desk.is_behind = True

    (alert,) = desk.passes(LATER)

    assert alert.unknown == (BEHIND,)


def test_a_deadline_of_others_says_nothing_where_nothing_is_in_doubt() -> None:
    desk = Desk(rules=[OUTSIDE])
    told(desk, "pending")

    assert [alert.unknown for alert in desk.passes(LATER)] == [()]


def test_where_shopify_confirms_a_deadline_nothing_is_in_doubt() -> None:
    desk = missing(OUTSIDE_ASKS)
    desk.is_behind = True
    assert desk.passes(LATER) == []

    assert [alert.unknown for alert in desk.answer(answered("pending"))] == [()]


def test_where_shopify_does_not_answer_everything_is_in_doubt() -> None:
    desk = missing(OUTSIDE_ASKS)
    desk.is_behind = True

    assert [alert.unknown for alert in desk.passes(LATER + PATIENCE)] == [(NOT_CONFIRMED, BEHIND, AWAY)]


def test_a_chain_that_has_caught_up_by_the_next_deadline_is_not_behind_any_more() -> None:
    first, second = due(timer=TimerKind.OUTSIDE), due(2 * LATER, CRITICAL, level=1, timer=TimerKind.OUTSIDE)
    desk = Desk(rules=[by_state(pending=(first, second))])
    told(desk, "pending")
    desk.is_behind = True
    desk.passes(LATER)
    desk.is_behind = False
    desk.passes(LATER)

    assert [alert.unknown for alert in desk.alerts] == [(BEHIND,), ()]


def test_what_holds_now_is_in_no_doubt_of_a_chain_that_is_behind() -> None:
    worse = (Fire(said(CRITICAL), level=1),)
    desk = missing(by_state(pending=(due(timer=TimerKind.OUTSIDE),), voided=worse))
    desk.is_behind = True
    desk.passes(LATER)

    assert [alert.unknown for alert in told(desk, "voided", 61)] == [()]


# --- what nobody sends again ------------------------------------------------------------------------------------------


def test_what_nobody_sends_again_is_not_waited_for_and_is_told_with_its_doubt() -> None:
    desk = missing(by_state(pending=(due(lost="the word may be lost"),)))

    assert [alert.unknown for alert in desk.passes(LATER)] == [("the word may be lost",)]


def test_where_the_receiver_was_there_nothing_is_lost() -> None:
    desk = Desk(rules=[by_state(pending=(due(lost="the word may be lost"),))])
    told(desk, "pending")

    assert [alert.unknown for alert in desk.passes(LATER)] == [()]


# --- whatever the order -----------------------------------------------------------------------------------------------

HOURS = st.integers(min_value=0, max_value=12)
BOTH = by_state(
    pending=(due(), due(2 * LATER, key="asked", ask=QuestionKind.PAYMENT), Tell(said(INFO), "once", START + LATER)),
    paid=(*OVER, Clear("it is paid", "asked"), Clear("it is paid", "once")),
)


@given(gaps=st.lists(HOURS, max_size=3), news=st.lists(HOURS, max_size=4), paid=st.none() | HOURS)
def test_nothing_is_told_while_something_missed_may_end_it_and_everything_true_is_told_after(
    gaps: list[int], news: list[int], paid: int | None
) -> None:
    """A gap that is noticed at an hour may be made up for until two hours later; nobody answers."""
    desk = Desk(rules=[BOTH])
    told(desk, "pending")
    ends: list[datetime] = []
    for hour in range(24):
        if hour in gaps:
            desk.missed_until = START + (hour + 2) * LATER
        if hour == paid:
            told(desk, "paid", hour * 60 + 1)
        elif hour in news and (paid is None or hour < paid):
            told(desk, "pending", hour * 60)
        if desk.missed_until is not None:
            ends.append(desk.missed_until)
        before = len(desk.alerts)
        desk.passes(LATER)
        for alert in desk.alerts[before:]:
            assert alert.state == "resolved" or not ends or alert.at >= ends[-1]

    assert desk.due == {}
    assert {alert.rule for alert in desk.open.values()} == (set() if paid is not None else {"scripted"})
    begun = {alert.id.split(":")[2] for alert in desk.alerts if alert.state == "firing"}
    assert paid is not None or {"asked", "once"} <= begun
    assert len([alert for alert in desk.alerts if alert.state == "firing"]) == len({a.id for a in desk.alerts})
