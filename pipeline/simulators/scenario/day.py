"""The whole day, in order of arrival."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Final

from pipeline.simulators.scenario.disorder import Disorder, disordered
from pipeline.simulators.scenario.shelf import customers
from pipeline.simulators.scenario.steps import Step
from pipeline.simulators.scenario.stories import approvals, operations, orders, payments, returns, shipments, stock
from pipeline.simulators.scenario.telling import Telling

#: Of the day.
LENGTH: Final = timedelta(hours=24)
STORIES: Final = (
    orders.tell,
    shipments.tell,
    stock.tell,
    payments.tell,
    approvals.tell,
    returns.tell,
    operations.tell,
)


def day(end: datetime, seed: int, shop: str, disorder: Disorder | None = None) -> list[Step]:
    """Ends before `end`, begins 24 hours earlier. The same arguments give the same day; another `end` other ids."""
    told = Telling(shop, end - LENGTH, Random(seed))
    told.change(0, *customers())
    for tell in STORIES:
        tell(told)
    told.steps.sort(key=lambda step: step.at)
    return disordered(told.steps, Random(seed), disorder or Disorder())
