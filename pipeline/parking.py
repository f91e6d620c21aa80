"""Records that wait for the world, per key and in order: positions stand in the state, bodies on the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from pipeline.state import Memory, View, decoded, split_key
from pipeline.transaction import TIMER, Batch
from schemas.records import Position, Record
from stages.stage import Family, Retry, Timer, TimerKind

#: The timer that looks after a key's parked records.
PARKED_TIMER = "parked"


class Parked(Struct, frozen=True, array_like=True):
    """One parked record; `since` is the wall time of its first failure, None while it only waits behind another."""

    topic: str
    partition: int
    offset: int
    since: datetime | None
    attempts: int

    @property
    def position(self) -> Position:
        return Position(self.topic, self.partition, self.offset)


#: A dead token of one shop shall delay nobody else for a day: a million deliveries a day over 12 partitions are 83,000.
#: Some 1.4 KB each with their timers, so 140 MB in one task. From there on the partition stands still.
PARKED: Family[Parked] = Family("parked", Parked, scanned=True, most=100_000)


def routing_of(record: Record) -> str:
    return (record.key or b"").decode(errors="replace")


def is_queued(view: View, routing: str) -> bool:
    return view.ends(PARKED, routing) is not None


def head(view: View, routing: str) -> tuple[bytes, Parked]:
    """The oldest of a key that is queued, with its name. It looks at no other: thousands may stand behind it."""
    ends = view.ends(PARKED, routing)
    assert ends is not None
    entry = view.get(PARKED, routing, ends[0])
    assert entry is not None
    return ends[0], entry


def park(view: View, record: Record, retry: Retry, wall: datetime) -> None:
    """The first of its key: a timer is set to look at it again."""
    _append(view, record, wall)
    _look_again(view, routing_of(record), wall + retry.after)


def park_behind(view: View, record: Record) -> None:
    _append(view, record, None)


def again(view: View, routing: str, name: bytes, entry: Parked, due: datetime, wall: datetime) -> None:
    """Still unavailable: the head of the queue stays where it is."""
    since = entry.since or wall
    view.put(PARKED, routing, Parked(*entry.position, since, entry.attempts + 1), name)
    _look_again(view, routing, due)


def release(view: View, routing: str, name: bytes, wall: datetime) -> None:
    """The head is settled; what waited behind it follows at once."""
    view.delete(PARKED, routing, name)
    if is_queued(view, routing):
        _look_again(view, routing, wall)


def go_on(view: View, routing: str, wall: datetime) -> None:
    """Behind what was erased: what has queued up since goes on by itself."""
    if is_queued(view, routing) and view.get(TIMER, routing, PARKED_TIMER) is None:
        _look_again(view, routing, wall)


def _append(view: View, record: Record, since: datetime | None) -> None:
    routing = routing_of(record)
    ends = view.ends(PARKED, routing)
    number = 0 if ends is None else int.from_bytes(ends[1], "big") + 1
    entry = Parked(*record.position, since, 0 if since is None else 1)
    view.put(PARKED, routing, entry, number.to_bytes(8, "big"))


def _look_again(view: View, routing: str, due: datetime) -> None:
    timer = Timer(routing=routing, name=PARKED_TIMER, due=due, kind=TimerKind.RETRY)
    view.put(TIMER, routing, timer, PARKED_TIMER)


def is_park_timer(timer: Timer) -> bool:
    return timer.name == PARKED_TIMER and timer.kind is TimerKind.RETRY


class Waiting:
    """Since when what is parked has waited, without looking through all of it in every transaction."""

    def __init__(self, memory: Memory) -> None:
        self._since = dict(_since(memory.items(PARKED.name)))

    def is_fresh(self, batch: Batch, until: datetime, counts: timedelta) -> bool:
        """Does something wait, in what is committed or in `batch`, since then at the latest and not for so long yet?

        What waits behind another goes with that one.
        """
        wall, parked = batch.moment.wall, _parked(batch)
        self._since = {key: since for key, since in self._since.items() if wall - since < counts}
        unchanged = {key: since for key, since in self._since.items() if key not in parked}
        found = (*unchanged.values(), *dict(_since(parked.items())).values())
        return any(since <= until and wall - since < counts for since in found)

    def committed(self, batch: Batch) -> None:
        parked = _parked(batch)
        for at in parked:
            self._since.pop(at, None)
        self._since.update(_since(parked.items()))


def _parked(batch: Batch) -> dict[bytes, bytes | None]:
    """What it parks, and releases."""
    return {key: value for key, value in batch.change.values.items() if split_key(key)[1] == PARKED.name}


def _since(entries: Iterable[tuple[bytes, bytes | None]]) -> Iterator[tuple[bytes, datetime]]:
    for key, value in entries:
        if value is not None and (since := decoded(PARKED, key, value).since) is not None:
            yield key, since
