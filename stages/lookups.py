"""What `enrich` may ask Shopify about, each with the document it takes and the facts it gives.

A lookup is a value: the same one asked again is the same question. `since` (wall) is when we had the webhook that made
us ask: an older answer does not count. `newer` is the resource's own `updated_at` in that webhook: Shopify's replicas
lag, and an answer from before it is `Stale`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from schemas.facts import (
    Assessment,
    CheckoutFacts,
    Customer,
    Hold,
    Item,
    Level,
    OrderFacts,
    ReturnFacts,
)
from schemas.money import Money
from stages import shapes
from stages.answers import Answer, Denied, Found, Missing
from stages.bodies import orders, payments
from stages.bodies.fields import integer
from stages.bodies.fulfillments import is_ours
from stages.bodies.orders import SHOPIFY
from stages.shopify import Nodes, Operation, Shopify

T = TypeVar("T")
V = TypeVar("V")

ORDER_CORE = Operation("OrderCore", shapes.OrderCore)
ORDER_ADDRESS = Operation("OrderAddress", shapes.OrderAddress)
ORDER_PAYMENTS = Operation("OrderPayments", shapes.OrderPayments)
ORDER_HOLDS = Operation("OrderHolds", shapes.OrderHolds)
CUSTOMER = Operation("Customer", shapes.CustomerData, keep=300.0)
FULFILLMENT_ORDERS: Operation[Nodes[shapes.FulfillmentOrder]] = Operation(
    "FulfillmentOrders", Nodes[shapes.FulfillmentOrder]
)
PAYMENT_SCHEDULE = Operation("PaymentSchedule", shapes.PaymentSchedule)
PAYMENT_TERMS = Operation("PaymentTerms", shapes.PaymentTerms)
REVERSE_FULFILLMENT_ORDER = Operation("ReverseFulfillmentOrder", shapes.ReverseFulfillmentOrder)
RETURN = Operation("Return", shapes.Return)
INVENTORY_ITEMS: Operation[Nodes[shapes.InventoryItem]] = Operation("InventoryItems", Nodes[shapes.InventoryItem])
VARIANT_ITEMS: Operation[Nodes[shapes.VariantItem]] = Operation("VariantItems", Nodes[shapes.VariantItem], keep=3600.0)
ABANDONED_CHECKOUT = Operation("AbandonedCheckout", shapes.AbandonedCheckout)
ORDER_BY_CHECKOUT = Operation("OrderByCheckout", shapes.OrderByCheckout)

OPERATIONS = (
    ORDER_CORE,
    ORDER_ADDRESS,
    ORDER_PAYMENTS,
    ORDER_HOLDS,
    CUSTOMER,
    FULFILLMENT_ORDERS,
    PAYMENT_SCHEDULE,
    PAYMENT_TERMS,
    REVERSE_FULFILLMENT_ORDER,
    RETURN,
    INVENTORY_ITEMS,
    VARIANT_ITEMS,
    ABANDONED_CHECKOUT,
    ORDER_BY_CHECKOUT,
)


class What(StrEnum):
    """The first six tell where a resource belongs (`Place`), the others what is known of it."""

    FULFILLMENT_ORDER = "fulfillment-order"
    VARIANT = "variant"
    PAYMENT_TERMS = "payment-terms"
    PAYMENT_SCHEDULE = "payment-schedule"
    RETURN = "return"
    REVERSE_FULFILLMENT_ORDER = "reverse-fulfillment-order"
    CUSTOMER = "customer"
    ADDRESS = "address"
    ORDER = "order"
    PAYMENT = "payment"
    HOLDS = "holds"
    HOLDS_BESIDE = "holds-beside"
    ITEM = "item"
    ITEM_OF_VARIANT = "item-of-variant"
    CHECKOUT = "checkout"
    ABANDONMENT = "abandonment"
    RETURN_STATE = "return-state"


class Lookup(Struct, frozen=True):
    """`identity`: the number of a gid, or a checkout's token."""

    shop: str
    what: What
    identity: str
    since: datetime | None = None
    newer: datetime | None = None


