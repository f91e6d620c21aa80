"""What is measured and not counted: how far behind tasks are, what they hold, and whether the broker answers.

Tasks with nothing at hand do not notice that their broker has gone, and a receiver only when somebody delivers.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from structlog.typing import FilteringBoundLogger

from pipeline.broker import Broker, BrokerError
from pipeline.metrics import Metrics
from pipeline.topics import TopicsMissing, require_topics
from pipeline.worker import Worker
from schemas import topics
from schemas.records import TopicPartition

_ANY = TopicPartition(topics.SIGNALS, 0)
_EVERY_SECONDS = 2.0
_NO_ANSWER = "broker: does not answer"


class Gauges:
    def __init__(self, broker: Broker, metrics: Metrics, log: FilteringBoundLogger, workers: Sequence[Worker]) -> None:
        self._broker = broker
        self._metrics = metrics
        self._log = log
        self._workers = workers
        self.problem: str | None = None
        """Of the last time that the broker was asked."""

    def measure(self) -> None:
        """What stands in memory: shortly before it is shown."""
        for worker in self._workers:
            worker.measure()

    async def watch(self) -> None:
        """What the broker has to be asked for. Runs until cancelled."""
        while True:
            await self.ask()
            await asyncio.sleep(_EVERY_SECONDS)

    async def ask(self) -> None:
        try:
            await self._broker.stable_ends([_ANY])
            for worker in self._workers:
                await self._lag(worker)
        except BrokerError as error:
            self._log.warning("the lag cannot be told", error=str(error))
            self.problem = self.problem or _NO_ANSWER
            self.problem = await self._what_is_wrong()
        else:
            self.problem = None

    async def _what_is_wrong(self) -> str:
        """Asked about a topic that somebody has deleted, a broker that is there gives no answer either."""
        try:
            await require_topics(self._broker)
        except TopicsMissing as missing:
            return f"topics: {missing}"
        except BrokerError:
            pass
        return _NO_ANSWER

    async def _lag(self, worker: Worker) -> None:
        """In records, by stage and partition; control records do not count once they are stepped over."""
        positions = worker.positions()
        ends = await self._broker.stable_ends(list(positions))
        lag: dict[int, int] = defaultdict(int)
        for partition, offset in positions.items():
            lag[partition.partition] += max(0, ends[partition] - offset)
        for number, records in lag.items():
            self._metrics.lag_records.labels(worker.spec.name, str(number)).set(records)
