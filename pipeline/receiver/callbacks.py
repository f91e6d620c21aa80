"""`POST /callbacks/opentext/{secret}/status`: OpenText tells what became of a job. It signs nothing: the address is
the secret, and a wrong one is an address that is not there.

The body is in the schema of the status answer. Whose it is stands in its refs alone, `<team>/<message id>/<person>`
in base64, as `dispatch` gave them. A body that names no notification, or more than one, is not guessed at: it is
answered 200, so that it does not come again, and counted as ignored; polling finds out all the same. Addresses of
recipients stay behind: the refs say who they are.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

import msgspec
from aiohttp import web
from msgspec import Raw, Struct

from pipeline.receiver.cloudevents import of_ours, trace_of
from pipeline.receiver.intake import Intake, NotTaken, Verdict
from pipeline.receiver.signatures import Credentials, is_same
from schemas import topics
from schemas.codec import encode
from schemas.notifications import SendingStatus

#: The metrics' domain of everything in here.
_DOMAIN: Final = "callbacks"
#: As a text inside of JSON every byte may become two; `sending.status` takes 2 MiB.
_BODY_BYTES = 512 * 1024
_REF = re.compile(r"([a-z0-9][a-z0-9._-]{0,62})/([\x21-\x7e]{1,80})/[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_ADDRESSES = frozenset({"email", "sms", "fax", "whatsapp"})
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


class Whose(NamedTuple):
    team: str
    message_id: str


class _Status(Struct):
    deliveries: list[Raw]


class _Delivery(Struct):
    ref_base64: str


class Callbacks:
    def __init__(self, intake: Intake, credentials: Credentials) -> None:
        self._intake = intake
        self._credentials = credentials

    async def status(self, request: web.Request) -> web.Response:
        return await self._intake.answer(_DOMAIN, partial(self._status, request), {})

    async def _status(self, request: web.Request) -> None:
        secret = self._credentials.callback_secret
        if secret is None or not is_same(request.match_info["secret"], secret):
            raise NotTaken(Verdict.NOT_FOUND, "there is nothing here")
        async with self._intake.body(request, _BODY_BYTES) as body:
            whose = whose_is(body)
            if whose is None:
                raise NotTaken(Verdict.IGNORED, "its refs name no notification of ours")
            told = SendingStatus(whose.team, whose.message_id, without_addresses(body), self._intake.clock.wall())
            headers = of_ours("sending-status", self._intake.clock, trace_of(request.headers))
            await self._intake.put(topics.SENDING_STATUS, whose.team, encode(told), headers)


def whose_is(body: bytes) -> Whose | None:
    """The one notification that the refs name. What is no text anywhere in the body is no status."""
    try:
        deliveries = msgspec.json.decode(body.decode(), type=_Status).deliveries
    except _UNREADABLE:
        return None
    found = set(_named(deliveries))
    return found.pop() if len(found) == 1 else None


def without_addresses(body: bytes) -> str:
    """The same status, of a body that `whose_is` could read."""
    status = msgspec.json.decode(body, type=dict[str, Raw])
    deliveries = msgspec.json.decode(status["deliveries"], type=list[Raw])
    status["deliveries"] = Raw(msgspec.json.encode([_without_address(delivery) for delivery in deliveries]))
    return msgspec.json.encode(status).decode()


def _without_address(delivery: Raw) -> Raw:
    try:
        fields = msgspec.json.decode(delivery, type=dict[str, Raw])
    except _UNREADABLE:
        return Raw(b"null")
    return Raw(msgspec.json.encode({name: value for name, value in fields.items() if name not in _ADDRESSES}))


def _named(deliveries: list[Raw]) -> Iterator[Whose]:
    for delivery in deliveries:
        try:
            ref = b64decode(msgspec.json.decode(delivery, type=_Delivery).ref_base64, validate=True).decode()
        except (*_UNREADABLE, NotBase64, ValueError):
            continue
        if named := _REF.fullmatch(ref):
            yield Whose(named[1], named[2])
