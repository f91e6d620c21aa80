"""Use case 3: stock that crosses its threshold and recovers, runs out, is oversold, and stock that nobody watches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_CEILING

from pipeline.simulators.shopify.graph import gid
from schemas import subjects
from schemas.alerts import Severity
from tests.scenarios.purchases import ITEM, body_of, goods, stamp
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.truth import Condition, Told, lasting, milestone, together

#: What Shopify knows of the item; only the first and the last are watched.
_KINDS: Mapping[str, Mapping[str, object]] = {
    "watched": {},
    "draft": {"status": "DRAFT"},
    "untracked": {"tracked": False},
    "bundle": {"bundle": True},
    "backorder": {"policy": "CONTINUE"},
}
_TO = ("procurement", "merchandising", "warehouse")


class Counted:
    """Readings over the day. Shopify tells the number as it is when it is asked, not as it was."""

    courses: Sequence[tuple[int, ...]] = (
        (40, 22, 7, 60),
        (30, 8, 11, 9, 45, 3),
        (5, 8, 4),
        (40, 0, 50),
        (35, 4, -2, 30),
        (12, 9, 12, 8),
        (60, 30, 20, 11, 10, 9),
        (0, 20, 6, 0),
    )

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.available = plot.chance.choice(self.courses)
        self.kind = plot.chance.choice(["watched"] * 4 + [*_KINDS])
        self.read = [plot.start]
        for _ in self.available[1:]:
            self.read.append(plot.after(20, 110, self.read[-1]))

    def tell(self) -> None:
        plot = self.plot
        changed = _KINDS[self.kind]
        for number, (at, available) in enumerate(zip(self.read, self.available, strict=True)):
            plot.change(at, *goods(plot, at, available, **changed))
            item = plot.number(ITEM)
            own = {
                "inventory_item_id": item,
                "location_id": plot.number(ITEM + 3),
                "available": available,
                "updated_at": stamp(at),
                "admin_graphql_api_id": f"{gid('InventoryLevel', item + 5)}?inventory_item_id={item}",
            }
            plot.webhook(at, "inventory_levels/update", body_of("inventory_levels/update") | own, f"read/{number}")

    def expected(self, seen: Seen) -> Iterator[Told]:
        if self.kind in ("watched", "backorder"):
            subject = subjects.inventory(self.plot.shop, self.plot.number(ITEM))
            yield from together(subject, [*self._conditions(seen)], seen.end, alone=True)
            at, units = next(self._readings(seen), (NEVER, 0))
            if units < self.plot.rules.inventory.below:
                yield milestone("inventory-low", subject, _TO, at)

    def _conditions(self, seen: Seen) -> Iterator[Condition]:
        readings = list(self._readings(seen))
        is_low, is_out, most = False, False, None
        low, out, sold = list[tuple[datetime, Severity | None]](), list[tuple[datetime, Severity | None]](), []
        rules = self.plot.rules.inventory
        enough = rules.below + max(1, int((rules.below * rules.margin).to_integral_value(ROUND_CEILING)))
        worst_out = Severity.INFO if self.kind == "backorder" else Severity.CRITICAL
        for at, units in readings:
            if units >= enough:
                is_low = False
            elif most is not None and units < rules.below <= most:
                is_low = True
            is_out = units <= 0 and (is_out or (most is not None and most > 0))
            low.append((at, Severity.WARNING if is_low else None))
            out.append((at, worst_out if is_out else None))
            is_sold = units < 0 and most is not None and most > units and self.kind == "watched"
            sold.append((at, Severity.CRITICAL if is_sold else None))
            most = units if most is None else max(most, units)
        yield Condition("inventory-low", frozenset(_TO), low)
        yield Condition("inventory-out", frozenset(_TO), out)
        yield Condition("inventory-oversold", frozenset(_TO), sold)

    def _readings(self, seen: Seen) -> Iterator[tuple[datetime, int]]:
        """An older reading changes nothing. What is read is what there is at that moment."""
        newest = -1
        for at, label in seen.moments(*(f"read/{number}" for number in range(len(self.read)))):
            number = int(label.partition("/")[2])
            if number > newest:
                newest = number
                yield at, [units for read, units in zip(self.read, self.available, strict=True) if read <= at][-1]


class FirstSight(Counted):
    """A low item that is seen for the first time, and a restock: neither crosses anything. A line of the digest."""

    courses = ((3, 4, 9),)

    def __init__(self, plot: Plot) -> None:
        super().__init__(plot)
        self.kind = "watched"


class Shelved(Counted):
    """Low, and then its product is archived: that ends it, whether the product says so or the next look at the item."""

    courses = ((40, 7),)

    def __init__(self, plot: Plot) -> None:
        super().__init__(plot)
        self.kind = "watched"
        self.archived = plot.after(60, 240, self.read[-1])

    def tell(self) -> None:
        super().tell()
        plot, (item, variant, product) = self.plot, (self.plot.number(ITEM + n) for n in range(3))
        plot.change(self.archived, *goods(plot, self.archived, self.available[-1], status="ARCHIVED"))
        body = {
            "id": product,
            "title": "Thing",
            "vendor": "Maker",
            "status": "archived",
            "tags": "",
            "updated_at": stamp(self.archived),
            "variants": [{"id": variant, "inventory_item_id": item, "sku": f"SKU-{plot.index}"}],
        }
        plot.webhook(self.archived, "products/update", body, "archived")

    def expected(self, seen: Seen) -> Iterator[Told]:
        subject, below = subjects.inventory(self.plot.shop, self.plot.number(ITEM)), self.plot.rules.inventory.below
        readings = [*self._readings(seen)]
        watched = [(at, units) for at, units in readings if at < self.archived]
        gone = min([seen.first("archived"), *(at for at, _ in readings if at >= self.archived)])
        if [units < below for _, units in watched] == [False, True]:
            low = lasting("inventory-low", _TO, Severity.WARNING, watched[-1][0], gone)
            yield from together(subject, [low], seen.end, alone=True)
        elif watched and watched[0][1] < below:
            yield milestone("inventory-low", subject, _TO, watched[0][0])


class SoldOut:
    """Only Shopify's own word: the variant is out of stock, and later in stock again."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.restocked = plot.chance.choice([NEVER, plot.after(30, 300)])

    def tell(self) -> None:
        plot = self.plot
        own = {
            "id": plot.number(ITEM + 1),
            "admin_graphql_api_id": gid("ProductVariant", plot.number(ITEM + 1)),
            "product_id": plot.number(ITEM + 2),
            "inventory_policy": "deny",
        }
        plot.change(plot.start, *goods(plot, plot.start, 0))
        plot.webhook(plot.start, "variants/out_of_stock", body_of("variants/out_of_stock") | own, "out")
        if self.restocked < NEVER:
            plot.change(self.restocked, *goods(plot, self.restocked, 100))
            plot.webhook(self.restocked, "variants/in_stock", body_of("variants/in_stock") | own, "in")

    def expected(self, seen: Seen) -> Iterator[Told]:
        out, back = seen.first("out"), seen.first("in")
        if out < self.restocked:
            condition = Condition("inventory-out", frozenset(_TO), [(out, Severity.CRITICAL), (back, None)])
            subject = subjects.inventory(self.plot.shop, self.plot.number(ITEM))
            yield from together(subject, [condition], seen.end, alone=True)
