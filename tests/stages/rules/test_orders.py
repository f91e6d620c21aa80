"""Orders of high risk and orders on hold: what tells of them, what ends them, and what must not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.alerts import Alert, Audience, Severity
from schemas.configuration import OrderRules, Person, Route, Rules, Team
from schemas.events import Source
from schemas.facts.orders import (
    Assessment,
    Hold,
    HoldFacts,
    Line,
    OrderDeletedFacts,
    OrderFacts,
    ProtectFacts,
    RiskFacts,
    ToShip,
)
from stages.bodies.orders import EMPTY_SAYS
from tests.stages.rules.world import NUMBER, START, Desk, configuration, labels, usd

FULFILLMENT_ORDER = "gid://shopify/FulfillmentOrder/7"


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def told_order(desk: Desk, minute: float = 0, **changed: Any) -> list[Alert]:
    at = START + minutes(minute)
    told: dict[str, Any] = {"id": NUMBER, "name": "#1001", "created": START, "updated": at, "financial": "paid"}
    told |= {"total": usd(250), "lines": (Line(id=1, title="Oak chair", quantity=1, requires_shipping=True),)}
    return desk.event("orders/updated", OrderFacts(**told | changed), updated=at, occurred=at)


def assessed(
    desk: Desk, level: str, minute: float = 1, provider: str = "Shopify", advice: str | None = None
) -> list[Alert]:
    """`advice` None: the lookup brought nothing."""
    own = Assessment(provider, level)
    facts = RiskFacts(order_id=NUMBER, assessment=own, order_name="#1001", total=usd(250))
    if advice is not None:
        facts = replace(facts, assessments=(own,), recommendation=advice)
    at = START + minutes(minute)
    return desk.event("orders/risk_assessment_changed", facts, occurred=at, incomplete=() if advice else ("risk",))


def hold(reason: str, number: int = 1, **changed: Any) -> Hold:
    return Hold(
        id=f"gid://shopify/FulfillmentHold/{number}", fulfillment_order=FULFILLMENT_ORDER, reason=reason, **changed
    )


def held(desk: Desk, one: Hold, minute: float = 1, released: bool = False) -> list[Alert]:
    facts = HoldFacts(fulfillment_order=FULFILLMENT_ORDER, released=released, hold=one, order_name="#1001")
    kind = "fulfillment_holds/released" if released else "fulfillment_holds/added"
    return desk.event(kind, facts, occurred=START + minutes(minute))


def shown(alerts: list[Alert]) -> list[str]:
    return [f"{alert.rule} {alert.state} {alert.severity}" for alert in alerts]


# --- risk -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("high", ["order-high-risk firing critical"]),
        ("HIGH", ["order-high-risk firing critical"]),
        ("medium", ["order-high-risk firing warning"]),
        ("low", []),
        ("none", []),
        ("pending", []),
        ("a level of tomorrow", []),
    ],
)
def test_a_level_tells_how_bad_the_risk_is(level: str, expected: list[str]) -> None:
    assert shown(assessed(Desk(), level)) == expected


def test_what_shopify_recommends_counts_whatever_the_levels_are() -> None:
    assert shown(assessed(Desk(), "low", advice="cancel")) == ["order-high-risk firing critical"]
    assert shown(assessed(Desk(), "none", advice="investigate")) == ["order-high-risk firing warning"]


def test_a_risk_message_says_who_says_what_and_what_operations_need() -> None:
    desk, by = Desk(), START + timedelta(hours=40)
    routed = (ToShip("7", "open", "shipping", by, location="Main"), ToShip("8", "on_hold", "local", location="Store"))
    told_order(desk, financial="authorized", fulfillment="partial", to_ship=routed)
    facts = RiskFacts(
        order_id=NUMBER,
        assessment=Assessment("Shopify", "high"),
        assessments=(Assessment("Shopify", "high", ("Many cards were tried",)), Assessment("Scorer", "low")),
        recommendation="cancel",
    )

    alert = desk.event("orders/risk_assessment_changed", facts)[0]

    assert alert.title == "Order #1001: high fraud risk (Shopify), Shopify recommends to cancel"
    assert labels(alert) == {
        "Levels": "Scorer: low, Shopify: high",
        "Recommendation": "cancel",
        "Reasons": "Many cards were tried",
        "Amount": "250 USD",
        "Payment": "only authorized, not captured",
        "Shipped": "a part of it",
        "Fulfill by": "04 Nov 2026 at 01:00 UTC",
        "Location": "Main, Store",
    }
    assert alert.link == f"https://admin.shopify.com/store/demo/orders/{NUMBER}"
    assert alert.unknown == ("whether Shopify Protect covers it",)


def test_what_could_not_be_looked_up_is_said() -> None:
    assert assessed(Desk(), "high")[0].unknown == (
        "what the other providers and Shopify's recommendation say",
        "whether Shopify Protect covers it",
        "whether it is paid or only authorized",
        "whether anything of it is shipped already",
        "from where and by when it is to be fulfilled",
    )


def test_whether_shopify_protect_covers_it_is_said_in_the_newest_words() -> None:
    desk = Desk()
    desk.event("orders/shopify_protect_eligibility_changed", ProtectFacts(order_id=NUMBER, status="active"))
    facts = RiskFacts(order_id=NUMBER, assessment=Assessment("Shopify", "high"), protect="not_protected")
    (late,) = desk.event("orders/risk_assessment_changed", facts, occurred=START - minutes(5))
    (newer,) = Desk().event("orders/risk_assessment_changed", facts)

    assert [labels(alert)["Shopify Protect"] for alert in (late, newer)] == [
        "covers it",
        "did not cover a chargeback of it",
    ]


def test_a_worse_level_is_an_update_and_the_same_one_is_no_news() -> None:
    desk = Desk()
    assessed(desk, "medium")

    assert shown(assessed(desk, "medium", 2)) == []
    assert shown(assessed(desk, "high", 3)) == ["order-high-risk updated critical"]


def test_a_risk_ends_when_every_provider_and_the_recommendation_are_harmless() -> None:
    desk = Desk()
    assessed(desk, "high", provider="Scorer", advice="investigate")

    assert shown(assessed(desk, "low", 2, "Scorer", advice="accept")) == ["order-high-risk resolved critical"]
    assert desk.open == {}


@pytest.mark.parametrize(("level", "advice"), [("pending", "accept"), ("low", None), ("low", "investigate")])
def test_what_is_pending_or_unknown_ends_no_risk(level: str, advice: str | None) -> None:
    desk = Desk()
    assessed(desk, "high", advice="cancel")

    assert [alert.state for alert in assessed(desk, level, 2, advice=advice)] == []
    assert list(desk.open) == ["order-high-risk"]


def test_one_harmless_provider_does_not_outvote_another() -> None:
    desk = Desk()
    assessed(desk, "high", provider="Scorer", advice="accept")

    assert assessed(desk, "low", 2, "Shopify", advice="accept") == []
    assert list(desk.open) == ["order-high-risk"]


def test_a_cancelled_order_is_no_risk_any_more() -> None:
    desk = Desk()
    assessed(desk, "high")

    ends = told_order(desk, 5, cancelled=START + minutes(5), cancel_reason="fraud")

    assert shown(ends) == ["order-high-risk resolved critical"]
    assert labels(ends[0]) == {"Ended": "the order was cancelled (fraud)"}


def test_an_order_that_was_shipped_at_high_risk_ends_by_saying_so() -> None:
    desk = Desk()
    assessed(desk, "high")

    assert [alert.title for alert in told_order(desk, 5, fulfillment="fulfilled")] == [
        "Order #1001 was shipped while high risk"
    ]


def test_an_order_that_was_shipped_at_medium_risk_is_not_called_one_of_high_risk() -> None:
    desk = Desk()
    assessed(desk, "medium")

    assert [alert.title for alert in told_order(desk, 5, fulfillment="fulfilled")] == [
        "Order #1001 was shipped before its risk was cleared up"
    ]


def test_a_high_risk_that_is_learned_after_the_order_was_shipped_is_told_once() -> None:
    desk = Desk()
    told_order(desk, 5, fulfillment="fulfilled", financial="authorized")

    (alert,) = assessed(desk, "high", 6)
    again = [*assessed(desk, "high", 7), *assessed(desk, "medium", 8), *told_order(desk, 9, fulfillment="fulfilled")]

    assert (alert.title, alert.severity) == ("Order #1001 was shipped at risk: high fraud risk (Shopify)", "critical")
    assert labels(alert)["Payment"] == "only authorized, not captured"
    assert labels(alert)["Shipped"] == "all of it"
    assert again == []
    assert desk.open == {}


def test_that_an_order_was_shipped_is_known_by_what_was_looked_up_for_its_risk() -> None:
    desk = Desk()
    risk = RiskFacts(order_id=NUMBER, assessment=Assessment("Shopify", "high"), assessments=(), fulfillment="fulfilled")
    (alert,) = desk.event("orders/risk_assessment_changed", risk, occurred=START + minutes(9))

    assert alert.milestone
    assert told_order(desk, 5) == []
    assert desk.open == {}
    assert shown(told_order(desk, 10)) == ["order-high-risk firing critical"]


def test_a_risk_that_was_shipped_and_is_worse_than_anybody_knew_is_told_once_more() -> None:
    desk = Desk()
    assessed(desk, "medium")
    told_order(desk, 5, fulfillment="fulfilled")

    assert assessed(desk, "medium", 6) == []
    assert shown(assessed(desk, "high", 7)) == ["order-high-risk firing critical"]
    assert assessed(desk, "high", 8) == []


def test_the_risk_of_a_cancelled_order_is_not_told_even_though_it_was_shipped() -> None:
    desk = Desk()
    told_order(desk, 5, fulfillment="fulfilled", cancelled=START + minutes(5))

    assert assessed(desk, "high", 6) == []


def test_what_is_pending_hides_no_level_that_was_told_before_or_comes_after_it() -> None:
    for order in permutations(("medium", "pending", "high")):
        desk, minute = Desk(), {"medium": 1, "pending": 2, "high": 3}
        raised = [shown(assessed(desk, level, minute[level])) for level in order]

        assert desk.open["order-high-risk"].severity is Severity.CRITICAL
        assert raised[order.index("pending")] == []
    desk = Desk()
    assessed(desk, "pending", 2)
    (alert,) = assessed(desk, "medium", 1)
    assert labels(alert)["Levels"] == "Shopify: medium, Shopify: pending since then"


def test_a_provider_that_has_yet_to_decide_keeps_a_risk_open() -> None:
    desk = Desk()
    assessed(desk, "high", 1, "Scorer")
    assessed(desk, "pending", 2, "Other")

    assert assessed(desk, "low", 3, "Scorer", advice="accept") == []
    assert shown(assessed(desk, "none", 4, "Other", advice="accept")) == ["order-high-risk resolved critical"]


def pending_beside(desk: Desk, level: str, minute: float, advice: str | None) -> list[Alert]:
    """One provider's webhook, and another one that the look for it shows to be undecided."""
    own, other = Assessment("Scorer", level), Assessment("Other", "pending")
    facts = RiskFacts(order_id=NUMBER, assessment=own, assessments=(own, other), recommendation=advice)
    return desk.event("orders/risk_assessment_changed", facts, occurred=START + minutes(minute))


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (lambda desk: assessed(desk, "low", 3, "Scorer", advice="accept"), set()),
        (lambda desk: assessed(desk, "low", 3, "Scorer"), {"order-high-risk|"}),
        (lambda desk: assessed(desk, "low", 3, "Scorer", advice="a word of tomorrow"), {"order-high-risk|"}),
        (lambda desk: pending_beside(desk, "low", 3, "accept"), {"order-high-risk|"}),
    ],
)
def test_what_clears_a_risk_up_and_what_does_not_is_the_same_in_any_order(
    last: Callable[[Desk], list[Alert]], expected: set[str]
) -> None:
    deliveries: tuple[Callable[[Desk], list[Alert]], ...] = (
        lambda desk: assessed(desk, "high", 1, "Scorer", advice="cancel"),
        lambda desk: assessed(desk, "pending", 2, "Scorer"),
        last,
        lambda desk: assessed(desk, "pending", 4, "Scorer"),
    )
    for order in permutations(deliveries):
        desk = Desk()
        for deliver in order:
            deliver(desk)
        assert desk.open_conditions == expected


