"""A notification: one message for one team on one channel; its sendings; their receipts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from schemas.alerts import Alert


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"


class SendingState(StrEnum):
    ACCEPTED = "accepted"
    """OpenText has the job."""
    SENT = "sent"
    """Handed to the mail server or the SMS aggregator: no proof of delivery."""
    DELIVERED = "delivered"
    FAILED = "failed"
    IN_DOUBT = "in-doubt"
    """No answer, and a repeat could send twice."""
    UNKNOWN = "unknown"
    """No final state within the polling deadline."""
    CANCELLED = "cancelled"
    """Its end came while it still waited behind others of its group: it was never given to OpenText."""


class Missed(Struct, frozen=True):
    """The notification in whose place another channel tells the same, and what became of it."""

    message_id: str
    channel: Channel
    state: SendingState


class Notification(Struct, frozen=True, omit_defaults=True):
    """`message_id` (<= 80 characters) is written by `group` and is the same for every attempt; `group` is what goes in
    order. Who the people are and how they are reached stands in the configuration, never in a topic.

    `time_zone` is the shop's, for the times in the text. `meant_for`: the alert's team, where that is no longer
    configured and `team` gets it instead. `instead_of`: what could not be told on another channel. `more`: so many
    lines of a digest are not among its alerts.
    """

    message_id: str
    team: str
    channel: Channel
    group: str
    alerts: tuple[Alert, ...]
    created: datetime
    received: datetime
    time_zone: str = "UTC"
    meant_for: str | None = None
    instead_of: Missed | None = None
    more: int = 0


class Reached(Struct, frozen=True, omit_defaults=True):
    """One recipient's fate. `ref` is the person's name in the configuration."""

    ref: str
    state: SendingState
    raw: str | None = None


class Receipt(Struct, frozen=True, omit_defaults=True):
    """The fact of a sending's fate, on `receipts`; the newest for a `message_id` counts."""

    message_id: str
    team: str
    channel: Channel
    group: str
    state: SendingState
    at: datetime
    alert_ids: tuple[str, ...]
    job_id: str | None = None
    attempts: int = 1
    recipients: tuple[Reached, ...] = ()
    detail: str | None = None
    #: The wall time of what caused the notification, and the use cases of its alerts: for the delay that is measured.
    received: datetime | None = None
    use_cases: tuple[int, ...] = ()


class SendingStatus(Struct, frozen=True):
    """A callback of OpenText, as it came: `body` is the status JSON as text. Keyed by team, on `sending.status`."""

    team: str
    message_id: str
    body: str
    at: datetime
