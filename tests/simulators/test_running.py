"""The simulators as programs, and a day that is played against a receiver."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from socket import socket

import aiohttp
import orjson
import pytest
from aiohttp import web

from pipeline.simulators.opentext import OpenTextSettings
from pipeline.simulators.running import ShopifySettings, run_opentext, run_shopify
from pipeline.simulators.scenario import Change, Player, Tokens, day, deliveries
from pipeline.simulators.serving import serve
from pipeline.simulators.shopify import Sender, Store, signature
from tests.simulators.shops import END, SHOP

SECRET = "hush"


@dataclass
class Receiver:
    """Takes what is signed rightly; everything else is 401."""

    webhooks: list[str] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    reports: list[tuple[str, str | None, str]] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: int = 10**9

    async def webhook(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers["X-Shopify-Hmac-SHA256"] != signature(body, SECRET):
            return web.Response(status=401)
        self.bodies[request.headers["X-Shopify-Webhook-Id"]] = body
        self.webhooks.append(request.headers["X-Shopify-Webhook-Id"])
        if len(self.webhooks) >= self.wanted:
            self.enough.set()
        return web.Response()

    async def report(self, request: web.Request) -> web.Response:
        text = (await request.read()).decode()
        self.reports.append((request.path, request.headers.get("Authorization"), text))
        return web.Response(status=202)


@asynccontextmanager
async def received() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/webhooks/shopify", receiver.webhook)
    application.router.add_post("/{rest:.*}", receiver.report)
    async with serve(application) as url:
        yield receiver, url


def free_port() -> int:
    with socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


async def test_every_step_of_a_day_arrives() -> None:
    steps, store = day(END, 1, SHOP), Store(SHOP)
    async with received() as (receiver, url), aiohttp.ClientSession() as session:
        player = Player(store, Sender(session, f"{url}/webhooks/shopify", SECRET), session, url, Tokens("j", "s"))
        outcomes = [await player.play(step) for step in steps]

    assert all(outcome is None or outcome.taken for outcome in outcomes)
    assert Counter(receiver.webhooks) == Counter(each.webhook_id for each in deliveries(steps))
    assert set(store.now()) >= {thing.id for step in steps if isinstance(step.act, Change) for thing in step.act.things}
    assert {(path, bearer) for path, bearer, _ in receiver.reports} == {
        (f"/jobs/{SHOP}/erp-export/start", "Bearer j"),
        (f"/jobs/{SHOP}/erp-export/success", "Bearer j"),
        (f"/jobs/{SHOP}/erp-export/fail", "Bearer j"),
        (f"/jobs/{SHOP}/feed-sync/start", "Bearer j"),
        (f"/jobs/{SHOP}/feed-sync/success", "Bearer j"),
        (f"/signals/{SHOP}/payment-failed", "Bearer s"),
    }


async def test_shopify_plays_its_day_and_then_stays_to_answer() -> None:
    stop, port, said = asyncio.Event(), free_port(), list[str]()
    async with received() as (receiver, url), aiohttp.ClientSession() as session:
        receiver.wanted = 60
        settings = ShopifySettings(
            secret=SECRET, deliver_to=f"{url}/webhooks/shopify", lasts=timedelta(seconds=0.2), seed=1
        )
        running = asyncio.create_task(run_shopify("127.0.0.1", port, settings, said.append, stop))
        async with asyncio.timeout(20):
            await receiver.enough.wait()
        body = {"topic": "orders/create", "patch": {"id": 77, "customer": {"id": 5}}}
        async with session.post(f"http://127.0.0.1:{port}/simulator/deliveries", json=body) as answer:
            by_hand = await answer.json()
        unknown = await session.post(f"http://127.0.0.1:{port}/simulator/deliveries", json={"topic": "moon/landing"})
        stop.set()
        async with asyncio.timeout(5):
            await running

    assert by_hand["statuses"] == [200]
    sent = orjson.loads(receiver.bodies[by_hand["webhook_id"]])
    assert (sent["id"], sent["customer"]["id"], sent["customer"]["email"]) == (77, 5, "john@example.com")
    assert unknown.status == 404
    assert said[0] == f"Shopify is played at http://127.0.0.1:{port}; a day's webhooks go to {url}/webhooks/shopify"


async def test_shopify_says_where_nobody_takes_its_webhooks_and_stops_at_once_in_the_middle_of_its_day() -> None:
    stop = asyncio.Event()
    settings = ShopifySettings(secret=SECRET, deliver_to="http://127.0.0.1:1/webhooks/shopify")
    refused = asyncio.Event()
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) > 1:
            refused.set()

    running = asyncio.create_task(run_shopify("127.0.0.1", 0, settings, say, stop))
    async with asyncio.timeout(20):
        await refused.wait()

    stop.set()

    async with asyncio.timeout(5):
        await running
    assert said[1].startswith("http://127.0.0.1:1/webhooks/shopify did not take a webhook; it comes again in ")


async def test_opentext_serves_until_it_is_stopped() -> None:
    stop, port, said = asyncio.Event(), free_port(), list[str]()
    running = asyncio.create_task(run_opentext("127.0.0.1", port, OpenTextSettings(), said.append, stop))
    async with aiohttp.ClientSession() as session, asyncio.timeout(5):
        while True:
            with suppress(aiohttp.ClientConnectorError):
                async with session.get(f"http://127.0.0.1:{port}/simulator/messages") as answer:
                    assert orjson.loads(await answer.read()) == []
                    break
        stop.set()
        await running
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://127.0.0.1:{port}/")
    assert said == [f"OpenText is played at http://127.0.0.1:{port}/mra/v1; what it is sent is shown at /"]
