"""The clients of the world outside, from configuration and secrets. Whoever must not notify or act builds none."""

from __future__ import annotations

from datetime import UTC, datetime

import aiohttp

from pipeline.metrics import Metrics
from pipeline.settings import Secrets
from schemas.configuration import Configuration
from stages import opentext
from stages.shopify import Access, Bounds, Shopify, endpoint


def shopify_client(configuration: Configuration, secrets: Secrets, session: aiohttp.ClientSession) -> Shopify:
    """Of all shops that have Admin access. Raises ConfigurationError where a token is not there."""
    access = {
        shop.domain: Access(
            shop.admin.url or endpoint(shop.domain, shop.admin.version), secrets.value(shop.admin.token)
        )
        for shop in configuration.shops
        if shop.admin is not None
    }
    return Shopify(session, access, _wall, Bounds(timeout=configuration.shopify.timeout))


def opentext_client(
    configuration: Configuration, secrets: Secrets, session: aiohttp.ClientSession, metrics: Metrics
) -> opentext.OpenText:
    """Of the one account. Raises ConfigurationError where its password is not there."""
    breaker = metrics.breaker_open.labels("opentext")
    breaker.set(0)

    def on_breaker(is_open: bool) -> None:
        breaker.set(1 if is_open else 0)

    return opentext.opentext_client(configuration.opentext, secrets.value, session, _wall, on_breaker)


def card_key(configuration: Configuration, secrets: Secrets) -> bytes | None:
    """What keys the hash that stands for a card. Raises ConfigurationError where it is named and not there."""
    secret = configuration.privacy.card_hash_key
    return None if secret is None else secrets.value(secret).encode()


def _wall() -> datetime:
    return datetime.now(UTC)
