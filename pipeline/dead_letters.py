"""Dead letters: what stands on `dead.<stage>`, and the way back of each.

A letter is the rejected record, byte for byte, with headers that say why (`pipeline.transaction`). Giving it back
writes the record to the topic and partition that it came from and, in the same transaction, a marker behind the letter:
a letter with a marker is not listed and not given back again, whatever was killed in between. Whoever gives back takes
one transactional id for the whole installation, so that a second operator fences the first.

Not promised: the record's old place. It is given back as the newest of its partition, dated now, and lives as long as
any other from then on; what came after it has been worked on meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from pipeline.broker import Broker, Fenced, Producer
from schemas import topics
from schemas.reasons import RejectReason
from schemas.records import REDRIVEN_AT, Outgoing, Position, Record, TopicPartition

#: The transactional id of whoever gives back.
REDRIVE = "redrive"
#: The header of a marker: the offset of the letter, on the same partition, that has been given back.
_GIVEN_BACK = "redriven-offset"
_LETTERS = 200
_BYTES = 4 * topics.MIB


class Letter(Struct, frozen=True):
    """`position` is its own, `origin` the rejected record's; `size` is that of the body, in bytes."""

    position: Position
    stage: str
    at: datetime
    reason: str
    error: str
    kind: str
    key: str
    origin: Position
    size: int

    @property
    def has_bytes(self) -> bool:
        """Of a parked record that retention took, only its key is left: there is nothing to give back."""
        return self.reason != RejectReason.RETENTION


class Choice(Struct, frozen=True):
    """Which letters: those that fit all that is said; `positions` empty means any."""

    stages: tuple[str, ...] = topics.STAGES
    reason: str | None = None
    since: datetime | None = None
    positions: frozenset[Position] = frozenset()

    def fits(self, letter: Letter) -> bool:
        return (
            (self.reason is None or letter.reason == self.reason)
            and (self.since is None or letter.at >= self.since)
            and (not self.positions or letter.position in self.positions)
        )


class TakenOver(Fenced):
    """Another operator has begun to give letters back; `given` of ours are back, each once."""

    def __init__(self, given: int) -> None:
        super().__init__(f"somebody else gives letters back at the same time; {given} were given back before that")
        self.given = given


def letter_of(record: Record) -> Letter | None:
    """None for a marker, and for what no stage of ours has written."""
    said = dict(record.headers)
    try:
        return Letter(
            position=record.position,
            stage=said["dead-stage"].decode(),
            at=datetime.fromisoformat(said["dead-at"].decode()),
            reason=said["dead-reason"].decode(),
            error=said["dead-error"].decode(errors="replace"),
            kind=record.header("ce_type") or "",
            key=(record.key or b"").decode(errors="replace"),
            origin=Position(said["dead-topic"].decode(), int(said["dead-partition"]), int(said["dead-offset"])),
            size=len(record.value or b""),
        )
    except (KeyError, ValueError):
        return None


def original_headers(record: Record) -> tuple[tuple[str, bytes], ...]:
    """The headers that the rejected record had, but for what an earlier redrive has added."""
    return tuple(
        (name, value) for name, value in record.headers if not name.startswith("dead-") and name != REDRIVEN_AT
    )


async def letters(broker: Broker, choice: Choice) -> list[Letter]:
    """Those that nobody has given back yet, newest last. Raises what the broker raises."""
    found: list[Letter] = []
    for partition in _partitions(broker, choice):
        end = (await broker.stable_ends([partition]))[partition]
        found += (letter for letter in (await _standing(broker, partition, end)).values() if choice.fits(letter))
    return sorted(found, key=lambda letter: (letter.at, letter.position))


async def show(broker: Broker, position: Position) -> tuple[Letter, Record, bool] | None:
    """The letter, its bytes, and whether it has been given back; None where no letter stands."""
    if position.partition >= broker.partitions:
        return None
    record = await broker.fetch(position)
    letter = None if record is None else letter_of(record)
    if record is None or letter is None:
        return None
    partition = TopicPartition(position.topic, position.partition)
    end = (await broker.stable_ends([partition]))[partition]
    return letter, record, position.offset in await _given_back(broker, partition, position.offset, end)


