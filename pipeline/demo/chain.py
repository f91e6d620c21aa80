"""One demo from its broker to its last line; everything that it opens is closed, and what it made is removed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import SystemRandom, token_hex

import aiohttp
from structlog.typing import FilteringBoundLogger

from pipeline.app import Outside, Pipeline
from pipeline.broker import Broker
from pipeline.clock import SteppingClock
from pipeline.demo.company import PARTITIONS, SHOP, Keys, company
from pipeline.demo.day import Day, NotStill
from pipeline.demo.sent import NAMES, Book, Sent
from pipeline.demo.showing import Ended, Show
from pipeline.kafka import KafkaBroker
from pipeline.local_kafka import KafkaUnavailable, obtain
from pipeline.memory import MemoryBroker
from pipeline.settings import Secrets
from pipeline.simulators.opentext import OpenTextSettings, OpenTextSimulator
from pipeline.simulators.scenario import LENGTH, Player, day
from pipeline.simulators.serving import serve
from pipeline.simulators.shopify import Admin, AdminSettings, Sender, ShopifySimulator, Store
from schemas import topics

MEMORY = "memory"
_ALL_TAKEN_WITHIN = 20.0


class DemoFailed(Exception):
    """`str()` is one line for a person."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`kafka`: auto, memory, local, docker or HOST:PORT; `given`: what KAFKA_BOOTSTRAP_SERVERS says, for auto."""

    kafka: str = "auto"
    given: str | None = None
    seed: int | None = None
    speed: float | None = None
    cache: Path | None = None


@dataclass
class Demo:
    options: DemoOptions
    show: Show
    log: FilteringBoundLogger
    keys: Keys = field(default_factory=Keys)

    async def run(self, stop: asyncio.Event) -> None:
        """Until the day is over, or `stop`. Raises DemoFailed, also where a use case was not told of."""
        end = datetime.now(UTC)
        clock = SteppingClock(end - LENGTH)
        book = Book(clock, _shown(self.show.sent, stop))
        async with AsyncExitStack() as closing:
            broker, why = await closing.enter_async_context(self._broker(clock))
            playing = asyncio.create_task(self._played(closing, (broker, why), clock, book, end))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait((playing, stopping), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not playing.done():
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
                return
            playing.result()
        if silent := [NAMES[number] for number, count in book.by_use_case.items() if not count]:
            raise DemoFailed(f"nobody was told of: {', '.join(silent)}")

    async def _played(
        self, closing: AsyncExitStack, on: tuple[Broker, str], clock: SteppingClock, book: Book, end: datetime
    ) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        broker, why = on
        store = Store(SHOP)
        admin = Admin(store, AdminSettings(token=self.keys.admin))
        opentext = OpenTextSimulator(OpenTextSettings(users={"demo": self.keys.opentext}))
        shopify_at = await closing.enter_async_context(
            serve(ShopifySimulator(SHOP, admin, None, clock.now).application)
        )
        opentext_at = await closing.enter_async_context(serve(opentext.application))
        configuration = company(shopify_at, opentext_at, "demo")
        outside = Outside(broker, clock, self.log, Secrets(self.keys.environ), observers=(book,))
        pipeline = await closing.enter_async_context(_running(Pipeline(configuration, outside)))
        receiver = f"http://127.0.0.1:{pipeline.receiver_port}"
        self.show.began(
            why,
            {
                "receiver": receiver,
                "metrics": f"http://127.0.0.1:{pipeline.metrics_port}/metrics",
                "shopify": f"{shopify_at} (simulated)",
                "opentext": f"{opentext_at} (simulated; shows what it received)",
            },
        )
        session = await closing.enter_async_context(aiohttp.ClientSession())
        sender = Sender(session, f"{receiver}/webhooks/shopify", self.keys.shopify, within=10.0)
        player = Player(store, sender, session, receiver, self.keys.tokens)
        seed = SystemRandom().randrange(2**32) if self.options.seed is None else self.options.seed
        try:
            posted = await Day(pipeline, clock, player, self.options.speed).play(day(end, seed, SHOP), end)
        except (NotStill, ConnectionError) as error:
            raise DemoFailed(str(error)) from error
        await _all_taken(book)
        self.show.ended(Ended(why, book, posted, loop.time() - began))

    @asynccontextmanager
    async def _broker(self, clock: SteppingClock) -> AsyncIterator[tuple[Broker, str]]:
        """A broker with this demo's topics, and one line that says which and why."""
        options = self.options
        if options.kafka == MEMORY:
            yield await _in_memory(clock), "the broker in memory, as was asked for"
            return
        try:
            obtained = await obtain(options.kafka, options.given, options.cache)
        except KafkaUnavailable as error:
            if options.kafka != "auto":
                raise DemoFailed(str(error)) from error
            yield await _in_memory(clock), f"the broker in memory, since {error}"
            return
        try:
            async with _topics(
                KafkaBroker(obtained.bootstrap, f"demo-{token_hex(4)}", PARTITIONS), obtained.owned
            ) as broker:
                yield broker, obtained.why
        finally:
            await obtained.stop()


def _shown(show: Callable[[Sent], None], stop: asyncio.Event) -> Callable[[Sent], None]:
    """Where nobody reads any more (`| head`) the day is over: it is no fault of the task that has something to show."""

    def shown(sent: Sent) -> None:
        try:
            show(sent)
        except BrokenPipeError:
            stop.set()

    return shown


@asynccontextmanager
async def _topics(broker: Broker, owned: bool) -> AsyncIterator[Broker]:
    """Made before, and removed afterwards from a Kafka that is somebody else's. Whoever gets it starts it."""
    names = [spec.name for spec in topics.catalogue()]
    async with _started(broker):
        await broker.create_topics(topics.catalogue())
    try:
        yield broker
    finally:
        if not owned:
            async with _started(broker):
                await broker.delete_topics(names)


@asynccontextmanager
async def _started(broker: Broker) -> AsyncIterator[None]:
    await broker.start()
    try:
        yield
    finally:
        await broker.close()


async def _in_memory(clock: SteppingClock) -> Broker:
    broker = MemoryBroker(PARTITIONS, clock)
    await broker.create_topics(topics.catalogue())
    return broker


@asynccontextmanager
async def _running(pipeline: Pipeline) -> AsyncIterator[Pipeline]:
    """Yields it when everything of it is open; at the end it drains. Raises what ended it."""
    stop = asyncio.Event()
    running = asyncio.create_task(pipeline.run(stop))
    started = asyncio.create_task(pipeline.started())
    try:
        await asyncio.wait((running, started), return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            started.cancel()
            await running
        yield pipeline
    finally:
        stop.set()
        await asyncio.gather(running, return_exceptions=True)


async def _all_taken(book: Book) -> None:
    """What is retried at the end of the day gets its time. Raises DemoFailed."""
    try:
        async with asyncio.timeout(_ALL_TAKEN_WITHIN):
            await book.all_taken.wait()
    except TimeoutError:
        raise DemoFailed(f"{book.waiting} notifications were not taken by OpenText") from None
