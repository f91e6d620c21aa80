"""What a team has been told of an alert: it makes a repetition recognizable, and says where an end has to be told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from schemas.alerts import Alert
from schemas.configuration import Team
from schemas.notifications import Channel
from stages.stage import Context, Family


class Told(Struct, frozen=True, array_like=True):
    """`team` is who was told, `newest` where the newest revision was, `channels` where anything of the alert was.

    `team` is another one than the alert's where that is no longer configured. `shop`: whose data this is.
    """

    revision: int
    team: str
    newest: tuple[Channel, ...]
    channels: tuple[Channel, ...]
    is_over: bool
    shop: str = ""


#: Open alerts do not expire. Milestones and what is over stay for longer than any topic could give them again; so does
#: what a removed team was told, or another one in its stead: the alert's next word is not for the removed one.
OPEN: Family[Told] = Family("open", Told, scanned=True)
OVER: Family[Told] = Family("over", Told, ttl=timedelta(days=31), scanned=True)


def recall(alert: Alert, context: Context) -> Told | None:
    name = name_of(alert.id)
    return context.state.get(OPEN, alert.team, name) or context.state.get(OVER, alert.team, name)


def recall_resolved(alert: Alert, context: Context) -> Iterator[Told]:
    """What its team has been told of the alerts that end with it."""
    for identity in alert.resolves:
        if (told := context.state.get(OPEN, alert.team, name_of(identity))) is not None:
            yield told


def remember(alert: Alert, told: Told, context: Context) -> None:
    family, other = (OVER, OPEN) if told.is_over or told.team != alert.team else (OPEN, OVER)
    context.state.delete(other, alert.team, name_of(alert.id))
    context.state.put(family, alert.team, told, name_of(alert.id))


def told_now(alert: Alert, team: str, channels: tuple[Channel, ...], before: Told | None) -> Told:
    known = before.channels if before is not None and before.team == team else ()
    return Told(
        revision=alert.revision,
        team=team,
        newest=channels,
        channels=tuple(dict.fromkeys((*known, *channels))),
        is_over=alert.milestone or alert.state.is_end,
        shop=alert.shop,
    )


def let_expire(team: str, context: Context) -> None:
    """The team is no longer configured: others are told what goes on."""
    for name, told in context.state.scan(OPEN, team):
        context.state.delete(OPEN, team, name)
        context.state.put(OVER, team, told, name)


def forget(shop: str, team: str, context: Context) -> None:
    for family in (OPEN, OVER):
        for name, told in context.state.scan(family, team):
            if told.shop == shop:
                context.state.delete(family, team, name)


def also_on(channel: Channel, told: Told) -> Told:
    return replace(told, newest=_with(channel, told.newest), channels=_with(channel, told.channels))


def where_it_began(team: Team, told: Told | None) -> tuple[Channel, ...]:
    """Nowhere, where this team has not been told of it, or of its end already, or does not want ends."""
    if told is None or told.is_over or told.team != team.name or not team.send_resolved:
        return ()
    return told.channels


def _with(channel: Channel, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    return channels if channel in channels else (*channels, channel)


def name_of(identity: str) -> bytes:
    return blake2b(identity.encode(), digest_size=16).digest()
