"""Use case 1, and what is never told: orders that wait for money, risky ones, held ones, those without an address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.graph import Link, MoneyV2, gid, link
from pipeline.simulators.shopify.orders import OrderRiskAssessment, OrderRiskSummary, PaymentSchedule, PaymentTerms
from schemas.alerts import Severity
from tests.scenarios.purchases import body_of, purchase, stamp, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.story import OPERATIONS
from tests.scenarios.truth import Condition, Told, lasting, milestone, together


class Pending:
    """An order that waits for its money: it is paid in time, late, never, or cancelled instead."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.how = plot.chance.choice(["in time", "late", "never", "cancelled"])
        low, high = (2, 20) if self.how == "in time" else (70, 300)
        self.settled = NEVER if self.how == "never" else plot.after(low, high)

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, financial="pending")
        tells(plot, plot.start, order, "created", "orders/create", "orders/updated")
        if self.how == "cancelled":
            gone = order.at(self.settled, cancelled=self.settled, financial="voided")
            tells(plot, self.settled, gone, "settled", "orders/cancelled", "orders/updated")
        elif self.settled < NEVER:
            tells(plot, self.settled, order.at(self.settled, financial="paid"), "settled", "orders/paid")

    def expected(self, seen: Seen) -> Iterator[Told]:
        due = self.plot.start + self.plot.rules.orders.payment_pending_after
        known = seen.first("created", "created/1")
        settled = seen.first("settled", "settled/1")
        at = max(due, known)
        if at < self.settled:
            pending = lasting("order-payment-pending", OPERATIONS, Severity.WARNING, at, settled)
            yield from together(self.plot.order(), [pending], seen.end)


class Voided:
    """Its payment is voided while the order stands; later it is cancelled, or not."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.voided = plot.after(3, 20)
        self.cancelled = plot.chance.choice([NEVER, plot.after(90, 300)])

    def tell(self) -> None:
        order = purchase(self.plot, financial="pending")
        tells(self.plot, self.plot.start, order, "created", "orders/create")
        order = order.at(self.voided, financial="voided")
        tells(self.plot, self.voided, order, "voided", "orders/updated")
        if self.cancelled < NEVER:
            order = order.at(self.cancelled, cancelled=self.cancelled)
            tells(self.plot, self.cancelled, order, "cancelled", "orders/cancelled")

    def expected(self, seen: Seen) -> Iterator[Told]:
        """Where nobody has told of it by the time that the money is late, Shopify's answer does."""
        gone = seen.first("cancelled")
        asked = max(self.plot.start + self.plot.rules.orders.payment_pending_after, seen.first("created"))
        answered = asked if self.voided <= asked < self.cancelled else NEVER
        at = min(seen.first("voided"), answered)
        yield from together(
            self.plot.order(), [lasting("order-payment-pending", OPERATIONS, Severity.WARNING, at, gone)], seen.end
        )


