"""How far each task has read: what its state says, what its group says, and what it has left behind itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from schemas import topics
from schemas.records import Record
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import Log, at, is_broadcast

CHECK = "positions of tasks"
#: What the chain never stops telling itself: a run may end before the last of it is read.
_NEVER_STILL = frozenset({topics.SIGNALS, topics.RECEIPTS, topics.SENDING_STATUS})


def settled_to(log: Log, stage: str, number: int) -> Mapping[str, int]:
    """By input topic, up to where the task has settled everything."""
    marks = log.marks(stage, number)
    return marks[-1].positions if marks else {}


def settled(log: Log, stage: str, number: int, topic: str) -> Iterator[Record]:
    end = settled_to(log, stage, number).get(topic, 0)
    return (record for record in log.on(topic, number) if record.offset < end)


def check_positions(sheet: Sheet, log: Log, stage: str, inputs: Sequence[str]) -> None:
    """State and group say the same, and behind that nothing is left but what never ends."""
    sheet.looks_at(CHECK)
    group = log.committed.get(stage, {})
    for number in range(log.partitions):
        stated = settled_to(log, stage, number)
        committed = {place.topic: offset for place, offset in group.items() if place.partition == number}
        for topic in inputs:
            sheet.compared[CHECK] += 1
            if stated.get(topic, 0) != committed.get(topic, 0):
                says = f"{stage} stands at {stated.get(topic)} by its state, and at {committed.get(topic)} by its group"
                sheet.find(Promise.POSITIONED, f"{topic}-{number}", says)
            _check_rest(sheet, log.on(topic, number), stage, stated.get(topic, 0))


def _check_rest(sheet: Sheet, records: Sequence[Record], stage: str, reached: int) -> None:
    rest = [record for record in records if record.offset >= reached and not is_broadcast(record)]
    if not rest:
        return
    sheet.seen[f"records that {stage} has not settled"] += len(rest)
    if rest[0].topic not in _NEVER_STILL:
        says = f"{stage} has not settled it and {len(rest) - 1} behind it, and stands at {reached}"
        sheet.find(Promise.LOST, at(rest[0]), says)
