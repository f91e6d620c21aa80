"""What is wrong in the calendars of a configuration: hours, days and holidays that there are not, or no work at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, timedelta
from zoneinfo import available_timezones

from holidays import list_supported_countries

from pipeline.document import Mistake
from pipeline.scalars import near
from schemas.calendars import Calendar, Day, Hours, PublicHolidays
from schemas.configuration import Configuration
from stages.rules.working import NoWorkingTime, Working, turns

_MIDNIGHT = timedelta(days=1)
_LOOKED_AT = date(2027, 1, 1)


def in_calendars(whole: Configuration) -> Iterator[Mistake]:
    names = [calendar.name for calendar in whole.calendars]
    for number, team in enumerate(whole.teams):
        if team.calendar is not None and team.calendar not in names:
            yield Mistake(f"teams[{number}].calendar", f"no calendar `{team.calendar}`; {near(team.calendar, names)}")
    for number, calendar in enumerate(whole.calendars):
        path = f"calendars[{number}]"
        if calendar.name in names[:number]:
            yield Mistake(f"{path}.name", f"`{calendar.name}` stands twice")
        found = [*_of_calendar(calendar, path)]
        yield from found or _without_work(calendar, path)


def time_zone(name: str, path: str) -> Iterator[Mistake]:
    zones = available_timezones()
    if zones and name not in zones:
        yield Mistake(path, f"`{name}` is no time zone; {near(name, zones)}"[:200])


def _of_calendar(calendar: Calendar, path: str) -> Iterator[Mistake]:
    if calendar.time_zone is not None:
        yield from time_zone(calendar.time_zone, f"{path}.time_zone")
    yield from _hours(calendar.hours, f"{path}.hours")
    for day, hours in calendar.hours_on.items():
        yield from _hours(hours, f"{path}.hours_on.{day.value}")
        if not hours:
            says = f"no hours; leave `{day.value}` out of `days` where nobody works then"
            yield Mistake(f"{path}.hours_on.{day.value}", says)
    for number, holidays in enumerate(calendar.holidays):
        yield from _holidays(holidays, f"{path}.holidays[{number}]")
    yield from _days(calendar.closed, f"{path}.closed")
    yield from _days(calendar.open, f"{path}.open")


def _hours(hours: Sequence[Hours], path: str) -> Iterator[Mistake]:
    until = timedelta()
    for begin, end in turns(hours):
        if end > _MIDNIGHT:
            yield Mistake(path, "a day ends at 24:00")
        elif end <= begin:
            says = "hours must end after they begin; a night is written as two: [22:00-24:00, 00:00-06:00]"
            yield Mistake(path, says)
        elif begin < until:
            yield Mistake(path, "hours of one day must not overlap")
        until = end


def _holidays(of: PublicHolidays, path: str) -> Iterator[Mistake]:
    known = list_supported_countries()
    if of.country not in known:
        meant = of.country.upper()
        right = f"did you mean `{meant}`?" if meant in known else "right is a country's two letters, like DE or US"
        yield Mistake(f"{path}.country", f"no holidays are known of `{of.country}`; {right}")
    elif of.subdivision is not None and of.subdivision not in known[of.country]:
        says = f"`{of.country}` has no part `{of.subdivision}` with holidays of its own; "
        yield Mistake(f"{path}.subdivision", says + near(of.subdivision, known[of.country]))


def _days(days: Sequence[Day], path: str) -> Iterator[Mistake]:
    for number, day in enumerate(days):
        try:
            date.fromisoformat(day if len(day) == len("2028-02-29") else f"2028-{day}")
        except ValueError:
            yield Mistake(f"{path}[{number}]", f"there is no day `{day}`; right is year-month-day, or month-day")


def _without_work(calendar: Calendar, path: str) -> Iterator[Mistake]:
    try:
        Working(calendar, UTC).day_from(_LOOKED_AT)
    except NoWorkingTime:
        yield Mistake(path, "nobody ever works by it: no deadline in working time would end")
