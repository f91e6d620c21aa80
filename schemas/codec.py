"""Between structs and bytes. Derived topics carry JSON, for a person to read; raw topics are Shopify's bytes."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from schemas.records import Record

T = TypeVar("T")

#: The version of the shapes in this package; it stands in every derived record and in every piece of state.
SCHEMA_VERSION = 1

_ENCODER = msgspec.json.Encoder()


class Undecodable(ValueError):
    """The bytes are not what the topic promises. `str()` names the path inside the value."""


def encode(value: msgspec.Struct) -> bytes:
    return _ENCODER.encode(value)


def decode(record: Record, into: type[T]) -> T:
    """Raises Undecodable for a tombstone, for bytes of another shape, and for a schema version we do not know."""
    version = record.header("schemaversion")
    if version is not None and version != str(SCHEMA_VERSION):
        raise Undecodable(f"schema version {version}, this build reads {SCHEMA_VERSION}")
    if record.value is None:
        raise Undecodable("a tombstone where a value was expected")
    try:
        return msgspec.json.decode(record.value, type=into)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(str(error)) from error
