"""Use case 3 over weeks: what sells well and does not last, and what only seems to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import cast

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.graph import gid
from schemas import subjects
from schemas.alerts import Severity
from tests.scenarios.purchases import ITEM, body_of, goods, purchase, stamp
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.truth import Told, lasting, together

_TO = ("procurement", "merchandising", "warehouse")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_PACE = 10

#: Units left: for less than five days, or for more; on the way to us: then nobody must hurry.
_LEFT: Mapping[str, int] = {"short": 45, "on its way": 45, "enough": 55, "cancelled": 45, "imported": 45}


class Popular:
    """Ten a day for nine days, then a count. One of the week's orders was cancelled, or is one of long ago."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.how = plot.chance.choice([*_LEFT, "short", "short"])
        self.counted = plot.start + 8 * _DAY + 12 * _HOUR
        self.restocked = plot.chance.choice([NEVER, self.counted + 9 * _HOUR])
        self.sold = [plot.after(60, 180, plot.start + day * _DAY) for day in range(9)]

    def tell(self) -> None:
        plot = self.plot
        self._reads(plot.start, 400, "first")
        for day, at in enumerate(self.sold):
            self._sells(at, day, is_odd=day == 5)
        self._reads(self.counted, _LEFT[self.how], "counted", incoming=300 if self.how == "on its way" else 0)
        if self.restocked < NEVER:
            self._reads(self.restocked, 400, "restocked")

    def expected(self, seen: Seen) -> Iterator[Told]:
        if self.how in ("short", "on its way"):
            severity = Severity.INFO if self.how == "on its way" else Severity.WARNING
            # nobody buys any more: with what was sold on five days of a week, 45 last for more than six
            slow = self.sold[3] + 7 * _DAY
            at, over = seen.first("counted"), min(seen.first("restocked"), slow)
            subject = subjects.inventory(self.plot.shop, self.plot.number(ITEM))
            cover = lasting("inventory-cover", _TO, severity, at, over)
            yield from together(subject, [cover], seen.end, alone=True)

    def _sells(self, at: datetime, day: int, *, is_odd: bool) -> None:
        plot = self.plot
        processed = at - 30 * _DAY if is_odd and self.how == "imported" else at
        order = purchase(plot, offset=day, processed=processed).at(at, created=at)
        units = {"quantity": _PACE, "current_quantity": _PACE}
        plot.change(at, *order.things(), *goods(plot, plot.start, 400))
        plot.webhook(at, "orders/create", order.body() | {"line_items": [order.line() | units]}, f"sold/{day}")
        if is_odd and self.how == "cancelled":
            over = at + 5 * _HOUR
            order, units = order.at(over, cancelled=over), {"quantity": _PACE, "current_quantity": 0}
            plot.change(over, *order.things(), *goods(plot, plot.start, 400))
            plot.webhook(over, "orders/cancelled", order.body() | {"line_items": [order.line() | units]}, "cancelled")

    def _reads(self, at: datetime, available: int, label: str, incoming: int = 0) -> None:
        plot = self.plot
        plot.change(at, *goods(plot, at, available, incoming=incoming))
        level = f"{gid('InventoryLevel', plot.number(ITEM + 5))}?inventory_item_id={plot.number(ITEM)}"
        own = {"inventory_item_id": plot.number(ITEM), "location_id": plot.number(ITEM + 3), "updated_at": stamp(at)}
        body = cast("Json", {**own, "available": available, "admin_graphql_api_id": level})
        plot.webhook(at, "inventory_levels/update", body_of("inventory_levels/update") | body, label)
