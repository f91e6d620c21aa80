"""orders/*: the order's state, its edit, its end, its risk by each provider, and whether Shopify covers that."""

from __future__ import annotations

from msgspec import Raw

from schemas.facts.orders import Assessment, OrderDeletedFacts, OrderEditFacts, OrderFacts, ProtectFacts, RiskFacts
from stages.bodies.fields import (
    NULL,
    Body,
    absent,
    count,
    flag,
    many,
    moment,
    money,
    number,
    one,
    required,
    tags,
    text,
    texts,
    token,
    whole,
    word,
)
from stages.bodies.lines import TermsBody, address, lines, presented_money, ships, shop_money, terms
from stages.bodies.parsed import About, Parsed

#: Shopify's own assessment carries no provider.
SHOPIFY = "Shopify"


class _Id(Body):
    id: Raw = NULL
    admin_graphql_api_id: Raw = NULL


class _Shipping(Body):
    title: Raw = NULL
    code: Raw = NULL
    is_removed: Raw = NULL


class _Order(Body):
    id: Raw = NULL
    admin_graphql_api_id: Raw = NULL
    name: Raw = NULL
    test: Raw = NULL
    created_at: Raw = NULL
    processed_at: Raw = NULL
    updated_at: Raw = NULL
    cancelled_at: Raw = NULL
    cancel_reason: Raw = NULL
    closed_at: Raw = NULL
    financial_status: Raw = NULL
    fulfillment_status: Raw = NULL
    currency: Raw = NULL
    current_total_price_set: Raw = NULL
    current_total_price: Raw = NULL
    total_price: Raw = NULL
    total_outstanding: Raw = NULL
    current_total_discounts_set: Raw = NULL
    current_total_discounts: Raw = NULL
    total_discounts: Raw = NULL
    tags: Raw = NULL
    payment_gateway_names: Raw = NULL
    source_name: Raw = NULL
    checkout_token: Raw = NULL
    buyer_accepts_marketing: Raw = NULL
    customer: Raw = NULL
    company: Raw = NULL
    shipping_lines: Raw = NULL
    shipping_address: Raw = NULL
    payment_terms: Raw = NULL
    line_items: Raw = NULL


#: What an empty value says something about: where the key is absent, that is not known.
EMPTY_SAYS = {
    "address": "shipping_address",
    "cancelled": "cancelled_at",
    "checkout_token": "checkout_token",
    "closed": "closed_at",
    "company_id": "company",
    "customer_id": "customer",
    "fulfillment": "fulfillment_status",
    "gateways": "payment_gateway_names",
    "lines": "line_items",
    "shipping_methods": "shipping_lines",
    "tags": "tags",
    "terms": "payment_terms",
}


def order(body: bytes) -> Parsed:
    """The order's state. Personal data is read only as far as whether it is there."""
    found = whole(body, _Order)
    facts = _order_facts(found)
    return Parsed(facts, About("order", facts.id), facts.updated, facts.test)


def _order_facts(found: _Order) -> OrderFacts:
    currency = text(found.currency)
    bought = lines(found.line_items)
    payment_terms = one(found.payment_terms, TermsBody)
    return OrderFacts(
        id=required(number(found.id) or number(found.admin_graphql_api_id), "$.id"),
        name=text(found.name),
        test=flag(found.test) or False,
        created=moment(found.created_at),
        processed=moment(found.processed_at),
        updated=moment(found.updated_at),
        cancelled=moment(found.cancelled_at),
        cancel_reason=word(found.cancel_reason),
        closed=moment(found.closed_at),
        financial=word(found.financial_status),
        fulfillment=word(found.fulfillment_status),
        total=shop_money(found.current_total_price_set)
        or money(found.current_total_price, currency)
        or money(found.total_price, currency),
        presented=presented_money(found.current_total_price_set),
        outstanding=money(found.total_outstanding, currency),
        discounts=shop_money(found.current_total_discounts_set)
        or money(found.current_total_discounts, currency)
        or money(found.total_discounts, currency),
        tags=tags(found.tags),
        gateways=texts(found.payment_gateway_names),
        source_name=text(found.source_name),
        checkout_token=token(found.checkout_token),
        customer_id=_id_in(found.customer),
        marketing_consent=flag(found.buyer_accepts_marketing),
        company_id=_id_in(found.company),
        requires_shipping=ships(bought),
        shipping_methods=_methods(found.shipping_lines),
        address=address(found.shipping_address),
        terms=terms(payment_terms) if payment_terms else None,
        lines=bought,
        absent=absent(found, EMPTY_SAYS),
    )


def _id_in(raw: Raw) -> int | None:
    found = one(raw, _Id)
    return number(found.id) if found else None


def _methods(raw: Raw) -> tuple[str, ...]:
    """Title and code of each shipping line that still stands, each once."""
    standing = (line for line in many(raw, _Shipping) if not flag(line.is_removed))
    said = (text(part) for line in standing for part in (line.title, line.code))
    return tuple(dict.fromkeys(method for method in said if method is not None))


def deleted(body: bytes) -> Parsed:
    found = whole(body, _Id)
    order_id = required(number(found.id) or number(found.admin_graphql_api_id), "$.id")
    return Parsed(OrderDeletedFacts(id=order_id), About("order", order_id))


class _Edit(Body):
    order_id: Raw = NULL
    committed_at: Raw = NULL
    line_items: Raw = NULL


class _Edited(Body):
    order_edit: Raw = NULL


class _Changes(Body):
    additions: Raw = NULL
    removals: Raw = NULL


class _Delta(Body):
    delta: Raw = NULL


def edited(body: bytes) -> Parsed:
    """`added` and `removed` are units, over all lines."""
    edit = required(one(whole(body, _Edited).order_edit, _Edit), "$.order_edit")
    order_id = required(number(edit.order_id), "$.order_edit.order_id")
    changes = one(edit.line_items, _Changes) or _Changes()
    facts = OrderEditFacts(
        order_id=order_id,
        added=units(changes.additions),
        removed=units(changes.removals),
        committed=moment(edit.committed_at),
    )
    return Parsed(facts, About("order", order_id))


def units(raw: Raw) -> int:
    return sum(count(change.delta) or 0 for change in many(raw, _Delta))


class _Risk(Body):
    order_id: Raw = NULL
    admin_graphql_api_order_id: Raw = NULL
    risk_level: Raw = NULL
    provider_id: Raw = NULL
    provider_title: Raw = NULL
    created_at: Raw = NULL


def risk(body: bytes) -> Parsed:
    """One provider's level; a body whose order is null or no number cannot be placed and is rejected."""
    found = whole(body, _Risk)
    order_id = required(number(found.order_id) or number(found.admin_graphql_api_order_id), "$.order_id")
    provider_id = number(found.provider_id)
    provider = text(found.provider_title) or (SHOPIFY if provider_id is None else str(provider_id))
    level = required(word(found.risk_level), "$.risk_level")
    facts = RiskFacts(
        order_id=order_id, assessment=Assessment(provider, level, at=moment(found.created_at), app=provider_id)
    )
    return Parsed(facts, About("order", order_id))


class _Protect(Body):
    order_id: Raw = NULL
    admin_graphql_api_order_id: Raw = NULL
    status: Raw = NULL


def protect(body: bytes) -> Parsed:
    """Shopify Protect's word on the order; why (`eligibility`) is not read: its status says what it comes to."""
    found = whole(body, _Protect)
    order_id = required(number(found.order_id) or number(found.admin_graphql_api_order_id), "$.order_id")
    return Parsed(
        ProtectFacts(order_id=order_id, status=required(word(found.status), "$.status")), About("order", order_id)
    )
