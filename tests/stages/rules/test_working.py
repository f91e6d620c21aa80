"""When so many hours or days have been worked: by hand where a person knows the answer, by properties everywhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from schemas.calendars import Calendar, Hours, PublicHolidays, Weekday, WorkingTime, WorkingUnit
from stages.rules.working import NoWorkingTime, Working, turns

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Calendar(name="office")
EVERY_DAY = Calendar(name="every-day", days=tuple(Weekday), hours=("00:00-24:00",))
BAVARIA = Calendar(
    name="bavaria", holidays=(PublicHolidays(country="DE", subdivision="BY"),), closed=("12-24", "12-31")
)
SHOP = Calendar(name="shop", hours=("09:00-12:00", "13:00-18:00"), hours_on={Weekday.SAT: ("10:00-14:00",)})
NIGHTS = Calendar(name="nights", days=tuple(Weekday), hours=("22:00-24:00", "00:00-06:00"))


def local(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def worked(text: str) -> WorkingTime:
    amount, unit = text.split()
    return WorkingTime(amount=int(amount), unit=WorkingUnit(f"{unit.removesuffix('s')}s"))


def ends(calendar: Calendar, start: str, length: str) -> str:
    """On the clock in Berlin."""
    at = Working(calendar, BERLIN).add(local(start), worked(length))
    assert at.tzinfo is UTC or worked(length).amount == 0
    return f"{at.astimezone(BERLIN):%a %Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("start", "length", "end"),
    [
        ("2026-11-02 09:00", "4 hours", "Mon 2026-11-02 13:00"),
        ("2026-11-02 09:00", "8 hours", "Mon 2026-11-02 17:00"),
        ("2026-11-02 16:30", "1 hour", "Tue 2026-11-03 09:30"),
        ("2026-11-06 16:00", "2 hours", "Mon 2026-11-09 10:00"),
        ("2026-11-07 12:00", "1 hour", "Mon 2026-11-09 10:00"),
        ("2026-11-02 09:00", "24 hours", "Wed 2026-11-04 17:00"),
        ("2026-11-02 12:00", "48 hours", "Tue 2026-11-10 12:00"),
        ("2026-11-02 16:45", "30 minutes", "Tue 2026-11-03 09:15"),
        ("2026-11-02 12:00", "3 days", "Thu 2026-11-05 12:00"),
        ("2026-11-05 12:00", "3 days", "Tue 2026-11-10 12:00"),
        ("2026-11-07 12:00", "1 day", "Tue 2026-11-10 09:00"),
        ("2026-11-06 17:00", "1 day", "Tue 2026-11-10 09:00"),
        ("2026-11-06 08:00", "1 day", "Mon 2026-11-09 09:00"),
        ("2026-11-07 12:00", "0 days", "Sat 2026-11-07 12:00"),
        ("2026-11-07 12:00", "0 hours", "Sat 2026-11-07 12:00"),
    ],
)
def test_monday_to_friday_from_nine_to_five(start: str, length: str, end: str) -> None:
    assert ends(OFFICE, start, length) == end


@pytest.mark.parametrize(
    ("calendar", "start", "length", "end"),
    [
        # the lunch break is no work, and Saturday is short
        (SHOP, "2026-11-02 11:30", "1 hour", "Mon 2026-11-02 13:30"),
        (SHOP, "2026-11-02 12:30", "1 day", "Tue 2026-11-03 13:00"),
        (SHOP, "2026-11-06 17:00", "4 hours", "Sat 2026-11-07 13:00"),
        (SHOP, "2026-11-06 14:00", "1 day", "Sat 2026-11-07 12:00"),
        (SHOP, "2026-11-06 14:00", "2 days", "Mon 2026-11-09 14:00"),
        # All Saints in Bavaria, Christmas and what the company closes beside it
        (BAVARIA, "2027-10-29 12:00", "1 day", "Tue 2027-11-02 12:00"),
        (BAVARIA, "2026-12-23 16:00", "2 hours", "Mon 2026-12-28 10:00"),
        (BAVARIA, "2026-12-30 12:00", "1 day", "Mon 2027-01-04 12:00"),
        # a night is two turns of two days
        (NIGHTS, "2026-11-02 23:00", "3 hours", "Tue 2026-11-03 02:00"),
        (NIGHTS, "2026-11-02 12:00", "9 hours", "Tue 2026-11-03 23:00"),
    ],
)
def test_breaks_short_days_nights_and_holidays(calendar: Calendar, start: str, length: str, end: str) -> None:
    assert ends(calendar, start, length) == end


def test_a_day_that_is_open_is_worked_whatever_else_is_said_of_it() -> None:
    federal = PublicHolidays(country="US")
    closed = Calendar(name="us", holidays=(federal,))
    opened = Calendar(name="us", holidays=(federal,), open=("2026-11-11", "11-14"), closed=("11-14",))
    assert ends(closed, "2026-11-10 12:00", "1 day") == "Thu 2026-11-12 12:00"
    assert ends(opened, "2026-11-10 12:00", "1 day") == "Wed 2026-11-11 12:00"
    assert ends(opened, "2026-11-13 12:00", "1 day") == "Sat 2026-11-14 12:00"


@pytest.mark.parametrize(
    ("start", "length", "end"),
    [
        # put forward on 2026-03-29 at 02:00: the day has 23 hours, and no 02:30
        ("2026-03-28 12:00", "24 hours", "Sun 2026-03-29 13:00"),
        ("2026-03-28 12:00", "1 day", "Sun 2026-03-29 12:00"),
        ("2026-03-28 02:30", "1 day", "Sun 2026-03-29 03:00"),
        # put back on 2026-10-25 at 03:00: the day has 25 hours, and 02:30 comes twice
        ("2026-10-24 12:00", "24 hours", "Sun 2026-10-25 11:00"),
        ("2026-10-24 12:00", "1 day", "Sun 2026-10-25 12:00"),
        ("2026-10-24 02:30", "1 day", "Sun 2026-10-25 02:30"),
    ],
)
def test_hours_pass_and_days_keep_the_time_of_day_when_the_clock_is_changed(start: str, length: str, end: str) -> None:
    assert ends(EVERY_DAY, start, length) == end


def test_an_office_opens_by_its_own_clock_in_summer_and_in_winter() -> None:
    working = Working(OFFICE, BERLIN)
    friday, hour = local("2026-03-27 17:00"), worked("1 hour")
    assert working.add(friday, hour) == datetime(2026, 3, 30, 8, 0, tzinfo=UTC)
    assert working.add(friday - timedelta(weeks=1), hour) == datetime(2026, 3, 23, 9, 0, tzinfo=UTC)
    assert Working(OFFICE, ZoneInfo("America/New_York")).add(friday, hour) == datetime(2026, 3, 27, 17, 0, tzinfo=UTC)


def test_an_hour_that_comes_twice_is_worked_twice() -> None:
    nights = Working(NIGHTS, BERLIN)
    assert nights.add(local("2026-10-25 01:30"), worked("2 hours")) == local("2026-10-25 02:30", fold=1).astimezone(UTC)


def test_a_turn_that_the_clock_skips_is_not_worked() -> None:
    early = Calendar(name="early", days=tuple(Weekday), hours=("02:00-02:45",))
    assert ends(early, "2026-03-28 02:30", "1 day") == "Mon 2026-03-30 02:00"
    assert ends(early, "2026-03-28 02:30", "30 minutes") == "Mon 2026-03-30 02:15"


def test_nobody_waits_for_ever_for_a_calendar_by_which_nobody_works() -> None:
    never = Working(Calendar(name="never", days=()), UTC)
    for length in ("1 hour", "1 day"):
        with pytest.raises(NoWorkingTime):
            never.add(local("2026-11-02 09:00"), worked(length))
    with pytest.raises(NoWorkingTime):
        never.day_from(date(2026, 11, 2))


# --- properties -------------------------------------------------------------------------------------------------------

ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Beirut"]
).map(ZoneInfo)
# around the changes of the clock of all of these, too
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001 - made aware below
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
) | st.builds(
    lambda day, minutes: datetime(2026, day[0], day[1], tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from([(3, 8), (3, 28), (3, 29), (4, 4), (10, 3), (10, 24), (10, 25), (11, 1)]),
    st.integers(0, 2880),
)


def _hours(cuts: list[int]) -> tuple[Hours, ...]:
    times = [f"{cut // 4:02}:{cut % 4 * 15:02}" for cut in sorted(cuts)]
    return tuple(f"{begin}-{end}" for begin, end in zip(times[::2], times[1::2], strict=True))


HOURS = st.integers(1, 3).flatmap(
    lambda turns: st.lists(st.integers(0, 96), min_size=2 * turns, max_size=2 * turns, unique=True).map(_hours)
)
DAYS = st.lists(st.sampled_from(Weekday), min_size=1, unique=True).map(tuple)
HOLIDAYS = st.sampled_from([(), (PublicHolidays(country="DE", subdivision="BY"),), (PublicHolidays(country="US"),)])
CLOSED = st.lists(st.sampled_from(["12-24", "03-29", "2026-10-25", "11-02"])).map(tuple)
EVEN = st.builds(
    Calendar, name=st.just("even"), days=DAYS, hours=HOURS | st.just(("00:00-24:00",)), holidays=HOLIDAYS, closed=CLOSED
)
UNEVEN = st.builds(
    Calendar,
    name=st.just("uneven"),
    days=DAYS,
    hours=HOURS,
    hours_on=st.dictionaries(st.sampled_from(Weekday), HOURS, max_size=3),
    holidays=HOLIDAYS,
    closed=CLOSED,
)
LENGTHS = st.builds(
    lambda amount, unit: WorkingTime(amount=amount, unit=unit),
    st.integers(1, 60),
    st.sampled_from(WorkingUnit),
)
SLACK = timedelta(microseconds=1)


def is_worked(calendar: Calendar, zone: ZoneInfo, at: datetime) -> bool:
    """By the clock's hands and the calendar alone, at the moment or just before it: hours end with their last one."""
    return any(_is_on(calendar, moment.astimezone(zone)) for moment in (at, at - SLACK))


