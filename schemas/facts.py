"""The typed facts of an event: what the rules may see, and no more.

Ids and amounts, no names, mail addresses or phone numbers of customers (DESIGN section 8). `None` means that Shopify
said null or nothing; what was to be looked up and is not known yet is named in the event's `incomplete`. Enums keep
the words of the source in lower case: a value nobody knows yet stays readable. Times are aware. Fields:
contracts of Shopify's webhook topics (REST shape) and Admin GraphQL 2026-04 for what is looked up.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache

from msgspec import Struct
from msgspec.structs import fields

from schemas.money import Money


class Facts(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """Every kind of facts is tagged by its `type`.

    `absent` names the facts that are empty here (None, no entries, False) only because the source did not carry their
    key: they are unknown, while the other empty ones are known to be so. Facts that are looked up never stand in it.
    """

    absent: tuple[str, ...] = ()


@cache
def optional(kind: type[Facts]) -> tuple[tuple[str, object], ...]:
    """The fields that may be left out, but for `absent`, and what each is where nothing is said."""
    return tuple((field.name, field.default) for field in fields(kind) if not field.required and field.name != "absent")


class Line(Struct, frozen=True, omit_defaults=True):
    id: int | None = None
    sku: str | None = None
    title: str | None = None
    variant_id: int | None = None
    product_id: int | None = None
    quantity: int = 0
    current_quantity: int | None = None
    price: Decimal | None = None
    requires_shipping: bool | None = None
    gift_card: bool = False


class Address(Struct, frozen=True, omit_defaults=True):
    """No street, no name: which of the required parts are there. None: the key was absent, so nothing is known.

    `edition`: one of a thousand numbers that all of it comes to. Another one says that the address was changed; it is
    too small to tell whose it is.
    """

    country: str | None = None
    province: str | None = None
    has_country: bool | None = None
    has_address1: bool | None = None
    has_city: bool | None = None
    has_zip: bool | None = None
    edition: int | None = None


class Schedule(Struct, frozen=True, omit_defaults=True):
    """One of the dates of payment terms. `id` None: an order's body does not name it. `balance`: still to be paid."""

    id: int | None = None
    due: datetime | None = None
    completed: datetime | None = None
    balance: Money | None = None


class Terms(Struct, frozen=True, omit_defaults=True):
    """`due`: the first date that is not completed."""

    name: str | None = None
    kind: str | None = None
    due: datetime | None = None
    schedules: tuple[Schedule, ...] = ()


class Assessment(Struct, frozen=True, omit_defaults=True):
    """One provider's verdict. `provider` is "Shopify" for null; `level`: high, medium, low, none, pending. `app`: the
    provider's number; two apps may have one title."""

    provider: str
    level: str
    negative: tuple[str, ...] = ()
    at: datetime | None = None
    app: int | None = None

    @property
    def by(self) -> str:
        """Whose it is: the same for each of a provider's verdicts."""
        return self.provider if self.app is None else str(self.app)


class Customer(Struct, frozen=True, omit_defaults=True):
    """Looked up: what makes a customer premium. `segments`: those of the configured ones that it is in, by their ids;
    None: not known, or none is configured."""

    id: int
    tags: tuple[str, ...] = ()
    orders: int | None = None
    spent: Money | None = None
    segments: tuple[int, ...] | None = None


class CustomerFacts(Facts, frozen=True, tag="customer"):
    """customer.tags_added, customer.tags_removed, customer.joined_segment, customer.left_segment: what has changed."""

    id: int
    tags_added: tuple[str, ...] = ()
    tags_removed: tuple[str, ...] = ()
    joined: int | None = None
    left: int | None = None


class Hold(Struct, frozen=True, omit_defaults=True):
    id: str
    fulfillment_order: str
    reason: str
    handle: str | None = None
    ours: bool = False
    app: str | None = None


class ToShip(Struct, frozen=True, omit_defaults=True):
    """A fulfillment order that is not closed. `method`: shipping, local, pickup_point, pick_up, retail, none."""

    fulfillment_order: str
    status: str | None = None
    method: str | None = None
    fulfill_by: datetime | None = None
    deliver_by: datetime | None = None
    location: str | None = None


