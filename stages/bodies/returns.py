"""returns/*, reverse_deliveries/*, reverse_fulfillment_orders/* and refunds/*.

Three shapes of return: with its order as an object, flat with `order_id`, and a delta with nothing but its gid.
Notes of customers and staff stay behind. Shopify has no way to delete a return: an Event that says so is nobody's news.
"""

from __future__ import annotations

from msgspec import Raw

from schemas.facts.returns import (
    Disposition,
    DispositionFacts,
    RefundFacts,
    RefundLine,
    RefundTransaction,
    ReturnFacts,
    ReturnLine,
    ReverseDeliveryFacts,
)
from stages.bodies.fields import (
    NULL,
    Body,
    absent,
    count,
    flag,
    many,
    moment,
    money,
    number,
    one,
    required,
    text,
    whole,
    word,
)
from stages.bodies.orders import units
from stages.bodies.parsed import About, Parsed
from stages.bodies.payments import TransactionBody


class _Id(Body):
    id: Raw = NULL
    admin_graphql_api_id: Raw = NULL


def _id_in(raw: Raw) -> int | None:
    found = one(raw, _Id)
    return (number(found.id) or number(found.admin_graphql_api_id)) if found else None


class _Decline(Body):
    reason: Raw = NULL


class _Return(Body):
    id: Raw = NULL
    admin_graphql_api_id: Raw = NULL
    order: Raw = NULL
    order_id: Raw = NULL
    name: Raw = NULL
    status: Raw = NULL
    return_line_items: Raw = NULL
    total_return_line_items: Raw = NULL
    total_exchange_line_items: Raw = NULL
    decline: Raw = NULL


class _ReturnLine(Body):
    quantity: Raw = NULL
    return_reason: Raw = NULL
    fulfillment_line_item: Raw = NULL


class _FulfilledLine(Body):
    line_item: Raw = NULL


class _Delta(Body):
    removals: Raw = NULL


def returned(body: bytes) -> Parsed:
    """`quantity` is the units of the lines; a body that leaves its lines out gives their number, not their units."""
    found = whole(body, _Return)
    return_lines = many(found.return_line_items, _ReturnLine)
    delta = one(found.return_line_items, _Delta)
    decline = one(found.decline, _Decline)
    counted = [how_many for line in return_lines if (how_many := count(line.quantity)) is not None]
    reasons = (word(line.return_reason) for line in return_lines)
    facts = ReturnFacts(
        id=required(number(found.id) or number(found.admin_graphql_api_id), "$.id"),
        order_id=_id_in(found.order) or number(found.order_id),
        name=text(found.name),
        status=word(found.status),
        quantity=sum(counted) if counted else None,
        reasons=tuple(dict.fromkeys(reason for reason in reasons if reason is not None)),
        decline_reason=word(decline.reason) if decline else None,
        exchanges=count(found.total_exchange_line_items) or 0,
        removed=units(delta.removals) if delta else 0,
        line_count=count(found.total_return_line_items),
        lines=tuple(line for entry in return_lines if (line := _line(entry)) is not None),
    )
    about = About("return", facts.id) if facts.order_id is None else About("order", facts.order_id)
    return Parsed(facts, about)


def _line(found: _ReturnLine) -> ReturnLine | None:
    quantity, fulfilled = count(found.quantity), one(found.fulfillment_line_item, _FulfilledLine)
    return None if quantity is None else ReturnLine(quantity, _id_in(fulfilled.line_item) if fulfilled else None)


class _ReverseDelivery(Body, rename={"return_": "return"}):
    id: Raw = NULL
    return_: Raw = NULL
    shipping_deliverable: Raw = NULL


class _Deliverable(Body):
    tracking: Raw = NULL
    label: Raw = NULL


class _Tracking(Body):
    carrier_name: Raw = NULL
    tracking_number: Raw = NULL


class _Label(Body):
    public_file_url: Raw = NULL
    created_at: Raw = NULL


