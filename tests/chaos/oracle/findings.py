"""What a judgement comes to: what was found wrong, and how much was looked at, so that nothing passes unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

#: Of one promise so many findings are told; of the others it is said how many there are.
_TOLD = 20


class Promise(StrEnum):
    """What was to hold."""

    RECEIVED = "received"
    """A delivery that was answered 200 stands on a raw topic, where it belongs."""
    LOST = "lost"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"
    PLACED = "placed"
    """A record is on the partition of its key."""
    RIGHT = "right"
    """What stands there is what must be there, byte for byte, and nothing else."""
    JOURNALED = "journaled"
    """The journal tells what every transaction took: without a gap, nothing twice, never back in time."""
    TIMED = "timed"
    """A timer fires once for each setting, not before it is due, and not never."""
    REMEMBERED = "remembered"
    """The state is what a rebuild gives."""
    POSITIONED = "positioned"
    """State and group agree on how far a task has read."""
    SENT = "sent"
    """OpenText got each notification once, in order, and nothing else."""


class Finding(Struct, frozen=True):
    """`where` is a position or a name; `says` one sentence."""

    promise: Promise
    where: str
    says: str

    def __str__(self) -> str:
        return f"{self.promise.value:<11} {self.where}: {self.says}"


@dataclass(frozen=True)
class Verdict:
    """`totals`: all findings by promise, also those that are not told. `compared`: by check; a nought proves nothing.

    `seen` is what there was besides, for a person to judge whether the run was a hard one.
    """

    findings: tuple[Finding, ...]
    totals: dict[Promise, int]
    compared: dict[str, int]
    seen: dict[str, int]

    @property
    def empty(self) -> tuple[str, ...]:
        """Checks that had nothing to compare."""
        return tuple(name for name, count in self.compared.items() if not count)

    @property
    def holds(self) -> bool:
        return not self.findings and not self.empty

    def lines(self) -> Iterator[str]:
        yield from (f"compared    {count:>9,} {name}" for name, count in self.compared.items())
        yield from (f"seen        {count:>9,} {name}" for name, count in self.seen.items())
        yield from (f"nothing     was compared: {name}" for name in self.empty)
        yield from map(str, self.findings)
        told = Counter(finding.promise for finding in self.findings)
        left = {promise: count - told[promise] for promise, count in self.totals.items() if count > told[promise]}
        yield from (f"{promise.value:<11} and {count:,} more" for promise, count in left.items())
        yield "holds" if self.holds else "DOES NOT HOLD"


@dataclass
class Sheet:
    """Where checks write down what they find and how much they compared."""

    findings: list[Finding] = field(default_factory=list)
    totals: Counter[Promise] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)

    def looks_at(self, *checks: str) -> None:
        """These will compare something, or the verdict says that they had nothing."""
        for check in checks:
            self.compared[check] += 0

    def find(self, promise: Promise, where: object, says: str) -> None:
        self.totals[promise] += 1
        if self.totals[promise] <= _TOLD:
            self.findings.append(Finding(promise, str(where), says))

    def verdict(self) -> Verdict:
        return Verdict(tuple(self.findings), dict(self.totals), dict(self.compared), dict(self.seen))
