"""One delivery of a webhook, with the headers and the signature that Shopify gives it.

The signature is made here on its own, not by the receiver's code that checks it: one mistake must not hide in both.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

VERSION: Final = "2026-10"
_AGENT: Final = "Shopify-Captain-Hook"


class Signed(Protocol):
    @property
    def body(self) -> bytes: ...

    def headers(self, secret: str) -> dict[str, str]:
        """Of the request, signature included."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A classic webhook. `webhook_id`: the delivery's, kept when repeated; `event_id`: the merchant's action's."""

    topic: str
    body: bytes
    shop: str
    webhook_id: str
    triggered_at: datetime
    event_id: str | None = None
    api_version: str = VERSION
    test: bool = False
    name: str | None = None

    def headers(self, secret: str) -> dict[str, str]:
        told = {
            "X-Shopify-Topic": self.topic,
            "X-Shopify-Hmac-SHA256": signature(self.body, secret),
            "X-Shopify-Shop-Domain": self.shop,
            "X-Shopify-API-Version": self.api_version,
            "X-Shopify-Webhook-Id": self.webhook_id,
            "X-Shopify-Triggered-At": nanoseconds(self.triggered_at),
            "Content-Type": "application/json",
            "User-Agent": _AGENT,
        }
        if self.event_id is not None:
            told["X-Shopify-Event-Id"] = self.event_id
        if self.name is not None:
            told["X-Shopify-Name"] = self.name
        if self.test:
            told["X-Shopify-Test"] = "true"
        return told


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """A next-generation Event: `topic` like `Order`, `action` create, update or delete, `resource` a gid."""

    topic: str
    action: str
    resource: str
    body: bytes
    shop: str
    webhook_id: str
    event_id: str
    triggered_at: datetime
    handle: str = "orders"
    api_version: str = VERSION

    def headers(self, secret: str) -> dict[str, str]:
        return {
            "Shopify-Topic": self.topic,
            "Shopify-Action": self.action,
            "Shopify-Resource-Id": self.resource,
            "Shopify-Handle": self.handle,
            "Shopify-Hmac-SHA256": signature(self.body, secret),
            "Shopify-Shop-Domain": self.shop,
            "Shopify-API-Version": self.api_version,
            "Shopify-Webhook-Id": self.webhook_id,
            "Shopify-Event-Id": self.event_id,
            "Shopify-Triggered-At": nanoseconds(self.triggered_at),
            "Content-Type": "application/json",
            "User-Agent": _AGENT,
        }


def signature(body: bytes, secret: str) -> str:
    return b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def nanoseconds(at: datetime) -> str:
    """As Shopify writes a moment: UTC, nine digits of a second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond * 1000:09d}Z"
