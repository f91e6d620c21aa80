"""A rule of a test: it says what the test wants of an order's financial word, and nothing of any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from schemas.alerts import Alert, Audience, Severity
from schemas.facts.orders import OrderFacts
from stages.rules.rule import Case, Clear, Said, Verdict
from tests.stages.rules.world import NUMBER, START, Desk

LATER = timedelta(hours=1)
Judge = Callable[[Case], Iterable[Verdict]]
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


@dataclass(frozen=True, slots=True)
class Scripted:
    """A rule of a test: it says what the test wants of the order's state."""

    judged: Judge
    name: str = "scripted"
    use_case: int = 1
    watches: frozenset[str] = frozenset({"order"})

    def judge(self, case: Case) -> Iterable[Verdict]:
        return self.judged(case)


def said(severity: Severity = WARNING, *audiences: Audience, title: str = "Something is wrong") -> Said:
    return Said(title=title, since=START, severity=severity, audiences=audiences or (Audience.OPERATIONS,))


def by_state(**verdicts: Iterable[Verdict]) -> Scripted:
    """Verdicts by the order's financial word; nothing is said of others."""
    return Scripted(lambda case: verdicts.get((case.dossier.order and case.dossier.order.financial) or "", ()))


def told(desk: Desk, financial: str, minute: float = 0, **changed: Any) -> list[Alert]:
    updated = START + timedelta(minutes=minute)
    facts = OrderFacts(id=NUMBER, name="#1001", updated=updated, financial=financial, **changed)
    return desk.event("orders/updated", facts, updated=updated)


def states(alerts: Iterable[Alert]) -> list[str]:
    return [f"{alert.state} {alert.severity}" for alert in alerts]


OVER = (Clear("it is paid"),)
