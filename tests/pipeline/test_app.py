"""One process as a whole: what is opened is closed, and nothing of it ends in silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from pipeline import logs
from pipeline.app import ROLES, EndedByItself, Outside, Pipeline
from pipeline.clock import WallClock
from pipeline.configurations import WatchedFile
from pipeline.demo.company import PARTITIONS, Keys, company
from pipeline.memory import MemoryBroker
from pipeline.settings import ConfigurationError, Secrets, hash_of, parse
from pipeline.topics import TopicsMissing
from schemas import subjects, topics
from schemas.alerts import Alert
from schemas.codec import decode
from schemas.journal import Journal
from schemas.records import Record, TopicPartition
from stages.rules.table import NAMES
from tests.pipeline.world import until

NOWHERE = "http://127.0.0.1:1"


class Puzzling(MemoryBroker):
    """Answers with what nobody foresaw, once it is told to."""

    is_puzzling = False

    async def stable_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        partitions = tuple(partitions)
        if self.is_puzzling and any(partition.topic == topics.SIGNALS for partition in partitions):
            raise ZeroDivisionError("a bug")
        return await super().stable_ends(partitions)


#: A shop and a team; where it differs from another, a job has another name.
FILE = """\
shops: [{{domain: {shop}.myshopify.com, secrets: [{{env: SHOPIFY}}], job_token: {{env: JOB}}}}]
teams: [{{name: operations, people: [{{name: desk, email: desk@example.com}}]}}]
opentext: {{base_url: "http://127.0.0.1:1/mra/v1", basic: {{user: demo, password: {{env: OPENTEXT}}}}}}
listen: {{host: 127.0.0.1, port: 0, metrics_port: 0}}
kafka: {{partitions: 4}}
"""
BEFORE, AFTER = FILE.format(shop="before"), FILE.format(shop="after")


@asynccontextmanager
async def running(pipeline: Pipeline) -> AsyncIterator[Pipeline]:
    stop = asyncio.Event()
    run = asyncio.create_task(pipeline.run(stop))
    await pipeline.started()
    try:
        yield pipeline
    finally:
        stop.set()
        await run


@dataclass
class Installation:
    """Processes that work on one broker, each with the file `name` if it is given one."""

    broker: MemoryBroker
    keys: Keys

    def process(self, text: str, *roles: str, file: Path | None = None, without: str = "") -> Pipeline:
        environ = {name: value for name, value in self.keys.environ.items() if name != without}
        outside = Outside(self.broker, WallClock(), logs.silent(), Secrets(environ))
        watched = None if file is None else WatchedFile(file, NAMES)
        return Pipeline(parse(text), outside, roles or ROLES, watched)

    async def fails(self, pipeline: Pipeline, shop: str, job: str) -> int:
        """A job reports that it has failed: the answer's status."""
        url = f"http://127.0.0.1:{pipeline.receiver_port}/jobs/{shop}.myshopify.com/{job}/fail"
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.keys.job}"}) as session,
            session.post(url) as response,
        ):
            return response.status

    async def alerts(self) -> dict[str, str | None]:
        """The configuration's hash by which each subject was told of."""
        alerts = [decode(record, Alert) for record in await self._records(topics.ALERTS)]
        return {alert.subject: alert.configuration for alert in alerts}

    async def judged_by(self) -> set[str | None]:
        """The hashes by which `classify` says that it has judged."""
        return {decode(record, Journal).configuration for record in await self._records(topics.journal_of("classify"))}

    async def _records(self, topic: str) -> list[Record]:
        partitions = [TopicPartition(topic, number) for number in range(self.broker.partitions)]
        ends = await self.broker.stable_ends(partitions)
        return [
            record
            for partition, end in ends.items()
            async for records in self.broker.read(partition, 0, end)
            for record in records
        ]

    def is_in_force(self, text: str, *pipelines: Pipeline) -> bool:
        return all(pipeline.configuration_hash == hash_of(parse(text)) for pipeline in pipelines)


@pytest.fixture
async def installation() -> Installation:
    return Installation(await with_topics(), Keys())


async def made(broker: MemoryBroker, *roles: str, without: tuple[str, ...] = ()) -> Pipeline:
    environ = {name: value for name, value in Keys().environ.items() if name not in without}
    outside = Outside(broker, WallClock(), logs.silent(), Secrets(environ))
    return Pipeline(company(NOWHERE, NOWHERE, "test"), outside, roles or ROLES)


async def with_topics() -> Puzzling:
    broker = Puzzling(PARTITIONS)
    await broker.create_topics(topics.catalogue())
    return broker


