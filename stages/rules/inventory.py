"""Use case 3: stock that runs low, is out, or was oversold.

What counts is the sum over active locations that fulfil online orders, and that only a lookup tells: without it the
rules are silent. A low stock is a crossing: the first reading of an item is where it starts from, and between the
threshold and its margin nothing changes. Not yet: cover in days, thresholds per location, the storm's one digest, and
the digest of first readings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from schemas.alerts import Audience, Severity
from schemas.configuration import InventoryRules, Threshold
from schemas.facts import Item, VariantFacts
from stages.dossier import Dossier
from stages.rules.rule import Case, Clear, Fire, Said, Verdict, admin_link, details

WATCHED = frozenset({"inventory"})
_TO = (Audience.PROCUREMENT, Audience.MERCHANDISING, Audience.WAREHOUSE)


@dataclass(frozen=True, slots=True)
class InventoryLow:
    name: str = "inventory-low"
    use_case: int = 3
    watches: frozenset[str] = WATCHED

    def judge(self, case: Case) -> Iterator[Verdict]:
        found = _counted(case)
        if not isinstance(found, tuple):
            yield from _gone(found)
            return
        item, available = found
        below = threshold_for(item, case.configuration.rules.inventory)
        if available >= recovered_at(below, case.configuration.rules.inventory):
            yield Clear(f"{available} are available again")
        elif 0 < available < below and (case.open or _was_at(case.dossier, below)):
            title = f"Low stock: {_called(item)}, {available} left (threshold {below})"
            step = "Reorder, or take the product out of promotion until it is back."
            yield Fire(_said(case, item, title, Severity.WARNING, step))


@dataclass(frozen=True, slots=True)
class InventoryOut:
    name: str = "inventory-out"
    use_case: int = 3
    watches: frozenset[str] = WATCHED

    def judge(self, case: Case) -> Iterator[Verdict]:
        found = _counted(case)
        if not isinstance(found, tuple):
            yield from _gone(found)
            return
        item, available = found
        if available > 0:
            yield Clear(f"{available} are available again")
        elif case.open or _was_at(case.dossier, 1) or _is_told_out(case.dossier):
            yield Fire(_out(case, item))


@dataclass(frozen=True, slots=True)
class InventoryOversold:
    """Only of items that are not to be sold without stock: for the others it is how they are meant."""

    name: str = "inventory-oversold"
    use_case: int = 3
    watches: frozenset[str] = WATCHED

    def judge(self, case: Case) -> Iterator[Verdict]:
        found = _counted(case)
        if not isinstance(found, tuple):
            yield from _gone(found)
            return
        item, available = found
        if available >= 0:
            yield Clear(f"{available} are available")
        elif item.policy == "deny":
            title = f"Oversold: {_called(item)}, {-available} more sold than there are"
            step = "Find the newest open orders of this product, and tell their customers or restock."
            yield Fire(_said(case, item, title, Severity.CRITICAL, step), level=-available)


def threshold_for(item: Item, rules: InventoryRules) -> int:
    """That of the first line that fits the item, else the general one."""
    return next((one.below for one in rules.thresholds if _fits(one, item)), rules.below)


def recovered_at(below: int, rules: InventoryRules) -> int:
    """Where a low stock is over: the threshold and its margin, at least one unit."""
    return below + max(1, int((Decimal(below) * rules.margin).to_integral_value(ROUND_CEILING)))


def _fits(threshold: Threshold, item: Item) -> bool:
    tags = {tag.lower() for tag in item.tags}
    return (
        (threshold.sku is None or threshold.sku == item.sku)
        and (threshold.vendor is None or threshold.vendor == item.vendor)
        and (threshold.tag is None or threshold.tag.lower() in tags)
    )


def _counted(case: Case) -> tuple[Item, int] | str | None:
    """The item and its available units; why it does not count any more; None where nothing is known."""
    known = case.dossier.item
    if known is None:
        return None
    item = known.value
    if item.tracked is False:
        return "its stock is not tracked any more"
    if item.product_status is not None and item.product_status != "active":
        return f"the product is {item.product_status}"
    if item.bundle:
        return "it is a bundle, whose parts are counted"
    if item.available is None or item.tracked is None or item.product_status is None:
        return None
    return item, item.available


def _gone(why: str | None) -> Iterator[Verdict]:
    if why is not None:
        yield Clear(why)


def _was_at(dossier: Dossier, least: int) -> bool:
    """Some earlier reading was at least that: what is below it now has crossed it."""
    newest = max(dossier.readings, default="")
    return any(known.value >= least for at, known in dossier.readings.items() if at < newest)


def _is_told_out(dossier: Dossier) -> bool:
    variant = dossier.newest(VariantFacts)
    return variant is not None and not variant.in_stock


def _out(case: Case, item: Item) -> Said:
    backorder = item.policy == "continue"
    title = f"Out of stock: {_called(item)}" + (", sells on backorder" if backorder else ", it cannot be sold any more")
    step = "Tell customers the real delivery time." if backorder else "Reorder now, or hide the product."
    return _said(case, item, title, Severity.INFO if backorder else Severity.CRITICAL, step)


def _said(case: Case, item: Item, title: str, severity: Severity, step: str) -> Said:
    known = case.dossier.item
    return Said(
        title=title,
        since=known.stamp.updated if known else case.now,
        severity=severity,
        audiences=_TO,
        details=details(
            vendor=item.vendor,
            sku=item.sku,
            available=item.available,
            on_hand=item.on_hand,
            committed=item.committed,
            incoming=item.incoming,
            by_location=_by_location(item),
            sold_without_stock="yes" if item.policy == "continue" else None,
        ),
        next_step=step,
        link=admin_link(case.shop, f"products/{item.product_id}" if item.product_id else "products/inventory"),
    )


def _by_location(item: Item) -> str:
    shown = [f"{level.location or level.location_id}: {level.available}" for level in item.levels[:5] if level.active]
    return ", ".join(shown) if len(shown) > 1 else ""


def _called(item: Item) -> str:
    if item.product and item.sku:
        return f"{item.product} ({item.sku})"
    return item.product or item.sku or f"item {item.id}"
