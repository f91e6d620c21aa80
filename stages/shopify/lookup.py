"""A question to Shopify as a value, and what may come of it: the same one asked again is the same question.

`since` (wall) is when we had the webhook that made us ask: an older answer does not count. `newer` is the resource's
own `updated_at` in that webhook: Shopify's replicas lag, and an answer from before it is `Stale`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from schemas.facts.operations import LocationFacts, ShopFacts, SubscriptionsFacts, SyncFacts
from schemas.facts.orders import Address, Customer, Hold, Line, OrderFacts, Terms, ToShip
from schemas.facts.payments import CheckoutFacts, DraftFacts
from schemas.facts.returns import Disposition, DisputeFacts, Origin, RefundFacts, ReturnFacts
from schemas.facts.shipments import ParcelsFacts, RoutingFacts
from schemas.facts.stock import Item, ProductFacts
from schemas.money import Money
from stages.bodies.fields import integer
from stages.shopify import shapes
from stages.shopify.answers import Answer, Found, Missing

T = TypeVar("T")


class What(StrEnum):
    """The first seven tell where a resource belongs (`Place`), the others what is known of it."""

    FULFILLMENT_ORDER = "fulfillment-order"
    VARIANT = "variant"
    PAYMENT_TERMS = "payment-terms"
    PAYMENT_SCHEDULE = "payment-schedule"
    RETURN = "return"
    REVERSE_FULFILLMENT_ORDER = "reverse-fulfillment-order"
    REFUND = "refund"
    CUSTOMER = "customer"
    ADDRESS = "address"
    ORDER = "order"
    PROTECT = "protect"
    PAYMENT = "payment"
    TERMS = "terms"
    HOLDS = "holds"
    HOLDS_BESIDE = "holds-beside"
    ORDER_BESIDE = "order-beside"
    ROUTING = "routing"
    ROUTING_BESIDE = "routing-beside"
    PARCELS = "parcels"
    BOUGHT = "bought"
    CUSTOMER_OF = "customer-of"
    ITEM = "item"
    ITEM_OF_VARIANT = "item-of-variant"
    PRODUCT = "product"
    CHECKOUT = "checkout"
    ABANDONMENT = "abandonment"
    RETURN_STATE = "return-state"
    DISPOSED = "disposed"
    REFUND_STATE = "refund-state"
    DISPUTE = "dispute"
    SHOP = "shop"
    LOCATION = "location"
    NEWER = "newer"
    SUBSCRIPTIONS = "subscriptions"
    DRAFT = "draft"
    DRAFT_COMPANY = "draft-company"
    ORDER_COMPANY = "order-company"
    PRODUCT_TAGS = "product-tags"
    ORDER_PRODUCTS = "order-products"
    ORDER_LINES = "order-lines"
    ORDER_ITEMS = "order-items"


class Lookup(Struct, frozen=True):
    """`identity`: the number of a gid, several with commas between them, or a checkout's token. `segments`: in which of
    these is a customer?"""

    shop: str
    what: What
    identity: str
    since: datetime | None = None
    newer: datetime | None = None
    segments: tuple[str, ...] = ()


class Place(Struct, frozen=True, omit_defaults=True):
    """Where a resource belongs: the kind and identity of its subject. This never changes and is remembered.

    `fulfill_by` and `deliver_by` of a fulfillment order may change: they are as they were when it was asked where it
    belongs.
    """

    kind: str
    identity: int
    order_name: str | None = None
    return_id: int | None = None
    return_name: str | None = None
    fulfill_by: datetime | None = None
    deliver_by: datetime | None = None

    @property
    def order_id(self) -> int | None:
        return self.identity if self.kind == "order" else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The address validation: error, warning, no_issues; None where Shopify has not validated. With the address that it
    is about, and the fulfillment orders that are to go there; None where there are none, or we may not see them."""

    word: str | None
    address: Address | None = None
    to_ship: tuple[ToShip, ...] | None = None


@dataclass(frozen=True, slots=True)
class Protection:
    """Shopify Protect's status of an order, `none` where it has nothing to do with it."""

    status: str


@dataclass(frozen=True, slots=True)
class Buyer:
    """The company that an order or a draft is for; None: it is a person's."""

    company_id: int | None


@dataclass(frozen=True, slots=True)
class Lines:
    """All lines of an order, without their products."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class OrderItems:
    """Which inventory items an order has now, and how many units of each."""

    units: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ProductTags:
    """Of all the products of an order or a draft together."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OnTerms:
    """The payment terms of an order; None where it has none."""

    terms: Terms | None


@dataclass(frozen=True, slots=True)
class Guest:
    """Nobody whom the shop knows has ordered."""


@dataclass(frozen=True, slots=True)
class Bought:
    """A customer as it is now, and the numbers of its open orders."""

    customer: Customer
    orders: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OpenHolds:
    """With what tells whether anybody has to act on their order at all."""

    holds: tuple[Hold, ...]
    test: bool = False
    created: datetime | None = None
    processed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Disposed:
    """All that came back of a reverse fulfillment order."""

    dispositions: tuple[Disposition, ...]
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Stale:
    """Shopify has not caught up with its own webhook yet."""


Value = (
    Place
    | Customer
    | Verdict
    | Protection
    | OnTerms
    | OpenHolds
    | Bought
    | Guest
    | Item
    | OrderFacts
    | DraftFacts
    | Buyer
    | ProductTags
    | Lines
    | OrderItems
    | RoutingFacts
    | ParcelsFacts
    | CheckoutFacts
    | ReturnFacts
    | RefundFacts
    | DisputeFacts
    | Disposed
    | ShopFacts
    | LocationFacts
    | ProductFacts
    | SyncFacts
    | SubscriptionsFacts
)
Reply = Answer[Value] | Stale


def gid(kind: str, identity: str | int) -> str:
    return f"gid://shopify/{kind}/{identity}"


def told(answer: Answer[T], told: Callable[[T], Value | Stale | None]) -> Reply:
    """What the data says; None says that Shopify knows no such thing."""
    if not isinstance(answer, Found):
        return answer
    value = told(answer.value)
    if value is None:
        return Missing()
    return value if isinstance(value, Stale) else Found(value)


def behind(updated: datetime | None, newer: datetime | None) -> bool:
    return updated is not None and newer is not None and updated < newer.replace(microsecond=0)


def origin(found: shapes.OrderOf | None) -> Origin | None:
    return Origin(found.test, found.created_at, found.processed_at) if found else None


def number(found: str | None) -> int:
    """Of a gid that Shopify itself wrote."""
    return integer(found) or 0


def words(found: str | None) -> str | None:
    return found.lower() if found else None


def amount(found: shapes.Amount | None) -> Money | None:
    return Money(found.amount, found.currency_code) if found and found.currency_code else None


def in_currency(found: shapes.ShopMoney | None, beside: Money | None) -> Money | None:
    """The outstanding amount comes without its currency: it is the shop's, as that of the total beside it."""
    if found is None:
        return None
    currency = found.shop_money.currency_code or (beside.currency if beside else None)
    return Money(found.shop_money.amount, currency) if currency else None
