"""A simulated Shopify to be served: Admin GraphQL, faults, and deliveries sent by hand.

GET  /simulator/topics      the topics that there is a body for
POST /simulator/deliveries  {"topic": "orders/create", "patch": {"id": 1}, "test": false}: the topic's real body, the
                            patch laid over it, signed and sent; answers with the statuses of all attempts
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import uuid4

import msgspec
import orjson
from aiohttp import web
from msgspec import Struct

from pipeline.simulators.samples import Json, sample, topics
from pipeline.simulators.shopify.admin import Admin
from pipeline.simulators.shopify.deliveries import Delivery
from pipeline.simulators.shopify.sending import Sender


class _Wanted(Struct, forbid_unknown_fields=True):
    topic: str
    patch: dict[str, object] = {}
    test: bool = False


class ShopifySimulator:
    """`application` is to be served. Without a `sender` nothing can be sent by hand."""

    def __init__(self, shop: str, admin: Admin, sender: Sender | None, now: Callable[[], datetime]) -> None:
        self._shop = shop
        self._admin = admin
        self._sender = sender
        self._now = now
        self.application = web.Application()
        self.application.add_routes(
            [
                *admin.routes(),
                web.get("/simulator/topics", self._topics),
                web.post("/simulator/deliveries", self._deliver),
            ]
        )
        self.application.on_shutdown.append(self._stop)

    async def _topics(self, _: web.Request) -> web.Response:
        return web.json_response(sorted(topics()))

    async def _deliver(self, request: web.Request) -> web.Response:
        try:
            wanted = msgspec.json.decode(await request.read(), type=_Wanted)
            body = patched(sample(wanted.topic), wanted.patch)
        except msgspec.DecodeError as error:
            return web.json_response({"message": str(error)}, status=400)
        except KeyError:
            return web.json_response({"message": "no body is known for this topic: /simulator/topics"}, status=404)
        if self._sender is None:
            return web.json_response({"message": "nobody to deliver to"}, status=409)
        delivery = Delivery(
            wanted.topic, orjson.dumps(body), self._shop, str(uuid4()), self._now(), str(uuid4()), test=wanted.test
        )
        outcome = await self._sender.deliver(delivery)
        return web.json_response({"webhook_id": delivery.webhook_id, "statuses": outcome.statuses})

    async def _stop(self, _: web.Application) -> None:
        self._admin.faults.end()


def patched(body: Json, patch: Mapping[str, object]) -> Json:
    """Objects are merged, everything else is put in its place. Null is a value: Shopify says it often."""
    merged = dict(body)
    for key, value in patch.items():
        known = merged.get(key)
        merged[key] = patched(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged
