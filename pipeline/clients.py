"""The clients of the world outside, from configuration and secrets. Whoever must not notify or act opens none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

from pipeline.metrics import Metrics
from pipeline.settings import Secrets
from schemas.configuration import Configuration
from stages.opentext.client import OpenText, opentext_client
from stages.shopify.client import Bounds, Shopify
from stages.shopify.operations import Access, endpoint


@dataclass(frozen=True, slots=True)
class Clients:
    """`card_key` keys the hash that stands for a card; None where the configuration names none."""

    shopify: Shopify
    opentext: OpenText
    card_key: bytes | None = field(repr=False)


@asynccontextmanager
async def clients(configuration: Configuration, secrets: Secrets, metrics: Metrics) -> AsyncIterator[Clients]:
    """Open until the end, then closed in reverse. Raises ConfigurationError where a secret is not there."""
    breaker = metrics.breaker_open.labels("opentext")
    breaker.set(0)
    secret = configuration.privacy.card_hash_key
    card_key = None if secret is None else secrets.value(secret).encode()
    access = _access(configuration, secrets)
    async with aiohttp.ClientSession() as session:
        shopify = Shopify(session, access, _wall, Bounds(timeout=configuration.shopify.timeout))
        opentext = opentext_client(configuration.opentext, secrets.value, session, _wall, breaker.set)
        try:
            yield Clients(shopify, opentext, card_key)
        finally:
            await opentext.close()
            await shopify.close()


def _access(configuration: Configuration, secrets: Secrets) -> dict[str, Access]:
    return {
        shop.domain: Access(
            shop.admin.url or endpoint(shop.domain, shop.admin.version), secrets.value(shop.admin.token)
        )
        for shop in configuration.shops
        if shop.admin is not None
    }


def _wall() -> datetime:
    return datetime.now(UTC)
