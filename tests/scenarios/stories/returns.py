"""Use case 6: returns from their request to their money, refunds that fail, and disputes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
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
from schemas.alerts import Severity
from tests.scenarios.purchases import BACK, LINE, MONEY, body_of, purchase, stamp, tells
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
        back = self._return()
        reverse = ReverseFulfillmentOrder(
            id=gid("ReverseFulfillmentOrder", plot.number(BACK + 2)), order=back.order, return_=Link(back.id)
        )
        if self.is_requested or self.how == "declined":
            plot.change(plot.start, back)
            plot.webhook(plot.start, "returns/request", self._body("requested"), "requested")
        if self.how == "declined":
            plot.change(self.approved, structs.replace(back, status="DECLINED"))
            plot.webhook(self.approved, "returns/decline", self._body("declined"), "declined")
            return
        back = structs.replace(back, status="OPEN", request_approved_at=self.approved)
        plot.change(self.approved, back, reverse)
        plot.webhook(self.approved, "returns/approve", self._body("open"), "approved")
        plot.webhook(self.labelled, "reverse_deliveries/attach_deliverable", self._label(), "labelled")
        self._goes_on(back, reverse)

    def _goes_on(self, back: Return, reverse: ReverseFulfillmentOrder) -> None:
        plot = self.plot
        disposed = body_of("reverse_fulfillment_orders/dispose") | {
            "id": plot.number(BACK + 2),
            "admin_graphql_api_id": gid("ReverseFulfillmentOrder", plot.number(BACK + 2)),
            "dispositions": [
                {
                    "reverse_fulfillment_order_line_item": {"id": plot.number(BACK + 4)},
                    "type": "restocked",
                    "quantity": 1,
                }
            ],
            "total_dispositions": 1,
        }
        back = _with(back, processed_quantity=1)
        plot.change(self.received, back, self._disposed(reverse))
        plot.webhook(self.received, "reverse_fulfillment_orders/dispose", disposed, "received")
        for at in sorted(at for at in (self.refunded, self.closed) if at < NEVER):
            if at == self.refunded:
                back = _with(back, refunded_quantity=1)
                plot.change(at, back)
                plot.webhook(at, "refunds/create", refund(plot, at, "success", of_return=True), "refunded")
            else:
                back = structs.replace(back, status="CLOSED", closed_at=at)
                plot.change(at, back)
                flat = {"id": plot.number(BACK), "admin_graphql_api_id": back.id, "order_id": plot.number()}
                plot.webhook(at, "returns/close", body_of("returns/close") | flat, "closed")

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

    def _return(self) -> Return:
        number = self.plot.number(BACK)
        line = ReturnLineItem(
            id=gid("ReturnLineItem", number + 1),
            fulfillment_line_item=fulfilled(self.plot.number(LINE)),
            quantity=1,
            refundable_quantity=1,
            with_code_discounted_total_price_set=money(Decimal("120.00")),
        )
        return Return(
            id=gid("Return", number),
            name=f"#{self.plot.number() % 1_000_000}-R1",
            order=link("Order", self.plot.number()),
            status="REQUESTED",
            created_at=self.plot.start,
            total_quantity=1,
            return_line_items=Page((line,)),
        )

    def _disposed(self, reverse: ReverseFulfillmentOrder) -> ReverseFulfillmentOrder:
        number = self.plot.number(BACK + 4)
        disposition = ReverseFulfillmentOrderDisposition(
            id=gid("ReverseFulfillmentOrderDisposition", number),
            type="RESTOCKED",
            quantity=1,
            created_at=self.received,
        )
        line = ReverseFulfillmentOrderLineItem(
            id=gid("ReverseFulfillmentOrderLineItem", number), total_quantity=1, dispositions=(disposition,)
        )
        return structs.replace(reverse, line_items=Page((line,)))

    def _body(self, status: str) -> Json:
        number = self.plot.number(BACK)
        topic = "returns/decline" if status == "declined" else "returns/approve"
        line = {"id": number + 1, "quantity": 1, "return_reason": "defective", "customer_note": "Zyxomark"}
        return body_of(topic) | {
            "id": number,
            "admin_graphql_api_id": gid("Return", number),
            "name": f"#{self.plot.number() % 1_000_000}-R1",
            "status": status,
            "order": {"id": self.plot.number(), "admin_graphql_api_id": gid("Order", self.plot.number())},
            "return_line_items": [line],
            "total_return_line_items": 1,
            "exchange_line_items": [],
            "total_exchange_line_items": 0,
        }

    def _label(self) -> Json:
        number = self.plot.number(BACK)
        own = {"id": number + 3, "return": {"id": number, "admin_graphql_api_id": gid("Return", number)}}
        return body_of("reverse_deliveries/attach_deliverable") | own


class RefundFails:
    """Its transaction fails; it succeeds later, the same one or another, or never."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.again = plot.chance.choice([NEVER, plot.after(10, 300)])
        self.is_same = plot.chance.random() < 0.5

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, fulfillment="fulfilled")
        plot.change(plot.start, *order.things())
        plot.webhook(plot.start, "refunds/create", refund(plot, plot.start, "failure", of_return=False), "failed")
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
        opened = ShopifyPaymentsDispute(
            id=gid("ShopifyPaymentsDispute", plot.number(BACK)),
            order=link("Order", plot.number()),
            type="CHARGEBACK",
            status="NEEDS_RESPONSE",
            initiated_at=self.opened,
            evidence_due_by=None if self.due == NEVER else self.due,
            amount=MoneyV2(amount=Decimal("11.50"), currency_code="CAD"),
            reason_details=ShopifyPaymentsDisputeReasonDetails(reason="FRAUDULENT", network_reason_code="4837"),
        )
        plot.change(self.opened, opened)
        plot.webhook(self.opened, "disputes/create", self._body("needs_response"), "disputed")
        if self.sent < NEVER:
            plot.change(self.sent, structs.replace(opened, status="UNDER_REVIEW", evidence_sent_on=self.sent))
            sent = {"evidence_sent_on": stamp(self.sent)}
            plot.webhook(self.sent, "disputes/update", self._body("under_review") | sent, "sent")
            if self.outcome != "under_review":
                plot.change(self.over, structs.replace(opened, status=self.outcome.upper(), evidence_sent_on=self.sent))
                over = self._body(self.outcome) | sent | {"finalized_on": stamp(self.over)}
                plot.webhook(self.over, "disputes/update", over, "over")

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

    def _body(self, status: str) -> Json:
        return body_of("disputes/create") | {
            "id": self.plot.number(BACK),
            "order_id": self.plot.number(),
            "status": status,
            "evidence_due_by": None if self.due == NEVER else stamp(self.due),
            "initiated_at": stamp(self.opened),
        }


def refund(plot: Plot, at: datetime, status: str, *, of_return: bool) -> Json:
    real = body_of("refunds/create")
    number = plot.number(BACK)
    transaction = {"id": plot.number(MONEY), "kind": "refund", "status": status, "amount": "120.00", "currency": "USD"}
    return {
        **real,
        "id": number + 9,
        "order_id": plot.number(),
        "created_at": stamp(at),
        "processed_at": stamp(at),
        "return": {"id": number, "admin_graphql_api_id": gid("Return", number)} if of_return else None,
        "refund_line_items": [{"id": number + 8, "quantity": 1, "line_item_id": plot.number(LINE)}],
        "transactions": [transaction],
    }


def _with(back: Return, **counts: int) -> Return:
    (line,) = back.return_line_items.nodes
    return structs.replace(back, return_line_items=Page((structs.replace(line, **counts),)))