class Place(Struct, frozen=True, omit_defaults=True):
    """Where a resource belongs: the kind and identity of its subject. This never changes and is remembered."""

    kind: str
    identity: int
    order_name: str | None = None
    return_id: int | None = None
    return_name: str | None = None

    @property
    def order_id(self) -> int | None:
        return self.identity if self.kind == "order" else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The address validation: error, warning, no_issues; None where Shopify has not validated."""

    word: str | None


@dataclass(frozen=True, slots=True)
class OpenHolds:
    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True)
class Stale:
    """Shopify has not caught up with its own webhook yet."""


Value = Place | Customer | Verdict | OrderFacts | OpenHolds | Item | CheckoutFacts | ReturnFacts
Reply = Answer[Value] | Stale


async def look_up(shopify: Shopify, lookup: Lookup) -> Reply:
    if not shopify.has_access(lookup.shop):
        return Denied("no Admin access is configured for this shop")
    return await _LOOKUPS[lookup.what](shopify, lookup)


def gid(kind: str, identity: str | int) -> str:
    return f"gid://shopify/{kind}/{identity}"


def _told(answer: Answer[T], told: Callable[[T], Value | Stale | None]) -> Reply:
    """What the data says; None says that Shopify knows no such thing."""
    if not isinstance(answer, Found):
        return answer
    value = told(answer.value)
    if value is None:
        return Missing()
    return value if isinstance(value, Stale) else Found(value)


def _behind(updated: datetime | None, newer: datetime | None) -> bool:
    return updated is not None and newer is not None and updated < newer.replace(microsecond=0)


def _number(found: str | None) -> int:
    """Of a gid that Shopify itself wrote."""
    return integer(found) or 0


def _words(found: str | None) -> str | None:
    return found.lower() if found else None


async def _fulfillment_order(shopify: Shopify, lookup: Lookup) -> Reply:
    asked = gid("FulfillmentOrder", lookup.identity)

    def place(node: shapes.FulfillmentOrder) -> Place | None:
        order = integer(node.order_id)
        return None if order is None else Place("order", order, node.order_name)

    return _told(await shopify.node(lookup.shop, FULFILLMENT_ORDERS, asked), place)


async def _variant(shopify: Shopify, lookup: Lookup) -> Reply:
    def place(node: shapes.VariantItem) -> Place | None:
        return Place("inventory", _number(node.inventory_item.id)) if node.inventory_item else None

    return _told(await shopify.node(lookup.shop, VARIANT_ITEMS, gid("ProductVariant", lookup.identity)), place)


def _of_terms(terms: shapes.TermsNode | None) -> Place | None:
    if terms is None:
        return None
    if terms.order:
        return Place("order", _number(terms.order.id), terms.order.name)
    return Place("draft", _number(terms.draft_order.id)) if terms.draft_order else None


async def _payment_terms(shopify: Shopify, lookup: Lookup) -> Reply:
    asked = {"id": gid("PaymentTerms", lookup.identity)}
    return _told(await shopify.query(lookup.shop, PAYMENT_TERMS, asked), lambda data: _of_terms(data.node))


async def _payment_schedule(shopify: Shopify, lookup: Lookup) -> Reply:
    asked = {"id": gid("PaymentSchedule", lookup.identity)}
    answer = await shopify.query(lookup.shop, PAYMENT_SCHEDULE, asked)
    return _told(answer, lambda data: _of_terms(data.node.payment_terms) if data.node else None)


async def _return(shopify: Shopify, lookup: Lookup) -> Reply:
    def place(data: shapes.Return) -> Place | None:
        found = data.return_
        if found is None or found.order is None:
            return None
        return Place("order", _number(found.order.id), found.order.name, _number(found.id), found.name)

    return _told(await shopify.query(lookup.shop, RETURN, {"id": gid("Return", lookup.identity)}), place)


async def _reverse_fulfillment_order(shopify: Shopify, lookup: Lookup) -> Reply:
    """The body carries no return: it is the one of the order's that has this reverse fulfillment order."""
    asked = gid("ReverseFulfillmentOrder", lookup.identity)

    def place(data: shapes.ReverseFulfillmentOrder) -> Place | None:
        order = data.reverse_fulfillment_order.order if data.reverse_fulfillment_order else None
        if order is None:
            return None
        for one in order.returns.nodes:
            if any(reverse.id == asked for reverse in one.reverse_fulfillment_orders.nodes):
                return Place("order", _number(order.id), order.name, _number(one.id), one.name)
        return Place("order", _number(order.id), order.name)

    return _told(await shopify.query(lookup.shop, REVERSE_FULFILLMENT_ORDER, {"id": asked}), place)


