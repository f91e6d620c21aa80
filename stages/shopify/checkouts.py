"""What became of a checkout: an order, or an abandoned checkout that Shopify knows."""

from __future__ import annotations

import re

from schemas.facts.payments import CheckoutFacts
from stages.bodies.payments import EMPTY_SAYS
from stages.shopify import shapes
from stages.shopify.answers import Denied
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Reply, amount, gid, number, told
from stages.shopify.operations import Operation

ABANDONED_CHECKOUT = Operation("AbandonedCheckout", shapes.AbandonedCheckout)
ORDER_BY_CHECKOUT = Operation("OrderByCheckout", shapes.OrderByCheckout)


#: A token from a body goes into a search: only what cannot end the term.
_SEARCHABLE = re.compile(r"[A-Za-z0-9_-]{1,128}")


async def checkout(shopify: Shopify, lookup: Lookup) -> Reply:
    """Has an order come of it?"""
    if not _SEARCHABLE.fullmatch(lookup.identity):
        return Denied("a token that cannot be searched for")

    def state(data: shapes.OrderByCheckout) -> CheckoutFacts:
        order = data.orders.nodes[0] if data.orders.nodes else None
        return CheckoutFacts(
            token=lookup.identity,
            order_placed=order is not None,
            order_id=number(order.id) if order else None,
            absent=tuple(EMPTY_SAYS),
        )

    asked = {"query": f"checkout_token:{lookup.identity}"}
    return told(await shopify.query(lookup.shop, ORDER_BY_CHECKOUT, asked, lookup.since), state)


async def abandonment(shopify: Shopify, lookup: Lookup) -> Reply:
    """Shopify's own view of an abandoned checkout, by the number in the body's name; none is an answer too."""

    def state(data: shapes.AbandonedCheckout) -> CheckoutFacts:
        node, view = data.node, data.abandonment_by_abandoned_checkout_id
        return CheckoutFacts(
            token="",
            completed=node.completed_at if node else None,
            total=amount(node.total_price_set.shop_money) if node and node.total_price_set else None,
            has_abandonment=node is not None,
            no_order_since=view.customer_has_no_order_since_abandonment if view else None,
            absent=tuple(name for name in EMPTY_SAYS if name != "completed" or node is None),
        )

    asked = {"id": gid("AbandonedCheckout", lookup.identity)}
    return told(await shopify.query(lookup.shop, ABANDONED_CHECKOUT, asked, lookup.since), state)
