"""Subscriptions: what was made for a shop and is not there any more, or is not as it should be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from schemas import subjects
from schemas.alerts import Alert, AlertState, Severity
from schemas.configuration import Subscription
from schemas.facts.operations import Subscribed, SubscriptionsFacts
from schemas.questions import QuestionKind
from schemas.signals import ShopHeard
from tests.stages.rules.sweeping import SweptDesk
from tests.stages.rules.world import SHOP, START, Desk, configuration, labels

SUBJECT = subjects.shop_wide(SHOP)
HOUR = timedelta(hours=1)
HERE = "https://hooks.example.com/webhooks/shopify"
CREATED = Subscription(topic="orders/create", uri=HERE)
THERE = Subscribed("orders/create", HERE)


def wanting(*wanted: Subscription) -> SweptDesk:
    whole = configuration()
    desk = SweptDesk(replace(whole, shops=(replace(whole.shops[0], subscriptions=wanted),)))
    desk.signal(ShopHeard(SHOP, SUBJECT, START, START))
    desk.passes(timedelta())
    return desk


def says(desk: Desk, *there: Subscribed) -> list[Alert]:
    return desk.answer(SubscriptionsFacts(subscriptions=there))


def test_a_subscription_that_is_not_there_is_critical_until_it_is() -> None:
    desk = wanting(CREATED)
    assert [question.kind for question in desk.asked] == [QuestionKind.SUBSCRIPTIONS]

    (alert,) = says(desk, Subscribed("orders/updated", HERE))

    assert (alert.rule, alert.severity) == ("subscription-missing", Severity.CRITICAL)
    assert alert.title == (
        "The subscription to orders/create of demo.myshopify.com is not there: its webhooks do not come"
    )
    assert labels(alert) == {
        "Shop": SHOP,
        "Topic": "orders/create",
        "Address wanted": HERE,
        "Seen": "02 Nov 2026 at 09:00 UTC",
    }
    desk.passes(HOUR)
    (end,) = says(desk, THERE)
    assert (end.state, labels(end)) == (AlertState.RESOLVED, {"Ended": "the subscription is there again"})


@pytest.mark.parametrize(
    ("there", "says_so"),
    [
        (Subscribed("orders/create", "https://elsewhere.example.com"), "is not as wanted: address"),
        (Subscribed("orders/create", HERE, "total_price:>100"), "is not as wanted: filter"),
        (Subscribed("orders/create", HERE, None, ("id",)), "is not as wanted: fields"),
        (Subscribed("orders/create", None, "a:b"), "is not as wanted: address, filter"),
    ],
)
def test_one_that_differs_is_told_with_what_it_is(there: Subscribed, says_so: str) -> None:
    (alert,) = says(wanting(replace(CREATED, filter="", include_fields=())), there)

    assert alert.title.endswith(says_so)


def test_of_several_the_one_that_fits_counts_and_what_is_not_set_may_be_as_it_is() -> None:
    desk = wanting(Subscription(topic="orders/create"), replace(CREATED, include_fields=("id", "updated_at")))

    assert says(desk, Subscribed("orders/create", "x", "y"), replace(THERE, include_fields=("updated_at", "id"))) == []


def test_two_of_one_topic_are_watched_apart() -> None:
    desk = wanting(CREATED, replace(CREATED, uri="https://second.example.com"))

    assert len(says(desk)) == 2
    desk.passes(HOUR)
    assert [alert.state for alert in says(desk, THERE)] == [AlertState.RESOLVED]


def test_it_is_asked_every_hour_and_silence_of_shopify_changes_nothing() -> None:
    desk = wanting(CREATED)
    says(desk)
    assert desk.passes(59 * timedelta(minutes=1)) == []
    assert desk.asked == []
    desk.passes(timedelta(minutes=1))

    assert desk.answer(SubscriptionsFacts(), ("subscriptions",)) == []
    assert list(desk.open) == ["subscription-missing"]
    desk.passes(HOUR)
    assert len(desk.asked) == 1


def test_what_shopify_does_not_say_is_not_missing() -> None:
    assert wanting(CREATED).answer(SubscriptionsFacts(), ("subscriptions",)) == []


def test_where_none_is_wanted_nothing_is_asked() -> None:
    desk = wanting()

    assert (desk.asked, desk.due) == ([], {})


def test_the_end_of_the_app_ends_it() -> None:
    desk = wanting(CREATED)
    says(desk)

    desk.uninstalled(desk.now)

    assert [labels(alert) for alert in desk.alerts[1:]] == [{"Ended": "the app was uninstalled"}]
    assert desk.due == {}
