"""When a team works, and lengths of time that run only while it does."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, field

from schemas.configured import Configured, Name

Hours = Annotated[
    str,
    Meta(
        pattern=r"^([01]?\d|2[0-4]):[0-5]\d-([01]?\d|2[0-4]):[0-5]\d$",
        description="hours of the day, like 09:00-17:00",
    ),
]
Day = Annotated[
    str, Meta(pattern=r"^(\d{4}-)?\d\d-\d\d$", description="a day, like 2026-12-24, or 12-24 for that of every year")
]


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class PublicHolidays(Configured, frozen=True):
    """Of a country (two letters, as in ISO 3166), and of one of its parts by the code that the part has there."""

    country: str
    subdivision: str | None = None


class Calendar(Configured, frozen=True):
    """On `days`, at `hours`; `hours_on` has the weekdays that have hours of their own, also beside `days`.

    `time_zone` is the shop's where none is said. Nobody works on public `holidays` and on days that are `closed`, but
    on those that are `open`, whatever else is said of them. Night work is written as two: 22:00-24:00, 00:00-06:00.
    """

    name: Name
    time_zone: str | None = None
    days: tuple[Weekday, ...] = (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI)
    hours: tuple[Hours, ...] = ("09:00-17:00",)
    hours_on: dict[Weekday, tuple[Hours, ...]] = field(default_factory=dict)
    holidays: tuple[PublicHolidays, ...] = ()
    closed: tuple[Day, ...] = ()
    open: tuple[Day, ...] = ()


#: The calendar of this name is that of every team that names none; without one it is what `Calendar` says by itself.
DEFAULT = "default"


class WorkingUnit(StrEnum):
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"


class WorkingTime(Configured, frozen=True):
    """`48 working hours`: hours in which somebody works; six days of eight. `3 working days`: the same time of day, and
    where days are not equally long the same share of the day's work, on the third working day from then.
    """

    amount: Annotated[int, Meta(ge=0, le=9999)]
    unit: WorkingUnit

    def __str__(self) -> str:
        unit = self.unit.value.removesuffix("s") if self.amount == 1 else self.unit.value
        return f"{self.amount} working {unit}"


#: A length of time, on the wall clock or in working time.
Length = timedelta | WorkingTime


def working_hours(amount: int) -> WorkingTime:
    return WorkingTime(amount=amount, unit=WorkingUnit.HOURS)


def working_days(amount: int) -> WorkingTime:
    return WorkingTime(amount=amount, unit=WorkingUnit.DAYS)
