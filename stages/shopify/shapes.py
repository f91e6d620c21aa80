"""The data of each document in `stages/graphql`, in Shopify's words: only what is read, and null wherever it may be."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct, field

#: Shopify's times say their offset; one that does not could not be compared with any other.
Moment = Annotated[datetime, Meta(tz=True)]


class Shape(Struct, rename="camel", frozen=True):
    """Keys that are not declared are skipped."""


class Amount(Shape, frozen=True):
    amount: Decimal
    currency_code: str | None = None


class ShopMoney(Shape, frozen=True):
    shop_money: Amount


class Named(Shape, frozen=True):
    """Anything of which only its id, and perhaps its name, is read."""

    id: str
    name: str | None = None


class Placed(Shape, frozen=True):
    name: str | None = None


class PageInfo(Shape, frozen=True):
    has_next_page: bool = False
    end_cursor: str | None = None


class ShippingLine(Shape, frozen=True):
    title: str | None = None
    code: str | None = None


class ShippingLines(Shape, frozen=True):
    nodes: tuple[ShippingLine, ...] = ()


class PurchasingEntity(Shape, frozen=True):
    company: Named | None = None


class Provider(Shape, frozen=True):
    title: str | None = None
    id: str | None = None


class RiskFact(Shape, frozen=True):
    description: str
    sentiment: str | None = None


class RiskAssessment(Shape, frozen=True):
    risk_level: str
    provider: Provider | None = None
    facts: tuple[RiskFact, ...] = ()


class Risk(Shape, frozen=True):
    recommendation: str | None = None
    assessments: tuple[RiskAssessment, ...] = ()


class Order(Shape, frozen=True):
    id: str
    name: str | None = None
    test: bool = False
    updated_at: Moment | None = None
    created_at: Moment | None = None
    processed_at: Moment | None = None
    cancelled_at: Moment | None = None
    closed_at: Moment | None = None
    tags: tuple[str, ...] = ()
    requires_shipping: bool | None = None
    display_financial_status: str | None = None
    display_fulfillment_status: str | None = None
    capturable: bool | None = None
    payment_gateway_names: tuple[str, ...] = ()
    current_total_price_set: ShopMoney | None = None
    total_outstanding_set: ShopMoney | None = None
    shipping_lines: ShippingLines | None = None
    purchasing_entity: PurchasingEntity | None = None
    risk: Risk | None = None


class OrderCore(Shape, frozen=True):
    order: Order | None = None


class Purchased(Shape, frozen=True):
    """Of an order or a draft, only for whom."""

    id: str
    purchasing_entity: PurchasingEntity | None = None


class OrderCompany(Shape, frozen=True):
    order: Purchased | None = None


class DraftCompany(Shape, frozen=True):
    draft_order: Purchased | None = None


class Destination(Shape, frozen=True):
    country_code_v2: str | None = None
    province_code: str | None = None


class DraftOrder(Shape, frozen=True):
    id: str
    name: str | None = None
    status: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    invoice_sent_at: Moment | None = None
    completed_at: Moment | None = None
    tags: tuple[str, ...] = ()
    total_price_set: ShopMoney | None = None
    total_discounts_set: ShopMoney | None = None
    shipping_address: Destination | None = None
    order: Named | None = None


class DraftOrderData(Shape, frozen=True):
    draft_order: DraftOrder | None = None


class TaggedProduct(Shape, frozen=True):
    id: str
    tags: tuple[str, ...] = ()


class BoughtVariant(Shape, frozen=True):
    inventory_item: Named | None = None


class BoughtLine(Shape, frozen=True):
    """Of two documents: what is in it, and the tags of its product, which have a scope of their own."""

    id: str
    sku: str | None = None
    title: str | None = None
    quantity: int = 1
    current_quantity: int = 1
    requires_shipping: bool | None = None
    is_gift_card: bool = False
    original_unit_price_set: ShopMoney | None = None
    product: TaggedProduct | None = None
    variant: BoughtVariant | None = None


class BoughtLines(Shape, frozen=True):
    nodes: tuple[BoughtLine, ...] = ()
    page_info: PageInfo = PageInfo()


class BoughtOrder(Shape, frozen=True):
    id: str
    line_items: BoughtLines = BoughtLines()


class LinesOfOrder(Shape, frozen=True):
    order: BoughtOrder | None = None


class ProtectSummary(Shape, frozen=True):
    status: str


class ProtectedOrder(Shape, frozen=True):
    id: str
    shopify_protect: ProtectSummary | None = None


class OrderProtect(Shape, frozen=True):
    order: ProtectedOrder | None = None


class ShippingAddress(Shape, frozen=True):
    validation_result_summary: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    zip: str | None = None
    province_code: str | None = None
    country_code_v2: str | None = None


class DeliveryMethod(Shape, frozen=True):
    method_type: str | None = None
    max_delivery_date_time: Moment | None = None


class RoutedOrder(Shape, frozen=True):
    id: str
    status: str | None = None
    fulfill_by: Moment | None = None
    delivery_method: DeliveryMethod | None = None
    assigned_location: Placed | None = None


class RoutedOrders(Shape, frozen=True):
    nodes: tuple[RoutedOrder, ...] = ()


class AddressedOrder(Shape, frozen=True):
    id: str
    updated_at: Moment | None = None
    shipping_address: ShippingAddress | None = None
    fulfillment_orders: RoutedOrders = RoutedOrders()


class OrderAddress(Shape, frozen=True):
    order: AddressedOrder | None = None


class Transaction(Shape, frozen=True):
    kind: str
    status: str
    manual_payment_gateway: bool | None = None
    authorization_expires_at: Moment | None = None
    gateway: str | None = None


class PaidOrder(Shape, frozen=True):
    id: str
    updated_at: Moment | None = None
    display_financial_status: str | None = None
    capturable: bool | None = None
    total_outstanding_set: ShopMoney | None = None
    transactions: tuple[Transaction, ...] = ()


class OrderPayments(Shape, frozen=True):
    order: PaidOrder | None = None


class CustomerNode(Shape, frozen=True):
    id: str
    tags: tuple[str, ...] = ()
    number_of_orders: str | int | None = None
    amount_spent: Amount | None = None


class CustomerData(Shape, frozen=True):
    customer: CustomerNode | None = None


class OfCustomer(Shape, frozen=True):
    id: str
    customer: CustomerNode | None = None


class OrderCustomer(Shape, frozen=True):
    order: OfCustomer | None = None


class Membership(Shape, frozen=True):
    segment_id: str
    is_member: bool


class Memberships(Shape, frozen=True):
    memberships: tuple[Membership, ...] = ()


class CustomerSegments(Shape, frozen=True):
    customer_segment_membership: Memberships


class FulfillmentHold(Shape, frozen=True):
    id: str
    handle: str | None = None
    reason: str | None = None
    held_by_requesting_app: bool | None = None
    held_by_app: Named | None = None


class FulfillmentOrder(Shape, frozen=True):
    id: str
    order_id: str | None = None
    order_name: str | None = None
    fulfill_by: Moment | None = None
    status: str | None = None
    fulfillment_holds: tuple[FulfillmentHold, ...] = ()
    delivery_method: DeliveryMethod | None = None


class FulfillmentOrders(Shape, frozen=True):
    nodes: tuple[FulfillmentOrder, ...] = ()
    page_info: PageInfo = PageInfo()


class HeldOrder(Shape, frozen=True):
    id: str
    name: str | None = None
    fulfillment_orders: FulfillmentOrders = FulfillmentOrders()
    test: bool = False
    created_at: Moment | None = None
    processed_at: Moment | None = None


class OrderHolds(Shape, frozen=True):
    order: HeldOrder | None = None


class TermsNode(Shape, frozen=True):
    order: Named | None = None
    draft_order: Named | None = None


class DueNode(Shape, frozen=True):
    id: str
    due_at: Moment | None = None
    completed_at: Moment | None = None
    balance_due: Amount | None = None


class DueNodes(Shape, frozen=True):
    nodes: tuple[DueNode, ...] = ()


class TermsOfOrder(Shape, frozen=True):
    id: str
    payment_terms_name: str | None = None
    payment_terms_type: str | None = None
    payment_schedules: DueNodes = DueNodes()


class OrderWithTerms(Shape, frozen=True):
    id: str
    payment_terms: TermsOfOrder | None = None


class OrderTerms(Shape, frozen=True):
    order: OrderWithTerms | None = None


class PaymentTerms(Shape, frozen=True):
    node: TermsNode | None = None


class ScheduleNode(Shape, frozen=True):
    payment_terms: TermsNode | None = None


class PaymentSchedule(Shape, frozen=True):
    node: ScheduleNode | None = None


class Reverses(Shape, frozen=True):
    nodes: tuple[Named, ...] = ()


class FulfilledLine(Shape, frozen=True):
    line_item: Named | None = None


class Disposed(Shape, frozen=True):
    id: str
    type: str
    quantity: int
    created_at: Moment | None = None


class ReverseLine(Shape, frozen=True):
    id: str
    fulfillment_line_item: FulfilledLine | None = None
    dispositions: tuple[Disposed, ...] = ()


class ReverseLines(Shape, frozen=True):
    nodes: tuple[ReverseLine, ...] = ()


class ReturnOfOrder(Shape, frozen=True):
    id: str
    name: str | None = None
    reverse_fulfillment_orders: Reverses = Reverses()


class ReturnsOfOrder(Shape, frozen=True):
    nodes: tuple[ReturnOfOrder, ...] = ()


class OrderOf(Shape, frozen=True):
    """The order that something belongs to."""

    id: str
    name: str | None = None
    test: bool = False
    created_at: Moment | None = None
    processed_at: Moment | None = None


class OrderWithReturns(OrderOf, frozen=True):
    returns: ReturnsOfOrder = ReturnsOfOrder()


class ReverseNode(Shape, frozen=True):
    id: str
    order: OrderWithReturns | None = None
    line_items: ReverseLines = ReverseLines()


class ReverseFulfillmentOrder(Shape, frozen=True):
    reverse_fulfillment_order: ReverseNode | None = None


class ReturnOrder(OrderOf, frozen=True):
    total_outstanding_set: ShopMoney | None = None


class ReasonDefinition(Shape, frozen=True):
    handle: str | None = None


class ReturnLine(Shape, frozen=True):
    quantity: int = 0
    processed_quantity: int = 0
    refunded_quantity: int = 0
    refundable_quantity: int | None = None
    return_reason_definition: ReasonDefinition | None = None
    fulfillment_line_item: FulfilledLine | None = None
    with_code_discounted_total_price_set: ShopMoney | None = None
    id: str | None = None


class ReturnLines(Shape, frozen=True):
    nodes: tuple[ReturnLine, ...] = ()


class ReverseOrder(Shape, frozen=True):
    id: str
    line_items: ReverseLines = ReverseLines()


class ReverseOrders(Shape, frozen=True):
    nodes: tuple[ReverseOrder, ...] = ()


class Decline(Shape, frozen=True):
    reason: str | None = None


class ReturnNode(Shape, frozen=True):
    id: str
    name: str | None = None
    status: str | None = None
    created_at: Moment | None = None
    request_approved_at: Moment | None = None
    closed_at: Moment | None = None
    total_quantity: int | None = None
    decline: Decline | None = None
    order: ReturnOrder | None = None
    return_line_items: ReturnLines = ReturnLines()
    exchange_line_items: Reverses = Reverses()
    reverse_fulfillment_orders: ReverseOrders = ReverseOrders()


class Return(Shape, frozen=True, rename={"return_": "return"}):
    return_: ReturnNode | None = None


class PresentmentMoney(Shape, frozen=True):
    presentment_money: Amount


class RefundTransaction(Shape, frozen=True):
    id: str
    kind: str
    status: str
    error_code: str | None = None
    gateway: str | None = None
    test: bool = False
    processed_at: Moment | None = None
    amount_set: PresentmentMoney | None = None


class RefundTransactions(Shape, frozen=True):
    nodes: tuple[RefundTransaction, ...] = ()


class RefundLine(Shape, frozen=True):
    quantity: int
    line_item: Named | None = None


class RefundLines(Shape, frozen=True):
    nodes: tuple[RefundLine, ...] = ()


class RefundNode(Shape, frozen=True):
    id: str
    created_at: Moment | None = None
    processed_at: Moment | None = None
    return_: Named | None = field(default=None, name="return")
    order: OrderOf | None = None
    refund_line_items: RefundLines = RefundLines()
    transactions: RefundTransactions = RefundTransactions()


class Refund(Shape, frozen=True):
    refund: RefundNode | None = None


class DisputeReason(Shape, frozen=True):
    reason: str | None = None
    network_reason_code: str | None = None


class DisputeNode(Shape, frozen=True):
    id: str
    type: str | None = None
    status: str | None = None
    evidence_due_by: Moment | None = None
    evidence_sent_on: Moment | None = None
    finalized_on: Moment | None = None
    amount: Amount | None = None
    reason_details: DisputeReason | None = None
    order: OrderOf | None = None


class Dispute(Shape, frozen=True):
    dispute: DisputeNode | None = None


class Product(Shape, frozen=True):
    id: str
    title: str | None = None
    status: str | None = None
    tags: tuple[str, ...] = ()
    vendor: str | None = None


class Variant(Shape, frozen=True):
    id: str
    inventory_policy: str | None = None
    requires_components: bool = False
    product: Product | None = None


class Variants(Shape, frozen=True):
    nodes: tuple[Variant, ...] = ()


class Location(Shape, frozen=True):
    id: str
    name: str | None = None
    is_active: bool = True
    fulfills_online_orders: bool = True


class Quantity(Shape, frozen=True):
    name: str
    quantity: int
    updated_at: Moment | None = None


class InventoryLevel(Shape, frozen=True):
    location: Location
    is_active: bool = True
    updated_at: Moment | None = None
    quantities: tuple[Quantity, ...] = ()


class InventoryLevels(Shape, frozen=True):
    nodes: tuple[InventoryLevel, ...] = ()
    page_info: PageInfo = PageInfo()


class InventoryItem(Shape, frozen=True):
    id: str
    sku: str | None = None
    tracked: bool | None = None
    updated_at: Moment | None = None
    variants: Variants = Variants()
    inventory_levels: InventoryLevels = InventoryLevels()


class ItemLevels(Shape, frozen=True):
    inventory_levels: InventoryLevels = InventoryLevels()


class LevelsOfItem(Shape, frozen=True):
    inventory_item: ItemLevels | None = None


class VariantItem(Shape, frozen=True):
    id: str
    inventory_item: Named | None = None
    sku: str | None = None
    inventory_policy: str | None = None


class VariantItems(Shape, frozen=True):
    nodes: tuple[VariantItem, ...] = ()
    page_info: PageInfo = PageInfo()


class ProductNode(Product, frozen=True):
    updated_at: Moment | None = None
    variants: VariantItems = VariantItems()


class ProductData(Shape, frozen=True):
    product: ProductNode | None = None


class Abandoned(Shape, frozen=True):
    id: str
    completed_at: Moment | None = None
    total_price_set: ShopMoney | None = None


class Abandonment(Shape, frozen=True):
    customer_has_no_order_since_abandonment: bool | None = None


class AbandonedCheckout(Shape, frozen=True):
    node: Abandoned | None = None
    abandonment_by_abandoned_checkout_id: Abandonment | None = None


class OrdersFound(Shape, frozen=True):
    nodes: tuple[Named, ...] = ()


class OrderByCheckout(Shape, frozen=True):
    orders: OrdersFound = OrdersFound()
