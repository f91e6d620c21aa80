"""Working time, as arithmetic: when have so many hours, or so many days, been worked since a moment?

Pure: one calendar, read on one zone's clock. Hours are those that pass while somebody works: a night in which the clock
is put forward has one less. Days keep the time of day. Later starts never give earlier ends, and a length
in two parts ends when the whole does. Not promised: that of days of different lengths to the microsecond, or of
a time of day that the clock skips: that is the moment of its jump.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from holidays import country_holidays
from holidays.holiday_base import HolidayBase

from schemas.calendars import Calendar, Hours, PublicHolidays, Weekday, WorkingTime, WorkingUnit

_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_TICK = timedelta.resolution
_UNITS = {WorkingUnit.MINUTES: _MINUTE, WorkingUnit.HOURS: timedelta(hours=1)}
_WEEK = tuple(Weekday)
_LONGEST_BREAK = 1000

#: From and to, on the clock: since the day's midnight.
Turn = tuple[timedelta, timedelta]


class NoWorkingTime(ValueError):
    """For years nobody works."""


class Working:
    """One calendar in one zone. It remembers the days that it was asked about."""

    def __init__(self, calendar: Calendar, zone: tzinfo) -> None:
        self._zone = zone
        self._usual = turns(calendar.hours)
        self._own = {day: turns(hours) for day, hours in calendar.hours_on.items()}
        self._days = frozenset({*calendar.days, *calendar.hours_on})
        self._closed, self._open = frozenset(calendar.closed), frozenset(calendar.open)
        self._holidays = [_holidays(of) for of in calendar.holidays]
        self._turns: dict[date, Sequence[Turn]] = {}
        self._spans: dict[date, Sequence[tuple[datetime, datetime]]] = {}

    def add(self, start: datetime, length: WorkingTime) -> datetime:
        """The first moment by which that much has been worked; the start itself for nothing.

        Days that begin outside of working time begin with the next working time. Raises NoWorkingTime.
        """
        if not length.amount:
            return start
        at = start.astimezone(UTC)
        if length.unit is WorkingUnit.DAYS:
            return self._days_after(at, length.amount)
        return self._time_after(at, length.amount * _UNITS[length.unit])

    def day_from(self, day: date) -> date:
        """The first working day from then on. Raises NoWorkingTime."""
        for number in range(_LONGEST_BREAK):
            if self._turns_of(found := day + timedelta(days=number)):
                return found
        raise NoWorkingTime(f"nobody works in the {_LONGEST_BREAK} days from {day}")

    # --- hours ------------------------------------------------------------------------------------------------------

    def _time_after(self, start: datetime, left: timedelta) -> datetime:
        day = start.astimezone(self._zone).date()
        while True:
            for begin, end in self._spans_of(day):
                begin = max(begin, start)
                if end > begin:
                    if end - begin >= left:
                        return begin + left
                    left -= end - begin
            day = self._day_after(day)

    def _spans_of(self, day: date) -> Sequence[tuple[datetime, datetime]]:
        if (known := self._spans.get(day)) is None:
            spans = ((self._instant(day, begin), self._end(day, begin, end)) for begin, end in self._turns_of(day))
            known = self._spans[day] = tuple(spans)
        return known

    # --- days -------------------------------------------------------------------------------------------------------

    def _days_after(self, start: datetime, days: int) -> datetime:
        day, done = self._place(start)
        target = day
        for _ in range(days):
            target = self._day_after(target)
        done = done * (_worked(self._turns_of(target)) // _MINUTE) / (_worked(self._turns_of(day)) // _MINUTE)
        return self._worked_from(target, self._at(target, done))

    def _place(self, at: datetime) -> tuple[date, timedelta]:
        """The working day, and how much of it has been worked; of the next where nobody works any more."""
        day, clock = self._clock(at)
        done = timedelta()
        for begin, end in self._turns_of(day):
            if clock < end:
                return day, done + max(clock - begin, timedelta())
            done += end - begin
        return self._day_after(day), timedelta()

    def _at(self, day: date, done: timedelta) -> datetime:
        for begin, end in self._turns_of(day):
            if done < end - begin:
                return self._instant(day, begin + done)
            done -= end - begin
        return self._instant(day, timedelta(days=1))

    def _worked_from(self, day: date, at: datetime) -> datetime:
        """The first moment from then on at which somebody works."""
        while True:
            for begin, end in self._spans_of(day):
                if at < end:
                    return max(at, begin)
            day = self._day_after(day)

    def _day_after(self, day: date) -> date:
        return self.day_from(day + timedelta(days=1))

    def _turns_of(self, day: date) -> Sequence[Turn]:
        if (known := self._turns.get(day)) is None:
            known = self._turns[day] = self._turns_on(day)
        return known

    def _turns_on(self, day: date) -> Sequence[Turn]:
        names, weekday = {f"{day:%Y-%m-%d}", f"{day:%m-%d}"}, _WEEK[day.weekday()]
        if not names & self._open:
            is_holiday = any(day in holidays for holidays in self._holidays)
            if weekday not in self._days or names & self._closed or is_holiday:
                return ()
        return self._own.get(weekday, self._usual)

    # --- the clock --------------------------------------------------------------------------------------------------

    def _instant(self, day: date, clock: timedelta) -> datetime:
        """The first of two where the clock is put back; the jump itself where the clock skips it."""
        wall = datetime(day.year, day.month, day.day) + clock  # noqa: DTZ001 - a clock's hands know no zone
        first, second = (wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        return first if first <= second else self._change(second, first)

    def _end(self, day: date, begin: timedelta, end: timedelta) -> datetime:
        """Where the clock is put back at that very moment, it is the first of two, but for a turn that goes on."""
        once, twice = self._instant(day, end - _TICK) + _TICK, self._instant(day, end)
        if once >= twice:
            return twice
        again = once.astimezone(self._zone).replace(tzinfo=None) - datetime(day.year, day.month, day.day)  # noqa: DTZ001
        return twice if begin <= again else once

    def _clock(self, at: datetime) -> tuple[date, timedelta]:
        """What the hands say. An hour that comes twice is over with its first time."""
        local = at.astimezone(self._zone)
        hands = local.replace(tzinfo=None, fold=0)
        before, after = local.replace(fold=0).utcoffset(), local.utcoffset()
        if local.fold and before is not None and after is not None and before > after:
            hands = self._change(at - (before - after), at).astimezone(UTC).replace(tzinfo=None) + before
        # at 24:00 of a day it is still that day
        return local.date(), hands - datetime(local.year, local.month, local.day)  # noqa: DTZ001

    def _change(self, before: datetime, after: datetime) -> datetime:
        """When the clock was changed between the two, to the second."""
        low, high = before.astimezone(UTC).replace(microsecond=0), after.astimezone(UTC)
        was = low.astimezone(self._zone).utcoffset()
        while high - low > _SECOND:
            middle = low + (high - low) // _SECOND // 2 * _SECOND
            if middle.astimezone(self._zone).utcoffset() == was:
                low = middle
            else:
                high = middle
        return high.replace(microsecond=0)


def turns(hours: Sequence[Hours]) -> Sequence[Turn]:
    """In the order of the day."""
    return tuple(sorted((_clock(begin), _clock(end)) for begin, _, end in (each.partition("-") for each in hours)))


def _clock(text: str) -> timedelta:
    hours, _, minutes = text.partition(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _worked(turns_of_day: Sequence[Turn]) -> timedelta:
    return sum((end - begin for begin, end in turns_of_day), timedelta())


def _holidays(of: PublicHolidays) -> HolidayBase:
    return country_holidays(of.country, subdiv=of.subdivision)
