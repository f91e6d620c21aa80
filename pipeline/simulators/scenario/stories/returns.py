"""Use case 6: one return from its request to its refund, one refund that fails, one dispute."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import cast

from msgspec import structs

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.sales import Sale, altered, known, placed
from pipeline.simulators.scenario.shelf import CHAIR, LAMP, SHIRT
from pipeline.simulators.scenario.telling import Telling
from pipeline.simulators.shopify.graph import Link, MoneyV2, Page, gid, link, money
from pipeline.simulators.shopify.orders import OrderTransaction
from pipeline.simulators.shopify.returns import (
    Refund,
    RefundLineItem,
    Return,
    ReturnLineItem,
    ReturnReasonDefinition,
    ReverseDelivery,
    ReverseDeliveryShippingDeliverable,
    ReverseDeliveryTrackingV2,
    ReverseFulfillmentOrder,
    ReverseFulfillmentOrderDisposition,
    ReverseFulfillmentOrderLineItem,
    ShopifyPaymentsDispute,
    ShopifyPaymentsDisputeReasonDetails,
    fulfilled,
)


def tell(told: Telling) -> None:
    told.use_case = 6
    _return(told)
    _refund_that_fails(told)
    _dispute(told)


def _return(told: Telling) -> None:
    sale = known(told, replace(placed(told, -1400, "#0993", CHAIR), quantity=2, fulfillment="fulfilled"))
    back = _asked(told, sale)
    reverse = told.number()
    shipped_back = ReverseFulfillmentOrder(
        id=gid("ReverseFulfillmentOrder", reverse), order=link("Order", sale.number), return_=Link(back.id)
    )
    told.change(104, back)
    told.webhook(104, "returns/request", _returned(sale, back), "return-initiated")
    back = structs.replace(back, status="OPEN", request_approved_at=told.moment(166))
    told.change(166, back, shipped_back)
    told.webhook(166, "returns/approve", _returned(sale, back), "return-approved")
    _labelled(told, 206, back, shipped_back)
    back = _arrived(told, 646, back, shipped_back)
    back = _paid_back(told, 724, sale, back)
    told.change(732, structs.replace(back, status="CLOSED", closed_at=told.moment(732)))
    closed = sample("returns/close") | {
        "id": _number(back.id),
        "admin_graphql_api_id": back.id,
        "order_id": sale.number,
    }
    told.webhook(732, "returns/close", closed, "return-closed")


def _asked(told: Telling, sale: Sale) -> Return:
    number = told.number()
    line = ReturnLineItem(
        id=gid("ReturnLineItem", number + 1),
        fulfillment_line_item=fulfilled(sale.number + 2),
        quantity=1,
        unprocessed_quantity=1,
        refundable_quantity=1,
        return_reason_definition=ReturnReasonDefinition(id=gid("ReturnReasonDefinition", 1), handle="defective"),
        with_code_discounted_total_price_set=money(sale.goods.price),
    )
    return Return(
        id=gid("Return", number),
        name=f"{sale.name}-R1",
        order=link("Order", sale.number),
        status="REQUESTED",
        created_at=told.moment(104),
        total_quantity=1,
        return_line_items=Page((line,)),
    )


def _returned(sale: Sale, back: Return) -> Json:
    (line,) = back.return_line_items.nodes
    return sample("returns/approve") | {
        "id": _number(back.id),
        "admin_graphql_api_id": back.id,
        "name": back.name,
        "status": back.status.lower(),
        "order": {"id": sale.number, "admin_graphql_api_id": gid("Order", sale.number)},
        "total_return_line_items": 1,
        "return_line_items": [
            {
                "id": _number(line.id),
                "admin_graphql_api_id": line.id,
                "fulfillment_line_item": {"id": sale.number + 3, "line_item": {"id": sale.number + 2}},
                "quantity": line.quantity,
                "return_reason": "defective",
                "return_reason_note": "",
                "customer_note": "One leg is loose.",
                "restocking_fee": None,
            }
        ],
        "return_shipping_fees": [],
        "exchange_line_items": [],
        "total_exchange_line_items": 0,
    }


def _labelled(told: Telling, minute: float, back: Return, reverse: ReverseFulfillmentOrder) -> None:
    number = told.number()
    tracking = ReverseDeliveryTrackingV2(carrier_name="UPS", number=f"1ZR{number}")
    told.change(
        minute,
        ReverseDelivery(
            id=gid("ReverseDelivery", number),
            reverse_fulfillment_order=Link(reverse.id),
            deliverable=ReverseDeliveryShippingDeliverable(tracking=tracking),
        ),
    )
    body = sample("reverse_deliveries/attach_deliverable") | {
        "id": number,
        "admin_graphql_api_id": gid("ReverseDelivery", number),
        "return": {"id": _number(back.id), "admin_graphql_api_id": back.id},
        "shipping_deliverable": {
            "tracking": {"carrier_name": "UPS", "tracking_number": tracking.number, "tracking_url": None},
            "label": {"public_file_url": None, "created_at": told.stamp(minute)},
        },
    }
    told.webhook(minute, "reverse_deliveries/attach_deliverable", body, "return-labelled: tracking attached")


def _arrived(told: Telling, minute: float, back: Return, reverse: ReverseFulfillmentOrder) -> Return:
    number = told.number()
    disposed = ReverseFulfillmentOrderDisposition(
        id=gid("ReverseFulfillmentOrderDisposition", number),
        type="RESTOCKED",
        quantity=1,
        created_at=told.moment(minute),
    )
    line = ReverseFulfillmentOrderLineItem(
        id=gid("ReverseFulfillmentOrderLineItem", number),
        fulfillment_line_item=back.return_line_items.nodes[0].fulfillment_line_item,
        total_quantity=1,
        dispositions=(disposed,),
    )
    back = _counted(back, processed_quantity=1, unprocessed_quantity=0)
    told.change(minute, structs.replace(reverse, status="CLOSED", line_items=Page((line,))), back)
    body = sample("reverse_fulfillment_orders/dispose")
    (first, _) = cast("list[Json]", body["dispositions"])
    own = {"id": number, "admin_graphql_api_id": line.id}
    body |= {
        "id": _number(reverse.id),
        "admin_graphql_api_id": reverse.id,
        "dispositions": [first | {"reverse_fulfillment_order_line_item": own, "quantity": 1}],
        "total_dispositions": 1,
    }
    told.webhook(minute, "reverse_fulfillment_orders/dispose", body, "return-received; the refund is due from here")
    return back


def _paid_back(told: Telling, minute: float, sale: Sale, back: Return) -> Return:
    refund = told.number()
    back = _counted(back, refundable_quantity=0, refunded_quantity=1)
    told.change(minute, back)
    _refunded(told, minute, sale, refund, "success", Link(back.id))
    body = _refund(told, minute, sale, refund, "success", back)
    told.webhook(minute, "refunds/create", body, "return-refunded, and refund-due is met")
    altered(told, minute, replace(sale, financial="partially_refunded"), ["orders/updated"], "nothing more")
    return back


def _counted(back: Return, **quantities: int) -> Return:
    """The return with its one line counted anew."""
    (line,) = back.return_line_items.nodes
    return structs.replace(back, return_line_items=Page((structs.replace(line, **quantities),)))


def _refund_that_fails(told: Telling) -> None:
    sale = known(told, replace(placed(told, -1380, "#0994", LAMP), fulfillment="fulfilled"))
    sale = altered(told, 640, replace(sale, tags=("goodwill",)), ["orders/updated"], "nothing: a tag nobody watches")
    failed, again = told.number(), told.number()
    _refunded(told, 664, sale, failed, "failure", None)
    body = _refund(told, 664, sale, failed, "failure", None)
    told.webhook(664, "refunds/create", body, "refund-failed fires: the money did not move")
    _refunded(told, 826, sale, again, "success", None)
    body = _refund(told, 826, sale, again, "success", None)
    told.webhook(
        826, "refunds/create", body, "refund-failed ends: the second one moved it; return-refunded, of no return"
    )


def _refunded(told: Telling, minute: float, sale: Sale, number: int, status: str, of: Link | None) -> None:
    at, paid = told.moment(minute), money(sale.goods.price if status == "success" else Decimal("0.00"))
    told.change(
        minute,
        Refund(
            id=gid("Refund", number),
            order=link("Order", sale.number),
            return_=of,
            created_at=at,
            processed_at=at,
            refund_line_items=Page((RefundLineItem(line_item=fulfilled(sale.number + 2).line_item, quantity=1),)),
            updated_at=at,
            total_refunded_set=paid,
        ),
        OrderTransaction(
            id=gid("OrderTransaction", number + 1),
            order=link("Order", sale.number),
            refund=link("Refund", number),
            kind="REFUND",
            status=status.upper(),
            processed_at=at,
            amount_set=money(sale.goods.price),
        ),
    )


def _refund(told: Telling, minute: float, sale: Sale, number: int, status: str, back: Return | None) -> Json:
    body = sample("refunds/create")
    line = cast("list[Json]", body["refund_line_items"])[0]
    money_back = cast("list[Json]", body["transactions"])[0]
    price = str(sale.goods.price)
    line |= {"id": number + 2, "line_item_id": sale.number + 2, "quantity": 1, "line_item": sale.line()}
    line |= {"subtotal": float(price), "restock_type": "return" if back else "no_restock"}
    line["subtotal_set"] = {
        key: {"amount": price, "currency_code": "USD"} for key in ("shop_money", "presentment_money")
    }
    money_back |= {
        "id": number + 1,
        "admin_graphql_api_id": gid("OrderTransaction", number + 1),
        "order_id": sale.number,
        "status": status,
        "message": "Refunded" if status == "success" else "The card's account is closed.",
        "gateway": "shopify_payments",
        "created_at": told.stamp(minute),
        "processed_at": told.stamp(minute),
        "amount": price,
        "currency": "USD",
        "payment_id": f"{sale.name}.2",
    }
    return body | {
        "id": number,
        "admin_graphql_api_id": gid("Refund", number),
        "order_id": sale.number,
        "created_at": told.stamp(minute),
        "processed_at": told.stamp(minute),
        "note": None,
        "return": None if back is None else {"id": _number(back.id), "admin_graphql_api_id": back.id},
        "refund_line_items": [line],
        "transactions": [money_back],
    }


def _dispute(told: Telling) -> None:
    sale = known(told, replace(placed(told, -1390, "#0995", SHIRT), fulfillment="fulfilled"))
    number, due = told.number(), 5 * 1440
    opened = ShopifyPaymentsDispute(
        id=gid("ShopifyPaymentsDispute", number),
        order=link("Order", sale.number),
        type="CHARGEBACK",
        status="NEEDS_RESPONSE",
        initiated_at=told.moment(686),
        evidence_due_by=told.moment(due),
        amount=MoneyV2(amount=sale.total),
        reason_details=ShopifyPaymentsDisputeReasonDetails(reason="FRAUDULENT", network_reason_code="4837"),
    )
    body = sample("disputes/create") | {
        "id": number,
        "order_id": sale.number,
        "amount": str(sale.total),
        "currency": "USD",
        "status": "needs_response",
        "evidence_due_by": told.stamp(due),
        "initiated_at": told.stamp(686),
    }
    told.change(686, opened)
    told.webhook(686, "disputes/create", body, "dispute-evidence-due fires: four and a half days are left")
    sent = structs.replace(opened, status="UNDER_REVIEW", evidence_sent_on=told.moment(1104))
    told.change(1104, sent)
    body = body | {"status": "under_review", "evidence_sent_on": told.stamp(1104)}
    told.webhook(1104, "disputes/update", body, "dispute-evidence-due ends: the evidence is sent")


def _number(of: str) -> int:
    return int(of.rpartition("/")[2])
