"""Use case 3, cover: a popular item of which there is not enough for the days to come, at the pace of its last week.

Popular is what has been observed for a week, and sold often in it. The pace is that of the week before each reading, so
that what comes late changes nothing but the past. Where the stock is low by its threshold, that is told and not this.
What nobody buys any more ends when its last sales are a week old. Not promised: seasons; sales whose item Shopify did
not tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas.alerts import Severity
from schemas.facts.stock import Item
from stages.dossiers.registers import Known, Stamp
from stages.dossiers.sales import OBSERVED, WEEK, Pace
from stages.rules.counting import Counted, counted, gone, since_when
from stages.rules.inventory import is_low
from stages.rules.rule import Again, Case, Clear, Fire, Said, Verdict
from stages.rules.stock_words import called, lasts, said
from stages.rules.thresholds import course_of_whole

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class InventoryCover:
    """Info while more is on its way."""

    name: str = "inventory-cover"
    use_case: int = 3
    watches: frozenset[str] = frozenset({"inventory"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        found = counted(case)
        if not isinstance(found, Counted):
            yield from gone(found)
            return
        pace = Pace(case.dossier.sold, case.dossier.sold_hourly)
        since = _since(case, pace)
        if is_low(case, found.item):
            yield Clear("it is told of as low stock")
        elif since is None or _is_enough(case, pace, case.now, found.available):
            yield Clear("there is enough for the days to come")
        else:
            yield Fire(_said(case, found.item, since, pace))
            # with no news of the item its pace falls, as its sales get older than a week
            if (falls := pace.falls(case.now)) is not None:
                yield Again(falls, "pace")


def _since(case: Case, pace: Pace) -> datetime | None:
    rules = case.configuration.rules.inventory

    def is_news(units: int, at: Stamp, _: int) -> bool:
        lasts = _lasts(case, pace, at.updated, units)
        return units > 0 and lasts is not None and lasts < rules.cover_below

    return since_when(
        _course(case, pace),
        bool(case.open),
        lambda units, at: _is_enough(case, pace, at.updated, units),
        is_news,
    )


def _course(case: Case, pace: Pace) -> list[Known[int | None]]:
    """The readings, and the newest of them once more at the newest sale: that changes the pace."""
    course, newest = [*course_of_whole(case.dossier)], pace.newest
    if course and newest is not None and newest > course[-1].stamp.updated:
        course.append(replace(course[-1], stamp=Stamp(newest, newest, "")))
    return course


def _is_enough(case: Case, pace: Pace, at: datetime, units: int) -> bool:
    lasts = _lasts(case, pace, at, units)
    return lasts is None or lasts > case.configuration.rules.inventory.cover_above


def _lasts(case: Case, pace: Pace, at: datetime, units: int) -> timedelta | None:
    """For how long so many units are enough; None for what is not popular, or not observed for long enough."""
    observed = case.dossier.spans.get(OBSERVED, {}).get("yes")
    if observed is None or at - observed.first < WEEK:
        return None
    if pace.units(at) < case.configuration.rules.inventory.popular_from:
        return None
    return max(units, 0) / pace.daily(at) * _DAY


def _said(case: Case, item: Item, since: datetime, pace: Pace) -> Said:
    available = item.available or 0
    enough = lasts(pace, case.now, available) or "long"
    title = f"Running out: {called(item)}, {available} left, enough for {enough} at {pace.daily(case.now):.1f} a day"
    severity = Severity.INFO if (item.incoming or 0) > 0 else Severity.WARNING
    step = "Reorder in time, or move some there from another location."
    if severity is Severity.INFO:
        step = "Check that what is on its way arrives in time."
    return replace(said(case, item, title, (severity, since), step), end=f"Running out: {called(item)}")
