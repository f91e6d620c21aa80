"""Deliveries look and behave as Shopify's do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from pipeline.simulators.serving import serve
from pipeline.simulators.shopify import Delivery, EventDelivery, Sender, signature
from pipeline.simulators.shopify.sending import gaps

AT = datetime(2024, 8, 7, 22, 57, 57, 290670, tzinfo=UTC)
DELIVERY = Delivery("orders/create", b'{"id":1}', "demo.myshopify.com", "w-1", AT, event_id="e-1")
EVENT = EventDelivery("Order", "update", "gid://shopify/Order/1", b"{}", "demo.myshopify.com", "w-2", "e-2", AT)


def test_a_signature_is_the_one_that_another_program_makes() -> None:
    """printf '{"id":1}' | openssl dgst -sha256 -hmac hush -binary | base64"""
    assert signature(b'{"id":1}', "hush") == "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY="


def test_a_classic_webhook_has_all_of_shopifys_headers() -> None:
    assert DELIVERY.headers("hush") == {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Hmac-SHA256": signature(DELIVERY.body, "hush"),
        "X-Shopify-Shop-Domain": "demo.myshopify.com",
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": "w-1",
        "X-Shopify-Event-Id": "e-1",
        "X-Shopify-Triggered-At": "2024-08-07T22:57:57.290670000Z",
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
    }


def test_a_moment_has_nine_digits_of_its_second() -> None:
    early = replace(DELIVERY, triggered_at=AT.replace(microsecond=70))

    assert early.headers("hush")["X-Shopify-Triggered-At"] == "2024-08-07T22:57:57.000070000Z"


def test_a_test_delivery_says_so_and_a_named_subscription_its_name() -> None:
    told = replace(DELIVERY, test=True, name="orders-hot").headers("hush")

    assert (told["X-Shopify-Test"], told["X-Shopify-Name"]) == ("true", "orders-hot")


def test_an_event_id_is_not_always_there() -> None:
    assert "X-Shopify-Event-Id" not in replace(DELIVERY, event_id=None).headers("hush")


def test_an_event_of_the_next_generation_has_headers_of_its_own() -> None:
    told = EVENT.headers("hush")

    assert not any(name.startswith("X-Shopify") for name in told)
    assert (told["Shopify-Topic"], told["Shopify-Action"]) == ("Order", "update")
    assert told["Shopify-Resource-Id"] == "gid://shopify/Order/1"
    assert told["Shopify-Hmac-SHA256"] == signature(b"{}", "hush")


def test_eight_repetitions_grow_and_fill_four_hours() -> None:
    assert len(gaps()) == 8
    assert sum(gaps()) == pytest.approx(4 * 3600)
    assert list(gaps()) == sorted(gaps())


@dataclass
class Receiver:
    """Answers with each status in turn, then with 200; keeps what came."""

    statuses: list[int]
    came: list[tuple[bytes, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.came.append((await request.read(), request.headers["X-Shopify-Webhook-Id"]))
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 301 else {})


@dataclass
class Pauses:
    """Time that passes at once."""

    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@asynccontextmanager
async def sending(*statuses: int) -> AsyncIterator[tuple[Sender, Receiver, Pauses]]:
    receiver, pauses = Receiver(list(statuses)), Pauses()
    application = web.Application()
    application.router.add_post("/webhooks", receiver.take)
    async with serve(application) as url, aiohttp.ClientSession() as session:
        yield Sender(session, f"{url}/webhooks", "hush", pause=pauses), receiver, pauses


async def test_what_is_taken_is_sent_once() -> None:
    async with sending() as (sender, receiver, pauses):
        outcome = await sender.deliver(DELIVERY)

    assert (outcome.taken, outcome.statuses) == (True, (200,))
    assert (len(receiver.came), pauses.taken) == (1, [])


@pytest.mark.parametrize("refusal", [503, 401, 301, 500])
async def test_what_is_refused_comes_again_the_same(refusal: int) -> None:
    async with sending(refusal, refusal) as (sender, receiver, pauses):
        outcome = await sender.deliver(DELIVERY)

    assert outcome.statuses == (refusal, refusal, 200)
    assert set(receiver.came) == {(b'{"id":1}', "w-1")}
    assert pauses.taken == list(gaps()[:2])


async def test_after_eight_repetitions_it_is_given_up() -> None:
    async with sending(*[503] * 20) as (sender, receiver, _):
        outcome = await sender.deliver(DELIVERY)

    assert (outcome.taken, len(receiver.came)) == (False, 9)


async def test_nobody_at_the_address_is_a_failure_like_any_other() -> None:
    async with sending() as (_, _, pauses):
        pass
    async with aiohttp.ClientSession() as session:
        outcome = await Sender(session, "http://127.0.0.1:1/webhooks", "hush", pause=pauses).deliver(DELIVERY)

    assert outcome.statuses == (None,) * 9
