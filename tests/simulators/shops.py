"""A shop at the end of a day, and its Admin API, served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from pipeline.simulators.scenario import Change, day
from pipeline.simulators.serving import serve
from pipeline.simulators.shopify import Admin, AdminSettings, ShopifySimulator, Store

SHOP = "demo.myshopify.com"
END = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN = "admin-token"


def store_after_the_day() -> Store:
    store = Store(SHOP)
    for step in day(END, 1, SHOP):
        if isinstance(step.act, Change):
            store.put(*step.act.things)
    return store


class Seconds:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@dataclass
class Served:
    admin: Admin
    store: Store
    url: str
    session: aiohttp.ClientSession
    seconds: Seconds

    @property
    def graphql(self) -> str:
        return f"{self.url}/admin/api/2026-10/graphql.json"

    async def ask(self, query: str, variables: dict[str, Any] | None = None, token: str = TOKEN) -> tuple[int, Any]:
        body = {"query": query, "variables": variables or {}}
        headers = {"X-Shopify-Access-Token": token}
        async with self.session.post(self.graphql, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    def first(self, kind: str) -> str:
        """The gid of the first thing of a type."""
        return next(name for name in self.store.now() if name.startswith(f"gid://shopify/{kind}/"))


@asynccontextmanager
async def served(settings: AdminSettings | None = None) -> AsyncIterator[Served]:
    store, seconds = store_after_the_day(), Seconds()
    admin = Admin(store, settings or AdminSettings(token=TOKEN), seconds)
    simulator = ShopifySimulator(SHOP, admin, None, lambda: END)
    async with serve(simulator.application) as url, aiohttp.ClientSession() as session:
        yield Served(admin, store, url, session, seconds)
