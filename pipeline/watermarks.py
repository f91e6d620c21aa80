"""Where the logs end, asked once for all tasks of a process that want to know at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from pipeline.broker import Broker
from schemas.records import TopicPartition


class SharedWatermarks:
    """A question that is asked while another is under way is answered by the next one: never by an older answer."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._wanted: set[TopicPartition] = set()
        self._next: asyncio.Future[Mapping[TopicPartition, int]] | None = None
        self._busy = asyncio.Lock()

    async def __call__(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """High watermarks as of after this call. Raises what the broker raises."""
        self._wanted.update(partitions)
        if self._next is None:
            self._next = asyncio.ensure_future(self._ask())
        answer = await asyncio.shield(self._next)
        return {partition: answer[partition] for partition in partitions}

    async def _ask(self) -> Mapping[TopicPartition, int]:
        async with self._busy:
            wanted, self._wanted, self._next = self._wanted, set(), None
            return await self._broker.high_watermarks(sorted(wanted))
