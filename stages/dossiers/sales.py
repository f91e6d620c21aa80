"""What of an item was sold: the orders that have it, each as its newest change says, and the units of a week.

The newest orders of an item stand in its dossier, to the second. Of what sells faster the older ones are set aside,
each under a key of its own, and count by the hour: one that is cancelled or edited later takes its units back from
there. So the week of an item with thousands of orders is whole, and what a record costs does not grow with them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from msgspec import Struct

from schemas.facts.stock import SoldFacts
from stages.dossiers.registers import Stamp
from stages.stage import Family, State

#: The thing in an item's spans that says since when it is observed.
OBSERVED = "observed"
WEEK = timedelta(days=7)
#: How many orders of an item are kept one by one; each is some sixty bytes, written anew with every change.
MOST = 200
#: For how long before the newest one hours are kept: readings of two days find a whole week before them.
_HOURS = 9 * 24


class Sale(Struct, frozen=True, array_like=True):
    """`changed` makes one state of an order newer than another."""

    placed: datetime
    changed: Stamp
    units: int
    is_open: bool
    name: str | None


#: Under the item, by the order's number; longer than their hours count.
ASIDE: Family[Sale] = Family("sale", Sale, ttl=timedelta(days=10))


def with_sale(sold: Mapping[int, Sale], facts: SoldFacts, changed: Stamp) -> dict[int, Sale]:
    merged = dict(sold)
    known = merged.get(facts.order_id)
    if known is None or changed > known.changed:
        merged[facts.order_id] = Sale(facts.placed, changed, facts.units, facts.is_open, facts.order_name)
    return merged


def set_aside(
    sold: Mapping[int, Sale], hours: Mapping[int, int], item: str, state: State
) -> tuple[dict[int, Sale], dict[int, int]]:
    """The newest orders, and the units of all others by the hour in which these were placed.

    Which orders are the newest depends on nothing but on which there are: none comes back from there.
    """
    kept, counted = dict(sold), dict(hours)
    in_order = sorted(sold, key=lambda order: (sold[order].placed, order))
    for order in in_order[:-MOST]:
        sale, before = kept.pop(order), state.get(ASIDE, item, str(order))
        if before is not None and before.changed >= sale.changed:
            continue
        for each, units in _moved(before, sale):
            counted[each] = counted.get(each, 0) + units
        state.put(ASIDE, item, sale, str(order))
    newest = _hour_of(sold[in_order[-1]].placed) if in_order else 0
    return kept, {hour: units for hour, units in counted.items() if units and hour > newest - _HOURS}


def _moved(before: Sale | None, now: Sale) -> Iterator[tuple[int, int]]:
    if before is not None:
        yield _hour_of(before.placed), -before.units
    yield _hour_of(now.placed), now.units


class Pace:
    """How much was sold in the week before any moment: added up once, however many moments are asked about."""

    def __init__(self, sold: Mapping[int, Sale], hours: Mapping[int, int]) -> None:
        parts = [(sale.placed, sale.units) for sale in sold.values()]
        parts += [(_start_of(hour), units) for hour, units in hours.items()]
        parts.sort()
        self._moments = [at for at, _ in parts]
        self._sums = [0, *accumulate(units for _, units in parts)]

    def units(self, at: datetime) -> int:
        """In the seven days up to that moment."""
        return self._sums[bisect_right(self._moments, at)] - self._sums[bisect_right(self._moments, at - WEEK)]

    def daily(self, at: datetime) -> float:
        return self.units(at) / WEEK.days

    @property
    def newest(self) -> datetime | None:
        return self._moments[-1] if self._moments else None

    def falls(self, at: datetime) -> datetime | None:
        """When, after that moment, the next one of what was sold is a week old."""
        next_one = bisect_right(self._moments, at - WEEK)
        return self._moments[next_one] + WEEK if next_one < len(self._moments) else None


def _hour_of(at: datetime) -> int:
    return int(at.timestamp()) // 3600


def _start_of(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)
