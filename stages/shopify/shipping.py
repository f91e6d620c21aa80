"""How an order is to be shipped, and what has become of its parcels: asked by order, split by scope.

Of fulfillment orders only those within our scopes are shown; Shopify does not say that there are others.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from schemas.facts.orders import Line
from schemas.facts.shipments import Allotted, FulfillmentFacts, ParcelsFacts, Routed, RoutingFacts, ShipmentFacts
from stages.shopify.answers import Found
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Reply, Stale, behind, gid, number, told, words
from stages.shopify.operations import Operation
from stages.shopify.paging import pages_of
from stages.shopify.places import of_its_order
from stages.shopify.shapes import DeliveryMethod, Moment, PageInfo, Shape


class OrderLine(Shape, frozen=True):
    id: str
    title: str | None = None
    sku: str | None = None
    requires_shipping: bool | None = None
    is_gift_card: bool = False


class RoutedLine(Shape, frozen=True):
    line_item: OrderLine
    total_quantity: int
    remaining_quantity: int
    requires_shipping: bool
    product_title: str | None = None
    sku: str | None = None


class RoutedLines(Shape, frozen=True):
    nodes: tuple[RoutedLine, ...] = ()
    page_info: PageInfo = PageInfo()


class AssignedLocation(Shape, frozen=True):
    name: str | None = None


class StandingHold(Shape, frozen=True):
    reason: str | None = None


class RoutedOrder(Shape, frozen=True):
    id: str
    status: str
    request_status: str | None = None
    fulfill_at: Moment | None = None
    fulfill_by: Moment | None = None
    assigned_location: AssignedLocation = AssignedLocation()
    delivery_method: DeliveryMethod | None = None
    fulfillment_holds: tuple[StandingHold, ...] = ()
    line_items: RoutedLines = RoutedLines()


class RoutedOrders(Shape, frozen=True):
    nodes: tuple[RoutedOrder, ...] = ()
    page_info: PageInfo = PageInfo()


class OrderToShip(Shape, frozen=True):
    id: str
    updated_at: Moment | None = None
    fulfillment_orders: RoutedOrders = RoutedOrders()


class OrderRouting(Shape, frozen=True):
    order: OrderToShip | None = None


class Tracking(Shape, frozen=True):
    company: str | None = None
    number: str | None = None


class ParcelLine(Shape, frozen=True):
    line_item: OrderLine
    quantity: int | None = None


class ParcelLines(Shape, frozen=True):
    nodes: tuple[ParcelLine, ...] = ()


class CarrierEvent(Shape, frozen=True):
    id: str
    status: str
    happened_at: Moment | None = None
    estimated_delivery_at: Moment | None = None
    country: str | None = None


class CarrierEvents(Shape, frozen=True):
    nodes: tuple[CarrierEvent, ...] = ()


class Fulfillment(Shape, frozen=True):
    id: str
    status: str
    name: str | None = None
    display_status: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    in_transit_at: Moment | None = None
    delivered_at: Moment | None = None
    estimated_delivery_at: Moment | None = None
    requires_shipping: bool | None = None
    tracking_info: tuple[Tracking, ...] = ()
    fulfillment_line_items: ParcelLines = ParcelLines()
    events: CarrierEvents = CarrierEvents()


class OrderWithParcels(Shape, frozen=True):
    id: str
    fulfillments: tuple[Fulfillment, ...] = ()


class OrderParcels(Shape, frozen=True):
    order: OrderWithParcels | None = None


ORDER_ROUTING = Operation("OrderRouting", OrderRouting)
ORDER_PARCELS = Operation("OrderParcels", OrderParcels)
_MOST_PAGES = 4


# --- how it is to be shipped ------------------------------------------------------------------------------------------


async def routing(shopify: Shopify, lookup: Lookup) -> Reply:
    """All of the order's fulfillment orders, also those that are closed: their lines are shipped."""
    answer = await pages_of(
        shopify,
        lookup,
        ORDER_ROUTING,
        lambda data: data.order,
        lambda order: order.fulfillment_orders.page_info,
        _MOST_PAGES,
    )
    if not isinstance(answer, Found):
        return answer
    if any(behind(order.updated_at, lookup.newer) for order in answer.value):
        return Stale()
    nodes = (node for order in answer.value for node in order.fulfillment_orders.nodes)
    more = answer.value[-1].fulfillment_orders.page_info.has_next_page
    return Found(RoutingFacts(order_id=number(lookup.identity), orders=tuple(map(_routed, nodes)), more=more))


