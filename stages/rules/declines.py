"""Attempts to pay, as a dossier knows them: which were declined, and up to when what came later has settled them.

A transaction comes again when its status changes: what was told of it last counts. A voided payment settles nothing,
and an order's own state settles only what was declined before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.facts.orders import OrderFacts
from schemas.facts.payments import TRANSACTION_FAILED, TransactionFacts
from stages.dossiers.dossier import Dossier, once
from stages.dossiers.registers import Known

CAPTURE = "capture"
_PAYING = frozenset({"sale", "authorization", CAPTURE})
_PAID = frozenset({"paid", "partially_refunded", "refunded"})


@dataclass(frozen=True, slots=True)
class Attempt:
    at: datetime
    facts: TransactionFacts


@dataclass(frozen=True, slots=True)
class Settled:
    """What was declined `until` then is over."""

    until: datetime
    how: str


@once
def last_told(dossier: Dossier) -> Sequence[Attempt]:
    """Every transaction once, as it was told of last, the oldest first; tests are none."""
    return _once(dossier.every(TransactionFacts))


@once
def declined(dossier: Dossier) -> Sequence[Attempt]:
    """Every attempt to pay that was declined, also if it has succeeded since."""
    return _once([known for known in dossier.every(TransactionFacts) if _is_decline(known.value)])


def _once(told: Sequence[Known[TransactionFacts]]) -> Sequence[Attempt]:
    newest = {known.value.id: known for known in told if not known.value.test}
    attempts = (Attempt(_when(known), known.value) for known in newest.values())
    return sorted(attempts, key=lambda attempt: (attempt.at, attempt.facts.id))


def _is_decline(facts: TransactionFacts) -> bool:
    return facts.status in TRANSACTION_FAILED and facts.kind in _PAYING


def settled(dossier: Dossier, kinds: frozenset[str] = _PAYING) -> Settled | None:
    """By money that moved (an authorization settles no failed capture), or because the order is paid."""
    successes = [
        Settled(attempt.at, "another attempt succeeded")
        for attempt in last_told(dossier)
        if attempt.facts.status == "success" and attempt.facts.kind in kinds & _PAYING
    ]
    paid = _PAID | {"authorized"} if "authorization" in kinds else _PAID
    successes += _paid_until(dossier, paid)
    return max(successes, key=lambda one: one.until, default=None)


def _paid_until(dossier: Dossier, paid: frozenset[str]) -> Iterator[Settled]:
    """Also one that costs more since. A decline does not change the order: one that it had before Shopify was asked is
    settled by the answer too."""
    for word, span in dossier.spans.get("financial", {}).items():
        if word in paid:
            yield Settled(span.last, _is(word))
    answer = dossier.facts.get("order/answer")
    if answer is None or not isinstance(answer.value, OrderFacts) or answer.value.financial not in paid:
        return
    updated, answered = answer.stamp.updated, answer.stamp.occurred
    if any(updated < attempt.at <= answered for attempt in declined(dossier)):
        yield Settled(answered, _is(answer.value.financial))


def _is(word: str) -> str:
    return f"the order is {word.replace('_', ' ')}"


def first_success(dossier: Dossier, since: datetime) -> Attempt | None:
    found = (attempt for attempt in last_told(dossier) if attempt.at >= since and attempt.facts.kind in _PAYING)
    return next((attempt for attempt in found if attempt.facts.status == "success"), None)


def parted(declines: Sequence[Attempt], by: Settled | None) -> tuple[Sequence[Attempt], Sequence[Attempt]]:
    """Those that are settled, and those that are not."""
    over = [attempt for attempt in declines if by is not None and attempt.at <= by.until]
    return over, declines[len(over) :]


def last_run(declines: Sequence[Attempt], dossier: Dossier) -> Sequence[Attempt]:
    """The newest declines with no success between them; `declines` has at least one."""
    before = [
        attempt.at
        for attempt in last_told(dossier)
        if attempt.facts.status == "success" and attempt.facts.kind in _PAYING and attempt.at < declines[-1].at
    ]
    return [attempt for attempt in declines if not before or attempt.at > max(before)]


def _when(known: Known[TransactionFacts]) -> datetime:
    return known.value.processed or known.value.created or known.stamp.occurred
