"""What a plan says is done to the processes, the brokers and the world outside, and written down with its time."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pipeline.local_kafka import LocalCluster
from tests.chaos.brokers import leading_most, whole
from tests.chaos.fleet import Fleet, Process
from tests.chaos.opentext import OpenText
from tests.chaos.plan import Blow, Disturbance
from tests.chaos.shopify import Shopify

#: Of a list that is empty nobody can be hit; of the last one that lives nobody should be.
_FEWEST = 2


@dataclass(frozen=True)
class World:
    """`cluster` None: the Kafka of this run must not be harmed."""

    fleet: Fleet
    opentext: OpenText
    shopify: Shopify
    cluster: LocalCluster | None


@dataclass
class Disturbing:
    """`log`: (seconds since the beginning, what was done)."""

    world: World
    say: Callable[[str], None]
    log: list[tuple[float, str]] = field(default_factory=list)
    _one_broker_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _begin: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    @asynccontextmanager
    async def going_on(self, blows: Sequence[Blow]) -> AsyncIterator[None]:
        """What has begun is brought to its end when the block is left: everybody is well again then."""
        under_way = [asyncio.create_task(self._strike(blow)) for blow in blows]
        try:
            yield
            await asyncio.gather(*under_way)
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    def note(self, what: str) -> None:
        at = asyncio.get_running_loop().time() - self._begin
        self.log.append((round(at, 1), what))
        self.say(f"{at:6.1f} s  {what}")

    async def _strike(self, blow: Blow) -> None:
        await asyncio.sleep(max(0.0, self._begin + blow.at - asyncio.get_running_loop().time()))
        match blow.kind:
            case Disturbance.KILL:
                await self._kill(blow)
            case Disturbance.ZOMBIE:
                await self._zombie(blow)
            case Disturbance.SCALE:
                await self._scale(blow)
            case Disturbance.RESTART_ALL:
                await self._restart_all(blow)
            case Disturbance.BROKER:
                await self._broker(blow)
            case Disturbance.OPENTEXT:
                self.note(f"OpenText is gone for {blow.lasts:.1f} s")
                with self.world.opentext.gone():
                    await asyncio.sleep(blow.lasts)
            case Disturbance.SHOPIFY:
                self.note(f"Shopify is gone for {blow.lasts:.1f} s")
                with self.world.shopify.gone():
                    await asyncio.sleep(blow.lasts)

    async def _kill(self, blow: Blow) -> None:
        if (victim := self._victim(blow)) is None:
            return
        self.world.fleet.kill(victim)
        self.note(f"kill -9 of process {victim.number}")
        await asyncio.sleep(blow.lasts)
        self._started("in its place")

    async def _zombie(self, blow: Blow) -> None:
        if (victim := self._victim(blow)) is None:
            return
        victim.signal(signal.SIGSTOP)
        self.note(f"SIGSTOP of process {victim.number} for {blow.lasts:.1f} s")
        await asyncio.sleep(blow.lasts)
        victim.signal(signal.SIGCONT)
        self.note(f"SIGCONT of process {victim.number}")

    async def _scale(self, blow: Blow) -> None:
        """One more, and after a session one less, which has to end well."""
        self._started("as one more")
        await asyncio.sleep(blow.lasts)
        if (leaving := self._victim(blow)) is not None:
            self.note(f"SIGTERM of process {leaving.number}")
            await self.world.fleet.end(leaving)

    async def _restart_all(self, blow: Blow) -> None:
        victims = self._awake()
        for victim in victims:
            self.world.fleet.kill(victim)
        self.note(f"kill -9 of all {len(victims)}")
        await asyncio.sleep(blow.lasts)
        for _ in victims:
            self._started("in its place")

    async def _broker(self, blow: Blow) -> None:
        """One after the other: what two replicas have is safe from one blow, not from two."""
        cluster, prefix = self.world.cluster, self.world.fleet.installation.prefix
        if cluster is None:
            return
        async with self._one_broker_at_a_time:
            leader = await leading_most(cluster.bootstrap, prefix)
            cluster.kill(leader)
            self.note(f"kill -9 of broker {leader}, which leads most")
            await asyncio.sleep(blow.lasts)
            await cluster.restart(leader)
            await whole(cluster.bootstrap, prefix)
            self.note(f"broker {leader} is back and in sync")

    def _started(self, why: str) -> None:
        self.note(f"process {self.world.fleet.start().number} is started, {why}")

    def _awake(self) -> list[Process]:
        """A zombie is left alone until it goes on."""
        return [process for process in self.world.fleet.processes if process.lives and not process.is_stopped]

    def _victim(self, blow: Blow) -> Process | None:
        """One that has something to lose; those that are just starting are taken only where there are no others."""
        awake = self._awake()
        if len(awake) < _FEWEST:
            return None
        at_work = [process for process in awake if process.receiver is not None] or awake
        return at_work[int(blow.chance * len(at_work))]
