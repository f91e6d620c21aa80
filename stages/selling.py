"""Which units an order takes of which inventory items: told to each item, once for each change.

Lines name variants, and only Shopify tells which item a variant is: it is asked when an order has changed, and its
answers are kept for an hour. Of an order without its lines (a next-generation Event), and of one with very many, it is
asked for the items themselves. Of what it does not tell in half a minute nothing is told; the order's next news tries
again. Not for test orders, and not for imports: nobody has sold those now. An order that is deleted takes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from schemas import subjects
from schemas.configuration import Configuration
from schemas.events import Event, Source
from schemas.facts.orders import OrderDeletedFacts, OrderFacts
from schemas.facts.stock import SoldFacts
from stages.dossiers.dossier import is_import
from stages.shopify.answers import Found, Missing
from stages.shopify.lookup import Lookup, OrderItems, Place, Reply, What
from stages.stage import Context, Family

_MOST = 60
_RULES = frozenset({"inventory-cover", "inventory-oversold"})
_SHIPPED = frozenset({"fulfilled", "restocked"})


class Sold(Struct, frozen=True, array_like=True):
    """What was told of an order last: units by variant, and by item."""

    variants: dict[int, int]
    items: dict[int, int]
    is_open: bool
    placed: datetime | None = None


#: Under the order. Of those that are older than a week nothing counts.
SOLD: Family[Sold] = Family("sold", Sold, ttl=timedelta(days=9))


def items_wanted(event: Event, whole: Configuration, context: Context) -> Sequence[Lookup]:
    """What tells which items the order has, where it has changed and some rule reads it."""
    order = event.facts
    if not isinstance(order, OrderFacts) or _is_nobodys(event, order) or set(whole.rules.off) >= _RULES:
        return ()
    if event.source is Source.EVENT:
        return [_all_items(event, order)]
    units, before = _units(order), context.state.get(SOLD, event.resource)
    if not units or (before is not None and before.variants == units and before.is_open == _is_open(order)):
        return ()
    return (
        [Lookup(event.shop, What.VARIANT, str(each)) for each in units]
        if len(units) <= _MOST
        else [_all_items(event, order)]
    )


def _all_items(event: Event, order: OrderFacts) -> Lookup:
    return Lookup(event.shop, What.ORDER_ITEMS, str(order.id), event.received)


def unanswered(asked: Sequence[Lookup], context: Context) -> list[Reply | None]:
    """What is worth waiting for, as for any other fact."""
    replies = (context.answers.get(lookup) for lookup in asked)
    return [reply for reply in replies if not isinstance(reply, Found | Missing)]


def sales(event: Event, asked: Sequence[Lookup], context: Context) -> Iterator[Event]:
    """The copies for the items that have something to hear."""
    before = context.state.get(SOLD, event.resource)
    now = _now(event, asked, before, context)
    if now is None:
        return
    context.state.put(SOLD, event.resource, now)
    if before is not None and (before.items, before.is_open) == (now.items, now.is_open):
        return
    order = event.facts
    assert isinstance(order, OrderFacts | OrderDeletedFacts)
    for item, units in now.items.items():
        told = SoldFacts(
            order_id=order.id,
            order_name=order.name if isinstance(order, OrderFacts) else None,
            placed=now.placed or event.occurred,
            units=units,
            is_open=now.is_open,
        )
        yield replace(event, subject=subjects.inventory(event.shop, item), facts=told, incomplete=())


def _now(event: Event, asked: Sequence[Lookup], before: Sold | None, context: Context) -> Sold | None:
    """With none of the items that it had before and has no more. None: nothing new is known."""
    order, gone = event.facts, dict.fromkeys(before.items, 0) if before else {}
    if isinstance(order, OrderDeletedFacts):
        return None if before is None else Sold({}, gone, is_open=False, placed=before.placed)
    if not isinstance(order, OrderFacts) or not asked or "order" in event.incomplete or _is_nobodys(event, order):
        return None
    items = _items(order, asked, context)
    if items is None:
        return None
    return Sold(dict(_units(order)), {**gone, **items}, _is_open(order), order.created or event.occurred)


def _is_nobodys(event: Event, order: OrderFacts) -> bool:
    return event.test or order.test or is_import(order)


def _is_open(order: OrderFacts) -> bool:
    return order.cancelled is None and order.fulfillment not in _SHIPPED


def _units(order: OrderFacts) -> Mapping[int, int]:
    """By variant, as the order is now."""
    found: dict[int, int] = {}
    for line in order.lines:
        if line.variant_id is not None:
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
        elif isinstance(reply, Found) and isinstance(reply.value, OrderItems):
            found |= {item: 0 if order.cancelled else count for item, count in reply.value.units.items()}
        elif not isinstance(reply, Missing):
            return None
    return found
