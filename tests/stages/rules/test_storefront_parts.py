"""What a storefront is made of: domains and their TLS, locations, our own billing, and a shop that is shut."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import subjects
from schemas.alerts import Alert, AlertState, Severity
from schemas.calendars import Calendar
from schemas.configuration import OperationRules, Rules
from schemas.facts.operations import AppSubscriptionFacts, DomainFacts, LocationFacts, ShopFacts, ThemeFacts
from schemas.facts.table import AnyFacts
from schemas.questions import QuestionKind
from schemas.signals import ShopShut
from tests.stages.rules.world import SHOP, START, Desk, configuration, labels, usd

SUBJECT = subjects.shop_wide(SHOP)
STORE = "https://admin.shopify.com/store/demo"
HOST, OTHER, SHOPIFYS = "shop.example.com", "www.example.org", SHOP
UNSURE = "whether it is so still: Shopify tells that of the primary domain only"


def tell(desk: Desk, kind: str, facts: AnyFacts, minute: int, subject: str = SUBJECT) -> list[Alert]:
    at = START + timedelta(minutes=minute)
    return desk.event(kind, facts, subject, occurred=at, updated=at, delivery_id=f"{kind}{minute:03d}")


def shop(desk: Desk, minute: int, primary: str) -> list[Alert]:
    return tell(desk, "shop/update", ShopFacts(primary=primary), minute)


def removed(desk: Desk, minute: int, host: str = HOST, primary: str | None = None) -> list[Alert]:
    return tell(desk, "domains/destroy", DomainFacts(id=7, host=host, removed=True, primary=primary), minute)


def domain(desk: Desk, minute: int, *, tls: bool | None, host: str = HOST, number: int = 7) -> list[Alert]:
    return tell(desk, "domains/update", DomainFacts(id=number, host=host, ssl=tls), minute)


# --- domains ----------------------------------------------------------------------------------------------------------


def test_a_primary_domain_that_is_removed_is_critical_until_it_is_connected_again() -> None:
    desk = Desk()
    shop(desk, 1, HOST)

    (alert,) = removed(desk, 5)

    assert (alert.rule, alert.severity) == ("storefront-critical", Severity.CRITICAL)
    assert alert.title == "The primary domain shop.example.com was removed from demo.myshopify.com"
    assert alert.link == f"{STORE}/settings/domains"
    assert (alert.unknown, alert.since) == ((), START + timedelta(minutes=5))
    assert removed(desk, 5) == []
    (end,) = domain(desk, 9, tls=True, number=8)
    assert (end.state, labels(end)) == (AlertState.RESOLVED, {"Ended": "the domain is connected again"})


def test_another_domain_of_its_own_ends_it_and_shopifys_does_not() -> None:
    desk = Desk()
    shop(desk, 1, HOST)
    removed(desk, 5, primary=SHOPIFYS)

    assert shop(desk, 6, SHOPIFYS) == []
    (end,) = shop(desk, 7, OTHER)

    assert labels(end) == {"Ended": "www.example.org is the primary domain now"}


def test_a_domain_that_was_not_the_primary_one_may_go() -> None:
    desk = Desk()
    shop(desk, 1, HOST)
    assert removed(desk, 2, OTHER, primary=HOST) == []

    shop(desk, 3, OTHER)
    assert removed(desk, 4) == []
    assert removed(Desk(), 2) == []
    desk = Desk()
    shop(desk, 1, SHOPIFYS)
    assert removed(desk, 2, primary=SHOPIFYS) == []


def test_where_nothing_was_known_before_and_none_of_its_own_is_left_that_is_said() -> None:
    (alert,) = removed(Desk(), 2, primary=SHOPIFYS)

    assert alert.title == (
        "The domain shop.example.com was removed from demo.myshopify.com, and none of its own is the primary one"
    )
    assert alert.unknown == ("whether it was the primary one",)


def test_that_another_one_was_primary_may_be_learned_afterwards() -> None:
    desk = Desk()
    (alert,) = removed(desk, 5, primary=SHOPIFYS)
    assert alert.unknown == ("whether it was the primary one",)

    (end,) = shop(desk, 2, SHOPIFYS)

    assert labels(end) == {"Ended": "another domain was the primary one"}


# --- TLS --------------------------------------------------------------------------------------------------------------


def without_tls(desk: Desk) -> None:
    domain(desk, 1, tls=True)
    assert domain(desk, 5, tls=False) == []
    assert desk.passes(timedelta(minutes=64)) == []


def test_a_domain_that_is_without_tls_for_an_hour_is_critical_once_shopify_has_confirmed_it() -> None:
    desk = Desk()
    without_tls(desk)
    desk.passes(timedelta(minutes=1))
    assert [question.kind for question in desk.asked] == [QuestionKind.SHOP]

    (alert,) = desk.answer(ShopFacts(primary=HOST, tls=False))

    assert alert.title == "shop.example.com has been without TLS for 1 hour: browsers warn of it"
    assert (alert.severity, alert.unknown) == (Severity.CRITICAL, ())
    assert labels(alert)["Last seen with tls"] == "02 Nov 2026 at 09:01 UTC"
    (end,) = domain(desk, 90, tls=True)
    assert labels(end) == {"Ended": "it is served over TLS again"}


def test_one_that_loses_its_tls_again_is_told_again_though_shopify_shows_it_each_time() -> None:
    desk = Desk()
    without_tls(desk)
    domain(desk, 69, tls=True)
    domain(desk, 80, tls=False)
    desk.passes(timedelta(minutes=76, seconds=10))

    (alert,) = desk.answer(ShopFacts(primary=HOST, tls=False))

    assert alert.title == "shop.example.com has been without TLS for 1 hour: browsers warn of it"


def test_shopifys_answer_that_it_is_on_again_wins() -> None:
    desk = Desk()
    without_tls(desk)
    desk.passes(timedelta(minutes=1))

    assert desk.answer(ShopFacts(primary=HOST, tls=True)) == []
    assert desk.open == {}


def test_of_a_domain_that_is_not_the_primary_one_shopify_does_not_tell() -> None:
    desk = Desk()
    without_tls(desk)
    desk.passes(timedelta(minutes=1))

    (alert,) = desk.answer(ShopFacts(primary=OTHER, tls=True))

    assert alert.unknown == (UNSURE,)


def test_a_domain_that_never_had_tls_or_has_it_back_in_time_or_is_gone_is_silent() -> None:
    new = Desk()
    domain(new, 1, tls=False)
    domain(new, 2, tls=None)
    back, gone = Desk(), Desk()
    for desk in (back, gone):
        domain(desk, 1, tls=True)
        domain(desk, 2, tls=False)
    domain(back, 30, tls=True)
    removed(gone, 30, primary=OTHER)

    for desk in (new, back, gone):
        assert desk.passes(timedelta(hours=3)) == []
        assert desk.asked == []


def test_how_long_is_configured() -> None:
    desk = Desk(configuration(rules=Rules(operations=OperationRules(tls_off_after=timedelta(minutes=10)))))
    domain(desk, 1, tls=True)
    domain(desk, 2, tls=False)

    desk.passes(timedelta(minutes=12))

    assert len(desk.asked) == 1


# --- the theme --------------------------------------------------------------------------------------------------------


def published(desk: Desk, hour: float, role: str = "main", kind: str = "themes/publish") -> list[Alert]:
    return tell(desk, kind, ThemeFacts(id=5, name="Dawn", role=role), int(hour * 60))


def working(*hours: str) -> Desk:
    return Desk(configuration(calendars=(Calendar(name="default", hours=hours),)))


def test_a_theme_that_goes_live_at_night_is_told_once_to_whom_it_concerns() -> None:
    desk = working("09:00-17:00")
    tell(desk, "themes/update", ThemeFacts(id=5, name="Dawn", role="main"), 60 * 24)

    (alert,) = published(desk, 12)

    assert alert.title == "The theme Dawn went live on demo.myshopify.com outside of working hours"
    assert (alert.severity, alert.milestone, alert.link) == (Severity.CRITICAL, True, f"{STORE}/themes")
    assert labels(alert)["Published"] == "02 Nov 2026 at 21:00 UTC"
    assert published(desk, 12) == []
    assert len(published(desk, 36)) == 1


def test_a_theme_that_goes_live_while_somebody_works_or_does_not_go_live_is_silent() -> None:
    desk = working("09:00-17:00")

    assert published(desk, 0) == []
    assert published(desk, 7.5) == []
    assert published(desk, 12, role="unpublished") == []
    assert published(desk, 12, kind="themes/update") == []


def test_the_hours_are_those_of_the_team_that_is_told() -> None:
    desk = working("20:00-24:00")

    assert published(desk, 12) == []
    assert len(published(desk, 2)) == 1


# --- locations --------------------------------------------------------------------------------------------------------

PLACE = subjects.resource(SHOP, "location", 4)


def location(desk: Desk, minute: int, *, active: bool | None, stock: bool | None = None) -> list[Alert]:
    facts = LocationFacts(id=4, name="North", active=active, has_stock=stock)
    return tell(desk, "locations/update", facts, minute, PLACE)


def test_a_location_that_is_deactivated_with_stock_is_critical_until_it_is_active_again() -> None:
    desk = Desk()

    (alert,) = location(desk, 1, active=False, stock=True)

    assert alert.title == "The location North was deactivated with stock in it"
    assert (alert.severity, alert.link) == (Severity.CRITICAL, f"{STORE}/settings/locations/4")
    assert location(desk, 2, active=False) == []
    assert location(desk, 3, active=None) == []
    assert [labels(end) for end in location(desk, 4, active=True)] == [{"Ended": "the location is active again"}]


def test_stock_that_was_moved_away_ends_it() -> None:
    desk = Desk()
    location(desk, 1, active=False, stock=True)

    assert [labels(end) for end in location(desk, 2, active=False, stock=False)] == [
        {"Ended": "nothing is stocked there"}
    ]


@pytest.mark.parametrize(("active", "stock"), [(False, False), (False, None), (True, True), (None, True)])
def test_a_location_that_is_empty_or_active_or_not_known_is_silent(active: bool | None, stock: bool | None) -> None:
    assert location(Desk(), 1, active=active, stock=stock) == []


# --- billing ----------------------------------------------------------------------------------------------------------

PLAN = subjects.resource(SHOP, "app-subscription", 3)


def billing(desk: Desk, minute: int, status: str | None) -> list[Alert]:
    facts = AppSubscriptionFacts(id="gid://shopify/AppSubscription/3", name="Pro", status=status, price=usd("29.00"))
    return tell(desk, "app_subscriptions/update", facts, minute, PLAN)


def capped(desk: Desk, minute: int) -> list[Alert]:
    gid = "gid://shopify/AppSubscription/3"
    facts = AppSubscriptionFacts(id=gid, name="Pro", status="active", cap=usd(200), capped=True)
    return tell(desk, "app_subscriptions/approaching_capped_amount", facts, minute, PLAN)


@pytest.mark.parametrize("end", ["active", "cancelled", "expired"])
def test_a_frozen_subscription_is_critical_for_its_owners_until_it_is_active_or_over(end: str) -> None:
    desk = Desk()
    assert billing(desk, 1, "active") == []

    (alert,) = billing(desk, 2, "frozen")

    assert alert.title == "The app's subscription of demo.myshopify.com is frozen: the shop does not pay"
    assert labels(alert) == {"Shop": SHOP, "Plan": "Pro", "Price": "29.00 USD"}
    assert [billing(desk, 3 + number, word) for number, word in enumerate(["pending", "new_word", None])] == [[]] * 3
    assert [alert.state for alert in billing(desk, 9, end)] == [AlertState.RESOLVED]


def test_charges_near_their_cap_are_told_once_a_month_whatever_else_is_told_of_the_subscription() -> None:
    desk = Desk()
    billing(desk, 9, "active")

    (alert,) = capped(desk, 5)

    assert (alert.title, alert.severity, alert.milestone) == (
        "The charges of the app for demo.myshopify.com come near to their cap",
        Severity.WARNING,
        True,
    )
    assert labels(alert)["Cap"] == "200 USD"
    assert capped(desk, 6) == []
    assert len(capped(desk, 60 * 24 * 35)) == 1


# --- the shop is shut -------------------------------------------------------------------------------------------------


def shut(desk: Desk, minute: int, status: int | None) -> list[Alert]:
    at = START + timedelta(minutes=minute)
    return desk.signal(ShopShut(SHOP, SUBJECT, at, at, status=status))


@pytest.mark.parametrize(("status", "why"), [(402, "it has to pay Shopify first"), (423, "it is locked")])
def test_a_shop_whose_api_is_shut_is_critical_until_it_answers_again(status: int, why: str) -> None:
    desk = Desk()

    (alert,) = shut(desk, 1, status)

    assert alert.title == f"Shopify's API answers {status} for demo.myshopify.com: {why}"
    assert alert.severity is Severity.CRITICAL
    assert shut(desk, 2, status) == []
    assert [labels(end) for end in shut(desk, 3, None)] == [{"Ended": "Shopify's API answers for it again"}]


# --- whatever the order -----------------------------------------------------------------------------------------------


HAPPENINGS: tuple[Callable[[Desk, int], object], ...] = (
    lambda desk, at: shop(desk, at, HOST),
    lambda desk, at: domain(desk, at, tls=True),
    lambda desk, at: domain(desk, at, tls=False),
    lambda desk, at: removed(desk, at, primary=SHOPIFYS),
    lambda desk, at: billing(desk, at, "frozen"),
    lambda desk, at: location(desk, at, active=False, stock=True),
    lambda desk, at: domain(desk, at, tls=True, number=9),
    lambda desk, at: billing(desk, at, "active"),
    lambda desk, at: shut(desk, at, 402),
    lambda desk, at: shut(desk, at, None),
)


def happen(desk: Desk, step: int) -> None:
    HAPPENINGS[step](desk, step)


@given(st.data())
def test_what_is_open_in_the_end_does_not_depend_on_order_and_repetition(data: st.DataObject) -> None:
    known = data.draw(st.lists(st.integers(min_value=0, max_value=9), unique=True, min_size=1))
    arriving = data.draw(st.permutations([*known, *data.draw(st.lists(st.sampled_from(known)))]))
    in_order, mixed = Desk(), Desk()
    for step in sorted(known):
        happen(in_order, step)
    for step in arriving:
        happen(mixed, step)
    for desk in (in_order, mixed):
        desk.passes(timedelta(hours=3))

    assert mixed.open_conditions == in_order.open_conditions
