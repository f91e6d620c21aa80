"""Whatever the order of things: a reader gets what was committed, all of it, once, in the order of the log."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.broker import BrokerError, Fenced, Member, Producer
from pipeline.memory import Call, Fate, MemoryBroker
from schemas.records import TopicPartition
from tests.memory.conftest import SPECS
from tests.memory.world import LOG_0, append, everything, join, outgoing, read_from, take, values

PARTITIONS = 2
LOGS = [TopicPartition("log", number) for number in range(PARTITIONS)]
IDS = ["a", "b", "c"]


@dataclass(frozen=True)
class Step:
    """`action` by the owner of `id`, or by whoever was its owner before (`zombie`)."""

    action: str
    id: str
    partition: int = 0
    zombie: bool = False


STEPS = st.builds(
    Step,
    st.sampled_from(["send", "send", "send", "commit", "abort", "take", "fence", "append", "poll"]),
    st.sampled_from(IDS),
    st.integers(0, PARTITIONS - 1),
    st.booleans(),
)


class World:
    """The broker, and beside it a model of one line per fact: what was written, and what became of it."""

    def __init__(self, broker: MemoryBroker, member: Member) -> None:
        self._broker = broker
        self._member = member
        self._owners: dict[str, list[Producer]] = {}
        self._fenced: set[str] = set()
        self._begun: set[str] = set()
        # id -> what its open transaction has written
        self._open: dict[str, set[str]] = {id: set() for id in IDS}
        self._written: list[list[str]] = [[] for _ in range(PARTITIONS)]
        self._dead: set[str] = set()
        self._seen: list[list[str]] = [[] for _ in range(PARTITIONS)]
        self._count = 0

    async def take(self, id: str) -> None:
        self._owners.setdefault(id, []).append(await self._broker.producer(id))
        self._lose(id)
        self._fenced.discard(id)

    def _lose(self, id: str) -> None:
        self._dead |= self._open[id]
        self._open[id] = set()
        self._begun.discard(id)

    async def step(self, step: Step) -> None:
        match step.action:
            case "append":
                await append(self._broker, outgoing(self._write(step.partition), partition=step.partition))
            case "poll":
                await self.poll()
            case "take":
                await self.take(step.id)
            case "fence":
                self._broker.fence(step.id)
                self._lose(step.id)
                self._fenced.add(step.id)
            case _:
                await self._transact(step)

    async def _transact(self, step: Step) -> None:
        if step.zombie and len(self._owners[step.id]) > 1:
            await self._haunt(self._owners[step.id][-2], step)
        elif step.id not in self._fenced:
            await self._act(self._owners[step.id][-1], step)

    async def _act(self, owner: Producer, step: Step) -> None:
        if step.id not in self._begun:
            await owner.begin()
            self._begun.add(step.id)
        if step.action == "send":
            value = self._write(step.partition)
            self._open[step.id].add(value)
            await owner.send([outgoing(value, partition=step.partition)])
            return
        self._begun.discard(step.id)
        if step.action == "commit":
            self._open[step.id] = set()
            await owner.commit("stage", {LOGS[0]: 1})
        else:
            self._lose(step.id)
            await owner.abort()

    async def _haunt(self, zombie: Producer, step: Step) -> None:
        """An earlier owner tries; whatever it manages to do must not be seen."""
        with suppress(BrokerError, RuntimeError):
            await zombie.begin()
        try:
            await zombie.send([outgoing("haunted", partition=step.partition)])
        except Fenced:
            return
        raise AssertionError("a zombie was able to send")

    def _write(self, partition: int) -> str:
        self._count += 1
        self._written[partition].append(str(self._count))
        return str(self._count)

    async def poll(self) -> None:
        for partition, records in (await self._member.poll(0, 3)).items():
            self._seen[partition.partition] += values(list(records))
        for seen, readable in zip(self._seen, self._readable(), strict=True):
            assert seen == readable[: len(seen)]

    def _readable(self) -> list[list[str]]:
        """Per partition what is committed before the first record of an open transaction."""
        undecided = set().union(*self._open.values())
        found = []
        for written in self._written:
            stop = next((place for place, value in enumerate(written) if value in undecided), len(written))
            found.append([value for value in written[:stop] if value not in self._dead])
        return found

    async def finish(self) -> None:
        for id in IDS:
            await self.take(id)
        while self._seen != self._readable():
            before = [len(seen) for seen in self._seen]
            await self.poll()
            assert before != [len(seen) for seen in self._seen], "the rest does not come"
        assert await take(self._member) == []


async def run_steps(steps: Sequence[Step]) -> None:
    broker = MemoryBroker(PARTITIONS)
    await broker.create_topics(SPECS)
    member, _ = await join(broker)
    await take(member)
    for partition in LOGS:
        read_from(member, partition)
    world = World(broker, member)
    for id in IDS:
        await world.take(id)
    for step in steps:
        await world.step(step)
    await world.finish()


@given(st.lists(STEPS, max_size=60))
@settings(max_examples=300)
def test_a_reader_gets_exactly_the_committed_records_in_log_order(steps: list[Step]) -> None:
    asyncio.run(run_steps(steps))


class Drawn:
    """Faults and delays from a list: each call gives way so many times, then meets its fate; then all is well."""

    def __init__(self) -> None:
        self._drawn: deque[tuple[int, Fate]] = deque()

    def begin(self, drawn: Sequence[tuple[int, Fate]]) -> None:
        self._drawn.extend(drawn)

    async def meet(self, call: Call, name: str) -> Fate:
        turns, fate = self._drawn.popleft() if self._drawn else (0, Fate.DONE)
        for _ in range(turns + 1):
            await asyncio.sleep(0)
        return fate


async def copy(broker: MemoryBroker, end: int) -> None:
    """A task in small: every record of `log` to `out`, one by one. A fenced one owns nothing any more, and ends."""
    while True:
        try:
            producer = await broker.producer("copy-0")
            offset = (await broker.committed("copy", [LOG_0]))[LOG_0] or 0
            async for records in broker.read(LOG_0, offset, end):
                for record in records:
                    await producer.begin()
                    await producer.send([outgoing((record.value or b"").decode(), "out")])
                    await producer.commit("copy", {LOG_0: record.offset + 1})
            return
        except Fenced:
            return
        except BrokerError:
            continue


FATES = st.sampled_from([Fate.DONE, Fate.DONE, Fate.REFUSED, Fate.UNAVAILABLE, Fate.ANSWER_LOST])


@given(st.lists(st.tuples(st.integers(0, 4), FATES), max_size=60), st.integers(1, 4))
@settings(max_examples=300)
def test_one_id_per_partition_copies_every_record_once_whoever_dies_hangs_or_hears_nothing(
    drawn: list[tuple[int, Fate]], copies: int
) -> None:
    async def run() -> list[str]:
        faults = Drawn()
        broker = MemoryBroker(1, faults=faults)
        await broker.create_topics(SPECS)
        await append(broker, *[outgoing(str(number)) for number in range(8)])
        faults.begin(drawn)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(copies):
                tasks.create_task(copy(broker, 8))
        return await everything(broker, TopicPartition("out", 0))

    assert asyncio.run(run()) == [str(number) for number in range(8)]
