"""What became of a submit: a job, its life by the clock, and the status that tells it.

State names are OpenText's; the gamma codes and the inside of `dsn` are made up, since none are public.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from pipeline.simulators.opentext.requests import Submit


class Medium(StrEnum):
    """As the paths say it; a destination's key is `key`."""

    EMAIL = "emails"
    SMS = "sms"
    FAX = "faxes"
    WHATSAPP = "whatsapp"

    @property
    def key(self) -> str:
        return {"emails": "email", "faxes": "fax"}.get(self.value, self.value)


class State(StrEnum):
    PENDING = "Pending"
    SUBMITTED = "Submitted"
    IN_PROCESS = "InProcess"
    SENT = "Sent"
    ERROR = "Error"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds after the submit at which a delivery is in each state; `confirmed`: the handset's or mailbox's word."""

    submitted: float = 0.2
    in_process: float = 0.5
    sent: float = 1.0
    confirmed: float = 2.0


@dataclass(frozen=True, slots=True)
class Failing:
    """How deliveries to addresses that fit `pattern` end. `gamma` with Sent: the hand-off failed.

    `bounced`: handed over well, and refused by the mailbox later. InProcess never ends.
    """

    pattern: str
    state: State
    gamma: int = 0
    bounced: bool = False


#: Addresses with which anybody can try what a failure does.
FAILING: Final = (
    Failing(r"^bounce", State.ERROR, 301),
    Failing(r"0000$", State.ERROR, 401),
    Failing(r"^refused|0001$", State.SENT, 118),
    Failing(r"^dsn", State.SENT, bounced=True),
    Failing(r"^expired|0002$", State.EXPIRED),
    Failing(r"^stuck|0003$", State.IN_PROCESS),
)

_FINE = Failing("", State.SENT)
_JOB_STATES: Final = {
    State.PENDING: ["Setup"],
    State.SUBMITTED: ["Processing"],
    State.IN_PROCESS: ["Delivering"],
}
_OVER = ["Complete", "Posted"]


class Attempt(Struct, omit_defaults=True):
    state: State
    gamma_code: int | UnsetType = UNSET
    first_attempt: str | UnsetType = UNSET
    delivery_time: str | UnsetType = UNSET
    delivery_sec: int | UnsetType = UNSET
    pages_delivered: int | UnsetType = UNSET


class Status(Struct, omit_defaults=True):
    """The answer of `GET .../status` and the body of a status callback. Deliveries differ in one key by medium."""

    job_id: str
    job_state: list[str]
    entry_time: str
    deliveries: list[dict[str, object]]
    billing_code_base64: str | UnsetType = UNSET
    customer_reference_base64: str | UnsetType = UNSET
    html_open_tracking: dict[str, int] | UnsetType = UNSET


class Message(Struct, frozen=True):
    """One submit as it was received. `repeats`: how often its message id came again; `states`: of each destination."""

    job_id: str
    medium: Medium
    account: str
    message_id: str | None
    destinations: list[str]
    states: list[State]
    subject: str | None
    text: str
    received: datetime
    repeats: int
    submit_id: str | None
    traceparent: str | None


@dataclass
class Job:
    id: str
    medium: Medium
    account: str
    submit: Submit
    received: datetime
    delays: Delays
    failing: tuple[Failing, ...]
    headers: dict[str, str] = field(default_factory=dict)
    repeats: int = 0

    def fate(self, address: str) -> Failing:
        return next((one for one in self.failing if re.search(one.pattern, address)), _FINE)

    def state(self, address: str, now: datetime) -> State:
        age, end = (now - self.received).total_seconds(), self.fate(address).state
        if age < self.delays.submitted:
            return State.PENDING
        if age < self.delays.in_process:
            return State.SUBMITTED
        return State.IN_PROCESS if age < self.delays.sent else end

    def is_confirmed(self, now: datetime) -> bool:
        return (now - self.received).total_seconds() >= self.delays.confirmed

    def message(self, now: datetime) -> Message:
        addresses = [address for address, _ in self.submit.recipients()]
        return Message(
            job_id=self.id,
            medium=self.medium,
            account=self.account,
            message_id=self.submit.options.message_id,
            destinations=addresses,
            states=[self.state(address, now) for address in addresses],
            subject=self.submit.options.email_options.subject,
            text=self.submit.text(),
            received=self.received,
            repeats=self.repeats,
            submit_id=self.headers.get("X-MRA-SubmitId"),
            traceparent=self.headers.get("traceparent"),
        )

    def status(self, now: datetime) -> Status:
        options = self.submit.options
        states = [self.state(address, now) for address, _ in self.submit.recipients()]
        unfinished = [state for state in states if state in _JOB_STATES]
        return Status(
            job_id=self.id,
            job_state=_JOB_STATES[unfinished[0]] if unfinished else _OVER,
            entry_time=_moment(self.received),
            deliveries=[self._delivery(address, ref, now) for address, ref in self.submit.recipients()],
            billing_code_base64=_base64(options.billing_code),
            customer_reference_base64=_base64(options.customer_reference),
            html_open_tracking=(
                {"total_open_count": 0, "distinct_open_count": 0} if self.medium is Medium.EMAIL else UNSET
            ),
        )

    def _delivery(self, address: str, ref: str | None, now: datetime) -> dict[str, object]:
        delivery: dict[str, object] = {} if ref is None else {"ref_base64": _base64(ref)}
        delivery |= {self.medium.key: address, "delivery_attempts": [self._attempt(address, now)]}
        if self.medium in (Medium.EMAIL, Medium.SMS):
            delivery["events"] = self._events(address, now)
        return delivery

    def _attempt(self, address: str, now: datetime) -> Attempt:
        """A success has no gamma code in the one real SMS answer that is public, and 0 in the e-mail's example."""
        state, gamma = self.state(address, now), self.fate(address).gamma
        attempt = Attempt(state)
        if state in (State.PENDING, State.SUBMITTED):
            return attempt
        attempt.first_attempt = _moment(self.received)
        if state is State.IN_PROCESS:
            return attempt
        if gamma or self.medium is Medium.EMAIL:
            attempt.gamma_code = gamma
        if self.medium is Medium.FAX and not gamma:
            attempt.delivery_time, attempt.delivery_sec, attempt.pages_delivered = _moment(self.received), 30, 1
        return attempt

    def _events(self, address: str, now: datetime) -> dict[str, object]:
        fate = self.fate(address)
        arrived = self.is_confirmed(now) and fate.state is State.SENT and not fate.gamma
        if self.medium is Medium.SMS:
            at = _moment(self.received + timedelta(seconds=self.delays.confirmed))
            told = [{"event_time": at, "status": "Confirmed"}] if arrived else []
            return {"sms_delivery_events": told}
        notice = {"class": 5 if fate.bounced else 2, "subject": 1, "detail": 1 if fate.bounced else 5}
        events = {"dsn": notice if arrived else {}, "html_open": [], "opt_out": {}, "pull": []}
        return {"email_delivery_events": events}


def _base64(text: str | None) -> str | UnsetType:
    return UNSET if text is None else b64encode(text.encode()).decode()


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