async def test_it_opens_everything_and_closes_when_it_is_asked_to() -> None:
    pipeline, stop = await made(await with_topics()), asyncio.Event()
    running = asyncio.create_task(pipeline.run(stop))
    await pipeline.started()
    await until(lambda: pipeline.readiness()[0])
    assert pipeline.receiver_port
    assert pipeline.metrics_port
    stop.set()
    await running


async def test_a_part_that_ends_by_itself_ends_the_whole_and_says_so() -> None:
    broker, stop = await with_topics(), asyncio.Event()
    pipeline = await made(broker)
    running = asyncio.create_task(pipeline.run(stop))
    await pipeline.started()
    broker.is_puzzling = True
    with pytest.raises(EndedByItself, match="gauges: ZeroDivisionError"):
        await running
    assert stop.is_set()


@pytest.mark.parametrize(
    ("role", "needless"),
    [
        ("receiver", ("ADMIN", "OPENTEXT", "CARDS")),
        ("enrich", ("OPENTEXT", "SHOPIFY", "JOB", "SIGNAL", "CALLBACK")),
        ("classify", ("ADMIN", "OPENTEXT", "CARDS", "SHOPIFY", "JOB", "SIGNAL", "CALLBACK")),
        ("dispatch", ("ADMIN", "CARDS", "SHOPIFY", "JOB", "SIGNAL", "CALLBACK")),
    ],
)
async def test_a_part_needs_no_secret_but_its_own(role: str, needless: tuple[str, ...]) -> None:
    pipeline, stop = await made(await with_topics(), role, without=needless), asyncio.Event()
    running = asyncio.create_task(pipeline.run(stop))
    await pipeline.started()
    stop.set()
    await running


@pytest.mark.parametrize(("role", "missing"), [("receiver", "JOB"), ("enrich", "ADMIN"), ("dispatch", "OPENTEXT")])
async def test_a_secret_of_its_own_that_is_missing_is_named(role: str, missing: str) -> None:
    pipeline = await made(await with_topics(), role, without=(missing,))
    with pytest.raises(ConfigurationError, match=missing):
        await pipeline.run(asyncio.Event())


async def test_a_changed_file_holds_for_the_next_request_and_the_next_alert_of_every_process(
    installation: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(BEFORE)
    one, two = installation.process(BEFORE, file=file), installation.process(BEFORE)
    async with running(one), running(two):
        await until(lambda: one.readiness()[0] and two.readiness()[0])
        assert await installation.fails(two, "before", "export") == 200
        job = subjects.job("before.myshopify.com", "export")
        await until(lambda: _has(installation.alerts(), job, hash_of(parse(BEFORE))))
        file.write_text(AFTER)
        await until(lambda: installation.is_in_force(AFTER, one, two))
        assert await installation.fails(two, "before", "export") == 403
        assert await installation.fails(two, "after", "import") == 200
        job = subjects.job("after.myshopify.com", "import")
        await until(lambda: _has(installation.alerts(), job, hash_of(parse(AFTER))))
        assert await installation.judged_by() == {hash_of(parse(BEFORE)), hash_of(parse(AFTER))}


async def test_a_process_that_cannot_take_the_newest_goes_on_and_is_ready_until_a_task_waits_for_it(
    installation: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(BEFORE)
    one = installation.process(BEFORE, file=file)
    two = installation.process(BEFORE, without="CARDS")
    more = BEFORE + "privacy: {card_hash_key: {env: CARDS}}\n"
    async with running(two):
        async with running(one):
            await until(lambda: one.readiness()[0] and two.readiness()[0])
            file.write_text(more)
            await until(lambda: installation.is_in_force(more, one))
            assert await installation.fails(one, "before", "export") == 200
            job = subjects.job("before.myshopify.com", "export")
            await until(lambda: _has(installation.alerts(), job))
            assert not installation.is_in_force(more, two)
        await until(lambda: any("configuration: " in str(problem) for problem in two.readiness()[1]["problems"]))
        assert "CARDS" in str(two.readiness()[1]["problems"])


async def _has(alerts: Awaitable[Mapping[str, str | None]], subject: str, digest: str | None = None) -> bool:
    found = await alerts
    return subject in found and (digest is None or found[subject] == digest)


async def test_without_its_topics_it_says_which_command_makes_them() -> None:
    with pytest.raises(TopicsMissing, match="pipeline topics apply"):
        await (await made(MemoryBroker(PARTITIONS))).run(asyncio.Event())
