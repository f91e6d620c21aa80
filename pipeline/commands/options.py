"""What the commands share: their exit codes, the options that name an installation, and how a mistake is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from pipeline.broker import Broker
from pipeline.topics import require_topics

T = TypeVar("T")

#: Exit codes: 0 done, 1 it failed, 2 the arguments or the configuration are wrong, 3 the world is not there.
FAILED, WRONG, UNAVAILABLE = 1, 2, 3

ConfigOption = Annotated[
    Path,
    typer.Option("--config", envvar="PIPELINE_CONFIG", help="The configuration file.", show_default=True),
]
BootstrapOption = Annotated[
    str | None,
    typer.Option("--kafka", envvar="KAFKA_BOOTSTRAP_SERVERS", help="HOST:PORT, instead of the configuration's."),
]
DEFAULT_CONFIG = Path("pipeline.yaml")

#: The broker of an installation, not started yet, by what --config and --kafka say.
Opened = Callable[[Path, str | None], Broker]


def on_broker(broker: Broker, work: Callable[[Broker], Awaitable[T]]) -> T:
    """Does the work on a started broker, in a loop of its own, and closes it.

    Raises TopicsMissing: what is not asked, because it is not there or the configuration knows fewer partitions than
    there are, would be shown as nothing.
    """

    async def live() -> T:
        await broker.start()
        try:
            await require_topics(broker)
            return await work(broker)
        finally:
            await broker.close()

    return asyncio.run(live())


def fail(line: str, code: int) -> NoReturn:
    """`line` may quote what a file holds: it is never read as markup."""
    Console(stderr=True).print(Text.assemble(("pipeline:", "red"), f" {line}"), highlight=False, soft_wrap=True)
    raise SystemExit(code)


def plain(text: str) -> str:
    """What came from outside, without anything that a terminal would obey."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
