"""What the shop's own systems report: `POST /jobs/{shop}/{job}/{phase}` and `POST /signals/{shop}/payment-failed`.

A bearer token per shop and kind. A job may say something, as plain text or as JSON `{"message": ..., "run": ...}`; text
that is cut is still a report, so long messages are shortened and never refused. A report that comes twice is written
twice: it has no id.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Final, TypeVar, get_args

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from pipeline.receiver.cloudevents import of_ours, trace_of
from pipeline.receiver.intake import Intake, NotTaken, Verdict
from pipeline.receiver.signatures import Credentials, ShopCredentials, is_bearer
from schemas import subjects, topics
from schemas.codec import encode
from schemas.configured import Name
from schemas.signals import JobPhase, JobReported, PaymentFailedReported, Signal

#: The metrics' domain of everything in here.
_DOMAIN: Final = "signals"
_BODY_BYTES = 64 * 1024
_MESSAGE_LENGTH = 500
_NAME = re.compile(get_args(Name)[1].pattern)
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)

Word = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,255}\Z")]
S = TypeVar("S", bound=Struct)


class JobSays(Struct, frozen=True):
    message: str | None = None
    run: Word | None = None


class PaymentFailed(Struct, frozen=True):
    checkout_token: Word
    error: str | None = None
    reporter: str | None = None


class Reports:
    def __init__(self, intake: Intake, credentials: Credentials) -> None:
        self._intake = intake
        self._credentials = credentials

    async def job(self, request: web.Request) -> web.Response:
        return await self._intake.answer(_DOMAIN, partial(self._job, request), dict(request.match_info))

    async def payment_failed(self, request: web.Request) -> web.Response:
        return await self._intake.answer(_DOMAIN, partial(self._payment_failed, request), dict(request.match_info))

    async def _job(self, request: web.Request) -> None:
        shop, credentials = self._admitted(request)
        _check(request, credentials.job_token)
        job, phase = _job(request), _phase(request)
        async with self._intake.body(request, _BODY_BYTES) as body:
            said = _said(body, request.content_type)
        now, wall = self._intake.clock.now(), self._intake.clock.wall()
        subject = subjects.job(shop, job)
        await self._put(
            request, "job-reported", JobReported(shop, subject, now, wall, job, phase, said.run, _short(said.message))
        )

    async def _payment_failed(self, request: web.Request) -> None:
        shop, credentials = self._admitted(request)
        _check(request, credentials.signal_token)
        async with self._intake.body(request, _BODY_BYTES) as body:
            said = _decoded(body, PaymentFailed)
        now, wall = self._intake.clock.now(), self._intake.clock.wall()
        token, error, reporter = said.checkout_token, _short(said.error), _short(said.reporter)
        subject = subjects.checkout(shop, token)
        await self._put(
            request,
            "payment-failed-reported",
            PaymentFailedReported(shop, subject, now, wall, token, error, reporter),
        )

    def _admitted(self, request: web.Request) -> tuple[str, ShopCredentials]:
        shop = request.match_info["shop"].lower()
        if "Authorization" not in request.headers:
            raise NotTaken(Verdict.UNSIGNED, "a bearer token is wanted")
        if (credentials := self._credentials.shops.get(shop)) is None:
            raise NotTaken(Verdict.UNKNOWN_SHOP, "this shop is not configured")
        return shop, credentials

    async def _put(self, request: web.Request, kind: str, signal: Signal) -> None:
        headers = of_ours(kind, self._intake.clock, trace_of(request.headers))
        await self._intake.put(topics.SIGNALS, signal.subject, encode(signal), headers)


def _check(request: web.Request, token: str | None) -> None:
    if token is None:
        raise NotTaken(Verdict.UNKNOWN_SHOP, "no token is configured for this shop")
    if not is_bearer(request.headers["Authorization"], token):
        raise NotTaken(Verdict.FORGED, "this is not the token")


def _job(request: web.Request) -> str:
    job = request.match_info["job"]
    if not _NAME.fullmatch(job):
        raise NotTaken(Verdict.MALFORMED, f"a job's name is {get_args(Name)[1].description}")
    return job


def _phase(request: web.Request) -> JobPhase:
    phase = request.match_info["phase"]
    if phase not in tuple(JobPhase):
        raise NotTaken(Verdict.NOT_FOUND, f"a job reports one of {', '.join(JobPhase)}")
    return JobPhase(phase)


def _said(body: bytes, content_type: str) -> JobSays:
    """JSON where the sender says so; text, too, that is such JSON: curl calls everything a form."""
    if not body.strip():
        return JobSays()
    if content_type == "application/json":
        return _decoded(body, JobSays)
    text = JobSays(body.decode(errors="replace"))
    try:
        said = msgspec.json.decode(body, type=JobSays)
    except _UNREADABLE:
        return text
    return text if said == JobSays() else said


def _decoded(body: bytes, shape: type[S]) -> S:
    try:
        return msgspec.json.decode(body, type=shape)
    except _UNREADABLE as error:
        raise NotTaken(Verdict.MALFORMED, str(error)) from error


def _short(text: str | None) -> str | None:
    return (text or "").strip()[:_MESSAGE_LENGTH] or None
