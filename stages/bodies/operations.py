"""The shop, the app, Shopify's jobs, themes, domains, and what privacy law asks: nothing of owners and actors."""

from __future__ import annotations

from msgspec import Raw

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
from stages.bodies.fields import (
    NULL,
    Body,
    flag,
    many,
    moment,
    money,
    number,
    numbers,
    one,
    required,
    text,
    texts,
    token,
    whole,
    word,
)
from stages.bodies.parsed import About, Parsed


class _Shop(Body):
    id: Raw = NULL
    plan_name: Raw = NULL
    password_enabled: Raw = NULL
    currency: Raw = NULL
    domain: Raw = NULL
    updated_at: Raw = NULL


def _shop(body: bytes, uninstalled: bool) -> Parsed:
    found = whole(body, _Shop)
    facts = ShopFacts(
        id=number(found.id),
        uninstalled=uninstalled,
        plan=word(found.plan_name),
        password_enabled=flag(found.password_enabled),
        currency=text(found.currency),
        primary=word(found.domain),
    )
    return Parsed(facts, None, moment(found.updated_at))


def shop(body: bytes) -> Parsed:
    return _shop(body, uninstalled=False)


def uninstalled(body: bytes) -> Parsed:
    return _shop(body, uninstalled=True)


class _Scopes(Body):
    previous: Raw = NULL
    current: Raw = NULL
    updated_at: Raw = NULL


def scopes(body: bytes) -> Parsed:
    """A list that is null, or has a null in it, is not known: who grants nothing says so by an empty one."""
    found = whole(body, _Scopes)
    told = {"current": found.current, "previous": found.previous}
    facts = ScopesFacts(
        previous=texts(found.previous),
        current=texts(found.current),
        absent=tuple(name for name, raw in told.items() if not _is_whole(raw)),
    )
    return Parsed(facts, None, moment(found.updated_at))


def _is_whole(raw: Raw) -> bool:
    return bytes(raw).startswith(b"[") and len(texts(raw)) == len(many(raw, Raw))


class _Subscription(Body):
    admin_graphql_api_id: Raw = NULL
    name: Raw = NULL
    status: Raw = NULL
    price: Raw = NULL
    capped_amount: Raw = NULL
    currency: Raw = NULL
    updated_at: Raw = NULL


class _OfSubscription(Body):
    app_subscription: Raw = NULL


def _app_subscription(body: bytes, capped: bool) -> Parsed:
    found = required(one(whole(body, _OfSubscription).app_subscription, _Subscription), "$.app_subscription")
    gid = required(token(found.admin_graphql_api_id), "$.app_subscription.admin_graphql_api_id")
    facts = AppSubscriptionFacts(
        id=gid,
        name=text(found.name),
        status=word(found.status),
        price=money(found.price, text(found.currency)),
        cap=money(found.capped_amount, text(found.currency)),
        capped=capped,
    )
    return Parsed(facts, About("app-subscription", number(found.admin_graphql_api_id) or gid), moment(found.updated_at))


def app_subscription(body: bytes) -> Parsed:
    return _app_subscription(body, capped=False)


def approaching_capped_amount(body: bytes) -> Parsed:
    return _app_subscription(body, capped=True)


class _Bulk(Body):
    id: Raw = NULL
    admin_graphql_api_id: Raw = NULL
    status: Raw = NULL
    error_code: Raw = NULL
    type: Raw = NULL
    completed_at: Raw = NULL


#: Shopify's bulk operations are one job of the shop: the next one that succeeds is the end of one that failed.
BULK = "shopify-bulk-operation"


def bulk_operation(body: bytes) -> Parsed:
    """It names itself by its gid; also where that stands as its `id`, or is its number alone."""
    found = whole(body, _Bulk)
    own = number(found.id)
    gid = token(found.admin_graphql_api_id) or (None if own is None else f"gid://shopify/BulkOperation/{own}")
    facts = BulkOperationFacts(
        id=required(gid, "$.admin_graphql_api_id"),
        status=required(word(found.status), "$.status"),
        error_code=word(found.error_code),
        kind=word(found.type),
        completed=moment(found.completed_at),
    )
    return Parsed(facts, About("job", BULK))


class _Audit(Body):
    events: Raw = NULL


class _AuditEntry(Body):
    event: Raw = NULL


class _AuditEvent(Body):
    context: Raw = NULL


class _AuditContext(Body):
    context_metadata: Raw = NULL


class _AuditMetadata(Body):
    api_request_failed: Raw = NULL


def audit(body: bytes) -> Parsed:
    entries = many(whole(body, _Audit).events, _AuditEntry)
    return Parsed(AuditFacts(events=len(entries), failed=sum(_failed(entry) for entry in entries)), None)


def _failed(entry: _AuditEntry) -> bool:
    event = one(entry.event, _AuditEvent) or _AuditEvent()
    context = one(event.context, _AuditContext) or _AuditContext()
    metadata = one(context.context_metadata, _AuditMetadata) or _AuditMetadata()
    return flag(metadata.api_request_failed) or False


class _Theme(Body):
    id: Raw = NULL
    name: Raw = NULL
    role: Raw = NULL
    updated_at: Raw = NULL


def theme(body: bytes) -> Parsed:
    found = whole(body, _Theme)
    facts = ThemeFacts(id=required(number(found.id), "$.id"), name=text(found.name), role=word(found.role))
    return Parsed(facts, None, moment(found.updated_at))


class _Domain(Body):
    id: Raw = NULL
    host: Raw = NULL
    ssl_enabled: Raw = NULL


def _domain(body: bytes, removed: bool) -> Parsed:
    found = whole(body, _Domain)
    facts = DomainFacts(
        id=required(number(found.id), "$.id"), host=word(found.host), ssl=flag(found.ssl_enabled), removed=removed
    )
    return Parsed(facts, None)


def domain(body: bytes) -> Parsed:
    return _domain(body, removed=False)


def domain_removed(body: bytes) -> Parsed:
    return _domain(body, removed=True)


class _Id(Body):
    id: Raw = NULL


class _Privacy(Body):
    shop_id: Raw = NULL
    customer: Raw = NULL
    orders_requested: Raw = NULL
    orders_to_redact: Raw = NULL
    data_request: Raw = NULL


def privacy(body: bytes) -> Parsed:
    """The customer's id and the orders' ids; a customer may come with a mail address only, which stays behind."""
    found = whole(body, _Privacy)
    customer = one(found.customer, _Id)
    request = one(found.data_request, _Id)
    facts = PrivacyFacts(
        shop_id=number(found.shop_id),
        customer_id=number(customer.id) if customer else None,
        orders=numbers(found.orders_requested) or numbers(found.orders_to_redact),
        request_id=number(request.id) if request else None,
    )
    return Parsed(facts, None if facts.customer_id is None else About("customer", facts.customer_id))
