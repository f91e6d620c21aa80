"""What a task is given: its row of the topology, its bounds, and what all tasks of a process share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from structlog.typing import FilteringBoundLogger

from pipeline.broker import Broker
from pipeline.clock import Clock
from pipeline.metrics import Metrics
from schemas import topics
from schemas.records import TopicPartition
from stages.stage import CallingStage, Outcome, Stage


class Watermarks(Protocol):
    async def __call__(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a task: `batch_*` close a transaction, `inbox*` at hand pause the partition's fetching.

    `patience` is how long a record's calls are waited for before it is parked, `calls_end` how long they may still
    take when the task ends. `backoff` doubles up to `backoff_longest` while a task cannot be built. Seconds and bytes.
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
    calls_end: float = 12.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every task of a process shares."""

    broker: Broker
    clock: Clock
    metrics: Metrics
    log: FilteringBoundLogger
    watermarks: Watermarks
    limits: Limits = field(default_factory=Limits)
    observers: tuple[Callable[[str, Outcome], None], ...] = ()


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One row of the topology. `takeover`: how long a call of a lost owner may still be under way."""

    name: str
    inputs: tuple[str, ...]
    stage: Stage | CallingStage[Any, Any]
    takeover: timedelta = timedelta(0)

    @property
    def group(self) -> str:
        return self.name