class OrderFacts(Facts, frozen=True, tag="order"):
    """orders/*; `fulfillment` None means unfulfilled, as in the REST shape. `presented` is `total` in the currency that
    the customer saw. `risk`, `recommendation`, `customer`, `address_verdict` (error, warning, no_issues), `holds`,
    `product_tags` (of all its goods together) and `to_ship` are looked up; that is None also while the order has not
    been routed, or we may not see how."""

    id: int
    name: str | None = None
    test: bool = False
    created: datetime | None = None
    processed: datetime | None = None
    updated: datetime | None = None
    cancelled: datetime | None = None
    cancel_reason: str | None = None
    closed: datetime | None = None
    financial: str | None = None
    fulfillment: str | None = None
    total: Money | None = None
    presented: Money | None = None
    outstanding: Money | None = None
    discounts: Money | None = None
    tags: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    source_name: str | None = None
    checkout_token: str | None = None
    customer_id: int | None = None
    marketing_consent: bool | None = None
    company_id: int | None = None
    requires_shipping: bool | None = None
    shipping_methods: tuple[str, ...] = ()
    address: Address | None = None
    terms: Terms | None = None
    lines: tuple[Line, ...] = ()
    risk: tuple[Assessment, ...] | None = None
    recommendation: str | None = None
    customer: Customer | None = None
    address_verdict: str | None = None
    holds: tuple[Hold, ...] | None = None
    to_ship: tuple[ToShip, ...] | None = None
    product_tags: tuple[str, ...] | None = None
    #: Looked up with `answer.payment`: can money still be captured, until when is it authorized, and by whom?
    capturable: bool | None = None
    authorization_expires: datetime | None = None
    authorized_by: str | None = None
    manual_gateway: bool | None = None


class OrderEditFacts(Facts, frozen=True, tag="order-edit"):
    """orders/edited: units that came and went. What the order is now is looked up beside it."""

    order_id: int
    added: int = 0
    removed: int = 0
    committed: datetime | None = None


class OrderDeletedFacts(Facts, frozen=True, tag="order-deleted"):
    """orders/delete: nobody can act on it any more."""

    id: int


class RiskFacts(Facts, frozen=True, tag="risk"):
    """orders/risk_assessment_changed: one provider's new level. Everything but that is looked up.

    `created` and `processed` are the order's own. `protect`: as in ProtectFacts, `none` where Shopify Protect has
    nothing to do with the order.
    """

    order_id: int
    assessment: Assessment
    assessments: tuple[Assessment, ...] | None = None
    recommendation: str | None = None
    order_name: str | None = None
    total: Money | None = None
    financial: str | None = None
    fulfillment: str | None = None
    cancelled: datetime | None = None
    test: bool = False
    created: datetime | None = None
    processed: datetime | None = None
    protect: str | None = None


class ProtectFacts(Facts, frozen=True, tag="protect"):
    """orders/shopify_protect_eligibility_changed: active, inactive, protected, not_protected, pending."""

    order_id: int
    status: str


class HoldFacts(Facts, frozen=True, tag="hold"):
    """fulfillment_holds/added and /released, fulfillment_orders/placed_on_hold and /hold_released.

    `open_holds` (all of the order's that are open now) and the order are looked up: `test`, `created` and `processed`
    are the order's own.
    """

    fulfillment_order: str
    released: bool
    hold: Hold | None = None
    open_holds: tuple[Hold, ...] | None = None
    order_id: int | None = None
    order_name: str | None = None
    test: bool = False
    created: datetime | None = None
    processed: datetime | None = None


class FulfillmentOrderFacts(Facts, frozen=True, tag="fulfillment-order"):
    """fulfillment_orders/*. `message` is free text of a fulfillment service. `open_holds` (all of the order's) and the
    order are looked up where the source says nothing of them."""

    fulfillment_order: str
    status: str | None = None
    request_status: str | None = None
    message: str | None = None
    order_id: int | None = None
    order_name: str | None = None
    fulfill_at: datetime | None = None
    fulfill_by: datetime | None = None
    deliver_by: datetime | None = None
    open_holds: tuple[Hold, ...] | None = None


