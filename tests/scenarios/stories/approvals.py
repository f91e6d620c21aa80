"""Use case 5: orders that somebody must approve, asked again where they become larger, and withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from schemas.alerts import Severity
from tests.scenarios.company import COMPLIANCE
from tests.scenarios.purchases import purchase, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.story import FINANCE
from tests.scenarios.truth import Condition, Told, together


class Large:
    """An order of some size, edited to a larger one or not, cancelled or not; sometimes with goods of a list."""

    def __init__(self, plot: Plot) -> None:
        chance = plot.chance
        self.plot = plot
        self.total = Decimal(chance.choice([4990, 6000, 12000]))
        self.is_listed = chance.random() < 0.3
        self.edited = chance.choice([NEVER, plot.after(10, 100)])
        self.edited_to = self.total + Decimal(chance.choice([50, 3200]))
        self.cancelled = chance.choice([NEVER, plot.after(150, 300)])

    def tell(self) -> None:
        tags = ("export-control",) if self.is_listed else ()
        order = purchase(self.plot, total=self.total, tags=tags)
        tells(self.plot, self.plot.start, order, "created", "orders/create")
        if self.edited < NEVER:
            order = order.at(self.edited, total=self.edited_to)
            tells(self.plot, self.edited, order, "edited", "orders/updated")
        if self.cancelled < NEVER:
            order = order.at(self.cancelled, cancelled=self.cancelled)
            tells(self.plot, self.cancelled, order, "cancelled", "orders/cancelled")

    def expected(self, seen: Seen) -> Iterator[Told]:
        created, edited, over = seen.first("created"), seen.first("edited"), seen.first("cancelled")
        known = sorted(one for one in ((created, self.total), (edited, self.edited_to)) if one[0] < over)
        if known and known[0][1] == self.edited_to:
            known = known[:1]
        policies = [(FINANCE, next(p.total_from for p in self.plot.whole.approvals if p.total_from))]
        policies += [((COMPLIANCE,), Decimal(0))] if self.is_listed else []
        conditions = [
            Condition(
                "approval-required",
                frozenset(teams),
                [*((at, Severity.WARNING) for at, total in known if total >= least), (over, None)],
                _levels(known, least),
            )
            for teams, least in policies
        ]
        yield from together(self.plot.order(), conditions, seen.end)


def _levels(known: list[tuple[datetime, Decimal]], least: Decimal) -> list[tuple[datetime, int]]:
    """A larger amount is asked for again."""
    return [(at, int(total)) for at, total in known if total >= least]
