"""An owner that stood still in the middle of its commit, was replaced, and goes on: with fencing nothing of it is seen,
without it the oracle sees everything twice."""

from __future__ import annotations

import asyncio

from pipeline.broker import Producer
from pipeline.memory import Call, Fate, MemoryBroker
from schemas import topics
from schemas.records import Outgoing
from stages.deduplicate import Deduplicate
from tests.chaos.oracle import identities, marks, recomputing
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import Log
from tests.chaos.oracle.tampering import of_records
from tests.chaos.oracle.world import log_of
from tests.pipeline.world import World, until


class Stunned:
    """Whoever polls first stands still at its first commit, as after SIGSTOP, until it is awake."""

    def __init__(self) -> None:
        self.awake = asyncio.Event()
        self.stands = False
        self._zombie: asyncio.Task[object] | None = None

    async def meet(self, call: Call, name: str) -> Fate:
        await asyncio.sleep(0)
        asking = asyncio.current_task()
        if call is Call.POLL and self._zombie is None:
            self._zombie = asking
        is_first_commit = call is Call.COMMIT and not self.stands
        self.stands = self.stands or is_first_commit
        if is_first_commit or (self.stands and asking is self._zombie):
            await self.awake.wait()
        return Fate.DONE


class Unfenced(MemoryBroker):
    """Every owner of a task has an id of its own, so that none ends another."""

    owners = 0

    async def producer(self, transactional_id: str) -> Producer:
        self.owners += 1
        return await super().producer(f"{transactional_id}-{self.owners}")


async def replaced(broker: MemoryBroker, stunned: Stunned, day: Log) -> Log:
    """The events of a day, deduplicated by an owner that does not know of the next one."""
    await broker.create_topics(topics.catalogue())
    world = World(broker)
    appender = await broker.appender()
    for _, event in of_records(day, topics.ENRICHED):
        await appender.append(Outgoing(event.topic, 0, event.key, event.value, event.headers))
    async with world.worker(Deduplicate()):
        await until(lambda: stunned.stands)
        async with world.worker(Deduplicate()) as second:
            broker.expel("deduplicate", "deduplicate-1")
            await until(lambda: second.owned() == 1 and second.transactions > 0 and second.is_still, 30)
            stunned.awake.set()
            await until(lambda: second.is_still)
    return await log_of(broker)


def promises(log: Log) -> set[Promise]:
    sheet = Sheet()
    identities.check_ids(sheet, log)
    recomputing.check_deduplicate(sheet, log)
    marks.check_positions(sheet, log, "deduplicate", [topics.ENRICHED])
    assert sheet.compared["enriched events, deduplicated again"] > 100
    return set(sheet.totals)


async def test_a_zombie_leaves_nothing_where_its_successor_fences_it(log: Log) -> None:
    stunned = Stunned()
    assert promises(await replaced(MemoryBroker(1, faults=stunned), stunned, log)) == set()


async def test_a_zombie_is_seen_where_nobody_fences_it(log: Log) -> None:
    stunned = Stunned()
    assert Promise.DUPLICATED in promises(await replaced(Unfenced(1, faults=stunned), stunned, log))