class Allotted(Struct, frozen=True, omit_defaults=True):
    """What a fulfillment order has of an order's line: `total` units, of which `remaining` are not shipped yet."""

    line: int
    total: int
    remaining: int
    ships: bool
    title: str | None = None
    sku: str | None = None


class Routed(Struct, frozen=True, omit_defaults=True):
    """One fulfillment order as it is now. `holds`: their reasons. `more`: it has more lines than these."""

    fulfillment_order: str
    status: str
    request_status: str | None = None
    fulfill_at: datetime | None = None
    fulfill_by: datetime | None = None
    deliver_by: datetime | None = None
    location: str | None = None
    holds: tuple[str, ...] = ()
    lines: tuple[Allotted, ...] = ()
    more: bool = False


class RoutingFacts(Facts, frozen=True, tag="routing"):
    """Looked up: how the order is to be shipped, as far as our scopes show it. `more`: in more than these."""

    order_id: int
    orders: tuple[Routed, ...] = ()
    more: bool = False


class FulfillmentFacts(Facts, frozen=True, tag="fulfillment"):
    """fulfillments/create and /update."""

    id: int
    order_id: int
    name: str | None = None
    status: str | None = None
    shipment_status: str | None = None
    carrier: str | None = None
    tracking_numbers: tuple[str, ...] = ()
    location_id: int | None = None
    created: datetime | None = None
    updated: datetime | None = None
    lines: tuple[Line, ...] = ()
    requires_shipping: bool | None = None
    #: Only looked up.
    estimated_delivery: datetime | None = None


class ShipmentFacts(Facts, frozen=True, tag="shipment"):
    """fulfillment_events/create and /delete: one carrier's event, and that it was taken back."""

    id: int
    fulfillment_id: int
    order_id: int
    status: str
    happened: datetime | None = None
    estimated_delivery: datetime | None = None
    country: str | None = None


class ParcelsFacts(Facts, frozen=True, tag="parcels"):
    """Looked up: the order's parcels as they are now, and the last scans of each. A scan of id 0 is known by its
    parcel only."""

    order_id: int
    parcels: tuple[FulfillmentFacts, ...] = ()
    scans: tuple[ShipmentFacts, ...] = ()


class Level(Struct, frozen=True, omit_defaults=True):
    location_id: int
    location: str | None = None
    available: int | None = None
    online: bool = True
    active: bool = True


class Item(Struct, frozen=True, omit_defaults=True):
    """An inventory item, looked up. `available` is summed over active locations that fulfil online orders."""

    id: int
    sku: str | None = None
    tracked: bool | None = None
    product: str | None = None
    product_id: int | None = None
    product_status: str | None = None
    vendor: str | None = None
    tags: tuple[str, ...] = ()
    policy: str | None = None
    bundle: bool = False
    available: int | None = None
    on_hand: int | None = None
    committed: int | None = None
    incoming: int | None = None
    levels: tuple[Level, ...] = ()


class InventoryFacts(Facts, frozen=True, tag="inventory"):
    """inventory_levels/update, connect, disconnect. `available` None: untracked, or disconnected. `item`: looked up."""

    item_id: int
    location_id: int
    available: int | None = None
    updated: datetime | None = None
    disconnected: bool = False
    item: Item | None = None

    @property
    def untracked(self) -> bool:
        """Shopify says so itself, by a number that is null."""
        return self.available is None and not self.disconnected and "available" not in self.absent


class InventoryItemFacts(Facts, frozen=True, tag="inventory-item"):
    """inventory_items/create, update and delete."""

    item_id: int
    sku: str | None = None
    tracked: bool | None = None
    updated: datetime | None = None
    deleted: bool = False
    #: Looked up with `answer.inventory`.
    item: Item | None = None


class ProductVariant(Struct, frozen=True, omit_defaults=True):
    """Of a product, what stands for an inventory item."""

    item_id: int
    sku: str | None = None
    policy: str | None = None


class ProductFacts(Facts, frozen=True, tag="product"):
    """products/create, update and delete. `variants` None: looked up, where a body or an Event does not carry them.

    The copy for an inventory item has that one of its variants, and of one that was deleted none.
    """

    id: int
    title: str | None = None
    vendor: str | None = None
    status: str | None = None
    tags: tuple[str, ...] | None = None
    updated: datetime | None = None
    deleted: bool = False
    variants: tuple[ProductVariant, ...] | None = None