async def redrive(broker: Broker, chosen: Iterable[Letter], wall: datetime, tell: Callable[[int], None]) -> int:
    """Gives back those of `chosen` that still stand; `tell` hears after each transaction how many more are back.

    Raises TakenOver, InDoubt where one transaction is in doubt (asking again gives back what is missing), and what else
    the broker raises. In every case each letter is given back once, or still stands.
    """
    producer = await broker.producer(REDRIVE)
    given = 0
    try:
        for partition, offsets in _by_partition(chosen).items():
            async for records in _still_standing(broker, partition, offsets):
                await _give_back(producer, records, wall)
                given += len(records)
                tell(len(records))
    except Fenced as fenced:
        raise TakenOver(given) from fenced
    finally:
        await producer.close()
    return given


async def _give_back(producer: Producer, records: Sequence[Record], wall: datetime) -> None:
    now = wall.isoformat().encode()
    outgoing: list[Outgoing] = []
    for record in records:
        letter = letter_of(record)
        assert letter is not None
        origin = letter.origin
        headers = (*original_headers(record), (REDRIVEN_AT, now))
        marker = ((_GIVEN_BACK, str(record.offset).encode()), (REDRIVEN_AT, now))
        outgoing.append(Outgoing(origin.topic, origin.partition, record.key, record.value, headers))
        outgoing.append(Outgoing(record.topic, record.partition, record.key, None, marker))
    await producer.begin()
    await producer.send(outgoing)
    await producer.commit(REDRIVE, {})


async def _still_standing(
    broker: Broker, partition: TopicPartition, offsets: frozenset[int]
) -> AsyncIterator[list[Record]]:
    """Read with the id in hand, so that nobody gives back behind our back, and up to the end of the log: markers of the
    one before us may stand behind an open transaction of a task, which ends soon."""
    end = (await broker.high_watermarks([partition]))[partition]
    wanted = offsets - await _given_back(broker, partition, min(offsets), end)
    if not wanted:
        return
    taken: list[Record] = []
    size = 0
    start = max(min(wanted), (await broker.beginnings([partition]))[partition])
    async for records in broker.read(partition, start, max(wanted) + 1):
        for record in records:
            if record.offset not in wanted or (letter := letter_of(record)) is None or not letter.has_bytes:
                continue
            if taken and (len(taken) == _LETTERS or size + len(record.value or b"") > _BYTES):
                yield taken
                taken, size = [], 0
            taken.append(record)
            size += len(record.value or b"")
    if taken:
        yield taken


async def _standing(broker: Broker, partition: TopicPartition, end: int) -> dict[int, Letter]:
    start = (await broker.beginnings([partition]))[partition]
    found: dict[int, Letter] = {}
    async for records in broker.read(partition, start, end):
        for record in records:
            if (letter := letter_of(record)) is not None:
                found[record.offset] = letter
            elif (offset := _marked(record)) is not None:
                found.pop(offset, None)
    return found


async def _given_back(broker: Broker, partition: TopicPartition, start: int, end: int) -> frozenset[int]:
    """The letters that have markers between `start`, which may have been eaten by retention, and `end`."""
    start = max(start, (await broker.beginnings([partition]))[partition])
    found: set[int] = set()
    async for records in broker.read(partition, start, end):
        found.update(offset for record in records if (offset := _marked(record)) is not None)
    return frozenset(found)


def _marked(record: Record) -> int | None:
    said = record.header(_GIVEN_BACK)
    return int(said) if said is not None and said.isdecimal() else None


def _partitions(broker: Broker, choice: Choice) -> list[TopicPartition]:
    wanted = {TopicPartition(position.topic, position.partition) for position in choice.positions}
    every = (TopicPartition(topics.dead_of(stage), n) for stage in choice.stages for n in range(broker.partitions))
    return [partition for partition in every if not wanted or partition in wanted]


def _by_partition(chosen: Iterable[Letter]) -> Mapping[TopicPartition, frozenset[int]]:
    found: dict[TopicPartition, set[int]] = {}
    for letter in chosen:
        found.setdefault(TopicPartition(letter.position.topic, letter.position.partition), set()).add(
            letter.position.offset
        )
    return {partition: frozenset(offsets) for partition, offsets in found.items()}
