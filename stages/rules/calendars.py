"""Whose working time a deadline runs in.

A deadline runs before anybody is told of it. What counts is the calendar of the first team that the routes would name
for the alert, by the labels that it would have then: its rule, its severity, whom it is for. Where no route fits that
is the default route's first team. Priority may raise the severity later; that moves no deadline.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.calendars import DEFAULT, Calendar
from schemas.configuration import Configuration
from stages.judging.routing import Label, teams_for
from stages.rules.working import Working


class Calendars:
    """Of one configuration. Each calendar is read on one clock: its own, else that of the shop in question."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._known: dict[tuple[str, str], Working] = {}

    def of(self, label: Label) -> Working:
        return self.of_team(teams_for(self._configuration, [label])[0], label.shop)

    def of_team(self, name: str, shop: str) -> Working:
        """A team that names none, or that is not there any more, has the default calendar."""
        team, where = self._configuration.team(name), self._configuration.shop(shop)
        calendar = self._configuration.calendar((team.calendar if team else None) or DEFAULT)
        calendar = calendar or Calendar(name=DEFAULT)
        zone = calendar.time_zone or (where.time_zone if where else "UTC")
        if (known := self._known.get((calendar.name, zone))) is None:
            known = self._known[calendar.name, zone] = Working(calendar, _zone(zone))
        return known


def _zone(name: str) -> tzinfo:
    """One that this machine does not know is UTC: `pipeline check` has refused it where the machine knows any."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
