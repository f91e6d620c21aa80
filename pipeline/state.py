"""A task's state: what its stage remembers, its timers, what is parked, and how far it has read.

In memory, written through to `state.<stage>` in the same transaction as outputs and offsets: what is in here is what
is on the log, or it is dropped with the task. A key is `routing / family / name`, so that a migration to another
partition count can route every entry; a value is msgpack behind a version and, where the family has a time to live,
its end. Nothing here awaits.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import msgspec

from schemas.codec import Undecodable
from stages.stage import Family

T = TypeVar("T")

VERSION = 1
_SEPARATOR = b"\x00"
_STALE = 1000


class StateError(Exception):
    """The changelog does not decode: this build cannot continue what another one remembered."""


class _Stored(msgspec.Struct, array_like=True, frozen=True, gc=False):
    version: int
    expires: int
    payload: msgspec.Raw


_STORED = msgspec.msgpack.Decoder(_Stored)


def key_of(routing: str, family: str, name: str | bytes = "") -> bytes:
    """Raises Undecodable for a routing key with a NUL in it: such a key could not be taken apart again."""
    if "\x00" in routing:
        raise Undecodable(f"a NUL in the routing key {routing[:80]!r}")
    suffix = name if isinstance(name, bytes) else name.encode()
    return _SEPARATOR.join((routing.encode(), family.encode(), suffix))


def split_key(key: bytes) -> tuple[str, str, bytes]:
    """Raises StateError for a key that no build of ours has written."""
    parts = key.split(_SEPARATOR, 2)
    if len(parts) != 3:
        raise StateError(f"a state key without three parts: {key[:80]!r}")
    try:
        return parts[0].decode(), parts[1].decode(), parts[2]
    except UnicodeDecodeError as error:
        raise StateError(f"a state key that is no text: {key[:80]!r}") from error


@dataclass
class Change:
    """What one work, or one transaction, has written: the newest value per key, None where it is deleted.

    What is under a routing key and a family is found among however many.
    """

    values: dict[bytes, bytes | None] = field(default_factory=dict)
    _alike: dict[bytes, set[bytes]] = field(default_factory=dict, repr=False, compare=False)

    def put(self, key: bytes, value: bytes | None) -> None:
        if key not in self.values:
            prefix = key[: key.find(_SEPARATOR, key.find(_SEPARATOR) + 1) + 1]
            self._alike.setdefault(prefix, set()).add(key)
        self.values[key] = value

    def absorb(self, other: Change) -> None:
        for key, value in other.values.items():
            self.put(key, value)

    def under(self, prefix: bytes) -> Iterable[bytes]:
        """The keys of a routing key and family."""
        return self._alike.get(prefix, ())


class Memory:
    """Everything committed, by key; scanned families by routing key too; what expires, in order of its end.

    What was written anew leaves its old end behind; once these are the most, they are thrown out.
    """

    def __init__(self, families: Iterable[Family[Any]]) -> None:
        self._families = {family.name: family for family in families}
        self._values: dict[bytes, bytes] = {}
        self._scanned: dict[bytes, list[bytes]] = {}
        self._expiring: list[tuple[int, bytes]] = []
        self._counts: Counter[str] = Counter()
        self._crowded: set[str] = set()

    @property
    def crowded(self) -> Collection[str]:
        """The families that have had their `most` entries, and have not come down to half of it since."""
        return self._crowded

    def count(self, family: str) -> int:
        return self._counts[family]

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: bytes) -> bool:
        return key in self._values

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    def names(self, prefix: bytes) -> Sequence[bytes]:
        """In their order, which costs little where they come in order, and leave at either end."""
        return self._scanned.get(prefix, ())

    def items(self, family: str) -> Iterator[tuple[bytes, bytes]]:
        """All entries of a family; slow (it looks at every key), for a start."""
        marker = _SEPARATOR + family.encode() + _SEPARATOR
        found = ((key, value) for key, value in list(self._values.items()) if marker in key)
        return ((key, value) for key, value in found if split_key(key)[1] == family)

    def by_routing(self) -> dict[str, list[bytes]]:
        """All keys by their routing key; slow, as `items`."""
        found: dict[str, list[bytes]] = {}
        for key in list(self._values):
            found.setdefault(split_key(key)[0], []).append(key)
        return found

    def apply(self, change: Change) -> None:
        for key, value in change.values.items():
            self.restore(key, value)

    def restore(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._forget(key)
            return
        routing, family_name, name = split_key(key)
        family = self._families.get(family_name)
        if family is None:
            raise StateError(f"state of an unknown family {family_name!r}; written by another version of this stage?")
        stored = _stored(key, value)
        before = self._values.get(key)
        if before is None:
            self._counts[family_name] += 1
            if family.most is not None and self._counts[family_name] >= family.most:
                self._crowded.add(family_name)
        self._values[key] = value
        if family.scanned and before is None:
            insort(self._scanned.setdefault(key_of(routing, family_name), []), name)
        if stored.expires and (before is None or _stored(key, before).expires != stored.expires):
            heapq.heappush(self._expiring, (stored.expires, key))
            if len(self._expiring) > 2 * len(self._values) + _STALE:
                self._expiring = [entry for entry in self._expiring if self._is_current(*entry)]
                heapq.heapify(self._expiring)

    def _is_current(self, expires: int, key: bytes) -> bool:
        value = self._values.get(key)
        return value is not None and _stored(key, value).expires == expires

    def _forget(self, key: bytes) -> None:
        if self._values.pop(key, None) is None:
            return
        routing, family_name, name = split_key(key)
        self._counts[family_name] -= 1
        most = self._families[family_name].most
        if most is not None and self._counts[family_name] <= most // 2:
            self._crowded.discard(family_name)
        prefix = key_of(routing, family_name)
        if (names := self._scanned.get(prefix)) is not None:
            del names[bisect_left(names, name)]
            if not names:
                del self._scanned[prefix]

    def expired(self, now: datetime, limit: int) -> list[bytes]:
        """Keys whose time to live is over, at most `limit`: the next transaction writes their tombstones."""
        moment = _milliseconds(now)
        ended: list[bytes] = []
        while self._expiring and self._expiring[0][0] <= moment and len(ended) < limit:
            expires, key = heapq.heappop(self._expiring)
            if self._is_current(expires, key):
                ended.append(key)
        return ended


class View:
    """The state as one work sees it: the transaction's changes over what is committed, its own over both."""

    def __init__(self, memory: Memory, transaction: Change, now: datetime) -> None:
        self._memory = memory
        self._transaction = transaction
        self._now = now
        self.change = Change()

    def get(self, family: Family[T], routing: str, name: str | bytes = "") -> T | None:
        key = key_of(routing, family.name, name)
        return self._decoded(family, key, self._raw(key))

    def put(self, family: Family[T], routing: str, value: T, name: str | bytes = "") -> None:
        expires = 0 if family.ttl is None else _milliseconds(self._now + family.ttl)
        self.change.put(key_of(routing, family.name, name), encoded(value, expires))

    def delete(self, family: Family[T], routing: str, name: str | bytes = "") -> None:
        key = key_of(routing, family.name, name)
        if self._raw(key) is not None:
            self.change.put(key, None)

    def names(self, family: Family[T], routing: str) -> set[bytes]:
        """What there is under a routing key, without a look at what it says; expired entries may be among them."""
        prefix = _prefix_of(family, routing)
        changed = self._changed(prefix)
        return {*self._memory.names(prefix), *changed} - {name for name, is_there in changed.items() if not is_there}

    def ends(self, family: Family[T], routing: str) -> tuple[bytes, bytes] | None:
        """The first and the last of those names, None where there is none; also of very many it is told at once."""
        prefix = _prefix_of(family, routing)
        changed, names = self._changed(prefix), self._memory.names(prefix)
        found = [name for name, is_there in changed.items() if is_there]
        found += _first_but(names, changed)
        found += _first_but(reversed(names), changed)
        return (min(found), max(found)) if found else None

    def _changed(self, prefix: bytes) -> dict[bytes, bool]:
        """Those names that the transaction has written, and whether they are still there."""
        return {
            key[len(prefix) :]: change.values[key] is not None
            for change in (self._transaction, self.change)
            for key in change.under(prefix)
        }

    def scan(self, family: Family[T], routing: str) -> Sequence[tuple[bytes, T]]:
        prefix, names = key_of(routing, family.name), self.names(family, routing)
        found = ((name, self._decoded(family, prefix + name, self._raw(prefix + name))) for name in sorted(names))
        return [(name, value) for name, value in found if value is not None]

    def _raw(self, key: bytes) -> bytes | None:
        for changes in (self.change.values, self._transaction.values):
            if key in changes:
                return changes[key]
        return self._memory.get(key)

    def _decoded(self, family: Family[T], key: bytes, raw: bytes | None) -> T | None:
        if raw is None:
            return None
        stored = _stored(key, raw)
        if stored.expires and stored.expires <= _milliseconds(self._now):
            return None
        return payload(family, key, stored.payload)


