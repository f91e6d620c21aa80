"""What `dispatch` remembers of sendings, and the order in which they go.

A group's notifications stand in a line. Its head has the intent: a call may be made for it at any moment, or has been.
Those behind wait without one. When the head's submit has its end, the next one is the head. What was accepted is
followed, out of the line, until its deliveries are final.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from schemas.notifications import Notification, Receipt, SendingState
from stages.stage import Family, State


class Waiting(Struct, frozen=True, omit_defaults=True):
    """In the line. `attempts` have been made and answered; `armed`: the next one may be under way, and where repeats
    are unsafe only the process that armed it may make it. `erased`: it says nothing any more, and keeps the place of a
    head that may be under way."""

    notification: Notification
    trace: str | None = None
    attempts: int = 0
    armed: bool = False
    erased: bool = False


class Followed(Struct, frozen=True, omit_defaults=True):
    """OpenText has it, or may have it. `receipt` is the newest one given; `since` (wall) is when it had an answer.

    `shops`: those that it is about.
    """

    receipt: Receipt
    since: datetime
    polls: int = 0
    shops: tuple[str, ...] = ()


#: The timer of a line's head: `send/<group>`.
SEND = "send"
#: By group: message ids, the head first.
LINES: Family[tuple[str, ...]] = Family("line", tuple[str, ...])
#: By message id, as the next two. An outage of OpenText leaves its backlog on the log, and not in here: a line is
#: written whole whenever somebody joins it (2,000 ids of 80 bytes are 160 KB), and a digest of 50 alerts takes 18 KB.
WAITING: Family[Waiting] = Family("waiting", Waiting, scanned=True, most=2_000)
#: Two a second for a day, to the teams of one task; 1.4 KB each with its timer. Where deliveries get no final state it
#: is a day until there is room again: that is better than a process that cannot hold what it follows.
FOLLOWED: Family[Followed] = Family("followed", Followed, scanned=True, most=200_000)
LEDGER: Family[bool] = Family("ledger", bool, ttl=timedelta(days=7))
FAMILIES: tuple[Family[Any], ...] = (LINES, WAITING, FOLLOWED, LEDGER)


class Desk:
    """The sendings of one team."""

    def __init__(self, state: State, team: str) -> None:
        self._state = state
        self.team = team

    def knows(self, message_id: str) -> bool:
        families: tuple[Family[Any], ...] = (LEDGER, WAITING, FOLLOWED)
        return any(self._state.get(family, self.team, message_id) is not None for family in families)

    def head(self, group: str) -> Waiting | None:
        line = self._line(group)
        return self._state.get(WAITING, self.team, line[0]) if line else None

    def waiting(self, message_id: str) -> Waiting | None:
        return self._state.get(WAITING, self.team, message_id)

    def followed(self, message_id: str) -> Followed | None:
        return self._state.get(FOLLOWED, self.team, message_id)

    def all_waiting(self) -> list[Waiting]:
        return [waiting for _, waiting in self._state.scan(WAITING, self.team)]

    def all_followed(self) -> list[Followed]:
        return [followed for _, followed in self._state.scan(FOLLOWED, self.team)]

    def join(self, waiting: Waiting) -> bool:
        """At the end of its line; True where it is the head at once."""
        notification = waiting.notification
        line = self._line(notification.group)
        self._state.put(LINES, self.team, (*line, notification.message_id), notification.group)
        self.keep(waiting)
        self._state.put(LEDGER, self.team, True, notification.message_id)
        return not line

    def keep(self, waiting: Waiting) -> None:
        self._state.put(WAITING, self.team, waiting, waiting.notification.message_id)

    def leave(self, notification: Notification) -> bool:
        """Takes the head out of its line; True where another one is the head now."""
        rest = tuple(one for one in self._line(notification.group) if one != notification.message_id)
        self._close(WAITING, notification.message_id)
        if rest:
            self._state.put(LINES, self.team, rest, notification.group)
        else:
            self._state.delete(LINES, self.team, notification.group)
        return bool(rest)

    def overtaken(self, end: Notification) -> list[Notification]:
        """Takes out of the line what `end` ends: on its channel, about its alerts only, and without intent."""
        if not is_end(end):
            return []
        ended = {alert.id for alert in end.alerts}
        out: list[Notification] = []
        for message_id in self._line(end.group)[1:]:
            waiting = self.waiting(message_id)
            if waiting is not None and _is_ended(waiting.notification, end, ended):
                out.append(waiting.notification)
        for notification in out:
            self.leave(notification)
        return out

    def follow(self, followed: Followed) -> None:
        self._state.put(FOLLOWED, self.team, followed, followed.receipt.message_id)

    def unfollow(self, message_id: str) -> None:
        self._close(FOLLOWED, message_id)

    def _close(self, family: Family[Any], message_id: str) -> None:
        self._state.delete(family, self.team, message_id)
        self._state.put(LEDGER, self.team, True, message_id)

    def _line(self, group: str) -> tuple[str, ...]:
        return self._state.get(LINES, self.team, group) or ()


def is_end(notification: Notification) -> bool:
    return bool(notification.alerts) and all(alert.state.is_end for alert in notification.alerts)


def _is_ended(notification: Notification, end: Notification, ended: set[str]) -> bool:
    about = {alert.id for alert in notification.alerts}
    return notification.channel is end.channel and not is_end(notification) and bool(about) and about <= ended


def shops_of(notification: Notification) -> tuple[str, ...]:
    return tuple(sorted({alert.shop for alert in notification.alerts}))


def receipt_of(notification: Notification, state: SendingState, at: datetime, attempts: int) -> Receipt:
    return Receipt(
        message_id=notification.message_id,
        team=notification.team,
        channel=notification.channel,
        group=notification.group,
        state=state,
        at=at,
        alert_ids=tuple(alert.id for alert in notification.alerts),
        attempts=attempts,
        received=notification.received,
        use_cases=tuple(sorted({alert.use_case for alert in notification.alerts})),
    )
