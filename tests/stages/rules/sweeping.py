"""A desk that is given another configuration, or whose shop goes, and looks through what it remembers.

As the runner does it: the keys in their order, so many in a transaction; whoever dies begins the part again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice

from pipeline.state import Change, View, split_key
from schemas.alerts import Alert
from schemas.configuration import Configuration
from schemas.signals import ShopUninstalled
from stages.classify import Classify
from stages.rules.rule import Rule
from stages.rules.table import WATCHING
from stages.stage import Context, Outcome, StartSweep, SweepCause, Visit
from tests.stages.rules.world import SHOP, Desk


class SweptDesk(Desk):
    def __init__(self, whole: Configuration | None = None, rules: Sequence[Rule] = ()) -> None:
        super().__init__(whole, rules)
        self.started: list[StartSweep] = []

    @property
    def remembered(self) -> dict[bytes, bytes]:
        return dict(self._memory._values)

    def take(
        self, whole: Configuration, digest: str = "fedcba987654", watching: Mapping[str, tuple[Rule, ...]] = WATCHING
    ) -> None:
        """The same state and timers under another configuration."""
        self._stage = Classify(whole, digest, watching)

    def sweep(self, cause: SweepCause, about: str, parts: Iterable[int] = (), times: int = 1) -> list[Alert]:
        """With `parts`, so many keys are visited in each transaction; each part `times` times."""
        swept = {family.name for family in self._stage.swept}
        entries = (split_key(key) for key in self.remembered)
        keys = iter(sorted({routing for routing, family, _ in entries if family in swept}))
        sizes = [*parts, len(self.remembered) or 1]
        raised: list[Alert] = []
        for size in sizes:
            part = list(islice(keys, size))
            for _ in range(times):
                raised += self._visited([Visit(key, cause, about) for key in part])
        self.alerts += raised
        return raised

    def reconfigure(self, whole: Configuration, rules: Sequence[Rule] = ()) -> list[Alert]:
        self.take(whole, watching={"order": tuple(rules)} if rules else WATCHING)
        return self.sweep(SweepCause.CONFIGURATION, "fedcba987654")

    def uninstalled(self, at: datetime) -> None:
        """The broadcast, and the sweep that it starts."""
        self.hears_of_end(at)
        for start in self.started:
            self.sweep(start.cause, start.about)
        self.started.clear()

    def hears_of_end(self, at: datetime) -> None:
        self.signal(ShopUninstalled(SHOP, f"{SHOP}/shop", at, at))

    def _visited(self, visits: Sequence[Visit]) -> list[Alert]:
        change, outcomes = Change(), list[Outcome]()
        for visit in visits:
            view = View(self._memory, change, self.now)
            outcomes += self._stage.visit(visit, Context(view, self.now, self.now))
            change.absorb(view.change)
        self._memory.apply(change)
        return list(self._carried_out(outcomes))

    def _carried_out(self, outcomes: Iterable[Outcome]) -> Iterable[Alert]:
        outcomes = list(outcomes)
        self.started += [outcome for outcome in outcomes if isinstance(outcome, StartSweep)]
        return super()._carried_out(outcomes)
