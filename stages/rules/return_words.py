"""What the messages on returns say: reason, quantity, what came before, what is owed and by when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from schemas.alerts import Audience, Detail, Severity
from stages.rules.returned import Returned
from stages.rules.rule import Case, Said, details
from stages.rules.words import moment, order_link, order_of, plain


@dataclass(frozen=True, slots=True)
class Happening:
    """A milestone, or since when a condition holds. `key` tells it from others of its kind, `title` stands alone.

    `before`: up to when the return's earlier states are named.
    """

    key: str
    at: datetime
    title: str
    step: str
    back: Returned | None
    before: datetime


def about(back: Returned, key: str, at: datetime, how: str, step: str) -> Happening:
    return Happening(key, at, f"{back.name}: {how}", step, back, at)


def lasting(case: Case, back: Returned, since: datetime, how: str, step: str) -> Happening:
    return Happening(str(back.id), since, f"{back.name}: {how}", step, back, case.now)


def said_of(
    case: Case, happening: Happening, audiences: tuple[Audience, ...], severity: Severity = Severity.INFO
) -> Said:
    return Said(
        title=happening.title,
        since=happening.at,
        severity=severity,
        audiences=audiences,
        details=_details(case, happening.back, happening.before),
        next_step=happening.step,
        link=order_link(case),
    )


def _details(case: Case, back: Returned | None, before: datetime) -> tuple[Detail, ...]:
    if back is None:
        return details(order=order_of(case))
    facts = back.told.facts if back.told else None
    return details(
        order=order_of(case),
        reason=", ".join(plain(reason) for reason in facts.reasons) if facts else None,
        quantity=back.quantity,
        received=back.received,
        refunded=back.refunded or None,
        exchanges=facts.exchanges or None if facts else None,
        tracking=_tracking(back),
        refund_due=_due(case, back),
        earlier=back.earlier(before),
    )


def _tracking(back: Returned) -> str | None:
    """Whether a parcel can be followed; nothing where the return is over or has arrived."""
    if back.is_over or back.received_at is not None or back.state != "open":
        return None
    attached = next((known.value for known in back.attached if known.value.has_tracking), None)
    return f"attached{f', {attached.carrier}' if attached.carrier else ''}" if attached else "none is attached"


def _due(case: Case, back: Returned) -> str | None:
    if back.received_at is None or (back.received is not None and back.refunded >= back.received):
        return None
    return f"by {moment(refund_due(case, back.received_at))}"


def refund_due(case: Case, received: datetime) -> datetime:
    """Whoever speaks of it: it is the deadline of `refund-due`, and runs for those who hear of that first."""
    length = case.configuration.rules.returns.refund_due_after
    return replace(case, rule="refund-due").after(received, length, Audience.FINANCE)
