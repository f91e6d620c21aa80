"""What the client does to its own futures, and to whoever waits for them."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.broker import Unavailable
from pipeline.kafka.failures import answered, bounded


async def given_up() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def test_what_the_client_gives_up_is_no_cancelling_of_whoever_waits() -> None:
    with pytest.raises(Unavailable, match="gave it up"):
        async with bounded("a send", 1.0):
            await given_up()


async def test_a_question_that_the_client_gives_up_is_asked_again() -> None:
    answers = iter([given_up, given_up, None])

    async def ask() -> str:
        if (answer := next(answers)) is not None:
            await answer()
        return "there"

    assert await answered("where", ask, 5.0) == "there"


async def test_a_cancelling_of_ours_stays_one() -> None:
    entered = asyncio.Event()

    async def wait() -> None:
        async with bounded("a send", 10.0):
            entered.set()
            await asyncio.get_running_loop().create_future()

    waiting = asyncio.create_task(wait())
    await entered.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_time_that_runs_out_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="no answer within"):
        async with bounded("a send", 0.01):
            await asyncio.get_running_loop().create_future()
