"""Whoever was down across a due timer: nothing false is told of Shopify, and what is true is told within its bound.

The bound: a minute of business time after everybody is back. Shopify's own answers lag behind what it delivers here, so
that only the order of the log can keep a false word back; where the receiver was away they say how things are.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from pipeline.app import RECEIVER
from schemas.alerts import AlertState
from tests.system.clockwork import ALL, MINUTE, START, Clockwork, clockwork
from tests.system.waits import ALL_WAITS, CHECKOUT, JOB, PAYMENT, REFUND, RETURN, Wait, deliveries

BOUND = MINUTE
#: A delivery tells of what happened some milliseconds before.
SECOND = timedelta(seconds=1)
DOWN = {"the whole pipeline": ALL, "enrich": ("enrich",), "deduplicate": ("deduplicate",), "classify": ("classify",)}

each_wait = pytest.mark.parametrize("wait", ALL_WAITS, ids=lambda wait: wait.rule)
each_down = pytest.mark.parametrize("down", DOWN.values(), ids=DOWN)


async def begun(world: Clockwork, wait: Wait) -> None:
    await world.happens(wait.begins(START))
    await world.passes(wait.due / 2)
    assert await world.fired(wait.rule) == []


@each_wait
async def test_with_everybody_there_it_is_told_when_it_is_due_and_not_before(wait: Wait) -> None:
    async with clockwork() as world:
        await begun(world, wait)
        await world.passes(wait.due / 2 - MINUTE)
        assert await world.fired(wait.rule) == []
        await world.passes(MINUTE + SECOND)
        (alert,) = await world.fired(wait.rule)
        assert alert.at - START - wait.due <= BOUND
        assert not [words for words in alert.unknown if words.startswith("not confirmed")]


@each_down
async def test_what_ends_it_in_a_backlog_beats_the_timer_that_fell_due_meanwhile(down: tuple[str, ...]) -> None:
    """All waits at the same time, each in a world of its own: they take seconds of doing nothing."""
    await asyncio.gather(*(_ends_in_a_backlog(wait, down) for wait in ALL_WAITS))


async def _ends_in_a_backlog(wait: Wait, down: tuple[str, ...]) -> None:
    async with clockwork() as world:
        await begun(world, wait)
        await world.ends(*(role for role in down if role != RECEIVER))
        ended = (world.clock.now() - START) / MINUTE
        await world.happens(deliveries(wait.ends(START, ended)))
        await world.ends(*(role for role in down if role == RECEIVER))
        await world.passes(wait.due + SECOND)
        await world.waits_out_answers()
        await world.begins(*down)
        await world.passes(10 * MINUTE)
        assert await world.fired(wait.rule) == [], wait.rule


@each_down
async def test_what_is_true_is_told_within_a_minute_after_everybody_is_back(down: tuple[str, ...]) -> None:
    await asyncio.gather(*(_is_told(wait, down) for wait in ALL_WAITS))


async def _is_told(wait: Wait, down: tuple[str, ...]) -> None:
    async with clockwork() as world:
        await begun(world, wait)
        await world.ends(*down)
        await world.passes(wait.due + SECOND)
        assert await world.fired(wait.rule) == []
        await world.begins(*down)
        await world.passes(BOUND)
        assert len(await world.fired(wait.rule)) == 1, wait.rule


# --- the receiver was away -------------------------------------------------------------------------------------------

RETRIES_LAST = timedelta(hours=4, minutes=15)
asking = pytest.mark.parametrize("wait", [PAYMENT, CHECKOUT, RETURN, REFUND], ids=lambda wait: wait.rule)


async def away(world: Clockwork, wait: Wait) -> float:
    """The receiver is away across the time at which it is due; returns the minute at which it went."""
    await begun(world, wait)
    gone = (world.clock.now() - START) / MINUTE
    await world.ends(RECEIVER)
    await world.passes(wait.due / 2 + 10 * MINUTE)
    return gone


@asking
async def test_what_shopify_knows_ends_it_before_its_retry_comes(wait: Wait) -> None:
    async with clockwork() as world:
        gone = await away(world, wait)
        ended = wait.ends(START, gone + 1)
        world.knows(ended)
        await world.begins(RECEIVER)
        await world.passes(MINUTE)
        await world.happens(ended)
        await world.passes(timedelta(hours=5))
        assert await world.fired(wait.rule) == []


@asking
async def test_what_shopify_confirms_is_told_within_a_minute_after_the_receiver_is_back(wait: Wait) -> None:
    async with clockwork() as world:
        await away(world, wait)
        assert await world.fired(wait.rule) == []
        await world.begins(RECEIVER)
        await world.passes(BOUND)
        assert len(await world.fired(wait.rule)) == 1


async def test_without_access_a_retry_within_four_hours_keeps_it_back() -> None:
    async with clockwork(access=False) as world:
        gone = await away(world, PAYMENT)
        await world.begins(RECEIVER)
        await world.passes(timedelta(hours=3, minutes=59))
        await world.happens(deliveries(PAYMENT.ends(START, gone + 1)))
        await world.passes(timedelta(hours=5))
        assert await world.fired(PAYMENT.rule) == []


async def test_without_access_it_is_told_when_no_retry_can_come_any_more() -> None:
    async with clockwork(access=False) as world:
        await away(world, PAYMENT)
        await world.begins(RECEIVER)
        back = world.clock.now()
        await world.passes(RETRIES_LAST - MINUTE)
        await world.waits_out_answers()
        assert await world.fired(PAYMENT.rule) == []
        await world.passes(MINUTE)
        await world.waits_out_answers()
        (alert,) = await world.fired(PAYMENT.rule)
        assert alert.at - back - RETRIES_LAST <= BOUND


async def test_a_job_whose_report_our_receiver_missed_is_told_of_with_that_doubt() -> None:
    async with clockwork() as world:
        await away(world, JOB)
        await world.begins(RECEIVER)
        await world.passes(BOUND)
        (alert,) = await world.fired(JOB.rule)
        assert any("receiver" in words for words in alert.unknown), alert.unknown


# --- the pipeline is behind ------------------------------------------------------------------------------------------


async def test_a_pipeline_that_is_behind_says_so_once_and_only_what_others_wait_for_goes_on() -> None:
    """A day before the refund is due an order has been unpaid for an hour, and `enrich` is down."""
    async with clockwork() as world:
        await world.happens(REFUND.begins(START))
        await world.passes(REFUND.due - timedelta(hours=1))
        await world.happens(PAYMENT.begins(world.clock.now()))
        await world.ends("enrich")
        await world.passes(timedelta(hours=1) + SECOND)
        for _ in range(14):
            await world.passes(MINUTE, MINUTE)
        assert await world.fired("pipeline-degraded") == []
        assert await world.fired(REFUND.rule) == []
        for _ in range(16):
            await world.passes(MINUTE, MINUTE)
        await world.waits_out_answers()
        (degraded,) = await world.fired("pipeline-degraded")
        assert "enrich" in str(degraded.details)
        (refund,) = await world.fired(REFUND.rule)
        assert "not confirmed: the pipeline is behind" in refund.unknown
        assert await world.fired(PAYMENT.rule) == []

        await world.begins("enrich")
        await world.passes(BOUND)
        assert len(await world.fired(PAYMENT.rule)) == 1
        for _ in range(11):
            await world.passes(MINUTE, MINUTE)
        states = [alert.state for alert in await world.alerts("pipeline-degraded") if alert.id == degraded.id]
        assert (states[0], states[-1]) == (AlertState.FIRING, AlertState.RESOLVED)
        assert [alert.id for alert in await world.fired("pipeline-degraded")] == [degraded.id]
        assert len(await world.fired(REFUND.rule)) == 1
