"""How a return stands: what was received, what was refunded, what is owed; and what came back of it, by its own ids."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.facts import Disposition, ReturnFacts, ReturnLine
from stages.bodies.fields import integer
from stages.shopify import shapes
from stages.shopify.client import Shopify
from stages.shopify.lookup import Disposed, Lookup, Reply, amount, gid, in_currency, number, told, words
from stages.shopify.places import RETURN, REVERSE_FULFILLMENT_ORDER


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
        name=found.name,
        status=words(found.status),
        quantity=found.total_quantity,
        reasons=tuple(dict.fromkeys(reason for reason in reasons if reason)),
        decline_reason=words(found.decline.reason) if found.decline else None,
        exchanges=len(found.exchange_line_items.nodes),
        lines=tuple(map(_line, lines)),
        approved=found.request_approved_at,
        closed=found.closed_at,
        dispositions=tuple(each for one in reverses for each in _disposed(one.id, one.line_items)),
        outstanding=in_currency(found.order.total_outstanding_set, None) if found.order else None,
    )


def _line(found: shapes.ReturnLine) -> ReturnLine:
    worth = found.with_code_discounted_total_price_set
    return ReturnLine(
        quantity=found.quantity,
        line=_order_line(found.fulfillment_line_item),
        processed=found.processed_quantity,
        refunded=found.refunded_quantity,
        refundable=found.refundable_quantity,
        worth=amount(worth.shop_money) if worth else None,
    )


async def disposed(shopify: Shopify, lookup: Lookup) -> Reply:
    """All that has come back of a reverse fulfillment order until now."""

    def found(data: shapes.ReverseFulfillmentOrder) -> Disposed | None:
        one = data.reverse_fulfillment_order
        return None if one is None else Disposed(tuple(_disposed(one.id, one.line_items)))

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


def _order_line(found: shapes.FulfilledLine | None) -> int | None:
    return integer(found.line_item.id) if found and found.line_item else None
