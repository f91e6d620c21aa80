"""A dossier is asked by every rule that watches its subject: what it was asked is not worked out twice."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.facts.orders import OrderFacts
from schemas.facts.table import AnyFacts
from stages.dossiers.dossier import Dossier, once
from stages.dossiers.registers import Known, Stamp
from tests.stages.rules.world import NUMBER, START


def _with(name: str) -> dict[str, Known[AnyFacts]]:
    return {"order": Known(Stamp(START, START, name), "orders/updated", OrderFacts(id=NUMBER, name=name))}


def test_what_a_dossier_was_asked_is_found_once() -> None:
    asked: list[Dossier] = []

    @once
    def name(dossier: Dossier) -> str | None:
        asked.append(dossier)
        return dossier.order.name if dossier.order else None

    dossier = Dossier(facts=_with("#1"))
    assert [name(dossier), name(dossier)] == ["#1", "#1"]
    assert len(asked) == 1


def test_what_was_found_before_is_forgotten_with_the_next_news() -> None:
    dossier = Dossier(facts=_with("#1"))
    assert dossier.order == dossier.newest(OrderFacts) == OrderFacts(id=NUMBER, name="#1")
    later = replace(dossier, facts=_with("#2"))
    assert later.order == later.newest(OrderFacts) == OrderFacts(id=NUMBER, name="#2")
    assert dossier != later
