"""What makes an order's alerts urgent (USE_CASES, "Severity"): a premium customer, a fast shipment, an escalation.

Unknown is not priority. The second warning on an order is the classifier's to see: it knows the open episodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from schemas.configuration import PremiumRule, Rules
from schemas.facts import Customer, DisputeFacts, FulfillmentOrderFacts, OrderFacts
from stages.dossier import Dossier

ESCALATED = "escalated"
DISPUTED = "an open dispute"
_SOON = timedelta(hours=24)
_DISPUTE_OVER = frozenset({"won", "lost", "accepted", "charge_refunded", "prevented"})


def reasons(dossier: Dossier, rules: Rules, now: datetime) -> tuple[str, ...]:
    """Why it is urgent, in words for the message; empty where nothing known makes it so."""
    return tuple(_reasons(dossier, rules, now))


def _reasons(dossier: Dossier, rules: Rules, now: datetime) -> Iterator[str]:
    if dossier.customer is not None and is_premium(dossier.customer.value, rules.premium):
        yield "premium customer"
    order = dossier.order
    if order is None:
        return
    if method := _fast_method(order, rules.fulfillment.time_sensitive_methods):
        yield f"time-sensitive shipping ({method})"
    if any(_is_soon(known.value, now) for known in dossier.every(FulfillmentOrderFacts)):
        yield "to be fulfilled within 24 hours"
    if ESCALATED in (tag.lower() for tag in order.tags):
        yield "tagged as escalated"
    if any((known.value.status or "") not in _DISPUTE_OVER for known in dossier.every(DisputeFacts)):
        yield DISPUTED


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


def _is_soon(facts: FulfillmentOrderFacts, now: datetime) -> bool:
    return facts.fulfill_by is not None and now <= facts.fulfill_by <= now + _SOON
