"""A notification in words, the same for every channel: what happened, since when, how bad, what to do, what is unknown.

Everything in here is clean and bounded (`cleaning`); a channel only decides how much of it there is room for, and
escapes it. The texts are English, dates and times follow the team's language.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.alerts import Alert, AlertState
from schemas.configuration import Team
from schemas.notifications import Channel, Missed, Notification, SendingState
from stages.channels.cleaning import clean, cut, web_link
from stages.channels.times import Calendar, calendar_of, say_duration

SUBJECT = 150
_TITLE = 200
_LABEL = 60
_TEXT = 500
_REFERENCE = 250
_FACTS = 30
_UNKNOWN = 15
_LIMIT = 120
_STORIES = 20
_NAMES = {Channel.EMAIL: "email", Channel.SMS: "SMS", Channel.WHATSAPP: "WhatsApp"}


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """One alert. `badge` is what the eye catches first, `tone` names its colour, `standing` says when and how bad."""

    badge: str
    tone: str
    title: str
    standing: str
    facts: tuple[Fact, ...]
    next_step: str
    unknown: str
    link: str | None
    reference: str


@dataclass(frozen=True, slots=True)
class Message:
    """`head` is the subject without the titles of several alerts. `notices` are about the message itself; `omitted`
    counts the alerts there was no room for."""

    head: str
    subject: str
    notices: tuple[str, ...]
    stories: tuple[Story, ...]
    omitted: int
    closing: str


def message_of(notification: Notification, team: Team) -> Message:
    calendar = calendar_of(notification.time_zone, team.language)
    told = notification.alerts[:_STORIES]
    return Message(
        head=_head_of(notification, calendar),
        subject=_subject_of(notification, calendar),
        notices=_notices(notification),
        stories=tuple(_story(alert, calendar) for alert in told),
        omitted=len(notification.alerts) + notification.more - len(told),
        closing=f"For the team {team.name}. Times are in {calendar.zone}.",
    )


def _head_of(notification: Notification, calendar: Calendar) -> str:
    """`[CRITICAL] Order #1001: payment pending`: how bad first, then what and to what, as a phone shows it."""
    alerts = notification.alerts
    if all(alert.line for alert in alerts):
        count = len(alerts) + notification.more
        return f"[DIGEST] {count} line{'s' if count > 1 else ''}"
    if len(alerts) == 1:
        return _head_of_one(alerts[0], calendar)
    worst = max((alert for alert in alerts if not alert.state.is_end), key=_rank, default=None)
    return f"[{_badge(alerts[0]) if worst is None else worst.severity.value.upper()}] {len(alerts)} alerts"


def _head_of_one(alert: Alert, calendar: Calendar) -> str:
    head = f"[{_badge(alert)}] {'Update: ' if alert.state is AlertState.UPDATED else ''}"
    tail = f" (was {alert.severity.value})" if alert.state.is_end else ""
    return head + clean(calendar.retold(alert.title), SUBJECT - len(head) - len(tail)) + tail


def _subject_of(notification: Notification, calendar: Calendar) -> str:
    alerts = notification.alerts
    if len(alerts) == 1 and not alerts[0].line:
        return _head_of(notification, calendar)
    titles = "; ".join(clean(calendar.retold(alert.title), SUBJECT) for alert in alerts[:_STORIES])
    return cut(f"{_head_of(notification, calendar)}: {titles}", SUBJECT)


def _rank(alert: Alert) -> int:
    return alert.severity.rank


def _badge(alert: Alert) -> str:
    return (alert.state.value if alert.state.is_end else alert.severity.value).upper()


def _notices(notification: Notification) -> tuple[str, ...]:
    notices = []
    if notification.meant_for is not None:
        team = clean(notification.meant_for, _LABEL)
        notices.append(f"This was for the team {team}, which is no longer in the configuration.")
    if notification.instead_of is not None:
        notices.append(_missed(notification.instead_of))
    return tuple(notices)


def _missed(missed: Missed) -> str:
    name = _NAMES[missed.channel]
    if missed.state is SendingState.IN_DOUBT:
        return f"It is not certain that the {name} about this arrived, so you are told here too."
    return f"The {name} about this could not be delivered, so you are told here."


def _story(alert: Alert, calendar: Calendar) -> Story:
    facts = [
        Fact(clean(detail.label, _LABEL), clean(calendar.retold(detail.text), _TEXT))
        for detail in alert.details[:_FACTS]
    ]
    if (more := len(alert.details) - len(facts)) > 0:
        facts.append(Fact("And", f"{more} more"))
    return Story(
        badge=_badge(alert),
        tone=_badge(alert).lower(),
        title=clean(calendar.retold(alert.title), _TITLE),
        standing=_standing(alert, calendar),
        facts=tuple(facts),
        next_step=clean(calendar.retold(alert.next_step), _TEXT),
        unknown=_unknown(alert, calendar),
        link=web_link(alert.link),
        reference=clean(f"{alert.shop} · revision {alert.revision} · alert {alert.id}", _REFERENCE),
    )


def _unknown(alert: Alert, calendar: Calendar) -> str:
    named = [clean(calendar.retold(name), _LIMIT) for name in alert.unknown[:_UNKNOWN]]
    if (more := len(alert.unknown) - len(named)) > 0:
        named.append(f"{more} more")
    return "; ".join(named)


def _standing(alert: Alert, calendar: Calendar) -> str:
    since, at = calendar.say(alert.since), calendar.say(alert.at)
    length = say_duration(alert.at - alert.since)
    so_long, after = (f" ({length})", f" after {length}") if length else ("", "")
    severity = alert.severity.value
    priority = " Priority." if alert.priority else ""
    match alert.state:
        case AlertState.RESOLVED:
            return f"Resolved {at}{after}. It began {since}, severity {severity}."
        case AlertState.WITHDRAWN:
            return (
                f"Withdrawn {at}: nothing more comes about this, and that does not say that it is solved. "
                f"It began {since}, severity {severity}."
            )
        case AlertState.UPDATED:
            return f"Changed {at}: now {severity}. Since {since}{so_long}.{priority}"
        case _ if alert.milestone:
            return f"{severity.capitalize()}. Happened {since}.{priority}"
        case _:
            return f"{severity.capitalize()} since {since}{so_long}.{priority}"
