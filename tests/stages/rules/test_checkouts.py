"""Checkouts that are left: when they are told and to whom, what makes them none, and those who come back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas import subjects
from schemas.alerts import Alert, AlertState, Audience, Severity
from schemas.configuration import PaymentRules, Person, Route, Rules, Team
from schemas.events import Event, Source
from schemas.facts.orders import Customer, Line
from schemas.facts.payments import CheckoutFacts
from schemas.signals import PaymentFailedReported
from stages.shopify.lookup import What
from stages.shopify.needs import needs_of
from tests.stages.rules.world import SHOP, START, Desk, configuration, labels, usd

TOKEN = "0123456789abcdef0123456789abcdef"
SUBJECT = subjects.checkout(SHOP, TOKEN)
HOUR = timedelta(minutes=60)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def checkout(minute: float = 0, **changed: Any) -> CheckoutFacts:
    told: dict[str, Any] = {
        "token": TOKEN,
        "name": "#4242",
        "created": START,
        "updated": START + minutes(minute),
        "total": usd(250),
        "contact_known": True,
        "marketing_consent": True,
        "customer_id": 77,
        "lines": (Line(title="Oak chair", quantity=1),),
    }
    return CheckoutFacts(**told | changed)


def ordered(minute: float) -> CheckoutFacts:
    """The checkout's copy of an order event."""
    told = {"order_placed": True, "order_id": 9, "from_order": True, "completed": START + minutes(minute)}
    return checkout(minute, **told, name=None, contact_known=False, absent=("closed", "contact_known", "lines"))


def answered(**changed: Any) -> CheckoutFacts:
    blank: dict[str, Any] = {
        "token": TOKEN,
        "absent": ("closed", "completed", "contact_known", "lines"),
        "order_placed": False,
    }
    return CheckoutFacts(**blank | changed)


def failed(minute: float) -> PaymentFailedReported:
    at = START + minutes(minute)
    return PaymentFailedReported(SHOP, SUBJECT, at, at, TOKEN, "card_declined", "gateway")


def told(desk: Desk, facts: CheckoutFacts, delivery_id: str = "") -> list[Alert]:
    kind = "orders/create" if facts.from_order else "checkouts/update"
    return desk.event(kind, facts, SUBJECT, updated=facts.updated, delivery_id=delivery_id)


def routed(**rules: Any) -> Desk:
    person = (Person(name="desk", email="desk@example.com"),)
    names = (Audience.RETENTION, Audience.FINANCE)
    teams = tuple(Team(name=name, people=person) for name in ("others", *(each.value for each in names)))
    routes = tuple(Route(teams=(each.value,), audiences=(each,)) for each in names)
    whole = Rules(payments=PaymentRules(**rules))
    return Desk(configuration(teams=teams, routes=Route(teams=("others",), routes=routes), rules=whole))


def test_a_checkout_left_for_an_hour_is_told_to_retention_once_shopify_has_no_order_of_it() -> None:
    desk = routed()
    told(desk, checkout())
    desk.passes(HOUR)
    asked = [(question.kind.value, question.resource) for question in desk.asked]

    (alert,) = desk.answer(answered(has_abandonment=True, no_order_since=True))

    assert asked == [("checkout", "4242")]
    assert (alert.team, alert.severity, alert.line) == ("retention", Severity.INFO, True)
    assert alert.title == "Checkout #4242 left and not completed: 250 USD"


def test_an_order_that_shopify_knows_of_makes_it_none() -> None:
    desk = Desk()
    told(desk, checkout())
    desk.passes(HOUR)

    desk.answer(answered(order_placed=True, order_id=9))
    desk.passes(HOUR)

    assert desk.alerts == []


def test_a_customer_who_has_ordered_since_has_left_nothing() -> None:
    desk = Desk()
    told(desk, checkout())
    desk.passes(HOUR)

    desk.answer(answered(has_abandonment=True, no_order_since=False))
    desk.passes(HOUR)

    assert desk.alerts == []


def test_one_who_ordered_something_else_and_then_came_back_to_this_checkout_can_leave_it_again() -> None:
    desk = Desk()
    told(desk, checkout())
    desk.passes(HOUR)
    desk.answer(answered(has_abandonment=True, no_order_since=False))

    told(desk, checkout(90))
    desk.passes(2 * HOUR)

    assert list(desk.open) == ["checkout-abandoned"]


def test_without_an_answer_it_is_told_and_says_that_it_is_not_confirmed() -> None:
    desk = Desk()
    told(desk, checkout())

    desk.passes(HOUR + minutes(1))

    (alert,) = desk.alerts
    assert any(words.startswith("not confirmed") for words in alert.unknown)


