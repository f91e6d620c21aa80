"""How far the whole chain is: what its first tasks say of it, and what the last one waits for.

DESIGN section 3, time, rules 3 and 4. A timer about something that did not happen in Shopify may fire only when all
that had come in until then has been read: every task at the chain's beginning says so (`Beating`), on every partition,
behind all that it has written; and a receiver has to have been there at that time (`Awaiting`). What a receiver missed
comes by Shopify's retries, up to four hours later. Not promised: anything about a delivery that Shopify gave up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from pipeline.state import Memory, View, decoded, key_of
from pipeline.surroundings import Limits, Surroundings
from pipeline.timers import Gate, Timers
from pipeline.transaction import Batch
from schemas import topics
from schemas.codec import Undecodable, decode
from schemas.records import Record, TopicPartition
from schemas.resources import SHOP_REDACT, is_erasure
from schemas.signals import ChainBeat, ChainBehind, ReceiverBeat
from stages.stage import RETRIES_LAST, Broadcast, Emit, Family, TimerKind

CHAIN_BEAT: Final = "chain-beat"
RECEIVER_BEAT: Final = "receiver-beat"
AnyBeat = ChainBeat | ReceiverBeat
_BEATS: Final[Mapping[str, type[AnyBeat]]] = {CHAIN_BEAT: ChainBeat, RECEIVER_BEAT: ReceiverBeat}

#: A receiver beats once a minute.
_AWAY_FROM: Final = timedelta(seconds=90)
#: How exactly the end of patience is known: 15 minutes are over within 10 seconds of their end.
_MARKS: Final = 90


class Receivers(Struct, frozen=True, array_like=True):
    """`seen`: until when a receiver is known to have been there. Both are business times."""

    seen: datetime
    missed_until: datetime | None = None


class Told(Struct, frozen=True, array_like=True):
    """That the chain is behind has been told; `since` is wall time.

    It is not over before the chain has passed `until`, the business time at which it was told: where nothing happens to
    wait for the chain, it is as far behind as before.
    """

    since: datetime
    until: datetime


RECEIVERS: Family[Receivers] = Family("receivers", Receivers)
TOLD_BEHIND: Family[Told] = Family("told-behind", Told)


def is_to_every_task(record: Record) -> bool:
    """Every task of a stage gets such a record: it is the runner's own, no stage sees it."""
    return record.header("ce_type") in (CHAIN_BEAT, RECEIVER_BEAT) or is_redaction(record)


def is_redaction(record: Record) -> bool:
    return record.header("ce_type") == SHOP_REDACT and is_erasure(
        SHOP_REDACT, shop_of(record), record.value, record.header("x-shopify-test")
    )


def shop_of(record: Record) -> str:
    return (record.header("ce_source") or "").removeprefix("//")


def read_beats(records: Iterable[Record]) -> tuple[list[AnyBeat], list[tuple[Record, Undecodable]]]:
    """The beats among them in order, and those that nobody can read."""
    beats: list[AnyBeat] = []
    broken: list[tuple[Record, Undecodable]] = []
    for record in records:
        if (kind := _BEATS.get(record.header("ce_type") or "")) is not None:
            try:
                beats.append(decode(record, kind))
            except Undecodable as error:
                broken.append((record, error))
    return beats, broken


class Beating:
    """One task's word about itself: everything until then that came in by its inputs is settled, and written behind."""

    def __init__(self, around: Surroundings, number: int, inputs: tuple[TopicPartition, ...]) -> None:
        self._around = around
        self._number = number
        self._inputs = inputs
        self._every = timedelta(seconds=around.limits.beat)
        self._counts = timedelta(seconds=around.limits.parked_counts)
        self._said: datetime | None = None
        self._gate: Gate | None = None
        self._settled_at: datetime | None = None

    def hurry(self) -> None:
        """Business time has stepped: whoever waits for it waits for our word now."""
        self._said = None

    @property
    def is_waiting(self) -> bool:
        """It is about to say something, and waits for what was on the log then."""
        return self._gate is not None

    def seconds_to_next(self, now: datetime) -> float:
        if self._gate is not None:
            return self._around.limits.look_again
        return 0.0 if self._said is None else (self._said + self._every - now).total_seconds()

    async def beat(
        self, batch: Batch, settled: Mapping[TopicPartition, int], is_parked: Callable[[datetime, timedelta], bool]
    ) -> None:
        """`is_parked(until, counts)`: does a record wait since `until` at the latest, and not yet for as long as it
        `counts`? What is parked later came in later: else a world that is away would hold every beat."""
        now, wall = batch.moment.now, batch.moment.wall
        if self._gate is None:
            if self._said is not None and now - self._said < self._every:
                return
            self._gate = Gate(now, wall, await self._around.watermarks(self._inputs))
            self._said = now
        if not self._gate.is_passed(settled):
            return
        self._settled_at = self._settled_at or wall
        if is_parked(self._settled_at, self._counts):
            return
        gate, self._gate, self._settled_at = self._gate, None, None
        prefix = self._around.prefix
        beat = ChainBeat(prefix, f"{prefix}/pipeline", gate.asked, gate.wall, sender=self._number)
        source = f"beat/{int(gate.asked.timestamp() * 1000)}/{int(gate.wall.timestamp() * 1000)}"
        batch.say(source, Broadcast(topics.ENRICHED, beat.subject, beat, CHAIN_BEAT))


