"""What makes an order's alerts urgent (USE_CASES, "Severity"): a premium customer, a fast shipment, an escalation.

Unknown is not priority. The second warning on an order is the classifier's to see: it knows the open episodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from schemas.configuration import PremiumRule, Rules
from schemas.facts import Customer, DisputeFacts, FulfillmentOrderFacts, OrderFacts
from stages.dossiers.dossier import Dossier

ESCALATED = "escalated"
DISPUTED = "an open dispute"
_SOON = timedelta(hours=24)
_FULFILLED = frozenset({"fulfilled", "restocked"})
_DISPUTE_OVER = frozenset({"won", "lost", "accepted", "charge_refunded", "prevented"})


def reasons(dossier: Dossier, rules: Rules, now: datetime) -> tuple[str, ...]:
    """Why it is urgent, in words for the message; empty where nothing known makes it so."""
    return tuple(_reasons(dossier, rules, now))


def unknown(dossier: Dossier) -> tuple[str, ...]:
    """What might make it urgent and could not be looked up."""
    return ("whether the customer is a premium one",) if dossier.is_unknown("customer") else ()


def _reasons(dossier: Dossier, rules: Rules, now: datetime) -> Iterator[str]:
    if dossier.customer is not None and is_premium(dossier.customer.value, rules.premium):
        yield "premium customer"
    order = dossier.order
    if order is not None:
        yield from _of_order(order, dossier, rules, now)
    if any(_is_open(known.value) for known in dossier.every(DisputeFacts)):
        yield DISPUTED


def _of_order(order: OrderFacts, dossier: Dossier, rules: Rules, now: datetime) -> Iterator[str]:
    if method := _fast_method(order, rules.fulfillment.time_sensitive_methods):
        yield f"time-sensitive shipping ({method})"
    by = [known.value.fulfill_by for known in dossier.every(FulfillmentOrderFacts)]
    if not _is_done(order) and (reason := _soon(by, now)):
        yield reason
    if ESCALATED in (tag.lower() for tag in order.tags):
        yield "tagged as escalated"


def is_premium(customer: Customer, rule: PremiumRule) -> bool:
    wanted = {tag.lower() for tag in rule.tags}
    if wanted & {tag.lower() for tag in customer.tags}:
        return True
    if rule.orders_from is not None and customer.orders is not None and customer.orders >= rule.orders_from:
        return True
    spent = customer.spent
    return rule.spent_from is not None and spent is not None and spent.amount >= rule.spent_from


def _fast_method(order: OrderFacts, words: tuple[str, ...]) -> str | None:
    return next(
        (method for method in order.shipping_methods if any(word.lower() in method.lower() for word in words)), None
    )


def _is_done(order: OrderFacts) -> bool:
    return order.cancelled is not None or order.fulfillment in _FULFILLED


def _soon(by: Iterable[datetime | None], now: datetime) -> str | None:
    """The nearest time that somebody waits for; one that is past while the order waits is no less urgent."""
    nearest = min((at for at in by if at is not None), default=None)
    if nearest is None or nearest > now + _SOON:
        return None
    return "was to be fulfilled already" if nearest < now else "to be fulfilled within 24 hours"


def _is_open(facts: DisputeFacts) -> bool:
    return facts.status is not None and facts.status not in _DISPUTE_OVER
