"""Use case 6: returns from their request to their money, refunds that fail, and disputes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import structs

from pipeline.simulators.shopify.returns import Return
from schemas.alerts import Severity
from tests.scenarios.purchases import purchase, tells
from tests.scenarios.sent_back import (
    arrived,
    awaited,
    closing_body,
    counted,
    disposition_body,
    dispute_body,
    disputed,
    label_body,
    refund_body,
    requested,
    return_body,
)
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.payments import attempt
from tests.scenarios.stories.story import FINANCE, OPERATIONS, RETURNS, SERVICE
from tests.scenarios.truth import Condition, Told, lasting, milestone, together

_ALL = ("requested", "approved", "labelled", "received", "refunded", "closed", "declined")
_TOLD = {
    "approved": ("return-approved", (*RETURNS, *SERVICE)),
    "declined": ("return-declined", (*RETURNS, *SERVICE)),
    "labelled": ("return-labelled", RETURNS),
    "received": ("return-received", (*RETURNS, *FINANCE)),
    "refunded": ("return-refunded", (*FINANCE, *SERVICE)),
    "closed": ("return-closed", RETURNS),
}


class SentBack:
    """Requested or opened by staff, approved, labelled, received; refunded before it is closed, after, or never."""

    def __init__(self, plot: Plot) -> None:
        chance = plot.chance
        self.plot = plot
        self.is_requested = chance.random() < 0.7
        self.how = chance.choice(["refunded, then closed", "closed, then refunded", "closed", "refunded", "declined"])
        self.approved = plot.after(5, 40)
        self.labelled = plot.after(5, 60, self.approved)
        self.received = plot.after(30, 120, self.labelled)
        first, second = plot.after(10, 60, self.received), plot.after(70, 200, self.received)
        moments = {"refunded, then closed": (first, second), "closed, then refunded": (second, first)}
        alone = {"closed": (NEVER, first), "refunded": (first, NEVER), "declined": (NEVER, NEVER)}
        self.refunded, self.closed = (moments | alone)[self.how]

    def tell(self) -> None:
        plot = self.plot
        plot.change(plot.start, *purchase(plot, fulfillment="fulfilled").things())
        back = requested(plot, plot.start)
        if self.is_requested or self.how == "declined":
            plot.change(plot.start, back)
            plot.webhook(plot.start, "returns/request", return_body(plot, "requested"), "requested")
        if self.how == "declined":
            plot.change(self.approved, structs.replace(back, status="DECLINED"))
            plot.webhook(self.approved, "returns/decline", return_body(plot, "declined"), "declined")
            return
        back = structs.replace(back, status="OPEN", request_approved_at=self.approved)
        plot.change(self.approved, back, awaited(plot))
        plot.webhook(self.approved, "returns/approve", return_body(plot, "open"), "approved")
        plot.webhook(self.labelled, "reverse_deliveries/attach_deliverable", label_body(plot), "labelled")
        self._goes_on(back)

    def _goes_on(self, back: Return) -> None:
        plot, back = self.plot, counted(back, processed_quantity=1)
        plot.change(self.received, back, arrived(plot, self.received))
        plot.webhook(self.received, "reverse_fulfillment_orders/dispose", disposition_body(plot), "received")
        for at in sorted(at for at in (self.refunded, self.closed) if at < NEVER):
            if at == self.refunded:
                back = counted(back, refunded_quantity=1)
                plot.change(at, back)
                plot.webhook(at, "refunds/create", refund_body(plot, at, "success", of_return=True), "refunded")
            else:
                back = structs.replace(back, status="CLOSED", closed_at=at)
                plot.change(at, back)
                plot.webhook(at, "returns/close", closing_body(plot), "closed")

    def expected(self, seen: Seen) -> Iterator[Told]:
        subject = self.plot.order()
        yield milestone("return-initiated", subject, (*RETURNS, *SERVICE), seen.first(*_ALL))
        known = {
            "received": self._known(seen, "received", self.received),
            "refunded": self._known(seen, "refunded", self.refunded),
        }
        for label, (rule, teams) in _TOLD.items():
            at = known["received"] if label == "received" else seen.first(label)
            if at < NEVER:
                yield milestone(rule, subject, teams, at)
        at = max(seen.first("closed"), known["received"])
        if at < self.refunded:
            owed = lasting("refund-due", (*FINANCE, *RETURNS), Severity.WARNING, at, known["refunded"])
            yield from together(subject, [owed], seen.end)

    def _known(self, seen: Seen, label: str, since: datetime) -> datetime:
        """By its own webhook, or by another one that came late: with those Shopify is asked how the return stands."""
        looks = [seen.first("requested"), seen.first("approved")] if self.how != "declined" else []
        return min(at for at in (seen.first(label), *looks) if at >= since)


class RefundFails:
    """Its transaction fails; it succeeds later, the same one or another, or never."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.again = plot.chance.choice([NEVER, plot.after(10, 300)])
        self.is_same = plot.chance.random() < 0.5

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, fulfillment="fulfilled")
        plot.change(plot.start, *order.things())
        plot.webhook(plot.start, "refunds/create", refund_body(plot, plot.start, "failure", of_return=False), "failed")
        failed = attempt(order, 0, plot.start, "failure", kind="refund", error_code="generic_error")
        plot.webhook(plot.start, "order_transactions/create", failed, "failed/1")
        if self.again < NEVER:
            done = attempt(order, 0 if self.is_same else 1, self.again, "success", kind="refund")
            plot.webhook(self.again, "order_transactions/create", done, "done")

    def expected(self, seen: Seen) -> Iterator[Told]:
        subject, done = self.plot.order(), seen.first("done")
        failed = lasting(
            "refund-failed", (*FINANCE, *SERVICE), Severity.CRITICAL, seen.first("failed", "failed/1"), done
        )
        yield from together(subject, [failed], seen.end)
        if self.is_same and self.again < NEVER:
            yield milestone("return-refunded", subject, (*FINANCE, *SERVICE), max(done, seen.first("failed")))


