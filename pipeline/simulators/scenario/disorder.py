"""What the way does to deliveries: some come twice, some come late, and so nothing is in order between two stories.

Delays are short of the pauses within a story, so that what a story is to show is shown; the stories themselves tell the
cruel cases (a state that arrives after a newer one) where they belong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from pipeline.simulators.scenario.steps import Step
from pipeline.simulators.shopify.deliveries import Delivery


@dataclass(frozen=True, slots=True)
class Disorder:
    """Shares of all deliveries; `longest` bounds a delay and the distance of a repetition."""

    twice: float = 0.25
    late: float = 0.2
    longest: timedelta = timedelta(seconds=110)


def disordered(steps: Sequence[Step], chance: Random, disorder: Disorder = Disorder()) -> list[Step]:
    """In order of arrival. Reports of jobs and changes of the shop keep their time; a repetition keeps its id."""
    arriving: list[Step] = []
    for step in steps:
        if not isinstance(step.act, Delivery):
            arriving.append(step)
            continue
        if chance.random() < disorder.late:
            step = replace(step, at=step.at + _some(chance, disorder))
        arriving.append(step)
        if chance.random() < disorder.twice:
            again = replace(
                step, at=step.at + _some(chance, disorder), use_case=0, why=f"nothing, it is a repetition: {step.why}"
            )
            arriving.append(again)
    return sorted(arriving, key=lambda step: step.at)


def _some(chance: Random, disorder: Disorder) -> timedelta:
    return timedelta(seconds=chance.uniform(1, disorder.longest.total_seconds()))
