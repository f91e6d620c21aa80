"""A topic's rhythm: in which spans of five minutes it was heard over two weeks, and how long a silence is too long.

Twelve bits for each hour, merged by "or", so that neither order nor number of the signals matters. The usual gap of an
hour is that of the same hour of the week, one week and two weeks before. A silence is as long as the gaps that would
have fallen into it, hour by hour: through a night in which nothing is usual none of it counts, and the morning is given
its own time. Not promised: that of a shop whose habits have changed since last week.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

#: The thing in a dossier's spans that says when a topic, or a job, was heard first and last.
HEARD = "heard"
#: The one that says since when a job is awaited.
AWAITED = "awaited"
SPAN = timedelta(minutes=5)
LEARNED = timedelta(days=14)
_HOUR, _WEEK = timedelta(hours=1), 7 * 24
#: No silence is waited for any longer.
_LONGEST = timedelta(days=14)


def beaten(rhythm: Mapping[int, int], at: datetime) -> dict[int, int]:
    """The rhythm with one span more; what is older than two weeks before the newest is left out."""
    hour, span = _hour_of(at), at.astimezone(UTC).minute // 5
    merged = {**rhythm, hour: rhythm.get(hour, 0) | 1 << span}
    newest = max(merged)
    return {each: bits for each, bits in merged.items() if each > newest - 2 * _WEEK - 1}


def span_end(at: datetime) -> datetime:
    """Of that span only its first webhook is known: the silence begins behind it."""
    began = at.astimezone(UTC)
    return began.replace(minute=began.minute // 5 * 5, second=0, microsecond=0) + SPAN


def silent_from(rhythm: Mapping[int, int], heard: datetime, gaps: int, least: timedelta) -> datetime:
    """When so many usual gaps have passed since `heard`, and no less than `least`."""
    left, moment, last = float(gaps), heard, heard + _LONGEST
    while moment < last:
        end = min(_start_of(_hour_of(moment) + 1), last)
        heard_in_hour = _usual(rhythm, _hour_of(moment), _hour_of(heard))
        passed = (end - moment) / _HOUR * heard_in_hour
        if passed >= left:
            return max(moment + left / heard_in_hour * _HOUR, heard + least)
        left, moment = left - passed, end
    return last


def _usual(rhythm: Mapping[int, int], hour: int, known: int) -> float:
    """In how many spans of that hour of the week it is heard. `known`: the last hour that may be looked back to."""
    weeks = max(1, -(-(hour - known) // _WEEK))
    before = [hour - _WEEK * week for week in (weeks, weeks + 1)]
    return sum(rhythm.get(each, 0).bit_count() for each in before) / len(before)


def _hour_of(at: datetime) -> int:
    return int(at.timestamp()) // 3600


def _start_of(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)
