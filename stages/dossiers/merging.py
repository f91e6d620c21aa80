"""What an event or a signal adds to its subject's dossier. Every addition is a join: order and number do not matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from schemas.events import Event, Source
from schemas.facts.fact import optional
from schemas.facts.operations import DomainFacts, ScopesFacts, ShopFacts, SubscriptionsFacts
from schemas.facts.orders import Address, HoldFacts, OrderFacts, ProtectFacts, RiskFacts
from schemas.facts.payments import CheckoutFacts, DraftFacts
from schemas.facts.returns import DispositionFacts, DisputeFacts, RefundFacts, ReturnFacts
from schemas.facts.shipments import FulfillmentOrderFacts, ParcelsFacts, RoutingFacts
from schemas.facts.stock import InventoryFacts, InventoryItemFacts, ProductFacts, SoldFacts, VariantFacts
from schemas.facts.table import AnyFacts
from stages.dossiers.assessments import with_assessments, with_risk
from stages.dossiers.dossier import Dossier, Payment
from stages.dossiers.goods import with_goods
from stages.dossiers.registers import (
    LATE,
    MANY,
    Known,
    Span,
    Stamp,
    bounded,
    later,
    newest,
    seen,
    shelved,
    stamp_of,
    stamp_of_lookup,
)
from stages.dossiers.returns import return_spans
from stages.dossiers.sales import OBSERVED, with_sale
from stages.dossiers.shelves import LOOK, PARTS, place_of
from stages.dossiers.stock import with_stock
from stages.dossiers.storefronts import storefront_spans
from stages.dossiers.tags import TAGS, tagged

#: What is not in these lists is missed: none of them ends early.
_WHOLE = (ScopesFacts, SubscriptionsFacts)


def merged(dossier: Dossier, event: Event) -> Dossier:
    """The dossier with what the event tells."""
    return _sold(dossier, event, event.facts) if isinstance(event.facts, SoldFacts) else _told(dossier, event)


def _told(dossier: Dossier, event: Event) -> Dossier:
    facts = _as_looked(event, event.facts if isinstance(event.facts, _WHOLE) else bounded(event.facts))
    stamp = stamp_of(event, getattr(facts, "updated", None))
    told = Known(stamp, event.kind, without_looks(facts))
    dossier = replace(
        dossier,
        facts=_kept(dossier.facts, event, told),
        incomplete=_incomplete(dossier, event),
        heard=dossier.heard if event.source is Source.ANSWER else later(dossier.heard, event.occurred),
    )
    looked_up = stamp_of_lookup(event)
    match facts:
        case OrderFacts() | DraftFacts():
            return _bought(dossier, event, facts, stamp, looked_up)
        case RiskFacts() | ProtectFacts():
            return with_risk(dossier, event, facts, looked_up)
        case HoldFacts() | FulfillmentOrderFacts() if facts.open_holds is not None:
            return replace(dossier, holds=newest(dossier.holds, Known(looked_up, event.kind, facts.open_holds)))
        case InventoryFacts() | InventoryItemFacts() | ProductFacts() | VariantFacts():
            return with_stock(dossier, event, facts, stamp)
        case ReturnFacts() | DispositionFacts() | DisputeFacts():
            return _returned(dossier, event, facts, stamp, looked_up)
        case CheckoutFacts() if facts.customer is not None:
            return replace(dossier, customer=newest(dossier.customer, Known(looked_up, event.kind, facts.customer)))
        case ShopFacts() | DomainFacts() | ScopesFacts():
            return replace(dossier, spans=storefront_spans(dossier.spans, facts, stamp, looked_up))
        case _:
            return dossier


def _as_looked(event: Event, facts: AnyFacts) -> AnyFacts:
    """Of a hold that was told a day late the look knows better than its webhook: no replica lags so long."""
    is_late = event.received - event.occurred > LATE
    if isinstance(facts, HoldFacts) and facts.hold is not None and facts.open_holds is not None and is_late:
        return replace(facts, released=facts.hold.id not in {hold.id for hold in facts.open_holds})
    return facts


def _kept(shelf: dict[str, Known[AnyFacts]], event: Event, told: Known[AnyFacts]) -> dict[str, Known[AnyFacts]]:
    facts, place = told.value, place_of(event, told.value)
    if not _says_nothing(facts):
        shelf = shelved(shelf, place, told)
    if isinstance(facts, OrderFacts) and place == LOOK:
        for part in PARTS:
            if part not in facts.absent:
                alone = OrderFacts(id=facts.id, **{part: getattr(facts, part)})
                shelf = shelved(shelf, f"order/{part}", Known(stamp_of_lookup(event), event.kind, alone))
    return shelf


def _says_nothing(facts: AnyFacts) -> bool:
    """Shopify was silent, but for parts of an order: such a look is of now, and would be newer than any that says of
    when its words are."""
    if not isinstance(facts, OrderFacts | DraftFacts | CheckoutFacts):
        return False
    beside = PARTS if isinstance(facts, OrderFacts) else ()
    return all(getattr(facts, name) == empty for name, empty in optional(type(facts)) if name not in beside)


def without_looks(facts: AnyFacts) -> AnyFacts:
    """Without what was looked up: that has a place of its own."""
    match facts:
        case OrderFacts():
            return replace(facts, **dict.fromkeys(_OF_AN_ORDER))
        case DraftFacts():
            return replace(facts, customer=None, product_tags=None)
        case CheckoutFacts():
            return replace(facts, customer=None)
        case HoldFacts() | FulfillmentOrderFacts():
            return replace(facts, open_holds=None)
        case RiskFacts():
            return replace(facts, assessments=None, recommendation=None, protect=None)
        case DispositionFacts():
            return replace(facts, disposed=None)
        case InventoryFacts() | InventoryItemFacts() | VariantFacts():
            return replace(facts, item=None)
        case _:
            return facts


_OF_AN_ORDER = ("risk", "recommendation", "customer", "address_verdict", "holds", "to_ship", "product_tags")
_LOOKED_UP = (
    "risk",
    "protect",
    "customer",
    "address_verdict",
    "open_holds",
    "holds",
    "item",
    "order",
    "payment",
    "primary",
    "has_stock",
    "disposed",
    "product_tags",
)


#: What bodies carry too: as it is called in `incomplete`, and among the facts.
_CARRIED = {"company": "company_id", "lines": "lines"}
#: What is looked up for itself, and is facts of its own.
_LOOKS: Mapping[str, type] = {"routing": RoutingFacts, "parcels": ParcelsFacts}


def _incomplete(dossier: Dossier, event: Event) -> dict[str, Known[bool]]:
    """A later event that could look the same up makes it known; one that did not ask says nothing."""
    stamp = stamp_of_lookup(event)
    found = dossier.incomplete
    for name in event.incomplete:
        found = shelved(found, name, Known(stamp, event.kind, True))
    for name in found:
        if name not in event.incomplete and _is_told(event, name):
            found = shelved(found, name, Known(stamp, event.kind, False))
    return found


#: What says that these have come, where it is not that the fact of that name is there.
_TOLD_BY: Mapping[tuple[str, type], Callable[[Any], bool]] = {
    ("return", ReturnFacts): lambda facts: facts.dispositions is not None,
    ("refund", RefundFacts): lambda facts: not facts.absent,
    ("dispute", DisputeFacts): lambda facts: facts.status is not None,
}


def _is_told(event: Event, name: str) -> bool:
    facts = event.facts
    if name in _LOOKS:
        return isinstance(facts, _LOOKS[name])
    if name == "risk" and isinstance(facts, RiskFacts):
        return facts.assessments is not None
    if (told := _TOLD_BY.get((name, type(facts)))) is not None:
        return told(facts)
    if name == "address_verdict" and isinstance(facts, OrderFacts) and facts.address_verdict is None:
        return _could_look_at_address(event, facts)
    if name in _CARRIED and isinstance(facts, OrderFacts | DraftFacts):
        return _CARRIED[name] not in facts.absent
    if name == "terms":
        return isinstance(facts, OrderFacts) and name not in facts.absent
    return name in _LOOKED_UP and getattr(facts, name, None) is not None


# --- what was looked up -----------------------------------------------------------------------------------------------


def _bought(dossier: Dossier, event: Event, facts: OrderFacts | DraftFacts, stamp: Stamp, looked_up: Stamp) -> Dossier:
    if isinstance(event.facts, OrderFacts | DraftFacts):
        dossier = with_goods(dossier, event, event.facts, stamp, looked_up)
    if facts.customer is not None:
        dossier = replace(dossier, customer=newest(dossier.customer, Known(looked_up, event.kind, facts.customer)))
    return _order(dossier, event, facts, stamp, looked_up) if isinstance(facts, OrderFacts) else dossier


def _order(dossier: Dossier, event: Event, facts: OrderFacts, stamp: Stamp, looked_up: Stamp) -> Dossier:
    kind = event.kind
    dossier = replace(dossier, spans=_order_spans(dossier, facts, stamp, looked_up))
    if facts.address_verdict is not None or _has_looked_at_address(event):
        verdict = Known(looked_up, kind, facts.address_verdict)
        dossier = replace(dossier, address_verdict=newest(dossier.address_verdict, verdict))
    if facts.holds is not None:
        dossier = replace(dossier, holds=newest(dossier.holds, Known(looked_up, kind, facts.holds)))
    if facts.to_ship is not None:
        dossier = replace(dossier, to_ship=newest(dossier.to_ship, Known(looked_up, kind, facts.to_ship)))
    if facts.risk is not None:
        dossier = with_assessments(dossier, event, facts, looked_up)
    if event.kind == "answer.payment" and "payment" not in event.incomplete:
        payment = Payment(facts.capturable, facts.authorization_expires, facts.authorized_by, facts.manual_gateway)
        dossier = replace(dossier, payment=newest(dossier.payment, Known(looked_up, kind, payment)))
    return dossier


def _order_spans(dossier: Dossier, facts: OrderFacts, stamp: Stamp, looked_up: Stamp) -> dict[str, dict[str, Span]]:
    spans = dossier.spans
    if facts.financial is not None:
        spans = seen(spans, "financial", facts.financial, stamp.updated)
        spans = seen(spans, "fulfillment", facts.fulfillment or "unfulfilled", stamp.updated)
    if facts.outstanding is not None:
        spans = seen(spans, "balance", "owed" if facts.outstanding.amount < 0 else "even", stamp.updated)
    if "tags" not in facts.absent:
        spans = {**spans, TAGS: tagged(spans.get(TAGS, {}), facts.tags, stamp.updated)}
    if facts.address is not None:
        spans = seen(spans, "address-parts", ",".join(lacking(facts.address)) or "whole", stamp.updated)
        if facts.address.edition is not None:
            spans = seen(spans, "address-edition", str(facts.address.edition), stamp.updated)
    if facts.address_verdict is not None:
        spans = seen(spans, "address", facts.address_verdict, looked_up.occurred)
    return spans


def lacking(address: Address) -> tuple[str, ...]:
    """What the body says is not there; a part whose key was absent is unknown, not lacking."""
    parts = {"street": address.has_address1, "city": address.has_city, "zip": address.has_zip}
    return tuple(name for name, is_there in parts.items() if is_there is False)


def _has_looked_at_address(event: Event) -> bool:
    """A verdict that is null is an answer too: Shopify has not validated."""
    return event.kind == "answer.address" and "address_verdict" not in event.incomplete


def _could_look_at_address(event: Event, facts: OrderFacts) -> bool:
    """So that the null is Shopify's: of what is not to be shipped any more nobody asks it."""
    if event.source is Source.ANSWER:
        return event.kind in ("answer.address", "answer.facts")
    return facts.requires_shipping is True and facts.cancelled is None and facts.fulfillment in (None, "partial")


