"""What can be said of every record without any stage: ids, indices, places, and the order of sources. Cheap.

Not seen here: that a record which was dropped had to be dropped, and what a record says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec

from schemas import topics
from schemas.records import Record
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import WRITTEN, Log, Made, at, is_broadcast, rejected
from tests.chaos.oracle.marks import settled
from tests.chaos.oracle.states import newest_of

#: Of all others a record may rightly leave nothing behind.
_ALWAYS_ENDS = {"enrich": (*topics.RAW, topics.QUESTIONS)}
_IDS, _PLACES, _ORDER = "ids of records", "partitions of keys", "turns of records"
_ENDS = "ends of raw records and questions"
_CALLING = frozenset({"enrich", "dispatch"})


def check(sheet: Sheet, log: Log) -> None:
    sheet.looks_at(_IDS, _PLACES, _ORDER, _ENDS)
    check_ids(sheet, log)
    check_places(sheet, log)
    check_order(sheet, log)
    check_ends(sheet, log)


def check_ids(sheet: Sheet, log: Log) -> None:
    """An id stands once. Broadcasts have theirs on each partition. The indices of a source go from 0 without a gap."""
    first: dict[tuple[str, str], Record] = {}
    for record in log.of(*WRITTEN):
        name = record.header("ce_id")
        if name is None:
            continue
        sheet.compared[_IDS] += 1
        scope = f"{record.topic}-{record.partition}" if is_broadcast(record) else ""
        before = first.setdefault((scope, name), record)
        if before is not record:
            sheet.find(Promise.DUPLICATED, at(record), f"{name} stands there once more, first at {at(before)}")
    for (stage, number), written in log.made.items():
        indices: dict[str, set[int]] = defaultdict(set)
        for made, _ in written:
            indices[made.source].add(made.turn)
        for source, found in indices.items():
            for index in sorted(set(range(max(found))) - found):
                where = f"{stage}-{number}"
                sheet.find(Promise.LOST, where, f"of {source} it has written {max(found)}, and {index} stands nowhere")


def check_places(sheet: Sheet, log: Log) -> None:
    """By a murmur2 that is not ours."""
    for record in log.of(*topics.RAW, *WRITTEN):
        if record.key is None or is_broadcast(record):
            continue
        sheet.compared[_PLACES] += 1
        if (home := log.home(record.key)) != record.partition:
            sheet.find(Promise.PLACED, at(record), f"its key {record.key!r} belongs on partition {home}")


def check_order(sheet: Sheet, log: Log) -> None:
    """On each output partition, what a task made of one key of one input stands in the order of that input; what it
    made of one source, in the order of its making; the firings of a timer for calls in the order of their due times."""
    for (stage, number), written in log.made.items():
        newest: dict[tuple[str, ...], tuple[int, int]] = {}
        keys = {topic: _keys(log.on(topic, number)) for topic in _sources(written)}
        for made, record in written:
            line, turn = _turn(made, keys)
            sheet.compared[_ORDER] += 1
            place = (record.topic, str(record.partition), *line)
            if (before := newest.get(place)) is not None and turn < before:
                says = (
                    f"{stage} made it of {made.source}/{made.turn}, and something later of the same line stands before"
                )
                sheet.find(Promise.REORDERED, at(record), says)
            newest[place] = max(turn, before or turn)


def _sources(written: Sequence[tuple[Made, Record]]) -> set[str]:
    return {made.position[0] for made, _ in written if made.position is not None}


def _keys(records: Sequence[Record]) -> dict[int, str]:
    return {record.offset: (record.key or b"").decode(errors="replace") for record in records}


def _turn(made: Made, keys: dict[str, dict[int, str]]) -> tuple[tuple[str, ...], tuple[int, int]]:
    """The line in which something stands, and its place in it. A pure stage's timers may be set for a time gone by."""
    if made.position is not None:
        topic, offset = made.position
        return (topic, keys[topic].get(offset, "")), (offset, made.turn)
    name, _, moment = made.source.rpartition("/")
    if made.stage in _CALLING and moment.isdecimal():
        return (name,), (int(moment), made.turn)
    return (made.source,), (0, made.turn)


def check_ends(sheet: Sheet, log: Log) -> None:
    """Every record that its task has settled has one end: outputs, one dead letter, or it is parked."""
    for stage in topics.STAGES:
        for number in range(log.partitions):
            letters = Counter(rejected(letter) for letter in log.on(topics.dead_of(stage), number))
            sheet.seen[f"dead letters of {stage}"] += letters.total()
            for (topic, offset), count in letters.items():
                if count > 1:
                    where = f"{topics.dead_of(stage)}-{number}"
                    sheet.find(Promise.DUPLICATED, where, f"{topic}-{number}@{offset} is a dead letter {count} times")
            _check_ends(sheet, log, (stage, number), set(letters))


def _check_ends(sheet: Sheet, log: Log, task: tuple[str, int], dead: set[tuple[str, int]]) -> None:
    stage, number = task
    parked = _parked(log, stage, number)
    sheet.seen[f"records that are parked in {stage}"] += len(parked)
    ended = {made.position for made, _ in log.made.get(task, ()) if made.position is not None}
    for place in sorted((ended & dead) | (ended & parked) | (dead & parked)):
        sheet.find(Promise.DUPLICATED, f"{place[0]}-{number}@{place[1]}", f"it has two ends in {stage}")
    known = ended | dead | parked
    for topic in _ALWAYS_ENDS.get(stage, ()):
        for record in settled(log, stage, number, topic):
            if is_broadcast(record):
                continue
            sheet.compared[_ENDS] += 1
            if (topic, record.offset) not in known:
                sheet.find(Promise.LOST, at(record), f"{stage} has settled it, and nothing has come of it")


def _parked(log: Log, stage: str, number: int) -> set[tuple[str, int]]:
    """`parked` keeps topic, partition, offset, since when, and how often it was tried."""
    found: set[tuple[str, int]] = set()
    for key, stored in newest_of(log, stage, number).items():
        if key.family == "parked":
            topic, _, offset, *_ = msgspec.msgpack.decode(stored.payload, type=list[object])
            found.add((str(topic), int(str(offset))))
    return found
