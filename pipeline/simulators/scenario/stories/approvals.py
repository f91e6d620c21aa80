"""Use case 5: orders and drafts that somebody must approve."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import cast

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.sales import ordered, placed
from pipeline.simulators.scenario.shelf import CHAIR, LAMP, NEWCOMER, REGULAR, SOLVENT
from pipeline.simulators.scenario.telling import Telling
from pipeline.simulators.shopify.graph import gid, money
from pipeline.simulators.shopify.orders import (
    Company,
    CompanyLocation,
    DraftOrder,
    MailingAddress,
    PurchasingCompany,
)


def tell(told: Telling) -> None:
    """12,500.00 USD; a sensitive product to a sensitive country; a company's draft; and one that needs nobody."""
    told.use_case = 5
    large = replace(placed(told, 272, "#1030", CHAIR), quantity=50)
    ordered(told, 272, large, "approval-required: 12,500.00 USD")
    sensitive = replace(
        placed(told, 660, "#1031", SOLVENT),
        quantity=4,
        country="AE",
        zip=None,
        customer=NEWCOMER,
    )
    ordered(told, 660, sensitive, "approval-required: an export-controlled product, to a country without zips")
    ordered(told, 664, placed(told, 664, "#1032", LAMP), "nothing: a small order")
    _quoted(told)


def _quoted(told: Telling) -> None:
    """Staff write a quote, and change it: whoever must approve it is asked once they leave it alone."""
    number, company = told.number(), told.number()
    _written(told, 420, number, company, 30, "nothing yet: somebody is still writing")
    _written(told, 424, number, company, 40, "approval-required, ten minutes from here: 10,000.00 USD for a company")


def _written(told: Telling, minute: float, number: int, company: int, quantity: int, why: str) -> None:
    total = CHAIR.price * quantity
    told.change(
        minute,
        DraftOrder(
            id=gid("DraftOrder", number),
            name="#D31",
            created_at=told.moment(420),
            updated_at=told.moment(minute),
            total_price_set=money(total),
            total_discounts_set=money(Decimal("0.00")),
            shipping_address=MailingAddress(id=gid("MailingAddress", number), country_code_v2="US"),
            purchasing_entity=PurchasingCompany(
                company=Company(id=gid("Company", company), name="Example Offices"),
                location=CompanyLocation(id=gid("CompanyLocation", company), name="Headquarters"),
            ),
        ),
    )
    real = sample("draft_orders/create")
    line = cast("list[Json]", real["line_items"])[0]
    chairs = {
        **line,
        "title": CHAIR.title,
        "sku": CHAIR.sku,
        "variant_id": CHAIR.variant,
        "product_id": CHAIR.product,
        "quantity": quantity,
        "price": str(CHAIR.price),
    }
    body = {
        **real,
        "id": number,
        "admin_graphql_api_id": gid("DraftOrder", number),
        "name": "#D31",
        "b2b?": True,
        "created_at": told.stamp(420),
        "updated_at": told.stamp(minute),
        "total_price": str(total),
        "applied_discount": None,
        "customer": {**cast("Json", real["customer"]), "id": REGULAR},
        "line_items": [chairs],
    }
    told.webhook(minute, "draft_orders/create" if minute == 420 else "draft_orders/update", body, why)