class Risky:
    """A level comes some minutes after the order. Later it is lowered, or the order is cancelled, or nothing."""

    def __init__(self, plot: Plot) -> None:
        chance = plot.chance
        self.plot = plot
        self.level, self.advice = chance.choice([("high", "CANCEL"), ("medium", "INVESTIGATE")])
        self.how = chance.choice(["lowered", "cancelled", "nothing"])
        self.is_premium = chance.random() < 0.3
        self.assessed = plot.after(2, 30)
        self.over = NEVER if self.how == "nothing" else plot.after(60, 400)

    def tell(self) -> None:
        plot = self.plot
        order = purchase(plot, customer=("vip",) if self.is_premium else ())
        tells(plot, plot.start, order, "created", "orders/create")
        order = order.at(plot.start, risk=risk_of(self.level, self.advice))
        plot.change(self.assessed, *order.things())
        plot.webhook(self.assessed, "orders/risk_assessment_changed", self._assessment(self.level), "risky")
        if self.how == "lowered":
            plot.change(self.over, *order.at(plot.start, risk=risk_of("low", "ACCEPT")).things())
            plot.webhook(self.over, "orders/risk_assessment_changed", self._assessment("low"), "over")
        elif self.how == "cancelled":
            order = order.at(self.over, cancelled=self.over)
            tells(plot, self.over, order, "over", "orders/cancelled")

    def _assessment(self, level: str) -> Json:
        own = {"order_id": str(self.plot.number()), "risk_level": level}
        return {**body_of("orders/risk_assessment_changed"), **own}

    def expected(self, seen: Seen) -> Iterator[Told]:
        """A level that a webhook tells counts until a newer one comes: Shopify's replicas may lag behind it. That an
        order is cancelled is final, whoever tells it."""
        at, over = seen.first("risky"), seen.first("over")
        if self.how == "cancelled" and self.over <= at:
            return
        base = Severity.CRITICAL if self.level == "high" else Severity.WARNING
        course: list[tuple[datetime, Severity | None]] = [(at, base)]
        known = seen.first("created") if self.is_premium else NEVER
        if known <= at:
            course = [(at, Severity.CRITICAL)]
        elif known < over:
            course.append((known, Severity.CRITICAL))
        if at < over:
            condition = Condition("order-high-risk", frozenset(OPERATIONS), [*course, (over, None)])
            yield from together(self.plot.order(), [condition], seen.end)


class LateRisk:
    """A risk that was assessed more than a day ago is told only now: it is looked up again, and told if still true."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.is_still_true = plot.chance.random() < 0.5
        self.arrives = plot.after(1, 60)

    def tell(self) -> None:
        plot, before = self.plot, self.plot.start - timedelta(hours=30)
        level = ("high", "CANCEL") if self.is_still_true else ("low", "ACCEPT")
        order = purchase(plot, risk=risk_of(*level)).at(before, created=before)
        plot.change(plot.start, *order.things())
        own = {"order_id": plot.number(), "risk_level": "high"}
        body = {**body_of("orders/risk_assessment_changed"), **own}
        plot.webhook(before, "orders/risk_assessment_changed", body, "risky", arrives=self.arrives)

    def expected(self, seen: Seen) -> Iterator[Told]:
        if self.is_still_true:
            condition = lasting("order-high-risk", OPERATIONS, Severity.CRITICAL, seen.first("risky"))
            yield from together(self.plot.order(), [condition], seen.end)


class ShippedAtRisk:
    """A level comes when the order has left already: nobody can stop it here any more, and everybody has to hear."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.level, self.advice = plot.chance.choice([("high", "CANCEL"), ("medium", "INVESTIGATE")])
        self.shipped = plot.after(1, 20)
        self.assessed = plot.after(1, 60, self.shipped)

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        tells(plot, plot.start, order, "created", "orders/create")
        order = order.at(self.shipped, fulfillment="fulfilled")
        tells(plot, self.shipped, order, "shipped", "orders/fulfilled", "orders/updated")
        plot.change(self.assessed, *order.at(self.shipped, risk=risk_of(self.level, self.advice)).things())
        own = {"order_id": plot.number(), "risk_level": self.level}
        body = {**body_of("orders/risk_assessment_changed"), **own}
        plot.webhook(self.assessed, "orders/risk_assessment_changed", body, "risky")

    def expected(self, seen: Seen) -> Iterator[Told]:
        """That it was shipped, Shopify says when it is asked for the risk."""
        severity = Severity.CRITICAL if self.level == "high" else Severity.WARNING
        at = seen.first("risky")
        if at < seen.end:
            yield milestone("order-high-risk", self.plot.order(), OPERATIONS, at, severity)