def reverse_delivery(body: bytes) -> Parsed:
    """Whether a label and a tracking number are there; never the label's link."""
    found = whole(body, _ReverseDelivery)
    return_id = required(_id_in(found.return_), "$.return.id")
    deliverable = one(found.shipping_deliverable, _Deliverable) or _Deliverable()
    tracking = one(deliverable.tracking, _Tracking) or _Tracking()
    label = one(deliverable.label, _Label) or _Label()
    facts = ReverseDeliveryFacts(
        id=required(number(found.id), "$.id"),
        return_id=return_id,
        carrier=text(tracking.carrier_name),
        has_tracking=text(tracking.tracking_number) is not None,
        has_label=text(label.public_file_url) is not None or text(label.created_at) is not None,
    )
    return Parsed(facts, About("return", return_id))


class _Disposition(Body):
    type: Raw = NULL
    quantity: Raw = NULL
    reverse_fulfillment_order_line_item: Raw = NULL
    reverse_delivery_line_item: Raw = NULL


class _Disposed(Body):
    id: Raw = NULL
    admin_graphql_api_id: Raw = NULL
    dispositions: Raw = NULL


def disposed(body: bytes) -> Parsed:
    """No disposition has an id in here: which of them are told a second time, only Shopify can tell."""
    found = whole(body, _Disposed)
    facts = DispositionFacts(
        id=required(number(found.id) or number(found.admin_graphql_api_id), "$.id"),
        dispositions=tuple(
            Disposition(
                kind=word(entry.type) or "unknown",
                quantity=count(entry.quantity) or 0,
                part=_id_in(entry.reverse_fulfillment_order_line_item) or _id_in(entry.reverse_delivery_line_item),
            )
            for entry in many(found.dispositions, _Disposition)
        ),
    )
    return Parsed(facts, About("reverse-fulfillment-order", facts.id))


class _RefundLine(Body):
    quantity: Raw = NULL
    line_item_id: Raw = NULL


class _Refund(Body, rename={"return_": "return"}):
    id: Raw = NULL
    order_id: Raw = NULL
    return_: Raw = NULL
    created_at: Raw = NULL
    processed_at: Raw = NULL
    refund_line_items: Raw = NULL
    transactions: Raw = NULL


#: What an empty value says something about: where the key is absent, that is not known.
EMPTY_SAYS = {"return_id": "return_", "transactions": "transactions"}


def refund(body: bytes) -> Parsed:
    """A refund says nothing of the movement of money: its transactions do."""
    found = whole(body, _Refund)
    order_id = required(number(found.order_id), "$.order_id")
    moved = [_refund_transaction(entry) for entry in many(found.transactions, TransactionBody)]
    lines = tuple(
        RefundLine(count(line.quantity) or 0, number(line.line_item_id))
        for line in many(found.refund_line_items, _RefundLine)
    )
    facts = RefundFacts(
        id=required(number(found.id), "$.id"),
        order_id=order_id,
        return_id=_id_in(found.return_),
        created=moment(found.created_at),
        processed=moment(found.processed_at),
        quantity=sum(line.quantity for line in lines),
        lines=lines,
        transactions=tuple(transaction for transaction in moved if transaction is not None),
        absent=absent(found, EMPTY_SAYS),
    )
    return Parsed(facts, About("order", order_id))


def _refund_transaction(found: TransactionBody) -> RefundTransaction | None:
    """Without an id or a status it tells nothing, and as a test nothing that anybody has to act on."""
    identity, status = number(found.id), word(found.status)
    if identity is None or status is None or flag(found.test):
        return None
    return RefundTransaction(
        id=identity,
        kind=word(found.kind) or "unknown",
        status=status,
        amount=money(found.amount, text(found.currency)),
        gateway=text(found.gateway),
        error_code=word(found.error_code),
        message=text(found.message),
        processed=moment(found.processed_at),
    )
