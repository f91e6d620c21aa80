"""Use case 5: orders and drafts that somebody must approve."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import cast

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.sales import ordered, placed
from pipeline.simulators.scenario.shelf import CHAIR, LAMP, NEWCOMER, REGULAR, SOLVENT
from pipeline.simulators.scenario.telling import Telling, stamp
from pipeline.simulators.shopify.graph import gid, money
from pipeline.simulators.shopify.orders import DraftOrder, MailingAddress


def tell(told: Telling) -> None:
    """12,500.00 USD; a sensitive product's tag to a sensitive country; one that needs nobody; and a draft."""
    told.use_case = 5
    large = replace(placed(told, 272, "#1030", CHAIR), quantity=50)
    ordered(told, 272, large, "approval-required: 12,500.00 USD")
    sensitive = replace(
        placed(told, 660, "#1031", SOLVENT),
        quantity=4,
        country="AE",
        zip=None,
        tags=("export-control",),
        customer=NEWCOMER,
    )
    ordered(told, 660, sensitive, "approval-required: an export-controlled tag, to a sensitive country without zips")
    ordered(told, 664, placed(told, 664, "#1032", LAMP), "nothing: a small order")
    _draft_that_goes_out(told)


def _draft_that_goes_out(told: Telling) -> None:
    """Staff writes an offer, changes it, and sends its invoice before anybody has approved it."""
    first = Offer(told.number(), "#D12", told.moment(310), told.moment(310), 30)
    _offered(told, 310, "draft_orders/create", first, "nothing yet: somebody is still writing it")
    second = replace(first, updated=told.moment(314), quantity=36)
    _offered(told, 314, "draft_orders/update", second, "approval-required: 9,000.00 USD, once nobody changes it")
    sent = replace(second, updated=told.moment(432), invoice_sent=told.moment(432))
    _offered(told, 432, "draft_orders/update", sent, "approval-required gets critical: it went out unapproved")


def _offered(told: Telling, minute: float, topic: str, offer: Offer, why: str) -> None:
    told.change(minute, offer.thing())
    told.webhook(minute, topic, offer.body(), why)


@dataclass(frozen=True, slots=True)
class Offer:
    """A draft order for oak chairs at one moment."""

    number: int
    name: str
    created: datetime
    updated: datetime
    quantity: int
    invoice_sent: datetime | None = None

    @property
    def total(self) -> Decimal:
        return CHAIR.price * self.quantity

    @property
    def status(self) -> str:
        return "open" if self.invoice_sent is None else "invoice_sent"

    def thing(self) -> DraftOrder:
        return DraftOrder(
            id=gid("DraftOrder", self.number),
            name=self.name,
            status=self.status.upper(),
            created_at=self.created,
            updated_at=self.updated,
            invoice_sent_at=self.invoice_sent,
            total_price_set=money(self.total),
            total_discounts_set=money(Decimal("0.00")),
            shipping_address=MailingAddress(id=gid("MailingAddress", self.number), country_code_v2="US"),
        )

    def body(self) -> Json:
        body, total = sample("draft_orders/create"), str(self.total)
        line = cast("list[Json]", body["line_items"])[0]
        customer = cast("Json", body["customer"])
        return body | {
            "id": self.number,
            "admin_graphql_api_id": gid("DraftOrder", self.number),
            "name": self.name,
            "status": self.status,
            "created_at": stamp(self.created),
            "updated_at": stamp(self.updated),
            "invoice_sent_at": None if self.invoice_sent is None else stamp(self.invoice_sent),
            "invoice_url": f"https://shop.example.com/invoices/{self.number:x}",
            "email": "buyer@example.com",
            "applied_discount": None,
            "payment_terms": None,
            "total_price": total,
            "subtotal_price": total,
            "total_tax": "0.00",
            "customer": customer | {"id": REGULAR, "admin_graphql_api_id": gid("Customer", REGULAR)},
            "line_items": [
                line
                | {
                    "title": CHAIR.title,
                    "name": CHAIR.title,
                    "sku": CHAIR.sku,
                    "vendor": CHAIR.vendor,
                    "variant_id": CHAIR.variant,
                    "product_id": CHAIR.product,
                    "price": str(CHAIR.price),
                    "quantity": self.quantity,
                    "applied_discount": None,
                }
            ],
        }
