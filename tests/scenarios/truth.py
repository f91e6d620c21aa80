"""What must be told, as the oracle says it and as the chain has told it, in one form that compares.

A `Condition` is what one rule should say over time, as a course of severities; `together` makes of all conditions of
one order what people are told, since a second warning on the same order makes both critical. Nothing in here knows how
a rule comes to its word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from schemas.alerts import Alert, Severity
from tests.scenarios.steps import NEVER


class Told(NamedTuple):
    """One episode or milestone. `worse`: the updates, with their severity. `ended` None: still open, or a milestone."""

    rule: str
    subject: str
    opened: datetime
    severity: Severity
    teams: frozenset[str]
    worse: tuple[tuple[datetime, Severity], ...] = ()
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """`course`: from when on how bad it is; None: it does not hold. `level` rises where it gets worse otherwise."""

    rule: str
    teams: frozenset[str]
    course: Sequence[tuple[datetime, Severity | None]]
    levels: Sequence[tuple[datetime, int]] = ()


def lasting(
    rule: str, teams: Iterable[str], severity: Severity, opened: datetime, ended: datetime = NEVER
) -> Condition:
    """Holds from the one moment to the other, or never where the second is no later."""
    course = [(opened, severity), (ended, None)] if opened < ended else []
    return Condition(rule, frozenset(teams), course)


def milestone(rule: str, subject: str, teams: Iterable[str], at: datetime, severity: Severity = Severity.INFO) -> Told:
    return Told(rule, subject, at, severity, frozenset(teams))


@dataclass
class _Open:
    condition: Condition
    opened: datetime
    severity: Severity
    level: int
    worst: Severity
    worse: list[tuple[datetime, Severity]] = field(default_factory=list)


def together(subject: str, conditions: Sequence[Condition], end: datetime, *, alone: bool = False) -> Iterator[Told]:
    """`alone`: of a subject that is no order, where nothing makes anything else worse."""
    open_now: dict[int, _Open] = {}
    moments = sorted({at for each in conditions for at, _ in (*each.course, *each.levels) if at < end})
    for at in moments:
        holding = {n: _state(each.course, at) for n, each in enumerate(conditions)}
        for n in [n for n in open_now if holding[n] is None]:
            yield _told(subject, open_now.pop(n), at)
        for n, each in enumerate(conditions):
            base = holding[n]
            if base is not None and n not in open_now:
                open_now[n] = _Open(each, at, base, _level(each, at), base)
        for n, one in open_now.items():
            base = holding[n]
            if base is None:
                continue
            others = [o for o in open_now.values() if o.condition.rule != one.condition.rule and o.worst.rank]
            now = Severity.CRITICAL if base is Severity.WARNING and others and not alone else base
            _worsened(one, at, now, _level(one.condition, at))
    yield from (_told(subject, one, None) for one in open_now.values())


def _worsened(one: _Open, at: datetime, now: Severity, level: int) -> None:
    if now.rank <= one.worst.rank and level <= one.level:
        return
    one.level, one.worst = max(one.level, level), max(one.worst, now, key=lambda severity: severity.rank)
    if at == one.opened:
        one.severity = one.worst
    else:
        one.worse.append((at, now))


def _state(course: Sequence[tuple[datetime, Severity | None]], at: datetime) -> Severity | None:
    passed = [severity for moment, severity in course if moment <= at]
    return passed[-1] if passed else None


def _level(condition: Condition, at: datetime) -> int:
    return max((level for moment, level in condition.levels if moment <= at), default=0)


def _told(subject: str, one: _Open, ended: datetime | None) -> Told:
    each = one.condition
    return Told(each.rule, subject, one.opened, one.severity, each.teams, tuple(one.worse), ended)


def found(alerts: Iterable[tuple[datetime, Alert]]) -> Iterator[Told]:
    """What the chain has told: one for each opening to its end, by the moments at which it was told."""
    episodes: dict[str, list[tuple[datetime, Alert]]] = defaultdict(list)
    for at, alert in alerts:
        episodes[alert.id].append((at, alert))
        if alert.state.is_end and _is_last(episodes[alert.id], alert):
            yield _read(episodes.pop(alert.id))
    yield from (_read(records) for records in episodes.values())


def _is_last(records: Sequence[tuple[datetime, Alert]], alert: Alert) -> bool:
    """Each team that was told of the beginning is told of the end."""
    told = {each.team for _, each in records if not each.state.is_end}
    return told <= {each.team for _, each in records if each.state.is_end}


def _read(records: Sequence[tuple[datetime, Alert]]) -> Told:
    """What got worse at the moment of its opening began as bad."""
    (opened, first) = records[0]
    ends = [at for at, alert in records if alert.state.is_end]
    told = [(at, alert) for at, alert in records if not alert.state.is_end]
    later = {at: alert.severity for at, alert in told if at > opened and alert.revision > 1}
    return Told(
        first.rule,
        # what stands for a card is a keyed hash: whose it is, the records do not tell
        f"{first.shop}/card/" if "/card/" in first.subject else first.subject,
        opened,
        max((alert.severity for at, alert in told if at == opened), key=lambda severity: severity.rank),
        frozenset(alert.team for _, alert in records),
        tuple(later.items()),
        ends[0] if ends else None,
    )
