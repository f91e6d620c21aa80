"""From a request to the log: one answer, in time, that says yes only to what all in-sync replicas have.

Every request ends in a `Verdict`, which is its HTTP status and its label in the metrics. What could not be written in
time is answered 503: the write itself is not cut off, so it may still happen; whoever sends again is recognised later
by the delivery's id. Bodies are bounded one by one and together, so a broker that stands still cannot fill the memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import aiohttp
import orjson
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from pipeline.broker import Appender, BrokerError, Refused
from pipeline.clock import Clock
from pipeline.metrics import Metrics
from schemas.records import Outgoing, partition_of
from schemas.topics import MIB


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    IGNORED = "ignored"
    """Understood as far as it goes, and nothing to do: sending it again would not help."""
    INCOMPLETE = "incomplete"
    """Required headers or fields are missing, or the body broke off."""
    UNSIGNED = "unsigned"
    FORGED = "forged"
    UNKNOWN_SHOP = "unknown-shop"
    NOT_FOUND = "not-found"
    TOO_LARGE = "too-large"
    UNAVAILABLE = "unavailable"
    """The broker does not answer."""
    REFUSED = "refused"
    """The broker does not take the record. Not the sender's fault, so it shall come again: an operator can help."""
    LATE = "late"
    BUSY = "busy"
    DRAINING = "draining"


_STATUS: Final = {
    Verdict.ACCEPTED: 200,
    Verdict.IGNORED: 200,
    Verdict.INCOMPLETE: 400,
    Verdict.UNSIGNED: 401,
    Verdict.FORGED: 401,
    Verdict.UNKNOWN_SHOP: 403,
    Verdict.NOT_FOUND: 404,
    Verdict.TOO_LARGE: 413,
}
_RETRY_AFTER = "10"

Headers = Sequence[tuple[str, bytes]]


class NotTaken(Exception):
    """Raised by an endpoint that says no; `str()` is one line for the sender and may show nothing of ours."""

    def __init__(self, verdict: Verdict, says: str) -> None:
        super().__init__(says)
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class Bounds:
    """`answer_seconds`: from the first byte to the answer; Shopify gives up after 5 (we promise 4)."""

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
        bounds: Bounds | None = None,
    ) -> None:
        self.clock = clock
        self.metrics = metrics
        self.bounds = bounds or Bounds()
        self.partitions = partitions
        self._appender = appender
        self._log = log
        self._writes: set[asyncio.Task[None]] = set()
        self._bytes = 0
        self._requests = 0
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def answer(self, domain: str, work: Awaitable[web.Response], **facts: str | None) -> web.Response:
        """The response of `work`, or the status of what became of it. `facts` are logged; nothing of the body is."""
        verdict, says = Verdict.ACCEPTED, ""
        response: web.Response | None = None
        try:
            with self._in_hand():
                async with asyncio.timeout(self.bounds.answer_seconds):
                    response = await work
        except NotTaken as no:
            verdict, says = no.verdict, str(no)
        except Refused as error:
            verdict, says = Verdict.REFUSED, str(error)
        except BrokerError as error:
            verdict, says = Verdict.UNAVAILABLE, str(error)
        except TimeoutError:
            verdict, says = Verdict.LATE, "not written in time"
        self.metrics.webhooks_total.labels(domain, verdict).inc()
        self._say(verdict, says, facts)
        return response if response is not None else _refusal(verdict, says)

    @contextmanager
    def _in_hand(self) -> Iterable[None]:  # type: ignore[misc]
        self._requests += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._requests -= 1
            self._settle()

    def _settle(self) -> None:
        if not self._requests and not self._writes:
            self._idle.set()

    def _say(self, verdict: Verdict, says: str, facts: dict[str, str | None]) -> None:
        known = {name: fact for name, fact in facts.items() if fact is not None}
        if verdict in (Verdict.ACCEPTED, Verdict.IGNORED):
            self._log.debug("taken", outcome=verdict.value, **known)
        else:
            self._log.warning("not taken", outcome=verdict.value, reason=says, **known)

    async def body(self, request: web.Request, limit: int | None = None) -> bytes:
        """The raw bytes, never more than `limit` of them in memory. Raises NotTaken."""
        longest = self.bounds.body_bytes if limit is None else limit
        too_large = NotTaken(Verdict.TOO_LARGE, f"more than {longest} bytes")
        if (request.content_length or 0) > longest:
            raise too_large
        held = bytearray()
        try:
            while chunk := await request.content.readany():
                held += chunk
                if len(held) > longest:
                    raise too_large
        except (aiohttp.ClientError, aiohttp.http.HttpProcessingError, ConnectionError) as error:
            raise NotTaken(Verdict.INCOMPLETE, "the body broke off") from error
        return bytes(held)

    async def put(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        """Returns when it is on the log. Raises NotTaken, Refused or Unavailable."""
        name = key.encode()
        await self._write(self._outgoing(topic, partition_of(name, self.partitions), name, value, headers))

    async def put_everywhere(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        """The same on every partition of the topic."""
        records = [self._outgoing(topic, n, key.encode(), value, headers) for n in range(self.partitions)]
        await asyncio.gather(*(self._write(record) for record in records))

    def _outgoing(self, topic: str, partition: int, key: bytes, value: bytes, headers: Headers) -> Outgoing:
        timestamp = int(self.clock.now().timestamp() * 1000)
        return Outgoing(topic, partition, key, value, tuple(headers), timestamp)

    async def _write(self, record: Outgoing) -> None:
        size = len(record.value or b"")
        if self._draining:
            raise NotTaken(Verdict.DRAINING, "this process is stopping")
        if self._bytes + size > self.bounds.in_hand_bytes:
            raise NotTaken(Verdict.BUSY, "too much is waiting to be written")
        self._bytes += size
        writing = asyncio.create_task(self._append(record))
        self._writes.add(writing)
        writing.add_done_callback(lambda done: self._written(done, size))
        await asyncio.shield(writing)

    async def _append(self, record: Outgoing) -> None:
        await self._appender.append(record)

    def _written(self, done: asyncio.Task[None], size: int) -> None:
        self._bytes -= size
        self._writes.discard(done)
        if not done.cancelled():
            done.exception()
        self._settle()

    async def drain(self) -> None:
        """From now on no is said to new requests; returns when those in hand are done, or their time is over."""
        self._draining = True
        try:
            async with asyncio.timeout(self.bounds.drain_seconds):
                await self._idle.wait()
        except TimeoutError:
            self._log.warning("not everything in hand was answered", requests=self._requests, writes=len(self._writes))


def _refusal(verdict: Verdict, says: str) -> web.Response:
    status = _STATUS.get(verdict, 503)
    headers = {}
    if status == 503:
        headers["Retry-After"] = _RETRY_AFTER
    elif status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    shown = says if status < 500 else verdict.value
    return web.json_response({"error": verdict.value, "detail": shown}, status=status, headers=headers)


def said(body: dict[str, str]) -> web.Response:
    """A small answer to people's own systems."""
    return web.Response(body=orjson.dumps(body), content_type="application/json")
