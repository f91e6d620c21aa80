"""What the messages on returns say: reason, quantity, what came before, what is owed and by when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from schemas.alerts import Audience, Detail, Severity
from stages.rules.owing import owed_of
from stages.rules.refunded import total
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
    details: tuple[Detail, ...] = ()
    unknown: tuple[str, ...] = ()


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
        details=(*_details(case, happening.back, happening.before), *happening.details),
        next_step=happening.step,
        link=order_link(case),
        unknown=(*happening.unknown, *_unknown(case, happening.back)),
    )


def _unknown(case: Case, back: Returned | None) -> Iterator[str]:
    """Bodies of 2026 name neither units nor reasons; without a look nothing does."""
    if back is None:
        return
    if back.quantity is None:
        yield "how many units it has"
    if not back.facts.reasons:
        yield "why it was sent back"
    yield from case.unknown(disposed="whether Shopify counts the same units as received")


def _details(case: Case, back: Returned | None, before: datetime) -> tuple[Detail, ...]:
    if back is None:
        return details(order=order_of(case))
    facts, owed = back.facts, owed_of(case.dossier, back)
    return details(
        order=order_of(case),
        reason=", ".join(plain(reason) for reason in facts.reasons),
        quantity=back.quantity,
        lines=None if back.quantity else back.facts.line_count,
        received=back.received,
        refunded=_refunded(back),
        exchanges=facts.exchanges or None,
        tracking=tracking(back),
        owed=owed.says if owed else None,
        refund_due=f"by {moment(refund_due(case, owed.since))}" if owed else None,
        earlier=back.earlier(before),
    )


def _refunded(back: Returned) -> str | None:
    amounts = total(one for refund in back.paid for one in refund.moved if one.has_succeeded)
    return ", ".join(part for part in (str(back.refunded or ""), amounts) if part) or None


def tracking(back: Returned) -> str | None:
    """Whether a parcel can be followed; nothing where the return is over or has arrived."""
    if back.is_over or back.received_at is not None or back.state != "open":
        return None
    attached = next((known.value for known in back.attached if known.value.has_tracking), None)
    return f"attached{f', {attached.carrier}' if attached.carrier else ''}" if attached else "none is attached"


def refund_due(case: Case, received: datetime) -> datetime:
    """Whoever speaks of it: it is the deadline of `refund-due`, and runs for those who hear of that first."""
    length = case.configuration.rules.returns.refund_due_after
    return replace(case, rule="refund-due").after(received, length, Audience.FINANCE)
