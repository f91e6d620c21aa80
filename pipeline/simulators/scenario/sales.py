"""Orders, told twice and the same: as the body of a webhook, and as what Admin GraphQL knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, cast

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.shelf import REGULAR, WAREHOUSE, Goods
from pipeline.simulators.scenario.telling import Telling, stamp
from pipeline.simulators.shopify.graph import Link, MoneyV2, Page, Thing, gid, link, money
from pipeline.simulators.shopify.orders import (
    FulfillmentHold,
    FulfillmentOrder,
    FulfillmentOrderAssignedLocation,
    FulfillmentOrderLineItem,
    FulfillmentOrderSupportedAction,
    LineItem,
    MailingAddress,
    Order,
    OrderRiskSummary,
    PaymentSchedule,
    PaymentTerms,
    ShippingLine,
)

#: Shopify's words for what the REST shape calls otherwise.
_FULFILLMENT: Final = {None: "UNFULFILLED", "partial": "PARTIALLY_FULFILLED"}
_UNPAID: Final = ("pending", "voided", "authorized", "expired")


@dataclass(frozen=True, slots=True)
class Terms:
    """Net 7: paid at `due`, not at once."""

    number: int
    created: datetime
    due: datetime

    def things(self, sale: Sale, completed: datetime | None) -> tuple[Thing, ...]:
        terms = PaymentTerms(
            id=gid("PaymentTerms", self.number), order=link("Order", sale.number), overdue=completed is None
        )
        balance = Decimal("0.00") if completed else sale.total
        schedule = PaymentSchedule(
            id=gid("PaymentSchedule", self.number + 1),
            payment_terms=Link(terms.id),
            due_at=self.due,
            completed_at=completed,
            balance_due=MoneyV2(amount=balance),
        )
        return terms, schedule

    def schedule(self, sale: Sale, completed: datetime | None) -> Json:
        """The body of `payment_schedules/due`, which is in the order's body too."""
        return sample("payment_schedules/due") | {
            "id": self.number + 1,
            "admin_graphql_api_id": gid("PaymentSchedule", self.number + 1),
            "payment_terms_id": self.number,
            "amount": str(sale.total),
            "total_price": str(sale.total),
            "balance_due": "0.00" if completed else str(sale.total),
            "total_balance": "0.00" if completed else str(sale.total),
            "issued_at": stamp(self.created),
            "created_at": stamp(self.created),
            "updated_at": stamp(completed or self.due),
            "due_at": stamp(self.due),
            "completed_at": None if completed is None else stamp(completed),
        }


