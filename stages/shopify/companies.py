"""For which company an order or a draft was placed, where its body does not tell. Asked apart: it has its own scope."""

from __future__ import annotations

from stages.shopify import shapes
from stages.shopify.client import Shopify
from stages.shopify.lookup import Buyer, Lookup, Reply, gid, number, told
from stages.shopify.operations import Operation

#: An order's never changes.
ORDER_COMPANY = Operation("OrderCompany", shapes.OrderCompany, keep=3600.0)
DRAFT_COMPANY = Operation("DraftOrderCompany", shapes.DraftCompany)


async def of_order(shopify: Shopify, lookup: Lookup) -> Reply:
    answer = await shopify.query(lookup.shop, ORDER_COMPANY, {"id": gid("Order", lookup.identity)})
    return told(answer, lambda data: _buyer(data.order))


async def of_draft(shopify: Shopify, lookup: Lookup) -> Reply:
    asked = {"id": gid("DraftOrder", lookup.identity)}
    answer = await shopify.query(lookup.shop, DRAFT_COMPANY, asked, lookup.since)
    return told(answer, lambda data: _buyer(data.draft_order))


def _buyer(found: shapes.Purchased | None) -> Buyer | None:
    if found is None:
        return None
    company = found.purchasing_entity.company if found.purchasing_entity else None
    return Buyer(number(company.id) if company else None)
