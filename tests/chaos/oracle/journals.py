"""The journal of a task, read without any stage: a chain of transactions, each record of the inputs in one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from schemas import topics
from schemas.journal import Journal, Taken
from schemas.records import Record
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import Log, Mark, at
from tests.chaos.oracle.remembered import milliseconds

CHECK = "journal entries"


@dataclass(frozen=True)
class Entry:
    """One transaction, and the records that it took, in order."""

    where: str
    journal: Journal
    records: Sequence[Record]


def walk(sheet: Sheet, log: Log, stage: str, number: int, inputs: Sequence[str]) -> list[Entry]:
    """Checked: positions without gap or overlap, times, and that the changelog was where each says it was."""
    entries = list(_entries(log, stage, number))
    sheet.looks_at(CHECK)
    sheet.compared[CHECK] += len(entries)
    _check_times(sheet, entries)
    reached = _check_positions(sheet, log, number, entries, inputs)
    marks = log.marks(stage, number)
    _check_marks(sheet, entries, marks, f"state.{stage}-{number}")
    _check_end(sheet, log, number, reached, marks)
    return entries


def _entries(log: Log, stage: str, number: int) -> Iterator[Entry]:
    for record in log.on(topics.journal_of(stage), number):
        journal = msgspec.json.decode(record.value or b"", type=Journal)
        taken = [one for part in journal.taken for one in _taken(log, number, part)]
        yield Entry(at(record), journal, taken)


def _taken(log: Log, number: int, part: Taken) -> Iterator[Record]:
    records = log.on(part.topic, number)
    for record in records[first_at(records, part.first) :]:
        if record.offset >= part.next:
            return
        yield record


def first_at(records: Sequence[Record], offset: int) -> int:
    """The index of the first record at or behind `offset`."""
    low, high = 0, len(records)
    while low < high:
        middle = (low + high) // 2
        if records[middle].offset < offset:
            low = middle + 1
        else:
            high = middle
    return low


def _check_times(sheet: Sheet, entries: Sequence[Entry]) -> None:
    before: datetime | None = None
    for entry in entries:
        now = entry.journal.now
        if before is not None and now < before:
            sheet.find(Promise.JOURNALED, entry.where, f"its time {now.isoformat()} is before {before.isoformat()}")
        before = now


def _check_positions(
    sheet: Sheet, log: Log, number: int, entries: Sequence[Entry], inputs: Sequence[str]
) -> dict[str, int]:
    reached: dict[str, int] = {}
    for entry in entries:
        for part in entry.journal.taken:
            topic, first, following = part.topic, part.first, part.next
            if topic not in inputs:
                sheet.find(Promise.JOURNALED, entry.where, f"it took of {topic}, which is no input of its stage")
            stood = reached.get(topic, 0)
            if first < stood or following <= first:
                says = f"it took {topic} from {first} to {following}, and all before {stood} was taken already"
                sheet.find(Promise.JOURNALED, entry.where, says)
            for record in _taken(log, number, Taken(topic, stood, first)):
                sheet.find(Promise.JOURNALED, entry.where, f"nobody took {at(record)}, and it goes on behind it")
            reached[topic] = max(stood, following)
    return reached


def _check_marks(sheet: Sheet, entries: Sequence[Entry], marks: Sequence[Mark], where: str) -> None:
    """Each transaction writes its mark. An entry without one, or a mark without an entry, is a hole in the journal."""
    if len(entries) != len(marks):
        says = f"{len(marks)} transactions have left their mark, and {len(entries)} stand in the journal"
        sheet.find(Promise.JOURNALED, where, says)
    behind = 0
    for entry, mark in _paired(entries, marks):
        stood = entry.journal.changelog
        if not behind <= stood <= mark.first:
            says = f"it says that the changelog stood at {stood}, which was between {behind} and {mark.first}"
            sheet.find(Promise.JOURNALED, entry.where, says)
        behind = mark.offset + 1


def _paired(entries: Sequence[Entry], marks: Sequence[Mark]) -> Iterator[tuple[Entry, Mark]]:
    """By their time, since one of either kind may be missing."""
    turn = 0
    for entry in entries:
        while turn < len(marks) and marks[turn].time < milliseconds(entry.journal.now):
            turn += 1
        if turn < len(marks) and marks[turn].time == milliseconds(entry.journal.now):
            yield entry, marks[turn]
            turn += 1


def _check_end(sheet: Sheet, log: Log, number: int, reached: Mapping[str, int], marks: Sequence[Mark]) -> None:
    """What the state says is settled was taken by some transaction."""
    if not marks:
        return
    for topic, offset in marks[-1].positions.items():
        for record in _taken(log, number, Taken(topic, reached.get(topic, 0), offset)):
            sheet.find(Promise.JOURNALED, at(record), "it is settled, and no entry of the journal took it")
