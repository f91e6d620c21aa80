"""Use case 3: stock that runs low, is out, or was oversold.

What counts is the sum over active locations that fulfil online orders, and that only a lookup tells: without it the
rules are silent, but for a variant that Shopify itself says has run out. Each of the three is a course, not a state:
an item's readings are gone through by their time, so that the first one is only where it starts from, and what comes
late changes nothing but the past. Between the threshold and its margin nothing changes; at nothing left a low stock
stays what it was, and out of stock is told. Not yet: cover in days, routes by vendor and tag,
the storm's one digest, the digest of first readings, the orders that were oversold; that a product was archived is
seen at its next reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from schemas.alerts import Audience, Detail, Severity
from schemas.facts import InventoryFacts, InventoryItemFacts, Item, VariantFacts
from stages.dossiers.registers import Known
from stages.rules.rule import Case, Clear, Fire, Said, Verdict, admin_link, details
from stages.rules.thresholds import Place, available_at, course_of, course_of_whole, places_of, recovered_at
from stages.rules.words import bounded

WATCHED = frozenset({"inventory"})
_TO = (Audience.PROCUREMENT, Audience.MERCHANDISING, Audience.WAREHOUSE)
_TOLD_OUT = "variants/out_of_stock"
_LOCATIONS = 5


@dataclass(frozen=True, slots=True)
class InventoryLow:
    name: str = "inventory-low"
    use_case: int = 3
    watches: frozenset[str] = WATCHED

    def judge(self, case: Case) -> Iterator[Verdict]:
        found, item = _counted(case), _watched(case)
        if not isinstance(found, Counted):
            yield from _gone(found)
        if not isinstance(item, Item):
            yield from (Clear(item, key) for key in sorted(case.open - {""}) if item is not None)
            return
        places = places_of(item, case.configuration.rules.inventory)
        for place in places:
            if place.key or isinstance(found, Counted):
                yield from _low(case, item, place)
        for key in sorted(case.open - {place.key for place in places}):
            yield Clear("nothing is counted there any more", key)


@dataclass(frozen=True, slots=True)
class InventoryOut:
    """Of what has been there before, or what Shopify says has just run out.

    A shop without Admin access has variants of their own, not items: Shopify's word is then all that is known.
    """

    name: str = "inventory-out"
    use_case: int = 3
    watches: frozenset[str] = WATCHED | {"variant"}

    def judge(self, case: Case) -> Iterator[Verdict]:
        if case.kind == "variant":
            yield from _variant_out(case)
            return
        found = _counted(case)
        if not isinstance(found, Counted):
            yield from _gone(found)
            return
        told = _told_out(case)
        since = _since(
            course_of_whole(case.dossier),
            bool(case.open),
            lambda known: known.value > 0,
            lambda known, most: most > 0 or known.stamp.delivery in told,
        )
        if found.available > 0:
            yield Clear(f"{found.available} available again")
        elif since is not None:
            yield Fire(_out(case, found.item, since))


@dataclass(frozen=True, slots=True)
class InventoryOversold:
    """Only of items that are not to be sold without stock: for the others it is how they are meant."""

    name: str = "inventory-oversold"
    use_case: int = 3
    watches: frozenset[str] = WATCHED

    def judge(self, case: Case) -> Iterator[Verdict]:
        found = _counted(case)
        if not isinstance(found, Counted):
            yield from _gone(found)
            return
        since = _since(
            course_of_whole(case.dossier),
            bool(case.open),
            lambda known: known.value >= 0,
            lambda known, most: known.value < most,
        )
        if found.available >= 0:
            yield Clear("there are as many as were sold")
        elif found.item.policy == "continue":
            yield Clear("it may be sold without stock now")
        elif since is not None and found.item.policy == "deny":
            missing = -found.available
            title = f"Oversold: {_called(found.item)}, {missing} more sold than there {'is' if missing == 1 else 'are'}"
            step = "Find the newest open orders of this product, and restock or tell their customers."
            yield Fire(_said(case, found.item, title, (Severity.CRITICAL, since), step), level=missing)


def _low(case: Case, item: Item, place: Place) -> Iterator[Verdict]:
    left, course = available_at(place, item), course_of(place, case.dossier, item)
    if left is None:
        return
    below, enough = place.below, recovered_at(place.below, case.configuration.rules.inventory)
    since = _since(
        course,
        place.key in case.open,
        lambda known: known.value >= enough,
        lambda known, most: 0 < known.value < below <= most,
    )
    if since is None:
        yield Clear(f"{left} available again", place.key)
        return
    where = f" at {bounded(place.called)}" if place.called else ""
    title = f"Low stock{where}: {_called(item)}, {max(left, 0) or 'none'} left (threshold {below})"
    step = "Reorder, or take the product out of promotion until it is back."
    if place.called:
        step = "Reorder, or move some there from another location."
    yield Fire(_said(case, item, title, (Severity.WARNING, since), step), place.key)


# --- what counts ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counted:
    """An item that is to be watched, and its available units."""

    item: Item
    available: int


def _counted(case: Case) -> Counted | str | None:
    """A sentence says why it does not count any more; None where too little is known."""
    item = _watched(case)
    if not isinstance(item, Item):
        return item
    if _is_disconnected(case, item):
        return "no location that sells online stocks it any more"
    return None if item.available is None else Counted(item, item.available)


def _watched(case: Case) -> Item | str | None:
    """Wherever it is stocked."""
    known = case.dossier.item
    if known is None:
        return None
    item = known.value
    if item.tracked is False or _is_untracked_since(case, known.stamp.occurred):
        return "its stock is not tracked any more"
    if item.product_status is not None and item.product_status != "active":
        return f"the product is {item.product_status} now"
    if item.bundle:
        return "it is a bundle, whose parts are counted"
    return None if item.tracked is None or item.product_status is None else item


def _is_untracked_since(case: Case, looked_up: datetime) -> bool:
    told = case.dossier.every(InventoryItemFacts)
    return bool(told) and told[-1].value.tracked is False and told[-1].stamp.occurred >= looked_up


def _told_out(case: Case) -> frozenset[str]:
    """The deliveries that said so themselves, answered at once or later."""
    variants = (known for known in case.dossier.every(VariantFacts) if not known.value.in_stock)
    read = (known for known in case.dossier.readings.values() if known.kind == _TOLD_OUT)
    return frozenset(known.stamp.delivery for found in (variants, read) for known in found)


def _is_disconnected(case: Case, item: Item) -> bool:
    """Units are also unknown where an item has more locations than could be read: that ends nothing."""
    told = case.dossier.newest(InventoryFacts)
    has_left = told is not None and told.disconnected
    return has_left and item.available is None and not any(level.active and level.online for level in item.levels)


def _gone(why: str | None) -> Iterator[Verdict]:
    if why is not None:
        yield Clear(why)


def _since(
    course: Sequence[Known[int]],
    is_open: bool,
    is_over: Callable[[Known[int]], bool],
    is_news: Callable[[Known[int], int], bool],
) -> datetime | None:
    """Since when it holds, by all readings in their order. `is_news` is told the most that has been there before.

    Only the newest readings are kept: what is open began before them.
    """
    if not course:
        return None
    began = course[0].stamp.updated if is_open else None
    most = course[0].value
    for known in course:
        if is_over(known):
            began = None
        elif is_news(known, most):
            began = began or known.stamp.updated
        most = max(most, known.value)
    return began


def _variant_out(case: Case) -> Iterator[Verdict]:
    told = case.dossier.every(VariantFacts)
    if not told:
        return
    variant, since = told[-1].value, told[-1].stamp.occurred
    if variant.in_stock:
        yield Clear("Shopify says that it is in stock again")
        return
    item = Item(id=variant.id, sku=variant.sku, product_id=variant.product_id, policy=variant.policy)
    said = _out(case, item, since)
    unknown = ("the product's name and state, and how many there are: no Admin access is configured",)
    yield Fire(replace(said, unknown=unknown))


# --- what is said -----------------------------------------------------------------------------------------------------


def _out(case: Case, item: Item, since: datetime) -> Said:
    """A policy that is not known excuses nothing."""
    title = f"Out of stock: {_called(item)}"
    if item.policy == "continue":
        step = "Tell customers the real delivery time."
        return _said(case, item, f"{title}, sells on backorder", (Severity.INFO, since), step)
    step = "Reorder now, or hide the product."
    end = ", cannot be sold any more" if item.policy == "deny" else ""
    return _said(case, item, f"{title}{end}", (Severity.CRITICAL, since), step)


def _said(case: Case, item: Item, title: str, how: tuple[Severity, datetime], step: str) -> Said:
    severity, since = how
    return Said(
        title=title,
        since=since,
        severity=severity,
        audiences=_TO,
        details=(
            *details(vendor=item.vendor),
            *((Detail("SKU", item.sku),) if item.sku else ()),
            *details(
                available=item.available,
                on_hand=item.on_hand,
                committed=item.committed,
                incoming=item.incoming,
                by_location=_by_location(item),
                sold_without_stock={"continue": "yes", "deny": "no"}.get(item.policy or ""),
            ),
        ),
        next_step=step,
        link=admin_link(case.shop, f"products/{item.product_id}" if item.product_id else "products/inventory"),
        unknown=_unknown(item),
    )


def _unknown(item: Item) -> tuple[str, ...]:
    counts = {"on hand": item.on_hand, "committed": item.committed, "incoming": item.incoming}
    missing = [name for name, count in counts.items() if count is None]
    return (
        *((f"how many are {' and '.join(missing)}",) if missing else ()),
        *(("whether it is sold without stock",) if item.policy is None else ()),
    )


def _by_location(item: Item) -> str:
    """The sum's parts, where there are several."""
    found = [level for level in item.levels if level.active and level.online and level.available is not None]
    if len(found) < 2:
        return ""
    shown = [f"{level.location or level.location_id}: {level.available}" for level in found[:_LOCATIONS]]
    more = len(found) - len(shown)
    return ", ".join([*shown, f"and {more} more"] if more else shown)


def _called(item: Item) -> str:
    product, sku = bounded(item.product or ""), bounded(item.sku or "")
    if product and sku:
        return f"{product} ({sku})"
    return product or (f"SKU {sku}" if sku else f"item {item.id}")
