"""OpenText's REST paths under `/mra/v1`, its token endpoint, and what a simulator adds: `/` for people,
`/simulator/messages` for machines, `/simulator/faults` for trials.

    GET    /simulator/messages  what was received, oldest first; ?newest=N the last N only
    DELETE /simulator/messages  forgets all, as OpenText does some days after a job's end
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
from aiohttp import web

from pipeline.simulators.faults import Fault, Faults
from pipeline.simulators.opentext.accounts import Accounts, Unauthorized
from pipeline.simulators.opentext.book import JobBook
from pipeline.simulators.opentext.calling import StatusCalls
from pipeline.simulators.opentext.jobs import FAILING, Delays, Failing, Medium, Message
from pipeline.simulators.opentext.page import Page
from pipeline.simulators.opentext.requests import (
    Email,
    Fax,
    Filled,
    Sms,
    Submit,
    Unacceptable,
    Whatsapp,
    WhatsappTemplate,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Six requests of one collection of OpenText's double the prefix.
_PREFIXES: Final = ("/mra/v1", "/mra/v1/mra/v1")
_WEBHOOK: Final = "/inbound/whatsapp/messages/webhook"
_SHOWN: Final = 200
_BODY_BYTES: Final = 32 * 2**20
_KEPT_HEADERS: Final = ("X-MRA-SubmitId", "traceparent")


class OpenTextFault(StrEnum):
    """`lost-answer`: the job is taken and the connection breaks before the answer; `no-job-id`: 200, nothing taken."""

    UNAVAILABLE = "unavailable"
    TOO_MANY = "too-many"
    UNAUTHORIZED = "unauthorized"
    ERROR = "error"
    HANG = "hang"
    LOST_ANSWER = "lost-answer"
    NO_JOB_ID = "no-job-id"


@dataclass(frozen=True, slots=True)
class OpenTextSettings:
    """`users`, `clients`: names to passwords, None takes anybody. `callback_url` gets each change of a job's status."""

    users: Mapping[str, str] | None = field(default=None, repr=False)
    clients: Mapping[str, str] | None = field(default=None, repr=False)
    token_life: timedelta = timedelta(hours=1)
    delays: Delays = field(default_factory=Delays)
    failing: tuple[Failing, ...] = FAILING
    callback_url: str | None = None
    keep: int = 100_000


class _Webhook(msgspec.Struct):
    url: Filled