def _is_on(calendar: Calendar, hands: datetime) -> bool:
    hours = calendar.hours_on.get(tuple(Weekday)[hands.weekday()])
    if hours is None:
        hours = calendar.hours if tuple(Weekday)[hands.weekday()] in calendar.days else ()
    clock = timedelta(hours=hands.hour, minutes=hands.minute, seconds=hands.second, microseconds=hands.microsecond)
    return any(begin <= clock < end for begin, end in turns(hours))


HAVANA = ZoneInfo("America/Havana")
BROKEN = Calendar(name="broken", days=tuple(Weekday), hours=("00:00-00:15", "00:30-01:00", "04:00-18:45"))


@given(UNEVEN | EVEN, ZONES, MOMENTS, LENGTHS)
@example(BROKEN, HAVANA, datetime(2026, 11, 1, 4, 30, tzinfo=UTC), worked("46 minutes"))
def test_what_runs_in_working_time_ends_in_it(
    calendar: Calendar, zone: ZoneInfo, start: datetime, length: WorkingTime
) -> None:
    end = Working(calendar, zone).add(start, length)
    assert end > start
    assert is_worked(calendar, zone, end)
    at_its_end = end if length.unit is WorkingUnit.DAYS else end - SLACK
    day = at_its_end.astimezone(zone)
    names = {f"{day:%m-%d}", f"{day:%Y-%m-%d}"}
    assert not names & {*calendar.closed}


