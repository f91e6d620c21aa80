"""The token endpoint: when a kept token serves, and what becomes of answers that hold none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from pipeline.simulators.serving import serve
from stages.opentext.answers import AccountRefused, TryAgain
from stages.opentext.tokens import BasicCredentials, ClientCredentials, kept_for


class Endpoint:
    def __init__(self, answer: Any, status: int = 200) -> None:
        self.answer = answer
        self.status = status
        self.seen: list[tuple[str, str, str]] = []

    async def buy(self, request: web.Request) -> web.Response:
        headers = request.headers
        self.seen.append((headers["Authorization"], headers["Content-Type"], await request.text()))
        return web.json_response(self.answer, status=self.status)


@asynccontextmanager
async def credentials(endpoint: Endpoint) -> AsyncIterator[ClientCredentials]:
    application = web.Application()
    application.router.add_post("/token", endpoint.buy)
    async with serve(application) as url, aiohttp.ClientSession() as session:
        made = ClientCredentials(session, f"{url}/token", ("client", "pass:wörd"), 5.0)
        yield made
        await made.close()


async def test_a_token_is_bought_with_a_form_and_the_clients_password() -> None:
    endpoint = Endpoint({"access_token": "t1", "token_type": "Bearer", "expires_in": 3600})
    async with credentials(endpoint) as bought:
        assert await bought.authorization() == "Bearer t1"
        assert await bought.authorization() == "Bearer t1"

    assert endpoint.seen == [
        ("Basic Y2xpZW50OnBhc3M6d8O2cmQ=", "application/x-www-form-urlencoded", "grant_type=client_credentials")
    ]


async def test_a_token_that_ends_within_the_margin_is_not_used_again() -> None:
    endpoint = Endpoint({"access_token": "t1", "expires_in": 0})
    async with credentials(endpoint) as bought:
        await bought.authorization()
        await bought.authorization()

    assert len(endpoint.seen) == 2


async def test_a_lifetime_written_as_text_or_not_at_all_is_understood() -> None:
    for answer in ({"access_token": "t1", "expires_in": "3600"}, {"access_token": "t1"}):
        endpoint = Endpoint(answer)
        async with credentials(endpoint) as bought:
            assert await bought.authorization() == await bought.authorization() == "Bearer t1"
        assert len(endpoint.seen) == 1


def test_a_token_is_given_up_before_it_ends() -> None:
    assert [kept_for(life) for life in (3600.0, 100.0, None)] == [3540.0, 90.0, 270.0]


async def test_only_the_token_that_was_refused_is_dropped() -> None:
    endpoint = Endpoint({"access_token": "t1", "expires_in": 3600})
    async with credentials(endpoint) as bought:
        header = await bought.authorization()
        assert isinstance(header, str)
        bought.drop("Bearer t0")
        await bought.authorization()
        assert len(endpoint.seen) == 1
        bought.drop(header)
        await bought.authorization()
        assert len(endpoint.seen) == 2


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_refused_client_credentials_are_a_refused_account(status: int) -> None:
    async with credentials(Endpoint({"error": "invalid_client"}, status)) as bought:
        assert await bought.authorization() == AccountRefused(f"the token endpoint says HTTP {status}: invalid_client")


@pytest.mark.parametrize(("answer", "status"), [({}, 500), ({}, 200), ([], 200), ({"access_token": 5}, 429)])
async def test_an_endpoint_that_does_not_work_is_worth_another_try(answer: Any, status: int) -> None:
    async with credentials(Endpoint(answer, status)) as bought:
        reply = await bought.authorization()

    assert isinstance(reply, TryAgain)
    assert not reply.may_have_arrived


async def test_a_password_has_no_fresher_one() -> None:
    known = BasicCredentials("desk", "secret")
    header = await known.authorization()

    assert header == "Basic ZGVzazpzZWNyZXQ="
    assert not known.drop(header)
