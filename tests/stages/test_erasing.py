"""A shop's erasure in `dispatch`: nothing of it is said, sent or followed any more, and every line goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.alerts import Alert
from schemas.notifications import Notification, SendingState
from stages.opentext.answers import TryAgain
from stages.stage import SweepCause
from tests.stages.opentext.desk import Office, alert, configuration, notification, told

S = SendingState
SECOND = timedelta(seconds=1)
SHOP, OTHER = "example.myshopify.com", "other.myshopify.com"
LOST = TryAgain("no answer within 10 s", may_have_arrived=True)
DOWN = TryAgain("HTTP 503")


def of(shop: str, name: str = "a1") -> Alert:
    return replace(alert(name), shop=shop, subject=f"{shop}/inventory/1")


def of_other(message_id: str, group: str = "g") -> Notification:
    return notification(message_id, group, of(OTHER, message_id))


def erase(office: Office) -> None:
    office.visit(SweepCause.REDACTED, SHOP)


def says(office: Office, shop: str) -> bool:
    return any(shop.encode() in value for value in office.memory._values.values())


async def test_what_waits_behind_a_head_goes_at_once_and_without_a_receipt() -> None:
    office = Office()
    office.account.script.append(DOWN)
    office.arrive(of_other("m1"), notification("m2"), of_other("m3"))
    await office.work()

    erase(office)

    assert not says(office, SHOP)
    await office.later(timedelta(minutes=1))
    assert office.account.called == ["m1", "m1", "m3"]
    assert {message_id for message_id, _ in office.fates} == {"m1", "m3"}


async def test_a_head_that_is_not_under_way_is_never_sent_and_makes_room_at_once() -> None:
    office = Office()
    office.arrive(notification("m1"), of_other("m2"))

    erase(office)

    assert not says(office, SHOP)
    await office.work()
    assert office.account.called == ["m2"]


async def test_a_head_that_is_to_be_tried_again_is_not_and_what_is_behind_it_waits_no_longer() -> None:
    office = Office()
    office.account.script.append(DOWN)
    office.arrive(notification("m1"), of_other("m2"))
    await office.work()

    erase(office)
    await office.work()

    assert office.account.called == ["m1", "m2"]
    assert [message_id for message_id, _ in office.fates] == ["m2"]


@pytest.mark.parametrize("answer", [None, DOWN, LOST], ids=["accepted", "down", "lost"])
@pytest.mark.parametrize("repeats", ["safe", "unsafe"])
async def test_a_call_that_is_under_way_ends_and_then_its_place_is_free(answer: TryAgain | None, repeats: str) -> None:
    office = Office(configuration(repeats))
    office.arrive(notification("m1"), of_other("m2"))
    (timer,) = office.timers.values()
    if repeats == "unsafe":
        office.settle(timer, await office.call(timer))
        (timer,) = office.timers.values()
    if answer is not None:
        office.account.script.append(answer)
    answers = await office.call(timer)

    erase(office)
    assert office.plan(timer) == ()
    office.settle(timer, answers)
    await office.work()

    assert office.account.called == ["m1", "m2"]
    assert [message_id for message_id, _ in office.fates] == ["m2"]
    assert (office.memory.count("waiting"), office.memory.count("line")) == (0, 0)


async def test_a_callback_for_what_was_erased_under_way_says_nothing() -> None:
    office = Office()
    office.arrive(notification("m1"))
    (timer,) = office.timers.values()
    answers = await office.call(timer)
    erase(office)

    office.hear(told("Sent", "Sent").body)
    office.settle(timer, answers)
    office.hear(told("Sent", "Sent").body)

    assert (office.receipts, office.dropped) == ([], ["nothing-open"] * 2)


async def test_what_opentext_has_is_not_followed_any_more() -> None:
    office = Office()
    office.arrive(notification("m1"), of_other("m2", "h"))
    await office.work()

    erase(office)

    assert not says(office, SHOP)
    assert list(office.timers) == [("desk", "poll/m2")]
    await office.later(timedelta(minutes=10))
    assert set(office.account.looks) == {"emails/xsi-2"}


async def test_a_message_about_two_shops_goes_out_with_what_is_about_the_other_one() -> None:
    office = Office()
    office.arrive(notification("m1", "g", of(SHOP, "a1"), of(OTHER, "a2")))

    erase(office)
    await office.work()

    ((_, submission, _),) = office.account.calls
    assert not says(office, SHOP)
    assert office.receipts[0].alert_ids == ("a2",)
    assert SHOP not in submission.body.decode()


async def test_the_same_notification_does_not_come_back() -> None:
    office = Office()
    office.arrive(notification("m1"))
    erase(office)
    await office.work()

    office.arrive(notification("m1"))

    assert office.dropped == ["already-known"]


@pytest.mark.parametrize("cause", [SweepCause.CONFIGURATION, SweepCause.UNINSTALLED])
async def test_other_sweeps_change_nothing(cause: SweepCause) -> None:
    office = Office()
    office.arrive(notification("m1"))
    before = dict(office.memory._values)

    office.visit(cause, SHOP)

    assert dict(office.memory._values) == before


LINES = st.lists(st.tuples(st.sampled_from("gh"), st.sampled_from([SHOP, OTHER]), st.booleans()), max_size=8)


@given(LINES)
async def test_visiting_again_changes_nothing_and_the_rest_goes_out_in_order(
    arrived: list[tuple[str, str, bool]],
) -> None:
    office = Office()
    for number, (group, shop, works) in enumerate(arrived):
        office.arrive(notification(f"m{number}", group, of(shop, f"a{number}")))
        if works:
            await office.work()
    already = list(office.account.called)

    erase(office)
    once = dict(office.memory._values)
    erase(office)
    assert dict(office.memory._values) == once
    await office.work()

    left = [f"m{number}" for number, (_, shop, _) in enumerate(arrived) if shop == OTHER]
    assert sorted(office.account.called[len(already) :]) == sorted(one for one in left if one not in already)
    for group in "gh":
        mine = [f"m{number}" for number, (of_group, _, _) in enumerate(arrived) if of_group == group]
        called = [one for one in office.account.called if one in mine]
        assert called == [one for one in mine if one in called]
    assert not says(office, SHOP)
