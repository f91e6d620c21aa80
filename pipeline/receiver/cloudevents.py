"""CloudEvents 1.0, Kafka binary mode: the headers that every record of the receiver's carries, and its trace."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple
from uuid import uuid4

from pipeline.clock import Clock
from schemas.codec import SCHEMA_VERSION

_SOURCE = "/receiver"
_TRACE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


class Told(NamedTuple):
    """`ce_*` of one record: what happened, to whom it is known by `id`, and when, as text."""

    id: str
    source: str
    type: str
    time: str


def attributes(told: Told, content_type: str, traceparent: str) -> tuple[tuple[str, bytes], ...]:
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", told.id.encode()),
        ("ce_source", told.source.encode()),
        ("ce_type", told.type.encode()),
        ("ce_time", told.time.encode()),
        ("content-type", content_type.encode()),
        ("traceparent", traceparent.encode()),
    )


def of_ours(kind: str, clock: Clock, traceparent: str) -> tuple[tuple[str, bytes], ...]:
    """For a record whose value is one of our own shapes."""
    told = Told(uuid4().hex, _SOURCE, kind, clock.now().isoformat())
    return (*attributes(told, "application/json", traceparent), ("schemaversion", str(SCHEMA_VERSION).encode()))


def trace_of(headers: Mapping[str, str]) -> str:
    """The sender's `traceparent` (W3C, version 00) where it has a valid one, else a new trace."""
    given = headers.get("traceparent", "").strip()
    return given if _TRACE.fullmatch(given) else new_trace()


def new_trace() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
