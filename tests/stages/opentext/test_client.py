"""The client against the simulated OpenText: what arrives, and what it makes of every way not to answer."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta

import pytest
from aiohttp import web

from pipeline.simulators.opentext import OpenTextFault
from pipeline.simulators.serving import serve
from schemas.configuration import Basic, Secret
from stages.channels.submission import Submission
from stages.opentext.answers import Accepted, Gone, HeldBack, NotTaken, Status, TryAgain
from stages.opentext.job_status import read_status
from tests.pipeline.world import until
from tests.stages.opentext.world import oauth2, simulated, sms

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_what_is_submitted_arrives_under_its_message_id_with_its_trace() -> None:
    async with simulated() as world:
        answer = await world.client().submit(sms("m1"), "m1", TRACE)

        (message,) = world.simulator.sent
        assert answer == Accepted(message.job_id)
        assert (message.message_id, message.submit_id, message.traceparent) == ("m1", "m1", TRACE)
        assert (message.account, message.destinations, message.text) == ("desk", ["+15005550100"], "Stock is low")


async def test_a_trace_that_is_none_is_left_out() -> None:
    async with simulated() as world:
        assert isinstance(await world.client().submit(sms(), "m1", "00-1\r\nX-Evil: 1"), Accepted)
        assert world.simulator.sent[0].traceparent is None


async def test_a_repeat_is_accepted_with_the_first_job() -> None:
    async with simulated() as world:
        client = world.client()
        assert await client.submit(sms(), "m1") == await client.submit(sms(), "m1")
        assert [message.repeats for message in world.simulator.sent] == [1]


async def test_the_status_comes_as_it_is_and_a_job_that_nobody_knows_is_gone() -> None:
    async with simulated() as world:
        client = world.client()
        accepted = await client.submit(sms(), "m1")
        assert isinstance(accepted, Accepted)

        status = await client.status("sms", accepted.job_id)
        assert isinstance(status, Status)
        assert (read := read_status(status.body, "desk", "m1")) is not None
        assert read.job_id == accepted.job_id
        assert await client.status("sms", "xsi-0 & nobody=1") == Gone()


async def test_what_is_no_submit_is_not_taken_and_says_why() -> None:
    async with simulated() as world:
        answer = await world.client().submit(Submission("sms", b'{"sms_text": "to nobody"}'), "m1")

        assert isinstance(answer, NotTaken)
        assert answer.detail.startswith("HTTP 400: ")
        assert "destinations" in answer.detail


@pytest.mark.parametrize(
    ("fault", "after", "may_have_arrived"),
    [
        (OpenTextFault.UNAVAILABLE, timedelta(seconds=7), False),
        (OpenTextFault.TOO_MANY, timedelta(seconds=7), False),
        (OpenTextFault.ERROR, None, True),
        (OpenTextFault.NO_JOB_ID, None, True),
        (OpenTextFault.LOST_ANSWER, None, True),
    ],
)
async def test_a_failure_says_when_to_come_back_and_whether_it_may_have_arrived(
    fault: OpenTextFault, after: timedelta | None, may_have_arrived: bool
) -> None:
    async with simulated() as world:
        world.order(fault, 1, retry_after=7)
        answer = await world.client().submit(sms(), "m1")

        assert isinstance(answer, TryAgain)
        assert (answer.after, answer.may_have_arrived) == (after, may_have_arrived)


async def test_no_answer_within_the_timeout_may_have_arrived() -> None:
    async with simulated() as world:
        world.order(OpenTextFault.HANG, 1)
        answer = await world.client(timeout=timedelta(milliseconds=200)).submit(sms(), "m1")

        assert answer == TryAgain("no answer within 0.2 s", may_have_arrived=True)


async def test_where_nobody_listens_nothing_has_arrived() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/mra/v1"
        async with simulated() as world:
            answer = await world.client(base_url=closed).submit(sms(), "m1")

    assert isinstance(answer, TryAgain)
    assert not answer.may_have_arrived


async def test_a_redirect_is_not_followed_with_our_password() -> None:
    seen: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", elsewhere)
    async with serve(application) as url, simulated() as world:
        answer = await world.client(base_url=f"{url}/mra/v1").submit(sms(), "m1")

    assert isinstance(answer, TryAgain)
    assert seen == ["/mra/v1/outbound/sms"]


async def test_one_token_serves_all_who_ask_at_once() -> None:
    async with simulated() as world:
        client = world.client(**oauth2(world.url))
        world.simulator.accounts.token = counting = Counting(world.simulator.accounts.token)  # type: ignore[method-assign]
        answers = await asyncio.gather(*(client.submit(sms(f"m{n}"), f"m{n}") for n in range(5)))

        assert all(isinstance(answer, Accepted) for answer in answers)
        assert {message.account for message in world.simulator.sent} == {"client"}
        assert counting.times == 1


async def test_an_expired_token_is_refreshed_once_and_the_submit_goes_through() -> None:
    async with simulated() as world:
        client = world.client(**oauth2(world.url))
        await client.submit(sms("m1"), "m1")
        world.simulator.accounts.expire()

        assert isinstance(await client.submit(sms("m2"), "m2"), Accepted)
        assert world.told == []


async def test_a_refused_account_holds_everything_back_and_is_no_refusal_of_the_notification() -> None:
    async with simulated() as world:
        client = world.client(basic=Basic(user="desk", password=Secret(env="WRONG")))

        assert isinstance(await client.submit(sms("m1"), "m1"), HeldBack)
        assert isinstance(await client.submit(sms("m2"), "m2"), HeldBack)
        assert world.told == [True]


async def test_a_fresh_token_that_is_refused_too_is_the_accounts_fault() -> None:
    async with simulated() as world:
        client = world.client(**oauth2(world.url))
        world.order(OpenTextFault.UNAUTHORIZED, path="/outbound/")

        answer = await client.submit(sms(), "m1")
        assert isinstance(answer, HeldBack)
        assert "Access Token expired" in answer.detail


async def test_a_token_endpoint_that_is_down_has_taken_nothing() -> None:
    async with simulated() as world:
        world.order(OpenTextFault.ERROR, 1, path="/tenants/")
        client = world.client(**oauth2(world.url))

        answer = await client.submit(sms(), "m1")
        assert isinstance(answer, TryAgain)
        assert not answer.may_have_arrived
        assert isinstance(await client.submit(sms(), "m1"), Accepted)


async def test_the_breaker_opens_after_failures_in_a_row_and_a_probe_closes_it() -> None:
    async with simulated() as world:
        client = world.client()
        world.order(OpenTextFault.ERROR, 3)
        for _ in range(3):
            assert isinstance(await client.submit(sms(), "m1"), TryAgain)

        held = await client.submit(sms(), "m1")
        assert isinstance(held, HeldBack)
        assert "HTTP 500" in held.detail
        assert world.told == [True]

        async def gets_through() -> bool:
            return isinstance(await client.submit(sms(), "m1"), Accepted)

        await until(gets_through)
        assert world.told == [True, False]


async def test_what_is_not_taken_is_no_failure_of_the_account() -> None:
    async with simulated() as world:
        client = world.client()
        for _ in range(5):
            assert isinstance(await client.submit(Submission("sms", b"{}"), "m1"), NotTaken)
        assert world.told == []


async def test_a_hundred_at_once_are_not_sent_faster_than_the_rate() -> None:
    async with simulated() as world:
        client = world.client(rate_per_second=10.0, timeout=timedelta(seconds=1))
        answers = await asyncio.gather(*(client.submit(sms(f"m{n}"), f"m{n}") for n in range(100)))

        held = sorted(answer.after for answer in answers if isinstance(answer, HeldBack))
        assert len(world.simulator.sent) == 100 - len(held)
        assert 10 <= len(world.simulator.sent) <= 16
        # those that are held back come again one after the other, as the rate allows
        assert held[-1] - held[0] > timedelta(seconds=8)


async def test_who_has_a_place_in_the_pace_waits_for_it() -> None:
    async with simulated() as world:
        client = world.client(rate_per_second=5.0)
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(client.submit(sms(f"m{n}"), f"m{n}") for n in range(6)))

        assert all(isinstance(answer, Accepted) for answer in answers)
        assert asyncio.get_running_loop().time() - began > 0.15


class Counting:
    """The token endpoint, counted."""

    def __init__(self, endpoint: object) -> None:
        self._endpoint = endpoint
        self.times = 0

    async def __call__(self, request: web.Request, now: object) -> web.Response:
        self.times += 1
        response: web.Response = await self._endpoint(request, now)  # type: ignore[operator]
        return response
