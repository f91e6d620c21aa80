"""A return as its order's dossier knows it: what each topic told, what came back, what was paid back for it.

Reverse fulfillment orders name no return: what came back belongs to the return that was looked up for it, or to the
order's only one. How many units one disposition body counts is documented by a single sample: never more than the
return has are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.facts import DispositionFacts, RefundFacts, ReverseDeliveryFacts
from stages.dossiers.dossier import Dossier, Return
from stages.dossiers.registers import Known
from stages.rules.refunded import Moved, movements

MISSING = "missing"
_OVER = frozenset({"declined", "canceled", "closed"})
_TOPICS = {
    "returns/request": "requested",
    "returns/approve": "approved",
    "returns/decline": "declined",
    "returns/cancel": "canceled",
    "returns/close": "closed",
    "returns/reopen": "reopened",
}


@dataclass(frozen=True, slots=True)
class Returned:
    """`told` None: only parcels or refunds have named it yet. `processed`: since when it is known to have come
    back, by what told no disposition. `arrivals`: at least one unit that is not missing."""

    id: int
    told: Return | None
    processed: datetime | None
    attached: Sequence[Known[ReverseDeliveryFacts]]
    arrivals: Sequence[Known[DispositionFacts]]
    refunds: Sequence[Known[RefundFacts]]
    moved: Sequence[Moved]

    @property
    def name(self) -> str:
        names = [self.told.facts.name if self.told else None]
        names += [known.value.return_name for known in self.attached]
        names += [known.value.return_name for known in self.arrivals]
        return f"Return {next((name for name in names if name), self.id)}"

    @property
    def state(self) -> str | None:
        """The newest word, also one that nobody knows yet."""
        states = self.told.states if self.told else {}
        return max(states, key=lambda word: (states[word].last, word != "requested"), default=None)

    @property
    def is_over(self) -> bool:
        return self.state in _OVER

    def first(self, topic: str) -> datetime | None:
        return self.told.first(topic) if self.told else None

    @property
    def seen(self) -> datetime:
        """When anything told of it first."""
        stamps = [known.stamp for known in self.told.told] if self.told else []
        stamps += [known.stamp for known in self.attached]
        stamps += [known.stamp for known in self.arrivals]
        stamps += [known.stamp for known in self.refunds]
        return min(stamp.occurred for stamp in stamps)

    @property
    def quantity(self) -> int | None:
        return self.told.facts.quantity if self.told else None

    @property
    def received_at(self) -> datetime | None:
        times = [known.stamp.occurred for known in self.arrivals]
        return min((*times, *((self.processed,) if self.processed else ())), default=None)

    @property
    def received(self) -> int | None:
        """Units that came back; None where it came back and nobody counted."""
        counted = sum(units(known.value) for known in self.arrivals)
        answered = (self.told.facts.received if self.told else None) or 0
        found = max(counted, answered)
        if not found:
            return None
        return found if self.quantity is None else min(found, self.quantity)

    @property
    def refunded(self) -> int:
        """Units for which money has moved."""
        paid = {one.refund for one in self.moved if one.has_succeeded}
        counted = sum(known.value.quantity for known in self.refunds if known.value.id in paid)
        return max(counted, (self.told.facts.refunded if self.told else None) or 0)

    @property
    def paid_at(self) -> datetime | None:
        """When money last moved for it."""
        return max((one.at for one in self.moved if one.has_succeeded), default=None)

    def earlier(self, before: datetime) -> str:
        """One return is one conversation: its states until then, with their times."""
        known = [(at, word) for topic, word in _TOPICS.items() if (at := self.first(topic)) is not None]
        known += [(each.stamp.occurred, "label or tracking attached") for each in self.attached[:1]]
        known += [(self.received_at, "received")] if self.received_at else []
        return ", ".join(f"{word} {at:%d %b at %H:%M}" for at, word in sorted(known) if at < before)


def returns_of(dossier: Dossier) -> Sequence[Returned]:
    told = {one.id: one for one in dossier.returns()}
    attached, refunds = dossier.every(ReverseDeliveryFacts), dossier.every(RefundFacts)
    arrivals = [known for known in dossier.every(DispositionFacts) if units(known.value)]
    named = [known.value.return_id for known in arrivals] + [known.value.return_id for known in refunds]
    named += [known.value.return_id for known in attached]
    ids = sorted({*told, *(number for number in named if number is not None)})
    moved, found = movements(dossier), []
    for number in ids:
        mine = {number, None} if len(ids) == 1 else {number}
        own = [known for known in refunds if known.value.return_id == number]
        paid_by = {known.value.id for known in own}
        found.append(
            Returned(
                number,
                told.get(number),
                dossier.since(f"received/{number}", "yes"),
                [known for known in attached if known.value.return_id == number],
                [known for known in arrivals if known.value.return_id in mine],
                own,
                [one for one in moved if one.refund in paid_by],
            )
        )
    return found


def units(facts: DispositionFacts) -> int:
    """Those that came back. One that counts nothing tells of one."""
    return sum(one.quantity or 1 for one in facts.dispositions if one.kind != MISSING)
