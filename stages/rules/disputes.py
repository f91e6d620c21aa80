"""Use case 6, disputes: evidence that must be sent in time. Shopify tells of Shopify Payments' disputes only.

Whether the order was shipped decides whether it can still be stopped: where no webhook has told of the order, Shopify
is asked before anything is said. Deadlines are the bank's, and know no working days; before each of them Shopify is
asked whether the evidence was sent. An inquiry that becomes a chargeback needs evidence anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas.alerts import Audience, Severity
from schemas.facts.returns import DISPUTE_OVER, DisputeFacts
from schemas.questions import QuestionKind
from stages.dossiers.registers import Known
from stages.rules.priority import DISPUTED
from stages.rules.rule import Case, Clear, Due, Fire, Said, Tell, Verdict, admin_link, details
from stages.rules.words import called, moment, order_link, order_of, plain, sentence, shipped, spell
from stages.stage import TimerKind

_NEEDS = "needs_response"
_ANSWERED = DISPUTE_OVER | {"under_review"}


@dataclass(frozen=True, slots=True)
class DisputeEvidenceDue:
    """By dispute. `level` rises with each reminder before its deadline. Outcomes are told once."""

    name: str = "dispute-evidence-due"
    use_case: int = 6
    watches: frozenset[str] = frozenset({"order", "dispute"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        for known in case.dossier.disputes():
            dispute, key = known.value, str(known.value.id)
            if dispute.status in DISPUTE_OVER:
                yield Tell(_outcome(case, known), f"{key}/{dispute.kind or ''}/{dispute.status}")
            if dispute.status in _ANSWERED:
                words = plain(dispute.status)
                yield Clear(f"the dispute is {words}", key, f"{_called(case, dispute)}: {words}")
            elif (sent := _sent(case, dispute)) is not None:
                yield Clear(f"it was sent on {sent:%d %b %Y}", key, f"{_called(case, dispute)}: the evidence was sent")
            elif dispute.status == _NEEDS:
                yield from _needed(case, known)


def _sent(case: Case, dispute: DisputeFacts) -> datetime | None:
    """The evidence for what it is now: what was sent for the inquiry does not answer the chargeback that it became."""
    phases = case.dossier.spans.get(f"dispute/{dispute.id}", {})
    inquiry, chargeback = phases.get("inquiry"), phases.get("chargeback")
    if dispute.kind != "chargeback" or inquiry is None or chargeback is None or dispute.evidence_sent is None:
        return dispute.evidence_sent
    return dispute.evidence_sent if dispute.evidence_sent > chargeback.first else None


def _needed(case: Case, known: Known[DisputeFacts]) -> Iterator[Verdict]:
    dispute, key, since = known.value, str(known.value.id), known.stamp.occurred
    reminders = list(_reminders(case, dispute))
    late = 0 if key in case.open else sum(at <= case.now for at in reminders)
    said = _said(case, dispute, since, Severity.CRITICAL if late or _is_to_stop(case) else Severity.WARNING)
    if case.kind == "order" and case.dossier.order is None:
        # told at once: it is only asked first whether the order has left, and no deadline has to be waited for
        yield Due(said, since, key, late, QuestionKind.ORDER, timer=TimerKind.DEADLINE)
    else:
        yield Fire(said, key, late)
    for level, at in enumerate(reminders, 1):
        worse = _said(case, dispute, since, Severity.CRITICAL)
        yield Due(worse, at, key, level, QuestionKind.DISPUTE, key, TimerKind.OUTSIDE)


def _reminders(case: Case, dispute: DisputeFacts) -> Iterator[datetime]:
    """The earliest first. One that is learned of after some of them begins as bad as these."""
    if dispute.evidence_due is not None:
        for before in sorted(case.configuration.rules.returns.evidence_before, reverse=True):
            yield dispute.evidence_due - before


def _is_to_stop(case: Case) -> bool:
    """Nothing of it has left yet, as far as is known."""
    order = case.dossier.order
    if order is None or order.cancelled is not None or order.requires_shipping is False:
        return False
    return order.fulfillment is None and "fulfillment" not in order.absent


def _said(case: Case, dispute: DisputeFacts, since: datetime, severity: Severity) -> Said:
    to_stop = _is_to_stop(case)
    step = "Send the evidence in the admin before its deadline, or accept the dispute."
    return Said(
        title=f"{_called(case, dispute)}: evidence is needed, {_deadline(case, dispute)}",
        since=since,
        severity=severity,
        audiences=(Audience.FINANCE, Audience.OPERATIONS) if to_stop else (Audience.FINANCE,),
        details=details(
            order=order_of(case) or "not named",
            amount_at_risk=dispute.amount,
            reason=plain(dispute.reason),
            code=dispute.network_code,
            deadline=moment(dispute.evidence_due) if dispute.evidence_due else "none is known",
            shipped=shipped(case),
        ),
        next_step=f"Stop the shipment: the order has not been shipped. {step}" if to_stop else step,
        link=_link(case),
        unknown=() if case.dossier.order else ("whether the order was shipped",),
        itself=(DISPUTED,),
    )


def _outcome(case: Case, known: Known[DisputeFacts]) -> Said:
    dispute = known.value
    return Said(
        title=f"{_called(case, dispute)}: {plain(dispute.status)}",
        since=dispute.finalized or known.stamp.occurred,
        severity=Severity.INFO,
        audiences=(Audience.FINANCE,),
        details=details(
            amount=dispute.amount, reason=plain(dispute.reason), code=dispute.network_code, order=order_of(case)
        ),
        link=_link(case),
    )


def _link(case: Case) -> str:
    """Of one without an order to all disputes: its own page in the admin is not documented."""
    return order_link(case) or admin_link(case.shop, "payments/disputes")


def _called(case: Case, dispute: DisputeFacts) -> str:
    kind = sentence(plain(dispute.kind)) if dispute.kind else "Dispute"
    amount = f" over {dispute.amount}" if dispute.amount else ""
    return f"{kind}{amount}, {called(case)}" if case.kind == "order" else f"{kind} {dispute.id}{amount}"


def _deadline(case: Case, dispute: DisputeFacts) -> str:
    if dispute.evidence_due is None:
        return "no deadline is known"
    left = dispute.evidence_due - case.now
    return f"{spell(left)} left" if left.total_seconds() > 0 else f"it was due {moment(dispute.evidence_due)}"
