"""The shop itself and the app in it, in the shapes of Admin GraphQL."""

from __future__ import annotations

from pipeline.simulators.shopify.graph import Part, Thing


class App(Thing, frozen=True, kw_only=True):
    title: str


class ShopPlan(Part, frozen=True, kw_only=True):
    public_display_name: str = "Grow"
    shopify_plus: bool = False


class Domain(Thing, frozen=True, kw_only=True):
    host: str
    ssl_enabled: bool = True


class Shop(Thing, frozen=True, kw_only=True):
    name: str
    myshopify_domain: str
    currency_code: str = "USD"
    iana_timezone: str = "America/New_York"
    setup_required: bool = False
    plan: ShopPlan = ShopPlan()
    primary_domain: Domain


class AccessScope(Part, frozen=True, kw_only=True):
    handle: str


class AppSubscription(Thing, frozen=True, kw_only=True):
    name: str
    status: str


class WebhookSubscription(Thing, frozen=True, kw_only=True):
    topic: str
    uri: str
    filter: str | None = None
    include_fields: tuple[str, ...] = ()


class AppInstallation(Thing, frozen=True, kw_only=True):
    access_scopes: tuple[AccessScope, ...] = ()
    active_subscriptions: tuple[AppSubscription, ...] = ()
