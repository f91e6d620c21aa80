"""The `config` topic as one process knows it: which configurations were accepted, and in which order they hold.

Whoever starts, and whoever finds the file changed, writes here; what holds is what stands last here, for everybody. Two
that write the same one at the same moment may write it twice: it then holds twice in a row, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from msgspec import Raw

from pipeline.broker import Broker
from pipeline.clock import Clock
from pipeline.document import Mistake
from pipeline.receiver.cloudevents import Told, attributes, new_trace
from pipeline.settings import ConfigurationError, hash_of, read_back, said_by
from schemas import topics
from schemas.codec import SCHEMA_VERSION, Undecodable, decode, encode
from schemas.configuration import Configuration
from schemas.editions import ConfigurationAccepted
from schemas.records import Outgoing, Record, TopicPartition

_CONFIG = TopicPartition(topics.CONFIG, 0)


class Version(NamedTuple):
    """A configuration and its hash, which is the one it was accepted by, whatever this build makes of it."""

    hash: str
    configuration: Configuration

    @classmethod
    def of(cls, configuration: Configuration) -> Version:
        return cls(hash_of(configuration), configuration)


class Entry(NamedTuple):
    """One edition. `accepted` is None where this build cannot read even the record; `unreadable` says why."""

    number: int
    hash: str
    accepted: datetime | None
    said: bytes
    unreadable: str | None = None


class EditionLog:
    """`rules` are the names of the rules that this build has."""

    def __init__(self, broker: Broker, clock: Clock, rules: Collection[str]) -> None:
        self._broker = broker
        self._clock = clock
        self._rules = rules
        self._entries: dict[str, Entry] = {}
        self._versions: dict[str, Version | ConfigurationError] = {}
        self._read_to: int | None = None

    @property
    def entries(self) -> Sequence[Entry]:
        """In order; what was given twice stands at its last place."""
        return tuple(self._entries.values())

    @property
    def newest(self) -> Entry | None:
        return next(reversed(self._entries.values()), None)

    def find(self, digest: str) -> Entry | None:
        return self._entries.get(digest)

    async def read_on(self) -> None:
        """To what is the end now. Raises BrokerError; what was read until then is known."""
        end = (await self._broker.stable_ends([_CONFIG]))[_CONFIG]
        if self._read_to is None:
            self._read_to = (await self._broker.beginnings([_CONFIG]))[_CONFIG]
        if self._read_to >= end:
            return
        async for records in self._broker.read(_CONFIG, self._read_to, end):
            for record in records:
                self._put(record)
        self._read_to = end

    def _put(self, record: Record) -> None:
        digest = (record.key or b"").decode(errors="replace")
        self._entries.pop(digest, None)
        if record.value is not None:
            self._entries[digest] = _entry(record, digest)

    def version(self, entry: Entry) -> Version:
        """Raises ConfigurationError where this build cannot use it: most often a newer build has accepted it."""
        if (known := self._versions.get(entry.hash)) is None:
            known = self._versions[entry.hash] = self._readable(entry)
        if isinstance(known, ConfigurationError):
            raise known
        return known

    def _readable(self, entry: Entry) -> Version | ConfigurationError:
        if entry.unreadable is not None:
            return ConfigurationError([Mistake("", entry.unreadable)])
        try:
            return Version(entry.hash, read_back(entry.said, self._rules))
        except ConfigurationError as error:
            return error

    async def put_last(self, version: Version) -> None:
        """Returns when it is the newest, or was so already. Raises BrokerError; then it may have become so or not."""
        appender = await self._broker.appender()
        try:
            await self.read_on()
            if self.newest is None or self.newest.hash != version.hash:
                await appender.append(self._outgoing(version))
                await self.read_on()
        finally:
            await appender.close()

    def _outgoing(self, version: Version) -> Outgoing:
        now = self._clock.wall()
        said = ConfigurationAccepted(version.hash, now, Raw(said_by(version.configuration)))
        told = Told(uuid4().hex, "/configuration", "configuration-accepted", now.isoformat())
        headers = (
            *attributes(told, "application/json", new_trace()),
            ("schemaversion", str(SCHEMA_VERSION).encode()),
        )
        return Outgoing(_CONFIG.topic, _CONFIG.partition, version.hash.encode(), encode(said), headers)


def _entry(record: Record, digest: str) -> Entry:
    try:
        accepted = decode(record, ConfigurationAccepted)
    except Undecodable as error:
        return Entry(record.offset, digest, None, b"", str(error))
    return Entry(record.offset, digest, accepted.accepted, bytes(accepted.configuration))
