"""Whose a resource is: the order, the draft or the item that it belongs to. That never changes, and is asked once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from stages.bodies.fields import integer
from stages.shopify import shapes
from stages.shopify.answers import Found
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Place, Reply, gid, number, told
from stages.shopify.operations import Nodes, Operation

FULFILLMENT_ORDERS: Operation[Nodes[shapes.FulfillmentOrder]] = Operation(
    "FulfillmentOrders", Nodes[shapes.FulfillmentOrder]
)
VARIANT_ITEMS: Operation[Nodes[shapes.VariantItem]] = Operation("VariantItems", Nodes[shapes.VariantItem], keep=3600.0)
PAYMENT_SCHEDULE = Operation("PaymentSchedule", shapes.PaymentSchedule)
PAYMENT_TERMS = Operation("PaymentTerms", shapes.PaymentTerms)
REVERSE_FULFILLMENT_ORDER = Operation("ReverseFulfillmentOrder", shapes.ReverseFulfillmentOrder)
RETURN = Operation("Return", shapes.Return)
REFUND = Operation("Refund", shapes.Refund)


async def fulfillment_order(shopify: Shopify, lookup: Lookup) -> Reply:
    asked = gid("FulfillmentOrder", lookup.identity)

    def place(node: shapes.FulfillmentOrder) -> Place | None:
        order = integer(node.order_id)
        if order is None:
            return None
        by = node.delivery_method.max_delivery_date_time if node.delivery_method else None
        return Place("order", order, node.order_name, fulfill_by=node.fulfill_by, deliver_by=by)

    return told(await shopify.node(lookup.shop, FULFILLMENT_ORDERS, asked), place)


async def of_its_order(shopify: Shopify, lookup: Lookup, look: Callable[[Shopify, Lookup], Awaitable[Reply]]) -> Reply:
    """The same look at the order that a fulfillment order belongs to."""
    place = await fulfillment_order(shopify, lookup)
    if not (isinstance(place, Found) and isinstance(place.value, Place)):
        return place
    return await look(shopify, Lookup(lookup.shop, lookup.what, str(place.value.identity), lookup.since))


async def variant(shopify: Shopify, lookup: Lookup) -> Reply:
    def place(node: shapes.VariantItem) -> Place | None:
        return Place("inventory", number(node.inventory_item.id)) if node.inventory_item else None

    return told(await shopify.node(lookup.shop, VARIANT_ITEMS, gid("ProductVariant", lookup.identity)), place)


def _of_terms(terms: shapes.TermsNode | None) -> Place | None:
    if terms is None:
        return None
    if terms.order:
        return Place("order", number(terms.order.id), terms.order.name)
    return Place("draft", number(terms.draft_order.id)) if terms.draft_order else None


async def payment_terms(shopify: Shopify, lookup: Lookup) -> Reply:
    asked = {"id": gid("PaymentTerms", lookup.identity)}
    return told(await shopify.query(lookup.shop, PAYMENT_TERMS, asked), lambda data: _of_terms(data.node))


async def payment_schedule(shopify: Shopify, lookup: Lookup) -> Reply:
    asked = {"id": gid("PaymentSchedule", lookup.identity)}
    answer = await shopify.query(lookup.shop, PAYMENT_SCHEDULE, asked)
    return told(answer, lambda data: _of_terms(data.node.payment_terms) if data.node else None)


async def return_(shopify: Shopify, lookup: Lookup) -> Reply:
    def place(data: shapes.Return) -> Place | None:
        found = data.return_
        if found is None or found.order is None:
            return None
        return Place("order", number(found.order.id), found.order.name, number(found.id), found.name)

    return told(await shopify.query(lookup.shop, RETURN, {"id": gid("Return", lookup.identity)}), place)


async def refund(shopify: Shopify, lookup: Lookup) -> Reply:
    def place(data: shapes.Refund) -> Place | None:
        found = data.refund
        if found is None or found.order is None:
            return None
        back = found.return_
        of_return = (number(back.id), back.name) if back else (None, None)
        return Place("order", number(found.order.id), found.order.name, *of_return)

    return told(await shopify.query(lookup.shop, REFUND, {"id": gid("Refund", lookup.identity)}), place)


async def reverse_fulfillment_order(shopify: Shopify, lookup: Lookup) -> Reply:
    """The body carries no return: it is the one of the order's that has this reverse fulfillment order."""
    asked = gid("ReverseFulfillmentOrder", lookup.identity)

    def place(data: shapes.ReverseFulfillmentOrder) -> Place | None:
        order = data.reverse_fulfillment_order.order if data.reverse_fulfillment_order else None
        if order is None:
            return None
        for one in order.returns.nodes:
            if any(reverse.id == asked for reverse in one.reverse_fulfillment_orders.nodes):
                return Place("order", number(order.id), order.name, number(one.id), one.name)
        return Place("order", number(order.id), order.name)

    return told(await shopify.query(lookup.shop, REVERSE_FULFILLMENT_ORDER, {"id": asked}), place)
