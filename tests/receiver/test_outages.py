"""A yes is only for what is on the log. Whatever else happens is told in time, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from pipeline.memory import Call, Fate
from pipeline.receiver import Bounds
from tests.pipeline.world import until
from tests.receiver.world import SECRET, Answer, World, delivery, receiving

PROMISED_SECONDS = 4.0
SHORT = Bounds(answer_seconds=0.2, drain_seconds=0.2)


def assert_come_again(answer: Answer, outcome: str) -> None:
    assert (answer.status, answer.body) == (503, {"outcome": outcome})
    assert int(answer.headers["Retry-After"]) > 0


async def measured(world: World) -> tuple[Answer, float]:
    loop = asyncio.get_running_loop()
    start = loop.time()
    return await world.deliver(delivery()), loop.time() - start


async def test_while_the_broker_is_away_deliveries_shall_come_again_and_afterwards_they_are_taken(world: World) -> None:
    world.faults.go_down()
    assert_come_again(await world.deliver(delivery()), "unavailable")

    world.faults.come_back()
    assert (await world.deliver(delivery())).status == 200
    assert world.counted("orders", "unavailable") == 1
    assert len(await world.records()) == 1


async def test_a_broker_that_hangs_does_not_make_shopify_wait(world: World) -> None:
    world.faults.hold(Call.APPEND)

    answers = await asyncio.gather(*(measured(world) for _ in range(50)))

    for answer, seconds in answers:
        assert_come_again(answer, "late")
        assert seconds < PROMISED_SECONDS
    world.faults.release(Call.APPEND)


async def test_a_write_goes_on_when_nobody_waits_for_it_any_more() -> None:
    async with receiving(SHORT) as world:
        world.faults.hold(Call.APPEND)
        assert_come_again(await world.deliver(delivery()), "late")
        assert await world.records() == []

        world.faults.release(Call.APPEND)
        await until(world.records)
        assert (await world.only()).header("ce_id") == "w-1"


async def test_a_write_whose_answer_is_lost_is_not_called_done(world: World) -> None:
    world.faults.next(Call.APPEND, Fate.ANSWER_LOST)

    assert_come_again(await world.deliver(delivery()), "unavailable")
    assert len(await world.records()) == 1


async def test_what_the_broker_refuses_shall_come_again(world: World) -> None:
    world.faults.next(Call.APPEND, Fate.REFUSED)

    assert_come_again(await world.deliver(delivery()), "refused")


async def test_a_thousand_at_once_are_all_taken_once(world: World) -> None:
    deliveries = [replace(delivery(b'{"id":%d}' % number), webhook_id=f"w-{number}") for number in range(1, 1001)]

    answers = await asyncio.gather(*(world.deliver(one) for one in deliveries))

    assert {answer.status for answer in answers} == {200}
    written = [record.header("ce_id") for record in await world.records("shopify.orders")]
    assert sorted(written, key=str) == sorted(one.webhook_id for one in deliveries)


@pytest.mark.parametrize(("size", "room_for"), [(20_000, 2), (8, 12)])
async def test_bodies_together_are_bounded_even_when_they_outlive_their_requests(size: int, room_for: int) -> None:
    async with receiving(replace(SHORT, in_hand_bytes=50_000)) as world:
        world.faults.hold(Call.APPEND)
        body = delivery(b"x" * size)

        answers = await asyncio.gather(*(world.deliver(body) for _ in range(room_for + 3)))
        outcomes = [answer.body["outcome"] for answer in answers]
        assert (outcomes.count("late"), outcomes.count("busy")) == (room_for, 3)
        assert_come_again(await world.deliver(body), "busy")

        world.faults.release(Call.APPEND)
        await until(lambda: not world.intake._writes)
        assert (await world.deliver(body)).status == 200
        assert len(await world.records()) == room_for + 1


async def test_room_is_given_back_by_those_who_were_refused() -> None:
    async with receiving(replace(SHORT, in_hand_bytes=50_000)) as world:
        for _ in range(20):
            assert (await world.deliver(delivery(b"x" * 20_000), "wrong")).status == 401
        assert (await world.deliver(delivery(b"x" * 20_000))).status == 200


async def test_who_sends_a_body_slowly_is_answered_in_time_and_holds_nobody_up() -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with receiving(SHORT) as world:
        slow = [world.post("/webhooks/shopify", slowly(), delivery().headers(SECRET)) for _ in range(100)]
        waiting = asyncio.gather(*slow)
        assert (await world.deliver(delivery())).status == 200

        for answer in await waiting:
            assert_come_again(answer, "late")
        await until(world.intake._idle.is_set)


async def test_a_connection_that_breaks_off_leaves_nothing_behind(world: World) -> None:
    for sent in (b"", b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\n", half_of_a_delivery()):
        _, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(sent)
        await writer.drain()
        writer.transport.abort()
    await until(lambda: world.counted("orders", "incomplete") == 1)

    assert (await world.deliver(delivery())).status == 200
    assert len(await world.records()) == 1


def half_of_a_delivery() -> bytes:
    lines = [f"{name}: {value}" for name, value in delivery().headers(SECRET).items()]
    head = ["POST /webhooks/shopify HTTP/1.1", "Host: x", "Content-Length: 1000", *lines, "", ""]
    return "\r\n".join(head).encode() + b'{"id":'


async def test_draining_writes_what_is_in_hand_and_tells_newcomers_to_come_again(world: World) -> None:
    world.faults.hold(Call.APPEND)
    first = asyncio.create_task(world.deliver(delivery()))
    await until(lambda: world.intake._writes)

    draining = asyncio.create_task(world.receiver.drain())
    await until(lambda: world.intake._draining)
    assert_come_again(await world.deliver(delivery()), "draining")
    assert not draining.done()

    world.faults.release(Call.APPEND)
    assert (await first).status == 200
    await draining
    assert len(await world.records()) == 1


async def test_draining_does_not_wait_for_a_broker_that_hangs_for_ever() -> None:
    async with receiving(SHORT) as world:
        world.faults.hold(Call.APPEND)
        await world.deliver(delivery())

        async with asyncio.timeout(2):
            await world.receiver.drain()
        world.faults.release(Call.APPEND)


async def test_what_is_in_hand_is_answered_when_the_receiver_is_closed() -> None:
    async with aiohttp.ClientSession() as session:
        async with receiving() as world:
            world.session = session
            world.faults.hold(Call.APPEND)
            last = asyncio.create_task(world.deliver(delivery()))
            await until(lambda: world.intake._writes)
            asyncio.get_running_loop().call_later(0.1, world.faults.release, Call.APPEND)

        assert (await last).status == 200


async def test_a_write_that_nobody_waits_for_is_made_before_the_receiver_is_closed() -> None:
    async with asyncio.timeout(3), receiving(Bounds(answer_seconds=0.05)) as world:
        world.faults.hold(Call.APPEND)
        assert_come_again(await world.deliver(delivery()), "late")
        asyncio.get_running_loop().call_later(0.1, world.faults.release, Call.APPEND)

    assert len(await world.records()) == 1


async def test_the_port_is_closed_behind_the_last() -> None:
    async with receiving() as world:
        port = world.port
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
