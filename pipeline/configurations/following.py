"""Which configuration a process works by: the newest accepted one, whatever the file says that it was started with.

A changed file is checked in full and, where it is good, written to `config`; it is then taken from there, as every
other process takes it. What cannot be taken is refused: the one before stays, and the log and a metric say so. A
process that starts with an older file than the newest accepted one does not go back: somebody has to want that, who
changes the file of a running process, or says `pipeline config apply`. Not promised: which of two files holds that are
changed in two places at the same time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import NamedTuple

from structlog.typing import FilteringBoundLogger

from pipeline.broker import BrokerError
from pipeline.configurations.log import EditionLog, Entry, Version
from pipeline.configurations.openings import Openings
from pipeline.configurations.watched import WatchedFile
from pipeline.consistency import needing_a_restart
from pipeline.metrics import Metrics
from pipeline.settings import ConfigurationError
from schemas.configuration import Configuration

_EVERY_SECONDS = 1.0


class InForce(NamedTuple):
    """`number` is the edition's, by which tasks order what they work by."""

    number: int
    version: Version


@dataclass(frozen=True, slots=True)
class Watching:
    """Where a process hears of configurations, and where it tells what became of them."""

    log: EditionLog
    metrics: Metrics
    say: FilteringBoundLogger
    file: WatchedFile | None = None


class Following:
    """`given` is the configuration that the process was started with."""

    def __init__(self, given: Configuration, watching: Watching, openings: Openings) -> None:
        self._given = given
        self._log = watching.log
        self._metrics = watching.metrics
        self._say = watching.say
        self._file = watching.file
        self._openings = openings
        self._filed = Version.of(given)
        self._wanted: Version | None = None
        self._in_force: InForce | None = None
        self._is_old = False
        self._refused: str | None = None
        self._does_broker_answer = True
        self.unusable: str | None = None
        """Why this process does not work by the newest one that was accepted; None where it does."""

    @property
    def in_force(self) -> Version:
        """What this process works by, from `begin` on."""
        if self._in_force is None:
            raise RuntimeError("nothing is in force before it has begun")
        return self._in_force.version

    async def begin(self) -> None:
        """Every part works by the newest that this process can work by. Raises ConfigurationError, BrokerError."""
        await self._openings.try_out(self._filed)
        await self._log.read_on()
        if self._log.find(self._filed.hash) is None:
            await self._log.put_last(self._filed)
        await self._take_newest()
        if self.in_force.hash != self._filed.hash:
            self._is_old = True
            self._say.warning(
                "the file says an older configuration than the newest accepted one, which is in force: "
                "`pipeline config apply` goes back to it",
                file=self._filed.hash,
                in_force=self.in_force.hash,
            )
        self._tell()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            await self.look()

    async def look(self) -> None:
        """At the file and at `config`, once. A broker that does not answer is asked again the next time."""
        try:
            await self._log.read_on()
            await self._heed_file()
            await self._take_newest()
        except BrokerError as error:
            if self._does_broker_answer:
                self._say.warning("configurations cannot be read or written now", error=str(error))
            self._does_broker_answer = False
        else:
            self._does_broker_answer = True
        await self._openings.close_older()
        self._tell()

    async def close(self) -> None:
        """When nobody works any more."""
        await self._openings.close()

    # --- the file ------------------------------------------------------------------------------------------------

    async def _heed_file(self) -> None:
        if self._file is not None and await self._file.look():
            self._wanted = None
            try:
                self._wanted = self._changed(await self._file.says())
            except ConfigurationError as error:
                self._refuse(error)
                return
            if self._wanted is None:
                self._refused = None
        if self._wanted is not None:
            await self._accept(self._wanted)

    def _changed(self, says: Configuration) -> Version | None:
        """None where the file says what it said before. Raises ConfigurationError for what must not change now."""
        if mistakes := needing_a_restart(self._given, says):
            raise ConfigurationError(mistakes)
        version = Version.of(says)
        return None if version.hash == self._filed.hash else version

    async def _accept(self, wanted: Version) -> None:
        """Secrets that are not there may come: what was refused for that is tried again."""
        try:
            await self._openings.try_out(wanted)
        except ConfigurationError as error:
            self._refuse(error)
            return
        await self._log.put_last(wanted)
        self._say.info("the changed file is accepted", hash=wanted.hash)
        self._filed, self._wanted, self._refused = wanted, None, None

    def _refuse(self, error: ConfigurationError) -> None:
        if self._refused != str(error):
            self._refused = str(error)
            self._say.error("the changed file is refused: the configuration before it stays", mistakes=_lines(error))

    # --- what was accepted ---------------------------------------------------------------------------------------

    async def _take_newest(self) -> None:
        """The newest that this process can work by, of those behind the one in force."""
        unusable: ConfigurationError | None = None
        for entry in reversed(self._log.entries):
            if self._in_force is not None and entry.number <= self._in_force.number:
                break
            try:
                await self._take(entry)
                break
            except ConfigurationError as error:
                unusable = unusable or error
        if unusable is not None and self._in_force is None:
            raise unusable
        self._is_unusable(unusable)

    async def _take(self, entry: Entry) -> None:
        version = self._log.version(entry)
        if self._in_force is not None and self._in_force.version.hash == version.hash:
            self._openings.renumber(entry.number, version)
        else:
            await self._openings.open(entry.number, version)
            self._say.info("configuration in force", hash=version.hash, edition=entry.number)
        self._in_force = InForce(entry.number, version)

    def _is_unusable(self, error: ConfigurationError | None) -> None:
        before, self.unusable = self.unusable, None if error is None else "; ".join(_lines(error))
        if error is not None and before != self.unusable:
            self._say.error(
                "the newest accepted configuration cannot be used by this process: the one before stays",
                in_force=self.in_force.hash,
                mistakes=_lines(error),
            )

    def _tell(self) -> None:
        self._is_old = self._is_old and self.in_force.hash != self._filed.hash
        self._metrics.configured(self.in_force.hash)
        if self._is_old or self._refused is not None or self.unusable is not None:
            self._metrics.refused_configuration()


def _lines(error: ConfigurationError) -> list[str]:
    return [str(mistake) for mistake in error.mistakes]
