"""Ourselves: what the pipeline cannot do, told once for each cause until it has been gone for ten minutes."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.state import Change, Memory, View
from schemas import codec, subjects, topics
from schemas.alerts import Alert, AlertState, Audience, Severity
from schemas.notifications import Notification
from schemas.records import Record
from schemas.signals import ChainBehind, DeadLettered, FactsGivenUp, SignaturesFailed, TaskStopped, TokenRefused
from stages.channels.table import render
from stages.group import Group
from stages.stage import Context, Emit
from tests.stages.rules.world import SHOP, START, Desk, configuration, labels, routed

MINUTE = timedelta(minutes=1)
PREFIX = "shop-eu"
PIPELINE = f"{PREFIX}/pipeline"


def token(desk: Desk, minute: int, *, refused: bool) -> list[Alert]:
    at = START + minute * MINUTE
    return desk.signal(TokenRefused(SHOP, subjects.shop_wide(SHOP), at, at, refused=refused))


def chain(desk: Desk, number: int, minute: int, *late: str) -> list[Alert]:
    """Task `number` waits for these; without any, it does not wait any more."""
    at = START + minute * MINUTE
    since = at - 15 * MINUTE
    return desk.signal(
        ChainBehind(PREFIX, PIPELINE, at, at, "classify", number, behind=bool(late), since=since, late=late)
    )


def ends(alerts: list[Alert]) -> list[str]:
    return [alert.state.value for alert in alerts]


# --- a shop's token ---------------------------------------------------------------------------------------------------


def test_a_token_that_is_refused_is_told_until_it_has_been_taken_for_ten_minutes() -> None:
    desk = Desk()

    (alert,) = token(desk, 0, refused=True)

    assert (alert.rule, alert.severity) == ("pipeline-degraded", Severity.WARNING)
    assert alert.title == "Shopify refuses the Admin token of demo.myshopify.com"
    assert token(desk, 1, refused=True) == []
    assert token(desk, 2, refused=False) == []
    assert desk.passes(12 * MINUTE - timedelta(seconds=1)) == []
    assert ends(desk.passes(timedelta(seconds=1))) == ["resolved"]
    assert token(desk, 1, refused=True) == []


def test_a_token_that_is_refused_again_within_ten_minutes_is_the_same_alert() -> None:
    desk = Desk()
    token(desk, 0, refused=True)
    token(desk, 2, refused=False)
    token(desk, 11, refused=True)

    assert desk.due == {}
    assert desk.passes(60 * MINUTE) == []
    token(desk, 61, refused=False)
    assert ends(desk.passes(12 * MINUTE)) == ["resolved"]
    assert ends(desk.alerts) == ["firing", "resolved"]


def test_a_token_that_was_never_refused_is_no_news() -> None:
    desk = Desk()

    assert token(desk, 0, refused=False) == []
    assert desk.due == {}


def test_of_two_words_of_one_moment_the_later_one_holds() -> None:
    desk = Desk()
    for minute, refused in ((1, True), (2, False)):
        received = START + minute * MINUTE
        desk.signal(TokenRefused(SHOP, subjects.shop_wide(SHOP), START, received, refused=refused))

    assert ends(desk.passes(10 * MINUTE)) == ["resolved"]


# --- what a process says of itself ------------------------------------------------------------------------------------


def stopped(desk: Desk, minute: int, number: int = 3) -> list[Alert]:
    at = START + minute * MINUTE
    return desk.signal(TaskStopped(PREFIX, PIPELINE, at, at, "enrich", number, "50 records in a row were rejected"))


def dead(desk: Desk, minute: int, reason: str = "undecodable") -> list[Alert]:
    at = START + minute * MINUTE
    return desk.signal(DeadLettered(PREFIX, PIPELINE, at, at, "enrich", reason, 4))


def unsigned(desk: Desk, minute: int, failed: int) -> list[Alert]:
    at = START + minute * MINUTE
    return desk.signal(SignaturesFailed(PREFIX, PIPELINE, at, at, failed, 80))


def test_a_stopped_task_is_critical_until_it_has_not_been_said_for_ten_minutes() -> None:
    desk = Desk(routed(Audience.IT_SUPPORT, Audience.APPLICATION_OWNERS))

    alerts = stopped(desk, 0)

    assert {(alert.rule, alert.severity, alert.team) for alert in alerts} == {
        ("pipeline-degraded", Severity.CRITICAL, "it-support"),
        ("pipeline-degraded", Severity.CRITICAL, "application-owners"),
    }
    assert alerts[0].title == "The pipeline does not take everything: enrich-3 stopped"
    assert labels(alerts[0])["Why"] == "50 records in a row were rejected"
    desk.passes(9 * MINUTE)
    assert stopped(desk, 9) == stopped(desk, 9, number=4) == []
    assert desk.passes(9 * MINUTE) == []
    assert set(ends(desk.passes(MINUTE))) == {"resolved"}


def test_dead_letters_are_a_warning_with_their_reasons() -> None:
    desk = Desk()

    (alert,) = dead(desk, 0)
    assert labels(alert)["How many"] == "4"
    dead(desk, 1, "subject-unknown")

    assert (alert.title, alert.severity) == ("Records are dead letters: enrich: undecodable", Severity.WARNING)
    assert ends(desk.passes(11 * MINUTE)) == ["resolved"]
    (again,) = dead(desk, 11)
    assert again.title == "Records are dead letters: enrich: undecodable"


def test_facts_that_never_came_are_told_of_their_shop_with_how_many_there_were() -> None:
    desk, subject = Desk(), subjects.shop_wide(SHOP)

    def given_up(minute: int, *names: str) -> list[Alert]:
        at = START + minute * MINUTE
        return desk.signal(FactsGivenUp(SHOP, subject, at, at, names, 3))

    (alert,) = given_up(0, "risk", "address_verdict")

    says = "Shopify has not told within a day what demo.myshopify.com was asked for: address verdict, risk"
    assert (alert.rule, alert.title, alert.severity) == ("pipeline-degraded", says, Severity.WARNING)
    assert labels(alert)["How many"] == "3"
    assert given_up(4, "customer") == []
    assert ends(desk.passes(14 * MINUTE)) == ["resolved"]


def test_signatures_that_fail_are_told_above_a_rate() -> None:
    desk = Desk()
    assert unsigned(desk, 0, 9) == []

    (alert,) = unsigned(desk, 1, 10)

    assert alert.title == "10 of 80 deliveries within a minute are not signed as Shopify signs"
    assert unsigned(desk, 2, 3) == []
    assert ends(desk.passes(11 * MINUTE)) == ["resolved"]


def test_what_is_said_late_of_what_is_long_over_is_no_news() -> None:
    desk = Desk()
    desk.passes(60 * MINUTE)

    assert stopped(desk, 0) == dead(desk, 0) == unsigned(desk, 0, 50) == []


# --- the chain --------------------------------------------------------------------------------------------------------


def test_a_chain_that_is_behind_is_told_once_and_names_what_is_late() -> None:
    desk = Desk(routed(Audience.IT_SUPPORT, Audience.APPLICATION_OWNERS))

    told = chain(desk, 3, 20, "enrich-1", "receiver")
    assert chain(desk, 2, 21, "enrich-1") == []
    assert chain(desk, 3, 20, "enrich-1", "receiver") == []

    assert {alert.team for alert in told} == {"it-support", "application-owners"}
    alert = told[0]
    assert (alert.rule, alert.severity, alert.shop, alert.subject, alert.link) == (
        "pipeline-degraded",
        Severity.WARNING,
        PREFIX,
        PIPELINE,
        None,
    )
    assert alert.title == "The pipeline is behind: what does not happen in Shopify is told late"
    assert labels(alert) == {
        "Late": "enrich-1, receiver",
        "Waiting": "classify-3",
        "Since": "02 Nov 2026 at 09:05 UTC",
        "Meanwhile": "alerts about what has not happened wait; those about deadlines say that they are not confirmed",
    }


def test_it_is_over_when_every_task_has_caught_up_and_ten_minutes_have_passed() -> None:
    desk = Desk()
    chain(desk, 3, 0, "enrich-1")
    chain(desk, 2, 1, "enrich-1")
    desk.passes(5 * MINUTE)
    assert chain(desk, 3, 5) == []
    assert desk.passes(30 * MINUTE) == [], "one still waits"

    assert chain(desk, 2, 35) == []
    assert desk.passes(9 * MINUTE) == []
    (end,) = desk.passes(MINUTE)

    assert (end.state, end.title) == (AlertState.RESOLVED, "The pipeline was behind")
    assert labels(end) == {"Ended": "the pipeline has caught up"}
    assert desk.due == {}


def test_one_that_is_behind_again_within_ten_minutes_is_the_same_alert() -> None:
    desk = Desk()
    chain(desk, 3, 0, "enrich-1")
    chain(desk, 3, 2)
    desk.passes(5 * MINUTE)

    assert chain(desk, 2, 5, "enrich-0") == []
    assert desk.passes(60 * MINUTE) == []
    chain(desk, 2, 65)
    assert ends(desk.passes(10 * MINUTE)) == ["resolved"]


def test_the_next_time_is_another_alert() -> None:
    desk = Desk()
    chain(desk, 3, 0, "enrich-1")
    chain(desk, 3, 2)
    desk.passes(12 * MINUTE)

    (again,) = chain(desk, 3, 30, "enrich-1")

    assert again.state is AlertState.FIRING
    assert again.id != desk.alerts[0].id


def test_no_task_is_forgotten_however_many_there_are() -> None:
    desk = Desk()
    for number in range(100):
        chain(desk, number, 0, "receiver")
    for number in range(1, 100):
        chain(desk, number, 1)

    assert desk.passes(60 * MINUTE) == [], "the first one still waits"


def test_what_is_late_is_named_as_far_as_there_is_room() -> None:
    (alert,) = chain(Desk(), 0, 0, *(f"enrich-{number}" for number in range(12)))

    assert labels(alert)["Late"] == "enrich-0, enrich-1, enrich-2, enrich-3, enrich-4, enrich-5 and 6 more"


def test_what_is_about_no_shop_reaches_people_too() -> None:
    whole = configuration()
    (alert,) = chain(Desk(whole), 0, 20, "receiver")
    stage = Group(whole)
    record = Record(topics.ALERTS, 0, 0, 0, alert.team.encode(), codec.encode(alert))
    view = View(Memory(stage.families), Change(), START)

    notifications = [
        outcome.value
        for outcome in stage.process(record, Context(view, START, START))
        if isinstance(outcome, Emit) and isinstance(outcome.value, Notification)
    ]

    assert [(told.team, told.time_zone) for told in notifications] == [("operations", "UTC")]
    body = render(notifications[0], whole.teams[0], whole.opentext).body.decode()
    assert "The pipeline is behind" in body
    assert "admin.shopify.com" not in body


REPORTS = ((0, 0, True), (0, 4, False), (1, 2, True), (1, 6, False), (2, 3, True), (0, 8, True), (0, 9, False))


@given(st.data())
def test_what_is_open_in_the_end_does_not_depend_on_order_and_repetition(data: st.DataObject) -> None:
    known = data.draw(st.lists(st.sampled_from(REPORTS), unique=True, min_size=1))
    arriving = data.draw(st.permutations([*known, *data.draw(st.lists(st.sampled_from(known)))]))
    newest = {number: behind for number, _, behind in sorted(known, key=lambda report: report[1])}
    desk = Desk()
    for number, minute, behind in arriving:
        chain(desk, number, minute, *(("receiver",) if behind else ()))
    desk.passes(60 * MINUTE)

    assert list(desk.open) == (["pipeline-degraded"] if any(newest.values()) else [])
    assert desk.due == {}
