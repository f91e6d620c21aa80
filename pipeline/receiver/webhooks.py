"""`POST /webhooks/shopify`: verified by the raw bytes, then on the raw topic as they came.

A verified body that is no JSON is accepted too, under its delivery's id: refusing it only makes Shopify send it again
and drop the subscription in the end. What it is worth is for `enrich` to say.

Two topics are for every task: that a shop's data must be erased lies on every partition of its raw topic, and that a
shop has removed the app is a signal on every partition besides. Shopify hears yes when all of it is on the log; what it
sends again because that took too long is written again, and known by when it happened.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import partial

from aiohttp import web

from pipeline.receiver import cloudevents, deliveries
from pipeline.receiver.cloudevents import Told, trace_of
from pipeline.receiver.deliveries import Delivery
from pipeline.receiver.intake import Headers, Intake, NotTaken, Verdict
from pipeline.receiver.signatures import Credentials, is_signed
from schemas import subjects, topics
from schemas.codec import encode
from schemas.resources import COMPLIANCE, domain_of, is_erasure, raw_key
from schemas.signals import ShopUninstalled
from stages.bodies.fields import instant

#: The metrics' domain of a request that names no topic.
_NO_DOMAIN = "unknown"
_UNINSTALLED = "app/uninstalled"
_TEST = "x-shopify-test"
_CONTENT_TYPE = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,98}")
_LOGGED = {"shop": "shop-domain", "topic": "topic", "delivery_id": "webhook-id", "event_id": "event-id"}


class Webhooks:
    def __init__(self, intake: Intake, credentials: Credentials) -> None:
        self._intake = intake
        self._credentials = credentials

    async def take(self, request: web.Request) -> web.Response:
        facts, trace = _facts(request.headers), trace_of(request.headers)
        domain = domain_of(facts["topic"]) if "topic" in facts else _NO_DOMAIN
        with self._intake.metrics.webhook_seconds.time():
            return await self._intake.answer(domain, partial(self._take, request, trace), {**facts, "trace": trace})

    async def _take(self, request: web.Request, trace: str) -> None:
        delivery = deliveries.read(request.headers)
        secrets = self._secrets(delivery)
        async with self._intake.body(request) as body:
            if not is_signed(body, delivery.signature, secrets):
                raise NotTaken(Verdict.FORGED, "the signature fits none of the secrets")
            raw = raw_key(delivery.shop, delivery.topic, body, delivery.id, delivery.resource_id)
            headers = self._headers(delivery, request.headers, trace)
            topic, test = f"shopify.{raw.domain}", dict(delivery.headers).get(_TEST, b"").decode(errors="replace")
            if is_erasure(delivery.topic, delivery.shop, body, test):
                await self._intake.put_everywhere(topic, raw.key, body, headers)
            else:
                await self._intake.put(topic, raw.key, body, headers)
        if delivery.topic == _UNINSTALLED and test != "true":
            await self._say_to_all(delivery, trace)

    async def _say_to_all(self, delivery: Delivery, trace: str) -> None:
        clock, subject = self._intake.clock, subjects.shop_wide(delivery.shop)
        happened = instant(delivery.triggered_at) or clock.now()
        signal = ShopUninstalled(delivery.shop, subject, happened, clock.wall())
        headers = cloudevents.of_ours("shop-uninstalled", clock, trace)
        await self._intake.put_everywhere(topics.SIGNALS, subject, encode(signal), headers)

    def _secrets(self, delivery: Delivery) -> Collection[bytes]:
        shop = self._credentials.shops.get(delivery.shop)
        if shop is None and delivery.topic in COMPLIANCE:
            return self._credentials.every_secret()
        if shop is None:
            raise NotTaken(Verdict.UNKNOWN_SHOP, "this shop is not configured")
        return shop.secrets

    def _headers(self, delivery: Delivery, given: Mapping[str, str], trace: str) -> Headers:
        clock = self._intake.clock
        happened = delivery.triggered_at or clock.now().isoformat()
        content_type = given.get("content-type", "").strip()
        return (
            *cloudevents.attributes(
                Told(delivery.id, f"//{delivery.shop}", delivery.topic, happened),
                content_type if _CONTENT_TYPE.fullmatch(content_type) else "application/json",
                trace,
            ),
            ("received", clock.wall().isoformat().encode()),
            *delivery.headers,
        )


def _facts(headers: Mapping[str, str]) -> dict[str, str]:
    family = deliveries.family_of(headers)
    if family is None:
        return {}
    return {name: headers[family + header] for name, header in _LOGGED.items() if family + header in headers}
