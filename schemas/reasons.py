"""The closed vocabularies: why a record was dropped, rejected or is being retried. They are metric labels too."""

from __future__ import annotations

from enum import StrEnum


class DropReason(StrEnum):
    """An expected end without output."""

    DUPLICATE_DELIVERY = "duplicate-delivery"
    DUPLICATE_STATE = "duplicate-state"
    OUT_OF_DATE = "out-of-date"
    TEST = "test"
    NOT_WATCHED = "not-watched"
    NOTHING_OPEN = "nothing-open"
    ALREADY_KNOWN = "already-known"
    TOLD_WITH_ANOTHER = "told-with-another"
    UNREADABLE = "unreadable"


class RejectReason(StrEnum):
    """The record can never succeed: it becomes a dead letter."""

    UNDECODABLE = "undecodable"
    """A record of ours, or a body whose identity we do not find."""
    UNREADABLE = "unreadable"
    """A verified body that is no JSON object in UTF-8: its sender's fault."""
    DEFECT = "defect"
    SUBJECT_UNKNOWN = "subject-unknown"
    SHOP_UNKNOWN = "shop-unknown"
    RETENTION = "retention"
    TOO_LARGE = "too-large"


#: Rejections that are our own fault; too many of them stop a task (DESIGN section 3, dead letters).
OWN_FAULTS = frozenset({RejectReason.UNDECODABLE, RejectReason.DEFECT})


class RetryReason(StrEnum):
    """The world is unavailable: the record is parked and asked for again."""

    SHOPIFY_UNAVAILABLE = "shopify-unavailable"
    SHOPIFY_THROTTLED = "shopify-throttled"
    SHOPIFY_TOKEN_REFUSED = "shopify-token-refused"
    SHOPIFY_STALE = "shopify-stale"
    SUBJECT_UNKNOWN = "subject-unknown"
    SLOW = "slow"
    BEHIND = "behind"
