"""What of an item was sold: the newest orders that have it, and how many units a day that comes to.

Each order counts as its newest change says: one that was cancelled or edited takes less. Of a bounded number of orders
the newest stay, so that of an item that sells faster the days are fewer: its rate stays right.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from schemas.facts import SoldFacts
from stages.dossiers.registers import Stamp

#: The thing in an item's spans that says since when it is observed.
OBSERVED = "observed"
WEEK = timedelta(days=7)
#: How many orders of an item are kept; each is some fifty bytes, written anew with every change.
MOST = 200


class Sale(Struct, frozen=True, array_like=True):
    """`changed` makes one state of an order newer than another."""

    placed: datetime
    changed: Stamp
    units: int
    is_open: bool
    name: str | None


def with_sale(sold: Mapping[int, Sale], facts: SoldFacts, changed: Stamp) -> dict[int, Sale]:
    merged = dict(sold)
    known = merged.get(facts.order_id)
    if known is None or changed > known.changed:
        merged[facts.order_id] = Sale(facts.placed, changed, facts.units, facts.is_open, facts.order_name)
    newest = sorted(merged, key=lambda order: (merged[order].placed, order))[-MOST:]
    return {order: merged[order] for order in newest}


def sold_before(sold: Mapping[int, Sale], at: datetime) -> tuple[int, float]:
    """Units in the week before, and how many a day that comes to."""
    week = [sale for sale in sold.values() if at - WEEK < sale.placed <= at]
    units, days = sum(sale.units for sale in week), WEEK
    oldest = min((sale.placed for sale in sold.values()), default=at)
    if len(sold) >= MOST and at - oldest < WEEK:
        days = max(at - oldest, timedelta(hours=1))
    return units, units / (days / timedelta(days=1))
