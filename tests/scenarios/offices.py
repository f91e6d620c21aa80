"""When a team of the stories works: nine to five, Monday to Friday, but for the days named. Written down once more
here, so that no rule is judged by its own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_OPENS, _SHUTS = time(9), time(17)


@dataclass(frozen=True, slots=True)
class Office:
    zone: str
    closed: frozenset[date] = frozenset()

    def hours(self, since: datetime, hours: int) -> datetime:
        """So many hours of work later."""
        left, day = timedelta(hours=hours), since.astimezone(ZoneInfo(self.zone)).date()
        while True:
            opens, shuts = self._at(day, _OPENS), self._at(day, _SHUTS)
            begin = max(opens, since)
            if self._works(day) and begin < shuts:
                if left <= shuts - begin:
                    return (begin + left).astimezone(since.tzinfo)
                left -= shuts - begin
            day += _DAY

    def days(self, since: datetime, days: int) -> datetime:
        """The same time of day so many days of work later; `since` is a moment of work."""
        local = since.astimezone(ZoneInfo(self.zone))
        day = local.date()
        for _ in range(days):
            day += _DAY
            while not self._works(day):
                day += _DAY
        return self._at(day, local.time()).astimezone(since.tzinfo)

    def at_work(self, since: datetime, chance: Random) -> datetime:
        """Some moment of work, not long after `since` and a good while before the office shuts."""
        day = since.astimezone(ZoneInfo(self.zone)).date() + _DAY
        while not self._works(day):
            day += _DAY
        return (self._at(day, _OPENS) + timedelta(seconds=chance.randrange(60, 6 * 3600))).astimezone(since.tzinfo)

    def _works(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self.closed

    def _at(self, day: date, moment: time) -> datetime:
        return datetime.combine(day, moment, ZoneInfo(self.zone))


#: Saxony keeps the day of prayer and repentance.
OPERATIONS_OFFICE = Office("Europe/Berlin", frozenset({date(2026, 11, 18)}))
#: Veterans Day and Thanksgiving.
SERVICE_OFFICE = Office("America/New_York", frozenset({date(2026, 11, 11), date(2026, 11, 26)}))
#: Nothing is said of finance's, nor of those of returns, nor of the shop's time zone.
FINANCE_OFFICE = RETURNS_OFFICE = Office("UTC")
