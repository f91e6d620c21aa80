"""`pipeline dead-letters`: what was rejected and why, and giving it back once the reason is gone."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from pipeline import dead_letters
from pipeline.broker import Broker, InDoubt
from pipeline.commands.options import (
    DEFAULT_CONFIG,
    FAILED,
    WRONG,
    BootstrapOption,
    ConfigOption,
    Opened,
    fail,
    on_broker,
    plain,
)
from pipeline.dead_letters import Choice, Letter, TakenOver
from schemas import topics
from schemas.reasons import RejectReason
from schemas.records import Position

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PLACE = re.compile(r"([a-z]+)/(\d+)/(\d+)")
_WHAT = "A stage, or letters as STAGE/PARTITION/OFFSET, as `list` shows them."

ReasonOption = Annotated[
    str | None, typer.Option("--reason", help=f"One of: {', '.join(RejectReason)}.", show_default=False)
]
SinceOption = Annotated[
    str | None, typer.Option("--since", help="30m, 2h, 3d ago, or a moment as 2026-11-02T09:00Z.", show_default=False)
]


class DeadLetters:
    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def commands(self) -> typer.Typer:
        made = typer.Typer(help="What was rejected, and its way back.", no_args_is_help=True)
        made.command("list")(self.list_all)
        made.command("show")(self.show)
        made.command("redrive")(self.redrive)
        return made

    def list_all(
        self,
        stage: Annotated[str | None, typer.Argument(help=f"One of: {', '.join(topics.STAGES)}.")] = None,
        reason: ReasonOption = None,
        since: SinceOption = None,
        json: Annotated[bool, typer.Option("--json", help="One JSON line per letter.")] = False,
        config: ConfigOption = DEFAULT_CONFIG,
        kafka: BootstrapOption = None,
    ) -> None:
        """List the letters that nobody has given back yet, newest last."""
        choice = _choice([] if stage is None else [stage], reason, since)
        found = self._letters(choice, config, kafka)
        if json:
            for letter in found:
                sys.stdout.write(msgspec.json.encode(_told(letter)).decode() + "\n")
        else:
            Console().print(_table(found) if found else "no dead letters")

    def show(
        self,
        position: Annotated[str, typer.Argument(help="STAGE/PARTITION/OFFSET, as `list` shows it.")],
        body: Annotated[
            bool, typer.Option("--body", help="Write the original bytes to stdout. They may hold personal data.")
        ] = False,
        config: ConfigOption = DEFAULT_CONFIG,
        kafka: BootstrapOption = None,
    ) -> None:
        """Show a letter: why and where it was rejected, its headers and, only if asked for, its bytes."""
        place = _position(position)
        if place is None:
            fail(f"{position} is no letter's place; that is STAGE/PARTITION/OFFSET", WRONG)
        found = on_broker(self._opened(config, kafka), lambda broker: dead_letters.show(broker, place))
        if found is None:
            fail(f"there is no letter at {position}", FAILED)
        letter, record, is_back = found
        paper = Console(stderr=body)
        told = {name: str(value) for name, value in _told(letter).items()}
        headers = {name: value.decode(errors="replace") for name, value in dead_letters.original_headers(record)}
        for name, value in (told | {"given back": "yes" if is_back else "no"} | headers).items():
            paper.print(f"{plain(name)}: {plain(value)}", markup=False, highlight=False, soft_wrap=True)
        if body:
            paper.print("its bytes follow: they may hold personal data", markup=False)
            _write(record.value or b"")

    def redrive(  # noqa: PLR0913 - one parameter per option
        self,
        what: Annotated[list[str] | None, typer.Argument(help=_WHAT)] = None,
        reason: ReasonOption = None,
        since: SinceOption = None,
        everything: Annotated[bool, typer.Option("--all", help="All letters of all stages.")] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        config: ConfigOption = DEFAULT_CONFIG,
        kafka: BootstrapOption = None,
    ) -> None:
        """Give letters back to the partitions that they came from, each exactly once. Mend the reason first."""
        if not (what or reason or since or everything):
            fail("say which letters: a stage, places, --reason, --since, or --all", WRONG)
        found = self._letters(_choice(what or [], reason, since), config, kafka)
        chosen = [letter for letter in found if letter.has_bytes]
        if gone := len(found) - len(chosen):
            _say(f"{gone} letter(s) cannot be given back: retention took their bytes before they were letters")
        if not chosen:
            _say("nothing to give back")
            return
        Console(stderr=True).print(_summary(chosen))
        if not (yes or _is_agreed(len(chosen))):
            fail("nothing was given back", FAILED)
        self._give_back(chosen, config, kafka)

    def _give_back(self, chosen: Sequence[Letter], config: Path, kafka: str | None) -> None:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("giving back", total=len(chosen))
            tell = partial(progress.advance, bar)

            async def work(broker: Broker) -> int:
                return await dead_letters.redrive(broker, chosen, datetime.now(UTC), tell)

            try:
                given = on_broker(self._opened(config, kafka), work)
            except TakenOver as error:
                fail(str(error), FAILED)
            except InDoubt as error:
                fail(f"{error}; give the same command again: what is missing is given back, nothing twice", FAILED)
        _say(f"{given} given back" + (f", {len(chosen) - given} were already" if given < len(chosen) else ""))

    def _letters(self, choice: Choice, config: Path, kafka: str | None) -> list[Letter]:
        with Console(stderr=True).status("reading the dead letters"):
            return on_broker(self._opened(config, kafka), lambda broker: dead_letters.letters(broker, choice))


def _choice(what: Sequence[str], reason: str | None, since: str | None) -> Choice:
    if reason is not None and reason not in tuple(RejectReason):
        fail(f"no such reason: {reason}; there are: {', '.join(RejectReason)}", WRONG)
    stages = tuple(word for word in what if word in topics.STAGES)
    positions = {word: _position(word) for word in what if word not in topics.STAGES}
    if unknown := [word for word, position in positions.items() if position is None]:
        fail(f"neither a stage nor a letter's place: {', '.join(unknown)}; stages: {', '.join(topics.STAGES)}", WRONG)
    if stages and positions:
        fail("either stages or places of letters, not both", WRONG)
    return Choice(
        stages=stages or topics.STAGES,
        reason=reason,
        since=None if since is None else _moment(since),
        positions=frozenset(position for position in positions.values() if position is not None),
    )


def _moment(said: str) -> datetime:
    try:
        if (ago := _AGO.fullmatch(said)) is not None:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(said)
    except (ValueError, OverflowError):
        fail(f"--since {said}: neither a while, as 30m, 2h, 3d, nor a moment, as 2026-11-02T09:00Z", WRONG)
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _position(said: str) -> Position | None:
    parts = _PLACE.fullmatch(said)
    if parts is None or parts[1] not in topics.STAGES:
        return None
    return Position(topics.dead_of(parts[1]), int(parts[2]), int(parts[3]))


def _told(letter: Letter) -> dict[str, str | int]:
    place, origin = letter.position, letter.origin
    return {
        "place": f"{letter.stage}/{place.partition}/{place.offset}",
        "at": letter.at.astimezone(UTC).isoformat(timespec="seconds"),
        "stage": letter.stage,
        "reason": letter.reason,
        "type": letter.kind,
        "key": letter.key,
        "origin": f"{origin.topic}/{origin.partition}/{origin.offset}",
        "error": letter.error,
        "bytes": letter.size,
    }


def _table(found: Sequence[Letter]) -> Table:
    """The place is what the other commands want: whatever a screen is too narrow for, it stands whole."""
    place = Column("place", no_wrap=True)
    others = (Column(name, overflow="fold") for name in ("at", "reason", "type", "key", "origin", "error"))
    table = Table(place, *others, box=None)
    for told in map(_told, found):
        cells = (plain(str(told[str(column.header)])) for column in table.columns)
        table.add_row(*(cell.replace("[", r"\[") for cell in cells))
    return table


def _summary(chosen: Sequence[Letter]) -> Table:
    table = Table("letters", "stage", "reason", "back to", box=None)
    counted = Counter((letter.stage, letter.reason, letter.origin.topic) for letter in chosen)
    for (stage, reason, topic), count in sorted(counted.items()):
        table.add_row(str(count), stage, reason, topic)
    return table


def _is_agreed(count: int) -> bool:
    if not sys.stdin.isatty():
        fail("nobody is there to ask; --yes gives back without asking", WRONG)
    return typer.confirm(f"Give {count} letter(s) back?", err=True)


def _write(body: bytes) -> None:
    """Byte for byte into a file or another program; a terminal gets nothing that it would obey."""
    if sys.stdout.isatty():
        sys.stdout.write("\n".join(map(plain, body.decode(errors="replace").split("\n"))) + "\n")
    else:
        sys.stdout.buffer.write(body)


def _say(line: str) -> None:
    Console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=True)
