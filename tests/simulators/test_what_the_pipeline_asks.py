"""The pipeline's own client finds in the simulated shop all that it looks up on the day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.simulators.shopify.orders import Order
from pipeline.simulators.shopify.people import AbandonedCheckout
from schemas.configuration import SyncTopic
from schemas.facts.operations import LocationFacts, ShopFacts, Subscribed, SubscriptionsFacts, SyncFacts
from schemas.facts.orders import OrderFacts
from schemas.facts.payments import CheckoutFacts
from schemas.facts.returns import DisputeFacts, RefundFacts, ReturnFacts
from schemas.facts.stock import Item
from stages.shopify.answers import Found, Refused
from stages.shopify.client import Shopify
from stages.shopify.lookup import Disposed, Lookup, OpenHolds, Place, Verdict, What
from stages.shopify.lookups import look_up
from stages.shopify.operations import Access
from tests.simulators.shops import END, SHOP, TOKEN, Served, served

KINDS = {
    What.FULFILLMENT_ORDER: "FulfillmentOrder",
    What.VARIANT: "ProductVariant",
    What.PAYMENT_TERMS: "PaymentTerms",
    What.PAYMENT_SCHEDULE: "PaymentSchedule",
    What.RETURN: "Return",
    What.REVERSE_FULFILLMENT_ORDER: "ReverseFulfillmentOrder",
    What.DISPUTE: "ShopifyPaymentsDispute",
    What.REFUND: "Refund",
    What.REFUND_STATE: "Refund",
    What.CUSTOMER: "Customer",
    What.BOUGHT: "Customer",
    What.HOLDS_BESIDE: "FulfillmentOrder",
    What.ORDER_BESIDE: "FulfillmentOrder",
    What.ROUTING_BESIDE: "FulfillmentOrder",
    What.ITEM: "InventoryItem",
    What.ITEM_OF_VARIANT: "ProductVariant",
    What.PRODUCT: "Product",
    What.ABANDONMENT: "AbandonedCheckout",
    What.RETURN_STATE: "Return",
    What.DISPOSED: "ReverseFulfillmentOrder",
    What.LOCATION: "Location",
    What.DRAFT: "DraftOrder",
    What.DRAFT_COMPANY: "DraftOrder",
}


def client(shopify: Served, token: str = TOKEN) -> Shopify:
    return Shopify(shopify.session, {SHOP: Access(shopify.graphql, token)}, lambda: END)


@pytest.mark.parametrize("what", [what for what in What if what not in (What.CHECKOUT, What.NEWER)])
async def test_every_lookup_finds_something(what: What) -> None:
    async with served() as shopify:
        asking = client(shopify)
        identity = shopify.first(KINDS.get(what, "Order")).rpartition("/")[2]

        reply = await look_up(asking, Lookup(SHOP, what, identity))
        await asking.close()

    assert isinstance(reply, Found)
    match what, reply.value:
        case ((What.VARIANT | What.ITEM | What.ITEM_OF_VARIANT), value):
            assert isinstance(value, Item | Place)
        case ((What.ORDER | What.PAYMENT), value):
            assert isinstance(value, OrderFacts)
        case What.ADDRESS, value:
            assert isinstance(value, Verdict)
        case ((What.HOLDS | What.HOLDS_BESIDE), value):
            assert isinstance(value, OpenHolds)
        case What.RETURN_STATE, value:
            assert isinstance(value, ReturnFacts)
            assert (value.received, value.refunded) == (1, 1)
        case What.ABANDONMENT, value:
            assert isinstance(value, CheckoutFacts)


async def test_a_shop_says_its_primary_domain_and_a_location_whether_it_stocks_anything() -> None:
    async with served() as shopify:
        asking = client(shopify)
        place = shopify.first("Location").rpartition("/")[2]

        shop = await look_up(asking, Lookup(SHOP, What.SHOP, ""))
        location = await look_up(asking, Lookup(SHOP, What.LOCATION, place))
        await asking.close()

    assert isinstance(shop, Found)
    assert isinstance(shop.value, ShopFacts)
    assert (shop.value.primary, shop.value.tls) == ("demo.example.com", True)
    assert isinstance(location, Found)
    assert isinstance(location.value, LocationFacts)
    assert (location.value.active, location.value.has_stock) == (True, True)


async def test_what_came_back_what_was_refunded_and_how_a_dispute_stands_is_read_as_shopify_says_it() -> None:
    async with served() as shopify:
        asking = client(shopify)
        replies = [
            await look_up(asking, Lookup(SHOP, what, shopify.first(KINDS[what]).rpartition("/")[2]))
            for what in (What.DISPOSED, What.REFUND_STATE, What.DISPUTE)
        ]
        await asking.close()

    came, refund, dispute = (reply.value for reply in replies if isinstance(reply, Found))
    assert isinstance(came, Disposed)
    assert [(each.kind, each.quantity) for each in came.dispositions] == [("restocked", 1)]
    assert isinstance(refund, RefundFacts)
    assert (refund.quantity, len(refund.lines), len(refund.transactions)) == (1, 1, 1)
    assert refund.processed is not None
    assert isinstance(dispute, DisputeFacts)
    assert (dispute.kind, dispute.status, dispute.network_code) == ("chargeback", "under_review", "4837")
    assert dispute.evidence_due is not None


async def test_a_return_is_found_by_way_of_its_reverse_fulfillment_order() -> None:
    async with served() as shopify:
        asking = client(shopify)
        reverse = shopify.first("ReverseFulfillmentOrder").rpartition("/")[2]
        back = shopify.first("Return").rpartition("/")[2]

        reply = await look_up(asking, Lookup(SHOP, What.REVERSE_FULFILLMENT_ORDER, reverse))
        await asking.close()

    assert isinstance(reply, Found)
    assert isinstance(reply.value, Place)
    assert (reply.value.return_id, reply.value.return_name) == (int(back), "#0993-R1")


async def test_shopify_says_of_every_checkout_that_was_left_that_its_customer_came_back() -> None:
    async with served() as shopify:
        asking = client(shopify)
        left = [each for each in shopify.store.now().values() if isinstance(each, AbandonedCheckout)]
        replies = [await look_up(asking, Lookup(SHOP, What.ABANDONMENT, each.id.rpartition("/")[2])) for each in left]
        await asking.close()

    facts = [reply.value for reply in replies if isinstance(reply, Found) and isinstance(reply.value, CheckoutFacts)]
    assert [(each.no_order_since, each.completed is not None) for each in facts] == [(False, True)] * 3


async def test_an_order_is_found_by_its_checkout() -> None:
    async with served() as shopify:
        asking = client(shopify)
        token = next(
            each.checkout_token
            for each in shopify.store.now().values()
            if isinstance(each, Order) and each.checkout_token
        )

        bought = await look_up(asking, Lookup(SHOP, What.CHECKOUT, str(token)))
        left = await look_up(asking, Lookup(SHOP, What.CHECKOUT, "nobody"))
        await asking.close()

    placed = [
        reply.value.order_placed
        for reply in (bought, left)
        if isinstance(reply, Found) and isinstance(reply.value, CheckoutFacts)
    ]
    assert placed == [True, False]


@pytest.mark.parametrize("topic", [topic for topic in SyncTopic if topic is not SyncTopic.FULFILLMENTS_CREATE])
async def test_shopify_says_what_is_newer_than_a_topic_has_told(topic: SyncTopic) -> None:
    async with served() as shopify:
        asking = client(shopify)
        early, late = END - timedelta(hours=23), END + timedelta(hours=23)
        replies = [
            await look_up(asking, Lookup(SHOP, What.NEWER, f"{topic} {since.isoformat()}", END))
            for since in (early, late)
        ]
        await asking.close()

    facts = [reply.value for reply in replies if isinstance(reply, Found) and isinstance(reply.value, SyncFacts)]
    assert [each.since for each in facts] == [early, late]
    assert facts[0].newer
    assert facts[0].newest is not None
    assert early < facts[0].newest <= END
    assert (facts[1].newer, facts[1].newest, facts[1].more) == (0, None, False)


async def test_the_subscriptions_of_a_shop_are_called_by_their_topics() -> None:
    async with served() as shopify:
        asking = client(shopify)
        reply = await look_up(asking, Lookup(SHOP, What.SUBSCRIPTIONS, ""))
        await asking.close()

    there = (Subscribed("orders/create", "https://demo.example.com/webhooks"),)
    assert reply == Found(SubscriptionsFacts(subscriptions=there))


async def test_a_wrong_token_is_a_refusal() -> None:
    async with served() as shopify:
        asking = client(shopify, "wrong")

        reply = await look_up(asking, Lookup(SHOP, What.ORDER, "1"))
        await asking.close()

    assert isinstance(reply, Refused)
