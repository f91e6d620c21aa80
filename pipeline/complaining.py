"""What a process sees of itself and cannot tell in a transaction: stopped tasks, dead letters, false signatures.

Once a minute it is looked, and said on `signals` as long as it lasts (`pipeline-degraded` ends when it is not said any
more), so that a process that is gone, and a task that another one has taken, need no word of their own. What could not
be written is not made up for: the next minute says it again, but for dead letters, of which the next ones do. Not
promised: that of a stopped `classify` itself anybody is told; Prometheus tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager

from prometheus_client import Counter
from structlog.typing import FilteringBoundLogger

from pipeline.broker import Appender, Broker, BrokerError
from pipeline.clock import Clock
from pipeline.ending import cancelled
from pipeline.metrics import Metrics
from pipeline.receiver.cloudevents import new_trace, of_ours
from pipeline.receiver.verdicts import Verdict
from schemas import topics
from schemas.codec import encode
from schemas.records import Outgoing, partition_of
from schemas.signals import DeadLettered, Signal, SignaturesFailed, TaskStopped

EVERY_SECONDS = 60.0
Labels = tuple[str, ...]
StoppedTask = tuple[str, int, str]


class Complaints:
    """`prefix` is the installation's: it is about `<prefix>/pipeline`. `stopped`: stage, number and reason."""

    def __init__(
        self, prefix: str, stopped: Callable[[], Iterable[StoppedTask]], metrics: Metrics, clock: Clock
    ) -> None:
        self.clock = clock
        self._prefix = prefix
        self._stopped_here = stopped
        self._metrics = metrics
        self._dead: dict[Labels, float] = {}
        self._webhooks: dict[Labels, float] = {}

    def now(self) -> list[Signal]:
        """What there is to say since it was asked last."""
        return [*self._stopped(), *self._dead_letters(), *self._signatures()]

    def _said(self) -> tuple[str, str]:
        return self._prefix, f"{self._prefix}/pipeline"

    def _stopped(self) -> Iterator[Signal]:
        now, wall = self.clock.now(), self.clock.wall()
        for stage, number, reason in self._stopped_here():
            yield TaskStopped(*self._said(), now, wall, stage, number, reason)

    def _dead_letters(self) -> Iterator[Signal]:
        counted = _values(self._metrics.dead_letters_total, "stage", "reason")
        for (stage, reason), more in _since(self._dead, counted).items():
            now, wall = self.clock.now(), self.clock.wall()
            yield DeadLettered(*self._said(), now, wall, stage, reason, int(more))
        self._dead = counted

    def _signatures(self) -> Iterator[Signal]:
        counted = _values(self._metrics.webhooks_total, "outcome")
        more = _since(self._webhooks, counted)
        if failed := int(more.get((Verdict.UNSIGNED.value,), 0)):
            now, wall = self.clock.now(), self.clock.wall()
            yield SignaturesFailed(*self._said(), now, wall, failed, int(sum(more.values())))
        self._webhooks = counted


@asynccontextmanager
async def complaining(
    broker: Broker, complaints: Complaints, log: FilteringBoundLogger, every: float = EVERY_SECONDS
) -> AsyncIterator[asyncio.Task[None]]:
    """While the block lasts. `every`: seconds."""
    appender = await broker.appender()
    saying = asyncio.create_task(_saying(complaints, appender, broker.partitions, log, every), name="complaints")
    try:
        yield saying
    finally:
        await cancelled(saying)
        await appender.close()


async def _saying(
    complaints: Complaints, appender: Appender, partitions: int, log: FilteringBoundLogger, every: float
) -> None:
    while True:
        await asyncio.sleep(every)
        try:
            for signal in complaints.now():
                await appender.append(_outgoing(signal, complaints.clock, partitions))
        except BrokerError as error:
            log.warning("what is wrong here could not be said", reason=str(error))


def _outgoing(signal: Signal, clock: Clock, partitions: int) -> Outgoing:
    key = signal.subject.encode()
    headers = of_ours(str(signal.__struct_config__.tag), clock, new_trace())
    timestamp = int(clock.now().timestamp() * 1000)
    return Outgoing(topics.SIGNALS, partition_of(key, partitions), key, encode(signal), headers, timestamp)


def _values(counter: Counter, *labels: str) -> dict[Labels, float]:
    """Sums, by these labels only."""
    found: dict[Labels, float] = {}
    for metric in counter.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                key = tuple(sample.labels[label] for label in labels)
                found[key] = found.get(key, 0.0) + sample.value
    return found


def _since(before: dict[Labels, float], counted: dict[Labels, float]) -> dict[Labels, float]:
    return {key: value - before.get(key, 0.0) for key, value in counted.items() if value > before.get(key, 0.0)}