class BadAddress:
    """Shopify's verdict is bad, at once or some minutes later; corrected, or not. What is picked up needs none."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.verdict = plot.chance.choice(["ERROR", "WARNING"])
        self.judged = plot.chance.choice([plot.start, plot.after(1, 3)])
        self.corrected = plot.chance.choice([NEVER, plot.after(30, 200)])
        self.method = plot.chance.choice(["SHIPPING", "LOCAL", "PICK_UP"])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, verdict=None, method=self.method)
        if self.judged > plot.start:
            tells(plot, plot.start, order, "created", "orders/create")
            plot.change(self.judged, *order.at(plot.start, verdict=self.verdict).things())
        else:
            order = order.at(plot.start, verdict=self.verdict)
            tells(plot, plot.start, order, "created", "orders/create")
        if self.corrected < NEVER:
            order = order.at(self.corrected, verdict="NO_ISSUES", tags=("corrected",))
            tells(plot, self.corrected, order, "corrected", "orders/updated")

    def expected(self, seen: Seen) -> Iterator[Told]:
        severity = Severity.WARNING if self.verdict == "ERROR" else Severity.INFO
        known, corrected = seen.first("created"), seen.first("corrected")
        asked = max(known, self.plot.start + self.plot.rules.orders.address_asked_again_after)
        at = known if self.judged <= known else asked
        if at < self.corrected and self.method != "PICK_UP":
            condition = lasting("order-address-invalid", OPERATIONS, severity, at, corrected)
            yield from together(self.plot.order(), [condition], seen.end)


class Lacking:
    """An address whose keys are there and whose values are not; a key that is absent says nothing."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.part = plot.chance.choice(["address1", "city", "zip", "nothing"])
        self.corrected = plot.chance.choice([NEVER, plot.after(30, 200)])

    def tell(self) -> None:
        plot = self.plot
        order = purchase(plot, verdict=None, parts=() if self.part == "nothing" else ((self.part, None),))
        plot.change(plot.start, *order.things())
        body = order.body()
        if self.part == "nothing":
            address = body["shipping_address"]
            assert isinstance(address, dict)
            body["shipping_address"] = {name: address[name] for name in ("country", "country_code", "province")}
        plot.webhook(plot.start, "orders/create", body, "created")
        if self.corrected < NEVER:
            tells(plot, self.corrected, order.at(self.corrected, parts=()), "corrected", "orders/updated")

    def expected(self, seen: Seen) -> Iterator[Told]:
        if self.part != "nothing":
            at, corrected = seen.first("created"), seen.first("corrected")
            condition = lasting("order-address-invalid", OPERATIONS, Severity.WARNING, at, corrected)
            yield from together(self.plot.order(), [condition], seen.end)


class OnTerms:
    """Net 7: nothing is late before its schedule is due; then finance hears of it, until it is paid."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.due = plot.chance.choice([NEVER, plot.after(80, 300)])
        self.paid = NEVER if self.due == NEVER else plot.after(20, 200, self.due)

    def tell(self) -> None:
        plot = self.plot
        number = plot.number(500)
        schedule = {
            **body_of("payment_schedules/due"),
            "id": number + 1,
            "payment_terms_id": number,
            "amount": "120.00",
            "balance_due": "120.00",
            "completed_at": None,
            "due_at": stamp(min(self.due, plot.start + timedelta(days=7))),
        }
        terms = {**body_of("payment_terms/create"), "id": number, "payment_schedules": [schedule]}
        order = purchase(plot, financial="pending", terms=terms)
        node = PaymentTerms(id=gid("PaymentTerms", number), order=link("Order", plot.number()))
        due = PaymentSchedule(
            id=gid("PaymentSchedule", number + 1),
            payment_terms=Link(node.id),
            balance_due=MoneyV2(amount=order.total),
        )
        plot.change(plot.start, node, due)
        tells(plot, plot.start, order, "created", "orders/create")
        if self.due < NEVER:
            plot.webhook(self.due, "payment_schedules/due", schedule, "due")
            tells(plot, self.paid, order.at(self.paid, financial="paid"), "paid", "orders/paid")

    def expected(self, seen: Seen) -> Iterator[Told]:
        condition = lasting("order-payment-pending", ("finance",), Severity.INFO, seen.first("due"), seen.first("paid"))
        yield from together(self.plot.order(), [condition], seen.end)


def risk_of(level: str, advice: str) -> OrderRiskSummary:
    return OrderRiskSummary(
        recommendation=advice, assessments=(OrderRiskAssessment(risk_level=level.upper(), provider=None),)
    )
