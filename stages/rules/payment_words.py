"""What the messages on payments say: why, how often, how much is at risk, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from schemas.alerts import Audience, Severity
from schemas.money import Money
from stages.rules.declines import Attempt, Settled
from stages.rules.rule import Case, Clear, Recovered, Said, details
from stages.rules.words import moment, order_link, plain, shipped

_SHOWN = 5
_LONG = 120


def said(
    case: Case,
    title: str,
    found: Sequence[Attempt],
    to: Audience,
    step: str,
    *,
    severity: Severity = Severity.WARNING,
) -> Said:
    order = case.dossier.order
    expires = case.dossier.payment.value.authorization_expires if case.dossier.payment else None
    return Said(
        title=title,
        since=found[0].at,
        severity=severity,
        audiences=(to,),
        details=details(
            **decline_details(found),
            payment=order.financial if order else None,
            authorization_ends=moment(expires) if expires else None,
            risk=_levels(case) if to is Audience.FRAUD_REVIEW else None,
            shipped=shipped(case),
            note="declined on an existing order; of declines before there is an order Shopify does not tell",
        ),
        next_step=step,
        link=order_link(case),
        unknown=() if order else ("the order's payment state and whether it was shipped",),
    )


def decline_details(found: Sequence[Attempt]) -> Mapping[str, object]:
    newest = found[-1].facts
    tries = ", ".join(f"{attempt.at:%H:%M} {reason_of(attempt)}" for attempt in found[-_SHOWN:])
    return {
        "amount_at_risk": _most(found),
        "reason": reason_of(found[-1]),
        "error_code": newest.error_code,
        "gateway": newest.gateway,
        "attempts": f"{len(found)} ({tries}; UTC)",
    }


def reason_of(attempt: Attempt) -> str:
    """The code, else the gateway's own words; never the raw receipt."""
    facts = attempt.facts
    if facts.error_code is not None:
        return plain(facts.error_code)
    return (facts.message or "no reason given")[:_LONG]


def ended(case: Case, over: Sequence[Attempt], by: Settled | None, key: str) -> Iterator[Clear]:
    """An order that was cancelled recovered nothing. `over`: what is settled."""
    order = case.dossier.order
    if order is not None and order.cancelled is not None:
        yield Clear("the order was cancelled", key, at=order.cancelled)
    elif by is not None and over:
        yield Recovered(by.how, key, at=by.until)


def _most(found: Sequence[Attempt]) -> Money | None:
    amounts = [attempt.facts.amount for attempt in found if attempt.facts.amount is not None]
    return max(amounts, key=lambda money: money.amount, default=None)


def _levels(case: Case) -> str:
    risk = case.dossier.risk
    return ", ".join(f"{provider}: {known.value.level}" for provider, known in sorted(risk.items())) or "not known"
