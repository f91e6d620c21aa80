"""What makes a customer premium has changed: each of their open orders is told how the customer is now.

Only of the tags and segments that the configuration names; what others come and go is nobody's news. Shopify is asked
which orders are open, and what the body says counts where its answer lags. Not promised: more than fifty orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec.structs import replace

from schemas import subjects
from schemas.configuration import PremiumRule
from schemas.events import Event, Source
from schemas.facts.orders import Customer, CustomerFacts, OrderFacts
from stages.bodies.fields import integer
from stages.bodies.orders import EMPTY_SAYS
from stages.shopify.answers import Found
from stages.shopify.lookup import Bought, Lookup, Reply, What
from stages.shopify.needs import Needs

_ORDERS = "orders"


def orders_wanted(event: Event, rule: PremiumRule) -> Needs:
    """By the name of what is unknown without it; nothing where nobody's priority hangs on it."""
    facts = event.facts
    if not isinstance(facts, CustomerFacts) or not _may_matter(facts, rule):
        return {}
    return {_ORDERS: Lookup(event.shop, What.BOUGHT, str(facts.id), event.received, segments=rule.segments)}


def _may_matter(facts: CustomerFacts, rule: PremiumRule) -> bool:
    tags = {tag.lower() for tag in (*facts.tags_added, *facts.tags_removed)}
    segments = {integer(segment) for segment in rule.segments}
    return not tags.isdisjoint(tag.lower() for tag in rule.tags) or not segments.isdisjoint((facts.joined, facts.left))


def told_to_orders(event: Event, replies: Mapping[str, Reply | None], now: datetime) -> Iterator[Event]:
    facts, reply = event.facts, replies.get(_ORDERS)
    if not isinstance(facts, CustomerFacts) or not isinstance(reply, Found) or not isinstance(reply.value, Bought):
        return
    customer = _as_told(reply.value.customer, facts)
    for order in reply.value.orders:
        yield replace(
            event,
            kind="answer.customer",
            source=Source.ANSWER,
            subject=subjects.order(event.shop, order),
            facts=OrderFacts(id=order, customer=customer, absent=tuple(EMPTY_SAYS)),
            occurred=now,
            delivery_id=f"{event.delivery_id}/{order}",
            incomplete=(),
        )


def _as_told(customer: Customer, facts: CustomerFacts) -> Customer:
    gone = {tag.lower() for tag in facts.tags_removed}
    tags = tuple(tag for tag in (*customer.tags, *facts.tags_added) if tag.lower() not in gone)
    segments = customer.segments
    if segments is not None:
        joined = (facts.joined,) if facts.joined is not None else ()
        segments = tuple(dict.fromkeys(number for number in (*segments, *joined) if number != facts.left))
    return replace(customer, tags=tuple(dict.fromkeys(tags)), segments=segments)
