"""Which inventory items a product has: each is told what changed of it, and that it is gone, once for each change.

Shopify tells of a product whenever anything of it changes, its stock included, and only the product says which items
are its. So what was told last is remembered, and of what is the same nothing is told: an import of thousands of levels
stays one event for each. Of a deleted product the body says no more than its number. Not promised: items that no
earlier news of their product has named, nor those behind its first hundred; they are seen with their next reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from schemas import subjects
from schemas.events import Event
from schemas.facts import ProductFacts, ProductVariant
from stages.stage import Context, Family


class Shown(Struct, frozen=True, array_like=True):
    """What was told of a product last: its own words, and each of its variants."""

    at: datetime
    words: bytes
    variants: tuple[ProductVariant, ...]


#: Under the product, for as long as there is one.
SHOWN: Family[Shown] = Family("shown", Shown)


def told_to_items(event: Event, context: Context) -> Iterator[Event]:
    """The copies for the items that have something to hear; the memory of it."""
    facts = event.facts
    if not isinstance(facts, ProductFacts):
        return
    before, at = context.state.get(SHOWN, event.resource), event.updated or facts.updated or event.occurred
    if facts.deleted:
        context.state.delete(SHOWN, event.resource)
        for variant in before.variants if before else ():
            yield _copy(event, facts, variant)
    elif facts.variants is not None and (before is None or at >= before.at):
        words = msgspec.json.encode((facts.title, facts.vendor, facts.status, facts.tags))
        known = before.variants if before is not None and before.words == words else ()
        changed = [variant for variant in facts.variants if variant not in known]
        if changed or before is None:
            context.state.put(SHOWN, event.resource, Shown(at, words, facts.variants))
        for variant in changed:
            yield _copy(event, facts, variant)


def _copy(event: Event, facts: ProductFacts, variant: ProductVariant) -> Event:
    subject = subjects.inventory(event.shop, variant.item_id)
    return replace(event, subject=subject, facts=replace(facts, variants=(variant,)), incomplete=())
