"""Use case 6 by next-generation Events alone: they say which return or refund it is, and Shopify how that stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from msgspec import structs

from pipeline.simulators.shopify.graph import Link, Page, gid, link, money
from pipeline.simulators.shopify.orders import OrderTransaction
from pipeline.simulators.shopify.returns import Refund, RefundLineItem, Return
from schemas.alerts import Severity
from tests.scenarios.purchases import BACK, MONEY, purchase
from tests.scenarios.sent_back import REFUND, counted, requested
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.story import FINANCE, RETURNS, SERVICE
from tests.scenarios.truth import Told, lasting, milestone, together

_LOOKS = ("made", "approved", "received", "closed")


class SentBackByEvents:
    """Requested; declined, or approved, received, closed, and refunded before it is closed, after, or never."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        is_declined = plot.chance.random() < 0.2
        self.decided = plot.after(5, 40)
        self.received = NEVER if is_declined else plot.after(30, 120, self.decided)
        self.closed = NEVER if is_declined else plot.after(70, 120, self.received)
        soon, late = (NEVER if is_declined else plot.after(10, 60, at) for at in (self.received, self.closed))
        self.refunded = plot.chance.choice([NEVER, soon, late])
        self.is_declined = is_declined

    def tell(self) -> None:
        plot = self.plot
        plot.change(plot.start, *purchase(plot, fulfillment="fulfilled").things())
        back = self._changes(plot.start, requested(plot, plot.start), "made", "Return/create")
        if self.is_declined:
            self._changes(self.decided, structs.replace(back, status="DECLINED"), "approved", "Return/update")
            return
        opened = structs.replace(back, status="OPEN", request_approved_at=self.decided)
        back = self._changes(self.decided, opened, "approved", "Return/update")
        back = self._changes(self.received, counted(back, processed_quantity=1), "received", "Return/update")
        for at in sorted(at for at in (self.refunded, self.closed) if at < NEVER):
            if at == self.closed:
                shut = structs.replace(back, status="CLOSED", closed_at=at)
                back = self._changes(at, shut, "closed", "Return/update")
            else:
                back = counted(back, refunded_quantity=1)
                plot.change(at, back, *self._refund(back))
                plot.event(at, "Refund/create", plot.number(BACK + REFUND), "refunded")

    def expected(self, seen: Seen) -> Iterator[Told]:
        subject, looks = self.plot.order(), [at for at, _ in seen.moments(*_LOOKS)]

        def shown(since: datetime) -> datetime:
            return min((at for at in looks if since <= at), default=NEVER)

        yield milestone("return-initiated", subject, (*RETURNS, *SERVICE), seen.first(*_LOOKS, "refunded"))
        told = [
            ("return-declined" if self.is_declined else "return-approved", (*RETURNS, *SERVICE), shown(self.decided)),
            ("return-received", (*RETURNS, *FINANCE), shown(self.received)),
            ("return-closed", RETURNS, shown(self.closed)),
            ("return-refunded", (*FINANCE, *SERVICE), seen.first("refunded")),
        ]
        yield from (milestone(rule, subject, teams, at) for rule, teams, at in told if at < NEVER)
        if (at := shown(self.closed)) < min(self.refunded, seen.first("refunded")):
            over = min(seen.first("refunded"), shown(self.refunded))
            owed = lasting("refund-due", (*FINANCE, *RETURNS), Severity.WARNING, at, over)
            yield from together(subject, [owed], seen.end)

    def _changes(self, at: datetime, back: Return, label: str, topic: str) -> Return:
        self.plot.change(at, back)
        self.plot.event(at, topic, self.plot.number(BACK), label)
        return back

    def _refund(self, back: Return) -> tuple[Refund, OrderTransaction]:
        plot, at, amount = self.plot, self.refunded, money(Decimal("120.00"))
        (line,) = back.return_line_items.nodes
        order, number = link("Order", plot.number()), gid("Refund", plot.number(BACK + REFUND))
        paid = OrderTransaction(
            id=gid("OrderTransaction", plot.number(MONEY)),
            order=order,
            refund=Link(number),
            kind="REFUND",
            status="SUCCESS",
            processed_at=at,
            amount_set=amount,
        )
        refund = Refund(
            id=number,
            order=order,
            return_=Link(back.id),
            created_at=at,
            processed_at=at,
            refund_line_items=Page((RefundLineItem(line_item=line.fulfillment_line_item.line_item, quantity=1),)),
            updated_at=at,
            total_refunded_set=amount,
        )
        return refund, paid
