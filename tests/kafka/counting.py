"""A worker process for the tests that kill one: `python -m tests.kafka.counting HOST:PORT PREFIX PARTITIONS`.

It numbers the records of each key, in state, until SIGTERM.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Iterable

from msgspec import Struct

from pipeline import logs
from pipeline.clock import WallClock
from pipeline.kafka import KafkaBroker, Timing
from pipeline.metrics import Metrics
from pipeline.surroundings import Limits, StageSpec, Surroundings
from pipeline.watermarks import SharedWatermarks
from pipeline.worker import Worker
from schemas import topics
from schemas.records import Record
from stages.stage import Context, Emit, Family, Outcome, Work

SOURCE, TARGET = topics.ENRICHED, topics.UNIQUE
COUNT: Family[int] = Family("count", int)
SECONDS = 0.002
#: The shortest session that Kafka allows by default.
TIMING = Timing(session=6.0, heartbeat=0.5)


class Numbered(Struct, frozen=True):
    """`number` is how many of this key there were by our count, `said` by the count of whoever sent them."""

    key: str
    number: int
    said: int


class Numbering:
    families = (COUNT,)

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        assert isinstance(work, Record)
        # as slow as a stage with much to do: whoever is stopped shall have records at hand, and go on with them
        time.sleep(SECONDS)
        key = (work.key or b"").decode()
        number = (context.state.get(COUNT, key) or 0) + 1
        context.state.put(COUNT, key, number)
        return [Emit(TARGET, key, Numbered(key, number, int(work.value or b"0")), "numbered")]


async def main(bootstrap: str, prefix: str, partitions: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    broker = KafkaBroker(bootstrap, prefix, partitions, timing=TIMING)
    await broker.start()
    log = logs.configure(sys.stderr, "info")
    limits = Limits(batch_records=20, idle_commit=0.5, backoff=0.1, backoff_longest=0.5)
    around = Surroundings(broker, WallClock(), Metrics(), log, SharedWatermarks(broker), limits)
    await Worker(StageSpec("deduplicate", (SOURCE,), Numbering()), around).run(stop)
    await broker.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