class Disputed:
    """Evidence is needed, for an order that was shipped or can still be stopped, until a deadline that Shopify names or
    does not; it is sent, or not, and then somebody has won."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.is_shipped = plot.chance.random() < 0.5
        self.opened = plot.after(5, 60)
        days = plot.chance.choice([timedelta(days=10), timedelta(hours=74), None])
        self.due = NEVER if days is None else self.opened + days
        self.sent = plot.chance.choice([NEVER, plot.after(30, 90, self.opened), plot.after(150, 300, self.opened)])
        self.outcome = plot.chance.choice(["won", "lost", "under_review"])
        self.over = NEVER if self.sent == NEVER else plot.after(10, 100, self.sent)

    def tell(self) -> None:
        plot = self.plot
        order = purchase(plot, fulfillment="fulfilled" if self.is_shipped else None)
        tells(plot, plot.start, order, "created", "orders/create")
        opened = disputed(plot, self.opened, self.due)
        plot.change(self.opened, opened)
        plot.webhook(self.opened, "disputes/create", dispute_body(plot, self.opened, self.due), "disputed")
        if self.sent < NEVER:
            plot.change(self.sent, structs.replace(opened, status="UNDER_REVIEW", evidence_sent_on=self.sent))
            sent = dispute_body(plot, self.opened, self.due, self.sent)
            plot.webhook(self.sent, "disputes/update", sent, "sent")

    def expected(self, seen: Seen) -> Iterator[Told]:
        at, decided = seen.first("disputed"), seen.first("over")
        over = min(seen.first("sent"), decided)
        if decided < NEVER:
            yield milestone("dispute-evidence-due", self.plot.order(), FINANCE, decided)
        if at >= over:
            return
        severity = Severity.WARNING if self.is_shipped else Severity.CRITICAL
        teams = FINANCE if self.is_shipped else (*FINANCE, *OPERATIONS)
        near = NEVER if self.due == NEVER else max(self.due - max(self.plot.rules.returns.evidence_before), at)
        if at < near < over and self.sent <= near:
            over = near  # Shopify is asked before it gets worse, and knows
        course: list[tuple[datetime, Severity | None]] = [(at, severity), (over, None)]
        levels = [(near, 1)] if near < over else []
        if levels:
            course.insert(1, (near, Severity.CRITICAL))
        yield from together(
            self.plot.order(), [Condition("dispute-evidence-due", frozenset(teams), course, levels)], seen.end
        )
