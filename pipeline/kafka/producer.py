"""A transactional producer. Every batch's acknowledgement is awaited: aiokafka commits offsets even past a refused one.

A producer that Kafka itself refused something can only abort: what it would send next is out of sequence. Nobody takes
the id anew behind the back of its user, since that would fence an owner who came in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError, RequestTimedOutError

from pipeline.broker import BrokerError, Fenced, InDoubt, Refused, Unavailable
from pipeline.kafka.ending import end
from pipeline.kafka.failures import bounded, is_fenced, not_ours, told, told_of_write
from pipeline.kafka.installation import BATCH_BYTES, Installation
from pipeline.kafka.limits import Limits, require_partition, size_of
from schemas.records import Outgoing, TopicPartition

#: Seconds. All of it together stays below the transaction's timeout, at which Kafka ends it by itself.
_TAKE_WITHIN = 15.0
_SEND_WITHIN = 8.0
_END_WITHIN = 8.0
_CLOSE_WITHIN = 2.0


class Phase(StrEnum):
    READY = "ready"
    OPEN = "open"
    """Between begin and end."""
    BROKEN = "broken"
    """A send failed: only abort is left."""
    OVER = "over"
    """Fenced, in doubt, out of sequence or closed: nothing is left."""


async def take(name: str, at: Installation, limits: Limits) -> KafkaProducer:
    """Fences earlier owners of the id; what they left open is aborted before this returns. Raises Unavailable."""
    client = at.producer(name)
    try:
        async with bounded(name, _TAKE_WITHIN):
            await client.start()
    except BaseException:
        await end(client, _CLOSE_WITHIN)
        raise
    return KafkaProducer(name, client, at, limits)


class KafkaProducer:
    def __init__(self, name: str, client: AIOKafkaProducer, at: Installation, limits: Limits) -> None:
        self._name = name
        self._client = client
        self._at = at
        self._limits = limits
        self._phase = Phase.READY
        self._trouble: BrokerError | None = None
        self._is_out_of_sequence = False

    async def begin(self) -> None:
        self._expect(Phase.READY)
        async with bounded(self._name, _SEND_WITHIN):
            await self._client.begin_transaction()
        self._phase = Phase.OPEN

    async def send(self, records: Sequence[Outgoing]) -> None:
        self._expect(Phase.OPEN)
        try:
            await self._limits.require(records)
            await self._send(records)
        except Fenced as trouble:
            raise self._over(trouble) from None
        except BrokerError as trouble:
            self._phase, self._trouble = Phase.BROKEN, trouble
            raise
        except asyncio.CancelledError:
            self._phase, self._trouble = Phase.BROKEN, Unavailable(f"{self._name}: a send was given up")
            raise

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        self._expect(Phase.OPEN)
        try:
            with not_ours(self._name):
                async with asyncio.timeout(_END_WITHIN):
                    if offsets:
                        there = {self._at.there(partition): offset for partition, offset in offsets.items()}
                        await self._client.send_offsets_to_transaction(there, self._at.group_there(group))
                    await self._client.commit_transaction()
        except Unavailable as given_up:
            raise self._over(InDoubt(f"{given_up}, in the middle of a commit")) from None
        except TimeoutError:
            raise self._over(InDoubt(f"{self._name}: no answer to the commit within {_END_WITHIN:g} s")) from None
        except KafkaError as error:
            raise self._over(self._failed_commit(error)) from error
        except asyncio.CancelledError:
            self._over(InDoubt(f"{self._name}: a commit was given up"))
            raise
        self._phase = Phase.READY

    async def abort(self) -> None:
        self._expect(Phase.OPEN, Phase.BROKEN)
        try:
            async with bounded(f"{self._name}: the abort", _END_WITHIN):
                await self._client.abort_transaction()
        except BrokerError as trouble:
            raise self._over(trouble) from None
        self._phase, self._trouble = Phase.READY, None
        if self._is_out_of_sequence:
            self._over(Unavailable(f"{self._name}: Kafka refused a batch, its sequence is broken; take the id anew"))

    async def close(self) -> None:
        """An open transaction stays open until the next owner, or its timeout, ends it."""
        if self._phase is not Phase.OVER:
            self._over(Unavailable(f"{self._name}: this producer is closed"))
        await end(self._client, _CLOSE_WITHIN)

    async def _send(self, records: Sequence[Outgoing]) -> None:
        acknowledgements: list[asyncio.Future[Any]] = []
        async with bounded(f"{self._name}: a send", _SEND_WITHIN):
            for partition, batch in self._batches(records):
                there = self._at.there(partition)
                await require_partition(self._client, there)
                try:
                    sent = await self._client.send_batch(batch, there.topic, partition=there.partition)
                except (KafkaError, IllegalOperation) as error:
                    raise self._failed_write(error) from error
                # whoever gives up before the answer comes does not want to hear of it
                sent.add_done_callback(_heard)
                acknowledgements.append(sent)
            if acknowledgements:
                await asyncio.wait(acknowledgements)
        failures = [failure for sent in acknowledgements if (failure := _failure(sent)) is not None]
        if failures:
            # the first that a person can use: the others are often only its consequence
            raise min((self._failed_write(failure) for failure in failures), key=_weight)

    def _batches(self, records: Sequence[Outgoing]) -> Iterator[tuple[TopicPartition, Any]]:
        """Batches of each partition in order; a partition's second one after the first ones of all."""
        queues: dict[TopicPartition, list[Any]] = {}
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            queue = queues.setdefault(partition, [])
            room = min(BATCH_BYTES, self._limits.of(record.topic).max_bytes)
            if not queue or (queue[-1].record_count() and queue[-1].size() + size_of(record) > room):
                queue.append(self._client.create_batch())
            queue[-1].append(
                timestamp=record.timestamp, key=record.key, value=record.value, headers=list(record.headers)
            )
        for round_ in zip_longest(*queues.values()):
            yield from ((partition, batch) for partition, batch in zip(queues, round_, strict=True) if batch)

    def _failed_write(self, error: BaseException) -> BrokerError:
        self._is_out_of_sequence = True
        return told_of_write(self._name, self._reason(error))

    def _failed_commit(self, error: BaseException) -> BrokerError:
        reason = self._reason(error)
        if is_fenced(reason):
            return told(self._name, reason)
        return InDoubt(f"{self._name}: the commit failed ({type(reason).__name__} {reason})")

    def _reason(self, error: BaseException) -> BaseException:
        """Once its sender has died the client says only that this is no time to ask."""
        sender = self._client._sender.sender_task
        if sender is not None and sender.done() and not sender.cancelled():
            return sender.exception() or error
        return error

    def _expect(self, *phases: Phase) -> None:
        if self._phase in phases:
            return
        if self._trouble is not None:
            raise self._trouble
        raise RuntimeError(f"{self._name}: the transaction is {self._phase}, not {' or '.join(phases)}")

    def _over(self, trouble: BrokerError) -> BrokerError:
        self._phase, self._trouble = Phase.OVER, trouble
        return trouble


def _weight(error: BrokerError) -> int:
    return [Fenced, Refused, Unavailable].index(type(error))


def _failure(sent: asyncio.Future[Any]) -> BaseException | None:
    """One that the client gave up is one that was not answered."""
    return RequestTimedOutError() if sent.cancelled() else sent.exception()


def _heard(sent: asyncio.Future[Any]) -> None:
    if not sent.cancelled():
        sent.exception()
