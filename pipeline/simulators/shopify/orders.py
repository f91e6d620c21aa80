"""Orders, their money and their fulfillment, in the shapes of Admin GraphQL."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pipeline.simulators.shopify.graph import Joined, Link, MoneyBag, MoneyV2, Page, Part, Thing
from pipeline.simulators.shopify.shops import App


class ShippingLine(Part, frozen=True, kw_only=True):
    title: str
    code: str | None = None


class Company(Thing, frozen=True, kw_only=True):
    name: str


class CompanyLocation(Thing, frozen=True, kw_only=True):
    name: str


class PurchasingCompany(Part, frozen=True, kw_only=True):
    company: Company
    location: CompanyLocation


class RiskFact(Part, frozen=True, kw_only=True):
    description: str
    sentiment: str


class OrderRiskAssessment(Part, frozen=True, kw_only=True):
    """`provider` None: Shopify itself."""

    risk_level: str
    provider: App | None = None
    facts: tuple[RiskFact, ...] = ()


class OrderRiskSummary(Part, frozen=True, kw_only=True):
    recommendation: str = "NONE"
    assessments: tuple[OrderRiskAssessment, ...] = ()


class ShopifyProtectOrderSummary(Part, frozen=True, kw_only=True):
    status: str


class MailingAddress(Thing, frozen=True, kw_only=True):
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    zip: str | None = None
    province_code: str | None = None
    country_code_v2: str | None = None
    validation_result_summary: str | None = None


class Order(Thing, frozen=True, kw_only=True):
    unseen: ClassVar[frozenset[str]] = frozenset({"checkout_token"})

    name: str
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None = None
    closed_at: datetime | None = None
    test: bool = False
    tags: tuple[str, ...] = ()
    requires_shipping: bool = True
    display_financial_status: str = "PAID"
    display_fulfillment_status: str = "UNFULFILLED"
    return_status: str = "NO_RETURN"
    capturable: bool = False
    payment_gateway_names: tuple[str, ...] = ("shopify_payments",)
    current_total_price_set: MoneyBag
    total_outstanding_set: MoneyBag
    total_capturable_set: MoneyBag
    shipping_lines: Page[ShippingLine] = Page()
    shipping_address: MailingAddress | None = None
    purchasing_entity: PurchasingCompany | None = None
    payment_terms: Link | None = None
    customer: Link | None = None
    risk: OrderRiskSummary = OrderRiskSummary()
    shopify_protect: ShopifyProtectOrderSummary | None = None
    checkout_token: str | None = None
    transactions: Joined = Joined("OrderTransaction", "order", listed=True)
    fulfillment_orders: Joined = Joined("FulfillmentOrder", "order")
    fulfillments: Joined = Joined("Fulfillment", "order", listed=True)
    line_items: Joined = Joined("LineItem", "order")
    returns: Joined = Joined("Return", "order")
    refunds: Joined = Joined("Refund", "order", listed=True)


class LineItem(Thing, frozen=True, kw_only=True):
    unseen: ClassVar[frozenset[str]] = frozenset({"order"})

    order: Link
    sku: str | None = None
    title: str = "Thing"
    quantity: int = 1
    current_quantity: int = 1
    requires_shipping: bool = True
    is_gift_card: bool = False
    original_unit_price_set: MoneyBag
    product: Link | None = None
    variant: Link | None = None


class FulfillmentLineItem(Part, frozen=True, kw_only=True):
    line_item: LineItem
    quantity: int = 1


class FulfillmentTrackingInfo(Part, frozen=True, kw_only=True):
    company: str | None = None
    number: str | None = None


class FulfillmentEvent(Thing, frozen=True, kw_only=True):
    status: str
    happened_at: datetime
    estimated_delivery_at: datetime | None = None
    country: str | None = None


class Fulfillment(Thing, frozen=True, kw_only=True):
    order: Link
    name: str
    status: str = "SUCCESS"
    display_status: str | None = "FULFILLED"
    created_at: datetime
    updated_at: datetime
    in_transit_at: datetime | None = None
    delivered_at: datetime | None = None
    estimated_delivery_at: datetime | None = None
    requires_shipping: bool = True
    tracking_info: tuple[FulfillmentTrackingInfo, ...] = ()
    fulfillment_line_items: Page[FulfillmentLineItem] = Page()
    events: Page[FulfillmentEvent] = Page()


class OrderTransaction(Thing, frozen=True, kw_only=True):
    unseen: ClassVar[frozenset[str]] = frozenset({"refund"})

    order: Link
    kind: str
    status: str
    gateway: str | None = "shopify_payments"
    manual_payment_gateway: bool = False
    error_code: str | None = None
    processed_at: datetime | None = None
    authorization_expires_at: datetime | None = None
    test: bool = False
    amount_set: MoneyBag
    parent_transaction: Link | None = None
    refund: Link | None = None


class FulfillmentOrderAssignedLocation(Part, frozen=True, kw_only=True):
    name: str


class DeliveryMethod(Part, frozen=True, kw_only=True):
    method_type: str = "SHIPPING"
    min_delivery_date_time: datetime | None = None
    max_delivery_date_time: datetime | None = None


class FulfillmentOrderSupportedAction(Part, frozen=True, kw_only=True):
    action: str


class FulfillmentHold(Thing, frozen=True, kw_only=True):
    """`displayReason` is what the admin shows for the reason."""

    reason: str
    display_reason: str
    handle: str | None = None
    held_by_requesting_app: bool = False
    held_by_app: App | None = None


class FulfillmentOrderLineItem(Part, frozen=True, kw_only=True):
    line_item: LineItem
    product_title: str
    sku: str | None = None
    total_quantity: int = 1
    remaining_quantity: int = 1
    requires_shipping: bool = True


class FulfillmentOrder(Thing, frozen=True, kw_only=True):
    order: Link
    order_id: str
    order_name: str
    status: str = "OPEN"
    request_status: str = "UNSUBMITTED"
    fulfill_at: datetime | None = None
    fulfill_by: datetime | None = None
    updated_at: datetime
    assigned_location: FulfillmentOrderAssignedLocation
    delivery_method: DeliveryMethod | None = DeliveryMethod()
    supported_actions: tuple[FulfillmentOrderSupportedAction, ...] = ()
    fulfillment_holds: tuple[FulfillmentHold, ...] = ()
    line_items: Page[FulfillmentOrderLineItem] = Page()


class PaymentTerms(Thing, frozen=True, kw_only=True):
    overdue: bool = False
    payment_terms_type: str = "NET"
    payment_terms_name: str = "Net 7"
    order: Link | None = None
    draft_order: Link | None = None
    payment_schedules: Joined = Joined("PaymentSchedule", "payment_terms")


class PaymentSchedule(Thing, frozen=True, kw_only=True):
    payment_terms: Link
    due_at: datetime | None = None
    completed_at: datetime | None = None
    balance_due: MoneyV2


class DraftOrder(Thing, frozen=True, kw_only=True):
    name: str
    status: str = "OPEN"
    created_at: datetime
    updated_at: datetime
    invoice_sent_at: datetime | None = None
    completed_at: datetime | None = None
    tags: tuple[str, ...] = ()
    total_price_set: MoneyBag
    total_discounts_set: MoneyBag
    shipping_address: MailingAddress | None = None
    purchasing_entity: PurchasingCompany | None = None
    order: Link | None = None
