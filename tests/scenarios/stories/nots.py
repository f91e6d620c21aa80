"""What nobody is told of: tests, echoes of our own, orders of another time, and days on which nothing is wrong.

Not promised by the rules, and so not asked of them: silence about a hold of a test order, or the risk of an imported
one, that comes before the order itself has been told of, where Shopify does not answer whose it is. These come here
after the longest delay.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

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


def _risk(plot: Plot) -> dict[str, object]:
    return {**body_of("orders/risk_assessment_changed"), "order_id": plot.number(), "risk_level": "high"}
