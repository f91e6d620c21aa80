"""Disputes: evidence that is needed, its deadline, and whether the order can still be stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import subjects
from schemas.alerts import Alert, AlertState, Audience, Severity
from schemas.configuration import Person, Route, Team
from schemas.facts.orders import OrderFacts
from schemas.facts.returns import DisputeFacts
from stages.judging.doubts import AWAY, BEHIND, NOT_CONFIRMED
from tests.stages.rules.world import NUMBER, SHOP, START, Desk, configuration, usd

RULE = "dispute-evidence-due"
DUE = START + timedelta(days=5)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def dispute(status: str | None = "needs_response", **changed: Any) -> DisputeFacts:
    told: dict[str, Any] = {"id": 5, "order_id": NUMBER, "kind": "chargeback", "status": status}
    told |= {"reason": "fraudulent", "amount": usd("49.90"), "evidence_due": DUE}
    return DisputeFacts(**told | changed)


def tell(desk: Desk, facts: DisputeFacts, at: datetime | None = None, delivery_id: str = "") -> list[Alert]:
    return desk.event("disputes/update", facts, occurred=at or desk.now, delivery_id=delivery_id)


def order(fulfillment: str | None = "fulfilled", **changed: Any) -> OrderFacts:
    told: dict[str, Any] = {"id": NUMBER, "name": "#1001", "financial": "paid", "fulfillment": fulfillment}
    return OrderFacts(**told | {"updated": START} | changed)


def told_order(desk: Desk, facts: OrderFacts) -> None:
    desk.event("orders/updated", facts, updated=facts.updated)


def routed() -> Desk:
    person = (Person(name="desk", email="desk@example.com"),)
    readers = (Audience.OPERATIONS, Audience.FINANCE)
    teams = tuple(Team(name=name, people=person) for name in ("others", *(each.value for each in readers)))
    routes = tuple(Route(teams=(each.value,), audiences=(each,)) for each in readers)
    return Desk(configuration(teams=teams, routes=Route(teams=("others",), routes=routes)))


def test_evidence_that_is_needed_for_a_shipped_order_is_for_finance() -> None:
    desk = routed()
    told_order(desk, order())

    (alert,) = tell(desk, dispute())

    assert (alert.rule, alert.team, alert.severity) == (RULE, "finance", Severity.WARNING)
    assert alert.title == "Chargeback over 49.90 USD, order #1001: evidence is needed, 5 days left"
    assert {(detail.label, detail.text) for detail in alert.details} >= {
        ("Amount at risk", "49.90 USD"),
        ("Deadline", "07 Nov 2026 at 09:00 UTC"),
        ("Reason", "fraudulent"),
        ("Shipped", "yes"),
    }


def test_for_an_order_that_has_not_been_shipped_it_is_critical_and_operations_must_stop_it() -> None:
    desk = routed()
    told_order(desk, order(None))

    told = tell(desk, dispute())

    assert {(alert.team, alert.severity) for alert in told} == {
        ("finance", Severity.CRITICAL),
        ("operations", Severity.CRITICAL),
    }
    assert told[0].next_step.startswith("Stop the shipment")


@pytest.mark.parametrize("changed", [{"cancelled": START}, {"requires_shipping": False}, {"absent": ("fulfillment",)}])
def test_there_is_nothing_to_stop_where_nothing_will_be_shipped_as_far_as_is_known(changed: dict[str, Any]) -> None:
    desk = routed()
    told_order(desk, order(None, **changed))

    told = tell(desk, dispute())

    assert [alert.team for alert in told] == ["finance"]


def test_of_an_order_that_nobody_has_told_of_shopify_is_asked_first() -> None:
    desk = routed()
    tell(desk, dispute())
    desk.passes(timedelta(0))
    asked = [question.kind.value for question in desk.asked]

    told = desk.answer(order(None))

    assert asked == ["order"]
    assert {alert.team for alert in told} == {"finance", "operations"}


def test_without_an_answer_it_is_a_warning_that_says_what_is_not_known() -> None:
    desk = Desk()
    tell(desk, dispute())

    desk.passes(timedelta(minutes=1))

    (alert,) = desk.alerts
    assert alert.severity is Severity.WARNING
    assert "whether the order was shipped" in alert.unknown


def test_it_is_told_again_and_critical_72_and_24_hours_before_the_deadline_once_shopify_was_asked() -> None:
    desk = Desk()
    told_order(desk, order())
    tell(desk, dispute())

    for day in (2, 4):
        desk.passes(START + days(day) - desk.now)
        assert [(question.kind.value, question.resource) for question in desk.asked] == [("dispute", "5")]
        desk.answer(dispute())

    assert [(alert.at - START, alert.severity, alert.unknown) for alert in desk.alerts] == [
        (timedelta(0), Severity.WARNING, ()),
        (timedelta(days=2), Severity.CRITICAL, ()),
        (timedelta(days=4), Severity.CRITICAL, ()),
    ]
    assert desk.alerts[-1].title.endswith("1 day left")


@pytest.mark.parametrize(("left", "told"), [(71, 2), (20, 1)])
def test_one_that_is_learned_of_late_begins_critical_and_is_reminded_of_once_for_each_time_left(
    left: float, told: int
) -> None:
    desk = Desk()
    told_order(desk, order())

    tell(desk, dispute(evidence_due=START + timedelta(hours=left)))
    desk.passes(days(4))

    assert [alert.severity for alert in desk.told(RULE)] == [Severity.CRITICAL] * told


def test_evidence_that_shopify_knows_to_be_sent_ends_it_instead() -> None:
    desk = Desk()
    told_order(desk, order())
    tell(desk, dispute())
    desk.passes(days(2))

    desk.answer(dispute(evidence_sent=START + days(1)))
    desk.passes(days(9))

    assert [alert.state for alert in desk.alerts] == [AlertState.FIRING, AlertState.RESOLVED]


def test_without_an_answer_what_was_known_of_it_stays_known() -> None:
    desk = Desk()
    told_order(desk, order())
    tell(desk, dispute())
    desk.passes(days(2))

    (alert,) = desk.answer(DisputeFacts(id=5), incomplete=("dispute",))

    assert (alert.severity, alert.unknown) == (Severity.CRITICAL, (NOT_CONFIRMED,))
    assert alert.title == "Chargeback over 49.90 USD, order #1001: evidence is needed, 3 days left"


def test_an_inquiry_that_becomes_a_chargeback_needs_evidence_anew() -> None:
    desk = Desk()
    told_order(desk, order())
    tell(desk, dispute(kind="inquiry"))
    tell(desk, dispute("under_review", kind="inquiry", evidence_sent=START + days(1)), START + days(1))

    (again,) = tell(desk, dispute(evidence_sent=START + days(1)), START + days(2))
    (sent,) = tell(desk, dispute(evidence_sent=START + days(3)), START + days(3))

    assert again.title == "Chargeback over 49.90 USD, order #1001: evidence is needed, 5 days left"
    assert (again.state, sent.state) == (AlertState.FIRING, AlertState.RESOLVED)


@pytest.mark.parametrize("limbo_first", [False, True])
def test_a_status_that_nobody_knows_hides_none_that_is_known_whichever_comes_first(limbo_first: bool) -> None:
    desk = Desk()
    told_order(desk, order())
    deliveries = [(dispute(), START), (dispute("limbo"), START + days(1))]

    for facts, at in reversed(deliveries) if limbo_first else deliveries:
        tell(desk, facts, at)

    assert set(desk.open) == {RULE}


def test_its_deadline_does_not_wait_for_a_pipeline_that_is_behind_or_a_receiver_that_was_away() -> None:
    desk = Desk()
    told_order(desk, order())
    tell(desk, dispute())
    desk.is_behind, desk.missed_until = True, DUE

    (alert,) = desk.passes(days(3))

    assert (alert.severity, alert.unknown) == (Severity.CRITICAL, (NOT_CONFIRMED, BEHIND, AWAY))


def test_without_a_deadline_it_says_so_and_is_told_once() -> None:
    desk = Desk()
    tell(desk, dispute(evidence_due=None))

    desk.passes(days(90))

    (alert,) = desk.alerts
    assert alert.title.endswith("no deadline is known")


def test_evidence_that_was_sent_ends_it() -> None:
    desk = Desk()
    told_order(desk, order())
    tell(desk, dispute())
    desk.passes(days(1))

    tell(desk, dispute(evidence_sent=desk.now))
    desk.passes(days(10))

    assert [alert.state for alert in desk.told(RULE)] == [AlertState.FIRING, AlertState.RESOLVED]


def test_under_review_ends_it_and_tells_no_outcome() -> None:
    desk = Desk()
    told_order(desk, order())
    tell(desk, dispute())
    desk.passes(days(1))

    (end,) = tell(desk, dispute("under_review"))

    assert end.state is AlertState.RESOLVED


@pytest.mark.parametrize("status", ["won", "lost", "accepted", "prevented", "charge_refunded"])
def test_its_outcome_is_told_once_as_news(status: str) -> None:
    desk = routed()

    for _ in range(2):
        tell(desk, dispute(status))

    (alert,) = desk.alerts
    assert (alert.milestone, alert.severity, alert.team) == (True, Severity.INFO, "finance")
    assert alert.title == f"Chargeback over 49.90 USD, order {NUMBER}: {status.replace('_', ' ')}"


@pytest.mark.parametrize("status", [None, "a_word_of_tomorrow"])
def test_a_status_that_nobody_knows_neither_begins_nor_ends_it(status: str | None) -> None:
    new, known = Desk(), Desk()
    told_order(known, order())
    tell(known, dispute())
    known.passes(days(1))

    tell(new, dispute(status))
    tell(known, dispute(status))
    new.passes(days(6))

    assert new.alerts == []
    assert RULE in known.open


def test_one_without_an_order_stands_for_itself() -> None:
    desk, subject = Desk(), subjects.resource(SHOP, "dispute", 5)

    told = desk.event("disputes/create", dispute(order_id=None), subject)

    assert [alert.title for alert in told] == ["Chargeback 5 over 49.90 USD: evidence is needed, 5 days left"]
    assert told[0].link == "https://admin.shopify.com/store/demo/payments/disputes"


DELIVERIES = (
    (dispute(), START, "a"),
    (dispute(evidence_due=DUE + days(1)), START + days(1), "b"),
    (dispute("under_review", evidence_sent=START + days(2)), START + days(2), "c"),
)


@settings(max_examples=60)
@given(st.permutations(DELIVERIES), st.lists(st.sampled_from(DELIVERIES), max_size=3), st.booleans())
def test_what_stays_open_does_not_depend_on_order_and_repetition(
    shuffled: list[tuple[DisputeFacts, datetime, str]], again: list[tuple[DisputeFacts, datetime, str]], sent: bool
) -> None:
    desk = Desk()
    for facts, at, delivery in [*shuffled, *again]:
        if sent or delivery != "c":
            tell(desk, facts, at, delivery)
    desk.passes(days(10))

    assert list(desk.open) == ([] if sent else [RULE])
