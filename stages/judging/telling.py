"""Alerts on their way to their teams: one record for each, and of one transaction no more than one for an alert.

What a milestone tells in the place of the ends that it resolves stands before them. What several rules say of one thing
goes together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from schemas import topics
from schemas.alerts import Alert
from stages.stage import Emit, Outcome
from stages.together import bundled


def to_teams(teams: Iterable[str], alert: Alert) -> Iterator[Outcome]:
    for team in teams:
        yield Emit(topics.ALERTS, team, replace(alert, team=team), f"alert.{alert.state}")


def told_at_once(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """An alert that began and got worse in one transaction has begun as bad as it is: its team is told once."""
    kept: dict[object, Outcome] = {}
    for number, outcome in enumerate(outcomes):
        name: object = number
        if isinstance(outcome, Emit) and isinstance(outcome.value, Alert):
            alert = outcome.value
            name = number if alert.state.is_end else (alert.id, outcome.key)
            before = kept.get(name)
            if isinstance(before, Emit) and isinstance(before.value, Alert):
                state = before.value.state
                outcome = Emit(outcome.topic, outcome.key, replace(alert, state=state), f"alert.{state}")
        kept[name] = outcome
    yield from bundled(_resolved(kept.values()))


def _resolved(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Ends of which the same team hears by a milestone stand behind it, and name it."""
    told = list(outcomes)
    alerts = [alert for outcome in told if (alert := _alert(outcome)) is not None]
    by = {(alert.team, ended): alert.id for alert in alerts for ended in alert.resolves}
    ends: list[Outcome] = []
    for outcome in told:
        alert = _alert(outcome)
        if alert is not None and alert.state.is_end and (alert.team, alert.id) in by:
            ends += to_teams((alert.team,), replace(alert, told_by=by[alert.team, alert.id]))
        else:
            yield outcome
    yield from ends


def _alert(outcome: Outcome) -> Alert | None:
    return outcome.value if isinstance(outcome, Emit) and isinstance(outcome.value, Alert) else None
