"""Worker processes that are killed, and one that comes back from the dead, under load: every record counts once."""

from __future__ import annotations

import asyncio
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pipeline.broker import Appender
from pipeline.kafka import KafkaBroker
from schemas.codec import decode
from schemas.records import Outgoing, Record, TopicPartition, partition_of
from tests.kafka.counting import SOURCE, TARGET, Numbered
from tests.kafka.world import SPECS, committed_records
from tests.pipeline.world import until

PARTITIONS = 6
KEYS = [f"key-{number}" for number in range(30)]
ROOT = Path(__file__).parents[2]
PATIENCE = 40.0
#: So many of each key at once that every worker has some at hand for a while.
BURST = 40

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
async def broker(kafka_bootstrap: str) -> AsyncIterator[KafkaBroker]:
    broker = KafkaBroker(kafka_bootstrap, f"test-{secrets.token_hex(4)}", PARTITIONS)
    await broker.start()
    await broker.create_topics(SPECS)
    yield broker
    await broker.delete_topics(list(await broker.topics()))
    await broker.close()


@pytest.fixture
def start(broker: KafkaBroker, tmp_path: Path) -> Iterator[Start]:
    """Starts worker processes of the broker's installation; whichever live at the end are killed."""
    at = broker._at
    processes: list[subprocess.Popen[bytes]] = []

    def one() -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "-m", "tests.kafka.counting", at.bootstrap, at.prefix, str(at.partitions)]
        with (tmp_path / f"worker-{len(processes)}.log").open("wb") as log:
            processes.append(subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log))
        return processes[-1]

    yield one
    for process in processes:
        process.kill()
        process.wait()


class Load:
    """Sends every key's next number, again and again, until it is told to stop. What was acknowledged has to arrive."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender
        self._one_at_a_time = asyncio.Lock()
        self.sent: Counter[str] = Counter()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        sending = asyncio.create_task(self._send_until(stop))
        try:
            yield
        finally:
            stop.set()
            await sending

    async def round(self) -> None:
        """One more of each key; a key's numbers stand on the log in their order."""
        async with self._one_at_a_time:
            self.sent.update(KEYS)
            await asyncio.gather(*(self._append(key) for key in KEYS))

    async def _send_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.round()
            await asyncio.sleep(0.1)

    async def _append(self, key: str) -> None:
        number = str(self.sent[key]).encode()
        await self._appender.append(Outgoing(SOURCE, partition_of(key.encode(), PARTITIONS), key.encode(), number))


class Seen:
    """How many of each key are on the target, read on from where it was read to."""

    def __init__(self, broker: KafkaBroker) -> None:
        self._broker = broker
        self._read_to = dict.fromkeys((TopicPartition(TARGET, number) for number in range(PARTITIONS)), 0)
        self._counts: Counter[str] = Counter()

    async def passed(self, number: int) -> bool:
        for partition, end in (await self._broker.stable_ends(self._read_to)).items():
            async for batch in self._broker.read(partition, self._read_to[partition], end):
                self._counts.update((record.key or b"").decode() for record in batch)
            self._read_to[partition] = end
        # the processors belong to the workers
        await asyncio.sleep(0.2)
        return all(self._counts[key] >= number for key in KEYS)


def numbered(records: list[Record]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for record in records:
        one = decode(record, Numbered)
        found.setdefault(one.key, []).append((one.number, one.said))
    return found


async def test_killed_workers_and_a_zombie_lose_nothing_and_count_nothing_twice(
    broker: KafkaBroker, start: Start
) -> None:
    survivor, zombie, victim = start(), start(), start()
    appender = await broker.appender()
    load = Load(appender)

    passed = Seen(broker).passed

    async with load.running():
        await until(lambda: passed(5), PATIENCE)
        for _ in range(BURST):
            await load.round()
        zombie.send_signal(signal.SIGSTOP)
        victim.send_signal(signal.SIGKILL)
        at = load.sent[KEYS[0]]
        # both are given up by Kafka, and what they had goes on elsewhere, past all that they can have seen
        await until(lambda: passed(at + 5), PATIENCE)
        zombie.send_signal(signal.SIGCONT)
        at = load.sent[KEYS[0]]
        await until(lambda: passed(at + 10), PATIENCE)
    # with what is in their state now, those who are left count on
    await load.round()
    await until(lambda: passed(load.sent[KEYS[0]]), PATIENCE)
    for process in (survivor, zombie):
        process.send_signal(signal.SIGTERM)
    assert [await asyncio.to_thread(process.wait, 20.0) for process in (survivor, zombie)] == [0, 0]
    expected = [(number, number) for number in range(1, load.sent[KEYS[0]] + 1)]
    assert numbered(await committed_records(broker, TARGET)) == dict.fromkeys(KEYS, expected)
    await appender.close()
