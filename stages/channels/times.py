"""Times as the reader writes them: in the shop's time zone, which is always named, in the team's language.

Only dates and times follow the language; the texts around them are English, there are no others. Moments within such a
text keep their English form.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time
from msgspec import Struct

#: As `stages.rules.words.moment` writes it: a rule knows no reader.
_MOMENT = re.compile(r"\b[0-9]{2} [A-Z][a-z]{2} [0-9]{4} at [0-9]{2}:[0-9]{2} UTC\b")
_FORM = "%d %b %Y at %H:%M"


class Calendar(Struct, frozen=True):
    zone: tzinfo
    locale: Locale

    def say(self, moment: datetime) -> str:
        local = moment.astimezone(self.zone)
        day, time = format_date(local, "medium", self.locale), format_time(local, "short", locale=self.locale)
        return f"{day} {time} {_zone_of(local)}".replace("\u202f", " ")

    def retold(self, text: str) -> str:
        """The same with its moments on this clock."""
        return _MOMENT.sub(self._moved, text)

    def _moved(self, found: re.Match[str]) -> str:
        try:
            moment = datetime.strptime(found[0].removesuffix(" UTC"), _FORM).replace(tzinfo=UTC)
            local = moment.astimezone(self.zone)
        except (ValueError, OverflowError):
            return found[0]
        return f"{local:{_FORM}} {_zone_of(local)}"


def _zone_of(local: datetime) -> str:
    name = local.tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name


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
