"""A chaos run as a value, and what happens in it when: the same seed plans the same disturbances.

How the processes interleave is the machine's business, so the same plan is not the same run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

#: Of a process without a heartbeat: the shortest that brokers take by default.
SESSION = 6.0
#: So long nobody is harmed at the beginning.
_CALM = 2.0
#: From one blow to the next: whoever was hit is found dead, and the others have its work, before the next one comes.
_ROUND = SESSION + 3.0


class Disturbance(StrEnum):
    """What can be done to the world. `kill` is SIGKILL; a zombie is stopped beyond its session, and goes on."""

    KILL = "kill"
    ZOMBIE = "zombie"
    SCALE = "scale"
    BROKER = "broker"
    RESTART_ALL = "restart-all"
    OPENTEXT = "opentext"
    SHOPIFY = "shopify"


@dataclass(frozen=True)
class Plan:
    """`rate`: webhooks a second. `program`: the module that is run, the product's own command by default.

    `settle`: seconds within which everything has to stand still after the load.
    """

    seed: int = 1
    seconds: float = 100.0
    processes: int = 3
    partitions: int = 12
    brokers: int = 3
    rate: float = 40.0
    settle: float = 150.0
    program: str = "pipeline"
    disturbances: tuple[Disturbance, ...] = tuple(Disturbance)


@dataclass(frozen=True)
class Blow:
    """`at` and `lasts` in seconds; `chance` decides who is hit."""

    at: float
    kind: Disturbance
    lasts: float
    chance: float


def blows(plan: Plan) -> list[Blow]:
    """In order. Each round one of those that stop processes, and beside it one of those that stop the world."""
    chance = Random(plan.seed)
    found: list[Blow] = []
    for number, begin in enumerate(_rounds(plan)):
        found += _of_processes(plan, chance, number, begin)
        found += _of_the_world(plan, chance, number, begin)
    return sorted(found, key=lambda blow: blow.at)


def _rounds(plan: Plan) -> Iterator[float]:
    begin = _CALM
    while begin + SESSION / 2 < plan.seconds:
        yield begin
        begin += _ROUND


def _of_processes(plan: Plan, chance: Random, number: int, begin: float) -> Iterator[Blow]:
    kinds = _allowed(plan, (Disturbance.ZOMBIE, Disturbance.KILL, Disturbance.SCALE, Disturbance.KILL))
    if not kinds:
        return
    kind = kinds[number % len(kinds)]
    if number % 6 == 5 and Disturbance.RESTART_ALL in plan.disturbances:
        kind = Disturbance.RESTART_ALL
    yield Blow(begin + chance.uniform(0, 2), kind, _lasts(kind, chance), chance.random())
    if kind in (Disturbance.ZOMBIE, Disturbance.KILL) and Disturbance.KILL in plan.disturbances:
        # one dies while another is not there, or two at once
        yield Blow(begin + chance.uniform(0, 6), Disturbance.KILL, chance.uniform(0, 2), chance.random())


def _of_the_world(plan: Plan, chance: Random, number: int, begin: float) -> Iterator[Blow]:
    kinds = _allowed(plan, (Disturbance.OPENTEXT, Disturbance.BROKER, Disturbance.SHOPIFY))
    if plan.brokers < 2:
        kinds = [kind for kind in kinds if kind is not Disturbance.BROKER]
    if kinds:
        kind = kinds[number % len(kinds)]
        yield Blow(begin + chance.uniform(1, 5), kind, _lasts(kind, chance), chance.random())


def _allowed(plan: Plan, kinds: Sequence[Disturbance]) -> list[Disturbance]:
    return [kind for kind in kinds if kind in plan.disturbances]


def _lasts(kind: Disturbance, chance: Random) -> float:
    match kind:
        case Disturbance.ZOMBIE:
            return SESSION + chance.uniform(1.5, 4)
        case Disturbance.SCALE:
            return SESSION
        case Disturbance.BROKER | Disturbance.OPENTEXT | Disturbance.SHOPIFY:
            return chance.uniform(4, 9)
    return chance.uniform(0, 2)
