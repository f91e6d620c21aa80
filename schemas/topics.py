"""The topics, by logical name. All topics of a prefix have one partition count (DESIGN section 2)."""

from __future__ import annotations

from msgspec import Struct

RAW_DOMAINS = ("orders", "fulfillments", "inventory", "checkouts", "payments", "returns", "operations", "privacy")
RAW = tuple(f"shopify.{domain}" for domain in RAW_DOMAINS)

ENRICHED = "events.enriched"
UNIQUE = "events.unique"
QUESTIONS = "questions"
SIGNALS = "signals"
DECISIONS = "decisions"
ACKNOWLEDGEMENTS = "acknowledgements"
ALERTS = "alerts"
ACTIONS = "actions"
OUTCOMES = "outcomes"
NOTIFICATIONS = "notifications"
RECEIPTS = "receipts"
SENDING_STATUS = "sending.status"
CONFIG = "config"

DERIVED = (
    ENRICHED,
    UNIQUE,
    QUESTIONS,
    SIGNALS,
    DECISIONS,
    ACKNOWLEDGEMENTS,
    ALERTS,
    ACTIONS,
    NOTIFICATIONS,
    RECEIPTS,
    SENDING_STATUS,
)

STAGES = ("enrich", "deduplicate", "classify", "group", "dispatch")
JOURNALED = ("classify", "group")

MIB = 1024 * 1024
RAW_MAX_BYTES = 11 * MIB
DEAD_MAX_BYTES = 12 * MIB
DERIVED_MAX_BYTES = 2 * MIB

DAY_MS = 24 * 60 * 60 * 1000


def state_of(stage: str) -> str:
    return f"state.{stage}"


def dead_of(stage: str) -> str:
    return f"dead.{stage}"


def journal_of(stage: str) -> str:
    return f"journal.{stage}"


class TopicSpec(Struct, frozen=True):
    """One topic to be made: `retention_ms` None is the broker's default; compacted topics keep the newest per key."""

    name: str
    max_bytes: int
    retention_ms: int | None = None
    compacted: bool = False
    min_compaction_lag_ms: int | None = None


def catalogue(raw_retention_days: int = 7) -> tuple[TopicSpec, ...]:
    """Every topic of an installation. Raw bodies and dead letters live `raw_retention_days` (DESIGN section 8)."""
    raw_ms = raw_retention_days * DAY_MS
    return (
        *(TopicSpec(name, RAW_MAX_BYTES, raw_ms) for name in RAW),
        *(TopicSpec(name, DERIVED_MAX_BYTES, raw_ms) for name in DERIVED),
        *(TopicSpec(name, DERIVED_MAX_BYTES, compacted=True) for name in (OUTCOMES, CONFIG)),
        *(TopicSpec(dead_of(stage), DEAD_MAX_BYTES, raw_ms) for stage in STAGES),
        *(
            TopicSpec(
                state_of(stage),
                DERIVED_MAX_BYTES,
                compacted=True,
                min_compaction_lag_ms=raw_ms if stage in JOURNALED else None,
            )
            for stage in STAGES
        ),
        *(TopicSpec(journal_of(stage), DERIVED_MAX_BYTES, raw_ms) for stage in JOURNALED),
    )