class SoldFacts(Facts, frozen=True, tag="sold"):
    """An order's copy for an inventory item that it has: how many units of it now, none where it was cancelled."""

    order_id: int
    placed: datetime
    units: int = 0
    is_open: bool = True
    order_name: str | None = None


class VariantFacts(Facts, frozen=True, tag="variant"):
    """variants/out_of_stock and /in_stock. `item` is looked up: the body has no inventory item."""

    id: int
    product_id: int | None = None
    title: str | None = None
    sku: str | None = None
    policy: str | None = None
    quantity: int | None = None
    in_stock: bool = False
    item: Item | None = None


class CheckoutFacts(Facts, frozen=True, tag="checkout"):
    """checkouts/create and /update. `order_placed` and `has_abandonment` are looked up with `answer.checkout`,
    `customer` with every body that names one."""

    token: str
    name: str | None = None
    created: datetime | None = None
    updated: datetime | None = None
    completed: datetime | None = None
    closed: datetime | None = None
    total: Money | None = None
    contact_known: bool = False
    customer_id: int | None = None
    marketing_consent: bool | None = None
    lines: tuple[Line, ...] = ()
    source_name: str | None = None
    customer: Customer | None = None
    order_placed: bool | None = None
    order_id: int | None = None
    has_abandonment: bool | None = None
    #: Looked up: has the customer ordered nothing since? False means that the sale is not lost.
    no_order_since: bool | None = None
    #: Set on the checkout's copy of an order event: the order that came of it.
    from_order: bool = False


#: Statuses of a transaction that has moved no money and will not.
TRANSACTION_FAILED = frozenset({"failure", "error"})


class TransactionFacts(Facts, frozen=True, tag="transaction"):
    """order_transactions/create. `card` is a keyed hash of BIN and last four digits; neither is kept."""

    id: int
    order_id: int
    kind: str
    status: str
    gateway: str | None = None
    amount: Money | None = None
    error_code: str | None = None
    message: str | None = None
    parent_id: int | None = None
    processed: datetime | None = None
    created: datetime | None = None
    test: bool = False
    manual: bool | None = None
    card: str | None = None


class TenderFacts(Facts, frozen=True, tag="tender"):
    id: int
    order_id: int
    amount: Money | None = None
    method: str | None = None
    processed: datetime | None = None
    test: bool = False


class PaymentTermsFacts(Facts, frozen=True, tag="payment-terms"):
    """payment_terms/create, /update, /delete."""

    id: int
    terms: Terms = Terms()
    deleted: bool = False


class PaymentScheduleFacts(Facts, frozen=True, tag="payment-schedule"):
    """payment_schedules/due. The order is looked up: the body names only the terms."""

    id: int
    balance: Money | None = None
    due: datetime | None = None
    completed: datetime | None = None
    terms_id: int | None = None
    order_id: int | None = None
    order_name: str | None = None


class DraftFacts(Facts, frozen=True, tag="draft"):
    """draft_orders/*: `status` open, invoice_sent, completed. `customer` and `product_tags` are looked up, and so is
    `company_id` where the body says that it is for a company."""

    id: int
    name: str | None = None
    status: str | None = None
    total: Money | None = None
    discounts: Money | None = None
    created: datetime | None = None
    updated: datetime | None = None
    invoice_sent: datetime | None = None
    completed: datetime | None = None
    order_id: int | None = None
    tags: tuple[str, ...] = ()
    deleted: bool = False
    customer_id: int | None = None
    company_id: int | None = None
    address: Address | None = None
    terms: Terms | None = None
    lines: tuple[Line, ...] = ()
    customer: Customer | None = None
    product_tags: tuple[str, ...] | None = None


class Origin(Struct, frozen=True, omit_defaults=True):
    """Of the order that something belongs to, looked up: whether anybody has to act on it at all."""

    test: bool = False
    created: datetime | None = None
    processed: datetime | None = None


class Disposition(Struct, frozen=True, omit_defaults=True):
    """Units that came back, or are `missing`. A body names no `id`: that, `line` (the order's) and `at` are looked up.

    `reverse`: the reverse fulfillment order; `part` its line.
    """

    kind: str
    quantity: int
    part: int | None = None
    id: int | None = None
    reverse: int | None = None
    line: int | None = None
    at: datetime | None = None


