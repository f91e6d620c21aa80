"""OpenText Notifications over REST: submits and status lookups of one account. It never raises for a broken world.

Every submit carries its message id, in the body and as X-MRA-SubmitId, so that repeating it is the caller's choice.
One deadline (`timeout`) spans a whole call: its turn in the pace, the token, the request and, after a 401 with a kept
token, one more with a fresh one. An account that does not work is left alone between probes: what is answered then is
HeldBack, never a refusal of the notification. Not promised: that a repeated message id is not sent twice; OpenText
documents that for SOAP, and `opentext.repeats` says what is assumed for REST.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import aiohttp

from schemas import configuration
from schemas.configuration import Secret
from stages.channels.submission import Submission
from stages.opentext.answers import (
    AccountRefused,
    Gone,
    HeldBack,
    Response,
    Status,
    StatusAnswer,
    SubmitAnswer,
    TryAgain,
    after_of,
    detail_of,
    failure_of,
    job_of,
)
from stages.opentext.standing import Breaker, Call, Pace
from stages.opentext.tokens import BasicCredentials, ClientCredentials, Credentials

#: W3C's traceparent; what has another form is not ours to pass on, and might be no header at all.
_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_ANSWER_BYTES = 4 * 2**20
_LONGEST_PAUSE = 30.0
#: Of the deadline, what may be spent on waiting for the pace.
_SHARE_OF_PACE = 0.25


class OpenText:
    """`wall` tells real time; `session` belongs to the caller; `on_breaker` hears of the breaker's openings."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: configuration.OpenText,
        credentials: Credentials,
        wall: Callable[[], datetime],
        on_breaker: Callable[[bool], None],
    ) -> None:
        self._session = session
        self._base = settings.base_url.rstrip("/")
        self._timeout = settings.timeout.total_seconds()
        self._credentials = credentials
        self._wall = wall
        pauses = (settings.retry_first.total_seconds(), min(_LONGEST_PAUSE, settings.retry_longest.total_seconds()))
        self._breaker = Breaker(settings.breaker_failures, pauses, on_breaker)
        self._paces = {call: Pace(settings.rate_per_second) for call in Call}

    async def submit(self, submission: Submission, message_id: str, trace: str | None = None) -> SubmitAnswer:
        headers = {"Content-Type": "application/json", "X-MRA-SubmitId": message_id}
        if trace is not None and _TRACE.fullmatch(trace):
            headers["traceparent"] = trace
        url = f"{self._base}/outbound/{submission.resource}"
        answer = await self._call(Call.SUBMIT, _Request("POST", url, headers, submission.body))
        if not isinstance(answer, Response):
            return answer
        if not answer.is_success:
            return failure_of(answer)
        return job_of(answer) or TryAgain(f"HTTP {answer.status} without a job_id", may_have_arrived=True)

    async def status(self, resource: str, job_id: str) -> StatusAnswer:
        url = f"{self._base}/outbound/{resource}/status"
        answer = await self._call(Call.STATUS, _Request("GET", url, {}, None, {"job_id": job_id}))
        if not isinstance(answer, Response):
            return answer
        if answer.is_success:
            return Status(answer.body)
        return Gone() if answer.status == 404 else failure_of(answer)

    async def close(self) -> None:
        await self._credentials.close()

    async def _call(self, call: Call, request: _Request) -> Response | TryAgain | HeldBack:
        """An answer that was read, whatever it says, or why there is none."""
        if (wait := self._breaker.wait(_time(), self._timeout)) > 0:
            return HeldBack(self._breaker.because, timedelta(seconds=wait))
        turn = self._paces[call].wait(_time(), self._timeout * _SHARE_OF_PACE)
        if turn > self._timeout * _SHARE_OF_PACE:
            return HeldBack("the account's rate is used up", timedelta(seconds=self._paces[call].book(_time(), turn)))
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.sleep(turn)
                answer = await self._authorized(request)
        except TimeoutError:
            answer = TryAgain(f"no answer within {self._timeout:g} s", may_have_arrived=request.is_under_way)
        return self._judged(call, answer)

    async def _authorized(self, request: _Request) -> Response | AccountRefused | TryAgain:
        """A 401 is believed only from a fresh token."""
        header = await self._credentials.authorization()
        if not isinstance(header, str):
            return header
        answer = await self._sent(request, header)
        if isinstance(answer, Response) and answer.status == 401 and self._credentials.drop(header):
            header = await self._credentials.authorization()
            if not isinstance(header, str):
                return header
            answer = await self._sent(request, header)
        if isinstance(answer, Response) and answer.status == 401:
            self._credentials.drop(header)
            return AccountRefused(f"HTTP 401: {detail_of(answer.body)}")
        return answer

    async def _sent(self, request: _Request, authorization: str) -> Response | TryAgain:
        headers = {**request.headers, "Accept": "application/json", "Authorization": authorization}
        request.is_under_way = True
        try:
            async with self._session.request(
                request.method,
                request.url,
                data=request.body,
                params=request.query,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                after = after_of(answer.headers.get("Retry-After"), self._wall())
                response = Response(answer.status, await _read(answer.content), after)
        except aiohttp.ClientConnectorError as error:
            return TryAgain(f"no connection: {type(error).__name__}")
        except (aiohttp.ClientError, OSError) as error:
            return TryAgain(f"no answer: {type(error).__name__}", may_have_arrived=True)
        request.is_under_way = False
        return response

    def _judged(self, call: Call, answer: Response | AccountRefused | TryAgain) -> Response | TryAgain | HeldBack:
        """The account's standing after an answer. A notification that is not taken is no failure of the account."""
        match answer:
            case AccountRefused(detail):
                self._breaker.refused(call, _time(), detail)
                return HeldBack(detail, timedelta(seconds=self._breaker.left(_time())))
            case TryAgain(detail, after):
                self._breaker.failed(call, _time(), detail, _seconds(after))
            case Response() if not answer.is_success and isinstance(failure := failure_of(answer), TryAgain):
                self._breaker.failed(call, _time(), failure.detail, _seconds(failure.after))
            case _:
                self._breaker.worked(call)
        return answer


class _Request:
    """One HTTP request; `is_under_way`: bytes of it may be with them, and no answer has come."""

    def __init__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        query: Mapping[str, str] | None = None,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.query = query
        self.is_under_way = False


def opentext_client(
    settings: configuration.OpenText,
    secret: Callable[[Secret], str],
    session: aiohttp.ClientSession,
    wall: Callable[[], datetime],
    on_breaker: Callable[[bool], None],
) -> OpenText:
    """Raises ValueError where the configuration names no account, and what `secret` raises."""
    if settings.oauth2 is not None:
        client = (settings.oauth2.client_id, secret(settings.oauth2.client_secret))
        bought = ClientCredentials(session, settings.oauth2.token_url, client, settings.timeout.total_seconds())
        return OpenText(session, settings, bought, wall, on_breaker)
    if settings.basic is None:
        raise ValueError("opentext: neither `basic` nor `oauth2` names an account")
    known = BasicCredentials(settings.basic.user, secret(settings.basic.password))
    return OpenText(session, settings, known, wall, on_breaker)


async def _read(content: aiohttp.StreamReader) -> bytes:
    """At most 4 MiB; what is longer is no answer of theirs and will not decode."""
    found = bytearray()
    async for chunk in content.iter_any():
        found += chunk
        if len(found) > _ANSWER_BYTES:
            break
    return bytes(found[:_ANSWER_BYTES])


def _seconds(after: timedelta | None) -> float:
    return 0.0 if after is None else after.total_seconds()


def _time() -> float:
    return asyncio.get_running_loop().time()