def _prefix_of(family: Family[T], routing: str) -> bytes:
    if not family.scanned:
        raise ValueError(f"family {family.name!r} is not declared as scanned")
    return key_of(routing, family.name)


def _first_but(names: Iterable[bytes], but: Collection[bytes]) -> Sequence[bytes]:
    return [*islice((name for name in names if name not in but), 1)]


def encoded(value: object, expires: int = 0) -> bytes:
    return msgspec.msgpack.encode((VERSION, expires, msgspec.Raw(msgspec.msgpack.encode(value))))


def decoded(family: Family[T], key: bytes, raw: bytes) -> T:
    """Raises StateError where the value is not of the family's type."""
    return payload(family, key, _stored(key, raw).payload)


def payload(family: Family[T], key: bytes, raw: msgspec.Raw) -> T:
    try:
        return msgspec.msgpack.decode(raw, type=family.type)
    except msgspec.DecodeError as error:
        raise StateError(f"state {key[:80]!r} of family {family.name!r} does not decode: {error}") from error


def _stored(key: bytes, raw: bytes) -> _Stored:
    try:
        stored = _STORED.decode(raw)
    except msgspec.DecodeError as error:
        raise StateError(f"state {key[:80]!r} does not decode: {error}") from error
    if stored.version != VERSION:
        raise StateError(f"state {key[:80]!r} has version {stored.version}, this build reads {VERSION}")
    return stored


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
