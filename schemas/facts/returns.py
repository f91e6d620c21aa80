"""Facts of returns, refunds and disputes (use case 6)."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.facts.fact import Facts
from schemas.money import Money


class Origin(Struct, frozen=True, omit_defaults=True):
    """Of the order that something belongs to, looked up: whether anybody has to act on it at all."""

    test: bool = False
    created: datetime | None = None
    processed: datetime | None = None


class Disposition(Struct, frozen=True, omit_defaults=True):
    """Units that came back, or are `missing`. A body names no `id`: that, `line` (the order's) and `at` are looked up.

    `reverse`: the reverse fulfillment order; `part` its line.
    """

    kind: str
    quantity: int
    part: int | None = None
    id: int | None = None
    reverse: int | None = None
    line: int | None = None
    at: datetime | None = None


class ReturnLine(Struct, frozen=True, omit_defaults=True):
    """`line`: the order's. Looked up: how many of its units were processed and refunded, what all of them are worth."""

    quantity: int
    line: int | None = None
    id: int | None = None
    processed: int | None = None
    refunded: int | None = None
    refundable: int | None = None
    worth: Money | None = None


class ReturnFacts(Facts, frozen=True, tag="return"):
    """returns/*: `quantity` is the number of return lines' units where the body tells, `removed` for returns/update."""

    id: int
    order_id: int | None = None
    order_name: str | None = None
    name: str | None = None
    status: str | None = None
    quantity: int | None = None
    reasons: tuple[str, ...] = ()
    decline_reason: str | None = None
    exchanges: int = 0
    removed: int = 0
    line_count: int | None = None
    lines: tuple[ReturnLine, ...] = ()
    #: Looked up: when it was made, approved and closed; what came back, by its own ids; what is outstanding of the
    #: order, negative if owed to the customer.
    created: datetime | None = None
    approved: datetime | None = None
    closed: datetime | None = None
    dispositions: tuple[Disposition, ...] | None = None
    outstanding: Money | None = None
    origin: Origin | None = None

    @property
    def received(self) -> int | None:
        """Units processed. None: not looked up."""
        counted = [line.processed for line in self.lines if line.processed is not None]
        return sum(counted) if counted else None

    @property
    def refunded(self) -> int | None:
        counted = [line.refunded for line in self.lines if line.refunded is not None]
        return sum(counted) if counted else None


class ReverseDeliveryFacts(Facts, frozen=True, tag="reverse-delivery"):
    id: int
    return_id: int
    carrier: str | None = None
    has_tracking: bool = False
    has_label: bool = False
    order_id: int | None = None
    return_name: str | None = None


class DispositionFacts(Facts, frozen=True, tag="disposition"):
    """reverse_fulfillment_orders/dispose: what came back. The order, its return, and `disposed`, all that came back of
    the reverse fulfillment order until then, are looked up."""

    id: int
    dispositions: tuple[Disposition, ...] = ()
    order_id: int | None = None
    order_name: str | None = None
    return_id: int | None = None
    return_name: str | None = None
    disposed: tuple[Disposition, ...] | None = None
    origin: Origin | None = None


class RefundTransaction(Struct, frozen=True, omit_defaults=True):
    id: int
    kind: str
    status: str
    amount: Money | None = None
    gateway: str | None = None
    error_code: str | None = None
    message: str | None = None
    processed: datetime | None = None


class RefundLine(Struct, frozen=True, omit_defaults=True):
    """`line`: the order's."""

    quantity: int
    line: int | None = None


class RefundFacts(Facts, frozen=True, tag="refund"):
    """refunds/create. `quantity` is the sum of its lines' units. Of a next-generation Event all is looked up."""

    id: int
    order_id: int | None = None
    order_name: str | None = None
    return_id: int | None = None
    return_name: str | None = None
    created: datetime | None = None
    processed: datetime | None = None
    quantity: int = 0
    lines: tuple[RefundLine, ...] = ()
    transactions: tuple[RefundTransaction, ...] = ()
    origin: Origin | None = None


#: Statuses of a dispute that has its outcome.
DISPUTE_OVER = frozenset({"won", "lost", "accepted", "prevented", "charge_refunded"})


#: All that are known: a word of tomorrow ends nothing, and hides nothing.
DISPUTE_STATUSES = DISPUTE_OVER | {"needs_response", "under_review"}


class DisputeFacts(Facts, frozen=True, tag="dispute"):
    """disputes/*. `network_code`: why, in the card network's words. `origin` is looked up."""

    id: int
    order_id: int | None = None
    kind: str | None = None
    status: str | None = None
    reason: str | None = None
    amount: Money | None = None
    evidence_due: datetime | None = None
    evidence_sent: datetime | None = None
    finalized: datetime | None = None
    network_code: str | None = None
    origin: Origin | None = None
