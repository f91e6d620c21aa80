"""What OpenText may answer, as closed types, and how an HTTP answer becomes one of them.

The shape of an error body is not public, so it is only ever told to people: control flow uses the HTTP status alone.
Whatever stands in such a body may name a recipient; addresses and numbers are masked before anybody sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec
from msgspec import Struct


@dataclass(frozen=True, slots=True)
class Accepted:
    """OpenText has the job; a repeated message id is accepted with the first job."""

    job_id: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Read and refused; trying again does not help."""

    detail: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """`may_have_arrived`: nobody knows whether it was taken, so a repeat could send twice.

    `after` is what OpenText asks for.
    """

    detail: str
    after: timedelta | None = None
    may_have_arrived: bool = False


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Not sent at all, or refused with the account: no fault of what was to be sent. Worth another try `after` that."""

    detail: str
    after: timedelta


@dataclass(frozen=True, slots=True)
class AccountRefused:
    """The account's password, client or fresh token is not taken."""

    detail: str


@dataclass(frozen=True, slots=True)
class Status:
    """The status JSON as it came."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """No such job: purged after its retention, or not visible yet."""


SubmitAnswer = Accepted | NotTaken | TryAgain | HeldBack
StatusAnswer = Status | Gone | NotTaken | TryAgain | HeldBack


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer, read: `after` is its Retry-After."""

    status: int
    body: bytes
    after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


_LONGEST_AFTER = timedelta(hours=1)
_DETAIL = 300
_READ = 2000


class _Job(Struct):
    job_id: str | int = ""


def job_of(response: Response) -> Accepted | None:
    """None where a success names no job: then nobody knows whether there is one."""
    try:
        job = str(msgspec.json.decode(response.body, type=_Job).job_id)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Accepted(job) if 0 < len(job) <= 200 else None


def failure_of(response: Response) -> NotTaken | TryAgain:
    """408, 429 and a 503 that says when to come back were not taken; of any other 5xx nobody knows."""
    detail = f"HTTP {response.status}: {detail_of(response.body)}".rstrip(": ")
    status = response.status
    if 400 <= status < 500 and status not in (408, 429):
        return NotTaken(detail)
    was_refused = status in (408, 429) or (status == 503 and response.after is not None) or 300 <= status < 400
    return TryAgain(detail, response.after, may_have_arrived=not was_refused)


def after_of(header: str | None, wall: datetime) -> timedelta | None:
    """Retry-After in seconds or as a date, an hour at most; None where it says nothing that makes sense."""
    if header is None:
        return None
    text = header.strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return min(timedelta(seconds=float(text)), _LONGEST_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return min(max(moment - wall, timedelta(0)), _LONGEST_AFTER)


def detail_of(body: bytes) -> str:
    """What an error body says, in a line of at most 300 characters, without anybody's address or number."""
    text = body[:_READ].decode(errors="replace")
    try:
        said = "; ".join(dict.fromkeys(_said(msgspec.json.decode(body))))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = ""
    line = " ".join((said or text)[:_READ].split())
    line = "".join(letter for letter in line if letter.isprintable())
    return _masked(line)[:_DETAIL]


def _masked(text: str) -> str:
    return re.sub(r"\+?\d[\d ()/-]{6,}\d", "(number)", re.sub(r"[^\s<>\"',;]+@[^\s<>\"',;]+", "(address)", text))


def _said(found: object, depth: int = 0) -> Iterator[str]:
    """The texts at the places where services of this kind put them."""
    if isinstance(found, str | int):
        yield str(found)
    elif depth < 4 and isinstance(found, list):
        for one in found[:5]:
            yield from _said(one, depth + 1)
    elif depth < 4 and isinstance(found, dict):
        for name in ("message", "error", "error_description", "fault", "faultstring", "detail", "errorcode", "errors"):
            if name in found:
                yield from _said(found[name], depth + 1)
