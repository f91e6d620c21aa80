"""The command line: main turns arguments, environment and signals into values. Nothing else reads them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline import logs
from pipeline.app import ROLES, TOPOLOGY, EndedByItself, Outside, Pipeline
from pipeline.broker import Broker, BrokerError
from pipeline.clock import WallClock
from pipeline.commands.configurations import Configurations
from pipeline.commands.dead_letters import DeadLetters
from pipeline.commands.explaining import Explaining
from pipeline.commands.options import (
    DEFAULT_CONFIG,
    FAILED,
    UNAVAILABLE,
    WRONG,
    BootstrapOption,
    ConfigOption,
    fail,
)
from pipeline.commands.stopped import StoppedTasks
from pipeline.configurations import WatchedFile
from pipeline.demo import Demo, DemoFailed, DemoOptions, Lines, Terminal
from pipeline.kafka import KafkaBroker, Timing, security_of
from pipeline.notes import notes_on
from pipeline.settings import ConfigurationError, Secrets, load
from pipeline.simulators.opentext import OpenTextSettings
from pipeline.simulators.running import ShopifySettings, run_opentext, run_shopify
from pipeline.simulators.scenario import Tokens
from pipeline.simulators.shopify import AdminSettings
from pipeline.state import StateError
from pipeline.topics import TopicsMissing
from schemas import topics as catalogue
from schemas.configuration import Configuration
from stages.rules.table import NAMES

_HARD_STOP_SECONDS = 25.0
_ASKING = (signal.SIGTERM, signal.SIGINT)
_ENDLESS = 10_000


def application() -> typer.Typer:
    """Every command, in the order of the help."""
    app = typer.Typer(
        name="pipeline",
        help="Tells a company's people what its Shopify store needs from them, through OpenText Notifications.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    made = typer.Typer(help="The Kafka topics of an installation.", no_args_is_help=True)
    played = typer.Typer(help="Shopify and OpenText, played by this machine.", no_args_is_help=True)
    explaining = Explaining(lambda path: _configured(path)[0])
    for command in (demo, run, check, explaining.explain, explaining.route):
        app.command()(command)
    made.command("plan")(topics_plan)
    made.command("apply")(topics_apply)
    played.command("shopify")(simulate_shopify)
    played.command("opentext")(simulate_opentext)
    app.add_typer(made, name="topics")
    app.add_typer(Configurations(_opened).commands(), name="config")
    app.add_typer(DeadLetters(_opened).commands(), name="dead-letters")
    app.add_typer(StoppedTasks(_opened, {row.name: row.inputs for row in TOPOLOGY}).commands(), name="stopped")
    app.add_typer(played, name="simulate")
    return app


def main() -> None:
    """Errors that a person can mend are one clear line, not a traceback."""
    try:
        application()()
    except ConfigurationError as error:
        fail(f"the configuration cannot be used:\n{error}", WRONG)
    except (DemoFailed, StateError) as error:
        fail(str(error), FAILED)
    except TopicsMissing as error:
        fail(str(error), UNAVAILABLE)
    except EndedByItself as error:
        fail(f"a part ended by itself: {error}", FAILED)
    except BrokerError as error:
        fail(f"Kafka: {error}", UNAVAILABLE)
    except BrokenPipeError:
        raise SystemExit(FAILED) from None
    except OSError as error:
        fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", FAILED)


def run(
    roles: Annotated[list[str] | None, typer.Argument(help=f"all, or some of: {', '.join(ROLES)}")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    kafka: BootstrapOption = None,
    log_level: Annotated[logs.Level, typer.Option(help="The least that is logged.")] = logs.Level.INFO,
) -> None:
    """Run the pipeline, or some of its parts, until SIGTERM or Ctrl-C; a second one ends at once, which is safe."""
    chosen = ROLES if not roles or roles == ["all"] else tuple(roles)
    if unknown := sorted(set(chosen) - set(ROLES)):
        fail(f"no such part: {', '.join(unknown)}; there are: all, {', '.join(ROLES)}", WRONG)
    configuration, secrets = _configured(config)
    if set(chosen) == set(ROLES):
        secrets.require(configuration)
    log = logs.configure(sys.stdout, log_level)
    outside = Outside(_broker(configuration, secrets, kafka), WallClock(), log, secrets)
    log.info("starting", parts=list(chosen), shops=len(configuration.shops), teams=len(configuration.teams))
    _until_signalled(Pipeline(configuration, outside, chosen, WatchedFile(config, NAMES)).run)
    log.info("stopped")


def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check the configuration file, and that every secret that it names is there."""
    configuration, secrets = _configured(config)
    try:
        secrets.require(configuration)
    except ConfigurationError as error:
        fail(f"{config} has no mistake, but here are not all of the secrets that it names:\n{error}", WRONG)
    Console().print(
        f"[green]good[/]: {len(configuration.shops)} shop(s), {len(configuration.teams)} team(s), "
        f"{len(configuration.approvals)} approval polic{'y' if len(configuration.approvals) == 1 else 'ies'}"
    )
    for note in notes_on(configuration):
        Console().print(Text.assemble(("note", "yellow"), f": {note}"))


