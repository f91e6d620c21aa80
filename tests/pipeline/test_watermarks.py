"""Where the logs end is never told by an answer that is older than the question."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from pipeline.memory import MemoryBroker
from pipeline.watermarks import SharedWatermarks
from schemas import topics
from schemas.records import TopicPartition
from tests.pipeline.world import until

SOURCE = TopicPartition(topics.ENRICHED, 0)


class Slow(MemoryBroker):
    """Knows at once where a log ends, and tells it later."""

    def __init__(self) -> None:
        super().__init__(1)
        self.end = 3
        self.asked = 0
        self.tells = asyncio.Event()

    async def high_watermarks(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self.asked += 1
        answer = dict.fromkeys(partitions, self.end)
        await self.tells.wait()
        return answer


async def test_a_question_that_comes_while_another_is_under_way_is_not_answered_with_it() -> None:
    broker = Slow()
    watermarks = SharedWatermarks(broker)
    earlier = asyncio.create_task(watermarks([SOURCE]))
    await until(lambda: broker.asked)
    broker.end = 7
    later = asyncio.create_task(watermarks([SOURCE]))
    await asyncio.sleep(0)
    broker.tells.set()
    assert await earlier == {SOURCE: 3}
    assert await later == {SOURCE: 7}


async def test_who_asks_at_the_same_time_shares_one_question() -> None:
    broker = Slow()
    broker.tells.set()
    watermarks = SharedWatermarks(broker)
    one, other = await asyncio.gather(watermarks([SOURCE]), watermarks([SOURCE]))
    assert one == other == {SOURCE: 3}
    assert broker.asked == 1
