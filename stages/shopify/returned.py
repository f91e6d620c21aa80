"""How a return stands: what was received, what was refunded, what is owed; what came back of it, by its own ids; and
what money a refund has moved, in the currency that it moved in.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.facts.returns import Disposition, RefundFacts, RefundLine, RefundTransaction, ReturnFacts, ReturnLine
from stages.bodies.fields import integer
from stages.shopify import shapes
from stages.shopify.client import Shopify
from stages.shopify.lookup import Disposed, Lookup, Reply, amount, gid, in_currency, number, origin, told, words
from stages.shopify.places import REFUND, RETURN, REVERSE_FULFILLMENT_ORDER


async def return_state(shopify: Shopify, lookup: Lookup) -> Reply:
    def state(data: shapes.Return) -> ReturnFacts | None:
        return None if data.return_ is None else return_facts(data.return_)

    asked = {"id": gid("Return", lookup.identity)}
    return told(await shopify.query(lookup.shop, RETURN, asked, lookup.since), state)


def return_facts(found: shapes.ReturnNode) -> ReturnFacts:
    lines = found.return_line_items.nodes
    reasons = (words(line.return_reason_definition.handle) for line in lines if line.return_reason_definition)
    reverses = found.reverse_fulfillment_orders.nodes
    return ReturnFacts(
        id=number(found.id),
        order_id=number(found.order.id) if found.order else None,
        order_name=found.order.name if found.order else None,
        name=found.name,
        status=words(found.status),
        quantity=found.total_quantity,
        reasons=tuple(dict.fromkeys(reason for reason in reasons if reason)),
        decline_reason=words(found.decline.reason) if found.decline else None,
        exchanges=len(found.exchange_line_items.nodes),
        lines=tuple(map(_line, lines)),
        created=found.created_at,
        approved=found.request_approved_at,
        closed=found.closed_at,
        dispositions=tuple(each for one in reverses for each in _disposed(one.id, one.line_items)),
        outstanding=in_currency(found.order.total_outstanding_set, None) if found.order else None,
        origin=origin(found.order),
    )


def _line(found: shapes.ReturnLine) -> ReturnLine:
    worth = found.with_code_discounted_total_price_set
    return ReturnLine(
        quantity=found.quantity,
        line=_order_line(found.fulfillment_line_item),
        id=integer(found.id),
        processed=found.processed_quantity,
        refunded=found.refunded_quantity,
        refundable=found.refundable_quantity,
        worth=amount(worth.shop_money) if worth else None,
    )


async def disposed(shopify: Shopify, lookup: Lookup) -> Reply:
    """All that has come back of a reverse fulfillment order until now."""

    def found(data: shapes.ReverseFulfillmentOrder) -> Disposed | None:
        one = data.reverse_fulfillment_order
        return None if one is None else Disposed(tuple(_disposed(one.id, one.line_items)), origin(one.order))

    asked = {"id": gid("ReverseFulfillmentOrder", lookup.identity)}
    return told(await shopify.query(lookup.shop, REVERSE_FULFILLMENT_ORDER, asked, lookup.since), found)


def _disposed(reverse: str, lines: shapes.ReverseLines) -> Iterator[Disposition]:
    for part in lines.nodes:
        for each in part.dispositions:
            yield Disposition(
                kind=each.type.lower(),
                quantity=each.quantity,
                part=integer(part.id),
                id=integer(each.id),
                reverse=integer(reverse),
                line=_order_line(part.fulfillment_line_item),
                at=each.created_at,
            )


async def refund_state(shopify: Shopify, lookup: Lookup) -> Reply:
    def state(data: shapes.Refund) -> RefundFacts | None:
        return None if data.refund is None else refund_facts(data.refund)

    asked = {"id": gid("Refund", lookup.identity)}
    return told(await shopify.query(lookup.shop, REFUND, asked, lookup.since), state)


def refund_facts(found: shapes.RefundNode) -> RefundFacts:
    lines = found.refund_line_items.nodes
    return RefundFacts(
        id=number(found.id),
        order_id=number(found.order.id) if found.order else None,
        order_name=found.order.name if found.order else None,
        return_id=number(found.return_.id) if found.return_ else None,
        return_name=found.return_.name if found.return_ else None,
        created=found.created_at,
        processed=found.processed_at,
        quantity=sum(line.quantity for line in lines),
        lines=tuple(RefundLine(line.quantity, _order_line(line)) for line in lines),
        transactions=tuple(_moved(one) for one in found.transactions.nodes if not one.test),
        origin=origin(found.order),
    )


def _moved(found: shapes.RefundTransaction) -> RefundTransaction:
    return RefundTransaction(
        id=number(found.id),
        kind=found.kind.lower(),
        status=found.status.lower(),
        amount=amount(found.amount_set.presentment_money) if found.amount_set else None,
        gateway=found.gateway,
        error_code=words(found.error_code),
        processed=found.processed_at,
    )


def _order_line(found: shapes.FulfilledLine | shapes.RefundLine | None) -> int | None:
    return integer(found.line_item.id) if found and found.line_item else None
