"""What counts of an item's stock: whether it is watched at all, how many units there are, and the course they took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.facts import InventoryFacts, InventoryItemFacts, Item
from stages.dossiers.registers import Known
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


def _is_disconnected(case: Case, item: Item) -> bool:
    """Units are also unknown where an item has more locations than could be read: that ends nothing."""
    told = case.dossier.newest(InventoryFacts)
    has_left = told is not None and told.disconnected
    return has_left and item.available is None and not any(level.active and level.online for level in item.levels)


def gone(why: str | None) -> Iterator[Verdict]:
    if why is not None:
        yield Clear(why)


def since_when(
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
