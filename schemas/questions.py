"""What `classify` must know at timer time and cannot look up itself: asked on `questions`, answered by `enrich`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class QuestionKind(StrEnum):
    PAYMENT = "payment"
    """The order's payment state and what is outstanding."""
    TERMS = "terms"
    """The order as it is now, with its payment terms and what is left of each schedule."""
    CHECKOUT = "checkout"
    """Is the checkout completed, and does an order carry its token?"""
    ADDRESS = "address"
    """The address validation, asked once more."""
    ORDER = "order"
    """The order as it is now, with risk, holds and the customer's value."""
    DRAFT = "draft"
    """The draft order as it is now: deleted, changed, sent as an invoice or completed; and its company."""
    ROUTING = "routing"
    """How the order is to be shipped: what remains of it, where, and why."""
    PARCELS = "parcels"
    """What has become of the order's parcels, and what their carriers have told."""
    RETURN = "return"
    REFUND = "refund"
    """What has become of its transactions."""
    DISPUTE = "dispute"
    INVENTORY = "inventory"
    SHOP = "shop"
    """The shop's primary domain, and whether it is served over TLS."""
    SYNC = "sync"
    """What Shopify has that a topic has not told. `resource`: since when, as ISO 8601; the subject names the topic."""
    SUBSCRIPTIONS = "subscriptions"
    """The webhook subscriptions that were made for the shop."""


class Question(Struct, frozen=True):
    """`id` is unique and deterministic (subject, kind, timer's due time); `resource` is the Shopify id to ask about."""

    id: str
    kind: QuestionKind
    shop: str
    subject: str
    resource: str
    asked: datetime
