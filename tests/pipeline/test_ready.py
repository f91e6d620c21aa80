"""A process without a broker says so, whatever part it is: nobody shall send it anything."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.app import ROLES, Outside, Pipeline
from pipeline.clock import WallClock
from pipeline.logs import silent
from pipeline.memory import MemoryBroker, Script
from pipeline.settings import Secrets, parse
from schemas import topics
from tests.pipeline.world import until

CONFIGURATION = parse(
    """
shops: [{domain: example-store.myshopify.com, secrets: [{env: SECRET}]}]
teams: [{name: operations, people: [{name: desk, email: desk@example.com}]}]
opentext: {base_url: "http://127.0.0.1:9/mra/v1", basic: {user: account, password: {env: SECRET}}}
listen: {host: 127.0.0.1, port: 0, metrics_port: 0}
"""
)


@pytest.mark.parametrize("roles", [("receiver",), ROLES])
async def test_it_is_not_ready_while_the_broker_does_not_answer_and_ready_when_it_does(roles: tuple[str, ...]) -> None:
    faults, stop = Script(), asyncio.Event()
    broker = MemoryBroker(2, faults=faults)
    await broker.create_topics(topics.catalogue())
    pipeline = Pipeline(CONFIGURATION, Outside(broker, WallClock(), silent(), Secrets({"SECRET": "x"})), roles)
    running = asyncio.create_task(pipeline.run(stop))
    await pipeline.started()
    await until(lambda: pipeline.readiness()[0])
    faults.go_down()
    await until(lambda: "broker: does not answer" in pipeline.readiness()[1]["problems"])
    assert not pipeline.readiness()[0]
    faults.come_back()
    await until(lambda: pipeline.readiness()[0], 20)
    stop.set()
    await running


async def test_of_a_topic_that_was_deleted_it_is_not_said_that_the_broker_does_not_answer() -> None:
    stop = asyncio.Event()
    broker = MemoryBroker(2)
    await broker.create_topics(topics.catalogue())
    outside = Outside(broker, WallClock(), silent(), Secrets({"SECRET": "x"}))
    pipeline = Pipeline(CONFIGURATION, outside, ("receiver",))
    running = asyncio.create_task(pipeline.run(stop))
    await pipeline.started()
    await broker.delete_topics([topics.SIGNALS])
    await until(lambda: pipeline.readiness()[1]["problems"])
    (problem,) = pipeline.readiness()[1]["problems"]
    assert problem.startswith("topics: 1 topic(s) are missing (signals)")
    stop.set()
    await running
