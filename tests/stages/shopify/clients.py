"""The client of the pipeline before a simulated shop whose clock and whose faults are ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from pipeline.simulators.serving import serve
from stages.shopify.client import Bounds, Shopify
from stages.shopify.lookup import Lookup, What
from stages.shopify.operations import Access
from tests.simulators.shops import END, SHOP, TOKEN, Served, served

#: Short bounds: what hangs is given up soon, a closed shop is probed soon.
QUICK = Bounds(timeout=timedelta(seconds=0.3), probe_every=timedelta(seconds=0.2))
DEAD_SHOP = "dead.myshopify.com"


@dataclass
class Wall:
    """Real time as the client reads it: it stands still until it is moved."""

    time: datetime = END

    def __call__(self) -> datetime:
        return self.time


@dataclass
class Asking:
    shop: Served
    client: Shopify
    wall: Wall = field(default_factory=Wall)

    @property
    def asked(self) -> list[str]:
        """The operations that were answered with data, in order."""
        return [each.operation for each in self.shop.admin.asked]

    def lookup(self, what: What, kind: str, since: datetime | None = None, newer: datetime | None = None) -> Lookup:
        return Lookup(SHOP, what, self.shop.first(kind).rpartition("/")[2], since, newer)


@asynccontextmanager
async def asking(bounds: Bounds = QUICK, token: str = TOKEN, dead: str | None = None) -> AsyncIterator[Asking]:
    """`dead`: the address of another shop."""
    async with served() as shop:
        wall = Wall()
        shops = {SHOP: Access(shop.graphql, token)} | ({DEAD_SHOP: Access(dead, TOKEN)} if dead else {})
        client = Shopify(shop.session, shops, wall, bounds)
        try:
            yield Asking(shop, client, wall)
        finally:
            await client.close()
            assert not client._tasks, "closing leaves nothing running"


@asynccontextmanager
async def answering(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A server that answers whatever it likes; yields its GraphQL address."""
    application = web.Application()
    application.router.add_post("/graphql.json", handler)
    async with serve(application) as url:
        yield f"{url}/graphql.json"


@asynccontextmanager
async def saying(body: bytes, status: int = 200) -> AsyncIterator[Shopify]:
    """The client before a server that says always the same."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, content_type="application/json")

    async with answering(handler) as url, served() as shop:
        client = Shopify(shop.session, {SHOP: Access(url, TOKEN)}, Wall(), QUICK)
        yield client
        await client.close()
