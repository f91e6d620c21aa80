"""An event: a fact in the domain, on `events.enriched` and, once it is known to be new, on `events.unique`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from schemas.facts.table import AnyFacts


class Source(StrEnum):
    WEBHOOK = "webhook"
    """A classic webhook."""
    EVENT = "event"
    """A next-generation Event (`Shopify-*` headers)."""
    RECONCILE = "reconcile"
    ANSWER = "answer"
    """The answer to a question, or facts that came late."""


class Event(Struct, frozen=True, omit_defaults=True):
    """`kind` is Shopify's topic (`orders/updated`) or `answer.<kind>`; `resource` the raw key (shop + identity).

    `occurred` is when Shopify triggered it (business time), `updated` the resource's own `updated_at`, `received`
    the wall time at which our receiver had it. `delivery_id` is the delivery's (`X-Shopify-Webhook-Id`) or the
    question's id; `event_id` correlates the deliveries of one merchant action. `incomplete` names the facts that
    were to be looked up and are not known yet. `echo` marks our own write coming back.
    """

    kind: str
    shop: str
    subject: str
    resource: str
    occurred: datetime
    received: datetime
    delivery_id: str
    source: Source
    facts: AnyFacts
    updated: datetime | None = None
    event_id: str | None = None
    incomplete: tuple[str, ...] = ()
    test: bool = False
    echo: bool = False
