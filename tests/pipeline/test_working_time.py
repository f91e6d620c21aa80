"""Calendars and lengths of working time in the configuration file: how they are written, and every mistake in them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.settings import ConfigurationError, hash_of, parse, read_back, said_by
from schemas.calendars import Calendar, Length, PublicHolidays, Weekday, working_days, working_hours
from schemas.configuration import Configuration

LEAST = """\
shops: [{domain: example.myshopify.com, secrets: [{env: SHOPIFY_CLIENT_SECRET}]}]
opentext: {base_url: "https://opentext.example.com/mra/v1", basic: {user: demo, password: {env: OPENTEXT_PASSWORD}}}
"""
TEAM = "teams: [{name: operations, people: [{name: desk, email: desk@example.com}]}]\n"


def undecided(text: str) -> str:
    return f"{LEAST}{TEAM}rules: {{returns: {{undecided_after: {text}}}}}\n"


def calendar(text: str) -> str:
    return f"{LEAST}{TEAM}calendars: [{{name: office, {text}}}]\n"


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("3 working days", working_days(3)),
        ("1 working day", working_days(1)),
        ("48 Working Hours", working_hours(48)),
        ("0 working hours", working_hours(0)),
        ("48h", timedelta(hours=48)),
        ("P2D", timedelta(days=2)),
    ],
)
def test_a_deadline_is_written_as_working_time_or_as_time(text: str, length: Length) -> None:
    read = parse(undecided(text))
    assert read.rules.returns.undecided_after == length
    assert read_back(said_by(read)) == read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("3 business days", "like `3 working days` or `48 working hours`"),
        ("1.5 working days", "working time is a whole number of one unit"),
        ("2 working weeks", "working time is a whole number of one unit"),
        ("10000 working days", "at most 9999"),
        ("-1 working days", "working time is a whole number of one unit"),
        (
            "3",
            "a time needs its unit: 90s, 60m, 1h30m, 2d, or ISO 8601 like PT60M; or working time, like `3 working",
        ),
        ("{days: 3}", "one value is wanted here, not a mapping"),
    ],
)
def test_a_length_that_is_none_says_what_would_be_right(text: str, says: str) -> None:
    (mistake,) = mistakes(undecided(text))
    assert mistake.startswith("rules.returns.undecided_after (line 4): ")
    assert says in mistake


def test_what_runs_by_the_clock_takes_no_working_time() -> None:
    (mistake,) = mistakes(f"{LEAST}{TEAM}rules: {{payments: {{abandoned_after: 1 working hour}}}}\n")
    assert "this time runs by the clock: 90s, 60m, 1h30m" in mistake


def test_the_defaults_are_those_of_the_use_cases() -> None:
    rules = parse(LEAST + TEAM).rules
    assert (rules.orders.manual_payment_after, rules.orders.delayed_after) == (working_days(3), working_hours(24))
    fulfillment, returns = rules.fulfillment, rules.returns
    assert fulfillment.partial_after == working_hours(24)
    assert (fulfillment.stalled_after, fulfillment.stalled_abroad_after) == (working_days(5), working_days(10))
    assert fulfillment.unscanned_label_after == working_days(3)
    assert returns.undecided_after == working_hours(48)
    assert (returns.refund_due_after, returns.refund_pending_after) == (working_days(5), working_days(3))
    assert [str(each) for each in (working_days(1), working_hours(48))] == ["1 working day", "48 working hours"]


# --- calendars --------------------------------------------------------------------------------------------------------


def test_a_calendar_says_zone_days_hours_holidays_and_days_of_its_own() -> None:
    text = (
        "time_zone: Europe/Berlin, days: [mon, tue], hours: [8:30-12:00, 13:00-17:00], hours_on: {sat: [10:00-14:00]},"
        " holidays: [{country: DE, subdivision: BY}], closed: [12-24, 2027-01-04], open: [2027-02-28]"
    )
    read = parse(calendar(text))
    assert read.calendar("office") == Calendar(
        name="office",
        time_zone="Europe/Berlin",
        days=(Weekday.MON, Weekday.TUE),
        hours=("8:30-12:00", "13:00-17:00"),
        hours_on={Weekday.SAT: ("10:00-14:00",)},
        holidays=(PublicHolidays(country="DE", subdivision="BY"),),
        closed=("12-24", "2027-01-04"),
        open=("2027-02-28",),
    )
    assert read_back(said_by(read)) == read
    assert hash_of(read) != hash_of(parse(LEAST + TEAM))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "time_zone: Europe/Berln",
            ".time_zone (line 4): `Europe/Berln` is no time zone; did you mean `Europe/Berlin`?",
        ),
        ("days: [monday]", ".days[0] (line 4): `monday` is not known; did you mean `mon`?"),
        ("days: []", " (line 4): nobody ever works by it"),
        ("hours: []", " (line 4): nobody ever works by it"),
        ("days: [mon], closed: [%s]", " (line 4): nobody ever works by it"),
        ("hours: [9-17]", ".hours[0] (line 4): `9-17` is not hours of the day, like 09:00-17:00"),
        ("hours: [09:00-25:00]", ".hours[0] (line 4): `09:00-25:00` is not hours of the day"),
        ("hours: [20:00-24:30]", ".hours (line 4): a day ends at 24:00"),
        (
            "hours: [22:00-06:00]",
            ".hours (line 4): hours must end after they begin; a night is written as two: [22:00-",
        ),
        ("hours: [09:00-13:00, 12:00-17:00]", ".hours (line 4): hours of one day must not overlap"),
        ("hours_on: {fri: []}", ".hours_on.fri (line 4): no hours; leave `fri` out of `days` where nobody works then"),
        ("hours_on: {fri: [12:00-09:00]}", ".hours_on.fri (line 4): hours must end after they begin"),
        ("hours_on: {friday: [09:00-12:00]}", ".hours_on.friday (line 4): `friday` is not known; did you mean `fri`?"),
        ("holidays: [{country: de}]", ".country (line 4): no holidays are known of `de`; did you mean `DE`?"),
        (
            "holidays: [{country: XX}]",
            ".country (line 4): no holidays are known of `XX`; right is a country's two letters",
        ),
        (
            "holidays: [{country: DE, subdivision: XY}]",
            ".subdivision (line 4): `DE` has no part `XY` with holidays of its",
        ),
        ("holidays: [{country: DE, subdivision: XY}]", "there is Augsburg, BB, BE, BW, BY"),
        ("closed: [24.12.]", ".closed[0] (line 4): `24.12.` is not a day, like 2026-12-24, or 12-24 for that of every"),
        (
            "closed: [2027-02-29]",
            ".closed[0] (line 4): there is no day `2027-02-29`; right is year-month-day, or month-day",
        ),
        ("open: [13-01]", ".open[0] (line 4): there is no day `13-01`"),
    ],
)
def test_a_mistake_in_a_calendar_says_where_and_what_would_be_right(text: str, says: str) -> None:
    every_day = ", ".join(f"{month:02}-{day:02}" for month in range(1, 13) for day in range(1, _days_of(month) + 1))
    (mistake,) = mistakes(calendar(text.replace("%s", every_day)))
    assert mistake.startswith("calendars[0]")
    assert says in mistake


def _days_of(month: int) -> int:
    return {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}.get(month, 31)


def test_a_leap_day_is_one_of_every_year() -> None:
    assert parse(calendar("closed: [02-29]")).calendars[0].closed == ("02-29",)


def test_a_team_names_a_calendar_that_there_is() -> None:
    team = TEAM.replace("name: operations", "name: operations, calendar: ofice")
    assert mistakes(f"{LEAST}{team}calendars: [{{name: office}}]\n") == [
        "teams[0].calendar (line 3): no calendar `ofice`; did you mean `office`?"
    ]
    assert mistakes(f"{LEAST}{team}") == ["teams[0].calendar (line 3): no calendar `ofice`; there is none"]
    right = team.replace("ofice", "office")
    assert _of(parse(f"{LEAST}{right}calendars: [{{name: office}}]\n")) == "office"


def test_the_readmes_calendars_have_no_mistake() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (example,) = (one for one in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "calendars:" in one)
    assert [calendar.name for calendar in parse(LEAST + example).calendars] == ["default", "on-call"]


def test_two_calendars_of_one_name_are_a_mistake() -> None:
    text = f"{LEAST}{TEAM}calendars: [{{name: office}}, {{name: office}}]\n"
    assert mistakes(text) == ["calendars[1].name (line 4): `office` stands twice"]


def _of(configuration: Configuration) -> str | None:
    return configuration.teams[0].calendar
