"""What conditions see of what is no order: a card, a topic, a location, our own billing."""

from __future__ import annotations

import pytest

from schemas.events import Event, Source
from schemas.facts.operations import AppSubscriptionFacts, LocationFacts
from schemas.facts.payments import TransactionFacts
from schemas.facts.table import AnyFacts
from stages.conditions.condition import Told, compiled
from stages.conditions.seen import Sight
from stages.conditions.table import seen_by
from stages.dossiers.dossier import Dossier
from stages.dossiers.merging import merged
from stages.rules.rule import Case
from stages.rules.table import RULES
from tests.stages.rules.world import SHOP, START, configuration, usd


def declined(number: int, order: int) -> TransactionFacts:
    return TransactionFacts(
        id=number,
        order_id=order,
        kind="sale",
        status="failure",
        error_code="card_declined",
        gateway="Stripe",
        amount=usd(20 * number),
    )


PLAN = AppSubscriptionFacts(id="gid://shopify/AppSubscription/1", name="Large", status="frozen", cap=usd(90))
SHUT = LocationFacts(id=3, name="Berlin", active=False, has_stock=True)


@pytest.mark.parametrize(
    ("rule", "subject", "facts", "expression", "holds"),
    [
        ("payment-velocity", "card/ab", (declined(1, 7), declined(2, 8)), "payment.orders == 2", True),
        ("payment-velocity", "card/ab", (declined(1, 7),), "payment.failures > 1 || payment.orders > 1", False),
        (
            "payment-velocity",
            "card/ab",
            (declined(1, 7), declined(3, 7)),
            'payment.amount >= 60.0 && "card_declined" in payment.error_codes && "Stripe" in payment.gateways',
            True,
        ),
        ("payment-velocity", "card/ab", (declined(1, 7),), "order.total > 5.0", None),
        ("sync-stopped", "topic/orders/create", (), 'topic.name.startsWith("orders/")', True),
        ("sync-stopped", "topic/inventory_levels/update", (), 'topic.name == "orders/create"', False),
        ("storefront-critical", "location/3", (SHUT,), 'location.name == "Berlin" && !location.active', True),
        ("storefront-critical", "location/3", (SHUT,), "location.has_stock", True),
        ("storefront-critical", "location/3", (LocationFacts(id=3),), "location.has_stock", None),
        ("storefront-critical", "app-subscription/1", (PLAN,), 'subscription.status == "frozen"', True),
        ("storefront-critical", "app-subscription/1", (PLAN,), "subscription.cap > 100.0", False),
        ("storefront-critical", "app-subscription/1", (PLAN,), "subscription.price > 1.0", None),
        ("storefront-critical", "app-subscription/1", (PLAN,), 'shop.domain == "demo.myshopify.com"', True),
    ],
)
def test_a_condition_sees_what_the_facts_of_its_subject_hold(
    rule: str, subject: str, facts: tuple[AnyFacts, ...], expression: str, holds: bool | None
) -> None:
    about, dossier = f"{SHOP}/{subject}", Dossier()
    for number, each in enumerate(facts):
        kind, delivery = f"some/topic-{number}", f"delivery-{number}"
        dossier = merged(dossier, Event(kind, SHOP, about, about, START, START, delivery, Source.WEBHOOK, each))
    case = Case(SHOP, about, dossier, START, configuration())
    of = next(one for one in RULES if one.name == rule)

    told = compiled(expression).told(Sight(case), seen_by(of, case.kind))

    assert told.holds is holds, told
    assert isinstance(told, Told)