def test_two_providers_of_one_title_are_two() -> None:
    desk = Desk()
    first, second = Assessment("Filter", "high", app=7), Assessment("Filter", "low", app=8)
    for minute, (own, both) in enumerate(((first, (first,)), (second, (first, second)))):
        facts = RiskFacts(order_id=NUMBER, assessment=own, assessments=both, recommendation="accept")
        desk.event("orders/risk_assessment_changed", facts, occurred=START + minutes(minute))

    assert labels(desk.open["order-high-risk"])["Levels"] == "Filter: high"
    gone = (Assessment("Filter", "none", app=7), second)
    facts = RiskFacts(order_id=NUMBER, assessment=gone[0], assessments=gone, recommendation="accept")
    assert shown(desk.event("orders/risk_assessment_changed", facts, occurred=START + minutes(5))) == [
        "order-high-risk resolved critical"
    ]


def test_of_what_one_provider_says_twice_the_worst_counts_and_its_own_webhook_before_that() -> None:
    both = (Assessment("Scorer", "low"), Assessment("Scorer", "high"))
    others = RiskFacts(
        order_id=NUMBER, assessment=Assessment("Shopify", "low"), assessments=both, recommendation="none"
    )
    own = replace(others, assessment=Assessment("Scorer", "low"))

    assert shown(Desk().event("orders/risk_assessment_changed", others)) == ["order-high-risk firing critical"]
    assert Desk().event("orders/risk_assessment_changed", own) == []


