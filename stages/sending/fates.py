"""What becomes of a job that OpenText has: its newest receipt, and the next word on it.

Success is judged by the deliveries. Words come late, twice and in any order, from lookups and from callbacks alike:
nobody's fate goes backwards, and what says nothing new changes nothing.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from schemas.notifications import Reached, Receipt, SendingState
from stages.opentext.job_status import JobStatus

_STANDING = {
    SendingState.ACCEPTED: 0,
    SendingState.UNKNOWN: 0,
    SendingState.SENT: 1,
    SendingState.DELIVERED: 2,
    SendingState.FAILED: 2,
}
_FATES = frozenset({SendingState.DELIVERED, SendingState.FAILED})


def learned(receipt: Receipt, status: JobStatus, at: datetime) -> Receipt:
    """The receipt after a word on its job: the same one where that says nothing new. Nobody's fate goes backwards."""
    if receipt.job_id is None and status.job_id:
        receipt = replace(receipt, job_id=status.job_id, state=SendingState.ACCEPTED, at=at, detail=None)
    recipients = _merged(receipt.recipients, status.recipients)
    if recipients == receipt.recipients or all(one.state is SendingState.ACCEPTED for one in recipients):
        return receipt
    return replace(receipt, recipients=recipients, state=overall(recipients), at=at, detail=_detail(recipients))


def _merged(before: tuple[Reached, ...], told: tuple[Reached, ...]) -> tuple[Reached, ...]:
    known = {reached.ref: reached for reached in before}
    for reached in told:
        old = known.get(reached.ref)
        if old is None or (old.state not in _FATES and _STANDING[reached.state] >= _STANDING[old.state]):
            known[reached.ref] = reached
    return tuple(known.values())


def overall(recipients: tuple[Reached, ...]) -> SendingState:
    """The team's: told as well as the best of it, once nobody's way is open; failed only where nobody was reached."""
    states = {reached.state for reached in recipients}
    if states & {SendingState.ACCEPTED, SendingState.UNKNOWN}:
        return SendingState.ACCEPTED
    if SendingState.SENT in states:
        return SendingState.SENT
    return SendingState.DELIVERED if SendingState.DELIVERED in states else SendingState.FAILED


def is_final(receipt: Receipt) -> bool:
    """Nothing more can follow: every delivery has its fate. Sent is none yet, a bounce may come."""
    return bool(receipt.recipients) and all(reached.state in _FATES for reached in receipt.recipients)


def closed(receipt: Receipt, at: datetime) -> Receipt:
    """Nobody will ask again: what is known stays, and a way that is still open is unknown."""
    if receipt.state is not SendingState.ACCEPTED:
        return receipt
    return replace(receipt, state=SendingState.UNKNOWN, at=at, detail="no final state was told")


def _detail(recipients: tuple[Reached, ...]) -> str | None:
    failed = sum(reached.state is SendingState.FAILED for reached in recipients)
    return f"{failed} of {len(recipients)} recipients failed" if failed else None
