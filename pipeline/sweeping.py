"""Sweeps: everything that a task remembers is looked through, a part in each transaction.

Which sweeps are under way, and up to which key each has come, is state: it goes on after a restart. What comes to be
remembered after the transaction in which a sweep has begun is not visited by it. Visiting a key twice must change
nothing, but does not happen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.state import Memory, key_of, split_key
from pipeline.surroundings import StageSpec
from pipeline.transaction import SWEEP, Batch
from schemas import subjects
from schemas.journal import Visited
from stages.stage import SweepCause, Visit


class Part(NamedTuple):
    """Keys of one sweep, in order. `erased`: all that is remembered under them is to go, instead of a visit."""

    visits: Sequence[Visit]
    erased: Sequence[bytes]


class _Left(NamedTuple):
    """What a sweep has to look through behind `last`. Asked for again, it begins anew: its state says another one."""

    last: str
    keys: list[tuple[str, list[bytes]]]


class Sweeps:
    def __init__(self, spec: StageSpec, memory: Memory, swept: Sequence[str]) -> None:
        """`swept`: the names of the families whose keys the stage visits; none for a stage without sweeps."""
        self._memory = memory
        self._swept = frozenset(swept)
        self._by_team = spec.by_team
        self._left: dict[str, _Left] = {}

    @property
    def is_idle(self) -> bool:
        return not self._memory.count(SWEEP.name)

    def next_part(self, batch: Batch, limit: int) -> Part | None:
        """The next keys of the sweep that is first by name, written down as visited; None where there is no sweep.

        What this transaction begins comes with the next one: what was settled before it is among all that is
        remembered only then.
        """
        view = batch.view()
        under_way = [(name.decode(), last) for name, last in view.scan(SWEEP, "") if not _is_begun(batch, name)]
        if not under_way:
            return None
        name, last = under_way[0]
        cause, about = _split(name)
        known = self._left.pop(name, None)
        if known is None or known.last != last:
            known = _Left(last, [entry for entry in self._found(cause, about) if entry[0] > last])
        part, left = known.keys[:limit], known.keys[limit:]
        if ends := not left:
            view.delete(SWEEP, "", name)
        else:
            self._left[name] = _Left(part[-1][0], left)
            view.put(SWEEP, "", part[-1][0], name)
        batch.write(view.change, ())
        batch.visited.append(Visited(cause.value, about, tuple(routing for routing, _ in part), ends))
        if cause is SweepCause.REDACTED and not self._by_team:
            return Part((), [key for _, keys in part for key in keys])
        return Part([Visit(routing, cause, about) for routing, _ in part], ())

    def _found(self, cause: SweepCause, about: str) -> list[tuple[str, list[bytes]]]:
        return sorted(self._concerned(cause, about))

    def _concerned(self, cause: SweepCause, about: str) -> Iterator[tuple[str, list[bytes]]]:
        for routing, keys in self._memory.by_routing().items():
            if not routing:
                continue
            is_shops = subjects.shop_of(routing) == about
            if cause is SweepCause.REDACTED and not self._by_team:
                if is_shops:
                    yield routing, keys
            elif (cause is SweepCause.CONFIGURATION or self._by_team or is_shops) and self._is_swept(keys):
                yield routing, keys

    def _is_swept(self, keys: Sequence[bytes]) -> bool:
        return any(split_key(key)[1] in self._swept for key in keys)


def _is_begun(batch: Batch, name: bytes) -> bool:
    return key_of("", SWEEP.name, name) in batch.change.values


def _split(name: str) -> tuple[SweepCause, str]:
    cause, _, about = name.partition("/")
    return SweepCause(cause), about
