"""Use case 1 over weeks: money that comes in its own time, and what gets worse while nobody acts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from pipeline.simulators.shopify.graph import Link, MoneyV2, gid, link, money
from pipeline.simulators.shopify.orders import OrderTransaction, PaymentSchedule, PaymentTerms
from schemas.alerts import Severity
from tests.scenarios.offices import OPERATIONS_OFFICE
from tests.scenarios.purchases import MONEY, UNTRACKED, Purchase, body_of, purchase, stamp, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.parcels import parcel, scan
from tests.scenarios.stories.story import FINANCE, OPERATIONS, SERVICE
from tests.scenarios.truth import Condition, Told, milestone, together

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Course = list[tuple[datetime, Severity | None]]


class ByTransfer:
    """Paid outside of Shopify: told once, warned of after three days of work. It was shipped on trust."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.placed = OPERATIONS_OFFICE.at_work(plot.start, plot.chance)
        self.late = OPERATIONS_OFFICE.days(self.placed, 3)
        self.paid = plot.chance.choice([self.placed + 20 * _MINUTE, self.placed + _DAY, self.late + _DAY, NEVER])

    def tell(self) -> None:
        order = purchase(self.plot, financial="pending", gateways=("Bank Deposit",))
        order = order.at(self.placed, created=self.placed)
        self.plot.change(self.placed, attempted(order, "SALE", "PENDING", manual_payment_gateway=True))
        tells(self.plot, self.placed, order, "created", "orders/create")
        ships(order, self.placed + 6 * _HOUR, self.paid)

    def expected(self, seen: Seen) -> Iterator[Told]:
        """Paid within the hour it is nobody's news, also where that is told later: Shopify is asked."""
        course: Course = [(max(self.placed + _HOUR, seen.first("created")), Severity.INFO)]
        course += [(self.late, Severity.WARNING)] if self.late < self.paid else []
        if course[0][0] < self.paid:
            yield from pending(self.plot, OPERATIONS, [*course, (seen.first("paid"), None)], seen)


class OnDelivery:
    """Cash on delivery is late three days after the delivery, however long that took."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.delivered = plot.chance.choice([NEVER, plot.after(24 * 60, 5 * 24 * 60)])
        late = NEVER if self.delivered == NEVER else self.delivered + 3 * _DAY
        self.paid = NEVER if late == NEVER else plot.chance.choice([late - _DAY, late + _DAY, NEVER])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, financial="pending", gateways=("Cash on Delivery (COD)",))
        plot.change(plot.start, attempted(order, "SALE", "PENDING", manual_payment_gateway=True))
        tells(plot, plot.start, order, "created", "orders/create")
        ships(order, plot.start + 6 * _HOUR, self.paid)
        if self.delivered < NEVER:
            told = scan(order, 0, self.delivered, "delivered")
            plot.webhook(self.delivered, "fulfillment_events/create", told, "there")

    def expected(self, seen: Seen) -> Iterator[Told]:
        there = seen.first("there")
        if there < NEVER:
            yield milestone("fulfillment-shipped", self.plot.order(), SERVICE, there)
            late = self.delivered + 3 * _DAY
            if late < self.paid:
                yield from pending(self.plot, OPERATIONS, [(late, Severity.WARNING), (seen.first("paid"), None)], seen)


class Authorized:
    """Two days before the authorization ends it must be captured: Shopify knows when, or seven days are assumed."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.ends = plot.chance.choice([None, plot.start + 4 * _DAY])
        self.late = (self.ends or plot.start + 7 * _DAY) - 2 * _DAY
        self.captured = plot.chance.choice([self.late - _DAY, self.late + _HOUR, NEVER])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, financial="authorized")
        plot.change(plot.start, attempted(order, "AUTHORIZATION", "SUCCESS", authorization_expires_at=self.ends))
        tells(plot, plot.start, order, "created", "orders/create")
        ships(order, plot.start + 6 * _HOUR, self.captured)

    def expected(self, seen: Seen) -> Iterator[Told]:
        if self.late < self.captured:
            yield from pending(self.plot, OPERATIONS, [(self.late, Severity.WARNING), (seen.first("paid"), None)], seen)


