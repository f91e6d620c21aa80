"""A team's digest: lines that are worth no message of their own, gathered for an hour and told together.

Only as many as a message has room for are kept; of what comes beyond them the number is told. Not promised: a second
channel where the digest does not arrive.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from hashlib import blake2b

from schemas.alerts import Alert
from stages.stage import Context, Family, Outcome, SetTimer, TimerKind

LINES: Family[Alert] = Family("line", Alert, ttl=timedelta(days=7), scanned=True)
#: How many there are, those included that are not kept.
COUNT: Family[int] = Family("lines", int, ttl=timedelta(days=7))
TIMER = "digest"
_GATHERED = timedelta(hours=1)
_MOST = 50


def gathered(line: Alert, context: Context) -> Iterator[Outcome]:
    """The first one says when they are told; of one alert the newest word is."""
    count = context.state.get(COUNT, line.team) or 0
    if not count:
        yield SetTimer(line.team, TIMER, context.now + _GATHERED, TimerKind.DEADLINE)
    is_newer = context.state.get(LINES, line.team, _name(line)) is not None
    context.state.put(COUNT, line.team, count if is_newer else count + 1)
    if is_newer or count < _MOST:
        context.state.put(LINES, line.team, line, _name(line))


def taken(team: str, context: Context) -> tuple[tuple[Alert, ...], int]:
    """The lines that are to be told now, the first one first, and how many there are beside them."""
    found, count = context.state.scan(LINES, team), context.state.get(COUNT, team) or 0
    for name, _ in found:
        context.state.delete(LINES, team, name)
    context.state.delete(COUNT, team)
    lines = sorted((line for _, line in found), key=lambda line: (line.at, line.title, line.id))
    return tuple(lines), max(0, count - len(lines))


def without_lines_of(shop: str, team: str, context: Context) -> None:
    """Those that were only counted are forgotten with them."""
    found = context.state.scan(LINES, team)
    rest = [name for name, line in found if line.shop != shop]
    if len(rest) == len(found):
        return
    for name, line in found:
        if line.shop == shop:
            context.state.delete(LINES, team, name)
    context.state.put(COUNT, team, len(rest))


def _name(line: Alert) -> bytes:
    return blake2b(line.id.encode(), digest_size=16).digest()
