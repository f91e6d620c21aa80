"""A task's state, built again: dicts, and nothing that the runtime's own state could have wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import msgspec

from schemas.codec import Undecodable
from schemas.records import Record
from stages.stage import Family

T = TypeVar("T")


class Stored(NamedTuple):
    """`expires` in milliseconds, 0 for never; `payload` is msgpack."""

    expires: int
    payload: bytes


class Key(NamedTuple):
    routing: str
    family: str
    name: bytes

    def __str__(self) -> str:
        return f"{self.routing}/{self.family}/{self.name.decode(errors='backslashreplace')}"


class Remembered:
    """A stage's view of its state. What one work writes counts once it is kept, and is gone where it is dropped."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], dict[bytes, Stored]] = {}
        self._written: dict[Key, Stored | None] = {}
        self._now = 0

    def work_at(self, now: datetime) -> None:
        self._now = milliseconds(now)
        self._written.clear()

    def keep(self) -> None:
        for key, stored in self._written.items():
            of_family = self._values.setdefault((key.routing, key.family), {})
            if stored is None:
                of_family.pop(key.name, None)
            else:
                of_family[key.name] = stored
        self._written.clear()

    def drop(self) -> None:
        self._written.clear()

    def forget(self, routing: str) -> None:
        """Everything under a routing key."""
        for where in [where for where in self._values if where[0] == routing]:
            del self._values[where]

    def items(self) -> Iterator[tuple[Key, Stored]]:
        for (routing, family), of_family in self._values.items():
            for name, stored in of_family.items():
                yield Key(routing, family, name), stored

    # --- what a stage asks -----------------------------------------------------------------------------------------

    def get(self, family: Family[T], routing: str, name: str | bytes = "") -> T | None:
        return self._decoded(family, self._stored(key_of(routing, family, name)))

    def put(self, family: Family[T], routing: str, value: T, name: str | bytes = "") -> None:
        lasts = 0 if family.ttl is None else self._now + int(family.ttl.total_seconds() * 1000)
        self._written[key_of(routing, family, name)] = Stored(lasts, msgspec.msgpack.encode(value))

    def delete(self, family: Family[T], routing: str, name: str | bytes = "") -> None:
        self._written[key_of(routing, family, name)] = None

    def scan(self, family: Family[T], routing: str) -> Sequence[tuple[bytes, T]]:
        names = set(self._values.get((routing, family.name), ()))
        names.update(key.name for key in self._written if (key.routing, key.family) == (routing, family.name))
        found = ((name, self.get(family, routing, name)) for name in sorted(names))
        return [(name, value) for name, value in found if value is not None]

    def _stored(self, key: Key) -> Stored | None:
        if key in self._written:
            return self._written[key]
        return self._values.get((key.routing, key.family), {}).get(key.name)

    def _decoded(self, family: Family[T], stored: Stored | None) -> T | None:
        if stored is None or 0 < stored.expires <= self._now:
            return None
        return msgspec.msgpack.decode(stored.payload, type=family.type)


def key_of(routing: str, family: Family[Any], name: str | bytes) -> Key:
    """Raises Undecodable where the routing key could not be told from what follows it."""
    if "\x00" in routing:
        raise Undecodable(f"a NUL in the routing key {routing[:80]!r}")
    return Key(routing, family.name, name if isinstance(name, bytes) else name.encode())


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def changelog_entry(record: Record) -> tuple[Key, Stored | None]:
    """A record of `state.<stage>`: `routing NUL family NUL name`, and msgpack of (version, expires, payload)."""
    routing, family, name = (record.key or b"").split(b"\x00", 2)
    key = Key(routing.decode(), family.decode(), name)
    if record.value is None:
        return key, None
    _, expires, payload = msgspec.msgpack.decode(record.value, type=tuple[int, int, msgspec.Raw])
    return key, Stored(expires, bytes(payload))
