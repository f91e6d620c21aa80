"""What counts of an item's stock: whether it is watched at all, how many units there are, and the course they took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast

from schemas.facts.stock import InventoryFacts, Item
from stages.dossiers.registers import CAP, Known, Stamp
from stages.rules.rule import Case, Clear, Verdict


@dataclass(frozen=True, slots=True)
class Counted:
    """An item that is to be watched, and its available units."""

    item: Item
    available: int


def counted(case: Case) -> Counted | str | None:
    """A sentence says why it does not count any more; None where too little is known."""
    item = watched(case)
    if not isinstance(item, Item):
        return item
    if _is_disconnected(case, item):
        return "no location that sells online stocks it any more"
    return None if item.available is None else Counted(item, item.available)


def watched(case: Case) -> Item | str | None:
    """Wherever it is stocked."""
    item = case.dossier.stocked
    if item is None:
        return None
    if case.dossier.is_deleted:
        return "it was deleted"
    if item.tracked is False:
        return "its stock is not tracked any more"
    if item.product_status is not None and item.product_status != "active":
        return f"the product is {item.product_status} now"
    if item.bundle:
        return "it is a bundle, whose parts are counted"
    return None if item.tracked is None or item.product_status is None else item


def _is_disconnected(case: Case, item: Item) -> bool:
    """Units are also unknown where an item has more locations than could be read: that ends nothing."""
    told = case.dossier.newest(InventoryFacts)
    has_left = told is not None and told.disconnected
    return has_left and item.available is None and not any(level.active and level.online for level in item.levels)


def gone(why: str | None) -> Iterator[Verdict]:
    if why is not None:
        yield Clear(why)


def since_when(
    course: Sequence[Known[int | None]],
    is_open: bool,
    is_over: Callable[[int, Stamp], bool],
    is_news: Callable[[int, Stamp, int], bool],
) -> datetime | None:
    """Since when it holds, by all readings in their order. `is_news` is told the most that has been there before.

    Only the newest readings are kept: what is open began before them. A gap in which the item was not watched ends
    everything, and the reading behind it is where it starts from.
    """
    if not course:
        return None
    began, most = course[0].stamp.updated if is_open else None, None
    for known in course:
        units, at = known.value, known.stamp
        if units is None:
            began = most = None
            continue
        most = units if most is None else most
        if is_over(units, at):
            began = None
        elif is_news(units, at, most):
            began = began or at.updated
        most = max(most, units)
    return began


class Start(NamedTuple):
    """The reading that an item starts from: the first one, or the one behind the last gap, which began then."""

    reading: Known[int]
    behind: datetime | None


def started(course: Sequence[Known[int | None]]) -> Start | None:
    """None where there is no reading, and where the first one is not remembered any more."""
    gaps = [number for number, known in enumerate(course) if known.value is None]
    if not gaps and len(course) >= CAP:
        return None
    behind = course[gaps[-1] + 1 :] if gaps else course
    began = course[gaps[-1]].stamp.updated if gaps else None
    return None if not behind else Start(cast("Known[int]", behind[0]), began)
