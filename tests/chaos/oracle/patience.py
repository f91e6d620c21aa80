"""What a task had read when a timer of it fired: was everything settled that had to be read before it?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from schemas.records import Record
from schemas.signals import AnySignal, ChainBeat, ReceiverBeat
from stages.stage import Timer, TimerKind
from tests.chaos.oracle.journals import Entry, first_at
from tests.chaos.oracle.log import Log, at
from tests.chaos.oracle.remembered import milliseconds

#: A record is on the log at the latest so long after the time that it carries: its transaction lives no longer.
_WRITTEN_WITHIN = timedelta(seconds=30)
_WAIT_FOR_CHAIN = (TimerKind.ABSENCE, TimerKind.OUTSIDE)


class Patience:
    """One task's, along its journal."""

    def __init__(self, log: Log, number: int, inputs: Sequence[str]) -> None:
        self._log = log
        self._number = number
        self._reached = dict.fromkeys(inputs, 0)
        self._senders: dict[int, datetime] = {}
        self._receiver: datetime | None = None

    def read(self, entry: Entry) -> None:
        for part in entry.journal.taken:
            self._reached[part.topic] = part.next
        for record in entry.records:
            if record.header("ce_type") in ("chain-beat", "receiver-beat"):
                self._hear(record)

    def _hear(self, record: Record) -> None:
        match msgspec.json.decode(record.value or b"", type=AnySignal):
            case ChainBeat(occurred=moment, sender=sender):
                self._senders[sender] = max(moment, self._senders.get(sender, moment))
            case ReceiverBeat(occurred=moment):
                self._receiver = moment if self._receiver is None else max(moment, self._receiver)

    def complaint(self, timer: Timer, chain_passed: bool) -> str | None:
        """What is wrong with its firing now, as the end of a sentence."""
        if timer.kind is TimerKind.RETRY:
            return None
        if (unread := self._unread(timer.due)) is not None:
            return f"fired before {at(unread)} was read, which was on the log when it fell due"
        if not chain_passed and timer.kind is not TimerKind.OUTSIDE:
            return f"fired without the chain, and is of kind {timer.kind}"
        if chain_passed and timer.kind in _WAIT_FOR_CHAIN and (late := self._late(timer.due)):
            return f"fired although {', '.join(late)} had not passed its time"
        return None

    def allows(self, timer: Timer) -> bool:
        """Whether nothing but the log keeps it from firing, once it is due."""
        waits = timer.kind in _WAIT_FOR_CHAIN and bool(self._late(timer.due))
        return timer.kind is not TimerKind.RETRY and not waits

    def _unread(self, due: datetime) -> Record | None:
        latest = milliseconds(due - _WRITTEN_WITHIN)
        for topic, reached in self._reached.items():
            records = self._log.on(topic, self._number)
            following = first_at(records, reached)
            if following < len(records) and records[following].timestamp < latest:
                return records[following]
        return None

    def _late(self, due: datetime) -> list[str]:
        told = {f"enrich-{number}": self._senders.get(number) for number in range(self._log.partitions)}
        told["the receiver"] = self._receiver
        return [name for name, moment in told.items() if moment is None or moment < due]