@dataclass(frozen=True, slots=True)
class Sale:
    """An order at one moment. `financial` and `fulfillment` in the words of the REST shape."""

    number: int
    name: str
    created: datetime
    updated: datetime
    goods: Goods
    quantity: int = 1
    customer: int = REGULAR
    financial: str = "paid"
    fulfillment: str | None = None
    cancelled: datetime | None = None
    cancel_reason: str | None = None
    tags: tuple[str, ...] = ()
    method: str = "Standard"
    country: str = "US"
    zip: str | None = "40003"
    verdict: str | None = "NO_ISSUES"
    checkout_token: str | None = None
    risk: OrderRiskSummary = field(default_factory=OrderRiskSummary)
    terms: Terms | None = None
    test: bool = False

    @property
    def total(self) -> Decimal:
        return self.goods.price * self.quantity

    @property
    def outstanding(self) -> Decimal:
        return self.total if self.financial in _UNPAID and self.cancelled is None else Decimal("0.00")

    @property
    def fulfillment_order(self) -> str:
        return gid("FulfillmentOrder", self.number + 1)

    def thing(self) -> Order:
        return Order(
            id=gid("Order", self.number),
            name=self.name,
            created_at=self.created,
            processed_at=self.created,
            updated_at=self.updated,
            cancelled_at=self.cancelled,
            test=self.test,
            tags=self.tags,
            display_financial_status=self.financial.upper(),
            display_fulfillment_status=_FULFILLMENT.get(self.fulfillment, str(self.fulfillment).upper()),
            capturable=self.financial == "authorized",
            current_total_price_set=money(self.total),
            total_outstanding_set=money(self.outstanding),
            total_capturable_set=money(self.total if self.financial == "authorized" else Decimal("0.00")),
            shipping_lines=Page((ShippingLine(title=self.method, code=self.method),)),
            shipping_address=MailingAddress(
                id=gid("MailingAddress", self.number),
                address1="123 Shipping Street",
                city="Shippington",
                zip=self.zip,
                country_code_v2=self.country,
                validation_result_summary=self.verdict,
            ),
            risk=self.risk,
            payment_terms=link("PaymentTerms", self.terms.number) if self.terms else None,
            customer=link("Customer", self.customer),
            checkout_token=self.checkout_token,
        )

    def to_be_shipped(self, at: datetime, *holds: FulfillmentHold) -> FulfillmentOrder:
        """Its one fulfillment order, with the holds that stand at that moment."""
        actions = ("RELEASE_HOLD",) if holds else ("CREATE_FULFILLMENT", "HOLD")
        return FulfillmentOrder(
            id=self.fulfillment_order,
            order=link("Order", self.number),
            order_id=gid("Order", self.number),
            order_name=self.name,
            status="ON_HOLD" if holds else "CLOSED" if self.fulfillment == "fulfilled" else "OPEN",
            updated_at=at,
            assigned_location=FulfillmentOrderAssignedLocation(name=WAREHOUSE),
            line_items=Page((self._to_ship(),)),
            supported_actions=tuple(FulfillmentOrderSupportedAction(action=action) for action in actions),
            fulfillment_holds=holds,
        )

    def _to_ship(self) -> FulfillmentOrderLineItem:
        left = 0 if self.fulfillment == "fulfilled" else self.quantity
        return FulfillmentOrderLineItem(
            line_item=self.line_item(),
            product_title=self.goods.title,
            sku=self.goods.sku,
            total_quantity=self.quantity,
            remaining_quantity=left,
        )

    def line_item(self) -> LineItem:
        own = gid("LineItem", self.number + 2)
        return LineItem(
            id=own,
            order=link("Order", self.number),
            sku=self.goods.sku,
            title=self.goods.title,
            quantity=self.quantity,
            current_quantity=self.quantity,
            variant=link("ProductVariant", self.goods.variant),
            original_unit_price_set=money(self.goods.price),
        )

    def body(self) -> Json:
        body = sample("orders/create")
        total, number = str(self.total), int(self.name.strip("#"))
        body |= {
            "id": self.number,
            "admin_graphql_api_id": gid("Order", self.number),
            "name": self.name,
            "number": number,
            "order_number": number,
            "token": f"{self.number:x}",
            "order_status_url": f"https://shop.example.com/orders/{self.number:x}/authenticate?key=0",
            "created_at": stamp(self.created),
            "processed_at": stamp(self.created),
            "updated_at": stamp(self.updated),
            "cancelled_at": None if self.cancelled is None else stamp(self.cancelled),
            "cancel_reason": self.cancel_reason,
            "confirmed": True,
            "test": self.test,
            "financial_status": self.financial,
            "fulfillment_status": self.fulfillment,
            "tags": ", ".join(self.tags),
            "checkout_token": self.checkout_token,
            "payment_gateway_names": ["shopify_payments"],
            "total_outstanding": str(self.outstanding),
            "total_discounts": "0.00",
            "total_discounts_set": _both("0.00"),
            "line_items": [self.line()],
        }
        for price in ("total_price", "current_total_price", "subtotal_price", "current_subtotal_price"):
            body |= {price: total, f"{price}_set": _both(total)}
        body |= {"total_line_items_price": total, "total_line_items_price_set": _both(total)}
        if self.terms is not None:
            body["payment_terms"] = sample("payment_terms/create") | {
                "id": self.terms.number,
                "created_at": stamp(self.terms.created),
                "updated_at": stamp(self.updated),
                "payment_schedules": [self.terms.schedule(self, self.updated if self.financial == "paid" else None)],
            }
        return self._with_people(body)

    def _with_people(self, body: Json) -> Json:
        where = {"country_code": self.country, "country": self.country, "zip": self.zip}
        where |= {"province": None, "province_code": None} if self.country != "US" else {}
        customer = cast("Json", body["customer"])
        customer |= {"id": self.customer, "admin_graphql_api_id": gid("Customer", self.customer)}
        cast("Json", customer["default_address"])["customer_id"] = self.customer
        body["shipping_address"] = cast("Json", body["shipping_address"]) | where
        shipping = cast("list[Json]", body["shipping_lines"])[0]
        body["shipping_lines"] = [shipping | {"title": self.method, "code": self.method, "price": "0.00"}]
        return body

    def line(self) -> Json:
        first = cast("list[Json]", sample("orders/create")["line_items"])[0]
        number = self.number + 2
        return first | {
            "id": number,
            "admin_graphql_api_id": gid("LineItem", number),
            "sku": self.goods.sku,
            "title": self.goods.title,
            "name": self.goods.title,
            "vendor": self.goods.vendor,
            "variant_id": self.goods.variant,
            "product_id": self.goods.product,
            "price": str(self.goods.price),
            "price_set": _both(str(self.goods.price)),
            "quantity": self.quantity,
            "current_quantity": self.quantity,
            "fulfillable_quantity": 0 if self.fulfillment == "fulfilled" else self.quantity,
        }


def _both(amount: str, currency: str = "USD") -> Json:
    one = {"amount": amount, "currency_code": currency}
    return {"shop_money": one, "presentment_money": dict(one)}


def placed(told: Telling, minute: float, name: str, goods: Goods) -> Sale:
    """An order of that minute, not told of yet."""
    at = told.moment(minute)
    return Sale(told.number(), name, at, at, goods)


def known(told: Telling, sale: Sale) -> Sale:
    """The shop had it before the day began, and no webhook tells of it."""
    told.change(0, sale.thing(), sale.to_be_shipped(sale.created))
    return sale


def ordered(told: Telling, minute: float, sale: Sale, why: str) -> Sale:
    told.change(minute, sale.thing(), sale.to_be_shipped(sale.created))
    told.webhook(minute, "orders/create", sale.body(), why)
    return sale


def altered(told: Telling, minute: float, sale: Sale, topics: Sequence[str], why: str) -> Sale:
    """The order's new state, told by each of the topics as one action of the merchant's."""
    changed = replace(sale, updated=told.moment(minute))
    told.change(minute, changed.thing())
    event = told.action()
    for topic in topics:
        told.webhook(minute, topic, changed.body(), why, event=event)
    return changed
