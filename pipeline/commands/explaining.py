"""`pipeline explain` and `pipeline route`: what would become of an event, shown to a person or to a program.

Nothing is asked of Shopify and nobody is told. What comes from a body is shown without anything that a terminal obeys.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from msgspec.structs import replace
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.commands.options import DEFAULT_CONFIG, FAILED, WRONG, ConfigOption, fail, plain
from pipeline.explaining.accounts import Account, Accounts, AlertTold, RuleSays, Teller
from pipeline.explaining.facts import GIVEN_AS, Looked, looked_up
from pipeline.explaining.given import Asked, DeadLetter, Unusable, read
from pipeline.scalars import Unfit, duration
from pipeline.settings import hash_of
from schemas import subjects
from schemas.configuration import Configuration
from stages.bodies.fields import instant

#: So many that say the same share a line.
_MANY = 3
_COLOURS = {"info": "cyan", "warning": "yellow", "critical": "red"}

EventArgument = Annotated[
    str,
    typer.Argument(help="A body, a saved record with its headers, or JSON lines of those; - reads the pipe."),
]
TopicOption = Annotated[str | None, typer.Option("--topic", help="Of a bare body, like orders/create.")]
ShopOption = Annotated[str | None, typer.Option("--shop", help="Where neither headers nor configuration tell.")]
AtOption = Annotated[
    str | None, typer.Option("--at", help="When it happens, as 2026-11-02T09:00Z; else its headers tell, else now.")
]
FactsOption = Annotated[
    Path | None,
    typer.Option("--facts", help=f"JSON: what Shopify would answer ({', '.join(Looked.__struct_fields__)})."),
]
AheadOption = Annotated[str, typer.Option("--ahead", help="How far to look for what comes if nothing else happens.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object.")]


class Explaining:
    """`configured` reads a configuration, and ends the program where it cannot be used."""

    def __init__(self, configured: Callable[[Path], Configuration]) -> None:
        self._configured = configured

    def explain(  # noqa: PLR0913 - one parameter per option
        self,
        event: EventArgument,
        topic: TopicOption = None,
        shop: ShopOption = None,
        at: AtOption = None,
        facts: FactsOption = None,
        json: JsonOption = False,
        config: ConfigOption = DEFAULT_CONFIG,
    ) -> None:
        """Show for an event which rules look at it, which fire, which do not, and why."""
        asked = Asked(self._configured(config), _moment(at), topic, shop)
        accounts = _accounts(event, asked, facts, timedelta(0))
        if json:
            _write(accounts)
            return
        console = _console()
        for account in accounts.events:
            _show(console, account, _rules(account), facts is None)
            for line in _told_in_short(account):
                console.print(Padding(line, (0, 0, 0, 2)))

    def route(  # noqa: PLR0913 - one parameter per option
        self,
        event: EventArgument,
        topic: TopicOption = None,
        shop: ShopOption = None,
        at: AtOption = None,
        facts: FactsOption = None,
        ahead: AheadOption = "30d",
        json: JsonOption = False,
        config: ConfigOption = DEFAULT_CONFIG,
    ) -> None:
        """Show for an event who would be told, when, how, and why: now, and later if nothing else happens."""
        asked = Asked(self._configured(config), _moment(at), topic, shop)
        accounts = _accounts(event, asked, facts, _span(ahead))
        if json:
            _write(accounts)
            return
        console = _console()
        for account in accounts.events:
            if account.meanwhile:
                console.print(Text("\nmeanwhile, by time alone", "bold"))
                console.print(Padding(_alerts(account.meanwhile), (0, 0, 0, 2)))
            told = _alerts(account.alerts) if account.alerts else Text("nobody is told now", "dim")
            _show(console, account, told, facts is None)
        console.print(Text(f"\nIf nothing else happens until {_clock(accounts.until)}:", "bold"))
        later = _alerts(accounts.later) if accounts.later else Text("nobody is told", "dim")
        console.print(Padding(later, (0, 0, 0, 2)))


def _accounts(event: str, asked: Asked, facts: Path | None, ahead: timedelta) -> Accounts:
    """Ends the program where the event cannot be used."""
    looked = None if facts is None else _looked(facts)
    try:
        teller = Teller(asked.configuration, hash_of(asked.configuration), looked)
        return teller.told(read(_bytes(event), asked), ahead)
    except DeadLetter as letter:
        _refuse(_called(event), letter, FAILED)
    except Unusable as error:
        _refuse(_called(event), error, WRONG)


def _looked(path: Path) -> Looked:
    try:
        return looked_up(_bytes(str(path)))
    except Unusable as error:
        _refuse(str(path), error, WRONG)


def _refuse(name: str, why: Exception, code: int) -> NoReturn:
    """What it quotes may be a stranger's."""
    fail(f"{name}: {plain(str(why))}", code)


