"""A record as the client gives it, as ours."""

from __future__ import annotations

from typing import Any

from pipeline.kafka.installation import Installation
from schemas.records import Record


def record_of(at: Installation, found: Any) -> Record:
    """`found` is aiokafka's ConsumerRecord. A header without a value reads as an empty one."""
    headers = tuple((name, value or b"") for name, value in found.headers)
    topic = at.topic_here(found.topic)
    return Record(topic, found.partition, found.offset, found.timestamp, found.key, found.value, headers)
