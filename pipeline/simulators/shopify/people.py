"""Customers, and the checkouts that they left, in the shapes of Admin GraphQL."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pipeline.simulators.shopify.graph import Link, MoneyBag, MoneyV2, Part, Thing


class CustomerStatistics(Part, frozen=True, kw_only=True):
    rfm_group: str | None = None


class Customer(Thing, frozen=True, kw_only=True):
    """`numberOfOrders` is text: an unsigned 64-bit number. `segments`: the ids of those that the customer is in."""

    unseen: ClassVar[frozenset[str]] = frozenset({"segments"})

    segments: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    number_of_orders: str = "1"
    amount_spent: MoneyV2
    statistics: CustomerStatistics = CustomerStatistics()


class SegmentMembership(Part, frozen=True, kw_only=True):
    segment_id: str
    is_member: bool


class SegmentMembershipResponse(Part, frozen=True, kw_only=True):
    memberships: tuple[SegmentMembership, ...]


class AbandonedCheckout(Thing, frozen=True, kw_only=True):
    name: str
    updated_at: datetime
    completed_at: datetime | None = None
    total_price_set: MoneyBag
    customer: Link | None = None


class Abandonment(Thing, frozen=True, kw_only=True):
    """Its id is found by its checkout's."""

    unseen: ClassVar[frozenset[str]] = frozenset({"checkout"})

    checkout: Link
    most_recent_step: str = "CHECKOUT"
    email_state: str = "NOT_SENT"
    customer_has_no_order_since_abandonment: bool = True