async def _customer(shopify: Shopify, lookup: Lookup) -> Reply:
    """What makes a customer premium changes slowly: an answer of the last minutes serves."""

    def value(data: shapes.CustomerData) -> Customer | None:
        found = data.customer
        if found is None:
            return None
        return Customer(
            id=_number(found.id),
            tags=found.tags,
            orders=None if found.number_of_orders is None else integer(str(found.number_of_orders)),
            spent=_amount(found.amount_spent),
        )

    asked = {"id": gid("Customer", lookup.identity), "segments": [], "withSegments": False}
    return _told(await shopify.query(lookup.shop, CUSTOMER, asked), value)


async def _address(shopify: Shopify, lookup: Lookup) -> Reply:
    def verdict(data: shapes.OrderAddress) -> Verdict | Stale | None:
        if data.order is None:
            return None
        if _behind(data.order.updated_at, lookup.newer):
            return Stale()
        address = data.order.shipping_address
        return Verdict(_words(address.validation_result_summary) if address else None)

    def enough(data: shapes.OrderAddress) -> bool:
        return data.order is not None and not _behind(data.order.updated_at, lookup.newer)

    asked = {"id": gid("Order", lookup.identity)}
    return _told(await shopify.query(lookup.shop, ORDER_ADDRESS, asked, lookup.since, enough), verdict)


async def _order(shopify: Shopify, lookup: Lookup) -> Reply:
    def state(data: shapes.OrderCore) -> OrderFacts | Stale | None:
        if data.order is None:
            return None
        return Stale() if _behind(data.order.updated_at, lookup.newer) else order_facts(data.order)

    def enough(data: shapes.OrderCore) -> bool:
        return data.order is not None and not _behind(data.order.updated_at, lookup.newer)

    asked = {"id": gid("Order", lookup.identity)}
    return _told(await shopify.query(lookup.shop, ORDER_CORE, asked, lookup.since, enough), state)


#: What OrderCore leaves open: no line, no address, no terms, nobody's name.
_NOT_IN_CORE = ("address", "checkout_token", "customer_id", "lines", "terms")

#: Shopify's GraphQL words that are null in the REST shape: nothing has been shipped yet.
_UNFULFILLED = {"UNFULFILLED", "OPEN", "IN_PROGRESS", "ON_HOLD", "SCHEDULED", "PENDING_FULFILLMENT", "REQUEST_DECLINED"}


def order_facts(order: shapes.Order) -> OrderFacts:
    """In the words of the REST shape, so that rules know one language."""
    total = _amount(order.current_total_price_set.shop_money) if order.current_total_price_set else None
    methods = [
        text for line in (order.shipping_lines or shapes.ShippingLines()).nodes for text in (line.title, line.code)
    ]
    company = order.purchasing_entity.company if order.purchasing_entity else None
    return OrderFacts(
        id=_number(order.id),
        name=order.name,
        test=order.test,
        processed=order.processed_at,
        updated=order.updated_at,
        cancelled=order.cancelled_at,
        closed=order.closed_at,
        financial=_words(order.display_financial_status),
        fulfillment=_fulfillment(order.display_fulfillment_status),
        total=total,
        outstanding=_in_currency(order.total_outstanding_set, total),
        tags=order.tags,
        gateways=order.payment_gateway_names,
        company_id=_number(company.id) if company else None,
        requires_shipping=order.requires_shipping,
        shipping_methods=tuple(dict.fromkeys(text for text in methods if text)),
        risk=tuple(map(_assessment, order.risk.assessments)) if order.risk else None,
        recommendation=_words(order.risk.recommendation) if order.risk else None,
        capturable=order.capturable,
        absent=_NOT_IN_CORE,
    )


def _fulfillment(word: str | None) -> str | None:
    if word is None or word in _UNFULFILLED:
        return None
    return "partial" if word == "PARTIALLY_FULFILLED" else word.lower()


def _assessment(found: shapes.RiskAssessment) -> Assessment:
    return Assessment(
        provider=(found.provider.title if found.provider else None) or SHOPIFY,
        level=found.risk_level.lower(),
        negative=tuple(fact.description for fact in found.facts if fact.sentiment == "NEGATIVE"),
    )


def _amount(found: shapes.Amount | None) -> Money | None:
    return Money(found.amount, found.currency_code) if found and found.currency_code else None


def _in_currency(found: shapes.ShopMoney | None, beside: Money | None) -> Money | None:
    """The outstanding amount comes without its currency: it is the shop's, as that of the total beside it."""
    if found is None:
        return None
    currency = found.shop_money.currency_code or (beside.currency if beside else None)
    return Money(found.shop_money.amount, currency) if currency else None


