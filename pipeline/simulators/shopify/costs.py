"""What a query costs and whether it may be paid: Shopify's published rules, roughly. An object is a point, a scalar is
free, a connection or a list of ids costs its members; the bucket fills by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline.simulators.shopify.documents import Document, Field, Selected, Value, filled

#: One query may not cost more, whatever the plan.
DEAREST = 1000


def requested(asked: Document, variables: Mapping[str, Value]) -> int:
    return sum(_cost(each, variables) for each in asked.selection)


def _cost(each: Selected, variables: Mapping[str, Value]) -> int:
    inner = sum(_cost(one, variables) for one in each.selection)
    if not each.selection or not isinstance(each, Field):
        return inner
    first, ids = (filled(each.arguments.get(name), variables) for name in ("first", "ids"))
    if isinstance(first, int):
        return first * max(1, inner - _page_info(each))
    return (1 + inner) * (len(ids) if isinstance(ids, list) else 1)


def _page_info(each: Field) -> int:
    return sum(isinstance(one, Field) and one.name == "pageInfo" for one in each.selection)


class Bucket:
    """`restore`: points a second. `seconds` is any steady clock."""

    def __init__(self, maximum: float, restore: float, seconds: Callable[[], float]) -> None:
        self._maximum = maximum
        self._restore = restore
        self._seconds = seconds
        self._available = maximum
        self._stamp = seconds()

    def available(self) -> float:
        now = self._seconds()
        self._available = min(self._maximum, self._available + (now - self._stamp) * self._restore)
        self._stamp = now
        return self._available

    def pay(self, points: int) -> None:
        self._available = self.available() - points

    def status(self) -> dict[str, float]:
        """As `throttleStatus` in the answer."""
        return {
            "maximumAvailable": self._maximum,
            "currentlyAvailable": int(self.available()),
            "restoreRate": self._restore,
        }
