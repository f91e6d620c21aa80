"""The movements of money back to the customer: a refund says nothing of them, its transactions do.

A transaction is told in its refund's body and by a topic of its own, and again when its status changes: the newest
word counts. A failed one is made good by a later success of at least its amount; each success makes good one failure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.facts import TRANSACTION_FAILED, RefundFacts, TransactionFacts
from schemas.money import Money
from stages.dossiers.dossier import Dossier
from stages.dossiers.registers import Stamp


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


def movements(dossier: Dossier) -> Sequence[Moved]:
    """Each transaction once, the oldest first."""
    newest: dict[int, tuple[Stamp, Moved]] = {}
    refund_of: dict[int, int] = {}
    for stamp, one in (*_in_refunds(dossier), *_by_themselves(dossier)):
        if one.refund is not None:
            refund_of[one.id] = one.refund
        if one.id not in newest or stamp > newest[one.id][0]:
            newest[one.id] = (stamp, one)
    found = (_with_refund(one, refund_of) for _, one in newest.values())
    return sorted(found, key=lambda one: (one.at, one.id))


def made_good(moved: Sequence[Moved]) -> Mapping[int, Moved]:
    """Failed transaction -> the success that stands for it."""
    left = [one for one in moved if one.has_succeeded]
    found: dict[int, Moved] = {}
    for failed in (one for one in moved if one.has_failed):
        success = next((one for one in left if _stands_for(one, failed)), None)
        if success is not None:
            left.remove(success)
            found[failed.id] = success
    return found


def _stands_for(success: Moved, failed: Moved) -> bool:
    if success.at < failed.at:
        return False
    if success.amount is None or failed.amount is None:
        return True
    return success.amount.currency == failed.amount.currency and success.amount.amount >= failed.amount.amount


def _in_refunds(dossier: Dossier) -> Iterator[tuple[Stamp, Moved]]:
    for known in dossier.every(RefundFacts):
        refund = known.value
        at = refund.processed or refund.created or known.stamp.occurred
        for one in refund.transactions:
            yield (
                known.stamp,
                Moved(one.id, at, one.status, one.amount, one.gateway, one.error_code or one.message, refund.id),
            )


def _by_themselves(dossier: Dossier) -> Iterator[tuple[Stamp, Moved]]:
    for known in dossier.every(TransactionFacts):
        one = known.value
        if one.kind == "refund" and not one.test:
            at = one.processed or one.created or known.stamp.occurred
            reason = one.error_code or one.message
            yield known.stamp, Moved(one.id, at, one.status, one.amount, one.gateway, reason, None)


def _with_refund(one: Moved, refund_of: Mapping[int, int]) -> Moved:
    return Moved(one.id, one.at, one.status, one.amount, one.gateway, one.reason, refund_of.get(one.id))