def test_a_risk_of_the_day_before_that_could_not_be_looked_up_is_not_confirmed() -> None:
    (late,) = assessed(Desk(), "high", -25 * 60)
    (looked_up,) = assessed(Desk(), "high", -25 * 60, advice="cancel")
    (fresh,) = assessed(Desk(), "high")

    assert [words for words in late.unknown if words.startswith("not confirmed")] != []
    assert [words for words in (*looked_up.unknown, *fresh.unknown) if words.startswith("not confirmed")] == []


NOBODYS = ({"test": True}, {"created": START, "processed": START - timedelta(days=8)})


@pytest.mark.parametrize("of_order", NOBODYS)
def test_before_the_order_is_told_what_was_looked_up_says_that_nobody_has_to_act(
    of_order: dict[str, Any],
) -> None:
    risk = RiskFacts(order_id=NUMBER, assessment=Assessment("Shopify", "high"), **of_order)
    added = HoldFacts(fulfillment_order=FULFILLMENT_ORDER, released=False, hold=hold("other"), **of_order)

    assert Desk().event("orders/risk_assessment_changed", risk) == []
    assert Desk().event("fulfillment_holds/added", added) == []


@pytest.mark.parametrize("of_order", NOBODYS)
def test_what_was_told_of_a_risk_ends_where_it_is_looked_up_late_that_nobody_has_to_act(
    of_order: dict[str, Any],
) -> None:
    desk = Desk()
    assessed(desk, "high")
    came = RiskFacts(order_id=NUMBER, assessment=Assessment("Shopify", "high"), **of_order)

    assert shown(desk.event("answer.facts", came, occurred=START + minutes(5))) == ["order-high-risk resolved critical"]


