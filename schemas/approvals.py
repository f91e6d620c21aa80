"""What approvers are asked: the state that their decisions, the deadlines and the holds of an order are built on."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from schemas.money import Money


class Needed(StrEnum):
    """Which of a policy's teams have to approve."""

    ALL = "all"
    ANY = "any"
    IN_ORDER = "in-order"
    """All of them, the next one only once the one before has approved."""


class Overdue(StrEnum):
    """What happens at the deadline where nobody has decided."""

    NEXT_LEVEL = "next-level"
    REJECT = "reject"


class Asked(Struct, frozen=True):
    """A team that may decide, and until when: business time, by the team's own calendar."""

    team: str
    due: datetime


class Request(Struct, frozen=True, omit_defaults=True):
    """One question to approvers. It stands in its episode, whose id is the approval's: the same whoever works it out
    again, and another one after an end. A hold's handle has room for 64 characters, so it must be derived from the id.

    `revision` counts the questions, from 1: it rises only when more is asked for, while the alert's own counts every
    record. A decision is about one of them. `amount`, `discount` (percent, `off` of it the amount) and `country` are
    what was asked about, and stay while the order comes to less; None: not known. `was` and `was_discount`: what was
    asked about before. `asked` may decide now, `later` are the teams whose turn comes then, in that order. `at`: when
    it was asked (business time).

    What a policy says of deadlines and holds is not copied: it is read from the policy of that name.
    """

    policy: str
    revision: int
    at: datetime
    needed: Needed
    asked: tuple[Asked, ...]
    later: tuple[str, ...] = ()
    amount: Money | None = None
    was: Money | None = None
    discount: int = 0
    off: Money | None = None
    was_discount: int | None = None
    country: str | None = None

    @property
    def teams(self) -> tuple[str, ...]:
        """All that have to approve, or may."""
        return (*(each.team for each in self.asked), *self.later)