async def _payment(shopify: Shopify, lookup: Lookup) -> Reply:
    def state(data: shapes.OrderPayments) -> OrderFacts | None:
        order = data.order
        if order is None:
            return None
        held = (each for each in order.transactions if each.kind == "AUTHORIZATION" and each.status == "SUCCESS")
        return OrderFacts(
            id=_number(order.id),
            updated=order.updated_at,
            financial=_words(order.display_financial_status),
            outstanding=_in_currency(order.total_outstanding_set, None),
            capturable=order.capturable,
            authorization_expires=max(
                (each.authorization_expires_at for each in held if each.authorization_expires_at), default=None
            ),
            manual_gateway=any(each.manual_payment_gateway for each in order.transactions),
            absent=tuple(orders.EMPTY_SAYS),
        )

    asked = {"id": gid("Order", lookup.identity)}
    return _told(await shopify.query(lookup.shop, ORDER_PAYMENTS, asked, lookup.since), state)


_MOST_PAGES = 4


async def _holds(shopify: Shopify, lookup: Lookup) -> Reply:
    """All holds of the order that are open now, over all of its fulfillment orders."""
    holds: list[Hold] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        asked = {"id": gid("Order", lookup.identity), "after": after}
        answer = await shopify.query(lookup.shop, ORDER_HOLDS, asked, lookup.since)
        if not isinstance(answer, Found):
            return answer
        if answer.value.order is None:
            return Missing()
        page = answer.value.order.fulfillment_orders
        holds += [_hold(hold, node.id) for node in page.nodes for hold in node.fulfillment_holds]
        after = page.page_info.end_cursor
        if not page.page_info.has_next_page:
            break
    return Found(OpenHolds(tuple(holds)))


def _hold(found: shapes.FulfillmentHold, fulfillment_order: str) -> Hold:
    return Hold(
        id=found.id,
        fulfillment_order=fulfillment_order,
        reason=_words(found.reason) or "unknown",
        handle=found.handle,
        ours=is_ours(found.handle, found.held_by_requesting_app),
        app=found.held_by_app.id if found.held_by_app else None,
    )


async def _holds_beside(shopify: Shopify, lookup: Lookup) -> Reply:
    """All open holds of the order that a fulfillment order belongs to."""
    place = await _fulfillment_order(shopify, lookup)
    if not (isinstance(place, Found) and isinstance(place.value, Place)):
        return place
    return await _holds(shopify, Lookup(lookup.shop, What.HOLDS, str(place.value.identity), lookup.since))


async def _item(shopify: Shopify, lookup: Lookup) -> Reply:
    def enough(node: shapes.InventoryItem) -> bool:
        return not _behind(_read_at(node), lookup.newer)

    def value(node: shapes.InventoryItem) -> Item | Stale:
        return item_of(node) if enough(node) else Stale()

    asked = gid("InventoryItem", lookup.identity)
    return _told(await shopify.node(lookup.shop, INVENTORY_ITEMS, asked, lookup.since, enough), value)


def _read_at(node: shapes.InventoryItem) -> datetime | None:
    """The newest change of any of its levels."""
    levels = node.inventory_levels.nodes
    times = [level.updated_at for level in levels] + [each.updated_at for level in levels for each in level.quantities]
    return max((time for time in times if time is not None), default=None)


def item_of(node: shapes.InventoryItem) -> Item:
    """Sums are over active locations that fulfil online orders; None where there is none, or more than one page."""
    variant = node.variants.nodes[0] if node.variants.nodes else None
    product = variant.product if variant else None
    levels = node.inventory_levels
    online = [
        level
        for level in levels.nodes
        if level.is_active and level.location.is_active and level.location.fulfills_online_orders
    ]
    whole = bool(online) and not levels.page_info.has_next_page
    return Item(
        id=_number(node.id),
        sku=node.sku,
        tracked=node.tracked,
        product=product.title if product else None,
        product_id=_number(product.id) if product else None,
        product_status=_words(product.status) if product else None,
        vendor=product.vendor if product else None,
        tags=product.tags if product else (),
        policy=_words(variant.inventory_policy) if variant else None,
        bundle=any(each.requires_components for each in node.variants.nodes),
        available=_sum(online, "available") if whole else None,
        on_hand=_sum(online, "on_hand") if whole else None,
        committed=_sum(online, "committed") if whole else None,
        incoming=_sum(online, "incoming") if whole else None,
        levels=tuple(map(_level, levels.nodes)),
    )


def _sum(levels: list[shapes.InventoryLevel], name: str) -> int:
    return sum(_quantity(level, name) or 0 for level in levels)


