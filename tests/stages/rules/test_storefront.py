"""The storefront: the app and its scopes, the plan, the password, and privacy requests."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import subjects
from schemas.alerts import Alert, AlertState, Audience, Severity
from schemas.configuration import Configuration, OperationRules, Person, Privacy, Route, Rules, Team
from schemas.facts.operations import PrivacyFacts, ScopesFacts, ShopFacts
from schemas.facts.table import AnyFacts
from schemas.signals import TokenRefused
from tests.stages.rules.world import SHOP, START, Desk, configuration, labels

SUBJECT = subjects.shop_wide(SHOP)
STORE = "https://admin.shopify.com/store/demo"


def needing(*scopes: str) -> Configuration:
    return configuration(rules=Rules(operations=OperationRules(required_scopes=scopes)))


def tell(desk: Desk, kind: str, facts: AnyFacts, minute: int, subject: str = SUBJECT) -> list[Alert]:
    at = START + timedelta(minutes=minute)
    return desk.event(kind, facts, subject, occurred=at, updated=at, delivery_id=f"{kind}{minute:03d}")


def shop(desk: Desk, minute: int, plan: str | None = None, password: bool | None = None) -> list[Alert]:
    return tell(desk, "shop/update", ShopFacts(plan=plan, password_enabled=password), minute)


def uninstalled(desk: Desk, minute: int) -> list[Alert]:
    return tell(desk, "app/uninstalled", ShopFacts(uninstalled=True), minute)


def scopes(desk: Desk, minute: int, *current: str, before: tuple[str, ...] = ()) -> list[Alert]:
    return tell(desk, "app/scopes_update", ScopesFacts(previous=before, current=current), minute)


def token(desk: Desk, minute: int, *, refused: bool) -> list[Alert]:
    at = START + timedelta(minutes=minute)
    return desk.signal(TokenRefused(SHOP, SUBJECT, at, at, refused=refused))


# --- the app ----------------------------------------------------------------------------------------------------------


def test_an_app_that_is_uninstalled_is_critical_until_the_shop_speaks_again() -> None:
    desk = Desk()

    (alert,) = uninstalled(desk, 5)

    assert (alert.rule, alert.severity) == ("storefront-critical", Severity.CRITICAL)
    assert alert.title == "The app was uninstalled from demo.myshopify.com"
    assert alert.link == f"{STORE}/settings/apps"
    assert uninstalled(desk, 5) == []
    assert [end.state for end in shop(desk, 9)] == [AlertState.RESOLVED]
    assert [new.state for new in uninstalled(desk, 20)] == [AlertState.FIRING]


def test_what_the_shop_said_before_it_uninstalled_ends_nothing() -> None:
    desk = Desk()
    uninstalled(desk, 5)

    assert shop(desk, 4, "basic", password=False) == []
    assert scopes(desk, 3, "read_orders") == []
    assert scopes(desk, 6) == []
    assert list(desk.open) == ["storefront-critical"]


def test_a_token_that_works_says_that_the_app_is_installed() -> None:
    desk = Desk()
    uninstalled(desk, 5)

    (end,) = token(desk, 6, refused=False)

    assert labels(end) == {"Ended": "the app is installed again"}


def test_a_required_scope_that_is_not_granted_is_critical_and_named() -> None:
    desk = Desk(needing("read_orders", "read_returns", "read_products"))

    (alert,) = scopes(desk, 1, "read_orders", "write_products", before=("read_orders", "read_returns"))

    assert alert.title == "demo.myshopify.com does not grant the required scope read_returns"
    assert labels(alert)["Taken away now"] == "read_returns"
    (worse,) = scopes(desk, 2, "read_products")
    assert worse.state is AlertState.UPDATED
    assert worse.title == "demo.myshopify.com does not grant the required scopes read_orders, read_returns"
    assert [end.state for end in scopes(desk, 3, "write_orders", "read_returns", "read_products")] == [
        AlertState.RESOLVED
    ]


def test_an_app_that_is_uninstalled_lacks_no_scopes_besides() -> None:
    desk = Desk(needing("read_orders"))
    scopes(desk, 4)

    uninstalled(desk, 5)

    assert desk.open_conditions == {"storefront-critical|uninstalled"}
    assert scopes(desk, 6) == []


def test_of_many_missing_scopes_the_title_names_a_few() -> None:
    desk = Desk(needing("read_a", "read_b", "read_c", "read_d", "read_e"))

    (alert,) = scopes(desk, 1, before=("read_a",))

    assert alert.title.endswith("the required scopes read_a, read_b, read_c and 2 more")
    assert labels(alert)["Missing"] == "read_a, read_b, read_c, read_d, read_e"


def test_scopes_that_nobody_requires_and_those_that_are_not_known_are_silent() -> None:
    desk = Desk(needing("read_orders"))

    assert scopes(desk, 1, "read_orders", before=("read_returns",)) == []
    assert tell(desk, "app/scopes_update", ScopesFacts(absent=("current", "previous")), 2) == []
    assert scopes(Desk(needing()), 1, before=("read_orders",)) == []
    assert scopes(Desk(), 1, "read_orders", before=("read_orders", "read_themes")) == []


def test_without_a_list_it_is_told_what_is_taken_away_that_our_own_questions_need() -> None:
    desk = Desk()

    (alert,) = scopes(desk, 5, "write_products", before=("read_orders", "write_products", "read_themes"))

    assert alert.title == "demo.myshopify.com does not grant the required scope read_orders"
    assert scopes(desk, 6, "write_products", "read_themes", before=("write_products",)) == []
    assert [end.state for end in scopes(desk, 7, "read_orders", "write_products")] == [AlertState.RESOLVED]


def test_that_a_scope_was_granted_may_be_learned_afterwards() -> None:
    desk = Desk()
    assert scopes(desk, 5, "read_products", before=("read_products",)) == []

    (alert,) = scopes(desk, 3, "read_orders", before=("read_orders",))

    assert alert.title == "demo.myshopify.com does not grant the required scope read_orders"


def test_what_is_not_known_of_scopes_hides_nothing_whichever_comes_first() -> None:
    desk = Desk(needing("read_orders"))
    tell(desk, "app/scopes_update", ScopesFacts(absent=("current", "previous")), 9)

    assert [alert.rule for alert in scopes(desk, 5, "read_returns")] == ["storefront-critical"]


def test_of_very_many_scopes_none_is_taken_for_missing() -> None:
    many = tuple(f"read_{number}" for number in range(200))

    assert scopes(Desk(needing("read_199")), 1, *many) == []


# --- the shop ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", ["frozen", "cancelled", "fraudulent"])
def test_a_plan_that_shuts_the_shop_is_critical_and_another_one_ends_it(plan: str) -> None:
    desk = Desk()
    assert shop(desk, 1, "basic") == []

    (alert,) = shop(desk, 2, plan)

    assert alert.title == f"demo.myshopify.com is shut: Shopify calls its plan {plan}"
    assert alert.link == f"{STORE}/settings/plan"
    assert shop(desk, 3, "dormant") == []
    assert shop(desk, 4) == []
    assert [labels(end) for end in shop(desk, 5, "basic")] == [{"Ended": "the plan is basic"}]


def test_a_password_that_is_put_on_is_critical_and_taking_it_off_ends_it() -> None:
    desk = Desk()
    shop(desk, 1, password=False)

    (alert,) = shop(desk, 5, password=True)

    assert alert.title == "Nobody can buy: the storefront of demo.myshopify.com is behind a password"
    assert (alert.severity, alert.since) == (Severity.CRITICAL, START + timedelta(minutes=5))
    assert labels(alert)["Last seen open"] == "02 Nov 2026 at 09:01 UTC"
    assert shop(desk, 6, password=True) == []
    assert shop(desk, 7) == []
    assert [end.state for end in shop(desk, 8, password=False)] == [AlertState.RESOLVED]


def test_a_shop_that_was_always_behind_a_password_is_not_open_yet() -> None:
    desk = Desk()

    assert shop(desk, 1, password=True) == []
    assert shop(desk, 2, password=True) == []


# --- privacy ----------------------------------------------------------------------------------------------------------

ASKED = PrivacyFacts(shop_id=1, customer_id=42, orders=(7, 8), request_id=99)
OF_CUSTOMER = subjects.resource(SHOP, "customer", 42)


def guarded() -> Desk:
    person = (Person(name="desk", email="desk@example.com"),)
    teams = tuple(Team(name=name, people=person) for name in ("operations", "lawyers", "others"))
    routes = Route(teams=("operations",), routes=(Route(audiences=(Audience.PRIVACY,), teams=("others",)),))
    return Desk(configuration(teams=teams, routes=routes, privacy=Privacy(owner_team="lawyers")))


def test_a_request_for_data_is_told_to_the_privacy_owner_with_its_deadline() -> None:
    desk = guarded()

    (alert,) = tell(desk, "customers/data_request", ASKED, 1, OF_CUSTOMER)

    assert (alert.rule, alert.team, alert.severity) == ("privacy-request", "lawyers", Severity.WARNING)
    assert list(desk.open) == ["privacy-request"]
    assert alert.title == "A customer asks what is stored about them: answer by 02 Dec 2026"
    assert labels(alert) == {
        "Shop": SHOP,
        "Customer": "42",
        "Orders": "7, 8",
        "Request": "99",
        "In this pipeline": "original bodies are deleted after 7 days; ids and amounts stay, without names",
    }
    assert alert.link == f"{STORE}/customers/42"


def test_a_request_is_told_once_however_often_it_comes() -> None:
    desk = guarded()
    tell(desk, "customers/data_request", ASKED, 1, OF_CUSTOMER)

    assert tell(desk, "customers/data_request", ASKED, 2, OF_CUSTOMER) == []


def test_each_request_of_a_customer_is_told_also_one_that_comes_late() -> None:
    desk = guarded()
    erased = PrivacyFacts(customer_id=42)

    told = tell(desk, "customers/redact", erased, 9, OF_CUSTOMER)
    told += tell(desk, "customers/data_request", ASKED, 1, OF_CUSTOMER)
    told += tell(desk, "customers/redact", erased, 5, OF_CUSTOMER)

    assert [alert.title for alert in told] == [
        "A customer's data must be erased by 02 Dec 2026",
        "A customer asks what is stored about them: answer by 02 Dec 2026",
        "A customer's data must be erased by 02 Dec 2026",
    ]


def test_a_customer_without_an_id_is_said_to_be_unknown() -> None:
    desk = guarded()

    (alert,) = tell(desk, "customers/redact", PrivacyFacts(), 1)

    assert alert.unknown == ("which customer: the request carries no id of one",)
    assert alert.link is None


def test_without_an_owner_the_routes_say_whose_a_request_is() -> None:
    desk = Desk()

    assert [alert.team for alert in tell(desk, "customers/redact", PrivacyFacts(customer_id=1), 1)] == ["operations"]


def test_the_erasure_of_a_whole_shop_is_no_customers_request() -> None:
    assert tell(guarded(), "shop/redact", PrivacyFacts(shop_id=1), 1) == []


# --- whatever the order -----------------------------------------------------------------------------------------------


def happen(desk: Desk, step: int) -> None:
    match step:
        case 1:
            shop(desk, 1, "basic", password=False)
        case 2:
            scopes(desk, 2, "read_orders", before=("read_orders", "read_returns"))
        case 3:
            shop(desk, 3, "frozen", password=True)
        case 4:
            uninstalled(desk, 4)
        case 5:
            token(desk, 5, refused=True)
        case 6:
            scopes(desk, 6, "read_orders", "read_returns")
        case 7:
            shop(desk, 7, "basic", password=True)
        case _:
            tell(desk, "customers/redact", PrivacyFacts(), step)


def open_titles(desk: Desk) -> set[str]:
    newest = {alert.id: alert for alert in desk.alerts}
    return {alert.title for alert in newest.values() if alert.state is not AlertState.RESOLVED}


@given(st.data())
def test_what_is_open_in_the_end_does_not_depend_on_order_and_repetition(data: st.DataObject) -> None:
    known = data.draw(st.lists(st.integers(min_value=1, max_value=9), unique=True, min_size=1))
    arriving = data.draw(st.permutations([*known, *data.draw(st.lists(st.sampled_from(known)))]))
    in_order, mixed = Desk(needing("read_returns")), Desk(needing("read_returns"))
    for step in sorted(known):
        happen(in_order, step)
    for step in arriving:
        happen(mixed, step)

    assert open_titles(mixed) == open_titles(in_order)