def _sold(dossier: Dossier, event: Event, facts: SoldFacts) -> Dossier:
    """Of these there are many, and they have a shelf of their own."""
    spans = seen(dossier.spans, OBSERVED, "yes", event.occurred)
    heard = later(dossier.heard, event.occurred)
    return replace(dossier, sold=with_sale(dossier.sold, facts, stamp_of(event)), spans=spans, heard=heard)


def _returned(
    dossier: Dossier,
    event: Event,
    facts: ReturnFacts | DispositionFacts | DisputeFacts,
    stamp: Stamp,
    looked_up: Stamp,
) -> Dossier:
    """What came back never changes: it is known by its id, however often it is told."""
    spans, came = dossier.spans, dossier.disposed
    if isinstance(facts, DisputeFacts):
        phase = facts.kind or "unknown"
        return replace(dossier, spans=seen(spans, f"dispute/{facts.id}", phase, stamp.occurred))
    if isinstance(facts, ReturnFacts):
        spans = return_spans(spans, event, facts, stamp.occurred)
    known = facts.dispositions if isinstance(facts, ReturnFacts) else facts.disposed
    for each in known or ():
        came = shelved(came, f"{each.reverse}/{each.id}", Known(looked_up, event.kind, each), cap=MANY)
    return replace(dossier, spans=spans, disposed=came)
