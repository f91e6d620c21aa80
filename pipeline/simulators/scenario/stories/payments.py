"""Use case 4: cards that are declined, checkouts that are left, and those who come back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import cast

from msgspec import structs

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.sales import Sale, altered, ordered, placed
from pipeline.simulators.scenario.shelf import CHAIR, LAMP, REGULAR, SHIRT, Goods
from pipeline.simulators.scenario.telling import Telling
from pipeline.simulators.shopify.graph import Link, gid, link, money
from pipeline.simulators.shopify.orders import OrderTransaction
from pipeline.simulators.shopify.people import AbandonedCheckout, Abandonment

_PAID = ("orders/paid",)


def tell(told: Telling) -> None:
    told.use_case = 4
    _declined(told)
    _card_testing(told)
    _left_and_back(told)
    _left_after_failure(told)
    _bought_at_once(told)
    _nobody_known(told)


def _declined(told: Telling) -> None:
    sale = _unpaid(told, 348, "#1020", CHAIR)
    _tried(told, 350, sale, "payment-declined to fraud review: the gateway suspects fraud", error="fraud_suspected")
    _tried(told, 394, sale, "payment-recovered: another card was taken")
    altered(told, 394.2, replace(sale, financial="paid"), _PAID, "it is paid")
    sale = _unpaid(told, 458, "#1021", SHIRT)
    _tried(told, 459, sale, "payment-declined to finance, ten minutes from here", error="insufficient_funds")
    _tried(told, 503, sale, "payment-recovered")
    altered(told, 503.2, replace(sale, financial="paid"), _PAID, "it is paid")


def _card_testing(told: Telling) -> None:
    sale = _unpaid(told, 598, "#1022", LAMP)
    _tried(told, 600, sale, "payment-declined to finance, ten minutes from here", error="incorrect_cvc")
    _tried(told, 604, sale, "nothing yet: the same alert", error="card_declined")
    _tried(told, 608, sale, "payment-velocity fires: three in a quarter of an hour", error="do_not_honor")
    _tried(told, 640, sale, "payment-recovered")
    altered(told, 640.2, replace(sale, financial="paid"), _PAID, "it is paid")


def _left_and_back(told: Telling) -> None:
    token = _token(told)
    _left(told, 480, token, LAMP, "nothing yet: somebody is at the till", first=True)
    _left(told, 484, token, LAMP, "checkout-abandoned fires, 60 minutes from here")
    why = "checkout-abandoned ends: the order came after all (payment-recovered)"
    _bought(told, 762, token, placed(told, 762, "#1023", LAMP), why)


def _left_after_failure(told: Telling) -> None:
    token = _token(told)
    _left(told, 555, token, CHAIR, "nothing yet")
    told.payment_failed(558, token, "card_declined", "checkout-abandoned will say: after a payment failure")
    _left(told, 560, token, CHAIR, "checkout-abandoned fires, 60 minutes from here, to finance too")
    _bought(told, 1130, token, placed(told, 1130, "#1024", CHAIR), "checkout-abandoned ends (payment-recovered)")


def _bought_at_once(told: Telling) -> None:
    token = _token(told)
    _left(told, 500, token, SHIRT, "nothing: the order follows")
    _bought(told, 515, token, placed(told, 515, "#1025", SHIRT), "nothing: the checkout is an order")


def _nobody_known(told: Telling) -> None:
    """As a real early checkout is: no mail address, no customer, an empty list for the shipping address."""
    body = sample("checkouts/update", "checkouts_update__1") | {
        "token": _token(told),
        "created_at": told.stamp(520),
        "updated_at": told.stamp(522),
        "completed_at": None,
        "closed_at": None,
        "email": None,
        "phone": None,
        "currency": "USD",
        "total_price": "49.90",
        "line_items": [],
    }
    told.webhook(522, "checkouts/update", body, "nothing, ever: nobody could be written to")


def _unpaid(told: Telling, minute: float, name: str, goods: Goods) -> Sale:
    return ordered(told, minute, replace(placed(told, minute, name, goods), financial="pending"), "not paid yet")


def _token(told: Telling) -> str:
    return f"{told.chance.getrandbits(128):032x}"


def _tried(told: Telling, minute: float, sale: Sale, why: str, error: str | None = None) -> None:
    """A card at the till: an authorization that succeeds, or fails with Shopify's word for why."""
    number = told.number()
    status = "success" if error is None else "failure"
    attempt = OrderTransaction(
        id=gid("OrderTransaction", number),
        order=link("Order", sale.number),
        kind="SALE",
        status=status.upper(),
        error_code=None if error is None else error.upper(),
        processed_at=told.moment(minute),
        amount_set=money(sale.total),
    )
    told.change(minute, attempt)
    total = {"amount": str(sale.total if error else Decimal("0.00")), "currency": "USD"}
    body = sample("order_transactions/create") | {
        "id": number,
        "admin_graphql_api_id": gid("OrderTransaction", number),
        "order_id": sale.number,
        "kind": "sale",
        "status": status,
        "error_code": error,
        "gateway": "shopify_payments",
        "message": "Transaction approved" if error is None else "Your card was declined.",
        "created_at": told.stamp(minute),
        "processed_at": told.stamp(minute),
        "amount": str(sale.total),
        "manual_payment_gateway": False,
        "payment_id": f"{sale.name}.{number % 100}",
        "total_unsettled_set": {"presentment_money": total, "shop_money": total},
    }
    told.webhook(minute, "order_transactions/create", body, why)


def _left(told: Telling, minute: float, token: str, goods: Goods, why: str, *, first: bool = False) -> None:
    """A checkout with an address to write to, as it stands; Shopify counts it as abandoned some minutes later."""
    number = int(token[:12], 16)
    topic = "checkouts/create" if first else "checkouts/update"
    body = sample("checkouts/create") | {
        "token": token,
        "cart_token": token[::-1],
        "name": f"#{number}",
        "created_at": told.stamp(minute),
        "updated_at": told.stamp(minute),
        "email": "customer@example.com",
        "buyer_accepts_marketing": True,
        "currency": "USD",
        "total_price": str(goods.price),
        "abandoned_checkout_url": f"https://shop.example.com/checkouts/{token}/recover?key=0",
    }
    cast("Json", body["customer"]).update(id=REGULAR, admin_graphql_api_id=gid("Customer", REGULAR))
    told.webhook(minute, topic, body, why)
    told.change(minute + 10, *_abandoned(told, minute, token, goods))


def _bought(told: Telling, minute: float, token: str, sale: Sale, why: str) -> None:
    """The checkout becomes an order: it is completed, and its customer has ordered since."""
    left, view = _abandoned(told, minute, token, sale.goods)
    told.change(
        minute,
        structs.replace(left, completed_at=told.moment(minute)),
        structs.replace(view, customer_has_no_order_since_abandonment=False),
    )
    ordered(told, minute, replace(sale, checkout_token=token), why)


def _abandoned(told: Telling, minute: float, token: str, goods: Goods) -> tuple[AbandonedCheckout, Abandonment]:
    number = int(token[:12], 16)
    left = AbandonedCheckout(
        id=gid("AbandonedCheckout", number),
        name=f"#{number}",
        updated_at=told.moment(minute),
        total_price_set=money(goods.price),
        customer=link("Customer", REGULAR),
    )
    return left, Abandonment(id=gid("Abandonment", number), checkout=Link(left.id))
