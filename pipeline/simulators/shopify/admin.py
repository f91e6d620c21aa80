"""`POST /admin/api/{version}/graphql.json`, answered from a store as Shopify answers: costs in `extensions`, THROTTLED
as a 200, 401 for a wrong token. Mutations are not played; faults are, on order (`/simulator/faults`)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from pipeline.simulators.faults import Fault, Faults
from pipeline.simulators.shopify import costs
from pipeline.simulators.shopify.answering import Answering, Json, Unanswerable
from pipeline.simulators.shopify.documents import Document, Unreadable, Value, document
from pipeline.simulators.shopify.shops import AppInstallation, Shop
from pipeline.simulators.shopify.store import Store, Things

_KEPT: Final = 10_000
_READ: Final = 512
_WRONG_TOKEN: Final = "[API] Invalid API key or access token (unrecognized login or wrong password)"


class AdminFault(StrEnum):
    """`stale`: as before each thing's last change; `null-nodes`: nothing is found; `denied`: a scope is missing."""

    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    UNAUTHORIZED = "unauthorized"
    DENIED = "denied"
    ERROR = "error"
    HANG = "hang"
    STALE = "stale"
    NULL_NODES = "null-nodes"


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """`token` None takes any. `maximum` and `restore` of the cost bucket; the defaults are those of a small plan."""

    token: str | None = field(default=None, repr=False)
    maximum: float = 2000.0
    restore: float = 100.0


class _Question(Struct):
    query: str
    variables: dict[str, object] | None = None
    operation_name: str | None = msgspec.field(name="operationName", default=None)


@dataclass(frozen=True, slots=True)
class Asked:
    operation: str
    variables: Mapping[str, Value]


class Admin:
    """`asked` is what was asked and answered with data, the newest last."""

    def __init__(self, store: Store, settings: AdminSettings, seconds: Callable[[], float] = time.monotonic) -> None:
        self.store = store
        self.faults: Faults[AdminFault] = Faults(AdminFault, seconds)
        self.asked: deque[Asked] = deque(maxlen=_KEPT)
        self._token = settings.token
        self._bucket = costs.Bucket(settings.maximum, settings.restore, seconds)
        self._documents: dict[str, Document] = {}

    def routes(self) -> list[web.RouteDef]:
        return [web.post(r"/admin/api/{version:\d{4}-\d{2}|unstable}/graphql.json", self._post), *self.faults.routes()]

    async def _post(self, request: web.Request) -> web.Response:
        fault = self.faults.strike(request.path)
        given = request.headers.get("X-Shopify-Access-Token")
        if not given or self._token not in (None, given) or (fault and fault.kind is AdminFault.UNAUTHORIZED):
            return web.json_response({"errors": _WRONG_TOKEN}, status=401)
        if fault and fault.kind is AdminFault.UNAVAILABLE:
            return web.Response(status=503, headers={"Retry-After": f"{fault.retry_after:g}"})
        if fault and fault.kind is AdminFault.HANG:
            await self.faults.hang()
        try:
            question = msgspec.json.decode(await request.read(), type=_Question)
        except msgspec.DecodeError as error:
            return web.json_response(
                {"errors": {"query": f"Required parameter missing or invalid: {error}"}}, status=400
            )
        answer = self._answer(question, fault)
        headers = {"X-Shopify-API-Version": request.match_info["version"]}
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json", headers=headers)

    def _answer(self, question: _Question, fault: Fault[AdminFault] | None) -> Json:
        try:
            asked = self._document(question.query)
        except Unreadable as error:
            return _failed(str(error), "SYNTAX_ERROR")
        variables = {**asked.defaults, **(question.variables or {})}
        cost = costs.requested(asked, variables)
        if cost > costs.DEAREST:
            return _failed(f"Query cost is {cost}, which exceeds the single query max cost limit", "MAX_COST_EXCEEDED")
        if (fault and fault.kind is AdminFault.THROTTLED) or cost > self._bucket.available():
            return _failed("Throttled", "THROTTLED") | self._extensions(cost, None)
        answering = Answering(self._things(fault), variables)
        try:
            _refuse(fault)
            data = answering.data(asked)
        except Unanswerable as error:
            return _failed(str(error), error.code) | self._extensions(cost, 0)
        self.asked.append(Asked(asked.name or "", variables))
        self._bucket.pay(answering.objects)
        return {"data": data, **self._extensions(cost, answering.objects)}

    def _document(self, text: str) -> Document:
        if text not in self._documents:
            if len(self._documents) >= _READ:
                self._documents.clear()
            self._documents[text] = document(text)
        return self._documents[text]

    def _things(self, fault: Fault[AdminFault] | None) -> Things:
        match fault and fault.kind:
            case AdminFault.STALE:
                return {**self.store.lagging(), **_itself(self.store.now())}
            case AdminFault.NULL_NODES:
                return _itself(self.store.now())
        return self.store.now()

    def _extensions(self, cost: int, actual: int | None) -> Json:
        spent = {"requestedQueryCost": cost, "actualQueryCost": actual, "throttleStatus": self._bucket.status()}
        return {"extensions": {"cost": spent}}


def _itself(things: Things) -> Things:
    return {name: thing for name, thing in things.items() if isinstance(thing, Shop | AppInstallation)}


def _refuse(fault: Fault[AdminFault] | None) -> None:
    match fault and fault.kind:
        case AdminFault.DENIED:
            raise Unanswerable("Access denied for the field. Required access: a scope.", "ACCESS_DENIED")
        case AdminFault.ERROR:
            raise Unanswerable("Internal error. Looks like something went wrong on our end.", "INTERNAL_SERVER_ERROR")


def _failed(message: str, code: str) -> Json:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}
