"""`dispatch`: order, repetition, cancelling, doubt. What becomes of what OpenText has: `opentext/test_following.py`."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from schemas.alerts import AlertState
from schemas.configuration import Person, Team
from schemas.notifications import Channel, SendingState
from stages.opentext.answers import HeldBack, NotTaken, TryAgain
from tests.stages.opentext.desk import NOON, Office, alert, configuration, notification, told

S = SendingState
SECOND = timedelta(seconds=1)
LOST = TryAgain("no answer within 10 s", may_have_arrived=True)
DOWN = TryAgain("HTTP 503")
HELD = HeldBack("HTTP 401", 30 * SECOND)


# --- one notification -------------------------------------------------------------------------------------------------


async def test_a_notification_is_submitted_as_its_channel_writes_it_and_its_receipt_says_so() -> None:
    office = Office()
    office.arrive(notification("m1"), trace="00-aa-bb-01")
    await office.work()

    ((message_id, submission, trace),) = office.account.calls
    body = json.loads(submission.body)
    assert (message_id, submission.resource, trace) == ("m1", "emails", "00-aa-bb-01")
    assert body["options"]["message_id"] == "m1"
    assert [to["ref"] for to in body["destinations"]] == ["desk/m1/ada", "desk/m1/bob"]
    (receipt,) = office.receipts
    assert (receipt.state, receipt.job_id, receipt.attempts) == (S.ACCEPTED, "xsi-1", 1)
    assert (receipt.team, receipt.channel, receipt.group) == ("desk", Channel.EMAIL, "g")
    assert (receipt.alert_ids, receipt.use_cases, receipt.received) == (("a1",), (3,), NOON)
    assert {emit.key for emit in office.emitted} == {"desk"}


async def test_nothing_is_called_before_the_intent_is_committed() -> None:
    office = Office()
    office.arrive(notification("m1"))

    assert office.account.called == []
    assert list(office.timers) == [("desk", "send/g")]
    assert office.next_due() == NOON


async def test_the_same_notification_again_is_dropped_while_open_and_afterwards() -> None:
    office = Office()
    office.arrive(notification("m1"), notification("m1"))
    await office.work()
    office.arrive(notification("m1"))
    office.account.statuses["xsi-1"] = told("Error", "Error")
    await office.later(3 * SECOND)
    office.arrive(notification("m1"))
    await office.work()

    assert office.dropped == ["already-known"] * 3
    assert office.account.called == ["m1"]


@pytest.mark.parametrize(
    ("team", "says"),
    [
        (Team(name="other", people=()), "team desk is no longer configured"),
        (
            Team(name="desk", people=(Person(name="ada", phone="+15005550101"),)),
            "nobody in desk can be reached by email",
        ),
    ],
)
async def test_who_cannot_be_told_at_all_is_a_failure_that_operators_hear_of(team: Team, says: str) -> None:
    office = Office(configuration(teams=[team]))
    office.arrive(notification("m1"), notification("m2"))
    await office.work()

    assert office.account.called == []
    assert [(one.state, one.detail, one.attempts) for one in office.receipts] == [(S.FAILED, says, 0)] * 2
    assert [(one.subject, one.message_id, one.detail) for one in office.signals] == [
        ("shop/pipeline", "m1", says),
        ("shop/pipeline", "m2", says),
    ]


# --- retries, and the order of a group --------------------------------------------------------------------------------


async def test_a_failure_is_tried_again_under_the_same_id_ever_later_within_the_bounds() -> None:
    office = Office()
    office.account.script.extend([DOWN] * 12)
    office.arrive(notification("m1"))
    pauses = []
    while not office.receipts:
        await office.work()
        pauses.append((office.next_due() - office.wall).total_seconds())
        office.wall = office.next_due()

    assert office.account.called == ["m1"] * 13
    assert office.receipts[0].attempts == 13
    retries = pauses[:12]
    assert all(1 <= pause <= 300 for pause in retries)
    assert all(0.75 * 2**n <= pause <= 1.25 * 2**n for n, pause in enumerate(retries[1:8], 1))


async def test_the_pauses_of_two_notifications_differ_and_are_the_same_every_time() -> None:
    async def pause_of(message_id: str) -> timedelta:
        office = Office()
        office.account.script.extend([DOWN] * 3)
        office.arrive(notification(message_id))
        for _ in range(3):
            await office.work()
            office.wall = office.next_due()
        return office.wall - NOON

    assert await pause_of("m1") == await pause_of("m1")
    assert await pause_of("m1") != await pause_of("m2")


async def test_retry_after_wins() -> None:
    office = Office()
    office.account.script.append(TryAgain("HTTP 429", after=47 * SECOND))
    office.arrive(notification("m1"))
    await office.work()

    assert office.next_due() == NOON + 47 * SECOND


async def test_one_that_is_retried_holds_back_its_group_and_no_other() -> None:
    office = Office()
    office.account.script.append(DOWN)
    office.arrive(notification("m1"), notification("m2"), notification("x1", "h"), notification("m3"))
    await office.work()
    assert office.account.called == ["m1", "x1"]

    await office.later(2 * SECOND)
    assert office.account.called == ["m1", "x1", "m1", "m2", "m3"]


async def test_a_final_failure_says_why_and_releases_the_group() -> None:
    office = Office()
    office.account.script.append(NotTaken("HTTP 400: no destination"))
    office.arrive(notification("m1"), notification("m2"))
    await office.work()

    assert office.fates == [("m1", S.FAILED), ("m2", S.ACCEPTED)]
    assert office.receipts[0].detail == "HTTP 400: no destination"
    assert [(one.message_id, one.channel, one.team) for one in office.signals] == [("m1", "email", "desk")]


async def test_a_refused_account_keeps_notifications_waiting_for_as_long_as_it_takes() -> None:
    office = Office()
    office.account.script.extend([HELD] * 200)
    office.arrive(notification("m1"))
    for _ in range(200):
        await office.later(30 * SECOND)
    assert office.emitted == []

    await office.later(30 * SECOND)
    assert office.fates == [("m1", S.ACCEPTED)]
    assert office.receipts[0].attempts == 1


async def test_what_has_waited_longer_than_the_ledger_remembers_is_known_while_it_waits_and_afterwards() -> None:
    office = Office()
    office.account.script.append(TryAgain("HTTP 503", after=timedelta(days=8)))
    office.account.script.append(NotTaken("HTTP 400"))
    office.arrive(notification("m1"))
    await office.work()
    await office.later(timedelta(days=7, hours=23))
    office.arrive(notification("m1"))
    await office.later(timedelta(hours=2))
    office.arrive(notification("m1"))
    await office.work()

    assert office.dropped == ["already-known"] * 2
    assert office.fates == [("m1", S.FAILED)]


# --- ends that overtake their beginnings ------------------------------------------------------------------------------


def end(message_id: str, *names: str, state: AlertState = AlertState.RESOLVED, **changes: Any) -> Any:
    return notification(message_id, "g", *(alert(name, state) for name in names), **changes)


async def behind_a_retry(*notifications: Any) -> Office:
    """A group whose head is being retried when these arrive; then the world is well again."""
    office = Office()
    office.account.script.append(DOWN)
    office.arrive(notification("m0", "g", alert("a0")))
    await office.work()
    office.arrive(*notifications)
    await office.later(2 * SECOND)
    return office


@pytest.mark.parametrize("state", [AlertState.RESOLVED, AlertState.WITHDRAWN])
async def test_an_end_cancels_a_beginning_that_has_no_intent_and_is_sent_itself(state: AlertState) -> None:
    office = await behind_a_retry(notification("m1"), end("m2", "a1", state=state))

    assert office.account.called == ["m0", "m0", "m2"]
    assert office.fates == [("m1", S.CANCELLED), ("m0", S.ACCEPTED), ("m2", S.ACCEPTED)]


async def test_a_cancelled_notification_that_comes_again_is_known() -> None:
    office = await behind_a_retry(notification("m1"), end("m2", "a1"), notification("m1"))

    assert office.dropped == ["already-known"]
    assert "m1" not in office.account.called


async def test_the_head_of_a_line_is_never_cancelled_for_its_call_may_be_under_way() -> None:
    office = Office()
    office.arrive(notification("m1"), end("m2", "a1"))
    await office.work()

    assert office.account.called == ["m1", "m2"]


@pytest.mark.parametrize(
    "other",
    [
        notification("m1", "g", alert("a1"), alert("a2")),
        notification("m1", "g", alert("a1"), channel=Channel.SMS),
        end("m1", "a1"),
    ],
    ids=["about more", "on another channel", "an end too"],
)
async def test_an_end_cancels_nothing_else(other: Any) -> None:
    office = await behind_a_retry(other, end("m2", "a1"))

    assert office.account.called == ["m0", "m0", "m1", "m2"]


async def test_what_ends_only_in_part_cancels_nothing() -> None:
    partly = notification("m2", "g", alert("a1", AlertState.RESOLVED), alert("a2"))
    office = await behind_a_retry(notification("m1"), partly)

    assert office.account.called == ["m0", "m0", "m1", "m2"]


# --- unknown outcomes -------------------------------------------------------------------------------------------------


async def test_where_repeats_are_safe_a_lost_answer_is_repeated_with_the_same_id() -> None:
    office = Office()
    office.account.script.append(LOST)
    office.arrive(notification("m1"))
    await office.later(2 * SECOND)
    await office.later(2 * SECOND)

    assert office.account.called == ["m1", "m1"]
    assert office.fates == [("m1", S.ACCEPTED)]


async def test_where_repeats_are_unsafe_a_lost_answer_is_in_doubt_and_never_repeated() -> None:
    office = Office(configuration("unsafe"))
    office.account.script.append(LOST)
    office.arrive(notification("m1"), notification("m2"))
    await office.work()
    assert office.timers["desk", "poll/m1"].due == NOON + timedelta(hours=24)
    await office.later(timedelta(hours=30))

    assert office.account.called == ["m1", "m2"]
    assert office.fates[0] == ("m1", S.IN_DOUBT)
    assert office.receipts[0].detail == "no answer within 10 s"
    assert [receipt.state for receipt in office.receipts if receipt.message_id == "m1"] == [S.IN_DOUBT]
    assert office.timers == {}


async def test_where_repeats_are_unsafe_what_was_surely_not_taken_is_tried_again() -> None:
    office = Office(configuration("unsafe"))
    office.account.script.extend([DOWN, HELD])
    office.arrive(notification("m1"))
    for _ in range(4):
        await office.later(30 * SECOND)

    assert office.account.called == ["m1"] * 3
    assert office.fates[0] == ("m1", S.ACCEPTED)


@pytest.mark.parametrize(("repeats", "calls", "fate"), [("safe", 2, S.ACCEPTED), ("unsafe", 1, S.IN_DOUBT)])
async def test_a_call_whose_owner_died_is_repeated_only_where_that_is_safe(
    repeats: str, calls: int, fate: SendingState
) -> None:
    office = Office(configuration(repeats))
    office.arrive(notification("m1"))
    while not office.account.called:
        (timer,) = office.timers.values()
        answers = await office.call(timer)
        if not office.account.called:
            office.settle(timer, answers)
    office.dies()
    await office.work()

    assert office.account.called == ["m1"] * calls
    assert office.fates == [("m1", fate)]


async def test_an_armed_attempt_is_made_once_even_where_the_task_is_built_again_in_the_same_process() -> None:
    office = Office(configuration("unsafe"))
    office.arrive(notification("m1"))
    (timer,) = office.timers.values()
    office.settle(timer, await office.call(timer))
    (timer,) = office.timers.values()
    await office.call(timer)
    office.settle(timer, await office.call(timer))

    assert office.account.called == ["m1"]
    assert office.fates == [("m1", S.IN_DOUBT)]


async def test_an_owner_that_died_before_it_called_leaves_a_doubt_where_repeats_are_unsafe() -> None:
    office = Office(configuration("unsafe"))
    office.arrive(notification("m1"))
    (timer,) = office.timers.values()
    office.settle(timer, await office.call(timer))
    office.dies()
    await office.work()

    assert office.account.called == []
    assert office.fates == [("m1", S.IN_DOUBT)]