def test_what_is_told_without_an_answer_is_asked_about_again_and_ends_where_the_customer_has_ordered_since() -> None:
    desk = Desk()
    told(desk, checkout())
    desk.passes(HOUR)
    desk.answer(answered(order_placed=None), incomplete=("abandonment", "checkout"))
    asked = []
    for hours in (1, 2, 4):
        asked.append(len(desk.asked))
        desk.passes(hours * HOUR)
        asked.append(len(desk.asked))
        if hours < 4:
            desk.answer(answered(order_placed=None), incomplete=("abandonment", "checkout"))
    is_open = list(desk.open)

    desk.answer(answered(has_abandonment=True, no_order_since=False))
    desk.passes(24 * HOUR)

    assert (is_open, asked) == (["checkout-abandoned"], [0, 1] * 3)
    assert (desk.open, desk.asked) == ({}, [])
    assert labels(desk.alerts[-1])["Ended"] == "the customer has ordered since"


def test_the_hour_begins_again_with_every_change() -> None:
    desk = Desk()
    told(desk, checkout())
    desk.passes(minutes(50))

    told(desk, checkout(50))
    desk.passes(minutes(55))
    before = list(desk.asked)
    desk.passes(minutes(6))

    assert before == []
    assert len(desk.alerts) == 1


def test_a_completed_checkout_is_not_left() -> None:
    desk = Desk()

    told(desk, checkout(completed=START))
    desk.passes(2 * HOUR)

    assert desk.alerts == []


def test_one_that_became_an_order_in_time_is_not_left_whatever_comes_first() -> None:
    for first, second in ((checkout(), ordered(15)), (ordered(15), checkout())):
        desk = Desk()
        told(desk, first)
        told(desk, second)

        desk.passes(2 * HOUR)

        assert desk.alerts == []


@pytest.mark.parametrize("absent", [(), ("contact_known",)])
@pytest.mark.parametrize("is_answered", [True, False])
def test_where_the_body_has_no_contact_shopify_is_asked_and_where_it_knows_none_nobody_can_write(
    absent: tuple[str, ...], is_answered: bool
) -> None:
    desk = Desk()
    told(desk, checkout(contact_known=False, absent=absent))
    desk.passes(HOUR)

    asked = [question.kind.value for question in desk.asked]
    if is_answered:
        desk.answer(answered(has_abandonment=False))
    desk.passes(HOUR)

    assert asked == ["checkout"]
    assert desk.alerts == []


@pytest.mark.parametrize(("is_there", "told_of"), [(True, ["checkout-abandoned"]), (False, [])])
def test_where_the_body_does_not_say_whether_it_was_completed_only_shopify_can(
    is_there: bool, told_of: list[str]
) -> None:
    desk, silent = Desk(), Desk()
    for one in (desk, silent):
        told(one, checkout(absent=("completed",)))
        one.passes(HOUR)

    desk.answer(answered(has_abandonment=is_there, absent=("closed", "contact_known", "lines")))
    desk.passes(minutes(2))
    silent.passes(5 * HOUR)

    assert [alert.rule for alert in desk.alerts] == told_of
    assert silent.alerts == []


def test_one_that_was_completed_links_to_its_customer_while_its_order_is_not_known() -> None:
    desk = Desk()
    told(desk, checkout())
    desk.passes(HOUR + minutes(1))

    told(desk, checkout(90, completed=START + minutes(90)))

    (recovered,) = desk.told("payment-recovered")
    assert recovered.title == "Checkout #4242 became an order, 1 hour 30 minutes after it was left"
    assert recovered.link == "https://admin.shopify.com/store/demo/customers/77"


@pytest.mark.parametrize("absent", [(), ("contact_known",)])
def test_an_abandoned_checkout_at_shopify_says_that_there_is_a_contact(absent: tuple[str, ...]) -> None:
    desk = Desk()
    told(desk, checkout(contact_known=False, absent=absent))
    desk.passes(HOUR)

    desk.answer(answered(has_abandonment=True, no_order_since=True))
    desk.passes(minutes(2))

    assert [alert.rule for alert in desk.alerts] == ["checkout-abandoned"]


def test_above_a_value_it_is_an_alert_of_its_own() -> None:
    desk = routed(abandoned_alert_from=Decimal(200))
    told(desk, checkout())

    desk.passes(HOUR + minutes(1))

    assert [(alert.severity, alert.line) for alert in desk.alerts] == [(Severity.WARNING, False)]
    told(desk, ordered(90))
    assert [alert.line for alert in desk.told("payment-recovered")] == [False]


def test_a_premium_customers_is_not_left_to_the_digest() -> None:
    desk = Desk()
    told(desk, checkout(customer=Customer(id=77, tags=("vip",))))

    desk.passes(HOUR + minutes(1))

    (alert,) = desk.alerts
    assert (alert.priority, alert.line) == (True, False)