@given(UNEVEN | EVEN, ZONES, MOMENTS, LENGTHS)
def test_a_moment_is_the_same_in_whichever_zone_it_is_written(
    calendar: Calendar, zone: ZoneInfo, start: datetime, length: WorkingTime
) -> None:
    working = Working(calendar, zone)
    assert working.add(start.astimezone(zone), length) == working.add(start, length)


@given(UNEVEN | EVEN, ZONES, MOMENTS, st.timedeltas(timedelta(), timedelta(days=9)), LENGTHS)
@example(EVERY_DAY, BERLIN, datetime(2026, 10, 25, 0, 45, tzinfo=UTC), timedelta(minutes=30), worked("1 day"))
@example(EVERY_DAY, BERLIN, datetime(2026, 3, 28, 1, 45, tzinfo=UTC), timedelta(minutes=15), worked("1 day"))
def test_who_begins_later_does_not_end_earlier(
    calendar: Calendar, zone: ZoneInfo, start: datetime, later: timedelta, length: WorkingTime
) -> None:
    working = Working(calendar, zone)
    assert working.add(start, length) <= working.add(start + later, length)


@given(UNEVEN | EVEN, ZONES, MOMENTS, st.integers(1, 40), st.integers(1, 40), st.sampled_from(WorkingUnit))
def test_more_ends_no_earlier(
    calendar: Calendar, zone: ZoneInfo, start: datetime, amount: int, more: int, unit: WorkingUnit
) -> None:
    working = Working(calendar, zone)
    less, whole = (WorkingTime(amount=each, unit=unit) for each in (amount, amount + more))
    assert working.add(start, less) < working.add(start, whole)


