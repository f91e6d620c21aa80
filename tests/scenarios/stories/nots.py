"""What nobody is told of: tests, echoes of our own, orders of another time, and days on which nothing is wrong.

Not promised by the rules, and so not asked of them: silence about a hold of a test order, or the risk of an imported
one, that comes before the order itself has been told of, where Shopify does not answer whose it is. These come here
after the longest delay.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.orders import OrderRiskAssessment, OrderRiskSummary
from tests.scenarios.purchases import UNTRACKED, Purchase, body_of, purchase, tells
from tests.scenarios.steps import Plot, Seen
from tests.scenarios.stories.holds import hold, hold_told
from tests.scenarios.stories.parcels import parcel, scan
from tests.scenarios.stories.payments import attempt
from tests.scenarios.truth import Told

_HIGH = OrderRiskSummary(recommendation="CANCEL", assessments=(OrderRiskAssessment(risk_level="HIGH", provider=None),))


class OnlyATest:
    """Everything is wrong with it, and it is only a test."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot

    def tell(self) -> None:
        plot = self.plot
        order = purchase(plot, test=True, financial="pending", risk=_HIGH, verdict="ERROR")
        tells(plot, plot.start, order, "created", "orders/create", "orders/updated")
        plot.webhook(plot.after(1, 5), "orders/risk_assessment_changed", _risk(plot), "risky")
        declined = attempt(order, 0, plot.after(1, 5), "failure", error_code="fraud_suspected", test=True)
        plot.webhook(plot.after(1, 5), "order_transactions/create", declined, "declined")
        held = plot.after(250, 300)
        plot.change(held, order.to_ship(hold(plot, "other", is_ours=False)))
        plot.webhook(held, "fulfillment_holds/added", hold_told(plot, "other", is_ours=False), "held")

    def expected(self, seen: Seen) -> Iterator[Told]:
        return iter(())


class Imported:
    """Brought over from another shop: it was placed a month ago."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot

    def tell(self) -> None:
        plot = self.plot
        month = timedelta(days=30)
        order = purchase(plot, financial="pending", verdict="ERROR", risk=_HIGH, processed=plot.start - month)
        tells(plot, plot.start, order, "created", "orders/create", "orders/updated")
        plot.webhook(plot.after(250, 300), "orders/risk_assessment_changed", _risk(plot), "risky")

    def expected(self, seen: Seen) -> Iterator[Told]:
        return iter(())


class TriedOut:
    """Sent from the admin to try the subscription; the order is a real one."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        tells(plot, plot.start, order, "created", "orders/create")
        plot.webhook(plot.after(5, 10), "orders/risk_assessment_changed", _risk(plot), "risky", test=True)
        pending = order.at(plot.start, financial="pending").body()
        plot.webhook(plot.after(5, 10), "orders/updated", pending, "pending", test=True)

    def expected(self, seen: Seen) -> Iterator[Told]:
        return iter(())


class Ordinary:
    """An order as most are: paid, tagged by us, told of again and again, and on its way without a word of a carrier's
    that proves anything."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        tells(plot, plot.start, order, "created", "orders/create", "orders/updated", "orders/paid")
        plot.webhook(plot.start, "order_transactions/create", attempt(order, 0, plot.start, "success"), "money")
        routed = body_of("fulfillment_orders/order_routing_complete") | {
            "fulfillment_order": {"id": order.fulfillment_order, "status": "open"}
        }
        plot.webhook(plot.start, "fulfillment_orders/order_routing_complete", routed, "routed")
        at = plot.start
        for number in range(plot.chance.randrange(2, 6)):
            at = plot.after(1, 60, at)
            tells(plot, at, order.at(at, tags=("approval-pending",)), f"again/{number}", "orders/updated")
        self._ships(order.at(at, tags=("approval-pending",)))

    def _ships(self, order: Purchase) -> None:
        plot, at = self.plot, self.plot.after(2, 30, order.updated)
        plot.webhook(at, "fulfillments/create", parcel(order, at) | UNTRACKED, "parcel")
        plot.webhook(at, "fulfillment_events/create", scan(order, 0, at, "confirmed"), "confirmed")
        tells(plot, at, order.at(at, fulfillment="fulfilled"), "done", "orders/fulfilled")

    def expected(self, seen: Seen) -> Iterator[Told]:
        return iter(())


class InOrder:
    """Nothing is wrong with it, though it looks so for a while: its payment is captured later, its customer cancels it
    within the hour, it costs nothing, nothing of it is shipped, or it was bought and taken away in a shop."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.how = plot.chance.choice(["captured", "cancelled", "free", "digital", "in a shop"])
        self.then = plot.after(5, 20)

    def tell(self) -> None:
        plot = self.plot
        match self.how:
            case "captured" | "cancelled":
                self._goes_on("authorized" if self.how == "captured" else "pending")
            case "free":
                order = purchase(plot, total=Decimal("0.00"), gateways=())
                tells(plot, plot.start, order, "created", "orders/create", "orders/paid")
            case "digital":
                order = purchase(plot, requires_shipping=False)
                tells(plot, plot.start, order, "created", "orders/create", "orders/paid")
            case "in a shop":
                order = purchase(plot, fulfillment="fulfilled")
                nowhere: Json = {"shipping_address": None, "shipping_lines": [], "source_name": "pos", "customer": None}
                plot.change(plot.start, *order.things())
                plot.webhook(plot.start, "orders/create", order.body() | nowhere, "created")

    def _goes_on(self, financial: str) -> None:
        plot, order = self.plot, purchase(self.plot, financial=financial)
        tells(plot, plot.start, order, "created", "orders/create")
        if financial == "authorized":
            plot.webhook(plot.start, "order_transactions/create", self._moves(order, 0, "authorization"), "authorized")
            order = order.at(self.then, financial="paid")
            plot.webhook(self.then, "order_transactions/create", self._moves(order, 1, "capture"), "captured")
            tells(plot, self.then, order, "then", "orders/paid")
        else:
            order = order.at(self.then, financial="voided", cancelled=self.then)
            tells(plot, self.then, order, "then", "orders/cancelled", "orders/updated")
            plot.webhook(self.then, "order_transactions/create", self._moves(order, 0, "void"), "voided")

    def _moves(self, order: Purchase, which: int, kind: str) -> dict[str, object]:
        return attempt(order, which, order.updated, "success", kind=kind)

    def expected(self, seen: Seen) -> Iterator[Told]:
        return iter(())


def _risk(plot: Plot) -> dict[str, object]:
    return {**body_of("orders/risk_assessment_changed"), "order_id": plot.number(), "risk_level": "high"}
