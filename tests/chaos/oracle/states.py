"""The changelog's newest value of every key, against the state that a rebuild has come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from schemas import topics
from stages.stage import Family
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import Log, at
from tests.chaos.oracle.remembered import Key, Stored
from tests.chaos.oracle.works import TIMER, Bench

#: The runtime's own, which no stage sees.
RUNTIME = frozenset({"mark", "parked", "adopted", "sweep", "stopped", "receivers", "told-behind"})

Equal = Callable[[Stored, Stored], bool]


def payload_only(stands: Stored, rebuilt: Stored) -> bool:
    """Where nobody has recorded the time at which it was put."""
    return stands.payload == rebuilt.payload and bool(stands.expires) == bool(rebuilt.expires)


def payload_and_end(stands: Stored, rebuilt: Stored) -> bool:
    return stands == rebuilt


def newest_of(log: Log, stage: str, number: int) -> dict[Key, Stored]:
    found: dict[Key, Stored] = {}
    for _, key, stored in log.changes(stage, number):
        if stored is None:
            found.pop(key, None)
        else:
            found[key] = stored
    return found


def check(sheet: Sheet, log: Log, bench: Bench, families: Sequence[Family[Any]], equal: Equal) -> None:
    """What has expired may be there or not."""
    where = f"{topics.state_of(bench.name)}-{bench.number}"
    known = {TIMER.name, *(family.name for family in families)}
    marks = log.marks(bench.name, bench.number)
    now = marks[-1].time if marks else 0
    stands = newest_of(log, bench.name, bench.number)
    rebuilt = dict(bench.state.items())
    sheet.compared[f"state keys of {bench.name}"] += len(rebuilt)
    for family in sorted({key.family for key in stands} - known - RUNTIME):
        sheet.find(Promise.REMEMBERED, where, f"there is state of a family {family}, which {bench.name} does not have")
    for key in sorted({key for key in stands if key.family in known} | set(rebuilt)):
        _check_key(sheet, f"{where} {key}", (stands.get(key), rebuilt.get(key)), now, equal)
    _check_lifetimes(sheet, log, bench, families)


def _check_key(sheet: Sheet, where: str, both: tuple[Stored | None, Stored | None], now: int, equal: Equal) -> None:
    stands, must = both
    if stands is None and must is not None:
        if not 0 < must.expires <= now:
            sheet.find(Promise.REMEMBERED, where, "a rebuild has it, and the changelog has forgotten it")
    elif must is None and stands is not None:
        if not 0 < stands.expires <= now:
            sheet.find(Promise.REMEMBERED, where, "it stands on the changelog, and a rebuild does not have it")
    elif stands is not None and must is not None and not equal(stands, must):
        sheet.find(Promise.REMEMBERED, where, f"the changelog says {stands!r}, a rebuild {must!r}"[:600])


def _check_lifetimes(sheet: Sheet, log: Log, bench: Bench, families: Sequence[Family[Any]]) -> None:
    """What has a time to live ends so long after its put: a record carries its transaction's time."""
    lives = {family.name: 0 if family.ttl is None else int(family.ttl.total_seconds() * 1000) for family in families}
    for record, key, stored in log.changes(bench.name, bench.number):
        if stored is None or key.family not in lives:
            continue
        lasts = record.timestamp + lives[key.family] if lives[key.family] else 0
        if abs(stored.expires - lasts) > 1:
            says = f"{key} ends at {stored.expires}, and put at {record.timestamp} it must end at {lasts}"
            sheet.find(Promise.REMEMBERED, at(record), says)
