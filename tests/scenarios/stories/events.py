"""Use cases 1 and 2 by next-generation Events, which only say of what they are: it is looked up as it is by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from schemas.alerts import Severity
from tests.scenarios.purchases import Purchase, purchase
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.orders import risk_of
from tests.scenarios.stories.story import OPERATIONS
from tests.scenarios.truth import Told, lasting, together

_WRONG: Mapping[str, Mapping[str, Any]] = {
    "risk": {"risk": risk_of("high", "CANCEL")},
    "tag": {"tags": ("Review",)},
}
_SAID = {
    "risk": ("order-high-risk", Severity.CRITICAL),
    "tag": ("order-manual-review", Severity.WARNING),
}


class OnlyEvents:
    """No webhook tells of this order. A risk, or a tag; then it is cancelled, or all is well again, or nothing."""

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
            well = order.at(self.over, risk=risk_of("low", "ACCEPT"), tags=())
            self._changes(self.over, well, "over", "Order/update")

    def _changes(self, at: datetime, order: Purchase, label: str, topic: str) -> None:
        self.plot.change(at, *order.things())
        self.plot.event(at, topic, order.number, label)

    def expected(self, seen: Seen) -> Iterator[Told]:
        rule, severity = _SAID[self.what]
        looked = [at for at, _ in seen.moments("created", "wrong", "over")]
        opened = min((at for at in looked if self.wrong <= at < self.over), default=NEVER)
        over = min((at for at in looked if at >= self.over), default=NEVER)
        yield from together(self.plot.order(), [lasting(rule, OPERATIONS, severity, opened, over)], seen.end)
