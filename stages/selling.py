"""Which units an order takes of which inventory items: told to each item, once for each change.

Lines name variants, and only Shopify tells which item a variant is: it is asked when an order has changed, and its
answers are kept for an hour. Of what it does not tell in half a minute nothing is told; the order's next webhook tries
again. Not for test orders, and not for imports: nobody has sold those now. Not promised: more than sixty variants of an
order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from schemas import subjects
from schemas.configuration import Configuration
from schemas.events import Event
from schemas.facts import OrderFacts, SoldFacts
from stages.dossiers.dossier import is_import
from stages.shopify.answers import Found, Missing
from stages.shopify.lookup import Lookup, Place, Reply, What
from stages.stage import Context, Family

_MOST = 60
_RULES = frozenset({"inventory-cover", "inventory-oversold"})
_SHIPPED = frozenset({"fulfilled", "restocked"})


class Sold(Struct, frozen=True, array_like=True):
    """What was told of an order last: units by variant, and by item."""

    variants: dict[int, int]
    items: dict[int, int]
    is_open: bool


#: Under the order. Of those that are older than a week nothing counts.
SOLD: Family[Sold] = Family("sold", Sold, ttl=timedelta(days=9))


def items_wanted(event: Event, whole: Configuration, context: Context) -> Sequence[Lookup]:
    """Which item each variant of the order is, where the order has changed and some rule reads it."""
    order = _of_order(event)
    if order is None or set(whole.rules.off) >= _RULES:
        return ()
    units, before = _units(order), context.state.get(SOLD, event.resource)
    if before is not None and before.variants == units and before.is_open == _is_open(order):
        return ()
    return [Lookup(event.shop, What.VARIANT, str(variant)) for variant in units]


def unanswered(asked: Sequence[Lookup], context: Context) -> list[Reply | None]:
    """What is worth waiting for, as for any other fact."""
    replies = (context.answers.get(lookup) for lookup in asked)
    return [reply for reply in replies if not isinstance(reply, Found | Missing)]


def sales(event: Event, asked: Sequence[Lookup], context: Context) -> Iterator[Event]:
    """The copies for the items that have something to hear."""
    order = _of_order(event)
    items = None if order is None or not asked else _items(order, asked, context)
    if order is None or items is None:
        return
    before = context.state.get(SOLD, event.resource)
    gone = dict.fromkeys(before.items, 0) if before else {}
    now = Sold(dict(_units(order)), {**gone, **items}, _is_open(order))
    context.state.put(SOLD, event.resource, now)
    for item, units in now.items.items():
        facts = SoldFacts(
            order_id=order.id,
            order_name=order.name,
            placed=order.created or event.occurred,
            units=units,
            is_open=now.is_open,
        )
        yield replace(event, subject=subjects.inventory(event.shop, item), facts=facts, incomplete=())


def _of_order(event: Event) -> OrderFacts | None:
    facts = event.facts
    if not isinstance(facts, OrderFacts) or not facts.lines or event.test or is_import(facts):
        return None
    return facts


def _is_open(order: OrderFacts) -> bool:
    return order.cancelled is None and order.fulfillment not in _SHIPPED


def _units(order: OrderFacts) -> Mapping[int, int]:
    """By variant, as the order is now."""
    found: dict[int, int] = {}
    for line in order.lines:
        if line.variant_id is not None and (line.variant_id in found or len(found) < _MOST):
            now = line.quantity if line.current_quantity is None else line.current_quantity
            found[line.variant_id] = found.get(line.variant_id, 0) + (0 if order.cancelled else now)
    return found


def _items(order: OrderFacts, asked: Sequence[Lookup], context: Context) -> Mapping[int, int] | None:
    """None while Shopify has not told all of them: half an order would be told as if the rest were not in it."""
    units, found = _units(order), dict[int, int]()
    for lookup in asked:
        reply = context.answers.get(lookup)
        if isinstance(reply, Found) and isinstance(reply.value, Place):
            item = reply.value.identity
            found[item] = found.get(item, 0) + units[int(lookup.identity)]
        elif not isinstance(reply, Missing):
            return None
    return found
