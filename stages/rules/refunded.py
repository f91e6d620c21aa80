"""The movements of money back to the customer: a refund says nothing of them, its transactions do.

A transaction is told in its refund's body and by a topic of its own, and again when its status changes: the newest
word counts. A failed one is made good by a later success of at least its amount, or by several that come to it; each
success makes good one failure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from schemas.facts.payments import TRANSACTION_FAILED, TransactionFacts
from schemas.facts.returns import RefundFacts, RefundLine
from schemas.money import Money
from stages.dossiers.dossier import Dossier, once
from stages.dossiers.registers import Stamp

#: Of a refund's transactions those that give no captured money back.
_OTHER_KINDS = frozenset(
    {"void", "change", "sale", "authorization", "emv_authorization", "capture", "suggested_refund"}
)


@dataclass(frozen=True, slots=True)
class Moved:
    """One transaction. `refund` None: told without its refund."""

    id: int
    at: datetime
    status: str
    amount: Money | None
    gateway: str | None
    reason: str | None
    refund: int | None

    @property
    def has_succeeded(self) -> bool:
        return self.status == "success"

    @property
    def has_failed(self) -> bool:
        return self.status in TRANSACTION_FAILED


@dataclass(frozen=True, slots=True)
class Refund:
    """`told`: when it was heard of first. `is_linked`: whether it is of a return is known. `moved`: its money."""

    id: int
    return_id: int | None
    is_linked: bool
    at: datetime
    told: datetime
    lines: Sequence[RefundLine]
    moved: Sequence[Moved]

    @property
    def has_succeeded(self) -> bool:
        return any(one.has_succeeded for one in self.moved)

    @property
    def paid_at(self) -> datetime | None:
        """When money moved for it first."""
        return min((one.at for one in self.moved if one.has_succeeded), default=None)

    @property
    def amount(self) -> str:
        """What has moved; empty where no amount is known."""
        return total(one for one in self.moved if one.has_succeeded)

    @property
    def says(self) -> str:
        return f" {self.amount}" if self.amount else ""


def total(moved: Iterable[Moved]) -> str:
    """`129.00 USD`; amounts of several currencies one after the other."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for one in moved:
        if one.amount is not None:
            sums[one.amount.currency] += one.amount.amount
    return " and ".join(str(Money(amount, currency)) for currency, amount in sums.items())


@once
def refunds_of(dossier: Dossier) -> Sequence[Refund]:
    """Each refund once, the oldest first."""
    refunds = dossier.refunds()
    moved = movements(dossier) if refunds else ()
    found = []
    for known in refunds:
        facts, told = known.value, known.stamp.occurred
        at = facts.processed or facts.created or told
        mine = [one for one in moved if one.refund == facts.id]
        lines = facts.lines or ((RefundLine(facts.quantity),) if facts.quantity else ())
        found.append(Refund(facts.id, facts.return_id, "return_id" not in facts.absent, at, told, lines, mine))
    return sorted(found, key=lambda refund: (refund.at, refund.id))


@once
def movements(dossier: Dossier) -> Sequence[Moved]:
    """Each transaction once, the oldest first."""
    newest: dict[int, tuple[Stamp, Moved]] = {}
    refund_of: dict[int, int] = {}
    for stamp, one in (*_in_refunds(dossier), *_by_themselves(dossier)):
        if one.refund is not None:
            refund_of[one.id] = one.refund
        if one.id not in newest or stamp > newest[one.id][0]:
            newest[one.id] = (stamp, one)
    found = (replace(one, refund=refund_of.get(one.id)) for _, one in newest.values())
    return sorted(found, key=lambda one: (one.at, one.id))


def made_good(moved: Sequence[Moved]) -> Mapping[int, Moved]:
    """Failed transaction -> the success with which the money has come after all."""
    left = [one for one in moved if one.has_succeeded]
    found: dict[int, Moved] = {}
    for failed in (one for one in moved if one.has_failed):
        if taken := _standing_for(failed, [one for one in left if _is_later(one, failed)]):
            left = [one for one in left if one not in taken]
            found[failed.id] = taken[-1]
    return found


def _is_later(success: Moved, failed: Moved) -> bool:
    """The other parts of the refund that failed in part have moved at its own time, and stand for themselves."""
    if failed.refund is not None and success.refund == failed.refund:
        return success.at > failed.at
    return success.at >= failed.at


def _standing_for(failed: Moved, later: Sequence[Moved]) -> Sequence[Moved]:
    wanted = failed.amount
    if wanted is None or any(one.amount is None for one in later[:1]):
        return later[:1]
    alike = [(one, one.amount.amount) for one in later if one.amount and one.amount.currency == wanted.currency]
    if (whole := next((one for one, amount in alike if amount >= wanted.amount), None)) is not None:
        return [whole]
    taken, reached = [], Decimal()
    for one, amount in alike:
        taken.append(one)
        reached += amount
        if reached >= wanted.amount:
            return taken
    return []


def _in_refunds(dossier: Dossier) -> Iterator[tuple[Stamp, Moved]]:
    for known in dossier.every(RefundFacts):
        refund = known.value
        at = refund.processed or refund.created or known.stamp.occurred
        for one in refund.transactions:
            if one.kind not in _OTHER_KINDS:
                reason = one.error_code or one.message
                when = one.processed or at
                yield known.stamp, Moved(one.id, when, one.status, one.amount, one.gateway, reason, refund.id)


def _by_themselves(dossier: Dossier) -> Iterator[tuple[Stamp, Moved]]:
    for known in dossier.every(TransactionFacts):
        one = known.value
        if one.kind == "refund" and not one.test:
            at = one.processed or one.created or known.stamp.occurred
            reason = one.error_code or one.message
            yield known.stamp, Moved(one.id, at, one.status, one.amount, one.gateway, reason, None)
