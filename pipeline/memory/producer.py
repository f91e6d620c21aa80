"""Those who write: transactional producers with their epochs, and the receiver's plain appender."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum

from pipeline.broker import BrokerError, Fenced, InDoubt, Refused, Unavailable
from pipeline.memory.faults import Call, Fate, Faults
from pipeline.memory.log import Outcome, Transaction
from pipeline.memory.store import Store
from schemas.records import Outgoing, Position, TopicPartition


class TransactionalId:
    """What the coordinator knows of one id: the epoch that may write, its open transaction, and the one before."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = 0
        self.open = Transaction()
        self.last = Transaction()
        self.last.settled.set()

    def take(self) -> int:
        """A new owner: earlier ones are fenced, what they left open is aborted."""
        self.epoch += 1
        if not self.open.is_empty:
            self.end(Outcome.ABORTED)
        return self.epoch

    def end(self, outcome: Outcome) -> None:
        self.last, self.open = self.open, Transaction()
        self.last.end(outcome)


class Phase(StrEnum):
    READY = "ready"
    OPEN = "open"
    """Between begin and end."""
    BROKEN = "broken"
    """A send failed: only abort is left."""
    OVER = "over"
    """Fenced, in doubt or closed: nothing is left."""


class MemoryProducer:
    """An epoch of a transactional id. Like Kafka's client it begins, and ends empty transactions, without asking."""

    def __init__(self, identity: TransactionalId, store: Store, faults: Faults) -> None:
        self._identity = identity
        self._epoch = identity.epoch
        self._store = store
        self._faults = faults
        self._phase = Phase.READY
        self._trouble: BrokerError | None = None
        self._has_written = False

    async def begin(self) -> None:
        self._expect(Phase.READY)
        self._phase = Phase.OPEN

    async def send(self, records: Sequence[Outgoing]) -> None:
        self._expect(Phase.OPEN)
        try:
            await self._send(records)
        except Fenced:
            raise
        except BrokerError as trouble:
            self._phase, self._trouble = Phase.BROKEN, trouble
            raise
        except asyncio.CancelledError:
            self._phase, self._trouble = Phase.BROKEN, Unavailable(f"{self._identity.name}: a send was given up")
            raise

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        self._expect(Phase.OPEN)
        if not self._has_written and not offsets:
            self._phase = Phase.READY
            return
        try:
            fate = await self._faults.meet(Call.COMMIT, self._identity.name)
            if not self._has_written:
                await self._markers_of_the_one_before()
        except asyncio.CancelledError:
            self._over(InDoubt(f"{self._identity.name}: a commit was given up"))
            raise
        if fate in (Fate.DONE, Fate.ANSWER_LOST) and self._is_owner:
            self._store.group(group).committed.update(offsets)
            self._identity.end(Outcome.COMMITTED)
        if fate is not Fate.DONE:
            raise self._over(InDoubt(f"{self._identity.name}: no answer to the commit"))
        self._check_epoch()
        self._phase, self._has_written = Phase.READY, False

    async def abort(self) -> None:
        self._expect(Phase.OPEN, Phase.BROKEN)
        if self._has_written:
            await self._abort()
        self._phase, self._trouble = Phase.READY, None

    async def close(self) -> None:
        """An open transaction stays open until the next owner, or a timeout (`MemoryBroker.fence`), ends it."""
        if self._phase is not Phase.OVER:
            self._over(Unavailable(f"{self._identity.name}: this producer is closed"))

    async def _send(self, records: Sequence[Outgoing]) -> None:
        fate = await self._faults.meet(Call.SEND, self._identity.name)
        if fate is Fate.UNAVAILABLE:
            raise Unavailable(f"{self._identity.name}: no answer to a send")
        await self._markers_of_the_one_before()
        self._check_epoch()
        if fate is Fate.REFUSED:
            raise Refused(f"{self._identity.name}: refused by the faults' script")
        self._store.append(records, self._identity.open)
        self._has_written = self._has_written or bool(records)
        if fate is Fate.ANSWER_LOST:
            raise Unavailable(f"{self._identity.name}: no answer to a send")

    async def _abort(self) -> None:
        fate = await self._faults.meet(Call.ABORT, self._identity.name)
        if fate in (Fate.DONE, Fate.ANSWER_LOST):
            self._check_epoch()
            self._identity.end(Outcome.ABORTED)
            self._has_written = False
        if fate is not Fate.DONE:
            raise Unavailable(f"{self._identity.name}: no answer to the abort")

    async def _markers_of_the_one_before(self) -> None:
        """With its first records, or with its offsets where it has none, a transaction waits for them, as Kafka's
        CONCURRENT_TRANSACTIONS makes it."""
        await self._identity.last.settled.wait()

    @property
    def _is_owner(self) -> bool:
        return self._epoch == self._identity.epoch

    def _check_epoch(self) -> None:
        if not self._is_owner:
            raise self._over(Fenced(f"{self._identity.name}: epoch {self._epoch}, now it is {self._identity.epoch}"))

    def _expect(self, *phases: Phase) -> None:
        if self._phase in phases:
            return
        if self._trouble is not None:
            raise self._trouble
        raise RuntimeError(f"{self._identity.name}: the transaction is {self._phase}, not {' or '.join(phases)}")

    def _over(self, trouble: BrokerError) -> BrokerError:
        self._phase, self._trouble = Phase.OVER, trouble
        return trouble


class MemoryAppender:
    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    async def append(self, record: Outgoing) -> Position:
        fate = await self._faults.meet(Call.APPEND, record.topic)
        if fate is Fate.REFUSED:
            raise Refused(f"{record.topic}: refused by the faults' script")
        if fate is Fate.UNAVAILABLE:
            raise Unavailable(f"{record.topic}: no answer to an append")
        (offset,) = self._store.append([record], None)
        if fate is Fate.ANSWER_LOST:
            raise Unavailable(f"{record.topic}: no answer to an append")
        return Position(record.topic, record.partition, offset)

    async def close(self) -> None:
        """Nothing is held."""
