"""Use case 6 over weeks: returns that wait for a decision or a parcel, money that is due, and evidence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import structs

from pipeline.simulators.shopify.graph import gid, link, money
from pipeline.simulators.shopify.orders import OrderTransaction
from pipeline.simulators.shopify.returns import Refund, Return
from schemas.alerts import Severity
from tests.scenarios.offices import FINANCE_OFFICE, RETURNS_OFFICE
from tests.scenarios.purchases import BACK, MONEY, purchase, tells
from tests.scenarios.sent_back import (
    REFUND,
    arrived,
    awaited,
    counted,
    disposition_body,
    dispute_body,
    disputed,
    refund_body,
    requested,
    return_body,
)
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.payments import attempt
from tests.scenarios.stories.story import FINANCE, RETURNS, SERVICE
from tests.scenarios.truth import Condition, Told, lasting, milestone, together

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


class SentBackSlowly:
    """Decided late or never; received late or never; refunded in time, after the warning, when missed, or never."""

    def __init__(self, plot: Plot) -> None:
        choice = plot.chance.choice
        self.plot = plot
        self.asked = RETURNS_OFFICE.at_work(plot.start, plot.chance)
        self.undecided = RETURNS_OFFICE.hours(self.asked, 48)
        self.decided = choice([self.asked + _HOUR, self.asked + _HOUR, self.undecided + _DAY, NEVER])
        parcels = [NEVER] if self.decided == NEVER else [self._sent(2), self._sent(2), self._sent(16), NEVER]
        self.received = choice(parcels)
        self.due = NEVER if self.received == NEVER else FINANCE_OFFICE.days(self.received, 5)
        paid = [self.received + _DAY, self.due - 12 * _HOUR, self.due + _DAY] if self.due < NEVER else []
        self.refunded = choice([*paid, NEVER])

    def _sent(self, days: int) -> datetime:
        return FINANCE_OFFICE.at_work(self.decided + days * _DAY, self.plot.chance)

    def tell(self) -> None:
        plot = self.plot
        plot.change(self.asked, *purchase(plot, fulfillment="fulfilled").things())
        back = requested(plot, self.asked)
        plot.change(self.asked, back)
        plot.webhook(self.asked, "returns/request", return_body(plot, "requested"), "requested")
        if self.decided < NEVER:
            back = structs.replace(back, status="OPEN", request_approved_at=self.decided)
            plot.change(self.decided, back, awaited(plot))
            plot.webhook(self.decided, "returns/approve", return_body(plot, "open"), "approved")
        if self.received < NEVER:
            self._arrives(counted(back, processed_quantity=1))

    def _arrives(self, back: Return) -> None:
        plot = self.plot
        plot.change(self.received, back, arrived(plot, self.received))
        plot.webhook(self.received, "reverse_fulfillment_orders/dispose", disposition_body(plot), "received")
        if self.refunded < NEVER:
            plot.change(self.refunded, counted(back, refunded_quantity=1))
            paid = refund_body(plot, self.refunded, "success", of_return=True)
            plot.webhook(self.refunded, "refunds/create", paid, "refunded")

    def expected(self, seen: Seen) -> Iterator[Told]:
        subject, approved, here = self.plot.order(), seen.first("approved"), seen.first("received")
        told = [
            ("return-initiated", (*RETURNS, *SERVICE), seen.first("requested", "approved", "received")),
            ("return-approved", (*RETURNS, *SERVICE), approved),
            ("return-received", (*RETURNS, *FINANCE), here),
            ("return-refunded", (*FINANCE, *SERVICE), seen.first("refunded")),
        ]
        yield from (milestone(rule, subject, teams, at) for rule, teams, at in told if at < NEVER)
        yield from together(subject, list(self._conditions(approved, here, seen.first("refunded"))), seen.end)

    def _conditions(self, approved: datetime, here: datetime, paid: datetime) -> Iterator[Condition]:
        undecided = RETURNS_OFFICE.hours(self.plot.occurred("requested"), 48)
        if undecided < self.decided:
            yield lasting("return-undecided", RETURNS, Severity.WARNING, undecided, approved)
        if self.decided == NEVER:
            return
        if self.decided + 14 * _DAY < self.received:
            never_scanned = self.plot.occurred("approved") + 14 * _DAY
            yield lasting("refund-due", (*FINANCE, *RETURNS), Severity.INFO, never_scanned, here)
        if self.decided + 21 * _DAY < self.received:
            yield lasting("return-not-arrived", RETURNS, Severity.INFO, self.decided + 21 * _DAY, here)
        if self.due < NEVER and self.due - _DAY < self.refunded:
            course: list[tuple[datetime, Severity | None]] = [(self.due - _DAY, Severity.WARNING), (paid, None)]
            levels = [(self.due, 2)] if self.due < self.refunded else []
            course[1:1] = [(at, Severity.CRITICAL) for at, _ in levels]
            yield Condition("refund-due", frozenset((*FINANCE, *RETURNS)), course, levels)


class RefundUnderWay:
    """Its one transaction is pending: it goes through in time, after three days of work, or never."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.made = FINANCE_OFFICE.at_work(plot.start, plot.chance)
        self.late = FINANCE_OFFICE.days(self.made, 3)
        self.done = plot.chance.choice([self.made + _DAY, self.late + _DAY, NEVER])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, fulfillment="fulfilled")
        plot.change(self.made, *order.things(), *self._things("PENDING"))
        plot.webhook(self.made, "refunds/create", refund_body(plot, self.made, "pending", of_return=False), "made")
        if self.done < NEVER:
            plot.change(self.done, *self._things("SUCCESS"))
            paid = attempt(order, 0, self.done, "success", kind="refund")
            plot.webhook(self.done, "order_transactions/create", paid, "done")

    def expected(self, seen: Seen) -> Iterator[Told]:
        done = max(seen.first("done"), seen.first("made"))
        if done < NEVER:
            yield milestone("return-refunded", self.plot.order(), (*FINANCE, *SERVICE), done)
        if self.late < self.done:
            stuck = lasting("refund-failed", (*FINANCE, *SERVICE), Severity.WARNING, self.late, done)
            yield from together(self.plot.order(), [stuck], seen.end)

    def _things(self, status: str) -> tuple[Refund, OrderTransaction]:
        plot, order, amount = self.plot, link("Order", self.plot.number()), money(Decimal("120.00"))
        number = gid("Refund", plot.number(BACK + REFUND))
        made = Refund(
            id=number,
            order=order,
            created_at=self.made,
            processed_at=self.made,
            updated_at=self.made,
            total_refunded_set=amount,
        )
        paid = OrderTransaction(
            id=gid("OrderTransaction", plot.number(MONEY)),
            order=order,
            refund=link("Refund", plot.number(BACK + REFUND)),
            kind="REFUND",
            status=status,
            processed_at=self.made,
            amount_set=amount,
        )
        return made, paid


