"""Admin GraphQL of the shops: questions in, typed answers out. It never raises for a broken world.

What is asked twice is asked once: a question under way is joined, an answer that is new enough is kept for a while,
and single nodes are asked for together. A question goes on when whoever asked has stopped waiting, so that asking the
same again finds its answer. Each shop has its own room, cost bucket and standing: a dead shop, or a refused token,
is left alone between probes and delays nobody else. Not promised: that an answer is not older than the webhook that
caused the question; Shopify's replicas lag, so the asker says what is `enough`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import aiohttp
import msgspec

from stages.shopify.answers import (
    Answer,
    Denied,
    Envelope,
    Found,
    Missing,
    Refused,
    Shut,
    Throttled,
    Unavailable,
    answer_of,
    refusal,
)
from stages.shopify.operations import Access, Nodes, Operation, documents
from stages.shopify.throttle import Bucket, ThrottleStatus

T = TypeVar("T")

_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bounds:
    """`timeout`: one question, waiting for its turn included. `linger`: for how long nodes are gathered."""

    timeout: timedelta = timedelta(seconds=10)
    probe_every: timedelta = timedelta(seconds=30)
    at_once_per_shop: int = 8
    nodes_at_once: int = 12
    linger: float = 0.005
    kept: int = 4096


@dataclass
class _Shop:
    """`bad` is what is answered until `closed_until`; then one question goes through as a probe."""

    access: Access
    room: asyncio.Semaphore
    bucket: Bucket = field(default_factory=Bucket)
    costs: dict[str, float] = field(default_factory=dict)
    failures: int = 0
    bad: Refused | Shut | Unavailable | None = None
    closed_until: float = 0.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """`as_of`: it counts as asked at this wall time."""

    value: Any
    as_of: datetime
    until: float


_FAILURES_BORNE = 3
_TRIES_THROTTLED = 3
_UNKNOWN_COST = 50.0
_Key = tuple[str, ...]


class Shopify:
    """One client for all shops. `wall` tells real time; `session` belongs to the caller."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        shops: Mapping[str, Access],
        wall: Callable[[], datetime],
        bounds: Bounds = Bounds(),
    ) -> None:
        self._session = session
        self._wall = wall
        self._bounds = bounds
        self._documents = documents()
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        self._shops = {
            domain: _Shop(access, asyncio.Semaphore(bounds.at_once_per_shop)) for domain, access in shops.items()
        }
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._under_way: dict[_Key, tuple[datetime, asyncio.Task[Any]]] = {}
        self._batches: dict[_Key, dict[str, asyncio.Future[Any]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def has_access(self, shop: str) -> bool:
        return shop in self._shops

    async def query(
        self,
        shop: str,
        operation: Operation[T],
        variables: Mapping[str, object],
        since: datetime | None = None,
        enough: Callable[[T], bool] = lambda _: True,
    ) -> Answer[T]:
        """One document. A kept answer serves if it was asked at or after `since` (wall) and is `enough`."""
        key = (shop, operation.name, msgspec.json.encode(variables, order="sorted").decode())
        return await self._once(key, operation, since, enough, lambda: self._fly(shop, operation, variables))

    async def node(
        self,
        shop: str,
        operation: Operation[Nodes[T]],
        gid: str,
        since: datetime | None = None,
        enough: Callable[[T], bool] = lambda _: True,
    ) -> Answer[T]:
        """One of `nodes(ids:)`: what is asked for within a few milliseconds goes out together."""
        kept_as = cast("Operation[T]", operation)
        key = (shop, operation.name, gid)
        return await self._once(key, kept_as, since, enough, lambda: self._gathered(shop, operation, gid))

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _once(
        self,
        key: _Key,
        operation: Operation[T],
        since: datetime | None,
        enough: Callable[[T], bool],
        fetch: Callable[[], Awaitable[Answer[T]]],
    ) -> Answer[T]:
        oldest = since or _EARLIEST
        kept = self._kept.get(key)
        if kept and kept.as_of >= oldest and kept.until > self._time() and enough(kept.value):
            return Found(kept.value)
        flight = self._under_way.get(key)
        if flight is None or flight[0] < oldest:
            # since a clock of the receiver's may run ahead of ours, a question counts as asked when it had to be
            as_of = max(oldest, self._wall())
            flight = (as_of, self._start(self._fetched(key, operation, as_of, fetch)))
            self._under_way[key] = flight
        return cast("Answer[T]", await asyncio.shield(flight[1]))

    async def _fetched(
        self, key: _Key, operation: Operation[T], as_of: datetime, fetch: Callable[[], Awaitable[Answer[T]]]
    ) -> Answer[T]:
        try:
            answer = await fetch()
        finally:
            if (flight := self._under_way.get(key)) and flight[1] is asyncio.current_task():
                del self._under_way[key]
        if isinstance(answer, Found):
            self._kept[key] = _Kept(answer.value, as_of, self._time() + operation.keep)
            self._kept.move_to_end(key)
            while len(self._kept) > self._bounds.kept:
                self._kept.popitem(last=False)
        return answer

    async def _gathered(self, shop: str, operation: Operation[Nodes[T]], gid: str) -> Answer[T]:
        batch = self._batches.get((shop, operation.name))
        if batch is None or len(batch) >= self._bounds.nodes_at_once:
            batch = {}
            self._batches[shop, operation.name] = batch
            self._start(self._send_batch(shop, operation, batch))
        future = batch.setdefault(gid, asyncio.get_running_loop().create_future())
        return cast("Answer[T]", await future)

    async def _send_batch(
        self, shop: str, operation: Operation[Nodes[T]], batch: dict[str, asyncio.Future[Any]]
    ) -> None:
        await asyncio.sleep(self._bounds.linger)
        if self._batches.get((shop, operation.name)) is batch:
            del self._batches[shop, operation.name]
        answer = await self._fly(shop, operation, {"ids": list(batch)})
        nodes = answer.value.nodes if isinstance(answer, Found) else ()
        for index, future in enumerate(batch.values()):
            found = nodes[index] if index < len(nodes) else None
            if not future.done():
                future.set_result(_node(answer, found))

    async def _fly(self, domain: str, operation: Operation[T], variables: Mapping[str, object]) -> Answer[T]:
        shop = self._shops.get(domain)
        if shop is None:
            return Denied("no Admin access is configured for this shop")
        try:
            async with asyncio.timeout(self._bounds.timeout.total_seconds()), shop.room:
                if (closed := self._closed(shop)) is not None:
                    return closed
                return self._judged(shop, await self._asked(shop, operation, variables))
        except TimeoutError:
            detail = f"no answer within {self._bounds.timeout.total_seconds():g} s"
            return self._judged(shop, Unavailable(detail))

    async def _asked(self, shop: _Shop, operation: Operation[T], variables: Mapping[str, object]) -> Answer[T]:
        """Waits for the bucket, asks, and asks again a few times while throttled all the same."""
        answer: Answer[T] = Unavailable("not asked")
        for _ in range(_TRIES_THROTTLED):
            cost = shop.costs.get(operation.name, _UNKNOWN_COST)
            wait = shop.bucket.reserve(cost, self._time())
            if wait > self._bounds.timeout.total_seconds() / 2:
                shop.bucket.give_back(cost)
                return Throttled(timedelta(seconds=wait))
            try:
                await asyncio.sleep(wait)
            except asyncio.CancelledError:
                shop.bucket.give_back(cost)
                raise
            answer = await self._sent(shop, operation, variables, cost)
            if not isinstance(answer, Throttled):
                break
            await asyncio.sleep(answer.after.total_seconds())
        return answer

    async def _sent(
        self, shop: _Shop, operation: Operation[T], variables: Mapping[str, object], cost: float
    ) -> Answer[T]:
        body = {"query": self._documents[operation.name], "operationName": operation.name, "variables": variables}
        headers = {"X-Shopify-Access-Token": shop.access.token, "Content-Type": "application/json"}
        status: ThrottleStatus | None = None
        try:
            async with self._session.post(
                shop.access.url, data=msgspec.json.encode(body), headers=headers, allow_redirects=False
            ) as response:
                if response.status != 200:
                    return refusal(response.status)
                envelope = self._decoder(operation).decode(await response.read())
        except (aiohttp.ClientError, OSError) as error:
            return Unavailable(type(error).__name__)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Unavailable(f"unreadable answer to {operation.name}: {error}", answered=True)
        else:
            spent = envelope.extensions.cost if envelope.extensions else None
            status = spent.throttle_status if spent else None
            if spent and spent.requested_query_cost:
                shop.costs[operation.name] = spent.requested_query_cost
            return answer_of(envelope, max(0.1, cost / shop.bucket.restore_rate))
        finally:
            shop.bucket.settle(cost, status, self._time())

    def _decoder(self, operation: Operation[T]) -> msgspec.json.Decoder[Envelope[T]]:
        if operation.name not in self._decoders:
            self._decoders[operation.name] = msgspec.json.Decoder(Envelope[operation.answer])  # type: ignore[name-defined]
        return self._decoders[operation.name]

    def _closed(self, shop: _Shop) -> Refused | Shut | Unavailable | None:
        """What to answer without asking; None lets the question through, and holds back the others meanwhile."""
        if shop.bad is None:
            return None
        if self._time() < shop.closed_until:
            return shop.bad
        shop.closed_until = self._time() + self._bounds.probe_every.total_seconds()
        return None

    def _judged(self, shop: _Shop, answer: Answer[T]) -> Answer[T]:
        """The shop's standing after an answer: no for all questions closes at once, silence after three failures."""
        probe = self._bounds.probe_every.total_seconds()
        match answer:
            case Refused() | Shut():
                shop.bad, shop.closed_until = answer, self._time() + probe
            case Unavailable(answered=False):
                shop.failures += 1
                if shop.failures >= _FAILURES_BORNE and not isinstance(shop.bad, Refused | Shut):
                    pause = min(probe, 2.0 ** (shop.failures - _FAILURES_BORNE))
                    shop.bad, shop.closed_until = answer, self._time() + pause
            case _:
                shop.bad, shop.failures = None, 0
        return answer

    def _start(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @staticmethod
    def _time() -> float:
        return asyncio.get_running_loop().time()


def _node(answer: Answer[Nodes[T]], found: T | None) -> Answer[T]:
    if isinstance(answer, Found):
        return Missing() if found is None else Found(found)
    return answer
