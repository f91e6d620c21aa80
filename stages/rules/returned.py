"""A return as its order's dossier knows it: what each topic told, what came back, what was paid back for it.

Reverse fulfillment orders name no return: what came back belongs to the return that was looked up for it, or to the
order's only one. A disposition is known by its id where Shopify was asked; one that only a body told is another one
where its line, its kind or its number of units is. Never more units than the return has are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.facts.returns import (
    Disposition,
    DispositionFacts,
    RefundFacts,
    ReturnFacts,
    ReturnLine,
    ReverseDeliveryFacts,
)
from stages.dossiers.dossier import Dossier, once
from stages.dossiers.registers import Known
from stages.dossiers.returns import Return, step
from stages.rules.refunded import Refund, refunds_of

MISSING = "missing"
_OVER = frozenset({"declined", "canceled", "closed"})
#: What staff open is open when it is made.
_AT_ONCE = timedelta(minutes=1)
#: Most orders have none of these.
_TELLING = (ReturnFacts, ReverseDeliveryFacts, DispositionFacts, RefundFacts)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Units that came back at one time, of a line of the order where that is known."""

    at: datetime
    units: int
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """`told` None: only parcels or refunds have named it yet. `processed`: since when it is known to have come
    back, by what told no disposition. `receipts`: what is not missing, the oldest first. `names`: what it is called."""

    id: int
    told: Return | None
    processed: datetime | None
    attached: Sequence[Known[ReverseDeliveryFacts]]
    receipts: Sequence[Receipt]
    refunds: Sequence[Refund]
    seen: datetime
    names: Sequence[str]

    @property
    def facts(self) -> ReturnFacts:
        return self.told.facts if self.told else ReturnFacts(self.id)

    @property
    def name(self) -> str:
        return f"Return {next(iter(self.names), self.id)}"

    @property
    def state(self) -> str | None:
        """The newest word, also one that nobody knows yet."""
        states = self.told.states if self.told else {}
        return max(states, key=lambda word: (states[word].last, step(word)), default=None)

    @property
    def how_open(self) -> str:
        """How it came to be open last."""
        return "reopened" if self.told and self.told.turns() else "approved"

    @property
    def is_over(self) -> bool:
        return self.state in _OVER

    def began(self, word: str) -> datetime | None:
        """When it was first in that state."""
        span = self.told.states.get(word) if self.told else None
        return span.first if span else None

    @property
    def requested(self) -> datetime | None:
        """When; None: nothing tells that it was. One that was made before it was approved had been requested."""
        created, approved = self.facts.created, self.facts.approved
        was_waiting = created is not None and approved is not None and approved - created > _AT_ONCE
        return self.began("requested") or (created if was_waiting else None)

    def shown(self, topic: str, word: str) -> datetime | None:
        """When the topic, or else a next-generation Event, told of it first."""
        if self.told is None:
            return None
        span = self.told.events.get(word)
        times = (self.told.first(topic), span.first if span else None)
        return min((at for at in times if at is not None), default=None)

    @property
    def labelled(self) -> Known[ReverseDeliveryFacts] | None:
        return next((known for known in self.attached if known.value.has_tracking or known.value.has_label), None)

    @property
    def quantity(self) -> int | None:
        return self.facts.quantity

    @property
    def received_at(self) -> datetime | None:
        times = [one.at for one in self.receipts] + ([self.processed] if self.processed else [])
        return min(times, default=None)

    @property
    def received(self) -> int | None:
        """Units that came back; None where it came back and nobody counted."""
        return sum(one.units for one in self.receipts) or None

    @property
    def answered(self) -> Sequence[ReturnLine]:
        """Its lines as Shopify has counted them."""
        return self.told.counted if self.told else ()

    @property
    def paid(self) -> Sequence[Refund]:
        """Its refunds whose money has moved."""
        return [refund for refund in self.refunds if refund.has_succeeded]

    @property
    def refunded(self) -> int:
        """Units for which money has moved."""
        counted = sum(max(line.quantity, 0) for refund in self.paid for line in refund.lines)
        return max(counted, sum(line.refunded or 0 for line in self.answered))

    @property
    def paid_at(self) -> datetime | None:
        """When money last moved for it."""
        return max((one.at for refund in self.paid for one in refund.moved if one.has_succeeded), default=None)

    def earlier(self, before: datetime) -> str:
        """One return is one conversation: its states until then, with their times."""
        known = [(at, word) for at, word in self._history() if at is not None and at < before]
        told = ", ".join(f"{word} {at:%d %b at %H:%M}" for at, word in sorted(known))
        return f"{told} (UTC)" if told else ""

    def _history(self) -> Iterator[tuple[datetime | None, str]]:
        words = {"declined": "declined", "canceled": "canceled"}
        yield self.requested, "requested"
        yield from ((self.began(word), says) for word, says in words.items())
        yield self.shown("returns/approve", "open") or self.facts.approved, "approved"
        yield self.labelled.stamp.occurred if self.labelled else None, "label or tracking attached"
        yield self.received_at, "received"
        yield from ((refund.paid_at, f"refunded{refund.says}") for refund in self.paid)
        yield from self.told.turns() if self.told else ()


