"""Use case 3: stock that runs low, is out, or was oversold.

What counts is the sum over active locations that fulfil online orders, and that only a lookup tells: without it the
rules are silent, but for a variant that Shopify itself says has run out. Each of the three is a course, not a state:
an item's readings are gone through by their time, so that the first one is only where it starts from (below the
threshold a line of the digest, never an alert), and what comes late changes nothing but the past. Between the threshold
and its margin nothing changes. What falls from enough to nothing is low and out of stock, and stays low until there is
enough again. What its product tells of itself counts at once; while it is a draft, archived, or not tracked, nothing is
read, and behind that it starts anew. Not promised: that a location was deactivated is seen before an item's next
reading. Many alerts at once are the group stage's to bundle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas.alerts import Severity
from schemas.facts.stock import Item, VariantFacts
from stages.dossiers.registers import CAP
from stages.dossiers.stock import TOLD_OUT
from stages.rules.counting import Counted, counted, gone, since_when, started, watched
from stages.rules.rule import Case, Clear, Fire, Said, Tell, Verdict, details
from stages.rules.stock_words import called, goods_of, said
from stages.rules.thresholds import Place, available_at, course_of, course_of_whole, places_of, recovered_at
from stages.rules.words import bounded

WATCHED = frozenset({"inventory"})
_ORDERS = 5
_STARTED = "that is where it started from when it was first watched, or watched again"
_ONE_BY_ONE = 20
#: What is told once is remembered for longer.
_SEEN_LATELY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class InventoryLow:
    name: str = "inventory-low"
    use_case: int = 3
    watches: frozenset[str] = WATCHED

    def judge(self, case: Case) -> Iterator[Verdict]:
        found, item = counted(case), watched(case)
        if not isinstance(found, Counted):
            yield from gone(found)
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
        found = counted(case)
        if not isinstance(found, Counted):
            yield from gone(found)
            return
        told = _told_out(case)
        since = since_when(
            course_of_whole(case.dossier),
            bool(case.open),
            lambda units, _: units > 0,
            lambda _, at, most: most > 0 or at.delivery in told,
        )
        if found.available > 0:
            yield Clear(f"{found.available} available again")
        elif since is None:
            yield Clear(_STARTED)
        else:
            yield Fire(_out(case, found.item, since))


@dataclass(frozen=True, slots=True)
class InventoryOversold:
    """Of items that are not to be sold without stock; a policy that is not known excuses nothing. Of the others, for
    which it is how they are meant, where a company wants to hear of them. Names the oldest open orders that have it, as
    far as they have been told of."""

    name: str = "inventory-oversold"
    use_case: int = 3
    watches: frozenset[str] = WATCHED

    def judge(self, case: Case) -> Iterator[Verdict]:
        found = counted(case)
        if not isinstance(found, Counted):
            yield from gone(found)
            return
        since = since_when(
            course_of_whole(case.dossier),
            bool(case.open),
            lambda units, _: units >= 0,
            lambda units, _, most: units < most,
        )
        if found.available >= 0:
            yield Clear("there are as many as were sold")
        elif found.item.policy == "continue" and not case.configuration.rules.inventory.oversold_backorders:
            yield Clear("it may be sold without stock now")
        elif since is None:
            yield Clear(_STARTED)
        else:
            yield Fire(_oversold(case, found, since), level=_step(-found.available))


def _step(missing: int) -> int:
    """Each unit more is worse up to twenty, and from there on half as many again: an import is no thousand messages."""
    step, next_one = min(missing, _ONE_BY_ONE), _ONE_BY_ONE * 3 // 2
    while missing >= next_one:
        step, next_one = step + 1, next_one * 3 // 2
    return step


def _oversold(case: Case, found: Counted, since: datetime) -> Said:
    missing = -found.available
    title = f"Oversold: {called(found.item)}, {missing} more sold than there {'is' if missing == 1 else 'are'}"
    step = "Find the newest open orders of this product, and restock or tell their customers."
    severity = Severity.WARNING if found.item.policy == "continue" else Severity.CRITICAL
    told = said(case, found.item, title, (severity, since), step)
    waiting = ((number, sale) for number, sale in case.dossier.sold.items() if sale.is_open and sale.units > 0)
    oldest = sorted(waiting, key=lambda each: (each[1].placed, each[0]))[:_ORDERS]
    names = ", ".join(bounded(sale.name or str(number)) for number, sale in oldest)
    shown = details(oldest_open_orders=names)
    if case.dossier.sold_hourly:
        shown = details(oldest_open_orders_of_the_newest=names)
    return replace(told, details=(*told.details, *shown))


def is_low(case: Case, item: Item) -> bool:
    """The item as a whole is told of as low, as far as its readings reach; where they are cut off, what is below is."""
    place = places_of(item, case.configuration.rules.inventory)[0]
    return _low_since(case, item, place, len(case.dossier.readings) >= CAP) is not None


def _low_since(case: Case, item: Item, place: Place, is_open: bool) -> datetime | None:
    below, enough = place.below, recovered_at(place.below, case.configuration.rules.inventory)
    return since_when(
        course_of(place, case.dossier, item),
        is_open,
        lambda units, _: units >= enough,
        lambda units, _, most: units < below <= most,
    )


def _low(case: Case, item: Item, place: Place) -> Iterator[Verdict]:
    left, below = available_at(place, item), place.below
    if left is None:
        return
    since = _low_since(case, item, place, place.key in case.open)
    where = f" at {bounded(place.called)}" if place.called else ""
    what = f"{where}: {called(item)}, {max(left, 0) or 'none'} left (threshold {below})"
    if since is None:
        yield Clear(f"{left} available again" if left >= below else _STARTED, place.key)
        yield from _at_first_sight(case, item, place, f"Low at first sight{what}")
        return
    title = f"Low stock{what}"
    step = "Reorder, or take the product out of promotion until it is back."
    if place.called:
        step = "Reorder, or move some there from another location."
    told = said(case, item, title, (Severity.WARNING, since), step)
    yield Fire(replace(told, goods=goods_of(item, place.locations)), place.key)


def _at_first_sight(case: Case, item: Item, place: Place, title: str) -> Iterator[Verdict]:
    """A line of the digest, once: nothing has fallen. Not where Shopify says that it has just run out, and not while it
    has yet to tell what has become of the item since."""
    if case.dossier.is_unknown("item"):
        return
    found = started(course_of(place, case.dossier, item))
    left = available_at(place, item)
    if found is None or case.now - found.reading.stamp.occurred > _SEEN_LATELY:
        return
    if found.reading.stamp.delivery in _told_out(case):
        return
    if left is not None and max(left, found.reading.value) < place.below:
        step = "Reorder if it is to be sold: an alert comes only once there was enough, and less again."
        told = said(case, item, title, (Severity.INFO, found.reading.stamp.updated), step)
        anew = f"@{found.behind.isoformat()}" if found.behind else ""
        goods = goods_of(item, place.locations)
        yield Tell(replace(told, goods=goods, line=True), f"first-sight{anew}/{place.key}")


def _told_out(case: Case) -> frozenset[str]:
    """The deliveries that said so themselves, answered at once or later."""
    return frozenset(known.stamp.delivery for known in case.dossier.readings.values() if known.kind == TOLD_OUT)


def _variant_out(case: Case) -> Iterator[Verdict]:
    told = case.dossier.every(VariantFacts)
    if not told:
        return
    variant, since = told[-1].value, told[-1].stamp.occurred
    if variant.in_stock:
        yield Clear("Shopify says that it is in stock again")
        return
    item = Item(id=variant.id, sku=variant.sku, product_id=variant.product_id, policy=variant.policy)
    found = _out(case, item, since)
    unknown = ("the product's name and state, and how many there are: no Admin access is configured",)
    yield Fire(replace(found, unknown=unknown))


def _out(case: Case, item: Item, since: datetime) -> Said:
    """A policy that is not known excuses nothing."""
    title = f"Out of stock: {called(item)}"
    if item.policy == "continue":
        step = "Tell customers the real delivery time."
        return said(case, item, f"{title}, sells on backorder", (Severity.INFO, since), step)
    step = "Reorder now, or hide the product."
    end = ", cannot be sold any more" if item.policy == "deny" else ""
    return said(case, item, f"{title}{end}", (Severity.CRITICAL, since), step)