def topics_plan(config: ConfigOption = DEFAULT_CONFIG, kafka: BootstrapOption = None) -> None:
    """Show which topics exist, which are missing, and which have another partition count."""
    configuration, secrets = _configured(config)
    asyncio.run(_topics(_broker(configuration, secrets, kafka), configuration, apply=False))


def topics_apply(config: ConfigOption = DEFAULT_CONFIG, kafka: BootstrapOption = None) -> None:
    """Make the topics that are missing. Never changes or deletes one."""
    configuration, secrets = _configured(config)
    asyncio.run(_topics(_broker(configuration, secrets, kafka), configuration, apply=True))


def demo(
    kafka: Annotated[str, typer.Option(help="auto, memory, local (a JVM), docker, or HOST:PORT.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="One JSON line per notification, the summary last.")] = False,
    speed: Annotated[float | None, typer.Option(min=1, help="Virtual seconds in a real one; unset: at once.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed plays the same day.")] = None,
) -> None:
    """Play a day in a store, from signed webhooks to notifications, against simulated Shopify and OpenText."""
    options = DemoOptions(kafka, os.environ.get("KAFKA_BOOTSTRAP_SERVERS"), seed, speed)
    show = Lines(_say) if json else Terminal(_Paper())
    log = logs.configure(sys.stderr, "warning", logs.Form.TEXT, kafka_client="critical")
    _until_signalled(Demo(options, show, log).run)


def simulate_shopify(  # noqa: PLR0913 - one parameter per option
    secret: Annotated[str, typer.Option(envvar="SHOPIFY_CLIENT_SECRET", help="Signs the deliveries.")],
    deliver_to: Annotated[str | None, typer.Option(help="The receiver's address for webhooks; unset: none.")] = None,
    token: Annotated[str | None, typer.Option(envvar="SHOPIFY_ADMIN_TOKEN", help="Unset: any is taken.")] = None,
    shop: Annotated[str, typer.Option(help="The shop's domain.")] = "demo.myshopify.com",
    minutes: Annotated[float, typer.Option(min=0.1, help="How long the day takes.")] = 5.0,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes a free port.")] = 8090,
    job_token: Annotated[str | None, typer.Option(envvar="PIPELINE_JOB_TOKEN")] = None,
    signal_token: Annotated[str | None, typer.Option(envvar="PIPELINE_SIGNAL_TOKEN")] = None,
) -> None:
    """Play Shopify: send a day of signed webhooks, answer Admin GraphQL, deliver by hand (/simulator/deliveries)."""
    tokens = Tokens(job_token, signal_token) if job_token and signal_token else None
    settings = ShopifySettings(
        secret=secret,
        deliver_to=deliver_to,
        shop=shop,
        admin=AdminSettings(token=token),
        tokens=tokens,
        lasts=timedelta(minutes=minutes),
    )
    _until_signalled(lambda stop: run_shopify(host, port, settings, _say, stop))


def simulate_opentext(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes a free port.")] = 8091,
    user: Annotated[str | None, typer.Option(help="The account's name; unset: anybody is let in.")] = None,
    password: Annotated[str, typer.Option(envvar="OPENTEXT_PASSWORD", help="The account's password.")] = "",
    callback_url: Annotated[str | None, typer.Option(help="Gets each change of a job's status.")] = None,
) -> None:
    """Play OpenText Notifications: take what is sent, live its jobs, and show it on / and /simulator/messages."""
    users = None if user is None else {user: password}
    settings = OpenTextSettings(users=users, callback_url=callback_url)
    _until_signalled(lambda stop: run_opentext(host, port, settings, _say, stop))


async def _topics(broker: Broker, configuration: Configuration, *, apply: bool) -> None:
    await broker.start()
    try:
        specs = catalogue.catalogue(configuration.kafka.raw_retention_days)
        if apply:
            await broker.create_topics(specs)
        found = await broker.topics()
    finally:
        await broker.close()
    table = Table("topic", "partitions", "state", box=None)
    for spec in specs:
        count = found.get(spec.name)
        state = "missing" if count is None else "there" if count == broker.partitions else "another partition count"
        table.add_row(f"{configuration.kafka.prefix}.{spec.name}", str(count or broker.partitions), state)
    Console().print(table)
    wrong = [spec.name for spec in specs if found.get(spec.name, broker.partitions) != broker.partitions]
    if wrong:
        fail(f"{len(wrong)} topic(s) have another partition count than kafka.partitions: it cannot change", FAILED)


def _configured(path: Path) -> tuple[Configuration, Secrets]:
    if not path.exists():
        fail(f"there is no {path}; name a configuration by --config or PIPELINE_CONFIG", WRONG)
    return load(path, NAMES), Secrets(os.environ)


def _broker(configuration: Configuration, secrets: Secrets, bootstrap: str | None) -> Broker:
    kafka = configuration.kafka
    at = (bootstrap or kafka.bootstrap, kafka.prefix, kafka.partitions)
    timing = Timing(session=kafka.session.total_seconds())
    return KafkaBroker(*at, security_of(kafka, secrets.value), timing)


def _opened(config: Path, kafka: str | None) -> Broker:
    configuration, secrets = _configured(config)
    return _broker(configuration, secrets, kafka)


def _until_signalled(life: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """SIGTERM and SIGINT stop in order, within a deadline; a second one, or the deadline, ends the process at once.

    The order takes 21 s at most where nothing answers any more: 14 s for what is in hand and 4 s for the goodbye to the
    groups (`pipeline.worker`), beside which the receiver ends (5 s to answer, 2 s for what hangs, 2 s for its
    producer), then 2 s for the clients that are left. A busy machine has the rest. From the first signal on the second
    one needs no event loop: nothing that hangs in this process keeps it alive.
    """

    async def live() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def asked() -> None:
            for number in _ASKING:
                loop.remove_signal_handler(number)
                signal.signal(number, lambda *_: os._exit(FAILED))
            stop.set()
            begin_deadline()

        def begin_deadline() -> None:
            if not deadline.is_alive():
                deadline.start()

        async def ended() -> None:
            """What ends by itself has the same deadline."""
            await stop.wait()
            begin_deadline()

        deadline = threading.Timer(_HARD_STOP_SECONDS, os._exit, (FAILED,))
        deadline.daemon = True
        for number in _ASKING:
            loop.add_signal_handler(number, asked)
        ending = asyncio.create_task(ended())
        try:
            await life(stop)
        finally:
            ending.cancel()

    with suppress(KeyboardInterrupt):
        asyncio.run(live())


class _Paper(Console):
    """A file or another program gets each line whole, however long. Raises BrokenPipeError where nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        if not self.is_terminal:
            self.width = _ENDLESS

    def on_broken_pipe(self) -> None:
        _read_by_nobody()
        raise BrokenPipeError


def _say(line: str) -> None:
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _read_by_nobody()
        raise


def _read_by_nobody() -> None:
    """What is still in the buffer is written to nowhere, so that Python does not complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