def test_whose_it_is_is_looked_up_where_the_body_names_one() -> None:
    def needs(facts: CheckoutFacts) -> dict[str, tuple[What, str]]:
        at = START
        event = Event("checkouts/update", SHOP, SUBJECT, SUBJECT, at, at, "delivery", Source.WEBHOOK, facts)
        return {name: (lookup.what, lookup.identity) for name, lookup in needs_of(event, None).items()}

    assert needs(checkout()) == {"customer": (What.CUSTOMER, "77")}
    assert needs(checkout(customer_id=None)) == {}


def test_after_a_payment_failure_finance_is_told_too_and_the_text_says_so() -> None:
    desk = routed()
    told(desk, checkout())
    desk.signal(failed(3))

    desk.passes(HOUR + minutes(1))

    assert {alert.team for alert in desk.alerts} == {"retention", "finance"}
    assert desk.alerts[0].title == "Checkout #4242 left after a payment failure: 250 USD"
    assert labels(desk.alerts[0])["Payment failure"] == (
        "card declined on 02 Nov 2026 at 09:03 UTC, reported by gateway"
    )


def test_a_reported_failure_without_a_reason_says_so() -> None:
    desk = Desk()
    told(desk, checkout())
    desk.signal(replace(failed(3), error=None))

    desk.passes(HOUR + minutes(1))

    assert labels(desk.alerts[0])["Payment failure"].startswith("no reason given on 02 Nov 2026 at 09:03 UTC")


def test_a_failure_that_is_reported_later_is_an_update_that_finance_hears_of_too() -> None:
    desk = routed()
    told(desk, checkout())
    desk.passes(HOUR + minutes(1))

    desk.signal(failed(3))
    desk.passes(minutes(1))

    assert [(alert.team, alert.state) for alert in desk.alerts] == [
        ("retention", AlertState.FIRING),
        ("retention", AlertState.UPDATED),
        ("finance", AlertState.FIRING),
    ]


def test_a_report_alone_is_no_checkout_that_was_left() -> None:
    desk = Desk()

    desk.signal(failed(0))
    desk.passes(2 * HOUR)

    assert desk.alerts == []


def test_without_a_report_it_says_that_shopify_does_not_tell() -> None:
    desk = Desk()
    told(desk, checkout())

    desk.passes(HOUR + minutes(1))

    assert "whether a payment failed: Shopify does not tell for checkouts" in desk.alerts[0].unknown


def test_the_order_ends_it_and_says_how_long_it_took() -> None:
    desk = Desk()
    told(desk, checkout())
    desk.passes(HOUR + minutes(1))

    told(desk, ordered(282))

    (recovered,) = desk.told("payment-recovered")
    (_, ended) = desk.told("checkout-abandoned")
    assert recovered.title == "Checkout #4242 became an order, 4 hours 42 minutes after it was left"
    assert recovered.link == "https://admin.shopify.com/store/demo/orders/9"
    assert recovered.line, "its beginning was a line of the digest too"
    assert (ended.state, ended.told_by, recovered.resolves) == (AlertState.RESOLVED, recovered.id, (ended.id,))
    assert desk.open == {}


def test_retention_reads_value_consent_lines_and_the_customers_link_and_no_name() -> None:
    desk = Desk()
    told(desk, checkout(marketing_consent=None))

    desk.passes(HOUR + minutes(1))

    (alert,) = desk.alerts
    assert labels(alert)["Amount"] == "250 USD"
    assert labels(alert)["Marketing consent"] == "not known"
    assert labels(alert)["Lines"] == "1 x Oak chair"
    assert alert.link == "https://admin.shopify.com/store/demo/customers/77"


DELIVERIES = ((checkout(0), "a"), (checkout(4), "b"), (checkout(30, total=usd(300)), "c"), (ordered(40), "d"))


@settings(max_examples=60)
@given(st.permutations(DELIVERIES[:3]), st.lists(st.sampled_from(DELIVERIES[:3]), max_size=3), st.booleans())
def test_what_stays_open_does_not_depend_on_order_and_repetition(
    shuffled: list[tuple[CheckoutFacts, str]], again: list[tuple[CheckoutFacts, str]], came_back: bool
) -> None:
    desk = Desk()
    for facts, delivery in [*shuffled, *again]:
        told(desk, facts, delivery)
    if came_back:
        told(desk, *DELIVERIES[3])
    desk.passes(minutes(89))
    early = list(desk.alerts)
    desk.passes(minutes(3))

    assert early == []
    assert list(desk.open) == ([] if came_back else ["checkout-abandoned"])
