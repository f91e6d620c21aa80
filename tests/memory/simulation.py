"""A seeded simulation: processes of a two-stage chain on the broker in memory, and everything that can happen to them.

They are killed in the middle of any call, stand still past their session and go on, come and go, hear no answers, are
refused, fenced and expelled, while markers are held back, changelogs compacted and committed offsets forgotten. In
the end every fact counts once and in order, and the state is what a rebuild gives. Time is the loop's (`leaping`), and
all chance comes from the seed. By hand, and longer: `python -m tests.memory.simulation --seeds 10000 [--first 1]`.

Not simulated: a process that dies or stands still between two calls of the broker (nothing can be seen of that),
retention that eats what was not read, and stages with calls.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Coroutine
from random import Random
from typing import Any

import structlog

from pipeline.broker import BrokerError
from pipeline.metrics import Metrics
from pipeline.surroundings import Limits, StageSpec, Surroundings
from pipeline.watermarks import SharedWatermarks
from pipeline.worker import Worker
from schemas import topics
from schemas.codec import encode
from schemas.records import Outgoing, TopicPartition, partition_of
from tests.memory.judging import Cancelled, complaints, records_of, seen_in_state
from tests.memory.leaping import LoopClock, leap
from tests.memory.numbering import CHAIN, MIDDLE, SOURCE, SPECS, TARGET, Fact, Kind
from tests.memory.weather import PROCESS, Process, Watched, Weather

PARTITIONS = 2
KEYS = [f"key-{number}" for number in range(5)]
FACTS = 100
#: Seconds of the loop.
BETWEEN_FACTS = 0.05
BETWEEN_EVENTS = 0.25
SESSION = 1.0
CALM_WITHIN = 60.0
#: Where markers may come late; most often before those whose deadlines can be ended beside the first stage.
HELD = (MIDDLE, MIDDLE, TARGET, *(topics.state_of(spec.name) for spec in CHAIN))
LIMITS = Limits(batch_records=6, lanes=2, inbox=8, idle_commit=0.05, backoff=0.02, backoff_longest=0.2)
SILENT = structlog.wrap_logger(
    structlog.ReturnLogger(), processors=[], wrapper_class=structlog.make_filtering_bound_logger("critical")
)


class Simulation:
    def __init__(self, seed: int, broker: type[Watched] = Watched) -> None:
        self._chance = Random(f"{seed} events")
        self._facts = Random(f"{seed} facts")
        self.weather = Weather(Random(f"{seed} calls"), self._stand_still)
        self.broker = broker(PARTITIONS, LoopClock(), self.weather)
        self._metrics = Metrics()
        self._living: list[Process] = []
        self._started = 0
        self._beside: list[asyncio.Task[None]] = []
        self._serial = 0
        self._lates: list[tuple[str, str]] = []
        self.cancelled: dict[Cancelled, float] = {}
        self._events = (
            self._kill,
            self._stand_still,
            self._stand_still,
            self._scale_up,
            self._scale_down,
            self._forget_session,
            self._time_transaction_out,
            self._forget_offsets,
            self._delay_markers,
            self._delay_markers,
            self._compact,
        )

    async def run(self) -> list[str]:
        """Complaints, none if all is well."""
        await self.broker.create_topics(SPECS)
        try:
            await self._storm()
            return await self._calm() or await self._rebuilt()
        finally:
            await self._end()

    async def _storm(self) -> None:
        self._start()
        self._start()
        sending = asyncio.create_task(self._send())
        while not sending.done():
            await asyncio.sleep(self._chance.expovariate(1 / BETWEEN_EVENTS))
            self._happen()
        sending.result()

    async def _calm(self) -> list[str]:
        self.weather.is_calm = True
        for partition in self._partitions(*HELD):
            self.broker.release_markers(partition)
        for process in self._living:
            process.goes_on.set()
        self._replace()
        self._start()
        if found := await self._settled():
            return found
        # whoever has it now counts on from what it remembers
        await self._one_of_each()
        return await self._settled()

    async def _rebuilt(self) -> list[str]:
        """By a new process alone, from the log."""
        for process in self._living:
            process.stop.set()
        await asyncio.wait(self._beside, timeout=10.0)
        for process in self._living:
            process.is_dead = True
            await self._expel(process, 0.0)
        self._living = []
        self._start()
        before = self._serial
        await asyncio.sleep(3.0)
        await self._one_of_each()
        if found := await self._settled():
            return found
        old = {str(serial) for serial in range(before)}
        kept = [said for spec in CHAIN for said in await seen_in_state(self.broker, spec.name)]
        return [f"{said} has outlived its time" for said in kept if said in old]

    async def _settled(self) -> list[str]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CALM_WITHIN
        while True:
            await asyncio.sleep(2.0)
            found = await complaints(self.broker, self.cancelled)
            if not found or loop.time() > deadline:
                return found

    # --- facts -----------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        for _ in range(FACTS):
            await asyncio.sleep(self._facts.expovariate(1 / BETWEEN_FACTS))
            kind = self._facts.choices([Kind.PLAIN, Kind.BAD, Kind.LATE, Kind.CANCEL], [60, 5, 25, 22])[0]
            key, said = self._facts.choice(KEYS), str(self._serial)
            if kind is Kind.CANCEL:
                if not self._lates:
                    continue
                key, said = self._lates.pop(self._facts.randrange(len(self._lates)))
            elif kind is Kind.LATE:
                self._lates.append((key, said))
            await self._append(key, Fact(kind, said), self._facts.choice([SOURCE, MIDDLE]))

    async def _one_of_each(self) -> None:
        for key in KEYS:
            await self._append(key, Fact(Kind.PLAIN, str(self._serial)), SOURCE)

    async def _append(self, key: str, fact: Fact, cancels_on: str) -> None:
        """An end may be told to either stage; everything else goes through both."""
        topic = cancels_on if fact.kind is Kind.CANCEL else SOURCE
        if fact.kind is Kind.CANCEL:
            self.cancelled[Cancelled(topic, fact.said)] = asyncio.get_running_loop().time()
        else:
            self._serial += 1
        appender = await self.broker.appender()
        await appender.append(Outgoing(topic, partition_of(key.encode(), PARTITIONS), key.encode(), encode(fact)))

    # --- processes ---------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._started += 1
        process = Process(f"process-{self._started}")
        self._living.append(process)
        before = PROCESS.set(process)
        self._spawn(self._process(process))
        PROCESS.reset(before)

    async def _process(self, process: Process) -> None:
        around = Surroundings(self.broker, LoopClock(), self._metrics, SILENT, SharedWatermarks(self.broker), LIMITS)
        await asyncio.gather(*(self._member(process, spec, around) for spec in CHAIN))

    async def _member(self, process: Process, spec: StageSpec, around: Surroundings) -> None:
        while not process.stop.is_set():
            try:
                await Worker(spec, around).run(process.stop)
            except BrokerError:
                await asyncio.sleep(0.1)

    def _replace(self) -> None:
        """The dead are given up by their group when their session is over; others take their places."""
        for process in [process for process in self._living if process.is_dead]:
            self._living.remove(process)
            self._spawn(self._expel(process, SESSION))
        while len(self._living) < 2:
            self._start()

    async def _expel(self, process: Process, after: float) -> None:
        await asyncio.sleep(after)
        for group, member in process.members:
            self.broker.expel(group, member)

    # --- events ------------------------------------------------------------------------------------------------------

    def _happen(self) -> None:
        self._chance.choice(self._events)(self._chance.choice(self._living))
        self._replace()

    def _kill(self, process: Process) -> None:
        process.is_dead = True

    def _stand_still(self, process: Process) -> None:
        """Mostly longer than its session: then it is a zombie when it goes on."""
        self._spawn(self._stand(process, self._chance.uniform(0.1, 2.5)))

    async def _stand(self, process: Process, seconds: float) -> None:
        process.goes_on.clear()
        if seconds > SESSION:
            self._spawn(self._expel(process, SESSION))
        await asyncio.sleep(seconds)
        process.goes_on.set()

    def _scale_up(self, process: Process) -> None:
        if len(self._living) < 4:
            self._start()

    def _scale_down(self, process: Process) -> None:
        if len(self._living) > 2:
            self._living.remove(process)
            self._spawn(self._stop(process))

    async def _stop(self, process: Process) -> None:
        process.stop.set()
        await asyncio.sleep(5.0)
        process.is_dead = True
        await self._expel(process, 0.0)

    def _forget_session(self, process: Process) -> None:
        self._spawn(self._expel(process, 0.0))

    def _time_transaction_out(self, process: Process) -> None:
        self.broker.fence(f"{self._chance.choice(CHAIN).name}-{self._chance.randrange(PARTITIONS)}")

    def _forget_offsets(self, process: Process) -> None:
        self.broker.forget_offsets(self._chance.choice(CHAIN).group)

    def _delay_markers(self, process: Process) -> None:
        self._spawn(self._hold(self._chance.choice(self._partitions(*HELD)), self._chance.uniform(0.5, 3.0)))

    async def _hold(self, partition: TopicPartition, seconds: float) -> None:
        self.broker.hold_markers(partition)
        await asyncio.sleep(seconds)
        self.broker.release_markers(partition)

    def _compact(self, process: Process) -> None:
        changelogs = [topics.state_of(spec.name) for spec in CHAIN]
        self.broker.compact(self._chance.choice(self._partitions(*changelogs)))

    # --- the end -----------------------------------------------------------------------------------------------------

    def _partitions(self, *names: str) -> list[TopicPartition]:
        return [TopicPartition(name, number) for name in names for number in range(PARTITIONS)]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._beside.append(asyncio.create_task(work))

    async def _end(self) -> None:
        self.weather.is_over = True
        ours = asyncio.current_task()
        for _ in range(100):
            left = [task for task in asyncio.all_tasks() if task is not ours]
            if not left:
                return
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=1.0)


async def observed(seed: int, broker: type[Watched] = Watched) -> tuple[list[str], list[object]]:
    """Complaints, and everything that has happened in order: the calls, and what the topics hold in the end."""
    simulation = Simulation(seed, broker)
    found = await simulation.run()
    held = [record for spec in SPECS for record in await records_of(simulation.broker, spec.name)]
    return found, [*simulation.weather.log, *held]


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulates seeds until one fails.")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1)
    arguments = parser.parse_args()
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        found, log = leap(observed(seed))
        if found:
            sys.exit("\n".join([f"seed {seed} after {len(log)} steps:", *found]))
    sys.stdout.write(f"{arguments.seeds} seeds, nothing to complain of\n")


if __name__ == "__main__":
    main()
