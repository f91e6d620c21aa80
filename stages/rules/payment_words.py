"""What the messages on payments say: why, how often, how much is at risk, and how it ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from schemas.alerts import Audience, Severity
from schemas.money import Money
from stages.rules.declines import Attempt, Settled
from stages.rules.rule import Case, Clear, Recovered, Said, admin_link, details
from stages.rules.words import levels, moment, order_link, plain, shipped

_SHOWN = 5
_LONG = 120
#: What is said of whether a customer accepts marketing.
CONSENT = {True: "yes", False: "no", None: "not known"}


def said(
    case: Case,
    title: str,
    found: Sequence[Attempt],
    to: tuple[Audience, ...],
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
        audiences=to,
        details=details(
            **decline_details(found),
            payment=plain(order.financial) if order and order.financial else None,
            authorization_ends=moment(expires) if expires else None,
            risk=(", ".join(levels(case)) or "not known") if Audience.FRAUD_REVIEW in to else None,
            **(_for_retention(case) if Audience.RETENTION in to else {}),
            shipped=shipped(case),
            note="declined on an existing order; of declines before there is an order Shopify does not tell",
        ),
        next_step=step,
        link=order_link(case),
        unknown=() if order else ("the order's payment state and whether it was shipped",),
    )


def _for_retention(case: Case) -> Mapping[str, object]:
    order = case.dossier.order
    customer = order.customer_id if order else None
    return {
        "marketing_consent": CONSENT[order.marketing_consent if order else None],
        "customer": admin_link(case.shop, f"customers/{customer}") if customer is not None else None,
    }


def decline_details(found: Sequence[Attempt]) -> Mapping[str, object]:
    newest, shown = found[-1].facts, found[-_SHOWN:]
    clock = "%H:%M" if shown[0].at.date() == shown[-1].at.date() else "%d %b %H:%M"
    tries = ", ".join(f"{attempt.at.strftime(clock)} {reason_of(attempt)}" for attempt in shown)
    return {
        "amount_at_risk": _at_risk(found),
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


def _at_risk(found: Sequence[Attempt]) -> str:
    """Each order once, with the most that was tried on it; amounts of two currencies are no sum."""
    most: dict[tuple[int, str], Decimal] = {}
    for facts in (attempt.facts for attempt in found):
        if facts.amount is not None:
            of = (facts.order_id, facts.amount.currency)
            most[of] = max(most.get(of, facts.amount.amount), facts.amount.amount)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for (_, currency), amount in most.items():
        sums[currency] += amount
    return ", ".join(str(Money(amount, currency)) for currency, amount in sums.items())


def orders_of(case: Case, found: Sequence[Attempt]) -> Mapping[str, object]:
    """Of what is no order itself. A transaction does not tell an order's name: its number leads to it."""
    orders = tuple(dict.fromkeys(attempt.facts.order_id for attempt in found))
    links = [admin_link(case.shop, f"orders/{order}") for order in orders[-_SHOWN:]]
    return {"orders": ", ".join(map(str, orders)), "in_the_admin": ", ".join(links)}
