"""What makes a customer premium, asked by its own number or by its order's; and what it has bought."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.facts.orders import Customer
from stages.bodies.fields import integer
from stages.shopify import shapes
from stages.shopify.answers import Answer, Denied, Found, Missing
from stages.shopify.client import Shopify
from stages.shopify.lookup import Bought, Guest, Lookup, Reply, amount, gid, number, told
from stages.shopify.operations import Operation

CUSTOMER = Operation("Customer", shapes.CustomerData, keep=300.0)
CUSTOMER_SEGMENTS = Operation("CustomerSegments", shapes.CustomerSegments, keep=300.0)
CUSTOMER_ORDERS = Operation("CustomerOrders", shapes.OrderByCheckout)
ORDER_CUSTOMER = Operation("OrderCustomer", shapes.OrderCustomer)


async def customer(shopify: Shopify, lookup: Lookup) -> Reply:
    """What makes a customer premium changes slowly: an answer of the last minutes serves."""
    return await _customer(shopify, replace(lookup, since=None))


async def _customer(shopify: Shopify, lookup: Lookup) -> Reply:
    segments = await _segments(shopify, lookup)
    if segments is not None and not isinstance(segments, Found | Missing | Denied):
        return segments

    def value(data: shapes.CustomerData) -> Customer | None:
        return None if data.customer is None else _value(data.customer, segments)

    asked = {"id": gid("Customer", lookup.identity)}
    return told(await shopify.query(lookup.shop, CUSTOMER, asked, lookup.since), value)


def _value(found: shapes.CustomerNode, segments: Answer[tuple[int, ...]] | None) -> Customer:
    return Customer(
        id=number(found.id),
        tags=found.tags,
        orders=None if found.number_of_orders is None else integer(str(found.number_of_orders)),
        spent=amount(found.amount_spent),
        segments=segments.value if isinstance(segments, Found) else None,
    )


async def customer_of(shopify: Shopify, lookup: Lookup) -> Reply:
    """That of an order which no body has told."""
    answer = await shopify.query(lookup.shop, ORDER_CUSTOMER, {"id": gid("Order", lookup.identity)}, lookup.since)
    if not isinstance(answer, Found):
        return answer
    if answer.value.order is None:
        return Missing()
    found = answer.value.order.customer
    if found is None:
        return Found(Guest())
    segments = await _segments(shopify, replace(lookup, identity=str(number(found.id)), since=None))
    if segments is not None and not isinstance(segments, Found | Missing | Denied):
        return segments
    return Found(_value(found, segments))


async def bought(shopify: Shopify, lookup: Lookup) -> Reply:
    """The customer as it is now, since it has changed, and its open orders."""
    found = await _customer(shopify, lookup)
    if not (isinstance(found, Found) and isinstance(found.value, Customer)):
        return found
    customer, asked = found.value, {"query": f"customer_id:{lookup.identity} status:open"}
    return told(
        await shopify.query(lookup.shop, CUSTOMER_ORDERS, asked, lookup.since),
        lambda data: Bought(customer, tuple(number(order.id) for order in data.orders.nodes)),
    )


async def _segments(shopify: Shopify, lookup: Lookup) -> Answer[tuple[int, ...]] | None:
    """Those that the customer is in. Asked apart: one that is not there any more must not hide the customer."""
    if not lookup.segments:
        return None
    named = [gid("Segment", number(segment)) for segment in lookup.segments]
    asked = {"id": gid("Customer", lookup.identity), "segments": named}
    answer = await shopify.query(lookup.shop, CUSTOMER_SEGMENTS, asked, lookup.since)
    if not isinstance(answer, Found):
        return answer
    memberships = answer.value.customer_segment_membership.memberships
    return Found(tuple(number(each.segment_id) for each in memberships if each.is_member))
