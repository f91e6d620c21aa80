"""`group`: turns the alerts of a team into notifications, one for each channel of their severity.

For now every alert is a group of its own and goes out at once, but for the lines of a digest, which are told together
(`stages.digest`); what may wait for one does not wait yet, and escalation, acknowledgements and the storm brake are not
here yet. An end is told where the beginning was told, and nowhere else; one of which a milestone tells is
no message of its own, and that milestone goes there too. What finally failed on one channel, or may have, is told once
on another, and no further. What was meant for a team that is no longer configured is told the default one: at once, or,
where it failed on its way, then, or when this stage hears that the team is gone; the same message id as the default
team's own word on it makes one of both. Not promised: that a team is reached whose channels all fail, nor a second
channel for what another team is told in its stead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import Any, TypeVar

from msgspec.structs import replace

from schemas import codec, topics
from schemas.alerts import Alert, Severity
from schemas.configuration import Configuration, Team
from schemas.notifications import Channel, Missed, Notification, Receipt, SendingState
from schemas.reasons import DropReason, RejectReason
from schemas.records import Record
from stages.channels.table import channels_of, reachable
from stages.digest import COUNT, LINES, gathered, taken, without_lines_of
from stages.erasing import without
from stages.stage import Context, Drop, Emit, Family, Outcome, Reject, SweepCause, Timer, Visit, Work
from stages.told import (
    OPEN,
    OVER,
    Told,
    also_on,
    forget,
    let_expire,
    recall,
    recall_resolved,
    remember,
    told_now,
    where_it_began,
)

T = TypeVar("T")

_MISSED = frozenset({SendingState.FAILED, SendingState.IN_DOUBT})
_KNOWN = _MISSED | {SendingState.DELIVERED, SendingState.CANCELLED}
#: Notifications that another channel, or another team, could tell, until their fate is known.
FOLLOWED: Family[Notification] = Family("followed", Notification, ttl=timedelta(days=3), scanned=True)

#: Those that no channel of their team could tell: another team can, should theirs be removed.
LOST: Family[Notification] = Family("lost", Notification, ttl=timedelta(days=3), scanned=True)


class Group:
    families: Sequence[Family[Any]] = (OPEN, OVER, FOLLOWED, LOST, LINES, COUNT)
    swept: Sequence[Family[Any]] = (OPEN, OVER, FOLLOWED, LOST, LINES)

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer):
            return self._told_together(work, context)
        if work.topic == topics.RECEIPTS:
            return self._settled(_decoded(work, Receipt), context)
        return self._raised(_decoded(work, Alert), context)

    def visit(self, visit: Visit, context: Context) -> Iterable[Outcome]:
        """The routing key is a team's."""
        team = visit.routing
        if visit.cause is SweepCause.REDACTED:
            _erase(visit.about, team, context)
        elif visit.cause is SweepCause.CONFIGURATION and self._configuration.team(team) is None:
            for name, lost in context.state.scan(LOST, team):
                context.state.delete(LOST, team, name)
                yield from self._told_another_team(lost, context)
            let_expire(team, context)

    def _raised(self, alert: Alert, context: Context) -> Iterator[Outcome]:
        before = recall(alert, context)
        if before is not None and alert.revision <= before.revision:
            yield Drop(DropReason.ALREADY_KNOWN)
            return
        team = self._team(alert.team)
        if alert.told_by is not None:
            remember(alert, told_now(alert, team.name, (), before), context)
            yield Drop(DropReason.TOLD_WITH_ANOTHER)
            return
        if alert.line:
            is_wanted = team.send_resolved or not alert.state.is_end
            yield from gathered(alert, context) if is_wanted else [Drop(DropReason.NOTHING_OPEN)]
            return
        channels = where_it_began(team, before) if alert.state.is_end else channels_of(team, alert.severity)
        ended = (channel for told in recall_resolved(alert, context) for channel in where_it_began(team, told))
        yield from self._told(alert, team, tuple(dict.fromkeys((*channels, *ended))), before, context)

    def _told(
        self, alert: Alert, team: Team, channels: tuple[Channel, ...], before: Told | None, context: Context
    ) -> Iterator[Outcome]:
        remember(alert, told_now(alert, team.name, channels, before), context)
        if not channels:
            yield Drop(DropReason.NOTHING_OPEN)
        for channel in channels:
            notification = self._notification(alert, team, channel, context)
            if team.name == alert.team:
                context.state.put(FOLLOWED, team.name, notification, notification.message_id)
            yield _emitted(notification)

    def _told_together(self, timer: Timer, context: Context) -> Iterator[Outcome]:
        """The digest that has been gathered for a team."""
        lines, more = taken(timer.routing, context)
        if not lines:
            yield Drop(DropReason.NOTHING_OPEN)
            return
        team = self._team(timer.routing)
        for channel in channels_of(team, Severity.INFO):
            first = self._notification(lines[0], team, channel, context)
            yield _emitted(
                replace(
                    first,
                    message_id=self._message_id("digest", timer.routing, timer.due.isoformat(), team.name, channel),
                    group=f"{channel.value}/digest",
                    alerts=lines,
                    received=context.wall,  # that it was gathered for an hour is no delay
                    more=more,
                )
            )

    def _team(self, name: str) -> Team:
        """The default one where the alert's own is no longer configured: nothing is lost with a team."""
        whole = self._configuration
        default = whole.routes.teams[0] if whole.routes.teams else whole.teams[0].name
        return whole.team(name) or whole.team(default) or whole.teams[0]

    def _notification(self, alert: Alert, team: Team, channel: Channel, context: Context) -> Notification:
        shop = self._configuration.shop(alert.shop)
        return Notification(
            message_id=self._message_id(alert.id, str(alert.revision), team.name, channel),
            team=team.name,
            channel=channel,
            group=_lane(channel, alert),
            alerts=(alert,),
            created=context.now,
            received=alert.received,
            time_zone="UTC" if shop is None else shop.time_zone,
            meant_for=None if team.name == alert.team else alert.team,
        )

    def _message_id(self, *parts: str) -> str:
        """The same for the same parts, for ever: by it OpenText knows a repeat."""
        digest = blake2b("\x00".join(parts).encode(), digest_size=20).hexdigest()
        return f"{self._configuration.opentext.prefix}-{digest}"

    def _settled(self, receipt: Receipt, context: Context) -> Iterator[Outcome]:
        if receipt.state not in _KNOWN:
            yield Drop(DropReason.NOT_WATCHED)
            return
        missed = context.state.get(FOLLOWED, receipt.team, receipt.message_id)
        if missed is None:
            yield Drop(DropReason.NOTHING_OPEN)
            return
        context.state.delete(FOLLOWED, receipt.team, receipt.message_id)
        if receipt.state not in _MISSED:
            return
        if (team := self._configuration.team(missed.team)) is None:
            yield from self._told_another_team(missed, context)
        else:
            yield self._told_elsewhere(missed, team, receipt.state, context)

    def _told_another_team(self, missed: Notification, context: Context) -> Iterator[Outcome]:
        """Once, whatever channels it failed on; of an end only who was told of the beginning."""
        alert, team = missed.alerts[0], self._team(missed.team)
        told = recall(alert, context)
        if told is None or told.revision != alert.revision:
            yield Drop(DropReason.OUT_OF_DATE)
        elif told.team != missed.team:
            yield Drop(DropReason.ALREADY_KNOWN)
        elif alert.state.is_end:
            yield Drop(DropReason.NOTHING_OPEN)
        else:
            yield from self._told(alert, team, channels_of(team, alert.severity), None, context)

    def _told_elsewhere(self, missed: Notification, team: Team, state: SendingState, context: Context) -> Outcome:
        """On the first other channel that has not told it; not at all where something newer has been told since."""
        alert = missed.alerts[0]
        told = recall(alert, context)
        if told is None or told.revision != alert.revision:
            return Drop(DropReason.OUT_OF_DATE)
        left = (channel for channel in reachable(team) if channel not in told.newest and missed.instead_of is None)
        if (channel := next(left, None)) is None:
            context.state.put(LOST, team.name, missed, missed.message_id)
            return Drop(DropReason.ALREADY_KNOWN)
        remember(alert, also_on(channel, told), context)
        instead = replace(
            missed,
            message_id=self._message_id(missed.message_id, "instead", channel),
            channel=channel,
            group=_lane(channel, alert),
            created=context.now,
            instead_of=Missed(missed.message_id, missed.channel, state),
        )
        context.state.put(FOLLOWED, team.name, instead, instead.message_id)
        return _emitted(instead)


def _erase(shop: str, team: str, context: Context) -> None:
    forget(shop, team, context)
    without_lines_of(shop, team, context)
    for family in (FOLLOWED, LOST):
        for name, notification in context.state.scan(family, team):
            rest = without(notification, shop)
            if rest is None:
                context.state.delete(family, team, name)
            elif rest != notification:
                context.state.put(family, team, rest, name)


def _lane(channel: Channel, alert: Alert) -> str:
    """Order matters within a channel: what waits for the mail server does not hold back an SMS."""
    return f"{channel.value}/{alert.bundle or alert.subject}"


def _emitted(notification: Notification) -> Emit:
    return Emit(topics.NOTIFICATIONS, notification.team, notification, "notification")


def _decoded(record: Record, into: type[T]) -> T:
    try:
        return codec.decode(record, into)
    except codec.Undecodable as error:
        raise Reject(RejectReason.UNDECODABLE, str(error)) from error
