"""Addresses that nobody can ship to: what tells, what is unknown, and what ends it."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alerts import Alert
from schemas.events import Source
from schemas.facts.orders import Address, Hold, HoldFacts, OrderFacts, ToShip
from schemas.questions import QuestionKind
from tests.stages.rules.world import NUMBER, START, Desk

RULE = "order-address-invalid"
WHOLE = Address(country="US", province="KY", has_address1=True, has_city=True, has_zip=True)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def address(**changed: Any) -> Address:
    parts: dict[str, Any] = {"country": "US", "has_address1": True, "has_city": True, "has_zip": True}
    return Address(**parts | changed)


def told(desk: Desk, verdict: str | None = None, minute: float = 0, **changed: Any) -> list[Alert]:
    at = START + minutes(minute)
    facts: dict[str, Any] = {"id": NUMBER, "name": "#1001", "created": START, "updated": at, "financial": "paid"}
    facts |= {"requires_shipping": True, "address": WHOLE, "address_verdict": verdict}
    return desk.event("orders/updated", OrderFacts(**facts | changed), updated=at, occurred=at)


def shown(alerts: list[Alert]) -> list[str]:
    return [f"{alert.state} {alert.severity}" for alert in alerts]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("error", ["firing warning"]), ("warning", ["firing info"]), ("no_issues", []), (None, []), ("a_new_word", [])],
)
def test_shopifys_verdict_tells_how_bad_it_is(verdict: str | None, expected: list[str]) -> None:
    assert shown(told(Desk(), verdict)) == expected


def test_of_an_address_that_is_only_doubtful_nobody_says_that_it_cannot_be_shipped_to() -> None:
    assert [alert.title for alert in told(Desk(), "warning")] == [
        "Order #1001 may not arrive as addressed: Shopify's validation says warning"
    ]


@pytest.mark.parametrize(
    ("lacks", "words"),
    [
        ({"has_address1": False}, "without street"),
        ({"has_city": False}, "without city"),
        ({"has_zip": False}, "without zip"),
        ({"country": None, "has_country": False}, "without country"),
    ],
)
def test_a_part_that_is_there_and_empty_is_told(lacks: dict[str, Any], words: str) -> None:
    raised = told(Desk(), address=address(**lacks))

    assert [alert.title for alert in raised] == [f"Order #1001 cannot be shipped as addressed: {words}"]


@pytest.mark.parametrize(
    "known",
    [
        None,
        Address(),
        Address(country="US"),
        address(country=None),
        address(has_zip=None),
        address(country="HK", has_zip=False),
    ],
)
def test_what_was_dropped_with_its_key_or_no_country_has_is_not_lacking(known: Address | None) -> None:
    assert told(Desk(), address=known) == []


@pytest.mark.parametrize(
    "changed",
    [{"requires_shipping": False}, {"requires_shipping": None}, {"cancelled": START}, {"fulfillment": "fulfilled"}],
)
def test_what_is_not_to_be_shipped_needs_no_address(changed: dict[str, Any]) -> None:
    assert told(Desk(), "error", **changed) == []


def test_an_address_that_is_put_right_ends_it() -> None:
    desk = Desk()
    told(desk, "error", address=address(has_zip=False))

    assert shown(told(desk, "no_issues", 5)) == ["resolved warning"]
    assert desk.open == {}


@pytest.mark.parametrize("verdict", [None, "a_new_word"])
def test_a_verdict_that_is_null_or_not_known_ends_nothing(verdict: str | None) -> None:
    desk = Desk()
    told(desk, "error")

    assert told(desk, verdict, 5) == []
    assert list(desk.open) == [RULE]


def test_without_any_verdict_a_part_that_is_added_ends_it() -> None:
    desk = Desk()
    told(desk, address=address(has_zip=False))

    assert shown(told(desk, minute=5)) == ["resolved warning"]


def test_another_apps_hold_for_the_address_is_told_until_it_is_gone() -> None:
    desk = Desk()
    hold = Hold(id="1", fulfillment_order="7", reason="incorrect_address")
    added = HoldFacts(fulfillment_order="7", released=False, hold=hold)
    gone = HoldFacts(fulfillment_order="7", released=True, hold=hold)

    assert shown(desk.event("fulfillment_holds/added", added)) == ["firing warning"]
    ends = desk.event("fulfillment_holds/released", gone, occurred=START + minutes(1))
    assert shown(ends) == ["resolved warning"]
    assert ends[0].details[0].text == "nothing that is known speaks against the address any more"


def test_a_verdict_that_is_null_is_asked_for_once_more_after_ten_minutes() -> None:
    desk = Desk()
    told(desk, None)

    assert desk.passes(minutes(9)) == []
    assert desk.asked == []
    assert desk.passes(minutes(1)) == []
    assert [question.kind for question in desk.asked] == [QuestionKind.ADDRESS]


def test_the_answer_tells_and_one_that_is_null_again_is_the_last() -> None:
    for verdict, expected in (("error", ["firing warning"]), (None, [])):
        desk = Desk()
        told(desk, None)
        desk.passes(minutes(10))

        raised = desk.answer(OrderFacts(id=NUMBER, address_verdict=verdict, absent=("address", "tags", "terms")))

        assert shown(raised) == expected
        assert desk.passes(minutes(60)) == []
        assert desk.asked == []


def unanswered(desk: Desk) -> None:
    desk.answer(OrderFacts(id=NUMBER, absent=("address", "tags", "terms")), incomplete=("address_verdict", "order"))


def test_a_question_that_shopify_was_silent_about_is_put_again_until_it_answers() -> None:
    desk = Desk()
    told(desk, None)
    desk.passes(minutes(10))
    unanswered(desk)

    assert desk.passes(minutes(9)) == []
    assert desk.asked == []
    desk.passes(minutes(1))
    raised = desk.answer(OrderFacts(id=NUMBER, address_verdict="error", absent=("address", "tags", "terms")))

    assert shown(raised) == ["firing warning"]
    desk.passes(timedelta(hours=6))
    assert [question.kind for question in desk.asked] == []


def test_a_fact_about_the_order_that_comes_late_is_no_answer_about_its_address() -> None:
    desk = Desk()
    facts = OrderFacts(id=NUMBER, created=START, updated=START, requires_shipping=True, address=WHOLE)
    desk.event("orders/create", facts, updated=START, incomplete=("customer",))
    desk.passes(minutes(10))
    unanswered(desk)

    desk.passes(minutes(1))
    desk.event("answer.facts", facts, updated=START, source=Source.ANSWER)
    desk.passes(minutes(9))

    assert [question.kind for question in desk.asked] == [QuestionKind.ADDRESS]


def test_a_question_that_is_never_answered_is_put_less_and_less_often_and_then_no_more() -> None:
    desk, asked = Desk(), list[int]()
    told(desk, None)

    for minute in range(24 * 60):
        desk.passes(minutes(1))
        if desk.asked:
            asked.append(minute + 1)
            unanswered(desk)

    assert asked == [10, 20, 40, 80, 160, 320]


def test_what_could_not_be_looked_up_is_not_asked_for_again_here() -> None:
    desk = Desk()
    at = START
    facts = OrderFacts(id=NUMBER, created=at, updated=at, requires_shipping=True, address=WHOLE)
    desk.event("orders/create", facts, updated=at, incomplete=("address_verdict",))

    desk.passes(minutes(60))

    assert desk.asked == []


@pytest.mark.parametrize("kind", ["answer.facts", "orders/updated"])
def test_a_verdict_that_was_not_known_and_is_null_then_is_asked_for_once_more(kind: str) -> None:
    desk = Desk()
    facts = OrderFacts(id=NUMBER, created=START, updated=START, requires_shipping=True, address=WHOLE)
    desk.event("orders/create", facts, updated=START, incomplete=("address_verdict",))
    desk.passes(minutes(2))

    source = Source.ANSWER if kind == "answer.facts" else Source.WEBHOOK
    desk.event(kind, facts, updated=START, source=source)
    desk.passes(minutes(60))

    assert [question.kind for question in desk.asked] == [QuestionKind.ADDRESS]


def test_a_verdict_that_says_nothing_takes_none_back_whichever_came_first() -> None:
    answer = OrderFacts(id=NUMBER, absent=("address", "tags", "terms"))
    for order in permutations((("error", 0), ("a_new_word", 5), (None, 7))):
        desk = Desk()
        for verdict, minute in order:
            told(desk, verdict, minute)
        desk.event("answer.address", answer, occurred=START + minutes(9), source=Source.ANSWER)
        assert set(desk.open) == {RULE}
    desk = Desk()
    desk.event("answer.address", answer, occurred=START + minutes(9), source=Source.ANSWER)
    assert shown(told(desk, "error")) == ["firing warning"]


STEPS = ((0, "error", WHOLE), (5, None, address(has_zip=False)), (9, "no_issues", WHOLE), (12, "warning", WHOLE))


@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=8))
@settings(max_examples=60)
def test_what_is_open_does_not_depend_on_the_order_of_deliveries(steps: list[tuple[int, str | None, Address]]) -> None:
    orders = (steps, sorted(steps, key=lambda step: step[0]))
    ends = []
    for order in orders:
        desk = Desk()
        for minute, verdict, known in order:
            told(desk, verdict, minute, address=known)
        ends.append(desk.open_conditions)

    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (("shipping",), ["firing warning"]),
        (("local",), ["firing warning"]),
        (("pickup_point", "pick_up"), ["firing warning"]),
        (("pick_up",), []),
        (("none", "retail"), []),
        ((None, "retail"), ["firing warning"]),
        ((), []),
    ],
)
def test_only_what_goes_to_an_address_needs_one(methods: tuple[str | None, ...], expected: list[str]) -> None:
    routed = tuple(ToShip(str(number), "open", method) for number, method in enumerate(methods))

    assert shown(told(Desk(), "error", to_ship=routed)) == expected


def test_what_turns_out_to_be_picked_up_ends_it_and_what_another_app_holds_does_not() -> None:
    desk, picked_up = Desk(), (ToShip("7", "open", "pick_up"),)
    told(desk, "error")
    ends = told(desk, "error", 5, to_ship=picked_up)
    hold = Hold(id="1", fulfillment_order="7", reason="incorrect_address")

    assert shown(ends) == ["resolved warning"]
    assert ends[0].details[0].text == "nothing of the order is shipped (pick up)"
    added = HoldFacts(fulfillment_order="7", released=False, hold=hold)
    assert shown(desk.event("fulfillment_holds/added", added, occurred=START + minutes(6))) == ["firing warning"]


@pytest.mark.parametrize("before", [None, "error"])
def test_an_address_that_is_changed_is_asked_about_like_the_first_one(before: str | None) -> None:
    desk = Desk()
    told(desk, before, address=address(edition=1))
    desk.passes(minutes(10))
    if before is None:
        desk.answer(OrderFacts(id=NUMBER, absent=("address", "tags", "terms")))
    desk.passes(minutes(50))
    told(desk, None, 60, address=address(edition=2))

    desk.passes(minutes(9))
    assert desk.asked == []
    desk.passes(minutes(1))
    assert [question.kind for question in desk.asked] == [QuestionKind.ADDRESS]
    desk.answer(OrderFacts(id=NUMBER, address_verdict="no_issues", absent=("address", "tags", "terms")))
    assert desk.open == {}
    desk.passes(timedelta(hours=20))
    assert desk.asked == []


def test_before_it_gets_worse_shopify_is_asked_whether_the_address_has_been_put_right() -> None:
    desk = Desk()
    told(desk, "error")
    told(desk, None, 60)

    desk.passes(timedelta(hours=24))

    asked = OrderFacts(id=NUMBER, updated=desk.now, address_verdict="no_issues")
    assert [question.kind for question in desk.asked] == [QuestionKind.ADDRESS]
    assert shown(desk.answer(asked)) == ["resolved warning"]


def test_a_verdict_that_is_null_by_now_takes_back_none() -> None:
    desk = Desk()
    told(desk, "error")
    desk.passes(timedelta(hours=24))

    assert shown(desk.answer(OrderFacts(id=NUMBER, updated=desk.now))) == ["updated critical"]
    assert set(desk.open) == {RULE}