def _quantity(level: shapes.InventoryLevel, name: str) -> int | None:
    return next((each.quantity for each in level.quantities if each.name == name), None)


def _level(found: shapes.InventoryLevel) -> Level:
    return Level(
        location_id=_number(found.location.id),
        location=found.location.name,
        available=_quantity(found, "available"),
        online=found.location.fulfills_online_orders,
        active=found.is_active and found.location.is_active,
    )


async def _item_of_variant(shopify: Shopify, lookup: Lookup) -> Reply:
    place = await _variant(shopify, lookup)
    if not (isinstance(place, Found) and isinstance(place.value, Place)):
        return place
    return await _item(shopify, Lookup(lookup.shop, What.ITEM, str(place.value.identity), lookup.since))


#: A token from a body goes into a search: only what cannot end the term.
_SEARCHABLE = re.compile(r"[A-Za-z0-9_-]{1,128}")


async def _checkout(shopify: Shopify, lookup: Lookup) -> Reply:
    """Has an order come of it?"""
    if not _SEARCHABLE.fullmatch(lookup.identity):
        return Denied("a token that cannot be searched for")

    def state(data: shapes.OrderByCheckout) -> CheckoutFacts:
        order = data.orders.nodes[0] if data.orders.nodes else None
        return CheckoutFacts(
            token=lookup.identity,
            order_placed=order is not None,
            order_id=_number(order.id) if order else None,
            absent=tuple(payments.EMPTY_SAYS),
        )

    asked = {"query": f"checkout_token:{lookup.identity}"}
    return _told(await shopify.query(lookup.shop, ORDER_BY_CHECKOUT, asked, lookup.since), state)


async def _abandonment(shopify: Shopify, lookup: Lookup) -> Reply:
    """Shopify's own view of an abandoned checkout, by the number in the body's name; none is an answer too."""

    def state(data: shapes.AbandonedCheckout) -> CheckoutFacts:
        node, view = data.node, data.abandonment_by_abandoned_checkout_id
        return CheckoutFacts(
            token="",
            completed=node.completed_at if node else None,
            total=_amount(node.total_price_set.shop_money) if node and node.total_price_set else None,
            has_abandonment=node is not None,
            no_order_since=view.customer_has_no_order_since_abandonment if view else None,
            absent=tuple(name for name in payments.EMPTY_SAYS if name != "completed" or node is None),
        )

    asked = {"id": gid("AbandonedCheckout", lookup.identity)}
    return _told(await shopify.query(lookup.shop, ABANDONED_CHECKOUT, asked, lookup.since), state)


async def _return_state(shopify: Shopify, lookup: Lookup) -> Reply:
    def state(data: shapes.Return) -> ReturnFacts | None:
        found = data.return_
        if found is None:
            return None
        lines = found.return_line_items.nodes
        reasons = (_words(line.return_reason_definition.handle) for line in lines if line.return_reason_definition)
        return ReturnFacts(
            id=_number(found.id),
            order_id=_number(found.order.id) if found.order else None,
            name=found.name,
            status=_words(found.status),
            quantity=found.total_quantity,
            reasons=tuple(dict.fromkeys(reason for reason in reasons if reason)),
            decline_reason=_words(found.decline.reason) if found.decline else None,
            exchanges=len(found.exchange_line_items.nodes),
            received=sum(line.processed_quantity for line in lines),
            refunded=sum(line.refunded_quantity for line in lines),
            outstanding=_in_currency(found.order.total_outstanding_set, None) if found.order else None,
        )

    asked = {"id": gid("Return", lookup.identity)}
    return _told(await shopify.query(lookup.shop, RETURN, asked, lookup.since), state)


_LOOKUPS: dict[What, Callable[[Shopify, Lookup], Awaitable[Reply]]] = {
    What.FULFILLMENT_ORDER: _fulfillment_order,
    What.VARIANT: _variant,
    What.PAYMENT_TERMS: _payment_terms,
    What.PAYMENT_SCHEDULE: _payment_schedule,
    What.RETURN: _return,
    What.REVERSE_FULFILLMENT_ORDER: _reverse_fulfillment_order,
    What.CUSTOMER: _customer,
    What.ADDRESS: _address,
    What.ORDER: _order,
    What.PAYMENT: _payment,
    What.HOLDS: _holds,
    What.HOLDS_BESIDE: _holds_beside,
    What.ITEM: _item,
    What.ITEM_OF_VARIANT: _item_of_variant,
    What.CHECKOUT: _checkout,
    What.ABANDONMENT: _abandonment,
    What.RETURN_STATE: _return_state,
}