def test_another_apps_hold_for_fraud_is_a_risk_and_ours_is_not() -> None:
    assert shown(held(Desk(), hold("high_risk_of_fraud"))) == ["order-high-risk firing critical"]
    assert held(Desk(), hold("high_risk_of_fraud", handle="approval-1", ours=True)) == []


def test_an_end_does_not_say_that_it_is_still_open() -> None:
    desk = Desk()
    told_order(desk)
    assessed(desk, "medium", 1, advice="accept")
    desk.passes(timedelta(hours=25))
    ends = told_order(desk, 26 * 60, cancelled=START)

    assert "still open" in desk.alerts[-2].title
    assert [alert.title for alert in ends] == ["Order #1001: medium fraud risk (Shopify)"]


def test_the_end_of_a_hold_for_fraud_says_nothing_of_providers_that_nobody_asked() -> None:
    desk = Desk()
    held(desk, hold("high_risk_of_fraud"))
    ends = held(desk, hold("high_risk_of_fraud"), 2, released=True)

    assert [labels(alert) for alert in ends] == [{"Ended": "no hold speaks of a risk any more"}]


def test_a_medium_risk_that_stays_a_day_gets_worse_after_shopify_was_asked() -> None:
    desk = Desk()
    told_order(desk)
    assessed(desk, "medium", 1, advice="accept")

    desk.passes(timedelta(hours=24))
    raised = desk.passes(minutes(2))

    assert [question.kind for question in desk.asked] == ["order"]
    assert shown(raised) == ["order-high-risk updated critical"]
    assert "before fulfillment is delayed" in raised[0].title


