"""What a draft order has become. That Shopify does not know one is no word on it: its deletion has a webhook."""

from __future__ import annotations

from schemas.facts.orders import Address
from schemas.facts.payments import DraftFacts
from stages.shopify import shapes
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Reply, amount, gid, number, told, words
from stages.shopify.operations import Operation

DRAFT_ORDER = Operation("DraftOrder", shapes.DraftOrderData)

#: What the document leaves open: lines and terms are the body's, its company is asked for by itself.
_NOT_IN_CORE = ("company_id", "customer_id", "lines", "terms")


async def draft(shopify: Shopify, lookup: Lookup) -> Reply:
    answer = await shopify.query(lookup.shop, DRAFT_ORDER, {"id": gid("DraftOrder", lookup.identity)}, lookup.since)
    return told(answer, lambda data: draft_facts(data.draft_order) if data.draft_order else None)


def draft_facts(found: shapes.DraftOrder) -> DraftFacts:
    """In the words of the body."""
    address = found.shipping_address
    return DraftFacts(
        id=number(found.id),
        name=found.name,
        status=words(found.status),
        total=amount(found.total_price_set.shop_money) if found.total_price_set else None,
        discounts=amount(found.total_discounts_set.shop_money) if found.total_discounts_set else None,
        created=found.created_at,
        updated=found.updated_at,
        invoice_sent=found.invoice_sent_at,
        completed=found.completed_at,
        order_id=number(found.order.id) if found.order else None,
        tags=found.tags,
        address=Address(address.country_code_v2, address.province_code) if address else None,
        absent=_NOT_IN_CORE,
    )
