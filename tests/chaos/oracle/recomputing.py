"""The pure stages, worked through again: what the raw history and the journal say must stand everywhere behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from schemas import topics
from stages.deduplicate import Deduplicate
from stages.stage import Stage, Timer
from tests.chaos.oracle import journals, states
from tests.chaos.oracle.comparing import compare, standing_of
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.journals import Entry
from tests.chaos.oracle.log import Log, is_broadcast
from tests.chaos.oracle.marks import settled
from tests.chaos.oracle.patience import Patience
from tests.chaos.oracle.remembered import milliseconds
from tests.chaos.oracle.works import Bench, Times, Untimely

#: So long after it is due a timer may still wait for what is on the log.
_OVERDUE_SECONDS = 120
_DEDUPLICATED = "enriched events, deduplicated again"

MadeBy = Callable[[str | None], Stage]
"""The stage as it is by the configuration of a hash."""


class Journaled(NamedTuple):
    stage: str
    inputs: Sequence[str]
    made: MadeBy


def check_deduplicate(sheet: Sheet, log: Log) -> None:
    """By its only input, in order. Its times are on no journal: what it wrote tells them, as far as it wrote."""
    stage = Deduplicate()
    sheet.looks_at(_DEDUPLICATED, "state keys of deduplicate")
    for number in range(log.partitions):
        bench = Bench("deduplicate", number, log)
        told = _times_told(log, number)
        now = datetime.fromtimestamp(0, UTC)
        for record in settled(log, "deduplicate", number, topics.ENRICHED):
            if not is_broadcast(record):
                now = max(now, told.get(record.offset, now))
                bench.take(stage, record, Times(now, now))
                sheet.compared[_DEDUPLICATED] += 1
        compare(sheet, bench.written, standing_of(log, "deduplicate", number), left_out={"ce_time"})
        states.check(sheet, log, bench, stage.families, states.payload_only)


def _times_told(log: Log, number: int) -> dict[int, datetime]:
    """By offset of what was emitted, the time of its transaction."""
    found: dict[int, datetime] = {}
    for made, record in log.made.get(("deduplicate", number), ()):
        position, said = made.position, record.header("ce_time")
        if position is not None and said is not None:
            found[position[1]] = datetime.fromisoformat(said)
    return found


def check_journaled(sheet: Sheet, log: Log, row: Journaled) -> None:
    made, newest = cache(row.made), _newest(log)
    sheet.looks_at(f"records, worked through {row.stage} again", f"state keys of {row.stage}")
    for number in range(log.partitions):
        bench = Bench(row.stage, number, log)
        entries = journals.walk(sheet, log, row.stage, number, row.inputs)
        patience = Patience(log, number, row.inputs)
        for entry in entries:
            patience.read(entry)
            _work(sheet, bench, made(entry.journal.configuration), (entry, patience))
        compare(sheet, bench.written, standing_of(log, row.stage, number))
        stage: Any = made(entries[-1].journal.configuration if entries else None)
        states.check(sheet, log, bench, stage.families, states.payload_and_end)
        _check_overdue(sheet, newest, bench, patience)


def _work(sheet: Sheet, bench: Bench, stage: Stage, by: tuple[Entry, Patience]) -> None:
    """One transaction: first what it took, then the timers that fired, then what was visited."""
    entry, patience = by
    journal = entry.journal
    times = Times(journal.now, journal.wall, journal.missed_until)
    for record in entry.records:
        if not is_broadcast(record):
            bench.take(stage, record, times)
            sheet.compared[f"records, worked through {bench.name} again"] += 1
    for fired in journal.fired:
        sheet.seen[f"timers of {bench.name} that fired"] += 1
        try:
            timer = bench.fire(stage, fired, times)
            if (complaint := patience.complaint(timer, fired.chain_passed)) is not None:
                sheet.find(Promise.TIMED, entry.where, f"{_said(timer)} {complaint}")
        except Untimely as untimely:
            sheet.find(Promise.TIMED, entry.where, str(untimely))
    for visited in journal.visited:
        sheet.seen[f"keys of {bench.name} that were visited"] += len(visited.routings)
        bench.visit(stage, visited, times)


def _check_overdue(sheet: Sheet, newest: int, bench: Bench, patience: Patience) -> None:
    """What fell due long before the newest record of all, has nobody to wait for, and is still set."""
    for timer in bench.timers():
        sheet.seen[f"timers of {bench.name} that are still set"] += 1
        late = (newest - milliseconds(timer.due)) / 1000
        if late > _OVERDUE_SECONDS and patience.allows(timer):
            where = f"{bench.name}-{bench.number}"
            sheet.find(Promise.TIMED, where, f"{_said(timer)} has not fired, {late:.0f} s after it was due")


def _newest(log: Log) -> int:
    return max((record.timestamp for record in log.of(*topics.RAW, topics.ENRICHED, topics.SIGNALS)), default=0)


def _said(timer: Timer) -> str:
    return f"the timer {timer.name} of {timer.routing}"
