"""What is known of an order beyond its webhook: address, risk, payment, holds. Split by scope."""

from __future__ import annotations

from schemas.facts.orders import Address, Assessment, Hold, OrderFacts, Schedule, Terms, ToShip
from stages.bodies.fields import integer
from stages.bodies.fulfillments import is_ours
from stages.bodies.lines import edition, first_due
from stages.bodies.orders import EMPTY_SAYS, SHOPIFY
from stages.shopify import shapes
from stages.shopify.answers import Found
from stages.shopify.client import Shopify
from stages.shopify.lookup import (
    Lookup,
    OnTerms,
    OpenHolds,
    Protection,
    Reply,
    Stale,
    Verdict,
    amount,
    behind,
    gid,
    in_currency,
    number,
    told,
    words,
)
from stages.shopify.operations import Operation
from stages.shopify.paging import pages_of
from stages.shopify.places import of_its_order

ORDER_CORE = Operation("OrderCore", shapes.OrderCore)
ORDER_ADDRESS = Operation("OrderAddress", shapes.OrderAddress)
ORDER_PROTECT = Operation("OrderProtect", shapes.OrderProtect)
ORDER_PAYMENTS = Operation("OrderPayments", shapes.OrderPayments)
ORDER_TERMS = Operation("OrderTerms", shapes.OrderTerms)
ORDER_HOLDS = Operation("OrderHolds", shapes.OrderHolds)


async def address(shopify: Shopify, lookup: Lookup) -> Reply:
    def verdict(data: shapes.OrderAddress) -> Verdict | Stale | None:
        if data.order is None:
            return None
        if behind(data.order.updated_at, lookup.newer):
            return Stale()
        to = data.order.shipping_address
        word = words(to.validation_result_summary) if to else None
        return Verdict(word, _address_of(to) if to else None, to_ship(data.order.fulfillment_orders.nodes))

    def enough(data: shapes.OrderAddress) -> bool:
        return data.order is not None and not behind(data.order.updated_at, lookup.newer)

    asked = {"id": gid("Order", lookup.identity)}
    return told(await shopify.query(lookup.shop, ORDER_ADDRESS, asked, lookup.since, enough), verdict)


def _address_of(to: shapes.ShippingAddress) -> Address:
    """Where Shopify shows no part of it, it withholds them all: nothing is known to be lacking."""
    parts = (to.address1, to.city, to.zip)
    street, city, zipped = [bool(part) for part in parts] if any(parts) else [None] * len(parts)
    return Address(
        country=to.country_code_v2,
        province=to.province_code,
        has_country=bool(to.country_code_v2) if any(parts) else None,
        has_address1=street,
        has_city=city,
        has_zip=zipped,
        edition=edition(to.address1, to.address2, to.city, to.zip, to.province_code),
    )


#: Statuses of a fulfillment order that nobody ships any more.
_CLOSED = frozenset({"closed", "cancelled"})
#: So many of an order's are looked at, the newest ones: those that were replaced are closed.
_ROUTED_ORDERS = 10


def to_ship(found: tuple[shapes.RoutedOrder, ...]) -> tuple[ToShip, ...] | None:
    """None where there is none at all (not routed yet, or out of our scopes), or where older ones may be open still."""
    told = (
        ToShip(
            fulfillment_order=each.id,
            status=words(each.status),
            method=words(each.delivery_method.method_type) if each.delivery_method else None,
            fulfill_by=each.fulfill_by,
            deliver_by=each.delivery_method.max_delivery_date_time if each.delivery_method else None,
            location=each.assigned_location.name if each.assigned_location else None,
        )
        for each in found
    )
    still_open = tuple(each for each in told if each.status not in _CLOSED)
    return None if not still_open and len(found) in (0, _ROUTED_ORDERS) else still_open


async def order(shopify: Shopify, lookup: Lookup) -> Reply:
    def state(data: shapes.OrderCore) -> OrderFacts | Stale | None:
        if data.order is None:
            return None
        return Stale() if behind(data.order.updated_at, lookup.newer) else order_facts(data.order)

    def enough(data: shapes.OrderCore) -> bool:
        return data.order is not None and not behind(data.order.updated_at, lookup.newer)

    asked = {"id": gid("Order", lookup.identity)}
    return told(await shopify.query(lookup.shop, ORDER_CORE, asked, lookup.since, enough), state)


#: What OrderCore leaves open: no line, no address, no terms, nobody's name.
_NOT_IN_CORE = ("address", "checkout_token", "customer_id", "lines", "terms")

#: Shopify's GraphQL words that are null in the REST shape: nothing has been shipped yet.
_UNFULFILLED = {"UNFULFILLED", "OPEN", "IN_PROGRESS", "ON_HOLD", "SCHEDULED", "PENDING_FULFILLMENT", "REQUEST_DECLINED"}