def _routed(node: RoutedOrder) -> Routed:
    method, lines = node.delivery_method, node.line_items
    return Routed(
        fulfillment_order=node.id,
        status=node.status.lower(),
        request_status=words(node.request_status),
        fulfill_at=node.fulfill_at,
        fulfill_by=node.fulfill_by,
        deliver_by=method.max_delivery_date_time if method else None,
        location=node.assigned_location.name,
        holds=tuple(words(hold.reason) or "unknown" for hold in node.fulfillment_holds),
        lines=tuple(map(_allotted, lines.nodes)),
        more=lines.page_info.has_next_page,
    )


def _allotted(line: RoutedLine) -> Allotted:
    return Allotted(
        line=number(line.line_item.id),
        title=line.product_title,
        sku=line.sku,
        total=line.total_quantity,
        remaining=line.remaining_quantity,
        ships=line.requires_shipping and not line.line_item.is_gift_card,
    )


async def routing_beside(shopify: Shopify, lookup: Lookup) -> Reply:
    return await of_its_order(shopify, lookup, routing)


# --- what has become of it --------------------------------------------------------------------------------------------


async def parcels(shopify: Shopify, lookup: Lookup) -> Reply:
    def value(data: OrderParcels) -> ParcelsFacts | None:
        order = data.order
        if order is None:
            return None
        identity, found = number(order.id), order.fulfillments
        return ParcelsFacts(
            order_id=identity,
            parcels=tuple(_parcel(identity, each) for each in found),
            scans=tuple(scan for each in found for scan in _scans(identity, each)),
        )

    asked = {"id": gid("Order", lookup.identity)}
    return told(await shopify.query(lookup.shop, ORDER_PARCELS, asked, lookup.since), value)


def _parcel(order: int, found: Fulfillment) -> FulfillmentFacts:
    return FulfillmentFacts(
        id=number(found.id),
        order_id=order,
        name=found.name,
        status=found.status.lower(),
        shipment_status=words(found.display_status),
        carrier=next((each.company for each in found.tracking_info if each.company), None),
        tracking_numbers=tuple(each.number for each in found.tracking_info if each.number),
        created=found.created_at,
        updated=found.updated_at,
        estimated_delivery=found.estimated_delivery_at,
        lines=tuple(map(_line, found.fulfillment_line_items.nodes)),
        requires_shipping=found.requires_shipping,
    )


def _line(found: ParcelLine) -> Line:
    of = found.line_item
    return Line(
        id=number(of.id),
        sku=of.sku,
        title=of.title,
        quantity=found.quantity or 0,
        requires_shipping=of.requires_shipping,
        gift_card=of.is_gift_card,
    )


def _scans(order: int, found: Fulfillment) -> Iterator[ShipmentFacts]:
    """What the carrier has told; where only the fulfillment itself says that it moved or arrived, that."""
    parcel, told_words = number(found.id), set[str]()
    for event in found.events.nodes:
        told_words.add(event.status.lower())
        yield ShipmentFacts(
            id=number(event.id),
            fulfillment_id=parcel,
            order_id=order,
            status=event.status.lower(),
            happened=event.happened_at,
            estimated_delivery=event.estimated_delivery_at,
            country=event.country,
        )
    moments: tuple[tuple[str, datetime | None], ...] = (
        ("in_transit", found.in_transit_at),
        ("delivered", found.delivered_at),
    )
    for word, at in moments:
        if at is not None and word not in told_words:
            yield ShipmentFacts(id=0, fulfillment_id=parcel, order_id=order, status=word, happened=at)