class ReturnLine(Struct, frozen=True, omit_defaults=True):
    """`line`: the order's. Looked up: how many of its units were processed and refunded, what all of them are worth."""

    quantity: int
    line: int | None = None
    id: int | None = None
    processed: int | None = None
    refunded: int | None = None
    refundable: int | None = None
    worth: Money | None = None


class ReturnFacts(Facts, frozen=True, tag="return"):
    """returns/*: `quantity` is the number of return lines' units where the body tells, `removed` for returns/update."""

    id: int
    order_id: int | None = None
    order_name: str | None = None
    name: str | None = None
    status: str | None = None
    quantity: int | None = None
    reasons: tuple[str, ...] = ()
    decline_reason: str | None = None
    exchanges: int = 0
    removed: int = 0
    line_count: int | None = None
    lines: tuple[ReturnLine, ...] = ()
    #: Looked up: when it was made, approved and closed; what came back, by its own ids; what is outstanding of the
    #: order, negative if owed to the customer.
    created: datetime | None = None
    approved: datetime | None = None
    closed: datetime | None = None
    dispositions: tuple[Disposition, ...] | None = None
    outstanding: Money | None = None
    origin: Origin | None = None

    @property
    def received(self) -> int | None:
        """Units processed. None: not looked up."""
        counted = [line.processed for line in self.lines if line.processed is not None]
        return sum(counted) if counted else None

    @property
    def refunded(self) -> int | None:
        counted = [line.refunded for line in self.lines if line.refunded is not None]
        return sum(counted) if counted else None


class ReverseDeliveryFacts(Facts, frozen=True, tag="reverse-delivery"):
    id: int
    return_id: int
    carrier: str | None = None
    has_tracking: bool = False
    has_label: bool = False
    order_id: int | None = None
    return_name: str | None = None


class DispositionFacts(Facts, frozen=True, tag="disposition"):
    """reverse_fulfillment_orders/dispose: what came back. The order, its return, and `disposed`, all that came back of
    the reverse fulfillment order until then, are looked up."""

    id: int
    dispositions: tuple[Disposition, ...] = ()
    order_id: int | None = None
    order_name: str | None = None
    return_id: int | None = None
    return_name: str | None = None
    disposed: tuple[Disposition, ...] | None = None
    origin: Origin | None = None


class RefundTransaction(Struct, frozen=True, omit_defaults=True):
    id: int
    kind: str
    status: str
    amount: Money | None = None
    gateway: str | None = None
    error_code: str | None = None
    message: str | None = None
    processed: datetime | None = None


class RefundLine(Struct, frozen=True, omit_defaults=True):
    """`line`: the order's."""

    quantity: int
    line: int | None = None


class RefundFacts(Facts, frozen=True, tag="refund"):
    """refunds/create. `quantity` is the sum of its lines' units. Of a next-generation Event all is looked up."""

    id: int
    order_id: int | None = None
    order_name: str | None = None
    return_id: int | None = None
    return_name: str | None = None
    created: datetime | None = None
    processed: datetime | None = None
    quantity: int = 0
    lines: tuple[RefundLine, ...] = ()
    transactions: tuple[RefundTransaction, ...] = ()
    origin: Origin | None = None


#: Statuses of a dispute that has its outcome.
DISPUTE_OVER = frozenset({"won", "lost", "accepted", "prevented", "charge_refunded"})
#: All that are known: a word of tomorrow ends nothing, and hides nothing.
DISPUTE_STATUSES = DISPUTE_OVER | {"needs_response", "under_review"}


class DisputeFacts(Facts, frozen=True, tag="dispute"):
    """disputes/*. `network_code`: why, in the card network's words. `origin` is looked up."""

    id: int
    order_id: int | None = None
    kind: str | None = None
    status: str | None = None
    reason: str | None = None
    amount: Money | None = None
    evidence_due: datetime | None = None
    evidence_sent: datetime | None = None
    finalized: datetime | None = None
    network_code: str | None = None
    origin: Origin | None = None


