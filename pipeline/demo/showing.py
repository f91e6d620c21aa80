"""The two ways of showing a demo: for a person at a terminal, and for a machine, one JSON object a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.demo.sent import NAMES, Book, Sent
from schemas.alerts import Alert, AlertState

_COLOURS = {"info": "cyan", "warning": "yellow", "critical": "bold red"}
_SHOWN_DETAILS = 3
_ALWAYS = ("Priority", "Learned late")
_INDENT = " " * 5

_Episode = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Ended:
    """The demo's end. `deliveries` were posted, repetitions included."""

    broker: str
    book: Book
    deliveries: int
    seconds: float


class Show(Protocol):
    def began(self, broker: str, addresses: dict[str, str]) -> None: ...

    def sent(self, sent: Sent) -> None: ...

    def ended(self, end: Ended) -> None: ...


class Lines:
    """`write` takes a line without its end."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def began(self, broker: str, addresses: dict[str, str]) -> None:
        """A machine is told at the end."""

    def sent(self, sent: Sent) -> None:
        notification = sent.notification
        for alert in notification.alerts:
            line = {
                "use_case": alert.use_case,
                "rule": alert.rule,
                "alert_id": alert.id,
                "subject": alert.subject,
                "state": alert.state.value,
                "severity": alert.severity.value,
                "title": alert.title,
                "team": notification.team,
                "channel": notification.channel.value,
                "message_id": notification.message_id,
                "at": alert.at,
                "delay_ms": sent.delay_ms,
            }
            self._write(orjson.dumps(line).decode())

    def ended(self, end: Ended) -> None:
        median, slow, longest = end.book.delays()
        summary = {
            "broker": end.broker,
            "deliveries": end.deliveries,
            "notifications": len(end.book.sent),
            "by_use_case": {str(number): count for number, count in end.book.by_use_case.items()},
            "receipts": dict(end.book.states),
            "delay_ms": {"p50": round(median, 1), "p99": round(slow, 1), "max": round(longest, 1)},
            "seconds": round(end.seconds, 1),
        }
        self._write(orjson.dumps({"summary": summary}).decode())


class Terminal:
    """What goes out by a second channel, or to a second team, is a line below what was shown of it already."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: set[_Episode] = set()
        self._last: _Episode | None = None

    def began(self, broker: str, addresses: dict[str, str]) -> None:
        self._console.print(f"[bold]A day in a store[/], on {escape(broker)}.")
        for name, address in addresses.items():
            self._console.print(f"  [dim]{name:<9} {address}[/]")
        self._console.print()

    def sent(self, sent: Sent) -> None:
        for alert in sent.notification.alerts:
            episode = (alert.id, alert.revision)
            rows = [*_whole(alert, sent)] if episode not in self._shown else []
            more = "" if rows or episode == self._last else f" · {alert.title}"
            self._shown.add(episode)
            self._last = episode
            for row in (*rows, _where(alert, sent, more)):
                self._console.print(row, highlight=False)

    def ended(self, end: Ended) -> None:
        table = Table("", "use case", "notifications", box=None, pad_edge=False)
        for number, count in end.book.by_use_case.items():
            table.add_row(str(number), NAMES[number], str(count) if count else "[red]none[/]")
        median, slow, _ = end.book.delays()
        self._console.print()
        self._console.print(table)
        self._console.print(
            f"\n{end.deliveries} deliveries became {len(end.book.sent)} notifications in {end.seconds:.0f} s; "
            f"from webhook to OpenText half of them took {median:.0f} ms, 99 of 100 at most {slow:.0f} ms."
        )


def _columns(*cells: str) -> Table:
    """What is too long for the terminal goes on below itself, broken at words."""
    row = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    row.add_row(*cells)
    return row


def _whole(alert: Alert, sent: Sent) -> Iterator[Table]:
    colour = "green" if alert.state.is_end else _COLOURS[alert.severity.value]
    word = alert.severity.value if alert.state is AlertState.FIRING else alert.state.value
    yield _columns(f"[dim]{sent.at:%H:%M}[/]", f"[{colour}]{word:<8}[/]", escape(alert.title))
    details = [
        detail for number, detail in enumerate(alert.details) if number < _SHOWN_DETAILS or detail.label in _ALWAYS
    ]
    if reasons := "; ".join(f"{detail.label}: {detail.text}" for detail in details):
        yield _columns(_INDENT, f"[dim]{escape(reasons)}[/]")
    if alert.next_step:
        yield _columns(_INDENT, escape(alert.next_step))


def _where(alert: Alert, sent: Sent, more: str) -> Table:
    notification = sent.notification
    how = "in a digest by" if alert.line else "by"
    told = f"-> {notification.team} {how} {notification.channel.value}, use case {alert.use_case}, {alert.rule}"
    return _columns(_INDENT, f"[dim]{told}, {sent.delay_ms:.0f} ms{escape(more)}[/]")
