"""What makes an order's alerts urgent (USE_CASES, "Severity"): a premium customer, a fast shipment, an escalation.

Unknown is not priority. The second warning on an order is the classifier's to see: it knows the open episodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from schemas.configuration import PremiumRule, Rules
from schemas.facts.orders import Customer, OrderFacts
from schemas.facts.payments import DraftFacts
from schemas.facts.returns import DISPUTE_OVER, DisputeFacts
from stages.bodies.fields import integer
from stages.dossiers.dossier import Dossier

#: Every company, in the configuration.
ANY = "any"
ESCALATED = "escalated"
DISPUTED = "an open dispute"
SOON = timedelta(hours=24)
_FULFILLED = frozenset({"fulfilled", "restocked"})


def reasons(dossier: Dossier, rules: Rules, now: datetime) -> tuple[str, ...]:
    """Why it is urgent, in words for the message; empty where nothing known makes it so."""
    return tuple(_reasons(dossier, rules, now))


def unknown(dossier: Dossier, rules: Rules) -> tuple[str, ...]:
    """What might make it urgent and is not known, where somebody was to be asked."""
    was_asked = dossier.customer is not None or dossier.is_unknown("customer")
    is_open = is_premium(dossier, rules.premium) is None
    return ("whether the customer is a premium one",) if is_open and was_asked else ()


def _reasons(dossier: Dossier, rules: Rules, now: datetime) -> Iterator[str]:
    if is_premium(dossier, rules.premium):
        yield "premium customer"
    order = dossier.order
    if order is not None:
        yield from _of_order(order, dossier, rules, now)
    if any(_is_open(known.value) for known in dossier.disputes()):
        yield DISPUTED


def _of_order(order: OrderFacts, dossier: Dossier, rules: Rules, now: datetime) -> Iterator[str]:
    if method := _fast_method(order, rules.fulfillment.time_sensitive_methods):
        yield f"time-sensitive shipping ({method})"
    if not _is_done(order):
        yield from _soon(dossier.fulfill_by, now, "fulfilled")
        yield from _soon(dossier.deliver_by, now, "delivered")
    if ESCALATED in (tag.lower() for tag in order.tags):
        yield "tagged as escalated"


def is_premium(dossier: Dossier, rule: PremiumRule) -> bool | None:
    """Whoever has ordered, or the company that they order for. None: what is known does not tell."""
    told = [_is_of_premium_company(dossier.order, rule)]
    if dossier.customer is None:
        told.append(None)
    else:
        told += _told_of(dossier.customer.value, rule, _currency(dossier))
    return True if True in told else None if None in told else False


def _told_of(customer: Customer, rule: PremiumRule, currency: str | None) -> Iterator[bool | None]:
    """By each of the ways in which a customer can be premium."""
    wanted = {tag.lower() for tag in rule.tags}
    yield bool(wanted & {tag.lower() for tag in customer.tags})
    if rule.orders_from is not None:
        yield None if customer.orders is None else customer.orders >= rule.orders_from
    if rule.spent_from is not None:
        spent, counted = customer.spent, rule.spent_currency or currency
        yield None if spent is None or spent.currency != counted else spent.amount >= rule.spent_from
    if rule.segments:
        premium = {integer(segment) for segment in rule.segments}
        yield None if customer.segments is None else not premium.isdisjoint(customer.segments)


def _is_of_premium_company(order: OrderFacts | None, rule: PremiumRule) -> bool | None:
    if not rule.companies or order is None:
        return False
    if order.company_id is None:
        return None if "company_id" in order.absent else False
    return ANY in rule.companies or order.company_id in {integer(company) for company in rule.companies}


def _currency(dossier: Dossier) -> str | None:
    """The shop's own, in which Shopify counts what its customers have spent."""
    for facts in (dossier.order, dossier.checkout, dossier.newest(DraftFacts)):
        if facts is not None and facts.total is not None:
            return facts.total.currency
    return None


def _fast_method(order: OrderFacts, words: tuple[str, ...]) -> str | None:
    return next(
        (method for method in order.shipping_methods if any(word.lower() in method.lower() for word in words)), None
    )


def _is_done(order: OrderFacts) -> bool:
    return order.cancelled is not None or order.fulfillment in _FULFILLED


def _soon(by: datetime | None, now: datetime, what: str) -> Iterator[str]:
    """A time that somebody waits for; one that is past while the order waits is no less urgent."""
    if by is not None and by <= now + SOON:
        yield f"was to be {what} already" if by < now else f"to be {what} within 24 hours"


def _is_open(facts: DisputeFacts) -> bool:
    return facts.status is not None and facts.status not in DISPUTE_OVER
