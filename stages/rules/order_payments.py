"""Use case 1: orders whose money does not come, or whose authorization runs out.

With payment terms nothing is late before its schedule says so; whether there are terms must be known, and is asked
where no body has told. What is due by them gets worse by a step of its own, whatever is shipped. When an authorization
ends Shopify is asked as soon as it is given; where it does not say, the message says what was assumed. Before any
timer's alert Shopify is asked. A hold for the payment is told by itself, and instead of the payment that it waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from schemas.alerts import AlertState, Audience, Severity
from schemas.configuration import OrderRules
from schemas.facts.orders import OrderFacts
from schemas.facts.payments import PaymentScheduleFacts
from schemas.money import Money
from schemas.questions import QuestionKind
from stages.dossiers.dossier import Dossier, Payment
from stages.dossiers.registers import LATE
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
    over,
    unknown_to_operations,
)
from stages.rules.parcels import parcels
from stages.rules.payment_terms import has_terms, is_told, knows_terms, name_of, told_due
from stages.rules.rule import Again, Case, Clear, Due, Fire, Said, Verdict, details
from stages.rules.words import moment

_SETTLED = {
    "paid": "it is paid",
    "partially_refunded": "it was paid, and partly refunded",
    "refunded": "it was paid, and refunded",
}
_DUE, _HELD, _TERMS, _AUTHORIZED = "due", "held", "terms", "authorization"
#: What is asked about at once, under a key of its own.
_ASKED = {_TERMS: QuestionKind.TERMS, _AUTHORIZED: QuestionKind.PAYMENT}
_UNPAID = ("pending", "partially_paid")


@dataclass(frozen=True, slots=True)
class OrderPaymentPending:
    name: str = "order-payment-pending"
    use_case: int = 1
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        order = case.dossier.order
        if because := _settled(case.dossier):
            yield from (Clear(because, key) for key in ("", _DUE, *_ASKED))
            yield from _held_in_vain(case, because)
            return
        if has_terms(case.dossier):
            yield from _by_terms(case)
            yield from (Clear("it is paid by its terms", key) for key in ("", *_ASKED))
        elif order is not None:
            yield from _at_once(case, order)
            yield from _asked(case, order)
            yield Clear("it has no payment terms", _DUE)
        yield from _held(case)


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


# --- with payment terms -----------------------------------------------------------------------------------------------


def _by_terms(case: Case) -> Iterator[Verdict]:
    told = told_due(case.dossier)
    due = [each for each in told if each.completed is None and each.balance is not None and each.balance.amount > 0]
    if not due:
        if all(each.completed or each.balance for each in told):
            yield Clear("nothing is due by its payment terms", _DUE)
        return
    since = min((each.due for each in due if each.due), default=case.now)
    said = _terms_said(case, due, since)
    yield Fire(said, _DUE)
    late = replace(said, severity=Severity.WARNING, title=f"{said.title}, and still unpaid", end=said.title)
    at = case.after(since, case.configuration.rules.orders.terms_overdue_after, Audience.FINANCE)
    yield Due(late, at, _DUE, ask=QuestionKind.TERMS)


def _terms_said(case: Case, due: Sequence[PaymentScheduleFacts], since: datetime) -> Said:
    amount = _sum(each.balance for each in due)
    return Said(
        title=f"{called(case)}: {amount} is due by its payment terms",
        since=since,
        severity=Severity.INFO,
        audiences=(Audience.FINANCE,),
        details=(
            *details(amount_at_risk=amount, due=moment(since), terms=name_of(case.dossier)),
            *for_operations(case),
        ),
        next_step="Collect the payment, or remind the customer of it.",
        link=link(case),
    )


def _sum(amounts: Iterable[Money | None]) -> str:
    """Of several dates that are due; amounts of several currencies stand beside one another."""
    sums: dict[str, Money] = {}
    for each in amounts:
        if each is not None:
            before = sums.get(each.currency)
            sums[each.currency] = each if before is None else replace(each, amount=before.amount + each.amount)
    return " and ".join(map(str, sums.values()))


# --- without ----------------------------------------------------------------------------------------------------------


def _asked(case: Case, order: OrderFacts) -> Iterator[Verdict]:
    """What cannot wait for a deadline: are there terms at all, and when does an authorization end that is given now?

    Where only an answer has told of the order, its own webhook is on its way; it is given a day.
    """
    since = case.dossier.since("financial", order.financial or "")
    wanted = {
        _TERMS: order.financial in _UNPAID and not knows_terms(case.dossier),
        _AUTHORIZED: order.financial == "authorized",
    }
    for key, kind in _ASKED.items():
        if since is not None and wanted[key]:
            yield Again(since if is_told(case.dossier) else since + LATE, key, kind)
        else:
            yield Clear("nothing has to be asked at once", key)


def _at_once(case: Case, order: OrderFacts) -> Iterator[Verdict]:
    since = case.dossier.since("financial", order.financial or "")
    if since is None:
        return
    match order.financial:
        case "pending" | "partially_paid" if knows_terms(case.dossier):
            yield from _unpaid(case, order, since)
        case "authorized":
            yield from _authorized(case, order, since)
        case "expired":
            words = "the authorization has expired, and nothing was captured"
            yield from _open(case, _said(case, words, since, "Ask the customer to pay again, or cancel the order."))
        case "voided":
            words = "the payment was voided, and the order still stands"
            yield from _open(case, _said(case, words, since, "Cancel the order, or ask the customer to pay again."))


def _open(case: Case, said: Said, key: str = "") -> Iterator[Verdict]:
    yield Fire(said, key)
    if fulfillment(case.dossier) != "fulfilled":
        yield from delayed(case, said, key)


def _due(case: Case, said: Said, at: datetime) -> Iterator[Verdict]:
    """After Shopify was asked; one that stays open delays the shipment."""
    yield Due(said, at, ask=QuestionKind.PAYMENT)
    if fulfillment(case.dossier) != "fulfilled":
        yield from delayed(case, said, since=at)


def _held(case: Case) -> Iterator[Verdict]:
    """Whatever is known of the payment: another app waits for it."""
    at, because = _held_since(case), over(case.dossier)
    if (at is None or because) and _HELD in case.open:
        yield Clear(because or "the hold is gone", _HELD)
    elif at is not None and because is None:
        yield from _open(case, _said(case, "on hold until it is paid", at, _ASK_TO_PAY), _HELD)


def _held_in_vain(case: Case, because: str) -> Iterator[Verdict]:
    """What was paid is released by whoever has held it; what is held only after it was paid, nobody else will."""
    at, paid = _held_since(case), case.dossier.since("financial", *_SETTLED)
    if at is None or paid is None or at <= paid or over(case.dossier):
        yield Clear(because, _HELD)
    else:
        words = "on hold until it is paid, though nothing is outstanding"
        yield from _open(case, _said(case, words, at, "Find out what is waited for, and release the hold."), _HELD)


def _held_since(case: Case) -> datetime | None:
    holds = (hold for hold in foreign_holds(case.dossier) if hold.reason == "awaiting_payment")
    return min((held_since(case, hold) for hold in holds), default=None)


def _unpaid(case: Case, order: OrderFacts, since: datetime) -> Iterator[Verdict]:
    rules, payment = case.configuration.rules.orders, case.dossier.payment
    late, held = since + rules.payment_pending_after, _held_since(case)
    if held is not None and held <= late and over(case.dossier) is None:
        yield Clear("it is on hold until it is paid, which was told", state=AlertState.WITHDRAWN)
    elif _is_paid_on_delivery(order, rules):
        yield from _on_delivery(case)
    elif payment is not None and payment.value.manual_gateway:
        said = _said(case, "to be paid outside of Shopify, and not marked as paid", since, _MARK_AS_PAID)
        yield Fire(replace(said, severity=Severity.INFO))
        yield from _due(case, said, case.after(since, rules.manual_payment_after, Audience.OPERATIONS))
    else:
        words = "partly paid" if order.financial == "partially_paid" else "payment pending"
        yield from _due(case, _said(case, f"{words} since {moment(since)}", since, _ASK_TO_PAY), late)


_ASK_TO_PAY = "Find out why the payment does not come, remind the customer, or cancel the order."
_CAPTURE = "Capture the payment before the order is shipped, or cancel the order."
_CAPTURE_AT_ONCE = "Capture the payment at once: the order is shipped, and nothing is paid for it."
_MARK_AS_PAID = "Look whether the money has arrived, and mark the order as paid in the admin."


def _is_paid_on_delivery(order: OrderFacts, rules: OrderRules) -> bool:
    names = [words.lower() for words in rules.cash_on_delivery_gateways]
    return any(words in gateway.lower() for gateway in order.gateways for words in names)


def _on_delivery(case: Case) -> Iterator[Verdict]:
    delivered = [scan.at for parcel in parcels(case.dossier) if (scan := parcel.newest({"delivered"})) is not None]
    if not delivered:
        yield Clear("it is paid on delivery, which is still to come")
        return
    since = max(delivered)
    said = _said(case, "delivered, and the cash on delivery is not booked", since, _MARK_AS_PAID)
    at = case.after(since, case.configuration.rules.orders.cash_on_delivery_after, Audience.OPERATIONS)
    yield Due(said, at, ask=QuestionKind.PAYMENT)


def _authorized(case: Case, order: OrderFacts, since: datetime) -> Iterator[Verdict]:
    """Only what can still be captured can be lost; what was looked up of an earlier authorization says nothing."""
    known = case.dossier.payment
    payment = known.value if known is not None and known.stamp.occurred >= since else None
    yield Clear("the payment is authorized" if payment is None or payment.capturable else "nothing can be captured")
    if payment is not None and payment.capturable is False:
        return
    ends, how = _end_of(case, order, payment, since)
    verb = "ends" if ends > case.now else "has ended"
    words = f"its authorization {verb} {moment(ends)}{how}, and it is not captured"
    said = _said(case, words, since, _CAPTURE_AT_ONCE if fulfillment(case.dossier) == "fulfilled" else _CAPTURE)
    yield from _due(case, said, ends - case.configuration.rules.orders.authorization_warning_before)


def _end_of(case: Case, order: OrderFacts, payment: Payment | None, since: datetime) -> tuple[datetime, str]:
    """By Shopify's word; else by the days configured for the gateway that authorized it, or for one of the order's."""
    if payment is not None and payment.authorization_expires is not None:
        return payment.authorization_expires, ""
    rules = case.configuration.rules.orders
    days = {name.lower(): length for name, length in rules.authorization_lasts_by_gateway.items()}
    names = [payment.authorized_by] if payment and payment.authorized_by else order.gateways
    lasts = min((days[name.lower()] for name in names if name.lower() in days), default=None)
    if lasts is None:
        return since + rules.authorization_lasts, " (assumed)"
    return since + lasts, " (assumed by the days configured for its gateway)"


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
        unknown=(
            *case.unknown(payment="whether the payment can still be captured"),
            *unknown_to_operations(case),
        ),
    )
