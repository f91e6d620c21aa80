"""`group`: turns the alerts of a team into notifications, one for each channel of their severity.

For now every alert goes out at once, in one message with what other rules of its use case say of the same thing by the
same news (`stages.together`), but for the lines of a digest, which are told an hour at a time (`stages.digest`); what
else may wait for one does not yet, and escalation, acknowledgements and the storm brake are not here yet. An end is
told where the beginning was told, and nowhere else; one of which a milestone tells is no message of its own, and that
milestone goes there too. What finally failed on one channel, or may have, is told once on another, and no further. What
was meant for a team that is no longer configured is told the default one, each alert for itself: at once, or, where it
failed on its way, then, or when this stage hears that the team is gone; the same message id as the default team's own
word on it makes one of both. Not promised: that a team is reached whose channels all fail, nor a second channel for
what another team is told in its stead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from hashlib import blake2b
from itertools import product
from typing import Any, NamedTuple, TypeVar

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
from stages.together import HELD, hold, with_held
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


class _Way(NamedTuple):
    """On which channels an alert is told, and what was told of it before."""

    alert: Alert
    channels: tuple[Channel, ...]
    before: Told | None


class Group:
    families: Sequence[Family[Any]] = (OPEN, OVER, FOLLOWED, LOST, LINES, COUNT, HELD)
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
        elif alert.line:
            is_wanted = team.send_resolved or not alert.state.is_end
            yield from gathered(alert, context) if is_wanted else [Drop(DropReason.NOTHING_OPEN)]
        elif alert.carried_by is not None:
            hold(alert, context)
            yield Drop(DropReason.TOLD_WITH_ANOTHER)
        else:
            ways = [self._way(one, team, context) for one in with_held(alert, context)]
            yield from self._told(ways, team, context)

    def _way(self, alert: Alert, team: Team, context: Context) -> _Way:
        before = recall(alert, context)
        channels = where_it_began(team, before) if alert.state.is_end else channels_of(team, alert.severity)
        ended = (channel for told in recall_resolved(alert, context) for channel in where_it_began(team, told))
        return _Way(alert, tuple(dict.fromkeys((*channels, *ended))), before)

    def _told(self, ways: Sequence[_Way], team: Team, context: Context) -> Iterator[Outcome]:
        """One message on each channel, the worst first. In another team's stead each has one of its own."""
        bundles = [ways] if team.name == ways[0].alert.team else [[way] for way in ways]
        for bundle in bundles:
            yield from self._told_in_one(sorted(bundle, key=lambda way: -way.alert.severity.rank), team, context)

    def _told_in_one(self, ways: Sequence[_Way], team: Team, context: Context) -> Iterator[Outcome]:
        alerts: dict[Channel, list[Alert]] = {}
        for alert, channels, before in ways:
            remember(alert, told_now(alert, team.name, channels, before), context)
            for channel in channels:
                alerts.setdefault(channel, []).append(alert)
        if not alerts:
            yield Drop(DropReason.NOTHING_OPEN)
        for channel, these in alerts.items():
            notification = self._notification(these, team, channel, context)
            if team.name == these[0].team:
                context.state.put(FOLLOWED, team.name, notification, notification.message_id)
            yield _emitted(notification)

    def _told_together(self, timer: Timer, context: Context) -> Iterator[Outcome]:
        """The digest that has been gathered for a team: one message for each clock on which its shops are read."""
        lines, more = taken(timer.routing, context)
        if not lines:
            yield Drop(DropReason.NOTHING_OPEN)
            return
        team, by_zone = self._team(timer.routing), dict[str, list[Alert]]()
        for line in lines:
            by_zone.setdefault(self._zone_of(line), []).append(line)
        for channel, (number, (zone, these)) in product(channels_of(team, Severity.INFO), enumerate(by_zone.items())):
            identity = self._message_id("digest", timer.routing, timer.due.isoformat(), team.name, channel, zone)
            digest = self._notification(these, team, channel, context)
            # that it was gathered for an hour is no delay
            digest = replace(digest, message_id=identity, received=context.wall, more=0 if number else more)
            yield _emitted(replace(digest, group=f"{channel.value}/digest"))

    def _team(self, name: str) -> Team:
        """The default one where the alert's own is no longer configured: nothing is lost with a team."""
        whole = self._configuration
        default = whole.routes.teams[0] if whole.routes.teams else whole.teams[0].name
        return whole.team(name) or whole.team(default) or whole.teams[0]

    def _notification(self, alerts: Sequence[Alert], team: Team, channel: Channel, context: Context) -> Notification:
        """Named for the first of them, of one team."""
        alert = alerts[0]
        return Notification(
            message_id=self._message_id(alert.id, str(alert.revision), team.name, channel),
            team=team.name,
            channel=channel,
            group=_lane(channel, alert),
            alerts=tuple(alerts),
            created=context.now,
            received=alert.received,
            time_zone=self._zone_of(alert),
            meant_for=None if team.name == alert.team else alert.team,
        )

    def _zone_of(self, alert: Alert) -> str:
        shop = self._configuration.shop(alert.shop)
        return "UTC" if shop is None else shop.time_zone

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
        newest, team = _newest(missed, context), self._team(missed.team)
        ours = [
            _Way(alert, channels_of(team, alert.severity), None) for alert, told in newest if told.team == missed.team
        ]
        if not newest:
            yield Drop(DropReason.OUT_OF_DATE)
        elif not ours:
            yield Drop(DropReason.ALREADY_KNOWN)
        elif ours[0].alert.state.is_end:
            yield Drop(DropReason.NOTHING_OPEN)
        else:
            yield from self._told(ours, team, context)

    def _told_elsewhere(self, missed: Notification, team: Team, state: SendingState, context: Context) -> Outcome:
        """On the first other channel that has not told it; not at all where something newer has been told since."""
        newest = _newest(missed, context)
        if not newest:
            return Drop(DropReason.OUT_OF_DATE)
        others = {
            channel: [(alert, told) for alert, told in newest if channel not in told.newest]
            for channel in reachable(team)
        }
        left = (channel for channel, untold in others.items() if untold and missed.instead_of is None)
        if (channel := next(left, None)) is None:
            context.state.put(LOST, team.name, missed, missed.message_id)
            return Drop(DropReason.ALREADY_KNOWN)
        for alert, told in others[channel]:
            remember(alert, also_on(channel, told), context)
        instead = replace(
            missed,
            message_id=self._message_id(missed.message_id, "instead", channel),
            channel=channel,
            group=_lane(channel, missed.alerts[0]),
            alerts=tuple(alert for alert, _ in others[channel]),
            created=context.now,
            instead_of=Missed(missed.message_id, missed.channel, state),
        )
        context.state.put(FOLLOWED, team.name, instead, instead.message_id)
        return _emitted(instead)


def _newest(missed: Notification, context: Context) -> list[tuple[Alert, Told]]:
    """Those of its alerts of which nothing newer has been told since."""
    told = ((alert, recall(alert, context)) for alert in missed.alerts)
    return [(alert, known) for alert, known in told if known is not None and known.revision == alert.revision]


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
