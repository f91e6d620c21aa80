"""What a new owner builds from the log before it starts: the state, its timers, and where to read on.

Positions stand in the state, written in the same transaction as everything else, and are the authority; the group's
offsets, which expire, are asked only for inputs that the state knows nothing of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec import Struct

from pipeline.broker import Broker
from pipeline.parking import PARKED
from pipeline.state import Memory, decoded, encoded, key_of, split_key
from pipeline.surroundings import StageSpec
from pipeline.timers import Timers
from pipeline.transaction import TIMER
from schemas import topics
from schemas.records import TopicPartition
from stages.stage import Family


class Mark(Struct, frozen=True, array_like=True):
    """How far a task has read, and the time of its last transaction (milliseconds): they commit with its state."""

    offsets: dict[str, int]
    time: int


MARK: Family[Mark] = Family("mark", Mark)
MARK_KEY = key_of("", MARK.name)


@dataclass(frozen=True, slots=True)
class Restored:
    """`last` is the business time of the last transaction, None before the first one."""

    memory: Memory
    timers: Timers
    positions: dict[TopicPartition, int]
    last: datetime | None


def marked(positions: dict[TopicPartition, int], milliseconds: int) -> bytes:
    return encoded(Mark({partition.topic: offset for partition, offset in positions.items()}, milliseconds))


async def restored(broker: Broker, spec: StageSpec, number: int) -> Restored:
    """Raises StateError for a changelog that this build cannot read, and what the broker raises."""
    memory = await _read_state(broker, spec, number)
    timers = Timers()
    for key, raw in memory.items(TIMER.name):
        if split_key(key)[1] == TIMER.name:
            timers.put(decoded(TIMER, key, raw))
    mark = None if (raw_mark := memory.get(MARK_KEY)) is None else decoded(MARK, MARK_KEY, raw_mark)
    inputs = [TopicPartition(topic, number) for topic in spec.inputs]
    last = None if mark is None else datetime.fromtimestamp(mark.time / 1000, UTC)
    return Restored(memory, timers, await _positions(broker, spec.group, inputs, mark), last)


async def _read_state(broker: Broker, spec: StageSpec, number: int) -> Memory:
    memory = Memory([MARK, TIMER, PARKED, *spec.stage.families])
    changelog = TopicPartition(topics.state_of(spec.name), number)
    start = (await broker.beginnings([changelog]))[changelog]
    end = (await broker.stable_ends([changelog]))[changelog]
    async for records in broker.read(changelog, start, end):
        for record in records:
            if record.key is not None:
                memory.restore(record.key, record.value)
    return memory


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
