"""The channels, as a table: a new one is a file beside this one, a row here, and its test.

WhatsApp is not here yet, so a configuration that names it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from schemas.alerts import Severity
from schemas.configuration import OpenText, Team
from schemas.notifications import Channel, Notification
from stages.channels import email, sms
from stages.channels.submission import Submission, Unreachable


class Row(NamedTuple):
    """`render` gives the JSON to POST, `addresses` who of a team is reached and where, by name."""

    resource: str
    render: Callable[[Notification, Team, OpenText], bytes]
    addresses: Callable[[Team], Mapping[str, str]]


ROWS: Mapping[Channel, Row] = MappingProxyType(
    {
        Channel.EMAIL: Row("emails", email.render, email.addresses),
        Channel.SMS: Row("sms", sms.render, sms.addresses),
    }
)

#: The path segment under `/outbound` of every channel that there is.
RESOURCES: Mapping[Channel, str] = MappingProxyType({channel: row.resource for channel, row in ROWS.items()})


def render(notification: Notification, team: Team, settings: OpenText) -> Submission:
    """Raises Unreachable where nobody of the team can be reached on the notification's channel."""
    row = ROWS.get(notification.channel)
    if row is None:
        raise Unreachable(f"there is no channel {notification.channel.value}")
    if not row.addresses(team):
        raise Unreachable(f"nobody in {team.name} can be reached by {notification.channel.value}")
    return Submission(row.resource, row.render(notification, team, settings))


def reachable(team: Team) -> tuple[Channel, ...]:
    """The channels on which somebody of the team can be reached."""
    return tuple(channel for channel, row in ROWS.items() if row.addresses(team))


def channels_of(team: Team, severity: Severity) -> tuple[Channel, ...]:
    """Those of the severity; else of the next lower one that is named, else of the lowest. Never none."""
    named = sorted(team.channels, key=lambda one: one.rank)
    lower = [one for one in named if one.rank <= severity.rank]
    chosen = lower[-1:] or named[:1]
    return tuple(dict.fromkeys(channel for one in chosen for channel in team.channels[one])) or (Channel.EMAIL,)