def _bytes(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        fail(f"{name}: {error.strerror or 'cannot be read'}", WRONG)


def _called(name: str) -> str:
    return "what was piped in" if name == "-" else name


def _moment(at: str | None) -> datetime:
    if at is None:
        return datetime.now(UTC)
    if (found := instant(at)) is None:
        fail(f"--at `{at}` is no moment with its offset, like 2026-11-02T09:00Z", WRONG)
    return found


def _span(ahead: str) -> timedelta:
    try:
        return duration(ahead)
    except Unfit as unfit:
        fail(f"--ahead {unfit}", WRONG)


# --- for a program ----------------------------------------------------------------------------------------------------


def _write(accounts: Accounts) -> None:
    sys.stdout.write(msgspec.json.encode(accounts).decode() + "\n")


# --- for a person -----------------------------------------------------------------------------------------------------


def _console() -> Console:
    return Console(highlight=False, emoji=False, markup=False)


def _show(console: Console, account: Account, what: Table | Text, without_facts: bool) -> None:
    console.print(Text.assemble("\n", (account.topic, "bold"), f"  {_clock(account.occurred)}"))
    console.print(Padding(Text(plain(account.subject)), (0, 0, 0, 2)))
    lines: list[Text] = []
    if account.dropped and not account.note:
        why = _DROPPED.get(account.dropped, account.dropped.replace("-", " "))
        lines.append(Text(f"dropped before any rule: {why}", "yellow"))
    if account.unknown:
        hint = "; nothing is asked of Shopify here: --facts gives what it would answer" if without_facts else ""
        lines.append(Text(f"not known: {', '.join(map(_named, account.unknown))}{hint}", "yellow"))
    if account.note:
        lines.append(Text(account.note, "yellow"))
    for line in (*lines, *(() if account.dropped or account.note else (what,))):
        console.print(Padding(line, (0, 0, 0, 2)))


_DROPPED = {
    "duplicate-delivery": "this very delivery came before",
    "duplicate-state": "its topic has told this very state before",
    "out-of-date": "a newer state is known already",
    "test": "it is only a test (X-Shopify-Test)",
    "not-watched": "no rule looks at it by itself; what hangs on it hears of it, where it is known already",
}


def _named(unknown: str) -> str:
    return f"{unknown} (`{GIVEN_AS[unknown]}` in --facts)" if unknown in GIVEN_AS else unknown


def _rules(account: Account) -> Table | Text:
    if not account.rules:
        return Text(f"no rule looks at a {subjects.kind_of(account.subject)}", "dim")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    alike = _alike(account.rules)
    before = ""
    for says in _folded(account.rules):
        if _what(says) not in alike:
            table.add_row(Text("" if says.rule == before else says.rule, "bold"), _sentence(says))
            before = says.rule
    for found in alike.values():
        names = list(dict.fromkeys(says.rule for says in found))
        told = Text.assemble(_sentence(found[0]), f"\n{', '.join(names)}")
        table.add_row(Text(f"{len(names)} rules", "bold"), told)
    return table


def _folded(rules: Iterable[RuleSays]) -> list[RuleSays]:
    """Conditions of one rule that do not hold for the same reason are one line, with all their keys."""
    found: dict[object, RuleSays] = {}
    for number, says in enumerate(rules):
        name: object = (says.rule, says.because) if says.says == "not" and not says.title else number
        known = found.get(name)
        found[name] = says if known is None else replace(known, key=f"{known.key}, {says.key}")
    return [*found.values()]


def _alike(rules: Iterable[RuleSays]) -> dict[object, list[RuleSays]]:
    """What many rules say in the same words, and nothing that one would look for."""
    found: dict[object, list[RuleSays]] = {}
    for says in rules:
        if says.says in ("nothing", "not", "off") and not says.title:
            found.setdefault(_what(says), []).append(says)
    return {what: same for what, same in found.items() if len({says.rule for says in same}) >= _MANY}


def _what(says: RuleSays) -> object:
    return (says.says, says.because, says.title)


def _sentence(says: RuleSays) -> Text:
    told = Text(overflow="fold")
    told.append(*_WORDS[says.says](says))
    if says.key:
        told.append(f" [{plain(says.key)}]", "dim")
    if says.title:
        told.append(f"\n{plain(says.title)}")
    if says.when is not None:
        holds = {True: "holds", False: "does not hold", None: "cannot be told, so that nobody misses it for that"}
        because = f" ({plain(says.when.because)})" if says.when.because else ""
        told.append(f"\nwhen {says.when.expression}: {holds[says.when.holds]}{because}", "magenta")
    return told


_WORDS: dict[str, Callable[[RuleSays], tuple[str, str]]] = {
    "fires": lambda says: (f"fires, {says.severity}", _COLOURS[says.severity]),
    "open": lambda says: (f"fires, {says.severity}; it was open before", _COLOURS[says.severity]),
    "due": lambda says: (f"fires on {_clock(says.at)}{_asks(says)} unless it ends before, {says.severity}", "blue"),
    "due now": lambda says: (
        f"fires at once{_asks(says)} unless something has ended it, {says.severity}; due since {_clock(says.at)}",
        "blue",
    ),
    "told": lambda says: (f"told once, {says.severity}", _COLOURS[says.severity]),
    "told before": lambda says: ("was told before, and is once", "dim"),
    "told later": lambda says: (
        f"told on {_clock(says.at)}{_asks(says)} unless it is over before, {says.severity}",
        "blue",
    ),
    "again": lambda says: (f"looks again on {_clock(says.at)}{_asks(says)}", "dim"),
    "ends": lambda says: (f"ends: {plain(says.because)}", "green"),
    "not": lambda says: (f"does not fire: {plain(says.because)}", "dim"),
    "off": lambda says: (f"does not look: {says.because}", "dim"),
    "nothing": lambda says: (f"says nothing: {plain(says.because)}", "dim"),
}


def _asks(says: RuleSays) -> str:
    return f", having asked Shopify ({says.asks})," if says.asks else ""


def _told_in_short(account: Account) -> Iterator[Text]:
    if account.looks_not and account.rules and not account.note:
        kind = subjects.kind_of(account.subject)
        yield Text(f"{len(account.looks_not)} other rules do not look at a subject of that kind ({kind})", "dim")
    for alert in (*account.meanwhile, *account.alerts):
        yield Text.assemble("-> ", _alert(alert), f": {', '.join(team.team for team in alert.teams)}")


def _alerts(alerts: tuple[AlertTold, ...]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for alert in alerts:
        table.add_row(_clock(alert.at), Text.assemble(_alert(alert), f"\n{plain(alert.title)}"))
        for unknown in alert.unknown:
            lead = "" if unknown.startswith("not confirmed") else "not known: "
            table.add_row("", Text(f"{lead}{plain(unknown)}", "yellow"))
        for team in alert.teams:
            ways = "; ".join(f"{name} to {', '.join(people)}" for name, people in team.channels.items())
            told = Text.assemble((team.team, "bold"), f": {ways or 'not told of ends'}\n", ("; ".join(team.by), "dim"))
            table.add_row("", told)
    return table


def _alert(alert: AlertTold) -> Text:
    said = (f"{alert.severity} {alert.rule}", _COLOURS[alert.severity])
    return Text.assemble(said, f" ({alert.state}{_HOW[alert.how]})", overflow="fold")


_HOW = {"message": "", "digest": ", a line of the next digest", "told elsewhere": ", said by the message beside it"}


def _clock(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}Z"
