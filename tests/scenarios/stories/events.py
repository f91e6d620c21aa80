"""Use cases 1 and 2 by next-generation Events, which only say of what they are: it is looked up as it is by then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from schemas.alerts import Severity
from tests.scenarios.purchases import FULFILLMENT_ORDER, Purchase, purchase, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.holds import hold
from tests.scenarios.stories.orders import risk_of
from tests.scenarios.stories.story import OPERATIONS
from tests.scenarios.truth import Told, lasting, together

_WRONG: Mapping[str, Mapping[str, Any]] = {
    "risk": {"risk": risk_of("high", "CANCEL")},
    "tag": {"tags": ("Review",)},
    "voided": {"financial": "voided"},
}
_SAID = {
    "risk": ("order-high-risk", Severity.CRITICAL),
    "tag": ("order-manual-review", Severity.WARNING),
    "voided": ("order-payment-pending", Severity.WARNING),
}


class OnlyEvents:
    """No webhook tells of this order. A risk, a tag, a voided payment; it is cancelled, or all is well, or nothing."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.what = plot.chance.choice([*_WRONG])
        self.wrong = plot.after(5, 60)
        self.how = plot.chance.choice(["cancelled", "well", "nothing"])
        self.over = NEVER if self.how == "nothing" else plot.after(30, 200, self.wrong)

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        self._changes(plot.start, order, "created", "Order/create")
        order = order.at(self.wrong, **_WRONG[self.what])
        self._changes(self.wrong, order, "wrong", "Order/update")
        if self.how == "cancelled":
            self._changes(self.over, order.at(self.over, cancelled=self.over), "over", "Order/update")
        elif self.how == "well":
            well = order.at(self.over, risk=risk_of("low", "ACCEPT"), tags=(), financial="paid")
            self._changes(self.over, well, "over", "Order/update")

    def _changes(self, at: datetime, order: Purchase, label: str, topic: str) -> None:
        self.plot.change(at, *order.things())
        self.plot.event(at, topic, order.number, label)

    def expected(self, seen: Seen) -> Iterator[Told]:
        rule, severity = _SAID[self.what]
        opened, over = shown(seen.moments("created", "wrong", "over"), self.wrong, self.over)
        yield from together(self.plot.order(), [lasting(rule, OPERATIONS, severity, opened, over)], seen.end)


class HeldByEvents:
    """Another app holds the order, and releases it or not; Events tell of the fulfillment order only."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.held = plot.after(5, 60)
        self.released = plot.chance.choice([NEVER, plot.after(20, 200, self.held)])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        tells(plot, plot.start, order, "created", "orders/create")
        number = plot.number(FULFILLMENT_ORDER)
        plot.change(self.held, order.to_ship(hold(plot, "other", is_ours=False)))
        plot.event(self.held, "FulfillmentOrder/update", number, "held")
        if self.released < NEVER:
            plot.change(self.released, order.at(self.released).to_ship())
            plot.event(self.released, "FulfillmentOrder/update", number, "released")

    def expected(self, seen: Seen) -> Iterator[Told]:
        opened, over = shown(seen.moments("held", "released"), self.held, self.released)
        held = lasting("order-manual-review", OPERATIONS, Severity.WARNING, opened, over)
        yield from together(self.plot.order(), [held], seen.end)


def shown(looks: Iterable[tuple[datetime, str]], since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """When what was so for a time was first looked at, and when it was first seen to be over."""
    moments = [at for at, _ in looks]
    opened = min((at for at in moments if since <= at < until), default=NEVER)
    return opened, min((at for at in moments if at >= until), default=NEVER)
