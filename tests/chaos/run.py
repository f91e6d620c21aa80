"""One chaos run: load and disturbances together, then everybody is well, everything stands still, and all are ended.

Not promised: that a run which went well was a hard one. The log of the disturbances and the figures tell how hard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from aiohttp import web

from pipeline.broker import BrokerError
from pipeline.kafka import KafkaBroker
from pipeline.local_kafka import LocalCluster
from pipeline.serving import serving
from tests.chaos.brokers import Untold, progress
from tests.chaos.disturbing import Disturbing, World
from tests.chaos.evidence import Evidence
from tests.chaos.fleet import Fleet
from tests.chaos.installation import Installation
from tests.chaos.load import Load
from tests.chaos.opentext import BASE, OpenText
from tests.chaos.plan import Plan, blows
from tests.chaos.shopify import PATH, Shopify, ToldOnce
from tests.chaos.stories import stories
from tests.pipeline.world import until

_READY_WITHIN = 60.0
#: More than the longest way through the chain has hops, a question's included: each look that is past all that stood
#: there at the one before counts one. Where nothing at all is unread, three looks in a row will do.
_STILL = 12
_IN_A_ROW = 3
_LOOK_EVERY = 1.0
_BODY_BYTES = 16 * 2**20

Say = Callable[[str], None]


@dataclass(frozen=True)
class Kafka:
    """Where the run takes place. `cluster` None: nobody may harm it, and only what is ours is removed from it."""

    bootstrap: str
    cluster: LocalCluster | None = None


@dataclass(frozen=True)
class Outcome:
    """`problems`: promises that were seen broken without looking at a topic. `log`: (seconds, what was done)."""

    plan: Plan
    evidence: Evidence
    problems: tuple[str, ...]
    log: tuple[tuple[float, str], ...]
    figures: Mapping[str, float]


@asynccontextmanager
async def finished(plan: Plan, kafka: Kafka, folder: Path, say: Say) -> AsyncIterator[Outcome]:
    """The run is over when it is yielded; its topics and its Shopify are there as long as the block is not left."""
    truth = ToldOnce()
    opentext, shopify = OpenText(plan.seed), Shopify(truth, plan.seed)
    async with _outside(opentext, shopify) as address:
        at = Installation(folder, kafka.bootstrap, plan.partitions, f"{address}{PATH}", f"{address}{BASE}")
        broker = KafkaBroker(at.bootstrap, at.prefix, at.partitions)
        await at.prepare()
        await broker.start()
        try:
            world = World(Fleet(at, plan.program), opentext, shopify, kafka.cluster)
            yield await _Run(plan, at, world, truth, Untold(broker)).outcome(say)
        finally:
            await broker.delete_topics(list(await broker.topics()))
            await broker.close()


@asynccontextmanager
async def _outside(opentext: OpenText, shopify: Shopify) -> AsyncIterator[str]:
    application = web.Application(client_max_size=_BODY_BYTES)
    application.add_routes([*opentext.routes(), *shopify.routes()])
    async with serving(application) as port:
        yield f"http://127.0.0.1:{port}"


class _Run:
    def __init__(self, plan: Plan, at: Installation, world: World, truth: ToldOnce, untold: Untold) -> None:
        self._plan = plan
        self._at = at
        self._world = world
        self._truth = truth
        self._untold = untold
        self._figures: dict[str, float] = {}

    async def outcome(self, say: Say) -> Outcome:
        plan, fleet = self._plan, self._world.fleet
        secret = self._at.secrets["SHOPIFY_CLIENT_SECRET"]
        load = Load(stories(plan.seed, datetime.now(UTC)), secret, fleet.receivers, plan.seed)
        async with fleet.watched():
            begin = monotonic()
            for _ in range(plan.processes):
                fleet.start()
            await self._until_ready()
            say(f"{plan.processes} processes are ready after {monotonic() - begin:.1f} s")
            disturbing = Disturbing(self._world, say)
            await self._disturbed(load, disturbing)
            self._recover()
            disturbing.note(f"{len(load.taken)} deliveries are taken; from here on everybody is well")
            await self._stand_still(disturbing.note)
            await asyncio.gather(*(fleet.end(process) for process in list(fleet.processes)))
            disturbing.note("all are ended")
        problems = (*fleet.problems, *load.problems)
        return Outcome(plan, self._evidence(load), problems, tuple(disturbing.log), self._counted(load, disturbing))

    async def _disturbed(self, load: Load, disturbing: Disturbing) -> None:
        """Until every delivery is taken, and every disturbance is over."""
        plan, hear = self._plan, self._truth.tell
        try:
            async with (
                asyncio.timeout(plan.seconds + plan.settle),
                disturbing.going_on(blows(plan)),
                load.sending(plan.rate, lambda told: hear(told.things)),
            ):
                await asyncio.sleep(plan.seconds)
        except TimeoutError:
            says = f"{plan.settle:g} s after the load, deliveries are not taken or a disturbance is not over"
            self._world.fleet.problems.append(says)

    def _recover(self) -> None:
        self._world.opentext.recover()
        self._world.shopify.recover()

    async def _until_ready(self) -> None:
        await until(self._world.fleet.are_ready, _READY_WITHIN)

    async def _stand_still(self, note: Say) -> None:
        """Nothing parked, nothing untold, and nothing unread, or at least nothing that stood there some hops ago: the
        heartbeats never rest. Within the plan's bound."""
        begin, points, said = monotonic(), 0, ""
        async with progress(self._at) as asking:
            while points < _STILL and monotonic() - begin < self._plan.settle:
                look, waits = await asking.look(), await self._waits()
                if waits or look is None:
                    points = 0
                elif look.is_past:
                    points += _STILL // _IN_A_ROW if look.lag == 0 else 1
                left = f"lag {'unknown' if look is None else look.lag}{waits}"
                if left != said:
                    note(left)
                said = left
                await asyncio.sleep(_LOOK_EVERY)
        self._figures["seconds until everything stood still"] = round(monotonic() - begin, 1)
        if points < _STILL:
            self._world.fleet.problems.append(f"it does not stand still within {self._plan.settle:g} s: {said}")

    async def _waits(self) -> str:
        """For the world, or for somebody who is not ready; empty where nothing does."""
        fleet = self._world.fleet
        parked, is_ready = await fleet.parked(), await fleet.are_ready()
        try:
            untold = await self._untold.count()
        except BrokerError as error:
            return f", {error}"
        if parked == untold == 0 and is_ready:
            return ""
        return f", parked {parked}, notifications without receipt {untold}, ready {is_ready}"

    def _evidence(self, load: Load) -> Evidence:
        return Evidence(
            bootstrap=self._at.bootstrap,
            prefix=self._at.prefix,
            partitions=self._at.partitions,
            configuration=self._at.configuration,
            secrets=self._at.secrets,
            deliveries=tuple(load.taken.values()),
            submits=tuple(self._world.opentext.submits),
            truth=self._truth,
        )

    def _counted(self, load: Load, disturbing: Disturbing) -> dict[str, float]:
        submits = self._world.opentext.submits
        done = [what for _, what in disturbing.log]
        return {
            "webhooks taken": len(load.taken),
            "posts": load.attempts,
            "notifications": self._untold.notifications,
            "submits taken": len(submits),
            "repeats taken": sum(submit.is_repeat for submit in submits),
            "submits and lookups refused by OpenText": self._world.opentext.refusals,
            "questions to Shopify": self._world.shopify.asked,
            "questions that Shopify did not answer": self._world.shopify.refusals,
            "kill -9 of processes": sum(
                int(what.split()[-1]) if "of all" in what else "-9 of process" in what for what in done
            ),
            "zombies": sum(what.startswith("SIGCONT") for what in done),
            "kill -9 of brokers": sum("-9 of broker" in what for what in done),
            "longest end, s": round(max((seconds for _, seconds in self._world.fleet.exits), default=0.0), 1),
            **self._figures,
        }
