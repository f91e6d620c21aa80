"""An order at one moment, as the body of its webhooks and as what Admin GraphQL knows of it; made from the real body.

Every personal field of every body carries `MARK`, so that whatever lets one through is seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, cast

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.shopify.graph import MoneyV2, Page, Thing, gid, link, money
from pipeline.simulators.shopify.orders import (
    DeliveryMethod,
    FulfillmentHold,
    FulfillmentOrder,
    FulfillmentOrderAssignedLocation,
    FulfillmentOrderLineItem,
    LineItem,
    MailingAddress,
    Order,
    OrderRiskSummary,
    ShippingLine,
)
from pipeline.simulators.shopify.people import Customer, CustomerStatistics
from pipeline.simulators.shopify.stock import (
    InventoryItem,
    InventoryLevel,
    InventoryQuantity,
    Location,
    Product,
    ProductVariant,
)
from tests.scenarios.steps import Plot

MARK = "Zyxomark"
_PERSONAL = frozenset(
    {
        "email",
        "phone",
        "contact_email",
        "sms_marketing_phone",
        "browser_ip",
        "note",
        "customer_note",
        "return_reason_note",
        "first_name",
        "last_name",
        "address1",
        "address2",
        "company",
        "latitude",
        "longitude",
        "credit_card_name",
        "authorization",
        "shop_owner",
        "customer_email",
        "reason_notes",
        "order_status_url",
        "abandoned_checkout_url",
        "payment_id",
    }
)
_WHERE = frozenset({"shipping_address", "billing_address", "destination", "default_address", "origin_address"})
#: Where they stand in a story's numbers.
FULFILLMENT_ORDER, LINE, ITEM, PARCEL, SCAN, MONEY, BACK, CUSTOMER = 10, 20, 40, 100, 120, 200, 300, 400


def marked(body: Mapping[str, object], where: str = "") -> Json:
    """The body with the mark in every field that is, or may hold, personal data."""
    return {name: _marked(name, value, where) for name, value in body.items()}


def _marked(name: str, value: object, where: str) -> object:
    if isinstance(value, Mapping):
        return marked(cast("Json", value), name)
    if isinstance(value, list):
        return [marked(one, name) if isinstance(one, Mapping) else one for one in value]
    is_person = name in _PERSONAL or (where in _WHERE and name in ("name", "city", "zip"))
    return f"{MARK} {value}" if is_person and isinstance(value, str) and value else value


@cache
def body_of(topic: str) -> Json:
    """The real body with its marks; never changed in place."""
    return marked(sample(topic))


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Purchase:
    """`financial` and `fulfillment` in the words of the REST shape; `parts` is changed in the shipping address.
    `shipped`: which of its lines are, by Shopify's own word."""

    plot: Plot
    created: datetime
    updated: datetime
    total: Decimal = Decimal("120.00")
    financial: str = "paid"
    fulfillment: str | None = None
    cancelled: datetime | None = None
    processed: datetime | None = None
    tags: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ("shopify_payments",)
    verdict: str | None = "NO_ISSUES"
    parts: tuple[tuple[str, str | None], ...] = ()
    token: str | None = None
    risk: OrderRiskSummary = field(default_factory=OrderRiskSummary)
    terms: Json | None = None
    test: bool = False
    lines: int = 1
    requires_shipping: bool = True
    offset: int = 0
    method: str = "SHIPPING"
    customer: tuple[str, ...] = ()
    shipped: tuple[int, ...] = ()

    @property
    def number(self) -> int:
        return self.plot.number(self.offset)

    @property
    def fulfillment_order(self) -> str:
        return gid("FulfillmentOrder", self.plot.number(FULFILLMENT_ORDER + self.offset))

    @property
    def outstanding(self) -> Decimal:
        is_open = self.financial in ("pending", "authorized", "voided") and self.cancelled is None
        return self.total if is_open else Decimal("0.00")

    def at(self, moment: datetime, **changed: Any) -> Purchase:
        return replace(self, updated=moment, **changed)

    def things(self, *holds: FulfillmentHold) -> tuple[Thing, ...]:
        address = MailingAddress(
            id=gid("MailingAddress", self.number),
            address1="1 Street",
            city="Town",
            zip="40003",
            country_code_v2="US",
            validation_result_summary=self.verdict,
        )
        words = {None: "UNFULFILLED", "partial": "PARTIALLY_FULFILLED"}
        order = Order(
            id=gid("Order", self.number),
            name=f"#{self.number % 1_000_000}",
            created_at=self.created,
            processed_at=self.processed or self.created,
            updated_at=self.updated,
            cancelled_at=self.cancelled,
            test=self.test,
            tags=self.tags,
            requires_shipping=self.requires_shipping,
            display_financial_status=self.financial.upper(),
            display_fulfillment_status=words.get(self.fulfillment, str(self.fulfillment).upper()),
            payment_gateway_names=self.gateways,
            capturable=self.financial == "authorized",
            current_total_price_set=money(self.total),
            total_outstanding_set=money(self.outstanding),
            total_capturable_set=money(Decimal("0.00")),
            shipping_lines=Page((ShippingLine(title="Standard", code="Standard"),)),
            shipping_address=address,
            risk=self.risk,
            payment_terms=link("PaymentTerms", cast("int", self.terms["id"])) if self.terms else None,
            checkout_token=self.token,
        )
        return order, self.to_ship(*holds), *buyer(self.plot, *self.customer), *goods(self.plot, self.created, 10_000)

    def to_ship(self, *holds: FulfillmentHold) -> FulfillmentOrder:
        return FulfillmentOrder(
            id=self.fulfillment_order,
            order=link("Order", self.number),
            order_id=gid("Order", self.number),
            order_name=f"#{self.number % 1_000_000}",
            status="ON_HOLD" if holds else "OPEN",
            updated_at=self.updated,
            assigned_location=FulfillmentOrderAssignedLocation(name="Main warehouse"),
            delivery_method=DeliveryMethod(method_type=self.method),
            fulfillment_holds=holds,
            line_items=Page(tuple(self._routed(which) for which in range(self.lines))),
        )

    def _routed(self, which: int) -> FulfillmentOrderLineItem:
        identity = gid("LineItem", self.plot.number(LINE + which + self.offset))
        return FulfillmentOrderLineItem(
            line_item=LineItem(
                id=identity, order=link("Order", self.number), original_unit_price_set=money(self.total)
            ),
            product_title="Thing",
            sku=f"SKU-{self.plot.index}",
            remaining_quantity=0 if which in self.shipped else 1,
            requires_shipping=self.requires_shipping,
        )

    def body(self) -> Json:
        real = body_of("orders/create")
        total = str(self.total)
        both = {"shop_money": {"amount": total, "currency_code": "USD"}}
        zero = {"shop_money": {"amount": "0.00", "currency_code": "USD"}}
        customer = {**cast("Json", real["customer"]), "id": self.plot.number(CUSTOMER)}
        address = {**cast("Json", real["shipping_address"]), "zip": f"{MARK} 40003", **dict(self.parts)}
        shipping = {**cast("list[Json]", real["shipping_lines"])[0], "title": "Standard", "code": "Standard"}
        return {
            **real,
            "id": self.number,
            "admin_graphql_api_id": gid("Order", self.number),
            "name": f"#{self.number % 1_000_000}",
            "created_at": stamp(self.created),
            "processed_at": stamp(self.processed or self.created),
            "updated_at": stamp(self.updated),
            "cancelled_at": self.cancelled and stamp(self.cancelled),
            "cancel_reason": self.cancelled and "customer",
            "test": self.test,
            "financial_status": self.financial,
            "fulfillment_status": self.fulfillment,
            "currency": "USD",
            **dict.fromkeys(("total_price", "current_total_price"), total),
            **dict.fromkeys(("total_price_set", "current_total_price_set"), both),
            **dict.fromkeys(("total_discounts_set", "current_total_discounts_set"), zero),
            **dict.fromkeys(("total_discounts", "current_total_discounts"), "0.00"),
            "total_outstanding": str(self.outstanding),
            "tags": ", ".join(self.tags),
            "payment_gateway_names": list(self.gateways),
            "checkout_token": self.token,
            "payment_terms": self.terms,
            "customer": customer,
            "shipping_address": address,
            "shipping_lines": [shipping],
            "line_items": [self.line(number) for number in range(self.lines)],
        }

    def line(self, which: int = 0) -> Json:
        real = cast("list[Json]", body_of("orders/create")["line_items"])[0]
        number = self.plot.number(LINE + which + self.offset)
        return {
            **real,
            "id": number,
            "admin_graphql_api_id": gid("LineItem", number),
            "sku": f"SKU-{self.plot.index}",
            "variant_id": self.plot.number(ITEM + 1),
            "product_id": self.plot.number(ITEM + 2),
            "quantity": 1,
            "current_quantity": 1,
            "requires_shipping": self.requires_shipping,
            "gift_card": False,
        }


