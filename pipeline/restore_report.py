"""How far a restoring is: a metric all the time, and a line now and then where it takes long."""

from __future__ import annotations

from time import monotonic

from structlog.typing import FilteringBoundLogger

from pipeline.metrics import Metrics
from pipeline.restoring import Restored

#: Seconds between two lines.
_TOLD_EVERY = 5.0


class RestoreReport:
    """Of one task, from its first record of state on."""

    def __init__(self, stage: str, number: int, metrics: Metrics, log: FilteringBoundLogger) -> None:
        self._remaining = metrics.restore_remaining_records.labels(stage, str(number))
        self._seconds = metrics.restore_seconds.labels(stage)
        self._log = log
        self._began = self._told = monotonic()

    def progress(self, read: int, whole: int) -> None:
        """Records of `whole`, control records and compacted ones among them."""
        self._remaining.set(whole - read)
        if monotonic() - self._told >= _TOLD_EVERY:
            self._told = monotonic()
            self._log.info("task is restoring", records=read, of=whole)

    def ended(self, found: Restored) -> None:
        seconds = monotonic() - self._began
        self._remaining.set(0)
        self._seconds.observe(seconds)
        size = {"state_keys": len(found.memory), "timers": len(found.timers)}
        self._log.info("task restored", **size, seconds=round(seconds, 3))
