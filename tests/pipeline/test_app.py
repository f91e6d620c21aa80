"""One process as a whole: what is opened is closed, and nothing of it ends in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from pipeline import logs
from pipeline.app import ROLES, EndedByItself, Outside, Pipeline, TopicsMissing
from pipeline.clock import WallClock
from pipeline.demo.company import PARTITIONS, Keys, company
from pipeline.memory import MemoryBroker
from pipeline.settings import ConfigurationError, Secrets
from schemas import topics
from schemas.records import TopicPartition
from tests.pipeline.world import until

NOWHERE = "http://127.0.0.1:1"


class Puzzling(MemoryBroker):
    """Answers with what nobody foresaw, once it is told to."""

    is_puzzling = False

    async def stable_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        if self.is_puzzling:
            raise ZeroDivisionError("a bug")
        return await super().stable_ends(partitions)


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


async def test_without_its_topics_it_says_which_command_makes_them() -> None:
    with pytest.raises(TopicsMissing, match="pipeline topics apply"):
        await (await made(MemoryBroker(PARTITIONS))).run(asyncio.Event())
