"""From a request to the log: one answer, in time, that says yes only to what all in-sync replicas have.

Every request ends in a `Verdict`. What could not be written in time is answered 503: the write itself is not cut off,
so it may still happen; whoever sends again is recognised later by the delivery's id. Bodies are bounded one by one and
together.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError
from structlog.typing import FilteringBoundLogger

from pipeline.broker import Appender, BrokerError, Refused
from pipeline.clock import Clock
from pipeline.metrics import Metrics
from pipeline.receiver.room import Room
from pipeline.receiver.verdicts import NotTaken, Verdict, response
from schemas.records import Outgoing, partition_of
from schemas.topics import MIB

__all__ = ["Bounds", "Headers", "Intake", "NotTaken", "Verdict"]

Headers = Sequence[tuple[str, bytes]]

#: What a request costs besides its body: headers, tasks, the client's bookkeeping.
_OVERHEAD: Final = 4096
_LONGEST_FACT: Final = 255
_BROKEN_OFF = (HttpProcessingError, RequestPayloadError, ConnectionError)


@dataclass(frozen=True, slots=True)
class Bounds:
    """`answer_seconds`: from the headers to the answer; Shopify gives up after 5, and 4 are promised."""

    answer_seconds: float = 3.5
    body_bytes: int = 10 * MIB
    in_hand_bytes: int = 128 * MIB
    drain_seconds: float = 5.0
    beat_seconds: float = 60.0


class Intake:
    """`partitions` is the installation's one count."""

    def __init__(
        self,
        appender: Appender,
        partitions: int,
        clock: Clock,
        metrics: Metrics,
        log: FilteringBoundLogger,
        bounds: Bounds = Bounds(),
    ) -> None:
        self.clock = clock
        self.metrics = metrics
        self.bounds = bounds
        self.partitions = partitions
        self.log = log
        self._appender = appender
        self._room = Room(bounds.in_hand_bytes)
        self._writes: set[asyncio.Task[None]] = set()
        self._requests = 0
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def answer(self, domain: str, work: Callable[[], Awaitable[None]], facts: Mapping[str, str]) -> web.Response:
        """What became of `work`. `facts` are for the log, as the sender gave them; nothing of the body may be there."""
        verdict, says = await self._verdict(work)
        self.metrics.webhooks_total.labels(domain, verdict.value).inc()
        self._say(verdict, says, facts)
        return response(verdict, says)

    async def _verdict(self, work: Callable[[], Awaitable[None]]) -> tuple[Verdict, str]:
        if self._draining:
            return Verdict.DRAINING, "this process is stopping"
        try:
            with self._in_hand():
                async with asyncio.timeout(self.bounds.answer_seconds):
                    await work()
        except NotTaken as no:
            return no.verdict, str(no)
        except Refused as error:
            return Verdict.REFUSED, str(error)
        except BrokerError as error:
            return Verdict.UNAVAILABLE, str(error)
        except TimeoutError:
            return Verdict.LATE, "not read and written in time"
        return Verdict.ACCEPTED, ""

    @contextmanager
    def _in_hand(self) -> Iterator[None]:
        self._requests += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._requests -= 1
            self._rest()

    def _rest(self) -> None:
        if not self._requests and not self._writes:
            self._idle.set()

    def _say(self, verdict: Verdict, says: str, facts: Mapping[str, str]) -> None:
        say = self.log.debug if verdict in (Verdict.ACCEPTED, Verdict.IGNORED) else self.log.warning
        shown = {name: _shown(fact) for name, fact in facts.items()}
        say("answered", outcome=verdict.value, reason=says, **shown)

    @asynccontextmanager
    async def body(self, request: web.Request, limit: int | None = None) -> AsyncIterator[bytes]:
        """The raw bytes, never more than `limit` of them in memory, counted until the block ends. Raises NotTaken."""
        longest = self.bounds.body_bytes if limit is None else limit
        with self._room.share() as take:
            take(_OVERHEAD)
            yield await _read(request, longest, take)

    async def put(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        """Returns when it is on the log. Raises NotTaken, Refused or Unavailable."""
        name = key.encode()
        await self._write(self._outgoing(topic, partition_of(name, self.partitions), name, value, headers))

    async def put_everywhere(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        """The same on every partition of the topic. Raises as `put`; then some partitions may have it."""
        records = [self._outgoing(topic, number, key.encode(), value, headers) for number in range(self.partitions)]
        await asyncio.gather(*(self._write(record) for record in records))

    def _outgoing(self, topic: str, partition: int, key: bytes, value: bytes, headers: Headers) -> Outgoing:
        timestamp = int(self.clock.now().timestamp() * 1000)
        return Outgoing(topic, partition, key, value, tuple(headers), timestamp)

    async def _write(self, record: Outgoing) -> None:
        """Whoever waits may be cut off; the write goes on."""
        writing = asyncio.create_task(self._append(record))
        self._writes.add(writing)
        writing.add_done_callback(self._written)
        try:
            await asyncio.wait({writing})
        finally:
            if not writing.done():
                self._room.keep(len(record.value or b"") + _OVERHEAD, writing)
        writing.result()

    async def _append(self, record: Outgoing) -> None:
        await self._appender.append(record)

    def _written(self, done: asyncio.Task[None]) -> None:
        self._writes.discard(done)
        if not done.cancelled():
            done.exception()  # that nobody waits any more is no reason for asyncio to complain
        self._rest()

    async def drain(self) -> None:
        """From now on no is said to new requests; returns when those in hand are done, or their time is over."""
        self._draining = True
        try:
            async with asyncio.timeout(self.bounds.drain_seconds):
                await self._idle.wait()
        except TimeoutError:
            self.log.warning("not all is answered", requests=self._requests, writes=len(self._writes))


async def _read(request: web.Request, longest: int, take: Callable[[int], None]) -> bytes:
    too_large = NotTaken(Verdict.TOO_LARGE, f"more than {longest} bytes")
    if (request.content_length or 0) > longest:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := await request.content.readany():
            size += len(chunk)
            if size > longest:
                raise too_large
            take(len(chunk))
            chunks.append(chunk)
    except _BROKEN_OFF as error:
        raise NotTaken(Verdict.INCOMPLETE, "the body broke off") from error
    return b"".join(chunks)


def _shown(fact: str) -> str:
    """Headers may hold anything, even what is no text at all."""
    return fact[:_LONGEST_FACT].encode("ascii", "backslashreplace").decode()