@once
def returns_of(dossier: Dossier) -> Sequence[Returned]:
    if not any(isinstance(known.value, _TELLING) for known in dossier.facts.values()):
        return ()
    told = {one.id: one for one in dossier.returns()}
    attached, arrivals = dossier.every(ReverseDeliveryFacts), dossier.every(DispositionFacts)
    refunds = refunds_of(dossier)
    named = {each.value.return_id for each in arrivals if _came_back(each.value.dispositions)}
    named |= {each.value.return_id for each in attached} | {refund.return_id for refund in refunds}
    ids = sorted({*told, *(number for number in named if number is not None)})
    found = []
    for number in ids:
        parcels = [each for each in attached if each.value.return_id == number]
        own = [each for each in arrivals if each.value.return_id in ({number, None} if len(ids) == 1 else {number})]
        back = told.get(number)
        facts = back.facts if back else ReturnFacts(number)
        processed = dossier.since(f"received/{number}", "yes")
        names = [facts.name, *(each.value.return_name for each in parcels), *(each.value.return_name for each in own)]
        mine = [refund for refund in refunds if refund.return_id == number]
        stamps = [each.stamp for each in (back.told if back else ())]
        stamps += [each.stamp for each in parcels] + [each.stamp for each in own]
        found.append(
            Returned(
                id=number,
                told=back,
                processed=processed,
                attached=parcels,
                receipts=_receipts(_disposed(dossier, facts, own), back, processed),
                refunds=mine,
                seen=min([*(stamp.occurred for stamp in stamps), *(refund.told for refund in mine)]),
                names=[name for name in names if name],
            )
        )
    return found


def _came_back(dispositions: Sequence[Disposition]) -> bool:
    return any(each.kind != MISSING for each in dispositions)


@once
def unplaced(dossier: Dossier) -> Sequence[Receipt]:
    """What came back for a reverse fulfillment order of which nobody can tell whose it is."""
    arrivals = dossier.every(DispositionFacts)
    return _receipts(_disposed(dossier, ReturnFacts(0), arrivals), None, None)


# --- what came back ---------------------------------------------------------------------------------------------------


def _disposed(
    dossier: Dossier, facts: ReturnFacts, arrivals: Sequence[Known[DispositionFacts]]
) -> Sequence[tuple[datetime, Disposition]]:
    """Each disposition once: those that Shopify knows, and those of bodies that are none of these."""
    reverses = {each.value.id for each in arrivals} | {each.reverse for each in facts.dispositions or ()}
    known = [each for each in dossier.disposed.values() if each.value.reverse in reverses]
    found = [(each.value.at or each.stamp.occurred, each.value) for each in known]
    told: dict[tuple[int, int | None, str, int, int], datetime] = {}
    for arrival in arrivals:
        alike: dict[tuple[int | None, str, int], int] = {}
        for each in arrival.value.dispositions:
            name = (each.part, each.kind, each.quantity)
            alike[name] = alike.get(name, 0) + 1
            if not any(_is_same(each, other.value) for other in known):
                place = (arrival.value.id, *name, alike[name])
                told[place] = min(told.get(place, arrival.stamp.occurred), arrival.stamp.occurred)
    found += [(at, Disposition(kind, units or 1, part, reverse=of)) for (of, part, kind, units, _), at in told.items()]
    return sorted(found, key=lambda each: (each[0], each[1].id or 0, each[1].part or 0))


def _is_same(told: Disposition, known: Disposition) -> bool:
    same_line = told.part is None or known.part is None or told.part == known.part
    return same_line and told.kind == known.kind and (not told.quantity or told.quantity == known.quantity)


def _receipts(
    disposed: Sequence[tuple[datetime, Disposition]], back: Return | None, processed: datetime | None
) -> Sequence[Receipt]:
    """Of what is counted both ways, more than the dispositions tell was processed without any."""
    came = [(at, each) for at, each in disposed if each.kind != MISSING and each.quantity > 0]
    receipts = [Receipt(at, each.quantity, each.line) for at, each in came]
    counted = back.counted if back else ()
    if processed is not None and counted:
        without = sum(line.processed or 0 for line in counted) - sum(each.quantity for _, each in disposed)
        line = counted[0].line if len(counted) == 1 else None
        receipts += [Receipt(processed, without, line)] if without > 0 else []
    return _at_most(back.facts.quantity if back else None, sorted(receipts, key=lambda one: one.at))


def _at_most(most: int | None, receipts: Sequence[Receipt]) -> Sequence[Receipt]:
    found = []
    left = most
    for one in receipts:
        units = one.units if left is None else min(one.units, left)
        left = None if left is None else left - units
        if units > 0:
            found.append(Receipt(one.at, units, one.line))
    return found
