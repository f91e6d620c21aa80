"""The end of a client, within a bound. aiokafka's own `stop` waits for a broker for ever where there is none.

After the bound its tasks are cancelled and its connections cut. What it had not sent is not sent any more: an open
transaction is ended by the next owner or by its timeout, a member that could not say goodbye by its session's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

_ROUNDS = 50
_ROUND_SECONDS = 0.1


async def end(client: AIOKafkaProducer | AIOKafkaConsumer, within: float) -> None:
    stopping = asyncio.create_task(client.stop())
    try:
        await asyncio.wait({stopping}, timeout=within)
    finally:
        parts = _parts(client)
        if stopping.done():
            _look_at(stopping)
        else:
            stopping.cancel()
        if _tasks_of(parts) or not stopping.done():
            await _cut(client, stopping, parts)
        for future in _unheard(client):
            _look_at(future)


def _parts(client: AIOKafkaProducer | AIOKafkaConsumer) -> list[object]:
    """The objects whose methods run as tasks of the client. It keeps no list of them."""
    names = ("_sender", "_message_accumulator", "client", "_coordinator", "_fetcher", "_client")
    return [part for name in names if (part := getattr(client, name, None)) is not None]


async def _cut(client: AIOKafkaProducer | AIOKafkaConsumer, stopping: asyncio.Task[None], parts: list[object]) -> None:
    for _ in range(_ROUNDS):
        tasks = {*_tasks_of(parts), stopping}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=_ROUND_SECONDS)
        if stopping.done() and not _tasks_of(parts):
            break
    _look_at(stopping)
    connections = client.client if isinstance(client, AIOKafkaProducer) else client._client
    await asyncio.wait({asyncio.create_task(connections.close())}, timeout=_ROUND_SECONDS)


def _tasks_of(parts: Iterable[object]) -> list[asyncio.Task[object]]:
    owners = {id(part) for part in parts}
    found = []
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame is not None and id(frame.f_locals.get("self")) in owners:
            found.append(task)
    return found


def _unheard(client: AIOKafkaProducer | AIOKafkaConsumer) -> Iterator[asyncio.Future[None]]:
    """Futures that a fenced producer fails without anybody waiting for them."""
    if not isinstance(client, AIOKafkaProducer):
        return
    manager = client._txn_manager
    if manager is not None and manager._transaction_waiter is not None:
        yield manager._transaction_waiter
    for batches in client._message_accumulator._batches.values():
        yield from (batch._drain_waiter for batch in batches)


def _look_at(future: asyncio.Future[None]) -> None:
    """An error that nobody has looked at is complained of by asyncio. Whoever had to know has been told."""
    if not future.done() or future.cancelled():
        return
    error = future.exception()
    if error is not None and not isinstance(error, KafkaError | OSError):
        raise error
