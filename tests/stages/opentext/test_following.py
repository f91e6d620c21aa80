"""What OpenText has accepted, followed by lookups and callbacks until it is final."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.notifications import Reached, SendingState
from stages.opentext.answers import Gone, HeldBack, NotTaken, TryAgain
from tests.stages.opentext.desk import Office, configuration, notification, told

S = SendingState
SECOND = timedelta(seconds=1)
LOST = TryAgain("no answer within 10 s", may_have_arrived=True)
DOWN = TryAgain("HTTP 503")
HELD = HeldBack("HTTP 401", 30 * SECOND)
CONFIRMED: Any = {"email_delivery_events": {"dsn": {"class": 2}}}
BOUNCED: Any = {"email_delivery_events": {"dsn": {"class": 5}}}


async def accepted(office: Office) -> None:
    """One notification that OpenText has."""
    office.arrive(notification("m1"))
    await office.work()


async def test_nothing_is_left_in_the_state_but_the_ledger() -> None:
    office = Office()
    await accepted(office)
    office.account.statuses["xsi-1"] = told("Sent", "Sent", events=CONFIRMED)
    await office.later(3 * SECOND)

    assert len(office.memory) == 1
    assert office.memory.count("ledger") == 1
    assert office.timers == {}
    assert office.memory.expired(office.wall + timedelta(days=8), 10) != []


async def test_a_job_is_looked_at_ever_less_often_until_every_delivery_is_final() -> None:
    office = Office()
    await accepted(office)
    looked = []
    office.account.statuses["xsi-1"] = told("InProcess", "Pending")
    for _ in range(12):
        looked.append((office.next_due() - office.wall).total_seconds())
        office.wall = office.next_due()
        await office.work()
    office.account.statuses["xsi-1"] = told("Sent", "Error", events=CONFIRMED)
    await office.later(timedelta(minutes=6))

    assert 2 <= looked[0] < looked[3] < looked[6] <= max(looked) <= 300
    assert set(office.account.looks) == {"emails/xsi-1"}
    assert [receipt.state for receipt in office.receipts] == [S.ACCEPTED, S.DELIVERED]
    assert office.receipts[1].recipients == (Reached("ada", S.DELIVERED), Reached("bob", S.FAILED, "Error"))
    assert office.receipts[1].detail == "1 of 2 recipients failed"
    assert office.signals == []
    assert office.timers == {}


async def test_a_receipt_follows_only_where_something_changed() -> None:
    office = Office()
    await accepted(office)
    for states in (("Pending",) * 2, ("Sent", "InProcess"), ("Sent", "InProcess"), ("Sent",) * 2, ("Sent",) * 2):
        office.account.statuses["xsi-1"] = told(*states)
        await office.later(timedelta(minutes=6))

    told_of = [(receipt.state, len(receipt.recipients)) for receipt in office.receipts]
    assert told_of == [(S.ACCEPTED, 0), (S.ACCEPTED, 2), (S.SENT, 2)]


async def test_no_receipt_ever_names_an_address() -> None:
    office = Office()
    await accepted(office)
    office.account.statuses["xsi-1"] = told("Error", "Sent")
    await office.later(3 * SECOND)

    assert "example.com" not in repr(office.emitted)


async def test_nobody_reached_is_a_failure_that_operators_hear_of() -> None:
    office = Office()
    await accepted(office)
    office.account.statuses["xsi-1"] = told("Sent", "Sent", events=BOUNCED)
    await office.later(3 * SECOND)

    assert office.fates[-1] == ("m1", S.FAILED)
    assert [signal.detail for signal in office.signals] == ["2 of 2 recipients failed"]


async def test_what_has_no_end_by_the_deadline_is_unknown_and_no_longer_asked_about() -> None:
    office = Office()
    await accepted(office)
    office.account.statuses["xsi-1"] = told("InProcess", "Sent")
    for _ in range(300):
        await office.later(timedelta(minutes=5))

    assert [receipt.state for receipt in office.receipts] == [S.ACCEPTED, S.ACCEPTED, S.UNKNOWN]
    assert office.receipts[-1].recipients == (Reached("ada", S.ACCEPTED), Reached("bob", S.SENT))
    assert office.timers == {}


async def test_what_is_sent_by_the_deadline_stays_sent() -> None:
    office = Office()
    await accepted(office)
    office.account.statuses["xsi-1"] = told("Sent", "Sent")
    for _ in range(300):
        await office.later(timedelta(minutes=5))

    assert [receipt.state for receipt in office.receipts] == [S.ACCEPTED, S.SENT]
    assert office.timers == {}


async def test_a_job_that_is_forgotten_keeps_what_was_known() -> None:
    office = Office()
    await accepted(office)
    office.account.statuses["xsi-1"] = told("Sent", "Sent")
    await office.later(3 * SECOND)
    office.account.statuses["xsi-1"] = Gone()
    await office.later(timedelta(minutes=6))

    assert [receipt.state for receipt in office.receipts] == [S.ACCEPTED, S.SENT]
    assert office.timers == {}


async def test_a_job_that_is_not_there_yet_is_asked_about_again() -> None:
    office = Office()
    await accepted(office)
    await office.later(3 * SECOND)
    office.account.statuses["xsi-1"] = told("Sent", "Sent")
    await office.later(timedelta(minutes=6))

    assert office.fates[-1] == ("m1", S.SENT)


@pytest.mark.parametrize("answer", [DOWN, HELD, NotTaken("HTTP 403")])
async def test_a_lookup_that_fails_changes_nothing_and_comes_again(answer: Any) -> None:
    office = Office()
    await accepted(office)
    office.account.statuses["xsi-1"] = answer
    await office.later(3 * SECOND)
    office.account.statuses["xsi-1"] = told("Sent", "Sent")
    await office.later(timedelta(minutes=1))

    assert office.fates == [("m1", S.ACCEPTED), ("m1", S.SENT)]


# --- callbacks --------------------------------------------------------------------------------------------------------


async def test_a_callback_that_is_final_ends_the_polling() -> None:
    office = Office()
    await accepted(office)
    office.hear(told("Sent", "Sent", events=CONFIRMED).body)

    assert office.fates == [("m1", S.ACCEPTED), ("m1", S.DELIVERED)]
    assert office.timers == {}


async def test_a_callback_that_comes_late_or_twice_takes_nothing_back() -> None:
    office = Office()
    await accepted(office)
    office.hear(told("Sent", "Sent").body)
    office.hear(told("Sent", "Pending").body)
    office.hear(told("Sent", "Sent").body)

    assert office.fates == [("m1", S.ACCEPTED), ("m1", S.SENT)]
    assert office.dropped == ["out-of-date"] * 2
    assert list(office.timers) == [("desk", "poll/m1")]


async def test_a_callback_that_is_quicker_than_the_answer_is_the_answer() -> None:
    office = Office()
    office.arrive(notification("m1"), notification("m2"))
    (timer,) = office.timers.values()
    answers = await office.call(timer)
    office.hear(told("Sent", "Sent").body)
    office.settle(timer, answers)
    await office.work()

    assert office.fates == [("m1", S.ACCEPTED), ("m1", S.SENT), ("m2", S.ACCEPTED)]
    assert office.account.called == ["m1", "m2"]


async def test_a_callback_answers_what_was_in_doubt() -> None:
    office = Office(configuration("unsafe"))
    office.account.script.append(LOST)
    office.arrive(notification("m1"))
    await office.work()
    office.hear(told("InProcess", "InProcess", job_id="xsi-9").body)
    office.account.statuses["xsi-9"] = told("Sent", "Sent", job_id="xsi-9")
    await office.later(3 * SECOND)

    assert office.fates == [("m1", S.IN_DOUBT), ("m1", S.ACCEPTED), ("m1", S.SENT)]
    assert office.receipts[-1].job_id == "xsi-9"


@pytest.mark.parametrize(("body", "reason"), [(told("Sent").body, "nothing-open"), (b"<html>", "unreadable")])
async def test_a_callback_about_nothing_of_ours_is_dropped(body: bytes, reason: str) -> None:
    office = Office()
    office.arrive(notification("m0"), notification("m1"))
    office.hear(body, "m1" if reason == "nothing-open" else "m0")

    assert office.dropped == [reason]
    assert office.emitted == []
