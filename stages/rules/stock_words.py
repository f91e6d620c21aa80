"""What the messages on stock say: the item, how many there are and where, and whom it concerns."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from schemas.alerts import Audience, Detail, Severity
from schemas.facts.stock import Item
from stages.dossiers.sales import OBSERVED, WEEK, Pace
from stages.judging.routing import Goods
from stages.rules.rule import Case, Said, admin_link, details
from stages.rules.words import bounded

#: Whom stock concerns.
READERS = (Audience.PROCUREMENT, Audience.MERCHANDISING, Audience.WAREHOUSE)
_LOCATIONS = 5


def said(case: Case, item: Item, title: str, how: tuple[Severity, datetime], step: str) -> Said:
    severity, since = how
    return Said(
        title=title,
        since=since,
        severity=severity,
        audiences=READERS,
        details=(
            *details(vendor=item.vendor),
            *((Detail("SKU", item.sku),) if item.sku else ()),
            *details(
                available=item.available,
                on_hand=item.on_hand,
                committed=item.committed,
                incoming=item.incoming,
                **_cover(case, item),
                by_location=_by_location(item),
                sold_without_stock={"continue": "yes", "deny": "no"}.get(item.policy or ""),
            ),
        ),
        next_step=step,
        link=admin_link(case.shop, f"products/{item.product_id}" if item.product_id else "products/inventory"),
        unknown=(*_unknown(item), *_unknown_cover(case)),
        goods=goods_of(item),
    )


def goods_of(item: Item, at: Collection[int] = ()) -> Goods:
    """`at`: the ids of the locations that it is about; without any, all that stock the item."""
    stocked = [level for level in item.levels if level.active and (not at or level.location_id in at)]
    places = (name for level in stocked for name in (level.location, str(level.location_id)) if name)
    return Goods(item.vendor, item.tags, tuple(places))


def _unknown(item: Item) -> tuple[str, ...]:
    counts = {"on hand": item.on_hand, "committed": item.committed, "incoming": item.incoming}
    missing = [name for name, count in counts.items() if count is None]
    return (
        *((f"how many are {' and '.join(missing)}",) if missing else ()),
        *(("whether it is sold without stock",) if item.policy is None else ()),
    )


def lasts(pace: Pace, at: datetime, units: int) -> str:
    """For how long so many units are enough at the pace of the week before, in words; empty where nothing was sold."""
    if not (daily := pace.daily(at)):
        return ""
    days = max(units, 0) / daily
    return f"{days:.0f} day{'' if round(days) == 1 else 's'}" if days >= 1 else "less than a day"


def _cover(case: Case, item: Item) -> dict[str, object]:
    if item.available is None or _unknown_cover(case):
        return {}
    pace = Pace(case.dossier.sold, case.dossier.sold_hourly)
    words = lasts(pace, case.now, item.available) or "nothing is sold of it"
    return {"cover": words, "sold_in_7_days": pace.units(case.now)}


def _unknown_cover(case: Case) -> tuple[str, ...]:
    """A week of sales tells, and only where any were told of at all."""
    observed = case.dossier.spans.get(OBSERVED, {}).get("yes")
    if not case.dossier.sold:
        return ("its cover, since no sales of it are known",)
    if observed is None or case.now - observed.first < WEEK:
        return ("its cover, since its sales are known for less than a week",)
    return ()


def _by_location(item: Item) -> str:
    """The sum's parts, where there are several."""
    found = [level for level in item.levels if level.active and level.online and level.available is not None]
    if len(found) < 2:
        return ""
    shown = [f"{level.location or level.location_id}: {level.available}" for level in found[:_LOCATIONS]]
    more = len(found) - len(shown)
    return ", ".join([*shown, f"and {more} more"] if more else shown)


def called(item: Item) -> str:
    product, sku = bounded(item.product or ""), bounded(item.sku or "")
    if product and sku:
        return f"{product} ({sku})"
    return product or (f"SKU {sku}" if sku else f"item {item.id}")
