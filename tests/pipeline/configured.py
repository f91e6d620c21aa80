"""Processes that each have a file of their own, and what works by it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog

from pipeline.broker import Broker
from pipeline.clock import VirtualClock
from pipeline.configurations import EditionLog, Following, Openings, Version, WatchedFile, Watching
from pipeline.document import Mistake
from pipeline.metrics import Metrics
from pipeline.settings import ConfigurationError, hash_of, parse
from schemas.configuration import Configuration
from stages.rules.table import NAMES

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LEAST = """\
shops: [{domain: example.myshopify.com, secrets: [{env: SHOP}]}]
teams: [{name: operations, people: [{name: desk, email: desk@example.com}]}]
opentext: {base_url: "https://opentext.example.com/mra/v1", basic: {user: demo, password: {env: OPENTEXT}}}
"""


def below(number: int, more: str = "") -> str:
    """A file that differs from others by the stock that it calls low."""
    return f"{LEAST}rules: {{inventory: {{below: {number}}}}}\n{more}"


def digest(text: str) -> str:
    return hash_of(parse(text))


class Desk:
    """Works by a configuration: it notes what it was given, and what was opened and closed for it."""

    def __init__(self, *secrets: str) -> None:
        self.secrets = set(secrets)
        self.taken: list[tuple[int, str]] = []
        self.below: list[int] = []
        self.open: list[str] = []
        self.opened_so_often = 0
        self.works_by: set[int] = set()

    @asynccontextmanager
    async def opened(self, version: Version) -> AsyncIterator[Configuration]:
        if missing := {shop.secrets[0].env or "" for shop in version.configuration.shops} - self.secrets:
            raise ConfigurationError([Mistake("", f"{missing.pop()} is not set")])
        self.open.append(version.hash)
        self.opened_so_often += 1
        yield version.configuration
        self.open.remove(version.hash)

    def take(self, number: int, version: Version, opened: Configuration) -> None:
        self.taken.append((number, version.hash))
        self.below.append(opened.rules.inventory.below)

    def in_use(self) -> Collection[int]:
        return self.works_by


@dataclass
class Process:
    """One process with its own file. `looks` twice: what a file says counts once it has stood still."""

    broker: Broker
    file: Path
    desk: Desk = field(default_factory=lambda: Desk("SHOP"))
    metrics: Metrics = field(default_factory=Metrics)
    stays: float = 60.0

    def __post_init__(self) -> None:
        log = EditionLog(self.broker, VirtualClock(NOW), NAMES)
        watching = Watching(log, self.metrics, structlog.get_logger(), WatchedFile(self.file, NAMES))
        self.following = Following(parse(self.file.read_text(), NAMES), watching, Openings([self.desk], self.stays))

    async def looks(self, times: int = 2) -> None:
        for _ in range(times):
            await self.following.look()

    async def changes(self, text: str) -> None:
        self.file.write_text(text)
        await self.looks()

    @property
    def hash(self) -> str:
        return self.following.in_force.hash

    def is_well(self) -> bool:
        return self.metrics.registry.get_sample_value("pipeline_config_reload_success") == 1

    def unusable(self) -> str | None:
        return self.following.unusable

    def shown(self) -> list[str]:
        """The hashes that the metrics show as being in force."""
        (family,) = [one for one in self.metrics.registry.collect() if one.name == "pipeline_config_info"]
        return [sample.labels["hash"] for sample in family.samples]


async def started(broker: Broker, file: Path, text: str, desk: Desk | None = None, stays: float = 60.0) -> Process:
    """It has looked at its file for the first time."""
    process = _made(broker, file, text, desk or Desk("SHOP"), stays)
    await process.following.begin()
    await process.looks()
    return process


def _made(broker: Broker, file: Path, text: str, desk: Desk, stays: float) -> Process:
    file.write_text(text)
    return Process(broker, file, desk, stays=stays)


async def accepted_on(broker: Broker) -> list[str]:
    """The hashes, in order."""
    log = EditionLog(broker, VirtualClock(NOW), NAMES)
    await log.read_on()
    return [entry.hash for entry in log.entries]
