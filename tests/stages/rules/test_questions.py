"""What the classifier asks Shopify before it tells something, and what the answers do, whatever the rule is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from schemas.events import Source
from schemas.facts.orders import OrderFacts
from schemas.questions import QuestionKind
from stages.bodies.orders import EMPTY_SAYS
from stages.judging.doubts import NOT_CONFIRMED
from stages.rules.rule import Again, Case, Clear, Due, Fire, Verdict
from tests.stages.rules.scripted import LATER, OVER, Scripted, by_state, said, states, told
from tests.stages.rules.world import NUMBER, START, Desk


def due(**changed: Any) -> Due:
    return Due(said(), START + LATER, **changed)


def answered(financial: str, minute: float = 0) -> OrderFacts:
    absent = ("fulfillment", "cancelled", "closed", "tags", "gateways", "lines", "address", "terms")
    return OrderFacts(id=NUMBER, financial=financial, updated=START + timedelta(minutes=minute), absent=absent)


ASKS = by_state(pending=(due(ask=QuestionKind.PAYMENT),), paid=OVER)


def test_shopify_is_asked_before_a_timer_fires_and_its_answer_wins() -> None:
    desk = Desk(rules=[ASKS])
    told(desk, "pending")

    assert desk.passes(LATER) == []
    assert [(question.kind, question.resource) for question in desk.asked] == [(QuestionKind.PAYMENT, str(NUMBER))]
    assert desk.answer(answered("paid", 59)) == []
    assert desk.passes(LATER) == []


def test_an_answer_that_confirms_fires_without_a_doubt() -> None:
    desk = Desk(rules=[ASKS])
    told(desk, "pending")
    desk.passes(LATER)

    raised = desk.answer(answered("pending"))

    assert states(raised) == ["firing warning"]
    assert raised[0].unknown == ()
    assert desk.passes(LATER) == []


def test_an_answer_without_any_facts_is_older_than_none_that_has_some() -> None:
    desk, absent = Desk(rules=[by_state(pending=(Fire(said()),), paid=OVER)]), tuple(EMPTY_SAYS)
    told(desk, "pending")
    silent = OrderFacts(id=NUMBER, absent=absent)
    desk.event("answer.payment", silent, source=Source.ANSWER, incomplete=("order", "payment"), occurred=START + LATER)
    event = OrderFacts(id=NUMBER, absent=absent)
    desk.event("orders/updated", event, source=Source.EVENT, incomplete=("order",), occurred=START + LATER)

    ends = desk.event("answer.facts", answered("paid", 5), source=Source.ANSWER, occurred=START + 2 * LATER)

    assert states(ends) == ["resolved warning"]


def test_without_an_answer_it_fires_after_half_a_minute_and_says_so() -> None:
    desk = Desk(rules=[ASKS])
    told(desk, "pending")
    desk.passes(LATER)

    raised = desk.passes(timedelta(seconds=30))

    assert states(raised) == ["firing warning"]
    assert raised[0].unknown == (NOT_CONFIRMED,)


def test_an_answer_without_what_was_asked_confirms_nothing() -> None:
    desk = Desk(rules=[ASKS])
    told(desk, "pending")
    desk.passes(LATER)

    raised = desk.answer(answered("pending"), incomplete=("payment",))

    assert raised[0].unknown == (NOT_CONFIRMED,)


def test_it_is_asked_once_however_much_arrives_meanwhile() -> None:
    desk = Desk(rules=[ASKS])
    told(desk, "pending")
    desk.passes(LATER)

    assert [*told(desk, "pending", 61), *told(desk, "pending", 62)] == []
    assert len(desk.asked) == 1


def test_an_answer_that_moves_the_moment_is_asked_for_again_then() -> None:
    later = Due(said(), START + 3 * LATER, ask=QuestionKind.PAYMENT)
    moves = by_state(pending=(due(ask=QuestionKind.PAYMENT),), authorized=(later,))
    desk = Desk(rules=[moves])
    told(desk, "pending")
    desk.passes(LATER)
    first = desk.asked[0]
    desk.answer(answered("authorized", 59))

    assert desk.passes(2 * LATER) == []
    assert [question.id != first.id for question in desk.asked] == [True]


def test_what_is_asked_a_second_time_is_another_question() -> None:
    desk = Desk(rules=[ASKS])
    told(desk, "pending")
    desk.passes(LATER)
    desk.passes(timedelta(seconds=10))
    told(desk, "paid", 61)
    told(desk, "pending", 62)
    desk.passes(timedelta())

    assert len({question.id for question in desk.asked}) == 2


def test_what_holds_without_asking_does_not_wait_for_the_answer() -> None:
    desk = Desk(rules=[by_state(pending=(due(ask=QuestionKind.PAYMENT),), voided=(Fire(said()),))])
    told(desk, "pending")
    desk.passes(LATER)

    assert states(told(desk, "voided", 61)) == ["firing warning"]
    assert desk.passes(LATER) == [], "the patience for the answer is cancelled"


def test_looking_again_asks_once_and_tells_nothing_whatever_comes() -> None:
    again = Again(START + LATER, "again", QuestionKind.ADDRESS)
    desk = Desk(rules=[by_state(pending=(again,))])
    told(desk, "pending")

    assert desk.passes(2 * LATER) == []
    assert told(desk, "pending", 121) == []
    assert [question.kind for question in desk.asked] == [QuestionKind.ADDRESS]


def test_looking_again_judges_again_at_its_moment() -> None:
    def judged(case: Case) -> Iterable[Verdict]:
        return (Clear("enough"),) if case.now >= START + LATER else (Fire(said()), Again(START + LATER, "again"))

    desk = Desk(rules=[Scripted(judged)])
    told(desk, "pending")

    assert states(desk.passes(LATER)) == ["resolved warning"]


def test_an_answer_that_was_cut_short_leaves_what_it_does_not_tell() -> None:
    desk = Desk(rules=[Scripted(_unless_cancelled)])
    told(desk, "pending", cancelled=START)

    desk.event("answer.payment", answered("pending", 5), source=Source.ANSWER)

    assert desk.alerts == []


def _unless_cancelled(case: Case) -> Iterable[Verdict]:
    order = case.dossier.order
    return () if order is None or order.cancelled else (Fire(said()),)
