"""What `enrich` may ask Shopify about, in one table: a new lookup is a function, its document, and a line here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from stages.shopify import (
    checkouts,
    companies,
    customers,
    disputed,
    drafts,
    newer,
    orders,
    places,
    products,
    returned,
    shipping,
    stock,
    storefront,
    subscriptions,
)
from stages.shopify.answers import Denied
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Reply, What

LOOKUPS: dict[What, Callable[[Shopify, Lookup], Awaitable[Reply]]] = {
    What.FULFILLMENT_ORDER: places.fulfillment_order,
    What.VARIANT: places.variant,
    What.PAYMENT_TERMS: places.payment_terms,
    What.PAYMENT_SCHEDULE: places.payment_schedule,
    What.RETURN: places.return_,
    What.REVERSE_FULFILLMENT_ORDER: places.reverse_fulfillment_order,
    What.REFUND: places.refund,
    What.CUSTOMER: customers.customer,
    What.BOUGHT: customers.bought,
    What.CUSTOMER_OF: customers.customer_of,
    What.ADDRESS: orders.address,
    What.ORDER: orders.order,
    What.PROTECT: orders.protect,
    What.PAYMENT: orders.payment,
    What.TERMS: orders.terms,
    What.HOLDS: orders.holds,
    What.HOLDS_BESIDE: orders.holds_beside,
    What.ORDER_BESIDE: orders.order_beside,
    What.ROUTING: shipping.routing,
    What.ROUTING_BESIDE: shipping.routing_beside,
    What.PARCELS: shipping.parcels,
    What.ITEM: stock.item,
    What.ITEM_OF_VARIANT: stock.item_of_variant,
    What.PRODUCT: stock.product,
    What.CHECKOUT: checkouts.checkout,
    What.ABANDONMENT: checkouts.abandonment,
    What.RETURN_STATE: returned.return_state,
    What.DISPOSED: returned.disposed,
    What.REFUND_STATE: returned.refund_state,
    What.DISPUTE: disputed.dispute_state,
    What.SHOP: storefront.shop,
    What.LOCATION: storefront.location,
    What.NEWER: newer.newer,
    What.SUBSCRIPTIONS: subscriptions.subscriptions,
    What.DRAFT: drafts.draft,
    What.DRAFT_COMPANY: companies.of_draft,
    What.ORDER_COMPANY: companies.of_order,
    What.PRODUCT_TAGS: products.product_tags,
    What.ORDER_PRODUCTS: products.of_order,
    What.ORDER_LINES: products.lines,
    What.ORDER_ITEMS: products.items,
}

#: Every document, to be held against Shopify's schema.
OPERATIONS = (
    orders.ORDER_CORE,
    orders.ORDER_ADDRESS,
    orders.ORDER_PROTECT,
    orders.ORDER_PAYMENTS,
    orders.ORDER_TERMS,
    orders.ORDER_HOLDS,
    customers.CUSTOMER,
    customers.CUSTOMER_SEGMENTS,
    customers.CUSTOMER_ORDERS,
    customers.ORDER_CUSTOMER,
    places.FULFILLMENT_ORDERS,
    places.PAYMENT_SCHEDULE,
    places.PAYMENT_TERMS,
    places.REVERSE_FULFILLMENT_ORDER,
    places.RETURN,
    places.REFUND,
    disputed.DISPUTE,
    shipping.ORDER_ROUTING,
    shipping.ORDER_PARCELS,
    stock.INVENTORY_ITEMS,
    stock.INVENTORY_LEVELS,
    stock.PRODUCT,
    places.VARIANT_ITEMS,
    checkouts.ABANDONED_CHECKOUT,
    checkouts.ORDER_BY_CHECKOUT,
    storefront.PRIMARY_DOMAIN,
    storefront.LOCATION,
    newer.ORDERS_SINCE,
    newer.FULFILLMENTS_SINCE,
    newer.INVENTORY_SINCE,
    subscriptions.SUBSCRIPTIONS,
    drafts.DRAFT_ORDER,
    companies.DRAFT_COMPANY,
    companies.ORDER_COMPANY,
    products.PRODUCT_TAGS,
    products.ORDER_PRODUCTS,
    products.ORDER_LINES,
    products.ORDER_ITEMS,
)


async def look_up(shopify: Shopify, lookup: Lookup) -> Reply:
    if not shopify.has_access(lookup.shop):
        return Denied("no Admin access is configured for this shop")
    return await LOOKUPS[lookup.what](shopify, lookup)
