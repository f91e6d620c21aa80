"""Who is calling: HTTP Basic with the messaging account, or a bearer token of the tenant's token endpoint."""

from __future__ import annotations

import secrets
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import orjson
from aiohttp import web

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Unauthorized(Exception):
    """`str()` is the fault string."""


class Accounts:
    """`users` and `clients`: names to passwords; None takes anybody. A token's account is its client."""

    def __init__(
        self, users: Mapping[str, str] | None, clients: Mapping[str, str] | None, token_life: timedelta
    ) -> None:
        self._users = users
        self._clients = clients
        self._token_life = token_life
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def account(self, request: web.Request, now: datetime) -> str:
        """Raises Unauthorized."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            return _basic(given, self._users)
        if scheme.lower() != "bearer":
            raise Unauthorized("Invalid credentials")
        client, expires = self._tokens.get(given, ("", None))
        if expires is None:
            raise Unauthorized("Invalid Access Token")
        if now >= expires:
            raise Unauthorized("Access Token expired")
        return client

    async def token(self, request: web.Request, now: datetime) -> web.Response:
        """POST /tenants/{tenant}/oauth2/token. The form is read whatever the content type says, as OpenText's own
        collection sends a form under `application/json`. Raises Unauthorized."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            raise Unauthorized("Invalid client credentials")
        client = _basic(given, self._clients)
        if _grant(await request.read()) != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        token = secrets.token_urlsafe(24)
        self._tokens[token] = (client, now + self._token_life)
        seconds = int(self._token_life.total_seconds())
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": seconds})

    def expire(self) -> None:
        """Every token given so far is over."""
        self._tokens = {token: (client, _LONG_AGO) for token, (client, _) in self._tokens.items()}


def _basic(given: str, known: Mapping[str, str] | None) -> str:
    try:
        name, colon, password = b64decode(given, validate=True).decode().partition(":")
    except (NotBase64, UnicodeDecodeError):
        raise Unauthorized("Invalid credentials") from None
    if not colon or (known is not None and known.get(name) != password):
        raise Unauthorized("Invalid credentials")
    return name


def _grant(body: bytes) -> str | None:
    if body.lstrip().startswith(b"{"):
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        return str(found.get("grant_type"))
    return next(iter(parse_qs(body.decode(errors="replace")).get("grant_type", [])), None)
