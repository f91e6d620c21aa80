"""A shop that removes the app: nothing of it is waited for, what is open stays open, and it may come back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import subjects
from schemas.configuration import Job, OperationRules, Rules
from schemas.events import Source
from schemas.facts.operations import ShopFacts
from schemas.facts.orders import OrderFacts
from schemas.questions import QuestionKind
from schemas.signals import JobPhase, JobReported, ShopHeard
from stages.judging.sweeping import _GO_ON
from stages.rules.rule import Again, Due, Fire, Tell
from stages.rules.table import NAMES
from stages.stage import StartSweep, SweepCause
from tests.stages.rules.scripted import INFO, LATER, OVER, by_state, said, states, told
from tests.stages.rules.sweeping import SweptDesk
from tests.stages.rules.world import NUMBER, SHOP, START, Desk, configuration

MINUTE = timedelta(minutes=1)
END = START + 10 * MINUTE
OTHER = "other.myshopify.com"


def waits(**changed: object) -> Due:
    return Due(said(), START + LATER, **changed)  # type: ignore[arg-type]


def waiting() -> SweptDesk:
    """An order of which something is told at once, and more after an hour."""
    more = (Tell(said(INFO), "told", START + LATER), Again(START + LATER, "again"))
    return SweptDesk(rules=[by_state(pending=(Fire(said(), "open"), waits(key="waits"), *more), paid=OVER)])


def test_the_broadcast_starts_a_sweep_and_judges_nobody() -> None:
    desk = SweptDesk()

    desk.hears_of_end(END)

    assert desk.started == [StartSweep(SweepCause.UNINSTALLED, SHOP)]
    assert (desk.alerts, len(desk.remembered)) == ([], 1)


@pytest.mark.parametrize("before", [timedelta(0), timedelta(hours=1)])
def test_one_that_comes_again_or_is_older_than_what_is_known_starts_none(before: timedelta) -> None:
    desk = SweptDesk()
    desk.hears_of_end(END)
    desk.started.clear()

    desk.hears_of_end(END - before)

    assert (desk.started, desk.dropped) == ([], ["already-known"])


def test_a_shop_that_goes_a_second_time_is_swept_again() -> None:
    desk = SweptDesk()
    desk.hears_of_end(END)

    desk.hears_of_end(END + MINUTE)

    assert len(desk.started) == 2


def test_its_timers_are_cancelled_and_what_is_open_stays_open() -> None:
    desk = waiting()
    told(desk, "pending")
    assert len(desk.due) == 3

    desk.passes(10 * MINUTE)
    desk.uninstalled(END)

    assert desk._timers == {}
    assert desk.passes(2 * LATER) == []
    assert desk.open_conditions == {"scripted|open"}


def test_what_was_asked_is_not_waited_for_any_more_and_its_answer_says_nothing() -> None:
    desk = SweptDesk(rules=[by_state(pending=(waits(ask=QuestionKind.ORDER),))])
    told(desk, "pending")
    desk.passes(LATER)
    assert len(desk.asked) == 1

    desk.uninstalled(START + LATER)

    assert desk._timers == {}
    assert desk.answer(OrderFacts(id=NUMBER, financial="pending", updated=desk.now)) == []
    assert desk.passes(2 * LATER) == []


def test_an_event_from_before_that_comes_afterwards_is_told_nobody_and_sets_no_timer() -> None:
    desk = waiting()
    desk.uninstalled(END)

    assert told(desk, "pending") == []
    assert desk.due == {}


def test_an_event_from_before_that_comes_afterwards_ends_what_was_open() -> None:
    desk = SweptDesk(rules=[by_state(pending=(Fire(said()),), paid=OVER)])
    told(desk, "pending")
    desk.passes(10 * MINUTE)
    desk.uninstalled(END)

    assert states(told(desk, "paid", 9)) == ["resolved warning"]


def test_a_timer_that_falls_due_before_its_key_is_visited_fires_nothing() -> None:
    desk = SweptDesk(rules=[by_state(pending=(waits(),))])
    told(desk, "pending")
    desk.hears_of_end(END)

    assert desk.passes(2 * LATER) == []
    desk.sweep(SweepCause.UNINSTALLED, SHOP)
    assert not any(b"track" in key for key in desk.remembered)


@given(st.permutations(["before", "end", "visit"]))
def test_whichever_comes_first_nothing_of_a_gone_shop_is_told_later(steps: list[str]) -> None:
    desk = SweptDesk(rules=[by_state(pending=(waits(),))])
    for step in steps:
        if step == "before":
            told(desk, "pending")
        elif step == "end":
            desk.hears_of_end(END)
        else:
            desk.sweep(SweepCause.UNINSTALLED, SHOP)

    assert desk.passes(2 * LATER) == []


def test_a_shop_that_is_back_has_its_timers_with_its_next_news() -> None:
    desk = SweptDesk(rules=[by_state(pending=(waits(),))])
    told(desk, "pending")
    desk.passes(10 * MINUTE)
    desk.uninstalled(END)
    desk.passes(5 * MINUTE)

    told(desk, "pending", 15)

    assert desk.due == {"scripted|": START + LATER}
    assert states(desk.passes(LATER)) == ["firing warning"]


def test_a_delivery_that_is_repeated_after_the_shop_is_back_cancels_nothing() -> None:
    desk = SweptDesk(rules=[by_state(pending=(waits(),))])
    desk.passes(10 * MINUTE)
    desk.uninstalled(END)
    desk.passes(5 * MINUTE)
    told(desk, "pending", 15)

    desk.uninstalled(END)
    desk.sweep(SweepCause.UNINSTALLED, SHOP)

    assert desk.due == {"scripted|": START + LATER}


def test_an_answer_does_not_bring_a_shop_back() -> None:
    desk = SweptDesk(rules=[by_state(pending=(waits(),))])
    told(desk, "pending")
    desk.passes(10 * MINUTE)
    desk.uninstalled(END)
    desk.passes(5 * MINUTE)

    order = OrderFacts(id=NUMBER, financial="pending", updated=desk.now)
    desk.event("answer.order", order, source=Source.ANSWER)

    assert desk.due == {}


def test_another_shop_keeps_its_timers() -> None:
    desk = SweptDesk(rules=[by_state(pending=(waits(),))])
    order = subjects.order(OTHER, 1)
    desk.event("orders/create", OrderFacts(id=1, financial="pending"), order)

    desk.passes(10 * MINUTE)
    desk.uninstalled(END)

    assert desk.due == {"scripted|": START + LATER}


def test_a_new_configuration_sets_no_timer_of_a_gone_shop() -> None:
    desk = waiting()
    told(desk, "pending")
    desk.passes(10 * MINUTE)
    desk.uninstalled(END)
    rule = by_state(pending=(Fire(said(), "open"), waits(key="open", level=1)))

    assert desk.reconfigure(desk._stage._configuration, [rule]) == []
    assert desk.due == {}


def test_a_job_that_reports_afterwards_is_waited_for_again() -> None:
    job = Job(name="sync", max_runtime=LATER)
    desk = SweptDesk(configuration(rules=Rules(operations=OperationRules(jobs=(job,)))))

    def starts() -> None:
        desk.signal(
            JobReported(SHOP, subjects.job(SHOP, "sync"), desk.now, desk.now, "sync", JobPhase.START, "one run")
        )

    starts()
    assert len(desk.due) == 1
    desk.passes(10 * MINUTE)
    desk.uninstalled(END)
    assert desk.due == {}
    desk.passes(5 * MINUTE)
    starts()

    assert len(desk.due) == 1


# --- the notice itself ------------------------------------------------------------------------------------------------


def webhook(desk: Desk, at: datetime) -> list[str]:
    shop = subjects.shop_wide(SHOP)
    raised = desk.event("app/uninstalled", ShopFacts(uninstalled=True), shop, occurred=at)
    return [f"{alert.rule} {alert.state} {alert.severity}" for alert in raised]


@pytest.mark.parametrize("is_first", [True, False])
def test_the_notice_goes_out_and_stays_whether_the_broadcast_comes_before_or_after(is_first: bool) -> None:
    desk = SweptDesk()
    desk.passes(10 * MINUTE)
    if is_first:
        desk.uninstalled(END)

    assert webhook(desk, END) == ["storefront-critical firing critical"]

    desk.uninstalled(END)
    assert list(desk.open) == ["storefront-critical"]
    assert len(desk.alerts) == 1


@pytest.mark.parametrize(("minute", "ends"), [(-1, []), (1, ["resolved"])])
def test_a_delivery_that_was_triggered_afterwards_says_that_the_app_is_there_again(
    minute: int, ends: list[str]
) -> None:
    desk, shop = SweptDesk(), subjects.shop_wide(SHOP)
    desk.passes(10 * MINUTE)
    webhook(desk, END)
    desk.uninstalled(END)
    desk.passes(timedelta(days=2))

    raised = desk.signal(ShopHeard(SHOP, shop, END + minute * MINUTE, desk.now))

    assert [alert.state.value for alert in raised] == ends


def test_what_goes_on_without_the_shop_is_a_rule() -> None:
    assert _GO_ON <= NAMES


@given(st.lists(st.sampled_from([1, 2, 3, 4]), min_size=1, max_size=6), st.lists(st.integers(1, 3), max_size=4))
def test_visiting_in_any_part_sizes_and_again_forgets_the_same(orders: list[int], parts: list[int]) -> None:
    def desk() -> SweptDesk:
        made = waiting()
        for number in orders:
            made.event("orders/create", OrderFacts(id=number, financial="pending"), subjects.order(SHOP, number))
        made.hears_of_end(END)
        return made

    whole, parted = desk(), desk()
    whole.sweep(SweepCause.UNINSTALLED, SHOP)
    parted.sweep(SweepCause.UNINSTALLED, SHOP, parts, times=2)

    assert parted.remembered == whole.remembered
    assert (parted._timers, whole._timers) == ({}, {})
