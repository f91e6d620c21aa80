"""Returns from their request to their end: what is told of each, and those that wait for somebody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas import subjects
from schemas.alerts import Alert, AlertState, Audience, Severity
from schemas.events import Source
from schemas.facts.returns import (
    Disposition,
    DispositionFacts,
    Origin,
    RefundFacts,
    RefundTransaction,
    ReturnFacts,
    ReturnLine,
    ReverseDeliveryFacts,
)
from schemas.facts.table import AnyFacts
from tests.stages.rules.world import NUMBER, SHOP, START, Desk, labels, routed, usd

BACK = 700
NAME = "#1001-R1"
TOPICS = {
    "request": "requested",
    "approve": "open",
    "decline": "declined",
    "cancel": "canceled",
    "close": "closed",
    "reopen": "open",
}

#: Who hears of returns and refunds.
READERS = (Audience.RETURNS, Audience.CUSTOMER_SERVICE, Audience.FINANCE)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def returned(status: str | None, **changed: Any) -> ReturnFacts:
    told: dict[str, Any] = {"id": BACK, "order_id": NUMBER, "name": NAME, "status": status, "quantity": 2}
    return ReturnFacts(**told | {"reasons": ("defective",)} | changed)


def tell(desk: Desk, topic: str, at: datetime | None = None, **changed: Any) -> list[Alert]:
    facts = returned(TOPICS.get(topic), **changed)
    return desk.event(f"returns/{topic}", facts, occurred=at or desk.now)


def disposed(quantity: int = 2, kind: str = "restocked", of: int | None = BACK, number: int = 900) -> DispositionFacts:
    name = None if of is None else NAME
    return DispositionFacts(
        id=number, dispositions=(Disposition(kind, quantity),), order_id=NUMBER, return_id=of, return_name=name
    )


def arrive(desk: Desk, facts: DispositionFacts | None = None) -> list[Alert]:
    return desk.event("reverse_fulfillment_orders/dispose", facts or disposed())


def attached(tracking: bool = True, number: int = 800) -> ReverseDeliveryFacts:
    return ReverseDeliveryFacts(id=number, return_id=BACK, carrier="UPS", has_tracking=tracking, has_label=tracking)


def refunded(
    number: int = 600, status: str = "success", of: int | None = BACK, quantity: int = 2, at: datetime = START
) -> RefundFacts:
    paid = RefundTransaction(id=number + 1, kind="refund", status=status, amount=usd(250), gateway="shopify_payments")
    return RefundFacts(
        id=number, order_id=NUMBER, return_id=of, created=at, processed=at, quantity=quantity, transactions=(paid,)
    )


def rules_of(alerts: list[Alert]) -> list[str]:
    return [alert.rule for alert in alerts]


# --- milestones -------------------------------------------------------------------------------------------------------


def test_a_return_from_its_request_to_its_close_is_told_step_by_step_and_each_step_once() -> None:
    desk = Desk()
    for _ in range(2):
        tell(desk, "request", START)
        tell(desk, "approve", START + hours(1))
        desk.event("reverse_deliveries/attach_deliverable", attached(), occurred=START + hours(2))
        desk.event("reverse_fulfillment_orders/dispose", disposed(), occurred=START + hours(3), delivery_id="d")
        desk.event("refunds/create", refunded(at=START + hours(4)), occurred=START + hours(4))
        tell(desk, "close", START + hours(5))

    assert [(alert.rule, alert.title) for alert in desk.alerts if alert.milestone] == [
        ("return-initiated", f"Return {NAME}: requested"),
        ("return-approved", f"Return {NAME}: approved"),
        ("return-labelled", f"Return {NAME}: label or tracking attached"),
        ("return-received", f"Return {NAME}: received 2 of 2"),
        ("return-refunded", f"Return {NAME}: refunded 250 USD"),
        ("return-closed", f"Return {NAME}: closed"),
    ]
    assert {alert.severity for alert in desk.alerts} == {Severity.INFO}
    assert desk.open == {}
    assert desk.due == {}


def test_later_notifications_name_the_earlier_states_and_their_times() -> None:
    desk = Desk()
    tell(desk, "request", START)
    tell(desk, "approve", START + hours(1))
    desk.event("reverse_deliveries/attach_deliverable", attached(tracking=False), occurred=START + hours(2))
    desk.event("reverse_fulfillment_orders/dispose", disposed(), occurred=START + hours(26))
    desk.event("refunds/create", refunded(at=START + hours(28)), occurred=START + hours(28))

    (closed,) = tell(desk, "close", START + hours(30))

    assert labels(closed)["Reason"] == "defective"
    assert labels(closed)["Earlier"] == (
        "requested 02 Nov at 09:00, approved 02 Nov at 10:00, received 03 Nov at 11:00, "
        "refunded 250 USD 03 Nov at 13:00 (UTC)"
    )


@pytest.mark.parametrize(
    ("topic", "rule", "teams"),
    [
        ("request", "return-initiated", {"returns", "customer-service"}),
        ("decline", "return-declined", {"returns", "customer-service"}),
        ("cancel", "return-canceled", {"returns"}),
        ("reopen", "return-reopened", {"returns"}),
    ],
)
def test_each_milestone_has_its_readers(topic: str, rule: str, teams: set[str]) -> None:
    desk = Desk(routed(*READERS))

    tell(desk, topic)

    assert {alert.team for alert in desk.told(rule)} == teams


def test_what_arrives_is_for_returns_and_finance_what_is_paid_for_finance_and_support() -> None:
    desk = Desk(routed(*READERS))
    tell(desk, "approve")

    arrive(desk)
    desk.event("refunds/create", refunded())

    assert {alert.team for alert in desk.told("return-received")} == {"returns", "finance"}
    assert {alert.team for alert in desk.told("return-refunded")} == {"finance", "customer-service"}


def test_one_that_staff_opened_was_never_requested() -> None:
    desk = Desk()

    told = tell(desk, "approve")

    assert [(alert.rule, alert.title) for alert in told] == [
        ("return-initiated", f"Return {NAME}: opened by staff"),
        ("return-approved", f"Return {NAME}: approved"),
    ]


def test_one_that_was_made_before_it_was_approved_had_been_requested_whatever_was_told_of_that() -> None:
    desk = Desk()

    told = tell(desk, "approve", created=START - hours(3), approved=START, dispositions=())

    assert told[0].title == f"Return {NAME}: requested"
    assert told[0].since == START - hours(3)


def test_what_an_answer_tells_of_a_request_before_its_webhook_does_was_requested_when_it_was_made() -> None:
    desk = Desk()
    late = replace(returned("requested", dispositions=()), created=START - days(2))

    told = desk.event("answer.return", late, source=Source.ANSWER)

    assert [(alert.rule, alert.since) for alert in told] == [("return-initiated", START - days(2))]


def test_a_decline_says_why() -> None:
    desk = Desk()

    tell(desk, "decline", decline_reason="return_period_ended")

    assert desk.told("return-declined")[0].title == f"Return {NAME}: declined, return period ended"


def test_what_is_missing_has_not_arrived() -> None:
    desk = Desk()
    tell(desk, "approve")

    arrive(desk, disposed(kind="missing"))

    assert desk.told("return-received") == []


def test_part_of_it_arrived_is_said() -> None:
    desk = Desk()
    tell(desk, "approve")

    arrive(desk, disposed(1))

    assert desk.told("return-received")[0].title == f"Return {NAME}: received 1 of 2"


def test_more_than_the_return_has_has_not_arrived() -> None:
    """How a second body counts what the first one told already is documented by one sample only."""
    desk = Desk()
    tell(desk, "approve")

    arrive(desk, disposed(3))

    assert desk.told("return-received")[0].title == f"Return {NAME}: received 2 of 2"


def piece(units: int, part: int | None = None, kind: str = "restocked", **known: Any) -> Disposition:
    """With `id`, as Shopify knows it: what else is known of it may be named too."""
    return Disposition(kind, units, part, **({"reverse": 900} | known if known else {}))


def came(desk: Desk, *told: Disposition, known: tuple[Disposition, ...] | None = None) -> list[Alert]:
    facts = disposed()
    return arrive(desk, replace(facts, dispositions=told, disposed=known))


def received(desk: Desk) -> str:
    """As any later message says it."""
    (label,) = desk.event("reverse_deliveries/attach_deliverable", attached())
    return labels(label).get("Received", "nothing")


A, B = piece(1, 11, id=1), piece(1, 12, id=2)
SAME = piece(1, 11, id=3)


@pytest.mark.parametrize(
    ("told", "units"),
    [
        ([((piece(1, 11),), None), ((piece(1, 11),), None)], "1"),
        ([((piece(1, 11),), None), ((piece(1, 12),), None)], "2"),
        ([((piece(1, 11), piece(1, 11)), None)], "2"),
        ([((piece(1, 11),), (A,)), ((piece(1, 11),), (A,))], "1"),
        ([((piece(1, 11),), (A,)), ((piece(1, 11),), (A, SAME))], "2"),
        ([((piece(1, 11),), (A,)), ((piece(1, 11),), None)], "1"),
        ([((piece(1, 11),), ()), ((piece(1, 12),), (A, B))], "2"),
        ([((piece(1, 11, "missing"),), (piece(1, 11, "missing", id=1),)), ((piece(1, 12),), (B,))], "1"),
        ([((piece(0, 11),), None)], "1"),
    ],
    ids=[
        "the same twice and nobody knows its id",
        "two lines",
        "two of one line in one body",
        "the same twice by its id",
        "two alike, known by their ids",
        "again, and Shopify is not reached",
        "Shopify learns of it later",
        "one is missing",
        "not counted",
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_disposition_counts_once_however_often_it_is_told(
    told: list[tuple[tuple[Disposition, ...], tuple[Disposition, ...] | None]], units: str, turned: bool
) -> None:
    desk = Desk()
    tell(desk, "approve", quantity=3)

    for pieces, known in reversed(told) if turned else told:
        came(desk, *pieces, known=known)

    assert received(desk) == units


PIECES = (piece(1, 11), piece(2, 12), piece(1, 13, "missing"), piece(1, 14, "not_restocked"))
KNOWN = tuple(replace(each, id=number, reverse=900, at=START) for number, each in enumerate(PIECES, 1))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sets(st.sampled_from(range(4)), min_size=1), st.none() | st.sampled_from(range(5))),
        min_size=1,
        max_size=6,
    )
)
def test_what_was_received_does_not_depend_on_order_repetition_or_what_could_be_looked_up(
    bodies: list[tuple[set[int], int | None]],
) -> None:
    """Whatever is looked up knows the first of them, or none yet."""
    desk = Desk()
    tell(desk, "approve", quantity=9)
    for told, looked in bodies:
        came(desk, *(PIECES[n] for n in sorted(told)), known=None if looked is None else KNOWN[:looked])

    there = set().union(*(told for told, _ in bodies), *(range(looked or 0) for _, looked in bodies))
    units = sum(PIECES[n].quantity for n in there if PIECES[n].kind != "missing")
    assert received(desk) == (str(units) if units else "nothing")


def test_a_parcel_that_names_no_return_belongs_to_the_orders_only_one() -> None:
    desk = Desk()
    tell(desk, "approve")

    arrive(desk, disposed(of=None))

    assert rules_of(desk.told("return-received")) == ["return-received"]


def test_processed_without_a_disposition_has_arrived_too() -> None:
    desk = Desk()
    tell(desk, "approve")

    tell(desk, "process", quantity=None)

    assert len(desk.told("return-received")) == 1


def test_a_refund_whose_money_did_not_move_is_no_milestone() -> None:
    desk = Desk()

    desk.event("refunds/create", refunded(status="pending"))

    assert desk.told("return-refunded") == []


def test_a_refund_without_a_return_says_so_and_what_has_moved() -> None:
    desk = Desk()
    more = RefundTransaction(7, "refund", "success", usd(50), "gift_card")
    pending = RefundTransaction(8, "refund", "pending", usd(10), "paypal")
    facts = refunded(of=None)

    desk.event("refunds/create", replace(facts, transactions=(*facts.transactions, more, pending)))

    (alert,) = desk.told("return-refunded")
    assert alert.title == f"Refund without a return, order {NUMBER}: refunded 300 USD"
    wanted = {"Units": "2", "Gateway": "gift_card, paypal, shopify_payments", "Not moved": "10 USD, pending"}
    assert labels(alert).items() >= wanted.items()


def test_a_refund_without_a_currency_says_that_nobody_knows_how_much_it_was() -> None:
    desk = Desk()
    paid = RefundTransaction(7, "refund", "success", gateway="bogus")

    desk.event("refunds/create", replace(refunded(), transactions=(paid,)))

    assert "how much was refunded" in desk.told("return-refunded")[0].unknown


def test_a_refund_whose_body_does_not_say_whether_it_is_of_a_return_says_that() -> None:
    desk = Desk()

    desk.event("refunds/create", replace(refunded(of=None), absent=("return_id",)), incomplete=("refund",))

    (alert,) = desk.told("return-refunded")
    assert alert.title == f"Refund, order {NUMBER}: refunded 250 USD"
    assert alert.unknown == ("whether it is of a return",)


def test_a_body_without_lines_says_what_it_does_not_tell() -> None:
    desk = Desk()

    (alert,) = tell(desk, "request", quantity=None, reasons=(), line_count=2)

    assert labels(alert)["Lines"] == "2"
    assert alert.unknown == ("how many units it has", "why it was sent back")


@pytest.mark.parametrize(
    "facts",
    [
        returned("open", origin=Origin(test=True)),
        replace(disposed(), origin=Origin(test=True)),
        replace(refunded(), origin=Origin(created=START, processed=START - days(30))),
    ],
    ids=["return", "disposition", "refund"],
)
def test_of_a_test_order_or_one_brought_over_nothing_is_told_also_where_no_webhook_told_of_the_order(
    facts: AnyFacts,
) -> None:
    desk = Desk()

    desk.event("returns/update", facts)
    arrive(desk)
    desk.passes(days(30))

    assert desk.alerts == []


def test_a_label_is_told_once_however_many_parcels_there_are_and_an_empty_one_not_at_all() -> None:
    desk = Desk()
    desk.event("reverse_deliveries/attach_deliverable", attached(tracking=False, number=1))
    before = desk.told("return-labelled")

    desk.event("reverse_deliveries/attach_deliverable", attached(number=2))
    desk.event("reverse_deliveries/attach_deliverable", attached(number=3))

    assert before == []
    assert len(desk.told("return-labelled")) == 1


def test_a_return_that_is_its_own_subject_is_told_of_too() -> None:
    """Without Admin access nobody can tell whose order a parcel is of."""
    desk = Desk()

    desk.event("reverse_deliveries/attach_deliverable", attached(), subjects.resource(SHOP, "return", BACK))

    assert [alert.title for alert in desk.told("return-labelled")] == [f"Return {BACK}: label or tracking attached"]


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (3, 2, 1, 0, 4), (2, 0, 4, 3, 1)])
def test_each_closing_and_reopening_is_told_once_whatever_comes_first_and_however_often(order: tuple[int, ...]) -> None:
    desk = Desk()
    turns = [("close", 1.0), ("reopen", 2.0), ("close", 3.0), ("close", 3.1), ("reopen", 4.0)]
    tell(desk, "approve")

    for which in (*order, *order):
        topic, hour = turns[which]
        tell(desk, topic, START + hours(hour))

    told = rules_of([alert for alert in desk.alerts if alert.rule in ("return-closed", "return-reopened")])
    assert sorted(told) == ["return-closed", "return-closed", "return-reopened", "return-reopened"]


# --- next-generation Events: what they show ---------------------------------------------------------------------------


def shown(desk: Desk, status: str, at: datetime, **changed: Any) -> list[Alert]:
    facts = returned(status, dispositions=(), **changed)
    return desk.event("returns/update", facts, occurred=at, source=Source.EVENT)


def test_a_shop_that_sends_events_only_is_told_each_milestone_once() -> None:
    desk = Desk()
    line = ReturnLine(2, processed=2, refunded=0)

    shown(desk, "requested", START)
    for _ in range(2):
        shown(desk, "open", START + hours(1), approved=START + hours(1))
        shown(desk, "open", START + hours(3), lines=(line,), approved=START + hours(1))
        shown(desk, "closed", START + hours(4), lines=(line,), approved=START + hours(1), closed=START + hours(4))
    shown(desk, "open", START + hours(6), lines=(line,), approved=START + hours(1))

    assert [(alert.rule, alert.title, alert.since - START) for alert in desk.alerts if alert.milestone] == [
        ("return-initiated", f"Return {NAME}: requested", hours(0)),
        ("return-approved", f"Return {NAME}: approved", hours(1)),
        ("return-received", f"Return {NAME}: received 2 of 2", hours(3)),
        ("return-closed", f"Return {NAME}: closed", hours(4)),
        ("return-reopened", f"Return {NAME}: reopened", hours(6)),
    ]


@pytest.mark.parametrize(("status", "rule"), [("declined", "return-declined"), ("canceled", "return-canceled")])
def test_an_event_may_show_its_end(status: str, rule: str) -> None:
    desk = Desk()

    shown(desk, status, START, decline_reason="final_sale")

    assert rules_of(desk.alerts) == ["return-initiated", rule]


def test_a_look_that_lags_behind_its_topic_reopens_nothing() -> None:
    desk = Desk()
    tell(desk, "approve", START)
    arrive(desk)
    tell(desk, "close", START + hours(1))

    shown(desk, "open", START + hours(1) + timedelta(seconds=20))
    desk.passes(hours(2))

    assert desk.told("return-reopened") == []
    assert [alert.title for alert in desk.told("refund-due")] == [f"Return {NAME}: closed without a refund for 2 units"]


def test_what_came_back_for_a_return_that_nobody_can_tell_is_told_as_such() -> None:
    desk, subject = Desk(routed(*READERS)), subjects.resource(SHOP, "reverse-fulfillment-order", 900)

    for _ in range(2):
        desk.event("reverse_fulfillment_orders/dispose", disposed(of=None), subject, incomplete=("disposed",))

    assert {(alert.team, alert.title) for alert in desk.alerts} == {
        (team, "Reverse-fulfillment-order 900: received 2") for team in ("returns", "finance")
    }
    assert len(desk.alerts) == 2
    assert "whose return it is" in desk.alerts[0].unknown


# --- return-undecided -------------------------------------------------------------------------------------------------


def test_a_request_that_nobody_decides_is_told_after_48_hours_once_shopify_was_asked() -> None:
    desk = Desk(routed(*READERS))
    tell(desk, "request")
    desk.passes(hours(48))
    asked = [(question.kind.value, question.resource) for question in desk.asked]

    (alert,) = desk.answer(returned("requested"))

    assert asked == [("return", str(BACK))]
    assert (alert.rule, alert.team, alert.severity) == ("return-undecided", "returns", Severity.WARNING)
    assert alert.title == f"Return {NAME}: nobody has decided for 48 working hours"


def test_that_it_was_approved_meanwhile_is_learned_by_asking() -> None:
    desk = Desk()
    tell(desk, "request")
    desk.passes(hours(48))

    desk.answer(returned("open"))
    desk.passes(days(1))

    assert desk.told("return-undecided") == []


@pytest.mark.parametrize("topic", ["approve", "decline", "cancel"])
def test_a_decision_ends_it(topic: str) -> None:
    desk = Desk()
    tell(desk, "request")
    desk.passes(hours(49))

    tell(desk, topic)

    assert [alert.state for alert in desk.told("return-undecided")] == [AlertState.FIRING, AlertState.RESOLVED]


def test_an_approval_that_arrives_before_its_request_has_decided_it() -> None:
    desk = Desk()
    tell(desk, "approve", START + hours(1))

    tell(desk, "request", START)
    desk.passes(days(3))

    assert desk.told("return-undecided") == []


def test_a_status_that_nobody_knows_decides_nothing() -> None:
    desk = Desk()
    tell(desk, "request")

    desk.event("returns/update", returned("escalated"))
    desk.passes(hours(49))

    assert len(desk.told("return-undecided")) == 1


# --- return-not-arrived -----------------------------------------------------------------------------------------------


def test_an_approved_return_that_never_arrives_is_told_after_three_weeks_and_whether_it_is_tracked() -> None:
    desk = Desk()
    tell(desk, "approve")
    desk.event("reverse_deliveries/attach_deliverable", attached())

    desk.passes(days(21) + hours(1))

    (alert,) = desk.told("return-not-arrived")
    assert (alert.severity, alert.digest) == (Severity.INFO, True)
    assert labels(alert)["Tracking"] == "attached, UPS"
    assert alert.title == f"Return {NAME}: approved 21 days ago, nothing has arrived, tracking: attached, UPS"


@pytest.mark.parametrize("topic", ["cancel", "close", "process"])
def test_what_is_over_or_here_is_not_waited_for(topic: str) -> None:
    desk = Desk()
    tell(desk, "approve")
    desk.passes(days(1))

    tell(desk, topic)
    desk.passes(days(30))

    assert desk.told("return-not-arrived") == []


@pytest.mark.parametrize("is_answered", [False, True])
def test_one_that_is_reopened_is_waited_for_from_then_on(is_answered: bool) -> None:
    desk = Desk()
    tell(desk, "approve")
    desk.passes(days(1))
    tell(desk, "close")
    desk.passes(days(1))

    tell(desk, "reopen")
    desk.passes(days(14))
    if is_answered:
        desk.answer(returned("open"))
    desk.passes(days(6))
    before = list(desk.told("return-not-arrived"))
    desk.passes(days(1))
    if is_answered:
        desk.answer(returned("open"))
    desk.passes(days(1))

    assert before == []
    (alert,) = desk.told("return-not-arrived")
    assert alert.title.startswith(f"Return {NAME}: reopened 21 days ago, nothing has arrived")


# --- order and repetition ---------------------------------------------------------------------------------------------

DELIVERIES: tuple[tuple[str, AnyFacts, float, str], ...] = (
    ("returns/request", returned("requested"), 0, "a"),
    ("returns/approve", returned("open"), 1, "b"),
    ("reverse_deliveries/attach_deliverable", attached(), 2, "c"),
    ("reverse_fulfillment_orders/dispose", disposed(1), 3, "d"),
    ("refunds/create", refunded(quantity=1, at=START + hours(4)), 4, "e"),
    ("returns/close", returned("closed"), 5, "f"),
)


@settings(max_examples=60)
@given(st.permutations(DELIVERIES), st.lists(st.sampled_from(DELIVERIES), max_size=3))
def test_what_is_told_and_what_stays_open_does_not_depend_on_order_and_repetition(
    shuffled: list[tuple[str, AnyFacts, float, str]], again: list[tuple[str, AnyFacts, float, str]]
) -> None:
    desk = Desk()
    for kind, facts, hour, delivery in [*shuffled, *again]:
        desk.event(kind, facts, occurred=START + hours(hour), delivery_id=delivery)
    desk.passes(days(30))

    assert desk.open == {}
    assert sorted(rules_of([alert for alert in desk.alerts if alert.milestone])) == [
        "return-approved",
        "return-closed",
        "return-initiated",
        "return-labelled",
        "return-received",
        "return-refunded",
    ]
