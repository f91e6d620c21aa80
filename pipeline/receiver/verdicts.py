"""How a request can end: a closed list. Each verdict is its HTTP status, and its label in the metrics."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from aiohttp import web


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    IGNORED = "ignored"
    """Understood as far as it goes, and nothing to do: sending it again would not help."""
    INCOMPLETE = "incomplete"
    """Required headers or fields are missing, or the body broke off."""
    MALFORMED = "malformed"
    """What is required is there, and is no such thing: a shop that is no domain, a job's report that is no JSON."""
    UNSIGNED = "unsigned"
    FORGED = "forged"
    UNKNOWN_SHOP = "unknown-shop"
    """Not configured, or this kind of report is not configured for it."""
    NOT_FOUND = "not-found"
    TOO_LARGE = "too-large"
    UNAVAILABLE = "unavailable"
    """The broker does not answer."""
    REFUSED = "refused"
    """The broker does not take the record. Not the sender's fault, so it shall come again: an operator can help."""
    LATE = "late"
    BUSY = "busy"
    DRAINING = "draining"


_STATUS: Final = {
    Verdict.ACCEPTED: 200,
    Verdict.IGNORED: 200,
    Verdict.INCOMPLETE: 400,
    Verdict.MALFORMED: 400,
    Verdict.UNSIGNED: 401,
    Verdict.FORGED: 401,
    Verdict.UNKNOWN_SHOP: 403,
    Verdict.NOT_FOUND: 404,
    Verdict.TOO_LARGE: 413,
}
_RETRY_AFTER = "10"
_CHALLENGE = "Bearer, Shopify-HMAC-SHA256"


class NotTaken(Exception):
    """Raised by an endpoint that says no; `str()` is one line for the sender and may show nothing of ours."""

    def __init__(self, verdict: Verdict, says: str) -> None:
        super().__init__(says)
        self.verdict = verdict


def response(verdict: Verdict, says: str) -> web.Response:
    """What went wrong on our side is not told to strangers: only that they shall come again."""
    status = _STATUS.get(verdict, 503)
    told = {"outcome": verdict.value}
    if says and status < 500:
        told["detail"] = says
    headers = {503: {"Retry-After": _RETRY_AFTER}, 401: {"WWW-Authenticate": _CHALLENGE}}.get(status)
    return web.json_response(told, status=status, headers=headers)
