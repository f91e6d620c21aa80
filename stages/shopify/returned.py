"""How a return stands: what was received, what was refunded, what is owed."""

from __future__ import annotations

from schemas.facts import ReturnFacts
from stages.shopify import shapes
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Reply, gid, in_currency, number, told, words
from stages.shopify.places import RETURN


async def return_state(shopify: Shopify, lookup: Lookup) -> Reply:
    def state(data: shapes.Return) -> ReturnFacts | None:
        found = data.return_
        if found is None:
            return None
        lines = found.return_line_items.nodes
        reasons = (words(line.return_reason_definition.handle) for line in lines if line.return_reason_definition)
        return ReturnFacts(
            id=number(found.id),
            order_id=number(found.order.id) if found.order else None,
            name=found.name,
            status=words(found.status),
            quantity=found.total_quantity,
            reasons=tuple(dict.fromkeys(reason for reason in reasons if reason)),
            decline_reason=words(found.decline.reason) if found.decline else None,
            exchanges=len(found.exchange_line_items.nodes),
            received=sum(line.processed_quantity for line in lines),
            refunded=sum(line.refunded_quantity for line in lines),
            outstanding=in_currency(found.order.total_outstanding_set, None) if found.order else None,
        )

    asked = {"id": gid("Return", lookup.identity)}
    return told(await shopify.query(lookup.shop, RETURN, asked, lookup.since), state)
