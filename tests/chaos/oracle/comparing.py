"""What a task must have written against what stands on the topics: lost, doubled, changed, out of place or order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from schemas import topics
from schemas.records import Record
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import Log, at, is_broadcast, rejected
from tests.chaos.oracle.works import Written, dead_name, written

Place = tuple[str, int]


class Standing(NamedTuple):
    """A record, and the name by which it is compared."""

    name: str
    record: Record


def standing_of(log: Log, stage: str, number: int) -> list[Standing]:
    """Everything that a task has written for others, its dead letters too; each output partition in order."""
    found = [Standing(record.header("ce_id") or "", record) for _, record in log.made.get((stage, number), ())]
    for letter in log.on(topics.dead_of(stage), number):
        if not is_broadcast(letter):
            found.append(Standing(dead_name(*rejected(letter)), letter))
    return found


def compare(sheet: Sheet, expected: Sequence[Written], found: Sequence[Standing], left_out: Iterable[str] = ()) -> None:
    """`left_out` are headers that tell a time which nobody recorded."""
    stands: dict[str, list[Record]] = defaultdict(list)
    for name, record in found:
        stands[name].append(record)
    wanted: dict[str, list[Written]] = defaultdict(list)
    for one in expected:
        wanted[one.name].append(one)
    _compare_numbers(sheet, wanted, stands)
    ignored = frozenset(left_out)
    for name, ones in wanted.items():
        for one, record in zip(ones, stands.get(name, ()), strict=False):
            _compare_one(sheet, one, record, ignored)
    _compare_order(sheet, expected, found)


def _compare_numbers(
    sheet: Sheet, wanted: Mapping[str, Sequence[Written]], stands: Mapping[str, Sequence[Record]]
) -> None:
    for name, ones in wanted.items():
        missing = len(ones) - len(stands.get(name, ()))
        if missing > 0:
            where = f"{ones[0].topic}-{ones[0].partition}"
            sheet.find(Promise.LOST, where, f"{name} must stand there, and does not")
    for name, records in stands.items():
        for record in records[len(wanted.get(name, ())) :]:
            if name in wanted:
                sheet.find(Promise.DUPLICATED, at(record), f"{name} stands there once more, first at {at(records[0])}")
            else:
                sheet.find(Promise.RIGHT, at(record), f"{name} stands there, and nothing made it")


def _compare_one(sheet: Sheet, one: Written, record: Record, ignored: frozenset[str]) -> None:
    stands = written(record, one.name)
    if (stands.topic, stands.partition) != (one.topic, one.partition):
        sheet.find(Promise.PLACED, at(record), f"{one.name} belongs on {one.topic}-{one.partition}")
    if stands.key != one.key:
        sheet.find(Promise.RIGHT, at(record), f"{one.name} has the key {stands.key!r}, must have {one.key!r}")
    if stands.value != one.value:
        sheet.find(Promise.RIGHT, at(record), f"{one.name} says {cut(stands.value, one.value)}")
    for header in sorted({*stands.headers, *one.headers} - ignored - {"dead-at"}):
        said, must = stands.headers.get(header), one.headers.get(header)
        if said != must:
            sheet.find(Promise.RIGHT, at(record), f"{one.name} has the header {header} {said!r}, must have {must!r}")


def cut(said: bytes, must: bytes) -> str:
    """Both around the first byte in which they differ."""
    differs = next((n for n, (a, b) in enumerate(zip(said, must, strict=False)) if a != b), min(len(said), len(must)))
    begins = max(0, differs - 20)
    return f"...{said[begins : differs + 60]!r}, must say ...{must[begins : differs + 60]!r}"


def _compare_order(sheet: Sheet, expected: Sequence[Written], found: Sequence[Standing]) -> None:
    """Of what stands where it must, each once: by output partition, the first that is out of its turn."""
    turns = {one.name: turn for turn, one in enumerate(expected)}
    places = {one.name: (one.topic, one.partition) for one in expected}
    newest: dict[Place, Standing] = {}
    told: set[Place] = set()
    seen: set[str] = set()
    for one in found:
        place = (one.record.topic, one.record.partition)
        if places.get(one.name) != place or one.name in seen or place in told:
            continue
        seen.add(one.name)
        before = newest.get(place)
        if before is not None and turns[before.name] > turns[one.name]:
            told.add(place)
            sheet.find(Promise.REORDERED, at(one.record), f"{one.name} stands behind {before.name}, must stand before")
            continue
        newest[place] = one