def test_an_answer_that_says_the_same_once_more_puts_off_nothing() -> None:
    desk = Desk()
    told_order(desk)
    assessed(desk, "medium", 1, advice="investigate")
    desk.passes(timedelta(hours=24) + minutes(1))
    now = OrderFacts(id=NUMBER, updated=desk.now, risk=(Assessment("Shopify", "medium"),), recommendation="investigate")

    assert shown(desk.answer(now)) == ["order-high-risk updated critical"]


def test_a_risk_that_is_open_a_day_before_the_order_is_to_go_out_is_urgent_then() -> None:
    desk = Desk()
    told_order(desk, to_ship=(ToShip("7", "open", "shipping", START + timedelta(hours=30)),))
    assessed(desk, "medium", 1, advice="accept")

    assert desk.passes(timedelta(hours=6) - minutes(1)) == []
    (alert,) = desk.passes(minutes(2))
    assert (alert.state, alert.severity) == ("updated", "critical")
    assert alert.title == "Order #1001: medium fraud risk (Shopify); to be fulfilled or delivered within 24 hours"
    assert desk.passes(timedelta(hours=30)) == []


# --- holds and tags ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["other", "unknown_delivery_date", "a_reason_of_tomorrow"])
def test_a_hold_that_somebody_must_look_at_is_told_and_ends_with_it(reason: str) -> None:
    desk = Desk()
    told_order(desk)

    assert shown(held(desk, hold(reason))) == ["order-manual-review firing warning"]
    assert desk.alerts[0].title == f"Order #1001 needs a review: on hold ({reason.replace('_', ' ')})"
    assert shown(held(desk, hold(reason), 9, released=True)) == ["order-manual-review resolved warning"]


def test_the_same_hold_told_by_two_topics_is_one_alert() -> None:
    desk = Desk()
    facts = HoldFacts(fulfillment_order=FULFILLMENT_ORDER, released=False, hold=hold("other"))

    raised = [*desk.event("fulfillment_holds/added", facts), *desk.event("fulfillment_orders/placed_on_hold", facts)]

    assert len(raised) == 1


def test_while_one_of_two_holds_stays_the_review_stays() -> None:
    desk = Desk()
    held(desk, hold("other", 1))
    held(desk, hold("other", 2), 2)

    assert held(desk, hold("other", 1), 3, released=True) == []
    assert shown(held(desk, hold("other", 2), 4, released=True)) == ["order-manual-review resolved warning"]


def test_holds_are_read_again_and_not_counted() -> None:
    desk = Desk()
    held(desk, hold("other", 1))
    held(desk, hold("other", 2), 2)
    none_open = HoldFacts(fulfillment_order=FULFILLMENT_ORDER, released=True, hold=hold("other", 1), open_holds=())

    ends = desk.event("fulfillment_holds/released", none_open, occurred=START + minutes(3))

    assert shown(ends) == ["order-manual-review resolved warning"]


@pytest.mark.parametrize("reason", ["awaiting_payment", "incorrect_address", "high_risk_of_fraud"])
def test_holds_of_other_rules_are_no_review(reason: str) -> None:
    desk = Desk()
    held(desk, hold(reason))

    assert "order-manual-review" not in desk.open


def test_a_look_that_came_late_knows_better_than_the_webhook_it_was_for() -> None:
    desk = Desk()
    held(desk, hold("other"))
    gone = HoldFacts(fulfillment_order=FULFILLMENT_ORDER, released=False, hold=hold("other"), open_holds=())

    assert shown(desk.event("answer.facts", gone, occurred=START + minutes(5))) == [
        "order-manual-review resolved warning"
    ]


def test_a_hold_that_is_told_a_day_late_and_is_not_there_any_more_is_no_news() -> None:
    gone, stays = (
        HoldFacts(fulfillment_order=FULFILLMENT_ORDER, released=False, hold=hold("other"), open_holds=found)
        for found in ((), (hold("other"),))
    )
    yesterday = START - timedelta(hours=40)

    assert Desk().event("fulfillment_holds/added", gone, occurred=yesterday) == []
    assert len(Desk().event("fulfillment_holds/added", stays, occurred=yesterday)) == 1


def test_a_level_that_is_looked_up_late_is_the_one_of_then() -> None:
    desk, told = Desk(), Assessment("Shopify", "high")
    now = (Assessment("Shopify", "low"),)
    desk.event("orders/risk_assessment_changed", RiskFacts(order_id=NUMBER, assessment=told), incomplete=("risk",))
    came = RiskFacts(order_id=NUMBER, assessment=told, assessments=now, recommendation="accept")

    assert shown(desk.event("answer.facts", came, occurred=START + minutes(5))) == ["order-high-risk resolved critical"]


