"""Facts of orders, their risk, their holds and their customers (use cases 1 and 5)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from schemas.facts.fact import Facts
from schemas.money import Money


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
