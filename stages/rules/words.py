"""How rules name things: an order, a moment, a span of time, a word of Shopify's."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas import subjects
from schemas.calendars import Length, WorkingTime
from schemas.facts.fact import Facts
from schemas.facts.orders import HoldFacts, RiskFacts
from schemas.facts.payments import PaymentScheduleFacts
from schemas.facts.returns import DispositionFacts, RefundFacts, ReturnFacts
from schemas.facts.shipments import FulfillmentFacts, FulfillmentOrderFacts
from stages.dossiers.dossier import name_of
from stages.rules.rule import Case, admin_link

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))


def called(case: Case) -> str:
    """The subject's order by its name where one is known: `order #1001`, else `order 42`."""
    name = _order_name(case)
    return name_of(case.subject) if name is None else f"order {name}"


def order_of(case: Case) -> str | None:
    """The same for a line of details: `#1001`, else `42`; None for a subject that is no order."""
    return _order_name(case) or (subjects.identity_of(case.subject) if case.kind == "order" else None)


def _order_name(case: Case) -> str | None:
    order = case.dossier.order
    names = [order.name if order else None, *(_named(known.value) for known in case.dossier.every(Facts))]
    return next((name for name in names if name), None)


def _named(facts: Facts) -> str | None:
    """A fulfillment is called after its order: `#1001.2`."""
    if isinstance(facts, FulfillmentFacts):
        return (facts.name or "").rpartition(".")[0] or None
    named = RiskFacts | HoldFacts | FulfillmentOrderFacts | PaymentScheduleFacts
    returned = ReturnFacts | DispositionFacts | RefundFacts
    return facts.order_name if isinstance(facts, named | returned) else None


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def order_link(case: Case) -> str | None:
    return admin_link(case.shop, f"orders/{subjects.identity_of(case.subject)}") if case.kind == "order" else None


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y at %H:%M} UTC"


def spell(lasted: Length) -> str:
    """In its two largest units, no smaller than a minute: `1 day 3 hours`, `44 minutes`, `48 working hours`."""
    if isinstance(lasted, WorkingTime):
        return str(lasted)
    left = max(int(lasted.total_seconds()), 0)
    found = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            found.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(found[:2]) or "less than a minute"


def bounded(text: str, most: int = 60) -> str:
    """A strangers' text for a line of ours."""
    return text if len(text) <= most else f"{text[: most - 3].rstrip()}..."


def plain(word: str | None) -> str:
    """`insufficient_funds` as people write it; `unknown` for none."""
    return (word or "unknown").replace("_", " ")


def levels(case: Case) -> list[str]:
    """How risky each provider calls the order."""
    said = [known.value for _, known in sorted(case.dossier.risk.items())]
    return [f"{each.provider}: {plain(each.level.lower())}" for each in said]


def shipped(case: Case) -> str:
    """How much of the order is shipped, as far as is known."""
    order = case.dossier.order
    if order is None or (order.fulfillment is None and "fulfillment" in order.absent):
        return "not known"
    return {None: "no", "partial": "in part", "fulfilled": "yes"}.get(order.fulfillment, plain(order.fulfillment))