class ShopFacts(Facts, frozen=True, tag="shop"):
    """app/uninstalled and shop/update: the shop, without its owner. `primary`: the host of its primary domain; whether
    that is served over `tls` is looked up."""

    id: int | None = None
    uninstalled: bool = False
    plan: str | None = None
    password_enabled: bool | None = None
    currency: str | None = None
    primary: str | None = None
    tls: bool | None = None


class SyncFacts(Facts, frozen=True, tag="sync"):
    """Looked up with `answer.sync`: how many things Shopify has that are newer than `since`, of those that a topic
    tells of; None: it did not say. There may be `more`. `newest`: when the newest of them was made or changed."""

    since: datetime
    newer: int | None = None
    more: bool = False
    newest: datetime | None = None


class Subscribed(Struct, frozen=True, omit_defaults=True):
    """A webhook subscription as Shopify has it. `topic` as in a webhook's header: `orders/create`."""

    topic: str
    uri: str | None = None
    filter: str | None = None
    include_fields: tuple[str, ...] = ()


class SubscriptionsFacts(Facts, frozen=True, tag="subscriptions"):
    """Looked up with `answer.subscriptions`: all that were made for this shop. None: Shopify did not say."""

    subscriptions: tuple[Subscribed, ...] | None = None


class ScopesFacts(Facts, frozen=True, tag="scopes"):
    previous: tuple[str, ...] = ()
    current: tuple[str, ...] = ()


class AppSubscriptionFacts(Facts, frozen=True, tag="app-subscription"):
    """app_subscriptions/*. `cap`: of what its usage may cost; `capped`: that is nearly reached."""

    id: str | None = None
    name: str | None = None
    status: str | None = None
    price: Money | None = None
    cap: Money | None = None
    capped: bool = False


class BulkOperationFacts(Facts, frozen=True, tag="bulk-operation"):
    id: str
    status: str
    error_code: str | None = None
    kind: str | None = None
    completed: datetime | None = None


class ThemeFacts(Facts, frozen=True, tag="theme"):
    id: int
    name: str | None = None
    role: str | None = None


class DomainFacts(Facts, frozen=True, tag="domain"):
    """domains/*. `primary`: the host of the shop's primary domain at that time, looked up."""

    id: int
    host: str | None = None
    ssl: bool | None = None
    removed: bool = False
    primary: str | None = None


class LocationFacts(Facts, frozen=True, tag="location"):
    """locations/*. `has_stock` is looked up, of a location that is not active."""

    id: int
    name: str | None = None
    active: bool | None = None
    has_stock: bool | None = None


class PrivacyFacts(Facts, frozen=True, tag="privacy"):
    """customers/data_request, customers/redact, shop/redact: ids only."""

    shop_id: int | None = None
    customer_id: int | None = None
    orders: tuple[int, ...] = ()
    request_id: int | None = None


class AuditFacts(Facts, frozen=True, tag="audit"):
    """audit_events/admin_api_activity: how many requests, and of how many actors. Nothing of who they were."""

    events: int = 0
    failed: int = 0


class UnknownFacts(Facts, frozen=True, tag="unknown"):
    """A verified delivery of a topic that we do not know: counted, never guessed."""


AnyFacts = (
    OrderFacts
    | OrderEditFacts
    | CustomerFacts
    | OrderDeletedFacts
    | RiskFacts
    | ProtectFacts
    | HoldFacts
    | FulfillmentOrderFacts
    | RoutingFacts
    | FulfillmentFacts
    | ShipmentFacts
    | ParcelsFacts
    | InventoryFacts
    | InventoryItemFacts
    | ProductFacts
    | SoldFacts
    | VariantFacts
    | CheckoutFacts
    | TransactionFacts
    | TenderFacts
    | PaymentTermsFacts
    | PaymentScheduleFacts
    | DraftFacts
    | ReturnFacts
    | ReverseDeliveryFacts
    | DispositionFacts
    | RefundFacts
    | DisputeFacts
    | ShopFacts
    | SyncFacts
    | SubscriptionsFacts
    | ScopesFacts
    | AppSubscriptionFacts
    | BulkOperationFacts
    | ThemeFacts
    | DomainFacts
    | LocationFacts
    | PrivacyFacts
    | AuditFacts
    | UnknownFacts
)
