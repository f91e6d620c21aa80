"""A day in a store through the real pipeline in memory, in a second or two: what it leaves is for the oracle to judge.

What changes in the shop during the day has all happened before it begins: Shopify's truth is the same all the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import msgspec

from pipeline import logs
from pipeline.app import Outside, Pipeline
from pipeline.broker import Broker
from pipeline.clock import SteppingClock
from pipeline.demo.company import PARTITIONS, SHOP, Keys, company
from pipeline.demo.day import Day
from pipeline.memory import MemoryBroker
from pipeline.settings import Secrets
from pipeline.simulators.opentext import OpenTextSettings, OpenTextSimulator
from pipeline.simulators.scenario import LENGTH, Player, Step, day
from pipeline.simulators.scenario.steps import Change
from pipeline.simulators.serving import serve
from pipeline.simulators.shopify import Admin, AdminSettings, Sender, ShopifySimulator, Store
from pipeline.simulators.shopify import Delivery as Webhook
from pipeline.simulators.shopify.answering import Answering
from pipeline.simulators.shopify.documents import document
from schemas import topics
from schemas.records import Record, TopicPartition
from tests.chaos.evidence import Delivery, Evidence, Submit
from tests.chaos.oracle.log import Log


@dataclass(frozen=True)
class Played:
    log: Log
    evidence: Evidence


async def played(folder: Path, seed: int = 7) -> Played:
    end = datetime.now(UTC)
    clock, keys, store = SteppingClock(end - LENGTH), Keys(), Store(SHOP)
    broker = MemoryBroker(PARTITIONS, clock)
    await broker.create_topics(topics.catalogue())
    opentext = OpenTextSimulator(OpenTextSettings(users={"demo": keys.opentext}))
    steps = day(end, seed, SHOP)
    for step in steps:
        if isinstance(step.act, Change):
            store.put(*step.act.things)
    async with AsyncExitStack() as closing:
        shopify = ShopifySimulator(SHOP, Admin(store, AdminSettings(token=keys.admin)), None, clock.now)
        shopify_at = await closing.enter_async_context(serve(shopify.application))
        opentext_at = await closing.enter_async_context(serve(opentext.application))
        configuration = company(shopify_at, opentext_at, "demo")
        pipeline = Pipeline(configuration, Outside(broker, clock, logs.silent(), Secrets(keys.environ)))
        stop = asyncio.Event()
        running = asyncio.create_task(pipeline.run(stop))
        await pipeline.started()
        session = await closing.enter_async_context(aiohttp.ClientSession())
        receiver = f"http://127.0.0.1:{pipeline.receiver_port}"
        sender = Sender(session, f"{receiver}/webhooks/shopify", keys.shopify, within=10.0)
        player = Player(store, sender, session, receiver, keys.tokens)
        told = [step for step in steps if not isinstance(step.act, Change)]
        await Day(pipeline, clock, player, None).play(told, end)
        stop.set()
        await running
    file = folder / "pipeline.yaml"
    file.write_bytes(msgspec.json.encode(configuration))
    evidence = Evidence(
        bootstrap="",
        prefix="demo",
        partitions=PARTITIONS,
        configuration=file,
        secrets=keys.environ,
        deliveries=_delivered(told),
        submits=_submits(opentext),
        truth=lambda text, variables: {"data": answer_of(store, text, variables)},
    )
    return Played(await log_of(broker), evidence)


def _delivered(steps: Sequence[Step]) -> tuple[Delivery, ...]:
    acts = [(step.at, step.act) for step in steps]
    return tuple(Delivery(act.webhook_id, act.topic, act.shop, at) for at, act in acts if isinstance(act, Webhook))


def _submits(opentext: OpenTextSimulator) -> tuple[Submit, ...]:
    return tuple(
        Submit(one.message_id or "", one.job_id, f"/outbound/{one.medium}", {}, one.received, False, True)
        for one in opentext.sent
    )


def answer_of(store: Store, text: str, variables: Mapping[str, object]) -> Mapping[str, object]:
    asked = document(text)
    return Answering(store.now(), {**asked.defaults, **variables}).data(asked)


async def log_of(broker: Broker) -> Log:
    records: dict[TopicPartition, list[Record]] = {}
    for spec in topics.catalogue():
        for number in range(broker.partitions):
            place = TopicPartition(spec.name, number)
            end = (await broker.stable_ends([place]))[place]
            records[place] = [record async for batch in broker.read(place, 0, end) for record in batch]
    committed: dict[str, dict[TopicPartition, int]] = {}
    for stage in topics.STAGES:
        found = await broker.committed(stage, records)
        committed[stage] = {place: offset for place, offset in found.items() if offset is not None}
    return Log(broker.partitions, records, committed)
