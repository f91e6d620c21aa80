"""What comes back: returns, refunds and disputes, in the shapes of Admin GraphQL."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pipeline.simulators.shopify.graph import Joined, Link, MoneyBag, MoneyV2, Page, Part, Thing, gid


class ReturnReasonDefinition(Thing, frozen=True, kw_only=True):
    handle: str


class LineItem(Thing, frozen=True, kw_only=True):
    """The order's."""


class FulfillmentLineItem(Thing, frozen=True, kw_only=True):
    line_item: LineItem


class ReturnLineItem(Thing, frozen=True, kw_only=True):
    fulfillment_line_item: FulfillmentLineItem
    quantity: int
    processed_quantity: int = 0
    unprocessed_quantity: int = 0
    refundable_quantity: int = 0
    refunded_quantity: int = 0
    return_reason_definition: ReturnReasonDefinition | None = None
    with_code_discounted_total_price_set: MoneyBag


def fulfilled(line: int) -> FulfillmentLineItem:
    """The line of an order, as a fulfillment has it."""
    return FulfillmentLineItem(id=gid("FulfillmentLineItem", line + 1), line_item=LineItem(id=gid("LineItem", line)))


class ReturnDecline(Part, frozen=True, kw_only=True):
    reason: str


class ExchangeLineItem(Thing, frozen=True, kw_only=True):
    quantity: int = 1


class Return(Thing, frozen=True, kw_only=True):
    name: str
    order: Link
    status: str
    created_at: datetime
    request_approved_at: datetime | None = None
    closed_at: datetime | None = None
    total_quantity: int
    decline: ReturnDecline | None = None
    return_line_items: Page[ReturnLineItem] = Page()
    exchange_line_items: Page[ExchangeLineItem] = Page()
    reverse_fulfillment_orders: Joined = Joined("ReverseFulfillmentOrder", "return_")
    refunds: Joined = Joined("Refund", "return_")


class ReverseFulfillmentOrderDisposition(Thing, frozen=True, kw_only=True):
    type: str
    quantity: int
    created_at: datetime


class ReverseFulfillmentOrderLineItem(Thing, frozen=True, kw_only=True):
    fulfillment_line_item: FulfillmentLineItem | None = None
    total_quantity: int
    dispositions: tuple[ReverseFulfillmentOrderDisposition, ...] = ()


class ReverseFulfillmentOrder(Thing, frozen=True, kw_only=True):
    unseen: ClassVar[frozenset[str]] = frozenset({"return_"})

    order: Link
    return_: Link
    status: str = "OPEN"
    line_items: Page[ReverseFulfillmentOrderLineItem] = Page()
    reverse_deliveries: Joined = Joined("ReverseDelivery", "reverse_fulfillment_order")


class ReverseDeliveryTrackingV2(Part, frozen=True, kw_only=True):
    carrier_name: str | None = None
    number: str | None = None


class ReverseDeliveryShippingDeliverable(Part, frozen=True, kw_only=True):
    tracking: ReverseDeliveryTrackingV2 | None = None


class ReverseDelivery(Thing, frozen=True, kw_only=True):
    reverse_fulfillment_order: Link
    deliverable: ReverseDeliveryShippingDeliverable | None = None


class RefundLineItem(Part, frozen=True, kw_only=True):
    line_item: LineItem
    quantity: int


class Refund(Thing, frozen=True, kw_only=True):
    order: Link
    return_: Link | None = None
    created_at: datetime
    processed_at: datetime
    refund_line_items: Page[RefundLineItem] = Page()
    updated_at: datetime
    total_refunded_set: MoneyBag
    transactions: Joined = Joined("OrderTransaction", "refund")


class ShopifyPaymentsDisputeReasonDetails(Part, frozen=True, kw_only=True):
    reason: str
    network_reason_code: str | None = None


class ShopifyPaymentsDispute(Thing, frozen=True, kw_only=True):
    order: Link | None
    type: str
    status: str
    initiated_at: datetime
    evidence_due_by: datetime | None = None
    evidence_sent_on: datetime | None = None
    finalized_on: datetime | None = None
    amount: MoneyV2
    reason_details: ShopifyPaymentsDisputeReasonDetails