class Patience:
    """How long ago, by wall time, a moment of the business was: for as long as anything is waited for."""

    def __init__(self, lasts: timedelta) -> None:
        self._lasts = lasts
        self._every = lasts / _MARKS
        self._marks: deque[tuple[datetime, datetime]] = deque()

    def note(self, now: datetime, wall: datetime) -> None:
        marks = self._marks
        if not marks or wall - marks[-1][1] >= self._every:
            marks.append((now, wall))
        while len(marks) > 1 and wall - marks[1][1] >= self._lasts:
            marks.popleft()

    def ended(self, wall: datetime) -> tuple[datetime, datetime] | None:
        """What was due until then has been waited for long enough: business time, and when that was by wall time."""
        return self._marks[0] if self._marks and wall - self._marks[0][1] >= self._lasts else None


class Awaiting:
    """What one task has heard of everybody before it, and what its timers about absence wait for therefore."""

    def __init__(self, memory: Memory, partitions: int, limits: Limits) -> None:
        key = key_of("", RECEIVERS.name)
        raw = memory.get(key)
        self._receivers = None if raw is None else decoded(RECEIVERS, key, raw)
        key = key_of("", TOLD_BEHIND.name)
        raw = memory.get(key)
        self._told = None if raw is None else decoded(TOLD_BEHIND, key, raw)
        self._passed: dict[int, datetime | None] = dict.fromkeys(range(partitions))
        self._patience = Patience(timedelta(seconds=limits.chain_patience))

    @property
    def passed(self) -> datetime | None:
        """Until then everybody has passed, and a receiver was there."""
        known = [*self._passed.values(), None if self._receivers is None else self._receivers.seen]
        times = [moment for moment in known if moment is not None]
        return min(times) if len(times) == len(known) else None

    @property
    def missed_until(self) -> datetime | None:
        """As in the stage's context."""
        return None if self._receivers is None else self._receivers.missed_until

    def would_change(self, beats: Iterable[AnyBeat]) -> bool:
        """Do they tell that a receiver was away?"""
        heard = self._heard(beats)
        return heard is not None and heard.missed_until != self.missed_until

    def hear(self, beats: Iterable[AnyBeat], view: View) -> None:
        for beat in beats:
            if isinstance(beat, ChainBeat) and beat.sender in self._passed:
                known = self._passed[beat.sender]
                self._passed[beat.sender] = beat.occurred if known is None else max(known, beat.occurred)
        heard = self._heard(beats)
        if heard is not None and heard != self._receivers:
            self._receivers = heard
            view.put(RECEIVERS, "", heard)

    def _heard(self, beats: Iterable[AnyBeat]) -> Receivers | None:
        known = self._receivers
        for beat in beats:
            if not isinstance(beat, ReceiverBeat):
                continue
            up_since = beat.up_since or beat.occurred
            if known is None:
                known = Receivers(beat.occurred)
                continue
            missed_until = known.missed_until
            if up_since - known.seen > _AWAY_FROM:
                missed_until = up_since + RETRIES_LAST
            known = Receivers(max(known.seen, beat.occurred), missed_until)
        return known

    # --- timers ------------------------------------------------------------------------------------------------------

    def reach(self, kind: TimerKind, now: datetime, wall: datetime) -> datetime | None:
        """Timers of that kind that were due until then need not wait for the chain any more."""
        if kind is TimerKind.DEADLINE:
            return now
        reached = [] if (passed := self.passed) is None else [passed]
        if kind is TimerKind.OUTSIDE and (ended := self._patience.ended(wall)) is not None:
            reached.append(ended[0])
        return min(now, max(reached)) if reached else None

    def has_passed(self, due: datetime) -> bool:
        return (passed := self.passed) is not None and due <= passed

    def watch(self, batch: Batch, timers: Timers, prefix: str) -> None:
        """One word to `pipeline-degraded` when a timer has waited too long, and one when none can any more.

        Before timers fire: also of one that goes on without the chain it is told what it has waited for.
        """
        now, wall = batch.moment.now, batch.moment.wall
        self._patience.note(now, wall)
        due, ended = timers.next(TimerKind.ABSENCE, TimerKind.OUTSIDE), self._patience.ended(wall)
        if self._told is not None:
            if self.has_passed(self._told.until) and (ended is None or self.has_passed(ended[0])):
                self._tell(batch, prefix, wall, behind=False)
        elif due is not None and ended is not None and due <= ended[0] and not self.has_passed(due):
            self._tell(batch, prefix, ended[1], behind=True, late=tuple(self._late(due)))

    def _late(self, due: datetime) -> Iterator[str]:
        for sender, passed in self._passed.items():
            if passed is None or passed < due:
                yield f"enrich-{sender}"
        if self._receivers is None or self._receivers.seen < due:
            yield "receiver"

    def _tell(self, batch: Batch, prefix: str, since: datetime, *, behind: bool, late: tuple[str, ...] = ()) -> None:
        moment, origin, view = batch.moment, batch.origin, batch.view()
        subject = f"{prefix}/pipeline"
        said = ChainBehind(
            prefix, subject, moment.now, moment.wall, origin.stage, origin.number, behind=behind, since=since, late=late
        )
        self._told = Told(since, moment.now) if behind else None
        if self._told is not None:
            view.put(TOLD_BEHIND, "", self._told)
        else:
            view.delete(TOLD_BEHIND, "")
        batch.write(view.change, ())
        source = f"{'behind' if behind else 'caught-up'}/{int(since.timestamp() * 1000)}"
        batch.say(source, Emit(topics.SIGNALS, subject, said, "chain-behind"))
