"""What goes together into one message: several rules of one use case that say something of one thing by one news.

Their alerts stand behind one another on the topic, and the last one carries the others: these are held until it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from msgspec.structs import replace

from schemas.alerts import Alert
from stages.stage import Context, Emit, Family, Outcome
from stages.told import name_of

#: Never for longer than a transaction.
HELD: Family[Alert] = Family("held", Alert, ttl=timedelta(days=1), scanned=True)


def bundled(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """The same outcomes; of the alerts for one team, about one thing, each that has a next one names the last."""
    told = list(outcomes)
    groups: dict[object, list[tuple[int, Emit, Alert]]] = {}
    for place, outcome in enumerate(told):
        if isinstance(outcome, Emit) and isinstance(outcome.value, Alert) and _may_be_bundled(outcome.value):
            alert = outcome.value
            groups.setdefault((alert.team, alert.bundle, alert.state.is_end), []).append((place, outcome, alert))
    for group in groups.values():
        *others, (last, carrier, alert) = group
        for place, outcome, carried in others:
            told[place] = _with(replace(carried, carried_by=alert.id), outcome)
        told[last] = _with(replace(alert, carries=tuple(carried.id for _, _, carried in others)), carrier)
    yield from told


def _may_be_bundled(alert: Alert) -> bool:
    return not (alert.line or alert.told_by or alert.resolves)


def _with(alert: Alert, outcome: Emit) -> Emit:
    return Emit(outcome.topic, outcome.key, alert, outcome.type)


def hold(alert: Alert, context: Context) -> None:
    context.state.put(HELD, alert.team, alert, name_of(alert.id))


def with_held(alert: Alert, context: Context) -> Iterator[Alert]:
    """Those that it carries, in their order, and itself."""
    for identity in alert.carries:
        if (held := context.state.get(HELD, alert.team, name_of(identity))) is not None:
            context.state.delete(HELD, alert.team, name_of(identity))
            yield held
    yield alert
