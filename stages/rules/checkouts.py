"""Use case 4, checkouts: those that are left, and those who come back.

Left is what has been quiet for an hour, can be written to, and became no order; Shopify is asked first. Whether a
payment had failed Shopify does not tell for checkouts: only a report from outside does. Above a value, or for a premium
customer, it is an alert of its own; the others may wait for the digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas.alerts import Audience, Severity
from schemas.facts.payments import CheckoutFacts
from schemas.questions import QuestionKind
from schemas.signals import PaymentFailedReported
from stages.rules.asked_again import asked_again, asked_no_more, silent_since
from stages.rules.payment_words import CONSENT
from stages.rules.rule import Again, Case, Clear, Due, Recovered, Said, Verdict, admin_link, details
from stages.rules.words import moment, plain, spell

_LONG = 120


@dataclass(frozen=True, slots=True)
class CheckoutAbandoned:
    """`level` 1 says that a payment failed before: finance hears of it too, also of one that is told already."""

    name: str = "checkout-abandoned"
    use_case: int = 4
    watches: frozenset[str] = frozenset({"checkout"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        checkout = case.dossier.checkout
        if (over := _came_back(case)) is not None:
            yield over
            yield Clear(over.because, "contact")
            yield asked_no_more(over.because)
        elif checkout is not None and (last := checkout.updated or checkout.created) is not None:
            yield from _left(case, checkout, last)


def _left(case: Case, checkout: CheckoutFacts, last: datetime) -> Iterator[Verdict]:
    """That there is a contact, and that it is not completed, Shopify's abandoned checkout says where no body does."""
    at = last + case.configuration.rules.payments.abandoned_after
    answer = case.dossier.checkout_answer
    about = (checkout.name or "").removeprefix("#")
    is_told = checkout.contact_known and "completed" not in checkout.absent
    if is_told or (answer is not None and answer.has_abandonment):
        level = 1 if _failures(case) else 0
        yield Due(_said(case, checkout, last), at, level=level, ask=QuestionKind.CHECKOUT, resource=about)
        yield from _asked_again(case, last, about)
    elif about:
        yield Again(at, "contact", QuestionKind.CHECKOUT, about)


def _asked_again(case: Case, last: datetime, about: str) -> Iterator[Again]:
    """Told without an answer of Shopify's."""
    answer = case.dossier.facts.get("checkout/answer")
    silent = silent_since(case.dossier, ("checkout", "abandonment"), answer.stamp if answer else None)
    if case.open and silent is not None:
        after = case.configuration.rules.payments.abandoned_after
        yield from asked_again(last, after, silent, QuestionKind.CHECKOUT, about)


def _came_back(case: Case) -> Clear | None:
    checkout, order, answer = case.dossier.checkout, case.dossier.order_of_checkout, case.dossier.checkout_answer
    last = (checkout.updated or checkout.created) if checkout else None
    if order is not None:
        return Recovered("the order was placed", at=order.completed)
    completed = [one.completed for one in (checkout, answer) if one is not None and one.completed is not None]
    if completed:
        return Recovered("the checkout was completed", at=min(completed))
    if answer is not None and answer.no_order_since is False and _is_newer(case, last):
        return Clear("the customer has ordered since")
    return None


def _is_newer(case: Case, last: datetime | None) -> bool:
    """Shopify was asked after the customer was last seen at this checkout."""
    known = case.dossier.facts.get("checkout/answer")
    return known is not None and (last is None or known.stamp.occurred >= last)


def _failures(case: Case) -> list[PaymentFailedReported]:
    return [known.value for known in case.dossier.reports(PaymentFailedReported)]


def _said(case: Case, checkout: CheckoutFacts, last: datetime) -> Said:
    failures = _failures(case)
    after = case.configuration.rules.payments.abandoned_after
    how = "after a payment failure" if failures else "and not completed"
    return Said(
        title=f"{_called(checkout)} left {how}: {checkout.total or 'amount unknown'}",
        since=last,
        severity=_severity(case, checkout),
        audiences=(Audience.RETENTION, Audience.FINANCE) if failures else (Audience.RETENTION,),
        details=details(
            amount=checkout.total,
            quiet_for=f"more than {spell(after)}, last seen {moment(last)}",
            payment_failure=_failure(failures[-1]) if failures else None,
            lines=_lines(checkout),
            marketing_consent=CONSENT[checkout.marketing_consent],
            customer=checkout.customer_id,
        ),
        next_step="Write to the customer if they agreed to be written to.",
        line=True,
        link=link_of(case, checkout),
        unknown=(
            *(() if failures else ("whether a payment failed: Shopify does not tell for checkouts",)),
            *case.unknown(customer="whether the customer is a premium one"),
        ),
    )


def _severity(case: Case, checkout: CheckoutFacts) -> Severity:
    """An alert of its own above a value; the others wait for the digest."""
    least = case.configuration.rules.payments.abandoned_alert_from
    is_single = least is not None and checkout.total is not None and checkout.total.amount >= least
    return Severity.WARNING if is_single else Severity.INFO


def _failure(report: PaymentFailedReported) -> str:
    by = f", reported by {report.reporter}" if report.reporter else ""
    why = plain(report.error)[:_LONG] if report.error else "no reason given"
    return f"{why} on {moment(report.occurred)}{by[:_LONG]}"


def _lines(checkout: CheckoutFacts) -> str:
    shown = [f"{line.quantity} x {line.title or line.sku or line.id}" for line in checkout.lines[:5]]
    more = len(checkout.lines) - len(shown)
    return ", ".join([*shown, f"and {more} more"] if more > 0 else shown)


def link_of(case: Case, checkout: CheckoutFacts) -> str:
    if checkout.customer_id is not None:
        return admin_link(case.shop, f"customers/{checkout.customer_id}")
    return admin_link(case.shop, f"checkouts/{(checkout.name or '').removeprefix('#')}")


def _called(checkout: CheckoutFacts | None) -> str:
    name = checkout.name if checkout else None
    return f"Checkout {name}" if name else "A checkout"