class OpenTextSimulator:
    """`application` is to be served; `sent` is what was received, oldest first. `now` is wall time."""

    def __init__(
        self, settings: OpenTextSettings | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        settings = settings or OpenTextSettings()
        self.faults: Faults[OpenTextFault] = Faults(OpenTextFault)
        self.accounts = Accounts(settings.users, settings.clients, settings.token_life)
        self.book = JobBook(settings.delays, settings.failing, settings.keep, now)
        self._calls = StatusCalls(settings.callback_url, settings.delays)
        self._webhook: str | None = None
        self._page = Page()
        self.application = self._application()

    @property
    def sent(self) -> tuple[Message, ...]:
        return self.book.messages()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=_BODY_BYTES, middlewares=[self._answered])
        application.add_routes(
            [
                *self.faults.routes(),
                web.get("/", self._show),
                web.get("/simulator/messages", self._messages),
                web.delete("/simulator/messages", self._forget),
                web.post("/tenants/{tenant:[^/]*}/oauth2/token", self._token),
                *(route for prefix in _PREFIXES for route in self._routes(prefix)),
            ]
        )
        application.on_shutdown.append(self._stop)
        return application

    def _routes(self, prefix: str) -> list[web.RouteDef]:
        submits = [
            web.post(f"{prefix}/outbound/emails", self._submit(Medium.EMAIL, Email)),
            web.post(f"{prefix}/outbound/sms", self._submit(Medium.SMS, Sms)),
            web.post(f"{prefix}/outbound/faxes", self._submit(Medium.FAX, Fax)),
            web.post(f"{prefix}/outbound/whatsapp", self._submit(Medium.WHATSAPP, Whatsapp)),
            web.post(f"{prefix}/outbound/whatsapp/template_message", self._submit(Medium.WHATSAPP, WhatsappTemplate)),
        ]
        states = [
            web.get(f"{prefix}/outbound/{medium}/status{slash}", self._status(medium))
            for medium in Medium
            for slash in ("", "/")
        ]
        webhook = [
            web.post(prefix + _WEBHOOK, self._set_webhook),
            web.get(prefix + _WEBHOOK, self._get_webhook),
            web.delete(prefix + _WEBHOOK, self._delete_webhook),
        ]
        return [*submits, *states, *webhook]

    @web.middleware
    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Faults, and refusals as answers. The control paths and the page meet no fault."""
        try:
            if not request.path.startswith(("/mra/", "/tenants/")):
                return await handler(request)
            fault = self.faults.strike(request.path)
            return await (handler(request) if fault is None else self._struck(fault, request, handler))
        except Unauthorized as error:
            return _denied(str(error))
        except (Unacceptable, msgspec.DecodeError) as error:
            return _refused(400, str(error))

    async def _struck(self, fault: Fault[OpenTextFault], request: web.Request, handler: Handler) -> web.StreamResponse:
        match fault.kind:
            case OpenTextFault.UNAVAILABLE | OpenTextFault.TOO_MANY:
                status = 503 if fault.kind is OpenTextFault.UNAVAILABLE else 429
                return _refused(status, fault.kind.value, {"Retry-After": f"{fault.retry_after:g}"})
            case OpenTextFault.UNAUTHORIZED:
                return _denied("Access Token expired")
            case OpenTextFault.ERROR:
                return _refused(500, "internal error")
            case OpenTextFault.NO_JOB_ID:
                return web.json_response({})
            case OpenTextFault.HANG:
                await self.faults.hang()
                return await handler(request)
            case OpenTextFault.LOST_ANSWER:
                answer = await handler(request)
                if request.transport is not None:
                    request.transport.abort()
                return answer

    def _submit(self, medium: Medium, form: type[Submit]) -> Handler:
        async def submit(request: web.Request) -> web.Response:
            account = self.accounts.account(request, self.book.now())
            decoded = msgspec.json.decode(await request.read(), type=form)
            decoded.text()
            headers = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
            job = self.book.take(account, medium, decoded, headers)
            self._calls.follow(job, self.book.now)
            return web.json_response({"job_id": job.id})

        return submit

    def _status(self, medium: Medium) -> Handler:
        async def status(request: web.Request) -> web.Response:
            self.accounts.account(request, self.book.now())
            job = self.book.find(request.query.get("job_id", ""), medium)
            return _refused(404, "no such job") if job is None else _json(job.status(self.book.now()))

        return status

    async def _token(self, request: web.Request) -> web.Response:
        return await self.accounts.token(request, self.book.now())

    async def _set_webhook(self, request: web.Request) -> web.Response:
        self.accounts.account(request, self.book.now())
        self._webhook = msgspec.json.decode(await request.read(), type=_Webhook).url
        return web.json_response({"url": self._webhook})

    async def _get_webhook(self, request: web.Request) -> web.Response:
        self.accounts.account(request, self.book.now())
        return web.json_response({} if self._webhook is None else {"url": self._webhook})

    async def _delete_webhook(self, request: web.Request) -> web.Response:
        self.accounts.account(request, self.book.now())
        self._webhook = None
        return web.json_response({})

    async def _messages(self, request: web.Request) -> web.Response:
        newest = request.query.get("newest", "")
        return _json(self.book.messages(int(newest) if newest.isdecimal() else None))

    async def _forget(self, _: web.Request) -> web.Response:
        self.book.forget()
        return web.json_response({})

    async def _show(self, _: web.Request) -> web.Response:
        text = self._page.render(self.book.messages(_SHOWN)[::-1], self.book.count, self.book.now())
        return web.Response(text=text, content_type="text/html")

    async def _stop(self, _: web.Application) -> None:
        self.faults.end()
        await self._calls.close()


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _refused(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """The real error bodies are not public."""
    return web.json_response({"message": message}, status=status, headers=headers)


def _denied(says: str) -> web.Response:
    """A gateway's fault, as users of the service have shown it in public; the error codes are guessed."""
    fault = {"faultstring": says, "detail": {"errorcode": f"oauth.v2.{says.replace(' ', '')}"}}
    return web.json_response({"fault": fault}, status=401)
