"""What the tests of approvals share: a company with teams that approve, its orders, and its drafts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from pipeline.state import Change, View
from schemas import subjects
from schemas.alerts import Alert
from schemas.approvals import Request
from schemas.configuration import Approval, Configuration, Person, Team
from schemas.facts.orders import Line, OrderFacts
from schemas.facts.payments import DraftFacts
from schemas.money import Money
from stages.judging.episodes import EPISODE, Episode, name_of
from stages.stage import Work
from tests.stages.rules.sweeping import SweptDesk
from tests.stages.rules.world import NUMBER, SHOP, START, configuration, usd

LARGE = Approval(name="large-orders", teams=("finance", "sales"), total_from=Decimal(5000))
EXPORT = Approval(name="export-control", teams=("compliance",), tags=("Export-Control",), countries=("AE", "IR"))
CHAIR = Line(id=1, sku="CHAIR-1", title="Oak chair", quantity=50, price=Decimal("250.00"))
DRAFT = subjects.draft(SHOP, 77)
#: Four working hours after the first request of a test, which is a Monday's at 9.
DUE = datetime(2026, 11, 2, 13, tzinfo=UTC)


def company(*policies: Approval, **changed: Any) -> Configuration:
    person = (Person(name="desk", email="desk@example.com"),)
    names = ("operations", "finance", "sales", "compliance", "management")
    teams = tuple(Team(name=name, people=person) for name in names)
    return configuration(**{"teams": teams, "approvals": policies} | changed)


def order(total: str | None = "12500.00", currency: str = "USD", **changed: Any) -> OrderFacts:
    told: dict[str, Any] = {"id": NUMBER, "name": "#1030", "created": START, "financial": "pending", "lines": (CHAIR,)}
    return OrderFacts(**told | {"total": None if total is None else Money(Decimal(total), currency)} | changed)


def draft(total: str | None = "12500.00", minute: float = 0, **changed: Any) -> DraftFacts:
    told: dict[str, Any] = {"id": 77, "name": "#D77", "status": "open", "created": START, "lines": (CHAIR,)}
    told |= {"updated": START + timedelta(minutes=minute), "total": None if total is None else usd(total)}
    return DraftFacts(**told | changed)


def looked_at(facts: DraftFacts, **changed: Any) -> DraftFacts:
    """As a look at it tells: without lines, terms and customer. It is no company's."""
    return replace(facts, lines=(), terms=None, customer_id=None, absent=("customer_id", "lines", "terms"), **changed)


class Approvers(SweptDesk):
    """A state is as old as its minute of the shop's clock says; time stands still until it is let pass.

    What is asked about a draft Shopify answers at once, unless it `is_silent`: with the newest state that was told.
    """

    is_silent = False
    newest: DraftFacts | None = None

    def ordered(self, facts: OrderFacts, minute: float = 0, **changed: Any) -> list[Alert]:
        at = START + timedelta(minutes=minute)
        told: dict[str, Any] = {"updated": at, "occurred": at, "delivery_id": f"{minute:06.1f}"} | changed
        return self.event("orders/updated", facts, **told)

    def drafted(self, facts: DraftFacts, kind: str = "draft_orders/update", **changed: Any) -> list[Alert]:
        if self.newest is None or facts.deleted or (facts.updated or START) >= (self.newest.updated or START):
            self.newest = facts
        told: dict[str, Any] = {
            "updated": facts.updated,
            "occurred": facts.updated,
            "delivery_id": str(facts.updated),
        } | changed
        return self.event(kind, facts, DRAFT, **told)

    def _work(self, work: Work) -> list[Alert]:
        raised = super()._work(work)
        while self.asked and self.newest is not None and not self.is_silent:
            raised += self.answer(looked_at(self.newest), incomplete=())
        return raised

    def request(self, policy: str, subject: str = subjects.order(SHOP, NUMBER)) -> Request | None:
        """What is remembered of it."""
        name = name_of("approval-required", policy)
        episodes = {found.decode(): episode for found, episode in self._scanned(subject)}
        return episodes[name].request if name in episodes else None

    def _scanned(self, subject: str) -> list[tuple[bytes, Episode]]:
        return list(View(self._memory, Change(), self.now).scan(EPISODE, subject))


def open_teams(desk: Approvers) -> set[str]:
    newest = {(alert.id, alert.team): alert.state for alert in desk.alerts}
    return {team for (_, team), state in newest.items() if not state.is_end}
