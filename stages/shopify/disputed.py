"""How a dispute stands: is evidence needed, until when, and was it sent?"""

from __future__ import annotations

from schemas.facts.returns import DisputeFacts
from stages.shopify import shapes
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Reply, amount, gid, number, origin, told, words
from stages.shopify.operations import Operation

DISPUTE = Operation("Dispute", shapes.Dispute)


async def dispute_state(shopify: Shopify, lookup: Lookup) -> Reply:
    def state(data: shapes.Dispute) -> DisputeFacts | None:
        return None if data.dispute is None else dispute_facts(data.dispute)

    asked = {"id": gid("ShopifyPaymentsDispute", lookup.identity)}
    return told(await shopify.query(lookup.shop, DISPUTE, asked, lookup.since), state)


def dispute_facts(found: shapes.DisputeNode) -> DisputeFacts:
    reason = found.reason_details
    return DisputeFacts(
        id=number(found.id),
        order_id=number(found.order.id) if found.order else None,
        kind=words(found.type),
        status=words(found.status),
        reason=words(reason.reason) if reason else None,
        network_code=reason.network_reason_code if reason else None,
        amount=amount(found.amount),
        evidence_due=found.evidence_due_by,
        evidence_sent=found.evidence_sent_on,
        finalized=found.finalized_on,
        origin=origin(found.order),
    )
