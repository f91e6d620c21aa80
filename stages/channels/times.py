"""Times as the reader writes them: in the shop's time zone, which is always named, in the team's language.

Only dates and times follow the language; the texts around them are English, there are no others.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time
from msgspec import Struct


class Calendar(Struct, frozen=True):
    zone: tzinfo
    locale: Locale

    def say(self, moment: datetime) -> str:
        local = moment.astimezone(self.zone)
        day, time = format_date(local, "medium", self.locale), format_time(local, "short", locale=self.locale)
        name = local.tzname() or "UTC"
        return f"{day} {time} {'UTC' if name[0] in '+-' else ''}{name}".replace("\u202f", " ")


def calendar_of(time_zone: str, language: str) -> Calendar:
    """A zone that this machine does not know is UTC, and is then named so."""
    zone: tzinfo
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = UTC
    return Calendar(zone, Locale.parse(language.replace("-", "_")))


def say_duration(length: timedelta) -> str:
    """The two largest units, like `2 h 5 min`; empty under a minute."""
    minutes = int(length.total_seconds()) // 60
    hours, minutes = divmod(max(minutes, 0), 60)
    days, hours = divmod(hours, 24)
    units = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(units[:2])
