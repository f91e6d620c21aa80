"""A small day through the whole pipeline: over HTTP into the receiver, over the broker in memory, to OpenText.

Its clock steps from delivery to timer, as the demo's does; what enrich waits for passes in real time. The same stories
must bring the same alerts at the same times, and nobody's personal data stand in a log line or in what is posted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO

import aiohttp
import structlog
from msgspec.structs import replace

from pipeline.app import Outside, Pipeline
from pipeline.clock import SteppingClock
from pipeline.demo.day import Day as Played
from pipeline.memory import MemoryBroker
from pipeline.settings import Secrets
from pipeline.simulators.opentext import OpenTextSettings, OpenTextSimulator
from pipeline.simulators.scenario import Player, Tokens
from pipeline.simulators.scenario.steps import Change as ChangeStep
from pipeline.simulators.scenario.steps import JobReport
from pipeline.simulators.scenario.steps import Step as PlayedStep
from pipeline.simulators.serving import serve
from pipeline.simulators.shopify import Admin, AdminSettings, Sender, ShopifySimulator, Store
from pipeline.simulators.shopify.deliveries import Delivery, EventDelivery
from schemas import subjects, topics
from schemas.alerts import Alert, Severity
from schemas.configuration import AdminAccess, Basic, Configuration, Listen, Secret, Shop
from schemas.signals import JobReported
from stages.stage import Emit, Outcome
from tests.scenarios.company import SHOP, default
from tests.scenarios.day import LENGTH, STORIES, Day, day, expected
from tests.scenarios.purchases import MARK
from tests.scenarios.steps import NEVER, Change, Signalled, Step, Webhook
from tests.scenarios.truth import Told, found, lasting, together

_KEY = "key"


async def test_a_small_day_is_told_exactly_by_the_whole_pipeline() -> None:
    start = datetime.now(UTC).replace(microsecond=0) - LENGTH
    clock, alerts, log = SteppingClock(start), list[tuple[datetime, Alert]](), StringIO()

    def observed(stage: str, outcome: Outcome) -> None:
        if isinstance(outcome, Emit) and isinstance(outcome.value, Alert) and stage == "classify":
            alerts.append((clock.now(), outcome.value))

    async with AsyncExitStack() as closing:
        store, opentext = Store(SHOP), OpenTextSimulator(OpenTextSettings(users={"user": _KEY}))
        admin = Admin(store, AdminSettings(token=_KEY))
        simulator = ShopifySimulator(SHOP, admin, None, clock.now)
        shopify_at = await closing.enter_async_context(serve(simulator.application))
        opentext_at = await closing.enter_async_context(serve(opentext.application))
        whole = _company(shopify_at, opentext_at)
        broker = MemoryBroker(2, clock)
        await broker.create_topics(topics.catalogue())
        logger = structlog.wrap_logger(structlog.WriteLogger(log))
        outside = Outside(broker, clock, logger, Secrets({"KEY": _KEY}), observers=(observed,))
        pipeline = await closing.enter_async_context(_running(Pipeline(whole, outside)))
        receiver = f"http://127.0.0.1:{pipeline.receiver_port}"
        session = await closing.enter_async_context(aiohttp.ClientSession())
        sender = Sender(session, f"{receiver}/webhooks/shopify", _KEY, within=10.0)
        player = Player(store, sender, session, receiver, Tokens(_KEY, _KEY))
        it = day(11, whole, each=1, start=start, told=tuple(dict.fromkeys(STORIES)))
        end = it.end - timedelta(seconds=1)
        await Played(pipeline, clock, player, None).play([_played(step) for step in it.steps], end)
    told = sorted(found(alerts))
    assert told == sorted([*expected(it, it.steps), *_never_heard(it)])
    assert {alert.use_case for _, alert in alerts} == {1, 2, 3, 4, 5, 6, 7}
    assert MARK not in log.getvalue()
    assert "event" in log.getvalue()


def _never_heard(it: Day) -> Iterator[Told]:
    """Jobs are awaited from the receiver's start on: here from that of the day."""
    reports = [(step.at, step.act.signal) for step in it.steps if isinstance(step.act, Signalled)]
    for job in it.whole.rules.operations.jobs:
        subject = subjects.job(SHOP, job.name)
        first = min((at for at, signal in reports if signal.subject == subject), default=NEVER)
        if job.every is not None:
            at = it.start + job.every + job.grace
            late = lasting("job-overdue", (job.owner or "",), Severity.WARNING, at, first)
            yield from together(subject, [late], it.end, alone=True)


def _company(shopify: str, opentext: str) -> Configuration:
    """With addresses, and one secret for everything."""
    whole, secret = default(), Secret(env="KEY")
    access = AdminAccess(token=secret, url=f"{shopify}/admin/api/2026-10/graphql.json")
    shop = Shop(domain=SHOP, secrets=(secret,), admin=access, job_token=secret, signal_token=secret)
    return replace(
        whole,
        shops=(shop,),
        opentext=replace(
            whole.opentext,
            base_url=f"{opentext}/mra/v1",
            basic=Basic(user="user", password=secret),
            rate_per_second=200.0,
        ),
        privacy=replace(whole.privacy, card_hash_key=secret),
        listen=Listen(host="127.0.0.1", port=0, metrics_port=0),
    )


def _played(step: Step) -> PlayedStep:
    match step.act:
        case Change(_, things):
            return PlayedStep(step.at, 0, ChangeStep(things), "")
        case Webhook(resource="") as sent:
            delivery = Delivery(
                sent.topic,
                sent.body,
                sent.shop,
                sent.delivery_id,
                sent.occurred,
                event_id=sent.event_id,
                test=sent.test,
            )
            return PlayedStep(step.at, 0, delivery, "")
        case Webhook() as sent:
            topic, _, action = sent.topic.partition("/")
            named = (topic, action, sent.resource, sent.body, sent.shop)
            return PlayedStep(step.at, 0, EventDelivery(*named, sent.delivery_id, sent.event_id, sent.occurred), "")
        case Signalled(JobReported() as report):
            return PlayedStep(step.at, 0, JobReport(report.shop, report.job, report.phase, report.message), "")
    raise AssertionError(f"nobody can send {step.act}")


@asynccontextmanager
async def _running(pipeline: Pipeline) -> AsyncIterator[Pipeline]:
    stop = asyncio.Event()
    running = asyncio.create_task(pipeline.run(stop))
    started = asyncio.create_task(pipeline.started())
    try:
        await asyncio.wait((running, started), return_when=asyncio.FIRST_COMPLETED)
        assert started.done()
        yield pipeline
    finally:
        stop.set()
        await asyncio.gather(running, return_exceptions=True)