def test_what_was_cleared_up_is_not_brought_back_by_a_level_that_is_pending() -> None:
    desk = Desk()
    for minute, level, advice in ((0, "high", "cancel"), (5, "low", "accept"), (9, "pending", "none")):
        said = Assessment("Shopify", level)
        facts = RiskFacts(order_id=NUMBER, assessment=said, assessments=(said,), recommendation=advice)
        desk.event("orders/risk_assessment_changed", facts, occurred=START + minutes(minute))

    assert shown(desk.alerts) == ["order-high-risk firing critical", "order-high-risk resolved critical"]


def test_a_level_that_is_told_a_day_late_is_not_excused_by_one_that_is_pending_by_now() -> None:
    told, yesterday = Assessment("Shopify", "high"), START - timedelta(hours=40)
    pending, low = (
        RiskFacts(order_id=NUMBER, assessment=told, assessments=(Assessment("Shopify", level),), recommendation="none")
        for level in ("pending", "low")
    )

    assert shown(Desk().event("orders/risk_assessment_changed", pending, occurred=yesterday)) == [
        "order-high-risk firing critical"
    ]
    assert Desk().event("orders/risk_assessment_changed", low, occurred=yesterday) == []


def test_whether_shopify_covers_it_is_learned_late_and_brings_back_no_level_of_before() -> None:
    desk, told = Desk(), Assessment("Shopify", "high")
    desk.event("orders/risk_assessment_changed", RiskFacts(order_id=NUMBER, assessment=told), incomplete=("protect",))
    low = RiskFacts(order_id=NUMBER, assessment=Assessment("Shopify", "low"), assessments=(), recommendation="accept")
    ends = desk.event("orders/risk_assessment_changed", low, occurred=START + minutes(5))
    came = RiskFacts(order_id=NUMBER, assessment=told, protect="active")

    assert shown(ends) == ["order-high-risk resolved critical"]
    assert desk.event("answer.facts", came, occurred=START + minutes(9), source=Source.ANSWER) == []


def test_our_own_hold_is_no_news() -> None:
    assert held(Desk(), hold("other", handle="approval-1", ours=True)) == []


def test_a_hold_goes_to_those_whose_it_is() -> None:
    names = ("operations", "warehouse", "returns")
    people = (Person(name="desk", email="desk@example.com"),)
    routes = tuple(
        Route(teams=(audience.value,), audiences=(audience,)) for audience in (Audience.WAREHOUSE, Audience.RETURNS)
    )
    whole = configuration(
        teams=tuple(Team(name=name, people=people) for name in names),
        routes=Route(teams=("operations",), routes=routes),
    )
    desk = Desk(whole)

    out, back = held(desk, hold("inventory_out_of_stock", 1)), held(desk, hold("awaiting_return_items", 2), 2)

    assert [(alert.team, alert.severity) for alert in (*out, *back)] == [
        ("warehouse", Severity.WARNING),
        ("returns", Severity.INFO),
    ]
    assert [alert.team for alert in held(desk, hold("awaiting_return_items", 2), 3, released=True)] == ["returns"]


def test_a_hold_for_a_post_purchase_offer_is_news_only_after_two_hours() -> None:
    desk = Desk()
    held(desk, hold("online_store_post_purchase_cross_sell"), 0)

    assert desk.passes(minutes(119)) == []
    desk.passes(minutes(1))
    assert shown(desk.passes(minutes(1))) == ["order-manual-review firing warning"]


def test_a_hold_for_a_post_purchase_offer_that_shopify_takes_away_is_no_news() -> None:
    desk = Desk()
    held(desk, hold("online_store_post_purchase_cross_sell"), 0)
    held(desk, hold("online_store_post_purchase_cross_sell"), 30, released=True)

    assert desk.passes(timedelta(hours=5)) == []


def test_a_tag_asks_for_a_review_in_any_letter_case_until_it_is_gone() -> None:
    desk = Desk()

    assert shown(told_order(desk, 1, tags=("gift", "Manual-Review"))) == ["order-manual-review firing warning"]
    assert told_order(desk, 2, tags=(), absent=("tags",)) == [], "a key that is absent says nothing"
    assert shown(told_order(desk, 3, tags=("gift",))) == ["order-manual-review resolved warning"]


