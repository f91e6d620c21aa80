"""The operator's side of a stop: which tasks are stopped, why, and how each goes on.

A stop is state (`pipeline.stopping`), lifted by its tombstone. What retention has eaten before it was read is no state:
it is found anew at every start, and goes away by a mark that stands where the log begins. Both are written with the
task's own transactional id, which fences its owner first; the owner sees its changelog grow and begins anew.

Not promised: that the reason is gone. A task that is lifted over the same fault stops again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from pipeline.broker import Broker, BrokerError
from pipeline.restoring import MARK, MARK_KEY, Mark
from pipeline.state import decoded, encoded
from pipeline.stopping import STOPPED, STOPPED_KEY, Stopped
from schemas import topics
from schemas.records import Outgoing, TopicPartition

#: Offsets at the end of a changelog that are read first. Every transaction of a running task holds a mark.
_TAIL = 1_000
_FURTHER = 8


class StoppedTask(NamedTuple):
    stage: str
    number: int
    stopped: Stopped


class Loss(NamedTuple):
    """An input whose next record to be read, at `position`, is before the `beginning` of what retention has left.

    `is_anew`: it is another log than the one that was read, and nobody knows what was on that.
    """

    topic: str
    position: int
    beginning: int
    is_anew: bool = False

    @property
    def offsets(self) -> int:
        """How many are gone; those of control records count too."""
        return self.beginning - self.position


class NotAccepted(BrokerError):
    """A topic was made anew, or cut: a lift alone would read on at a position of the old one."""


class _End(NamedTuple):
    stopped: Stopped | None
    mark: Mark | None


async def stopped_tasks(broker: Broker, stages: Sequence[str] = topics.STAGES) -> list[StoppedTask]:
    """Raises StateError for a changelog that this build cannot read, and what the broker raises."""
    return [task async for task in _stopped(broker, stages)]


async def _stopped(broker: Broker, stages: Sequence[str]) -> AsyncIterator[StoppedTask]:
    for stage in stages:
        for number in range(broker.partitions):
            if (stopped := (await _end_of(broker, stage, number)).stopped) is not None:
                yield StoppedTask(stage, number, stopped)


async def lift(broker: Broker, stage: str, number: int) -> Stopped | None:
    """What is lifted; None where nothing is, and then its owner is left alone.

    Raises Fenced where another one takes the task at the same time, InDoubt where it is not known to be lifted.
    """
    if (await _end_of(broker, stage, number)).stopped is None:
        return None
    producer = await broker.producer(f"{stage}-{number}")
    try:
        stopped = (await _end_of(broker, stage, number)).stopped
        if stopped is not None and stopped.anew:
            raise NotAccepted(
                f"{', '.join(stopped.anew)} of {stage} {number} is another log than the one that was read: "
                "--accept-loss reads it from its beginning"
            )
        if stopped is not None:
            await producer.begin()
            await producer.send([Outgoing(topics.state_of(stage), number, STOPPED_KEY, None)])
            await producer.commit(stage, {})
        return stopped
    finally:
        await producer.close()


async def losses(broker: Broker, stage: str, number: int, inputs: Sequence[str]) -> list[Loss]:
    """What retention has eaten before it was read, and what was made anew."""
    return (await _lost(broker, stage, number, inputs))[0]


async def accept_loss(broker: Broker, stage: str, number: int, inputs: Sequence[str]) -> list[Loss]:
    """The task reads on where the logs of its lost inputs begin. Empty: nothing was lost, its owner is left alone.

    That ends a stop over a topic that was made anew, and no other. Raises as `lift`.
    """
    if not await losses(broker, stage, number, inputs):
        return []
    producer = await broker.producer(f"{stage}-{number}")
    try:
        lost, mark, stopped = await _lost(broker, stage, number, inputs)
        if lost:
            offsets = {**mark.offsets, **{loss.topic: loss.beginning for loss in lost}}
            positions = {TopicPartition(topic, number): offset for topic, offset in offsets.items()}
            value = encoded(replace(mark, offsets=offsets))
            await producer.begin()
            changelog = topics.state_of(stage)
            lifted = [Outgoing(changelog, number, STOPPED_KEY, None)] if stopped and stopped.anew else []
            await producer.send([*lifted, Outgoing(changelog, number, MARK_KEY, value)])
            await producer.commit(stage, positions)
        return lost
    finally:
        await producer.close()


async def _lost(
    broker: Broker, stage: str, number: int, inputs: Sequence[str]
) -> tuple[list[Loss], Mark, Stopped | None]:
    partitions = [TopicPartition(topic, number) for topic in inputs]
    end = await _end_of(broker, stage, number)
    mark, anew = end.mark or Mark(offsets={}, time=0), () if end.stopped is None else end.stopped.anew
    positions = await _positions(broker, stage, partitions, mark)
    beginnings, ends = await broker.beginnings(partitions), await broker.high_watermarks(partitions)
    lost: list[Loss] = []
    for partition, position in positions.items():
        is_anew = partition.topic in anew or position > ends[partition]
        if is_anew or position < beginnings[partition]:
            lost.append(Loss(partition.topic, position, beginnings[partition], is_anew))
    return lost, mark, end.stopped


async def _positions(
    broker: Broker, stage: str, partitions: Sequence[TopicPartition], mark: Mark
) -> Mapping[TopicPartition, int]:
    """The state's word first, then the group's. Inputs that neither has read are read from their beginning."""
    silent = [partition for partition in partitions if partition.topic not in mark.offsets]
    committed = await broker.committed(stage, silent) if silent else {}
    stated = {p: mark.offsets[p.topic] for p in partitions if p.topic in mark.offsets}
    return stated | {partition: offset for partition, offset in committed.items() if offset is not None}


async def _end_of(broker: Broker, stage: str, number: int) -> _End:
    """What stands last on a changelog, read from so far back that a mark is among it. A stop stands behind the mark."""
    changelog = TopicPartition(topics.state_of(stage), number)
    beginning = (await broker.beginnings([changelog]))[changelog]
    end = (await broker.stable_ends([changelog]))[changelog]
    back = _TAIL
    while True:
        start = max(beginning, end - back)
        newest: dict[bytes, bytes | None] = {}
        async for records in broker.read(changelog, start, end):
            newest |= {record.key: record.value for record in records if record.key in (STOPPED_KEY, MARK_KEY)}
        if start == beginning or MARK_KEY in newest:
            break
        back *= _FURTHER
    stopped, mark = newest.get(STOPPED_KEY), newest.get(MARK_KEY)
    return _End(
        None if stopped is None else decoded(STOPPED, STOPPED_KEY, stopped),
        None if mark is None else decoded(MARK, MARK_KEY, mark),
    )
