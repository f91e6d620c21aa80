"""Below which number of units an item is low, and which units are counted for it.

Everywhere the sum over the locations that sell online is counted. A location, or a group of them, counts for itself
only where a threshold is set for it, whether it sells online or not; an item that it does not stock has none there.
Of the thresholds of one place that fit an item the most specific one holds: one with its SKU before one with a tag of
its product before one with its vendor; where these are the same, the one that sets a further one; then the first in
the file. Not promised: a place of an item that is stocked at more than sixty locations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from schemas.configuration import InventoryRules, Threshold
from schemas.facts.stock import Item, Level
from stages.dossiers.dossier import Dossier, is_at_one_place, once
from stages.dossiers.registers import Known


@dataclass(frozen=True, slots=True)
class Place:
    """What is counted. `key` and `called` are empty for the whole item; `locations` are ids."""

    below: int
    key: str = ""
    called: str = ""
    locations: frozenset[int] = frozenset()


def places_of(item: Item, rules: InventoryRules) -> Sequence[Place]:
    """The item as a whole first, then each location and group with a threshold that fits the item."""
    return (Place(threshold_for(item, rules)), *_locations(item, rules), *_groups(item, rules))


def threshold_for(item: Item, rules: InventoryRules) -> int:
    """Of the item as a whole."""
    everywhere = [one for one in rules.thresholds if one.location is None and one.location_group is None]
    found = _most_specific(everywhere, item)
    return rules.below if found is None else found.below


def recovered_at(below: int, rules: InventoryRules) -> int:
    """Where a low stock is over: the threshold and its margin, at least one unit."""
    return below + max(1, int((Decimal(below) * rules.margin).to_integral_value(ROUND_CEILING)))


def course_of(place: Place, dossier: Dossier, item: Item) -> Sequence[Known[int | None]]:
    """The readings of what is counted, by their time."""
    if not place.key or is_at_one_place(item):
        return course_of_whole(dossier)
    readings = [known for known in dossier.readings.values() if known.value is None]
    readings += [Known(known.stamp, known.kind, _units(known.value, place)) for known in dossier.stock.values()]
    return sorted(readings, key=lambda known: known.stamp)


@once
def course_of_whole(dossier: Dossier) -> Sequence[Known[int | None]]:
    return sorted(dossier.readings.values(), key=lambda known: known.stamp)


def available_at(place: Place, item: Item) -> int | None:
    if not place.key:
        return item.available
    counts = [level.available for level in item.levels if level.location_id in place.locations]
    return None if None in counts else sum(count for count in counts if count is not None)


def _units(stock: tuple[tuple[int, int], ...], place: Place) -> int:
    return sum(units for location, units in stock if location in place.locations)


def _locations(item: Item, rules: InventoryRules) -> Iterator[Place]:
    for level in _stocked(item):
        fitting = [one for one in rules.thresholds if one.location is not None and _is_called(level, one.location)]
        if (found := _most_specific(fitting, item)) is not None:
            name = level.location or str(level.location_id)
            yield Place(found.below, f"location/{level.location_id}", name, frozenset({level.location_id}))


def _groups(item: Item, rules: InventoryRules) -> Iterator[Place]:
    for group in rules.location_groups:
        fitting = [one for one in rules.thresholds if one.location_group == group.name]
        found = _most_specific(fitting, item)
        among = [level for level in _stocked(item) if any(_is_called(level, name) for name in group.locations)]
        if found is not None and among:
            ids = frozenset(level.location_id for level in among)
            yield Place(found.below, f"group/{group.name}", group.name, ids)


def _stocked(item: Item) -> list[Level]:
    return [level for level in item.levels if level.active and level.available is not None]


def _is_called(level: Level, name: str) -> bool:
    return name == str(level.location_id) or name.lower() == (level.location or "").lower()


def _most_specific(thresholds: Sequence[Threshold], item: Item) -> Threshold | None:
    """`max` keeps the first of those that are equal."""
    fitting = (one for one in thresholds if _fits(one, item))
    return max(
        fitting, key=lambda one: (one.sku is not None, one.tag is not None, one.vendor is not None), default=None
    )


def _fits(threshold: Threshold, item: Item) -> bool:
    tags = {tag.lower() for tag in item.tags}
    return (
        (threshold.sku is None or threshold.sku == item.sku)
        and (threshold.vendor is None or threshold.vendor.lower() == (item.vendor or "").lower())
        and (threshold.tag is None or threshold.tag.lower() in tags)
    )