def test_a_recommendation_to_investigate_is_a_review_where_the_risk_rule_is_off() -> None:
    desk = Desk(configuration(rules=Rules(orders=OrderRules(high_risk=False))))

    assert shown(assessed(desk, "low", advice="investigate")) == ["order-manual-review firing warning"]


def test_where_the_risk_rule_is_narrowed_away_a_recommendation_to_investigate_is_a_review_and_nowhere_else() -> None:
    desk = Desk(configuration(rules=Rules(when={"order-high-risk": "order.total >= 1000"})))
    told_order(desk, 0)

    assert shown(assessed(desk, "medium", advice="investigate")) == ["order-manual-review firing warning"]
    told_order(desk, 2, total=usd(2000))
    assert list(desk.open) == ["order-high-risk"]


def test_a_tag_that_stays_a_day_makes_it_worse_counted_from_when_it_was_seen() -> None:
    desk = Desk()
    told_order(desk, 0)
    told_order(desk, 20, tags=("Review ",))
    told_order(desk, 30)
    told_order(desk, 60, tags=("review",))
    desk.passes(minutes(24 * 60 + 59))
    assert desk.asked == []
    desk.passes(minutes(2))

    assert shown(desk.alerts[-1:]) == ["order-manual-review updated critical"]
    assert [desk.alerts[0].since, desk.alerts[-1].since] == [START + minutes(20), START + minutes(60)]


def test_an_event_of_which_only_a_part_was_answered_hides_no_answer_that_follows() -> None:
    desk, at = Desk(), START + minutes(1)
    nothing = OrderFacts(id=NUMBER, absent=tuple(name for name in EMPTY_SAYS if name != "terms"))
    desk.event("orders/updated", nothing, occurred=at, source=Source.EVENT, incomplete=("order",))
    absent, updated = ("checkout_token", "customer_id", "lines"), at - timedelta(seconds=0.8)
    found = OrderFacts(id=NUMBER, updated=updated, tags=("review",), financial="paid", absent=absent)

    raised = desk.event("answer.facts", found, updated=updated, source=Source.ANSWER, occurred=at + minutes(3))

    assert shown(raised) == ["order-manual-review firing warning"]


def test_a_shipped_order_needs_no_review() -> None:
    desk = Desk()
    held(desk, hold("other"))

    assert shown(told_order(desk, 5, fulfillment="fulfilled")) == ["order-manual-review resolved warning"]


def test_of_an_order_that_is_deleted_everything_ends_and_nothing_is_told_any_more() -> None:
    desk, gone = Desk(), OrderDeletedFacts(id=NUMBER)
    told_order(desk, 0, tags=("review",), financial="pending")
    assessed(desk, "high")

    ends = desk.event("orders/delete", gone, occurred=START + minutes(5))

    assert sorted(shown(ends)) == ["order-high-risk resolved critical", "order-manual-review resolved critical"]
    assert {labels(alert)["Ended"] for alert in ends} == {"the order was deleted"}
    assert told_order(desk, 4, tags=("review",), financial="pending") == []
    assert desk.passes(timedelta(days=2)) == []
    assert desk.asked == []


# --- whatever comes first ---------------------------------------------------------------------------------------------

DELIVERIES = st.permutations(range(9)).flatmap(
    lambda order: st.lists(st.sampled_from(range(9)), max_size=5).map(lambda again: [*order, *again])
)


@given(DELIVERIES)
@settings(max_examples=60)
def test_what_is_open_does_not_depend_on_the_order_of_the_deliveries(order: list[int]) -> None:
    desk = Desk()
    deliveries = (
        lambda: told_order(desk, 0),
        lambda: assessed(desk, "high", 1, "Scorer", advice="investigate"),
        lambda: assessed(desk, "low", 9, "Scorer", advice="accept"),
        lambda: held(desk, hold("other", 1), 2),
        lambda: held(desk, hold("other", 1), 8, released=True),
        lambda: held(desk, hold("inventory_out_of_stock", 2), 3),
        lambda: told_order(desk, 4, tags=("review",)),
        lambda: assessed(desk, "pending", 10, "Scorer"),
        lambda: told_order(desk, 12, lines=(), absent=tuple(EMPTY_SAYS)),
    )

    for number in order:
        deliveries[number]()

    assert desk.open_conditions == {"order-manual-review|review", "order-manual-review|inventory_out_of_stock"}
