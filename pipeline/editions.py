"""A stage as it is by one configuration after the other: which edition holds, and which are still in use.

The order is that of the `config` topic: an edition's number is its offset there. A task never goes back to a smaller
number than the one that its state records.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from pipeline.state import key_of
from stages.stage import CallingStage, Family, Stage


@dataclass(frozen=True, slots=True)
class Edition:
    """`number` -1 and no `hash`: there is only this one, and no state speaks of it."""

    number: int
    hash: str | None
    stage: Stage | CallingStage[Any, Any]


class Adopted(Struct, frozen=True, array_like=True):
    """The edition that a task's state was last changed by."""

    number: int
    hash: str | None


ADOPTED: Family[Adopted] = Family("adopted", Adopted)
ADOPTED_KEY = key_of("", ADOPTED.name)


class Editions:
    """Of one stage in one process. Tasks look at `newest` between two transactions."""

    def __init__(self, first: Edition) -> None:
        self.newest = first
        self._users: Counter[int] = Counter()

    def publish(self, edition: Edition) -> None:
        """From now on tasks take this one. An older one than the newest is passed over."""
        if edition.number > self.newest.number:
            self.newest = edition

    def taken(self, edition: Edition) -> None:
        self._users[edition.number] += 1

    def left(self, edition: Edition) -> None:
        self._users[edition.number] -= 1

    def in_use(self) -> frozenset[int]:
        """The numbers of those that some task works by."""
        return frozenset(number for number, users in self._users.items() if users > 0)
