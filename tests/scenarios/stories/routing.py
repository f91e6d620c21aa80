"""Use case 2 by fulfillment orders: prepared, refused after a cancellation, and a rest that is somewhere else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.graph import Page, gid
from pipeline.simulators.shopify.orders import FulfillmentOrder, FulfillmentOrderAssignedLocation
from schemas.alerts import Severity
from tests.scenarios.purchases import FULFILLMENT_ORDER, UNTRACKED, Purchase, purchase, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.parcels import in_part, parcel
from tests.scenarios.stories.story import SERVICE
from tests.scenarios.truth import Told, lasting, milestone, together


class Prepared:
    """For pickup, or for a local delivery; told once, and nobody's news before."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.how = plot.chance.choice(["pickup", "local_delivery"])
        self.ready = plot.after(10, 200)

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, method="PICK_UP" if self.how == "pickup" else "LOCAL")
        tells(plot, plot.start, order, "created", "orders/create")
        about(order, plot.start, "order_routing_complete", "routed")
        about(order, self.ready, f"line_items_prepared_for_{self.how}", "ready")

    def expected(self, seen: Seen) -> Iterator[Told]:
        yield milestone("fulfillment-packed", self.plot.order(), SERVICE, seen.first("ready"))


class ShipsAnyway:
    """Its fulfillment service goes on with an order that was cancelled; of one that was not, that is nobody's news."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.refused = plot.after(10, 100)
        self.cancelled = plot.chance.choice([NEVER, plot.after(2, 8), plot.after(110, 200)])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        tells(plot, plot.start, order, "created", "orders/create")
        about(order, self.refused, "cancellation_request_rejected", "refused", request_status="cancellation_rejected")
        if self.cancelled < NEVER:
            order = order.at(self.cancelled, cancelled=self.cancelled)
            tells(plot, self.cancelled, order, "cancelled", "orders/cancelled")

    def expected(self, seen: Seen) -> Iterator[Told]:
        """That it is cancelled Shopify says as well, when it is asked whose fulfillment order that is."""
        refused = seen.first("refused")
        at = refused if self.cancelled <= refused else max(refused, seen.first("cancelled"))
        anyway = lasting("shipment-exception", SERVICE, Severity.CRITICAL, at)
        yield from together(self.plot.order(), [anyway], seen.end)


class Elsewhere:
    """One line is at one location and shipped, the other at another: it may go, or only on a day that was agreed."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.first = plot.after(10, 60)
        self.is_scheduled = plot.chance.random() < 0.4
        self.second = plot.chance.choice([NEVER, plot.after(60, 300, self.first)])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, lines=2)
        tells(plot, plot.start, order, "created", "orders/create")
        plot.change(plot.start, *self._routed(order))
        rest = {"remaining_fulfillment_order": {"id": self._other, "status": "open"}}
        plot.webhook(plot.start, "fulfillment_orders/split", _of(order) | rest, "split")
        plot.webhook(self.first, "fulfillments/create", parcel(order, self.first) | UNTRACKED, "first")
        order = order.at(self.first, fulfillment="partial", shipped=(0,))
        tells(plot, self.first, order, "partial", "orders/partially_fulfilled")
        plot.change(self.first, *self._routed(order))
        if self.second < NEVER:
            rest_of_it = parcel(order, self.second, which=1) | UNTRACKED | {"line_items": [order.line(1)]}
            plot.webhook(self.second, "fulfillments/create", rest_of_it, "second")
            order = order.at(self.second, fulfillment="fulfilled", shipped=(0, 1))
            tells(plot, self.second, order, "done", "orders/fulfilled")
            plot.change(self.second, *self._routed(order))

    @property
    def _other(self) -> str:
        return gid("FulfillmentOrder", self.plot.number(FULFILLMENT_ORDER + 1))

    def _routed(self, order: Purchase) -> tuple[FulfillmentOrder, FulfillmentOrder]:
        whole = order.to_ship()
        here, there = whole.line_items.nodes
        agreed = {"status": "SCHEDULED", "fulfill_at": self.plot.start + timedelta(days=9)} if self.is_scheduled else {}
        place = FulfillmentOrderAssignedLocation(name="Second warehouse")
        rest = replace(whole, id=self._other, line_items=Page((there,)), assigned_location=place, **agreed)
        return replace(whole, line_items=Page((here,))), rest

    def expected(self, seen: Seen) -> Iterator[Told]:
        if not self.is_scheduled:
            at, over = in_part(seen, self.first, self.second)
            rest = lasting("fulfillment-partial", SERVICE, Severity.INFO, at, over)
            yield from together(self.plot.order(), [rest], seen.end)


def about(order: Purchase, at: datetime, topic: str, label: str, **changed: object) -> None:
    order.plot.webhook(at, f"fulfillment_orders/{topic}", _of(order, **changed), label)


def _of(order: Purchase, **changed: object) -> Json:
    return {"fulfillment_order": {"id": order.fulfillment_order, "status": "open", **changed}}