def order_facts(order: shapes.Order) -> OrderFacts:
    """In the words of the REST shape, so that rules know one language."""
    total = amount(order.current_total_price_set.shop_money) if order.current_total_price_set else None
    methods = [
        text for line in (order.shipping_lines or shapes.ShippingLines()).nodes for text in (line.title, line.code)
    ]
    company = order.purchasing_entity.company if order.purchasing_entity else None
    return OrderFacts(
        id=number(order.id),
        name=order.name,
        test=order.test,
        created=order.created_at,
        processed=order.processed_at,
        updated=order.updated_at,
        cancelled=order.cancelled_at,
        closed=order.closed_at,
        financial=words(order.display_financial_status),
        fulfillment=_fulfillment(order.display_fulfillment_status),
        total=total,
        outstanding=in_currency(order.total_outstanding_set, total),
        tags=order.tags,
        gateways=order.payment_gateway_names,
        company_id=number(company.id) if company else None,
        requires_shipping=order.requires_shipping,
        shipping_methods=tuple(dict.fromkeys(text for text in methods if text)),
        risk=tuple(map(_assessment, order.risk.assessments)) if order.risk else None,
        recommendation=words(order.risk.recommendation) if order.risk else None,
        capturable=order.capturable,
        absent=_NOT_IN_CORE,
    )


def _fulfillment(word: str | None) -> str | None:
    if word is None or word in _UNFULFILLED:
        return None
    return "partial" if word == "PARTIALLY_FULFILLED" else word.lower()


def _assessment(found: shapes.RiskAssessment) -> Assessment:
    return Assessment(
        provider=_provider(found.provider),
        app=integer(found.provider.id) if found.provider else None,
        level=found.risk_level.lower(),
        negative=tuple(fact.description for fact in found.facts if fact.sentiment == "NEGATIVE"),
    )


def _provider(found: shapes.Provider | None) -> str:
    """As the webhook calls it: an app without a title is its number, and only nobody is Shopify itself."""
    return SHOPIFY if found is None else found.title or str(integer(found.id) or "an unknown app")


async def protect(shopify: Shopify, lookup: Lookup) -> Reply:
    def status(data: shapes.OrderProtect) -> Protection | None:
        if data.order is None:
            return None
        found = data.order.shopify_protect
        return Protection("none" if found is None else found.status.lower())

    asked = {"id": gid("Order", lookup.identity)}
    return told(await shopify.query(lookup.shop, ORDER_PROTECT, asked, lookup.since), status)


async def payment(shopify: Shopify, lookup: Lookup) -> Reply:
    def state(data: shapes.OrderPayments) -> OrderFacts | None:
        order = data.order
        if order is None:
            return None
        held = [each for each in order.transactions if each.kind == "AUTHORIZATION" and each.status == "SUCCESS"]
        return OrderFacts(
            id=number(order.id),
            updated=order.updated_at,
            financial=words(order.display_financial_status),
            outstanding=in_currency(order.total_outstanding_set, None),
            capturable=order.capturable,
            authorization_expires=max(
                (each.authorization_expires_at for each in held if each.authorization_expires_at), default=None
            ),
            authorized_by=held[-1].gateway if held else None,
            manual_gateway=any(each.manual_payment_gateway for each in order.transactions),
            absent=tuple(EMPTY_SAYS),
        )

    asked = {"id": gid("Order", lookup.identity)}
    return told(await shopify.query(lookup.shop, ORDER_PAYMENTS, asked, lookup.since), state)


async def terms(shopify: Shopify, lookup: Lookup) -> Reply:
    def told_terms(data: shapes.OrderTerms) -> OnTerms | None:
        return None if data.order is None else OnTerms(_terms(data.order.payment_terms))

    asked = {"id": gid("Order", lookup.identity)}
    return told(await shopify.query(lookup.shop, ORDER_TERMS, asked, lookup.since), told_terms)


def _terms(found: shapes.TermsOfOrder | None) -> Terms | None:
    if found is None:
        return None
    schedules = tuple(
        Schedule(number(each.id), each.due_at, each.completed_at, amount(each.balance_due))
        for each in found.payment_schedules.nodes
    )
    return Terms(found.payment_terms_name, words(found.payment_terms_type), first_due(schedules), schedules)


_MOST_PAGES = 4


async def holds(shopify: Shopify, lookup: Lookup) -> Reply:
    """All holds of the order that are open now, over all of its fulfillment orders."""
    answer = await pages_of(
        shopify,
        lookup,
        ORDER_HOLDS,
        lambda data: data.order,
        lambda order: order.fulfillment_orders.page_info,
        _MOST_PAGES,
    )
    if not isinstance(answer, Found):
        return answer
    nodes = (node for order in answer.value for node in order.fulfillment_orders.nodes)
    found = tuple(_hold(hold, node.id) for node in nodes for hold in node.fulfillment_holds)
    last = answer.value[-1]
    return Found(OpenHolds(found, last.test, last.created_at, last.processed_at))


def _hold(found: shapes.FulfillmentHold, fulfillment_order: str) -> Hold:
    return Hold(
        id=found.id,
        fulfillment_order=fulfillment_order,
        reason=words(found.reason) or "unknown",
        handle=found.handle,
        ours=is_ours(found.handle, found.held_by_requesting_app),
        app=found.held_by_app.id if found.held_by_app else None,
    )


async def holds_beside(shopify: Shopify, lookup: Lookup) -> Reply:
    """All open holds of the order that a fulfillment order belongs to."""
    return await of_its_order(shopify, lookup, holds)


async def order_beside(shopify: Shopify, lookup: Lookup) -> Reply:
    return await of_its_order(shopify, lookup, order)
