"""How we say who we are: HTTP Basic, or a bearer token that the client's credentials buy.

A token is kept until shortly before its end; whoever asks while one is being fetched joins that fetch. The token's
fetch is one small request with a bound of its own; refreshing after a 401 is the caller's word (`drop`).
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Protocol

import aiohttp
import msgspec
from msgspec import Struct

from stages.opentext.answers import AccountRefused, Response, TryAgain, detail_of, failure_of


class Credentials(Protocol):
    async def authorization(self) -> str | AccountRefused | TryAgain:
        """The header's value."""

    def drop(self, used: str) -> bool:
        """`used` was answered with a 401. True where the next `authorization` may be another one."""

    async def close(self) -> None: ...


class BasicCredentials:
    def __init__(self, user: str, password: str) -> None:
        self._header = basic(user, password)

    async def authorization(self) -> str:
        return self._header

    def drop(self, used: str) -> bool:
        return used != self._header

    async def close(self) -> None: ...


class _Token(Struct):
    access_token: str
    expires_in: float | None = None


_SHORTEST_LIFE = 300.0
_MARGIN = 60.0


class ClientCredentials:
    """OAuth2 client credentials: form body, HTTP Basic with client id and secret. `timeout` in seconds."""

    def __init__(self, session: aiohttp.ClientSession, url: str, client: tuple[str, str], timeout: float) -> None:
        self._session = session
        self._url = url
        self._header = basic(*client)
        self._timeout = timeout
        self._kept: tuple[str, float] | None = None
        self._under_way: asyncio.Task[str | AccountRefused | TryAgain] | None = None

    async def authorization(self) -> str | AccountRefused | TryAgain:
        if self._kept is not None and asyncio.get_running_loop().time() < self._kept[1]:
            return self._kept[0]
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._fetched())
        return await asyncio.shield(self._under_way)

    def drop(self, used: str) -> bool:
        if self._kept is not None and self._kept[0] == used:
            self._kept = None
        return True

    async def close(self) -> None:
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.gather(self._under_way, return_exceptions=True)

    async def _fetched(self) -> str | AccountRefused | TryAgain:
        asked = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._asked()
        except TimeoutError:
            return TryAgain(f"no token within {self._timeout:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return TryAgain(f"no token: {type(error).__name__}")
        if not response.is_success:
            return _refusal(response)
        try:
            token = msgspec.json.decode(response.body, type=_Token, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return TryAgain("the token endpoint's answer has no access_token")
        self._kept = (f"Bearer {token.access_token}", asked + kept_for(token.expires_in))
        return self._kept[0]

    async def _asked(self) -> Response:
        form = {"grant_type": "client_credentials"}
        headers = {"Authorization": self._header, "Accept": "application/json"}
        async with self._session.post(self._url, data=form, headers=headers, allow_redirects=False) as answer:
            return Response(answer.status, await answer.read())


def _refusal(response: Response) -> AccountRefused | TryAgain:
    failure = failure_of(response)
    if isinstance(failure, TryAgain):
        return TryAgain(f"no token: {failure.detail}", failure.after)
    return AccountRefused(f"the token endpoint says HTTP {response.status}: {detail_of(response.body)}")


def kept_for(expires_in: float | None) -> float:
    """Seconds for which a token serves: its life, less a margin of a minute or, where it is short, of a tenth."""
    life = _SHORTEST_LIFE if expires_in is None else expires_in
    return life - min(_MARGIN, life / 10)


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()
