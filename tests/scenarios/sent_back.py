"""A story's one return of one unit, its refund and its dispute: as bodies of webhooks and as Shopify knows them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec import structs

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.graph import Link, MoneyV2, Page, gid, link, money
from pipeline.simulators.shopify.returns import (
    Return,
    ReturnLineItem,
    ReverseFulfillmentOrder,
    ReverseFulfillmentOrderDisposition,
    ReverseFulfillmentOrderLineItem,
    ShopifyPaymentsDispute,
    ShopifyPaymentsDisputeReasonDetails,
    fulfilled,
)
from tests.scenarios.purchases import BACK, LINE, MONEY, body_of, stamp
from tests.scenarios.steps import Plot

#: Of a return's numbers: its line, its reverse fulfillment order, the parcel, the line of what came back, its refund.
_LINE, _REVERSE, _PARCEL, _PART, REFUND = 1, 2, 3, 4, 9


def requested(plot: Plot, at: datetime) -> Return:
    line = ReturnLineItem(
        id=gid("ReturnLineItem", plot.number(BACK + _LINE)),
        fulfillment_line_item=fulfilled(plot.number(LINE)),
        quantity=1,
        refundable_quantity=1,
        with_code_discounted_total_price_set=money(Decimal("120.00")),
    )
    return Return(
        id=gid("Return", plot.number(BACK)),
        name=_name(plot),
        order=link("Order", plot.number()),
        status="REQUESTED",
        created_at=at,
        total_quantity=1,
        return_line_items=Page((line,)),
    )


def counted(back: Return, **counts: int) -> Return:
    """`processed_quantity`, `refunded_quantity`."""
    (line,) = back.return_line_items.nodes
    return structs.replace(back, return_line_items=Page((structs.replace(line, **counts),)))


def awaited(plot: Plot) -> ReverseFulfillmentOrder:
    return ReverseFulfillmentOrder(
        id=gid("ReverseFulfillmentOrder", plot.number(BACK + _REVERSE)),
        order=link("Order", plot.number()),
        return_=Link(gid("Return", plot.number(BACK))),
    )


def arrived(plot: Plot, at: datetime) -> ReverseFulfillmentOrder:
    number = plot.number(BACK + _PART)
    disposition = ReverseFulfillmentOrderDisposition(
        id=gid("ReverseFulfillmentOrderDisposition", number), type="RESTOCKED", quantity=1, created_at=at
    )
    line = ReverseFulfillmentOrderLineItem(
        id=gid("ReverseFulfillmentOrderLineItem", number), total_quantity=1, dispositions=(disposition,)
    )
    return structs.replace(awaited(plot), line_items=Page((line,)))


def disputed(plot: Plot, at: datetime, due: datetime) -> ShopifyPaymentsDispute:
    return ShopifyPaymentsDispute(
        id=gid("ShopifyPaymentsDispute", plot.number(BACK)),
        order=link("Order", plot.number()),
        type="CHARGEBACK",
        status="NEEDS_RESPONSE",
        initiated_at=at,
        evidence_due_by=due,
        amount=MoneyV2(amount=Decimal("11.50"), currency_code="CAD"),
        reason_details=ShopifyPaymentsDisputeReasonDetails(reason="FRAUDULENT", network_reason_code="4837"),
    )


# --- bodies -----------------------------------------------------------------------------------------------------------


def return_body(plot: Plot, status: str) -> Json:
    number = plot.number(BACK)
    topic = "returns/decline" if status == "declined" else "returns/approve"
    line = {"id": number + _LINE, "quantity": 1, "return_reason": "defective", "customer_note": "Zyxomark"}
    return body_of(topic) | {
        "id": number,
        "admin_graphql_api_id": gid("Return", number),
        "name": _name(plot),
        "status": status,
        "order": {"id": plot.number(), "admin_graphql_api_id": gid("Order", plot.number())},
        "return_line_items": [line],
        "total_return_line_items": 1,
        "exchange_line_items": [],
        "total_exchange_line_items": 0,
    }


def closing_body(plot: Plot) -> Json:
    number = plot.number(BACK)
    own = {"id": number, "admin_graphql_api_id": gid("Return", number), "order_id": plot.number()}
    return body_of("returns/close") | own


def label_body(plot: Plot) -> Json:
    number = plot.number(BACK)
    own = {"id": number + _PARCEL, "return": {"id": number, "admin_graphql_api_id": gid("Return", number)}}
    return body_of("reverse_deliveries/attach_deliverable") | own


def disposition_body(plot: Plot) -> Json:
    part = {"reverse_fulfillment_order_line_item": {"id": plot.number(BACK + _PART)}}
    return body_of("reverse_fulfillment_orders/dispose") | {
        "id": plot.number(BACK + _REVERSE),
        "admin_graphql_api_id": gid("ReverseFulfillmentOrder", plot.number(BACK + _REVERSE)),
        "dispositions": [part | {"type": "restocked", "quantity": 1}],
        "total_dispositions": 1,
    }


def refund_body(plot: Plot, at: datetime, status: str, *, of_return: bool) -> Json:
    number = plot.number(BACK)
    transaction = {"id": plot.number(MONEY), "kind": "refund", "status": status, "amount": "120.00", "currency": "USD"}
    return {
        **body_of("refunds/create"),
        "id": number + REFUND,
        "order_id": plot.number(),
        "created_at": stamp(at),
        "processed_at": stamp(at),
        "return": {"id": number, "admin_graphql_api_id": gid("Return", number)} if of_return else None,
        "refund_line_items": [{"id": number + 8, "quantity": 1, "line_item_id": plot.number(LINE)}],
        "transactions": [transaction],
    }


def dispute_body(plot: Plot, at: datetime, due: datetime, sent: datetime | None = None) -> Json:
    return body_of("disputes/create") | {
        "id": plot.number(BACK),
        "order_id": plot.number(),
        "status": "under_review" if sent else "needs_response",
        "evidence_due_by": stamp(due),
        "evidence_sent_on": stamp(sent) if sent else None,
        "initiated_at": stamp(at),
    }


def _name(plot: Plot) -> str:
    return f"#{plot.number() % 1_000_000}-R1"