class DisputedForDays:
    """Evidence for an order that was shipped: it is sent before the first reminder, between them, late, or never."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.opened = plot.after(5, 60)
        self.due = self.opened + 10 * _DAY
        self.sent = plot.chance.choice([self.due - 80 * _HOUR, self.due - 48 * _HOUR, self.due - 2 * _HOUR, NEVER])

    def tell(self) -> None:
        plot = self.plot
        tells(plot, plot.start, purchase(plot, fulfillment="fulfilled"), "created", "orders/create")
        opened = disputed(plot, self.opened, self.due)
        plot.change(self.opened, opened)
        plot.webhook(self.opened, "disputes/create", dispute_body(plot, self.opened, self.due), "disputed")
        if self.sent < NEVER:
            plot.change(self.sent, structs.replace(opened, status="UNDER_REVIEW", evidence_sent_on=self.sent))
            sent = dispute_body(plot, self.opened, self.due, self.sent)
            plot.webhook(self.sent, "disputes/update", sent, "sent")

    def expected(self, seen: Seen) -> Iterator[Told]:
        levels = [(self.due - left * _HOUR, level) for level, left in ((1, 72), (2, 24))]
        levels = [(at, level) for at, level in levels if at < self.sent]
        course: list[tuple[datetime, Severity | None]] = [(seen.first("disputed"), Severity.WARNING)]
        course += [(at, Severity.CRITICAL) for at, _ in levels]
        open_until = [*course, (seen.first("sent"), None)]
        needed = Condition("dispute-evidence-due", frozenset(FINANCE), open_until, levels)
        yield from together(self.plot.order(), [needed], seen.end)
