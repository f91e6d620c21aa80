"""What the Admin client promises in a broken world: an answer, soon, and nobody else delayed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from aiohttp import web

from pipeline.simulators.faults import Fault
from pipeline.simulators.shopify.admin import AdminFault
from pipeline.simulators.shopify.orders import Order
from stages.shopify.answers import Denied, Found, Missing, Refused, Shut, Throttled, Unavailable
from stages.shopify.client import Bounds
from stages.shopify.customers import CUSTOMER
from stages.shopify.lookup import Lookup, Stale, What
from stages.shopify.lookups import look_up
from stages.shopify.operations import Access
from stages.shopify.orders import ORDER_CORE
from stages.shopify.stock import INVENTORY_ITEMS
from tests.pipeline.world import until
from tests.simulators.shops import END, SHOP
from tests.stages.shopify.clients import DEAD_SHOP, QUICK, Asking, answering, asking, saying

HOUR = timedelta(hours=1)


async def order(world: Asking, since: datetime | None = None, newer: datetime | None = None) -> Any:
    return await look_up(world.client, world.lookup(What.ORDER, "Order", since, newer))


# --- faults ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (AdminFault.UNAVAILABLE, Unavailable("HTTP 503")),
        (AdminFault.UNAUTHORIZED, Refused()),
        (AdminFault.DENIED, Denied("a scope is missing")),
        (AdminFault.ERROR, Unavailable("INTERNAL_SERVER_ERROR", answered=True)),
        (AdminFault.NULL_NODES, Missing()),
        (AdminFault.HANG, Unavailable("no answer within 0.3 s")),
    ],
)
async def test_each_fault_is_an_answer_of_its_own(fault: AdminFault, answer: object) -> None:
    async with asking() as world:
        world.shop.admin.faults.order(Fault(kind=fault))
        assert await order(world) == answer
        world.shop.admin.faults.end()


async def test_an_answer_from_before_the_webhook_is_stale_and_asked_for_again() -> None:
    async with asking() as world:
        name = world.shop.first("Order")
        now = world.shop.store.now()[name]
        assert isinstance(now, Order)
        assert isinstance(await order(world, newer=now.updated_at), Found)
        assert isinstance(await order(world, newer=now.updated_at + HOUR), Stale)
        assert world.asked == ["OrderCore", "OrderCore"], "the kept answer is not enough"
        assert isinstance(await order(world, newer=now.updated_at + timedelta(microseconds=5)), Found)


async def test_a_throttled_question_is_asked_again_after_a_while_and_a_few_times_only() -> None:
    async with asking(Bounds(timeout=timedelta(seconds=20))) as world:
        world.shop.admin.faults.order(Fault(kind=AdminFault.THROTTLED, requests=2))
        assert isinstance(await order(world), Found)
        world.shop.admin.faults.order(Fault(kind=AdminFault.THROTTLED, requests=3))
        assert isinstance(await order(world, since=END + HOUR), Throttled)
        assert isinstance(await order(world, since=END + HOUR), Found)


GARBAGE = [
    b"",
    b"<html>",
    b"[]",
    b"null",
    b'"x"',
    b'{"data": 1}',
    b'{"data": {"order": []}}',
    b'{"data": {"order": {"id": 1}}}',
    b'{"data": {"order": {"id": "\xff"}}}',
    b'{"data": {"order": {"id": "gid://shopify/Order/1", "updatedAt": "2026-03-02T10:00:00"}}}',
    b'{"data": {"order": {"x": ' + b"[" * 100_000,
    b'{"errors": "Not Found"}',
]


@pytest.mark.parametrize("body", GARBAGE)
async def test_garbage_is_an_answer_that_cannot_be_read_and_never_an_error_of_ours(body: bytes) -> None:
    async with saying(body) as client:
        answer = await look_up(client, Lookup(SHOP, What.ORDER, "1", newer=datetime(2026, 3, 2, tzinfo=UTC)))
    assert isinstance(answer, Unavailable)
    assert answer.answered


async def test_garbage_for_gathered_nodes_leaves_nobody_waiting() -> None:
    async with saying(b'{"data": {"nodes": [{"id": "\xff"}]}}') as client:
        lookups = [Lookup(SHOP, What.ITEM, str(number)) for number in range(3)]
        answers = await asyncio.wait_for(asyncio.gather(*(look_up(client, it) for it in lookups)), 5)
    assert all(isinstance(answer, Unavailable) for answer in answers)


async def test_fewer_nodes_than_asked_for_are_missing() -> None:
    async with saying(b'{"data": {"nodes": [null]}}') as client:
        answers = await asyncio.gather(*(look_up(client, Lookup(SHOP, What.ITEM, str(it))) for it in range(3)))
    assert answers == [Missing()] * 3


async def test_a_field_that_is_null_for_want_of_a_scope_is_not_taken_for_null() -> None:
    body = b'{"data": {"order": null}, "errors": [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}]}'
    async with saying(body) as client:
        assert isinstance(await look_up(client, Lookup(SHOP, What.ORDER, "1")), Denied)


async def test_an_answer_that_is_null_is_missing() -> None:
    async with saying(b'{"data": null}') as client:
        assert isinstance(await look_up(client, Lookup(SHOP, What.ORDER, "1")), Missing)


@pytest.mark.parametrize("status", [402, 423])
async def test_a_shop_that_is_shut_says_so_and_has_not_fallen_silent(status: int) -> None:
    async with saying(b"{}", status) as client:
        answers = [await look_up(client, Lookup(SHOP, What.ORDER, str(number))) for number in range(5)]
    assert answers == [Shut(status)] * 5


@pytest.mark.parametrize("status", [301, 404, 429, 500])
async def test_every_other_status_is_unavailable(status: int) -> None:
    async with saying(b"{}", status) as client:
        assert await look_up(client, Lookup(SHOP, What.ORDER, "1")) == Unavailable(f"HTTP {status}")


async def test_a_shop_without_access_is_denied_without_a_question() -> None:
    async with asking() as world:
        other = Lookup("other.myshopify.com", What.ORDER, "1")
        assert isinstance(await look_up(world.client, other), Denied)
        assert isinstance(await world.client.query("other.myshopify.com", ORDER_CORE, {}), Denied)
        assert not world.client.has_access("other.myshopify.com")


async def test_a_checkout_token_that_could_end_its_search_is_not_asked_for() -> None:
    async with asking() as world:
        for token in ("a OR id:1", "a'b", "", "x" * 129):
            assert isinstance(await look_up(world.client, Lookup(SHOP, What.CHECKOUT, token)), Denied)
        assert world.asked == []


# --- what is asked twice is asked once -------------------------------------------------------------------


async def test_equal_questions_at_the_same_time_are_one() -> None:
    async with asking() as world:
        answers = await asyncio.gather(*(order(world) for _ in range(10)))
        assert world.asked == ["OrderCore"]
        assert all(answer == answers[0] for answer in answers)


async def test_a_kept_answer_serves_until_something_newer_is_asked_for() -> None:
    async with asking() as world:
        await order(world, since=END - HOUR)
        await order(world, since=END)
        assert world.asked == ["OrderCore"]
        await order(world, since=END + timedelta(seconds=1))
        assert world.asked == ["OrderCore"] * 2
        await order(world, since=END + timedelta(seconds=1))
        assert world.asked == ["OrderCore"] * 2, "a clock of the receiver's that runs ahead does not ask for ever"


async def test_a_question_under_way_is_not_joined_by_a_newer_webhook() -> None:
    async with asking(Bounds(timeout=timedelta(seconds=5))) as world:
        world.shop.admin.faults.order(Fault(kind=AdminFault.HANG, requests=1))
        old = asyncio.create_task(order(world, since=END - HOUR))
        await until(world.shop.admin.faults.hanging.is_set)
        assert isinstance(await order(world, since=END + HOUR), Found)
        assert not old.done()
        world.shop.admin.faults.end()
        assert isinstance(await old, Found)
        assert world.asked == ["OrderCore"] * 2


async def test_nothing_but_found_is_kept() -> None:
    async with asking() as world:
        world.shop.admin.faults.order(Fault(kind=AdminFault.NULL_NODES, requests=1))
        assert isinstance(await order(world), Missing)
        assert isinstance(await order(world), Found)


async def test_the_oldest_answers_are_forgotten_first() -> None:
    async with asking(Bounds(kept=2)) as world:
        names = [name.rpartition("/")[2] for name in world.shop.store.now() if "/Order/" in name][:3]
        for name in (*names, names[0]):
            await look_up(world.client, Lookup(SHOP, What.ORDER, name))
        assert len(world.asked) == 4
        assert len(world.client._kept) == 2


async def test_nodes_that_are_asked_for_together_are_one_question() -> None:
    async with asking() as world:
        items = [name for name in world.shop.store.now() if "/InventoryItem/" in name][:4]
        assert len(items) > 1
        nobody = "gid://shopify/InventoryItem/1"
        answers = await asyncio.gather(
            *(world.client.node(SHOP, INVENTORY_ITEMS, name) for name in (*items, nobody, items[0]))
        )
        (asked,) = world.shop.admin.asked
    assert asked.variables["ids"] == [*items, nobody], "each of them once"
    found = [answer.value.id if isinstance(answer, Found) else None for answer in answers]
    assert found == [*items, None, items[0]], "everybody gets his own"


async def test_a_node_that_comes_too_late_for_one_question_goes_into_the_next() -> None:
    async with asking() as world:
        for number in range(3):
            gid = f"gid://shopify/InventoryItem/{number}"
            assert isinstance(await asyncio.wait_for(world.client.node(SHOP, INVENTORY_ITEMS, gid), 5), Missing)
        assert world.asked == ["InventoryItems"] * 3


async def test_at_most_a_dozen_nodes_go_into_one_question() -> None:
    async with asking() as world:
        await asyncio.gather(
            *(world.client.node(SHOP, INVENTORY_ITEMS, f"gid://shopify/InventoryItem/{number}") for number in range(30))
        )
        sizes = [len(msgspec.convert(each.variables["ids"], list[str])) for each in world.shop.admin.asked]
    assert sorted(sizes) == [6, 12, 12]


async def test_a_question_goes_on_when_whoever_asked_has_stopped_waiting() -> None:
    async with asking(Bounds(timeout=timedelta(seconds=5))) as world:
        world.shop.admin.faults.order(Fault(kind=AdminFault.HANG, requests=1))
        waiting = asyncio.create_task(order(world))
        await until(world.shop.admin.faults.hanging.is_set)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        again = asyncio.create_task(order(world))
        for later in range(5):
            await look_up(world.client, world.lookup(What.ADDRESS, "Order", END + later * HOUR))
        assert not again.done(), "it waits for the first one, which still hangs; a second would be answered"
        world.shop.admin.faults.end()
        assert isinstance(await again, Found)
        assert world.asked == [*["OrderAddress"] * 5, "OrderCore"]


# --- the standing of a shop ------------------------------------------------------------------------------


async def test_a_refused_token_is_left_alone_until_a_probe_succeeds() -> None:
    async with asking(Bounds(probe_every=timedelta(seconds=0.3))) as world:
        world.shop.admin.faults.order(Fault(kind=AdminFault.UNAUTHORIZED))
        assert isinstance(await order(world), Refused)
        world.shop.admin.faults.end()
        assert isinstance(await order(world), Refused), "at once, without asking"
        assert world.asked == []
        await until(lambda: _is_found(world))


async def _is_found(world: Asking) -> bool:
    return isinstance(await order(world), Found)


async def test_a_shop_that_failed_three_times_is_left_alone_and_comes_back() -> None:
    calls = 0
    broken = True

    async def handler(_: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        return web.Response(status=500) if broken else web.json_response({"data": {"customer": None}})

    async with answering(handler) as url, asking(dead=url) as world:

        async def ask() -> Any:
            return await world.client.query(DEAD_SHOP, CUSTOMER, {"id": "x"})

        for _ in range(10):
            assert isinstance(await ask(), Unavailable)
        assert calls == 3
        broken = False

        async def is_back() -> bool:
            return isinstance(await ask(), Found)

        await until(is_back)
        assert isinstance(await ask(), Found)
        assert calls == 4, "one probe"


async def test_a_dead_shop_delays_no_other() -> None:
    released = asyncio.Event()

    async def handler(_: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response()

    async with answering(handler) as url, asking(Bounds(timeout=timedelta(seconds=30)), dead=url) as world:
        stuck = [
            asyncio.create_task(look_up(world.client, Lookup(DEAD_SHOP, What.ORDER, str(number))))
            for number in range(50)
        ]
        assert isinstance(await asyncio.wait_for(order(world), 5), Found)
        assert not any(task.done() for task in stuck)
        await world.client.close()
        await asyncio.gather(*stuck, return_exceptions=True)
        released.set()


async def test_fifty_questions_to_a_hanging_shop_end_within_its_timeout() -> None:
    async with asking() as world:
        world.shop.admin.faults.order(Fault(kind=AdminFault.HANG))
        lookups = [Lookup(SHOP, What.ORDER, str(number)) for number in range(50)]
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(look_up(world.client, it) for it in lookups))
        assert asyncio.get_running_loop().time() - began < 3 * QUICK.timeout.total_seconds()
        assert all(isinstance(answer, Unavailable) for answer in answers)
        world.shop.admin.faults.end()


async def test_nobody_listening_is_unavailable() -> None:
    async with asking(dead="http://127.0.0.1:1/graphql.json") as world:
        answer = await look_up(world.client, Lookup(DEAD_SHOP, What.ORDER, "1"))
    assert answer == Unavailable("ClientConnectorError")


async def test_closing_ends_what_is_under_way_and_whoever_waits_for_it() -> None:
    async with asking(Bounds(timeout=timedelta(seconds=30))) as world:
        world.shop.admin.faults.order(Fault(kind=AdminFault.HANG))
        waiting = [
            asyncio.create_task(order(world)),
            asyncio.create_task(world.client.node(SHOP, INVENTORY_ITEMS, "gid://shopify/InventoryItem/1")),
        ]
        await until(world.shop.admin.faults.hanging.is_set)
        await world.client.close()
        ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
        assert [type(end) for end in ended] == [asyncio.CancelledError] * 2
        assert not world.client._tasks
        world.shop.admin.faults.end()


def test_a_token_does_not_stand_in_what_is_printed_of_an_access() -> None:
    assert "secret" not in repr(Access("https://demo.myshopify.com", "secret"))
