"""The clients of the world outside, from configuration and secrets: a process opens those of its own stages only.

The receiver, which faces the internet, therefore needs no token of Shopify's and no password of OpenText's; and whoever
must not notify or act opens none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
from prometheus_client import Gauge

from pipeline.metrics import Metrics
from pipeline.settings import Secrets
from schemas.configuration import Configuration
from stages.opentext.client import OpenText, opentext_client
from stages.shopify.client import Bounds, Shopify
from stages.shopify.operations import Access, endpoint


@asynccontextmanager
async def shopify_opened(
    configuration: Configuration, secrets: Secrets, wall: Callable[[], datetime]
) -> AsyncIterator[Shopify]:
    """Of all shops that have Admin access. Raises ConfigurationError where a token is not there.

    `wall` is that of its stage: by it is known whether an answer was asked for late enough.
    """
    access = {
        shop.domain: Access(
            shop.admin.url or endpoint(shop.domain, shop.admin.version), secrets.value(shop.admin.token)
        )
        for shop in configuration.shops
        if shop.admin is not None
    }
    async with aiohttp.ClientSession() as session:
        shopify = Shopify(session, access, wall, Bounds(timeout=configuration.shopify.timeout))
        try:
            yield shopify
        finally:
            await shopify.close()


@asynccontextmanager
async def opentext_opened(configuration: Configuration, secrets: Secrets, metrics: Metrics) -> AsyncIterator[OpenText]:
    """Of the one account. Raises ConfigurationError where its password is not there."""
    breaker = _Told(metrics.breaker_open.labels("opentext"))
    async with aiohttp.ClientSession() as session:
        opentext = opentext_client(configuration.opentext, secrets.value, session, _wall, breaker.tell)
        try:
            yield opentext
        finally:
            await opentext.close()
            breaker.tell(False)


def card_key(configuration: Configuration, secrets: Secrets) -> bytes | None:
    """What keys the hash that stands for a card; None where the configuration names none."""
    secret = configuration.privacy.card_hash_key
    return None if secret is None else secrets.value(secret).encode()


class _Told:
    """One client's share of a gauge: while configurations change there are two clients, and neither speaks for both."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._is_open = False

    def tell(self, is_open: bool) -> None:
        self._gauge.inc(is_open - self._is_open)
        self._is_open = is_open


def _wall() -> datetime:
    return datetime.now(UTC)
