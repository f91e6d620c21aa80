"""Which variables a rule's condition has: by the subjects that it watches, and by its use case."""

from __future__ import annotations

from collections.abc import Mapping

from stages.conditions.orders import CHECKOUT, CUSTOMER, DRAFT, ORDER
from stages.conditions.others import (
    DISPUTE,
    FULFILLMENT,
    ITEM,
    JOB,
    LOCATION,
    PAYMENT,
    REFUND,
    RETURNED,
    SHOP,
    SHOP_ITSELF,
    SUBSCRIPTION,
    TOPIC,
)
from stages.conditions.seen import Names, Variables
from stages.rules.rule import Rule

_OF_SUBJECTS: Mapping[str, Variables] = {
    "order": {"order": ORDER, "customer": CUSTOMER},
    "draft": {"order": DRAFT, "customer": CUSTOMER},
    "checkout": {"checkout": CHECKOUT, "customer": CUSTOMER},
    "inventory": {"item": ITEM},
    "variant": {"item": ITEM},
    "job": {"job": JOB},
    "shop": {"shop": SHOP_ITSELF},
    "location": {"location": LOCATION},
    "app-subscription": {"subscription": SUBSCRIPTION},
    "topic": {"topic": TOPIC},
}
_OF_USE_CASES: Mapping[int, Variables] = {
    2: {"fulfillment": FULFILLMENT},
    4: {"payment": PAYMENT},
    6: {"returned": RETURNED, "refund": REFUND, "dispute": DISPUTE},
}


def seen_by(rule: Rule, kind: str) -> Variables:
    """By a condition of this rule, on a subject of that kind. What is not in here is not known there."""
    use_case: Variables = {} if kind == "checkout" else _OF_USE_CASES.get(rule.use_case, {})
    return {"shop": SHOP, **use_case, **_OF_SUBJECTS.get(kind, {})}


def seen_anywhere(rule: Rule) -> Variables:
    """All that a condition of this rule may name: on some of its subjects there is less."""
    found: dict[str, Names] = {}
    for kind in sorted(rule.watches):
        for variable, names in seen_by(rule, kind).items():
            found[variable] = {**names, **found.get(variable, {})}
    return found
