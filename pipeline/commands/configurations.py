"""`pipeline config`: the configurations that were accepted, in order, and putting one in force whatever came later."""

from __future__ import annotations

import sys
from datetime import UTC
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from pipeline.broker import Broker
from pipeline.clock import WallClock
from pipeline.commands.options import DEFAULT_CONFIG, BootstrapOption, ConfigOption, Opened, on_broker
from pipeline.configurations import EditionLog, Entry, Version
from pipeline.settings import ConfigurationError, load
from stages.rules.table import NAMES


class Shown(msgspec.Struct, frozen=True):
    """One edition. `accepted` is None, and `unusable` says why, where this build cannot read it."""

    edition: int
    hash: str
    accepted: str | None
    in_force: bool
    unusable: str | None


class Configurations:
    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def commands(self) -> typer.Typer:
        made = typer.Typer(help="Which configuration is in force, and which were before it.", no_args_is_help=True)
        made.command("list")(self.list_all)
        made.command("apply")(self.apply)
        return made

    def list_all(
        self,
        json: Annotated[bool, typer.Option("--json", help="One JSON line per configuration.")] = False,
        config: ConfigOption = DEFAULT_CONFIG,
        kafka: BootstrapOption = None,
    ) -> None:
        """List the configurations that were accepted, in order: the last one is in force."""
        found = [_shown(log, entry) for log in [on_broker(self._opened(config, kafka), _read)] for entry in log.entries]
        if json:
            for one in found:
                sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
        else:
            Console().print(_table(found) if found else "no configuration was accepted yet: a process does it")

    def apply(self, config: ConfigOption = DEFAULT_CONFIG, kafka: BootstrapOption = None) -> None:
        """Put this file in force in all processes, whatever was accepted after it. They look up its secrets."""
        version = Version.of(load(config, NAMES))

        async def put_last(broker: Broker) -> bool:
            log = await _read(broker)
            if log.newest is not None and log.newest.hash == version.hash:
                return False
            await log.put_last(version)
            return True

        is_news = on_broker(self._opened(config, kafka), put_last)
        Console().print(f"{version.hash} is in force" + ("" if is_news else ", as it was before"), highlight=False)


async def _read(broker: Broker) -> EditionLog:
    log = EditionLog(broker, WallClock(), NAMES)
    await log.read_on()
    return log


def _shown(log: EditionLog, entry: Entry) -> Shown:
    try:
        log.version(entry)
    except ConfigurationError as error:
        unusable: str | None = "; ".join(str(mistake) for mistake in error.mistakes)
    else:
        unusable = None
    accepted = None if entry.accepted is None else entry.accepted.astimezone(UTC).isoformat(timespec="seconds")
    return Shown(entry.number, entry.hash, accepted, entry == log.newest, unusable)


def _table(found: list[Shown]) -> Table:
    table = Table("edition", "hash", "accepted", "", box=None)
    for one in found:
        states = (one.in_force, "in force"), (one.unusable is not None, "of another build")
        state = ", ".join(says for holds, says in states if holds)
        table.add_row(str(one.edition), one.hash, one.accepted or "", state)
    return table
