"""OpenText's word on a job, read: the answer of a status lookup and the body of a callback have one schema.

Judged by the deliveries, never by `job_state`: a job is Complete and Posted even where everything failed. Recipients
are told by the person's name in our `ref`, never by address. The inside of a `dsn` and the event names beside
`Confirmed` are not public: what is not understood is kept as it came, and decides nothing.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from schemas.notifications import Reached, SendingState

T = TypeVar("T")


class JobStatus(Struct, frozen=True):
    job_id: str
    recipients: tuple[Reached, ...]


class _Job(Struct):
    job_id: str | int = ""
    deliveries: tuple[Raw, ...] | None = None


class _Attempt(Struct):
    state: str = ""
    gamma_code: int | None = None


class _Event(Struct):
    status: str | None = None


class _EmailEvents(Struct):
    dsn: Raw = Raw(b"null")


class _Events(Struct):
    email_delivery_events: _EmailEvents | None = None
    sms_delivery_events: tuple[_Event, ...] | None = None


class _Delivery(Struct):
    ref_base64: str = ""
    delivery_attempts: tuple[_Attempt, ...] | None = None
    events: Raw = Raw(b"null")


class _Notice(Struct, rename={"kind": "class"}):
    """RFC 3463: class 2 is success, 5 a permanent failure, 4 only a delay; as a number, or before the first dot."""

    kind: int | str | None = None
    status: int | str | None = None
    code: int | str | None = None


_UNDER_WAY = frozenset({"", "pending", "submitted", "inprocess", "held"})
_FAILED = frozenset({"error", "cancelled", "expired"})
_RAW = 80


def read_status(body: bytes, team: str, message_id: str) -> JobStatus | None:
    """None where the body is no status of a job at all; one delivery that is unreadable spoils only itself."""
    job = _decoded(body, _Job)
    if job is None:
        return None
    ours = f"{team}/{message_id}/"
    reached = (_reached(raw, ours, number) for number, raw in enumerate(job.deliveries or (), 1))
    return JobStatus(str(job.job_id)[:200], tuple(reached))


def _reached(raw: Raw, ours: str, number: int) -> Reached:
    delivery = _decoded(bytes(raw), _Delivery)
    if delivery is None:
        return Reached(f"#{number}", SendingState.UNKNOWN, "unreadable")
    ref = _person(delivery.ref_base64, ours) or f"#{number}"
    attempt = delivery.delivery_attempts[-1] if delivery.delivery_attempts else _Attempt()
    state = attempt.state.casefold()
    gamma = attempt.gamma_code or 0
    said = attempt.state[:_RAW] + (f", gamma {gamma}" if gamma else "")
    if state in _UNDER_WAY:
        return Reached(ref, SendingState.ACCEPTED)
    if state in _FAILED or (state == "sent" and gamma):
        return Reached(ref, SendingState.FAILED, said)
    if state != "sent":
        return Reached(ref, SendingState.UNKNOWN, said)
    return _after_hand_off(ref, _decoded(bytes(delivery.events), _Events) or _Events())


def _after_hand_off(ref: str, events: _Events) -> Reached:
    """What the mailbox or the handset said; until then it is only sent."""
    told = [event.status for event in events.sms_delivery_events or () if event.status]
    if any(status.casefold() == "confirmed" for status in told):
        return Reached(ref, SendingState.DELIVERED)
    if events.email_delivery_events is not None:
        kind = _notice(bytes(events.email_delivery_events.dsn))
        if kind == "2":
            return Reached(ref, SendingState.DELIVERED)
        if kind == "5":
            return Reached(ref, SendingState.FAILED, "dsn, class 5")
    return Reached(ref, SendingState.SENT, told[-1][:_RAW] if told else None)


def _notice(dsn: bytes) -> str:
    """The class of the last notice that has one; empty where there is none."""
    notices = _decoded(dsn, tuple[_Notice, ...]) or ((one,) if (one := _decoded(dsn, _Notice)) else ())
    for notice in reversed(notices):
        for said in (notice.kind, notice.status, notice.code):
            if said is not None and (first := str(said).partition(".")[0]) in ("2", "4", "5"):
                return first
    return ""


def _person(ref_base64: str, ours: str) -> str | None:
    """The name behind our own `ref`; a ref that is not ours may be anything, even an address."""
    try:
        ref = b64decode(ref_base64, validate=True).decode()
    except (NotBase64, ValueError):
        return None
    return ref.removeprefix(ours)[:_RAW] if ref.startswith(ours) else None


def _decoded(body: bytes, into: type[T]) -> T | None:
    try:
        return msgspec.json.decode(body, type=into, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
