"""What an item's events add to its readings: how many there are, by the time at which that was so, and gaps between.

A gap is where it is not watched: its product is a draft or archived, nobody tracks it, it is a bundle, or is gone.
"""

from __future__ import annotations

from msgspec.structs import replace

from schemas.events import Event, Source
from schemas.facts.stock import InventoryFacts, InventoryItemFacts, Item, ProductFacts, VariantFacts
from schemas.facts.table import AnyFacts
from stages.dossiers.dossier import Dossier, is_at_one_place
from stages.dossiers.registers import Known, Stamp, newest, seen, shelved, stamp_of_lookup
from stages.dossiers.sales import OBSERVED

#: What told of a reading that Shopify's own word on a variant made us take, also where it was answered later.
TOLD_OUT = "variants/out_of_stock"
#: How many readings of an item are kept by location: each holds those of up to MANY locations.
_LOCATED = 12


def with_stock(
    dossier: Dossier,
    event: Event,
    facts: InventoryFacts | InventoryItemFacts | ProductFacts | VariantFacts,
    stamp: Stamp,
) -> Dossier:
    """`stamp`: of the body's own words; what was looked up is as new as its event."""
    if not isinstance(facts, ProductFacts) and facts.item is not None:
        kind = TOLD_OUT if isinstance(facts, VariantFacts) and not facts.in_stock else event.kind
        return _read(dossier, event, kind, facts.item)
    if ends_watch(facts):
        return _unwatched(dossier, event, stamp)
    return dossier


def _read(dossier: Dossier, event: Event, kind: str, item: Item) -> Dossier:
    looked_up = stamp_of_lookup(event)
    spans = seen(dossier.spans, OBSERVED, "yes", event.occurred)
    dossier = replace(dossier, item=newest(dossier.item, Known(looked_up, event.kind, item)), spans=spans)
    if item.tracked is False or item.bundle or item.product_status not in (None, "active"):
        return _unwatched(dossier, event, looked_up)
    # what was looked up later is a reading of then, and takes the place of none that its event has brought before
    at = (event.occurred if event.source is Source.ANSWER else event.updated or event.occurred).isoformat()
    if (units := _by_location(item)) is not None:
        stock = shelved(dossier.stock, at, Known(looked_up, event.kind, units), cap=_LOCATED)
        dossier = replace(dossier, stock=stock)
    if item.available is None:
        return dossier
    reading: Known[int | None] = Known(looked_up, kind, item.available)
    return replace(dossier, readings=shelved(dossier.readings, at, reading))


def ends_watch(facts: AnyFacts) -> bool:
    """Its item is not watched from then on, whatever has become of it since."""
    match facts:
        case InventoryFacts():
            return facts.untracked
        case InventoryItemFacts():
            return facts.deleted or facts.tracked is False
        case ProductFacts():
            return facts.deleted or facts.status not in (None, "active")
        case _:
            return False


def _unwatched(dossier: Dossier, event: Event, at: Stamp) -> Dossier:
    """What is read of it later is only where it starts from, whatever there was before."""
    gap: Known[int | None] = Known(at, event.kind, None)
    return replace(dossier, readings=shelved(dossier.readings, f"not {at.updated.isoformat()}", gap))


def _by_location(item: Item) -> tuple[tuple[int, int], ...] | None:
    if not item.levels or is_at_one_place(item):
        return None
    return tuple((level.location_id, level.available) for level in item.levels if level.available is not None)
