"""What a new owner builds from the log before it starts: the state, its timers, and where to read on.

Positions stand in the state, written in the same transaction as everything else, and are the authority; the group's
offsets, which expire, are asked only for inputs that the state knows nothing of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from pipeline.broker import Broker, OutOfRange
from pipeline.chain import RECEIVERS, TOLD_BEHIND
from pipeline.editions import ADOPTED, ADOPTED_KEY, Adopted
from pipeline.parking import PARKED
from pipeline.state import Memory, decoded, encoded, key_of
from pipeline.stopping import STOPPED
from pipeline.surroundings import StageSpec
from pipeline.timers import Timers
from pipeline.transaction import SWEEP, TIMER
from schemas import topics
from schemas.records import TopicPartition
from stages.stage import Family


class Mark(Struct, frozen=True, array_like=True):
    """How far a task has read, and the time of its last transaction (milliseconds): they commit with its state."""

    offsets: dict[str, int]
    time: int


MARK: Family[Mark] = Family("mark", Mark)
MARK_KEY = key_of("", MARK.name)


#: What the runner remembers for itself, beside the families of the stage.
OWN: tuple[Family[Any], ...] = (MARK, TIMER, PARKED, SWEEP, ADOPTED, STOPPED, RECEIVERS, TOLD_BEHIND)

#: Told of records read so far, and of how many there are, control records and compacted ones among them.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """`last` is the business time of the last transaction, None before the first one; `end` where the changelog ends.

    `adopted`: the edition that wrote it last, number -1 where none did.
    """

    memory: Memory
    timers: Timers
    positions: dict[TopicPartition, int]
    last: datetime | None
    end: int

    @property
    def adopted(self) -> Adopted:
        raw = self.memory.get(ADOPTED_KEY)
        return Adopted(-1, None) if raw is None else decoded(ADOPTED, ADOPTED_KEY, raw)


def marked(positions: dict[TopicPartition, int], milliseconds: int) -> bytes:
    return encoded(Mark({partition.topic: offset for partition, offset in positions.items()}, milliseconds))


async def restored(
    broker: Broker, spec: StageSpec, number: int, progress: Progress = lambda read, whole: None
) -> Restored:
    """Raises StateError for a changelog that this build cannot read, and what the broker raises."""
    memory, end = await _read_state(broker, spec, number, progress)
    timers = Timers()
    for key, raw in memory.items(TIMER.name):
        timers.put(decoded(TIMER, key, raw))
    mark = None if (raw_mark := memory.get(MARK_KEY)) is None else decoded(MARK, MARK_KEY, raw_mark)
    inputs = [TopicPartition(topic, number) for topic in spec.inputs]
    last = None if mark is None else datetime.fromtimestamp(mark.time / 1000, UTC)
    return Restored(memory, timers, await _positions(broker, spec.group, inputs, mark), last, end)


class AnotherLog(OutOfRange):
    """`topics` end before what was read of them: they were made anew, or cut."""

    def __init__(self, says: str, topics: tuple[str, ...]) -> None:
        super().__init__(says)
        self.topics = topics


async def require_on_log(broker: Broker, positions: Mapping[TopicPartition, int]) -> None:
    """Raises OutOfRange where retention has eaten what was not read yet, AnotherLog where a log ends before that."""
    beginnings, ends = await broker.beginnings(positions), await broker.high_watermarks(positions)
    eaten = [
        f"{partition.topic}-{partition.partition} from {offset} to {beginnings[partition]}"
        for partition, offset in positions.items()
        if offset < beginnings[partition]
    ]
    if eaten:
        raise OutOfRange(f"retention has eaten what was not read yet: {', '.join(eaten)}")
    cut = [
        f"{partition.topic}-{partition.partition} ends at {ends[partition]}, read to {offset}"
        for partition, offset in positions.items()
        if offset > ends[partition]
    ]
    if cut:
        anew = tuple(partition.topic for partition, offset in positions.items() if offset > ends[partition])
        raise AnotherLog(f"the log is not the one that was read: {', '.join(cut)}", anew)


async def _read_state(broker: Broker, spec: StageSpec, number: int, progress: Progress) -> tuple[Memory, int]:
    memory = Memory([*OWN, *spec.stage.families])
    changelog = TopicPartition(topics.state_of(spec.name), number)
    start = (await broker.beginnings([changelog]))[changelog]
    end = (await broker.stable_ends([changelog]))[changelog]
    async for records in broker.read(changelog, start, end):
        for record in records:
            if record.key is not None:
                memory.restore(record.key, record.value)
        progress(records[-1].offset + 1 - start, end - start)
        await asyncio.sleep(0)
    return memory, end


async def _positions(
    broker: Broker, group: str, inputs: Sequence[TopicPartition], mark: Mark | None
) -> dict[TopicPartition, int]:
    """The state's word first, then the group's, the beginning only where both are silent."""
    stated = {} if mark is None else mark.offsets
    missing = [partition for partition in inputs if partition.topic not in stated]
    committed = await broker.committed(group, missing) if missing else {}
    beginnings = await broker.beginnings(missing) if missing else {}
    found: dict[TopicPartition, int] = {}
    for partition in inputs:
        if partition.topic in stated:
            found[partition] = stated[partition.topic]
        else:
            offset = committed.get(partition)
            found[partition] = beginnings[partition] if offset is None else offset
    return found
