"""Use case 5: orders that somebody must approve."""

from __future__ import annotations

from dataclasses import replace

from pipeline.simulators.scenario.sales import ordered, placed
from pipeline.simulators.scenario.shelf import CHAIR, LAMP, NEWCOMER, SOLVENT
from pipeline.simulators.scenario.telling import Telling


def tell(told: Telling) -> None:
    """12,500.00 USD; a sensitive product's tag to a sensitive country; and one that needs nobody."""
    told.use_case = 5
    large = replace(placed(told, 272, "#1030", CHAIR), quantity=50)
    ordered(told, 272, large, "approval-required: 12,500.00 USD")
    sensitive = replace(
        placed(told, 660, "#1031", SOLVENT),
        quantity=4,
        country="AE",
        zip=None,
        tags=("export-control",),
        customer=NEWCOMER,
    )
    ordered(told, 660, sensitive, "approval-required: an export-controlled tag, to a sensitive country without zips")
    ordered(told, 664, placed(told, 664, "#1032", LAMP), "nothing: a small order")
