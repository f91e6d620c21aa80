"""Facts of the shop itself, its app, its storefront and its integrations (use case 7)."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.facts.fact import Facts
from schemas.money import Money


class ShopFacts(Facts, frozen=True, tag="shop"):
    """app/uninstalled and shop/update: the shop, without its owner. `primary`: the host of its primary domain; whether
    that is served over `tls` is looked up."""

    id: int | None = None
    uninstalled: bool = False
    plan: str | None = None
    password_enabled: bool | None = None
    currency: str | None = None
    primary: str | None = None
    tls: bool | None = None


class SyncFacts(Facts, frozen=True, tag="sync"):
    """Looked up with `answer.sync`: how many things Shopify has that are newer than `since`, of those that a topic
    tells of; None: it did not say. There may be `more`. `newest`: when the newest of them was made or changed."""

    since: datetime
    newer: int | None = None
    more: bool = False
    newest: datetime | None = None


class Subscribed(Struct, frozen=True, omit_defaults=True):
    """A webhook subscription as Shopify has it. `topic` as in a webhook's header: `orders/create`."""

    topic: str
    uri: str | None = None
    filter: str | None = None
    include_fields: tuple[str, ...] = ()


class SubscriptionsFacts(Facts, frozen=True, tag="subscriptions"):
    """Looked up with `answer.subscriptions`: all that were made for this shop. None: Shopify did not say."""

    subscriptions: tuple[Subscribed, ...] | None = None


class ScopesFacts(Facts, frozen=True, tag="scopes"):
    previous: tuple[str, ...] = ()
    current: tuple[str, ...] = ()


class AppSubscriptionFacts(Facts, frozen=True, tag="app-subscription"):
    """app_subscriptions/*. `cap`: of what its usage may cost; `capped`: that is nearly reached."""

    id: str | None = None
    name: str | None = None
    status: str | None = None
    price: Money | None = None
    cap: Money | None = None
    capped: bool = False


class BulkOperationFacts(Facts, frozen=True, tag="bulk-operation"):
    id: str
    status: str
    error_code: str | None = None
    kind: str | None = None
    completed: datetime | None = None


class ThemeFacts(Facts, frozen=True, tag="theme"):
    id: int
    name: str | None = None
    role: str | None = None


class DomainFacts(Facts, frozen=True, tag="domain"):
    """domains/*. `primary`: the host of the shop's primary domain at that time, looked up."""

    id: int
    host: str | None = None
    ssl: bool | None = None
    removed: bool = False
    primary: str | None = None


class LocationFacts(Facts, frozen=True, tag="location"):
    """locations/*. `has_stock` is looked up, of a location that is not active."""

    id: int
    name: str | None = None
    active: bool | None = None
    has_stock: bool | None = None


class PrivacyFacts(Facts, frozen=True, tag="privacy"):
    """customers/data_request, customers/redact, shop/redact: ids only."""

    shop_id: int | None = None
    customer_id: int | None = None
    orders: tuple[int, ...] = ()
    request_id: int | None = None


class AuditFacts(Facts, frozen=True, tag="audit"):
    """audit_events/admin_api_activity: how many requests, and of how many actors. Nothing of who they were."""

    events: int = 0
    failed: int = 0


class UnknownFacts(Facts, frozen=True, tag="unknown"):
    """A verified delivery of a topic that we do not know: counted, never guessed."""
