"""Which inventory items a product has: each is told what changed of it, and that it is gone, once for each change.

Shopify tells of a product whenever anything of it changes, its stock included, and only the product says which items
are its. So what was told last is remembered, and of what is the same nothing is told: an import of thousands of levels
stays one event for each. Of a product with more variants than its body lists, all are looked up, where something else
of it has changed. What is older than that is told only where the product was a draft or archived then: its items were
not watched in between. Of a deleted product the body says no more than its number. Not promised: that items hear of it
which no earlier news of their product has named; they are seen with their next reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from schemas import subjects
from schemas.events import Event, Source
from schemas.facts.stock import ProductFacts, ProductVariant
from stages.dossiers.stock import ends_watch
from stages.stage import Context, Family


class Shown(Struct, frozen=True, array_like=True):
    """What was told of a product last: its own words, and each of its variants."""

    at: datetime
    words: bytes
    variants: tuple[ProductVariant, ...]


#: Under the product, for as long as there is one.
SHOWN: Family[Shown] = Family("shown", Shown)


def is_shown(event: Event, context: Context) -> bool:
    """A body that does not list all of its variants says of the product what was told already: nothing is asked."""
    facts = event.facts
    if event.source is Source.EVENT or not isinstance(facts, ProductFacts) or facts.variants is not None:
        return False
    before = context.state.get(SHOWN, event.resource)
    return before is not None and before.words == _words(facts)


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
        words = _words(facts)
        known = before.variants if before is not None and before.words == words else ()
        changed = [variant for variant in facts.variants if variant not in known]
        if changed or before is None:
            context.state.put(SHOWN, event.resource, Shown(at, words, facts.variants))
        for variant in changed:
            yield _copy(event, facts, variant)
    elif facts.variants is not None and ends_watch(facts):
        yield from (_copy(event, facts, variant) for variant in facts.variants)


def _words(facts: ProductFacts) -> bytes:
    return msgspec.json.encode((facts.title, facts.vendor, facts.status, facts.tags))


def _copy(event: Event, facts: ProductFacts, variant: ProductVariant) -> Event:
    subject = subjects.inventory(event.shop, variant.item_id)
    return replace(event, subject=subject, facts=replace(facts, variants=(variant,)), incomplete=())
