"""What a task is given: its row of the topology, its bounds, and what all tasks of a process share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

from structlog.typing import FilteringBoundLogger

from pipeline.broker import Broker
from pipeline.clock import Clock
from pipeline.editions import Edition, Editions
from pipeline.metrics import Metrics
from schemas import topics
from schemas.records import TopicPartition
from stages.stage import CallingStage, Outcome, Stage

_OWNING = 16


class Watermarks(Protocol):
    async def __call__(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a task: `batch_*` close a transaction, `inbox*` at hand pause the partition's fetching.

    `patience` is how long a record's calls are waited for before it is parked, `calls_end` how long they may still
    take when the task ends. `backoff` doubles up to `backoff_longest` while a task cannot be built. `beat`: how often
    the chain says how far it is, `chain_patience` how long is waited for it before somebody is told, `parked_counts`
    how long a parked record holds that back. `visits`: keys of a sweep in one transaction. Seconds and bytes.
    """

    batch_records: int = 500
    batch_seconds: float = 0.1
    batch_bytes: int = 4 * topics.MIB
    inbox: int = 1000
    inbox_bytes: int = 32 * topics.MIB
    lanes: int = 32
    patience: float = 1.0
    idle_commit: float = 1.0
    backoff: float = 0.5
    backoff_longest: float = 10.0
    calls_end: float = 11.0
    look_again: float = 2.0
    beat: float = 15.0
    chain_patience: float = 900.0
    parked_counts: float = 30.0
    visits: int = 200


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every task of a process shares. `prefix` is the installation's: `<prefix>/pipeline` is about ourselves.

    `owning` is for tasks that fence and restore: hundreds at once would leave none the time to do so within its bounds.
    """

    broker: Broker
    clock: Clock
    metrics: Metrics
    log: FilteringBoundLogger
    watermarks: Watermarks
    limits: Limits = field(default_factory=Limits)
    observers: tuple[Callable[[str, Outcome], None], ...] = ()
    prefix: str = "pipeline"
    owning: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_OWNING))


class Chain(StrEnum):
    """A stage's part in knowing how far the whole chain is (DESIGN section 3, time, rules 3 and 4)."""

    NONE = "none"
    BEATS = "beats"
    """Says it first: its inputs are where the world comes in."""
    AWAITS = "awaits"
    """Has timers about what did not happen: they wait for everybody's word."""


@dataclass(frozen=True)
class StageSpec:
    """One row of the topology, as a process runs it. `takeover`: how long a call of a lost owner may be under way.

    `stage` is what it begins with; a process whose configuration may change has `given` its editions too. `passes_to`:
    what is said to every task is passed on to the same partition of this topic. With `by_team` its routing keys are
    teams, not subjects. A `journaled` stage writes down what each transaction took.
    """

    name: str
    inputs: tuple[str, ...]
    stage: Stage | CallingStage[Any, Any]
    takeover: timedelta = timedelta(0)
    chain: Chain = Chain.NONE
    passes_to: str | None = None
    by_team: bool = False
    journaled: bool = False
    given: Editions | None = None

    @cached_property
    def editions(self) -> Editions:
        return self.given or Editions(Edition(-1, None, self.stage))

    @property
    def group(self) -> str:
        return self.name
