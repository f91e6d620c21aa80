"""A commit whose answer nobody heard: it has happened entirely or not at all, and the next owner can tell."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.broker import Broker, InDoubt, Unavailable
from tests.conformance.world import LEFT_0, RIGHT, RIGHT_0, everything, outgoing, values


async def test_what_was_sent_and_the_offsets_are_both_there_or_both_not(broker: Broker) -> None:
    """Given up at ever later moments; the first ones have not begun, the last ones are over."""
    happened: list[str] = []
    for turns in (0, 1, 3, 20, 200, 5_000):
        producer = await broker.producer("task")
        await producer.begin()
        await producer.send([outgoing(str(turns)), outgoing(str(turns), RIGHT)])
        await give_up(asyncio.create_task(producer.commit(f"stage {turns}", {LEFT_0: 1})), turns)
        owner = await broker.producer("task")
        if (await broker.committed(f"stage {turns}", [LEFT_0]))[LEFT_0] == 1:
            happened.append(str(turns))
        assert values(await everything(broker)) == values(await everything(broker, RIGHT_0)) == happened
        await producer.close()
        await owner.close()
    assert 0 < len(happened) < 6


async def give_up(work: asyncio.Task[None], turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_whoever_commits_again_after_a_doubt_does_it_twice(broker: Broker) -> None:
    """So nobody may: what is in doubt has happened here."""
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("once")])
    await producer.commit("stage", {LEFT_0: 1})
    again = await broker.producer("task")
    await again.begin()
    await again.send([outgoing("once")])
    await again.commit("stage", {LEFT_0: 1})
    assert values(await everything(broker)) == ["once", "once"]
    for owner in (producer, again):
        await owner.close()


async def test_a_producer_whose_commit_was_given_up_commits_nothing_more(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("l")])
    await give_up(asyncio.create_task(producer.commit("stage", {LEFT_0: 1})), 1)
    with pytest.raises(InDoubt):
        await producer.commit("stage", {LEFT_0: 2})
    with pytest.raises(InDoubt):
        await producer.begin()
    owner = await broker.producer("task")
    assert (await broker.committed("stage", [LEFT_0]))[LEFT_0] in (None, 1)
    await producer.close()
    await owner.close()


async def test_a_producer_whose_send_was_given_up_can_only_abort(broker: Broker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await give_up(asyncio.create_task(producer.send([outgoing("perhaps")])), 1)
    with pytest.raises(Unavailable):
        await producer.commit("stage", {LEFT_0: 1})
    await producer.abort()
    await producer.close()
    owner = await broker.producer("task")
    assert await everything(broker) == []
    await owner.close()
