"""Facts of the shop, the app and its jobs, and of what privacy law asks: nobody is named."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest

from schemas.facts.operations import (
    AppSubscriptionFacts,
    AuditFacts,
    BulkOperationFacts,
    DomainFacts,
    PrivacyFacts,
    ScopesFacts,
    ShopFacts,
    ThemeFacts,
)
from schemas.facts.table import AnyFacts
from schemas.money import Money
from stages.bodies.parsed import About
from stages.bodies.table import facts_of
from tests.stages.bodies.reading import NEW_YEAR, parsed, varied


def test_a_shop_is_read_exactly_without_its_owner() -> None:
    removed = parsed("app/uninstalled", "app_uninstalled__1")
    changed = parsed("shop/update", "app_uninstalled__1")

    assert (removed.about, changed.about) == (None, None)
    assert removed.facts == ShopFacts(id=548380009, uninstalled=True, plan="enterprise", currency="USD")
    assert changed.facts == ShopFacts(id=548380009, plan="enterprise", currency="USD")


def test_a_subscription_is_read_exactly() -> None:
    read = parsed("app_subscriptions/update", "app_subscriptions_update__1")
    gid = "gid://shopify/AppSubscription/1029266952"
    price, cap = Money(Decimal("10.00"), "USD"), Money(Decimal("20.0"), "USD")

    assert (read.about, read.updated) == (About("app-subscription", 1029266952), NEW_YEAR)
    assert read.facts == AppSubscriptionFacts(id=gid, name="Webhook Test", status="pending", price=price, cap=cap)
    capped = varied("app_subscriptions/update").facts
    assert isinstance(capped, AppSubscriptionFacts)
    assert not capped.capped


def test_a_bulk_operation_is_read_exactly() -> None:
    assert parsed("bulk_operations/finish", "bulk_operations_finish__1").facts == BulkOperationFacts(
        id="gid://shopify/BulkOperation/147595010",
        status="completed",
        kind="query",
        completed=datetime(2024, 1, 1, 12, 34, 56, tzinfo=UTC),
    )


@pytest.mark.parametrize("identity", [147595010, "147595010", "gid://shopify/BulkOperation/147595010"])
def test_a_bulk_operation_may_name_itself_by_its_id_and_keeps_a_word_that_nobody_knows(identity: object) -> None:
    body = {"id": identity, "status": "PAUSED_BY_SHOPIFY", "type": "MUTATION"}

    facts = facts_of("bulk_operations/finish", orjson.dumps(body)).facts

    gid = "gid://shopify/BulkOperation/147595010"
    assert facts == BulkOperationFacts(id=gid, status="paused_by_shopify", kind="mutation")


def test_an_audit_is_counted_and_names_nobody() -> None:
    failed = {"event": {"context": {"context_metadata": {"api_request_failed": True}}, "actor": {"name": "x"}}}
    assert parsed("audit_events/admin_api_activity", "audit_events_admin_api_activity__1").facts == AuditFacts(1, 0)
    assert varied("audit_events/admin_api_activity", {"events": [failed, {}, 1]}).facts == AuditFacts(2, 1)


@pytest.mark.parametrize(
    ("topic", "name", "asked"),
    [
        ("customers/data_request", "customers_data_request__1", 9999),
        ("customers/redact", "customers_redact__1", None),
    ],
)
def test_a_privacy_request_is_read_exactly_as_ids(topic: str, name: str, asked: int | None) -> None:
    read = parsed(topic, name)

    assert read.about == About("customer", 191167)
    assert read.facts == PrivacyFacts(954889, 191167, (299938, 280263, 220458), asked)


def test_a_customer_with_an_address_only_is_asked_for_without_it() -> None:
    read = varied("customers/redact", {"customer": {"email": "somebody@example.com"}})
    assert read.about is None
    assert read.facts == PrivacyFacts(954889, None, (299938, 280263, 220458))


def test_the_end_of_a_shop_is_read_exactly() -> None:
    read = parsed("shop/redact", "shop_redact__1")
    assert (read.about, read.facts) == (None, PrivacyFacts(shop_id=954889))


@pytest.mark.parametrize(
    ("topic", "body", "facts"),
    [
        ("app/scopes_update", {"previous": ["a", "b"], "current": ["a"]}, ScopesFacts(("a", "b"), ("a",))),
        ("app/scopes_update", {"previous": ["a"]}, ScopesFacts(("a",), absent=("current",))),
        ("app/scopes_update", {"previous": [], "current": None}, ScopesFacts(absent=("current",))),
        ("app/scopes_update", {"previous": [], "current": ["a", None]}, ScopesFacts((), ("a",), absent=("current",))),
        ("themes/publish", {"id": 7, "name": "Dawn", "role": "MAIN"}, ThemeFacts(7, "Dawn", "main")),
        (
            "domains/update",
            {"id": 7, "host": "a.test", "ssl_enabled": False},
            DomainFacts(7, "a.test", ssl=False),
        ),
        ("domains/destroy", {"id": 7, "host": "example.com"}, DomainFacts(7, "example.com", None, removed=True)),
    ],
)
def test_topics_without_a_sample_are_read_from_what_is_documented(
    topic: str, body: dict[str, object], facts: AnyFacts
) -> None:
    assert facts_of(topic, orjson.dumps(body)).facts == facts
