"""Use case 1: orders whose money does not come, or whose authorization runs out.

With payment terms nothing is late before its schedule says so; whether there are terms must be known. Where nobody
tells when an authorization ends, the message says what was assumed. Before any timer's alert Shopify is asked. Not yet:
the gateways' own lengths of an authorization.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from schemas.alerts import Audience, Severity
from schemas.facts import OrderFacts, PaymentScheduleFacts, PaymentTermsFacts
from schemas.questions import QuestionKind
from stages.dossiers.dossier import Dossier
from stages.rules.order_wording import (
    ORDER,
    called,
    cancelled,
    delayed,
    for_operations,
    foreign_holds,
    fulfillment,
    held_since,
    link,
)
from stages.rules.parcels import parcels
from stages.rules.rule import Case, Clear, Due, Fire, Said, Verdict, details
from stages.rules.words import moment

_SETTLED = {
    "paid": "it is paid",
    "partially_refunded": "it was paid, and partly refunded",
    "refunded": "it was paid, and refunded",
}
_UNPAID = ("pending", "partially_paid")
_ON_DELIVERY = ("cash on delivery", "(cod)")


@dataclass(frozen=True, slots=True)
class OrderPaymentPending:
    name: str = "order-payment-pending"
    use_case: int = 1
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        order = case.dossier.order
        if because := _settled(case.dossier):
            yield Clear(because)
        elif has_terms(case.dossier):
            yield from _by_terms(case)
        elif order is not None and "terms" not in order.absent:
            yield from _at_once(case, order)


def _settled(dossier: Dossier) -> str | None:
    order = dossier.order
    if because := cancelled(dossier):
        return because
    if order is None or order.financial is None:
        return None
    is_nothing_open = order.outstanding is not None and order.outstanding.amount <= 0
    if order.financial in _UNPAID and is_nothing_open:
        return "nothing is outstanding"
    return _SETTLED.get(order.financial)


def has_terms(dossier: Dossier) -> bool:
    """Known to be paid later, by whichever topic told it."""
    order = dossier.order
    told = [*dossier.every(PaymentTermsFacts), *dossier.every(PaymentScheduleFacts)]
    return bool(told) or (order is not None and order.terms is not None)


# --- with payment terms -----------------------------------------------------------------------------------------------


def _by_terms(case: Case) -> Iterator[Verdict]:
    told = case.dossier.every(PaymentScheduleFacts)
    due = [known for known in told if known.value.completed is None and _has_balance(known.value)]
    if not due:
        if all(known.value.completed or known.value.balance for known in told):
            yield Clear("nothing is due by its payment terms")
        return
    first = min(due, key=lambda known: known.value.due or known.stamp.occurred)
    since = first.value.due or first.stamp.occurred
    said = _terms_said(case, first.value, since)
    yield Fire(said)
    late = replace(said, severity=Severity.WARNING, title=f"{said.title}, and still unpaid", end=said.title)
    at = case.after(since, case.configuration.rules.orders.terms_overdue_after, Audience.FINANCE)
    yield Due(late, at, ask=QuestionKind.PAYMENT)


def _has_balance(schedule: PaymentScheduleFacts) -> bool:
    return schedule.balance is not None and schedule.balance.amount > 0


def _terms_said(case: Case, schedule: PaymentScheduleFacts, since: datetime) -> Said:
    terms = [known.value.terms.name for known in case.dossier.every(PaymentTermsFacts)]
    order = case.dossier.order
    name = order.terms.name if order and order.terms else next(filter(None, terms), None)
    return Said(
        title=f"{called(case)}: {schedule.balance} is due by its payment terms",
        since=since,
        severity=Severity.INFO,
        audiences=(Audience.FINANCE,),
        details=(*details(amount_at_risk=schedule.balance, due=moment(since), terms=name), *for_operations(case)),
        next_step="Collect the payment, or remind the customer of it.",
        link=link(case),
    )


# --- without ----------------------------------------------------------------------------------------------------------


def _at_once(case: Case, order: OrderFacts) -> Iterator[Verdict]:
    since = case.dossier.since("financial", order.financial or "")
    if since is None:
        return
    match order.financial:
        case "pending" | "partially_paid":
            yield from _unpaid(case, order, since)
        case "authorized":
            yield from _authorized(case, since)
        case "expired":
            words = "the authorization has expired, and nothing was captured"
            yield from _open(case, _said(case, words, since, "Ask the customer to pay again, or cancel the order."))
        case "voided":
            words = "the payment was voided, and the order still stands"
            yield from _open(case, _said(case, words, since, "Cancel the order, or ask the customer to pay again."))


def _open(case: Case, said: Said) -> Iterator[Verdict]:
    yield Fire(said)
    if fulfillment(case.dossier) != "fulfilled":
        yield from delayed(case, said)


def _unpaid(case: Case, order: OrderFacts, since: datetime) -> Iterator[Verdict]:
    rules, payment = case.configuration.rules.orders, case.dossier.payment
    held = [hold for hold in foreign_holds(case.dossier) if hold.reason == "awaiting_payment"]
    if held:
        at = min(held_since(case, hold) for hold in held)
        yield from _open(case, _said(case, "on hold until it is paid", at, _ASK_TO_PAY))
    elif _is_paid_on_delivery(order):
        yield from _on_delivery(case)
    elif payment is not None and payment.value.manual_gateway:
        said = _said(case, "to be paid outside of Shopify, and not marked as paid", since, _MARK_AS_PAID)
        yield Fire(replace(said, severity=Severity.INFO))
        at = case.after(since, rules.manual_payment_after, Audience.OPERATIONS)
        yield Due(said, at, ask=QuestionKind.PAYMENT)
    else:
        words = "partly paid" if order.financial == "partially_paid" else "payment pending"
        said = _said(case, f"{words} since {moment(since)}", since, _ASK_TO_PAY)
        yield Due(said, since + rules.payment_pending_after, ask=QuestionKind.PAYMENT)
        if fulfillment(case.dossier) != "fulfilled":
            yield from delayed(case, said, since=since + rules.payment_pending_after)


_ASK_TO_PAY = "Find out why the payment does not come, remind the customer, or cancel the order."
_MARK_AS_PAID = "Look whether the money has arrived, and mark the order as paid in the admin."


def _is_paid_on_delivery(order: OrderFacts) -> bool:
    return any(words in gateway.lower() for gateway in order.gateways for words in _ON_DELIVERY)


def _on_delivery(case: Case) -> Iterator[Verdict]:
    delivered = [scan.at for parcel in parcels(case.dossier) if (scan := parcel.newest({"delivered"})) is not None]
    if not delivered:
        yield Clear("it is paid on delivery, which is still to come")
        return
    since = max(delivered)
    said = _said(case, "delivered, and the cash on delivery is not booked", since, _MARK_AS_PAID)
    at = case.after(since, case.configuration.rules.orders.cash_on_delivery_after, Audience.OPERATIONS)
    yield Due(said, at, ask=QuestionKind.PAYMENT)


def _authorized(case: Case, since: datetime) -> Iterator[Verdict]:
    """Only what can still be captured can be lost; whether it can is asked before it is told."""
    rules = case.configuration.rules.orders
    payment = case.dossier.payment.value if case.dossier.payment else None
    yield Clear("the payment is authorized" if payment is None or payment.capturable else "nothing can be captured")
    if payment is not None and payment.capturable is False:
        return
    known = payment.authorization_expires if payment else None
    ends = known or since + rules.authorization_lasts
    words = f"its authorization ends {moment(ends)}{'' if known else ' (assumed)'}, and it is not captured"
    yield Due(
        _said(case, words, since, "Capture the payment, or the order is shipped without one."),
        ends - rules.authorization_warning_before,
        ask=QuestionKind.PAYMENT,
    )


def _said(case: Case, words: str, since: datetime, step: str) -> Said:
    order = case.dossier.order
    return Said(
        title=f"{called(case)}: {words}",
        since=since,
        severity=Severity.WARNING,
        audiences=(Audience.OPERATIONS,),
        details=(
            *for_operations(case),
            *details(
                outstanding=order.outstanding if order else None,
                gateway=", ".join(order.gateways) if order else None,
            ),
        ),
        next_step=step,
        link=link(case),
        unknown=case.unknown(payment="whether the payment can still be captured"),
    )