class Overdue:
    """Net 7: finance hears of what is due, and a day later is warned."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.due = plot.start + 7 * _DAY
        self.paid = plot.chance.choice([self.due - _DAY, self.due + 8 * _HOUR, self.due + 2 * _DAY, NEVER])

    def tell(self) -> None:
        plot, number = self.plot, self.plot.number(500)
        schedule = body_of("payment_schedules/due") | {
            "id": number + 1,
            "payment_terms_id": number,
            **dict.fromkeys(("amount", "balance_due"), "120.00"),
            "completed_at": None,
            "due_at": stamp(self.due),
        }
        terms = {**body_of("payment_terms/create"), "id": number, "payment_schedules": [schedule]}
        order = purchase(plot, financial="pending", terms=terms)
        node = PaymentTerms(id=gid("PaymentTerms", number), order=link("Order", plot.number()))
        due = PaymentSchedule(
            id=gid("PaymentSchedule", number + 1),
            payment_terms=Link(node.id),
            due_at=self.due,
            balance_due=MoneyV2(amount=order.total),
        )
        plot.change(plot.start, node, due)
        tells(plot, plot.start, order, "created", "orders/create")
        ships(order, plot.start + 6 * _HOUR, self.paid)
        if self.paid < NEVER:
            nothing = MoneyV2(amount=Decimal("0.00"))
            plot.change(self.paid, replace(due, balance_due=nothing, completed_at=self.paid))
        if self.due < self.paid:
            plot.webhook(self.due, "payment_schedules/due", schedule, "due")

    def expected(self, seen: Seen) -> Iterator[Told]:
        told, paid, late = seen.first("due"), seen.first("paid"), self.due + _DAY
        course: Course = [(told, Severity.INFO), (paid, None)]
        course += [(max(late, told), Severity.WARNING)] if late < self.paid else []
        yield from pending(self.plot, FINANCE, course, seen)


class Neglected:
    """An address that nobody corrects gets worse after 24 hours of work, before fulfillment is delayed."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.verdict = plot.chance.choice(["ERROR", "WARNING"])
        worse = OPERATIONS_OFFICE.hours(plot.start, 24)
        self.corrected = plot.chance.choice([worse - 8 * _HOUR, worse + _DAY, NEVER])

    def tell(self) -> None:
        order = purchase(self.plot, verdict=self.verdict)
        tells(self.plot, self.plot.start, order, "created", "orders/create")
        if self.corrected < NEVER:
            order = order.at(self.corrected, verdict="NO_ISSUES", tags=("corrected",))
            tells(self.plot, self.corrected, order, "corrected", "orders/updated")

    def expected(self, seen: Seen) -> Iterator[Told]:
        before, after = (
            (Severity.WARNING, Severity.CRITICAL) if self.verdict == "ERROR" else (Severity.INFO, Severity.WARNING)
        )
        worse = OPERATIONS_OFFICE.hours(self.plot.occurred("created"), 24)
        course: Course = [(seen.first("created"), before), (seen.first("corrected"), None)]
        course += [(worse, after)] if worse < self.corrected else []
        condition = Condition("order-address-invalid", frozenset(OPERATIONS), sorted(course, key=lambda one: one[0]))
        yield from together(self.plot.order(), [condition], seen.end)


def attempted(order: Purchase, kind: str, status: str, **changed: Any) -> OrderTransaction:
    return OrderTransaction(
        id=gid("OrderTransaction", order.plot.number(MONEY)),
        order=link("Order", order.number),
        kind=kind,
        status=status,
        gateway=order.gateways[0],
        processed_at=order.created,
        amount_set=money(order.total),
        **changed,
    )


def ships(order: Purchase, at: datetime, paid: datetime) -> None:
    """All of it, in a parcel that nobody can follow; it is paid before, after, or never."""
    plot = order.plot
    shipped = order.at(at, fulfillment="fulfilled", financial="paid" if paid < at else order.financial)
    plot.webhook(at, "fulfillments/create", parcel(order, at) | UNTRACKED, "parcel")
    tells(plot, at, shipped, "shipped", "orders/fulfilled")
    if paid < NEVER:
        known = order if paid < at else shipped
        tells(plot, paid, known.at(paid, financial="paid"), "paid", "orders/paid")


def pending(plot: Plot, teams: tuple[str, ...], course: Course, seen: Seen) -> Iterator[Told]:
    condition = Condition("order-payment-pending", frozenset(teams), sorted(course, key=lambda one: one[0]))
    yield from together(plot.order(), [condition], seen.end)