@given(
    UNEVEN | EVEN,
    ZONES,
    MOMENTS,
    st.integers(0, 100),
    st.integers(0, 100),
    st.sampled_from([WorkingUnit.MINUTES, WorkingUnit.HOURS]),
)
def test_hours_in_two_parts_are_the_whole(
    calendar: Calendar, zone: ZoneInfo, start: datetime, first: int, second: int, unit: WorkingUnit
) -> None:
    working = Working(calendar, zone)
    one, two, whole = (WorkingTime(amount=amount, unit=unit) for amount in (first, second, first + second))
    assert working.add(working.add(start, one), two) == working.add(start, whole)


@given(EVEN, ZONES, MOMENTS, st.integers(0, 40), st.integers(0, 40))
def test_days_in_two_parts_are_the_whole(
    calendar: Calendar, zone: ZoneInfo, start: datetime, first: int, second: int
) -> None:
    working = Working(calendar, zone)
    one, two, whole = (WorkingTime(amount=amount, unit=WorkingUnit.DAYS) for amount in (first, second, first + second))
    middle = working.add(start, one)
    assume(not _is_moved_by_the_clock(working, zone, middle, one))
    assert working.add(middle, two) == working.add(start, whole)


def _is_moved_by_the_clock(working: Working, zone: ZoneInfo, at: datetime, length: WorkingTime) -> bool:
    """On the day of a change it may stand where it does since the clock skips its time of day: not promised."""
    day = at.astimezone(zone)
    offsets = {(day + timedelta(hours=hours)).astimezone(UTC).astimezone(zone).utcoffset() for hours in (-25, 0, 25)}
    return length.amount > 0 and len(offsets) > 1


@given(UNEVEN, ZONES, MOMENTS, st.integers(0, 20), st.integers(0, 20))
def test_days_of_different_lengths_in_two_parts_are_the_whole_but_for_a_moment(
    calendar: Calendar, zone: ZoneInfo, start: datetime, first: int, second: int
) -> None:
    working = Working(calendar, zone)
    one, two, whole = (WorkingTime(amount=amount, unit=WorkingUnit.DAYS) for amount in (first, second, first + second))
    middle = working.add(start, one)
    assume(not _is_moved_by_the_clock(working, zone, middle, one))
    parts, at_once = working.add(middle, two), working.add(start, whole)
    # in working time: a break may lie between
    later = (WorkingTime(amount=minutes, unit=WorkingUnit.MINUTES) for minutes in (1, 2))
    apart = min(abs(working.add(parts, minutes) - working.add(at_once, minutes)) for minutes in later)
    assert apart <= timedelta(milliseconds=1)