def buyer(plot: Plot, *tags: str) -> tuple[Thing, ...]:
    return (
        Customer(
            id=gid("Customer", plot.number(CUSTOMER)),
            tags=tags,
            number_of_orders="3",
            amount_spent=MoneyV2(amount=Decimal("300.00")),
            statistics=CustomerStatistics(),
        ),
    )


#: A parcel that nobody can follow.
UNTRACKED: Json = {"tracking_number": None, "tracking_numbers": []}


def goods(plot: Plot, at: datetime, available: int, **changed: Any) -> tuple[Thing, ...]:
    """One item at one location. `changed`: status, policy, tracked, bundle, incoming."""
    item, variant, product = (plot.number(ITEM + n) for n in range(3))
    incoming = changed.get("incoming", 0)
    counts = {"available": available, "on_hand": available, "committed": 0, "incoming": incoming}
    return (
        Location(id=gid("Location", plot.number(ITEM + 3)), name="Main warehouse"),
        Product(id=gid("Product", product), title="Thing", vendor="Maker", status=changed.get("status", "ACTIVE")),
        ProductVariant(
            id=gid("ProductVariant", variant),
            sku=f"SKU-{plot.index}",
            display_name="Thing",
            inventory_policy=changed.get("policy", "DENY"),
            requires_components=changed.get("bundle", False),
            product=link("Product", product),
            inventory_item=link("InventoryItem", item),
        ),
        InventoryItem(
            id=gid("InventoryItem", item),
            sku=f"SKU-{plot.index}",
            tracked=changed.get("tracked", True),
            updated_at=at,
        ),
        InventoryLevel(
            id=f"{gid('InventoryLevel', item + 5)}?inventory_item_id={item}",
            item=link("InventoryItem", item),
            location=link("Location", plot.number(ITEM + 3)),
            updated_at=at,
            quantities=tuple(
                InventoryQuantity(name=name, quantity=count, updated_at=at) for name, count in counts.items()
            ),
        ),
    )


def purchase(plot: Plot, **changed: Any) -> Purchase:
    """One that is placed when the story begins."""
    return Purchase(plot, plot.start, plot.start, **changed)


def tells(plot: Plot, at: datetime, order: Purchase, label: str, *topics: str) -> None:
    """The world knows the order as it is, and each of the topics tells of it: one action of the merchant's."""
    plot.change(at, *order.things())
    event = plot.identity()
    for number, topic in enumerate(topics):
        plot.webhook(at, topic, order.body(), f"{label}/{number}" if number else label, event=event)
