"""Where in a dossier the facts of an event stand: what may come in several ways has a place for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schemas.events import Event, Source
from schemas.facts.operations import AppSubscriptionFacts, PrivacyFacts, ScopesFacts, ShopFacts, ThemeFacts
from schemas.facts.orders import HoldFacts, OrderFacts, RiskFacts
from schemas.facts.payments import CheckoutFacts, DraftFacts, TransactionFacts
from schemas.facts.returns import DISPUTE_STATUSES, DispositionFacts, DisputeFacts, RefundFacts, ReturnFacts
from schemas.facts.shipments import FulfillmentOrderFacts
from schemas.facts.stock import InventoryFacts
from schemas.facts.table import AnyFacts

_BY_IDENTITY: Mapping[type, Callable[[Any], object]] = {
    RiskFacts: lambda facts: facts.assessment.by,
    HoldFacts: lambda facts: facts.hold.id if facts.hold else f"{facts.fulfillment_order}/all",
    InventoryFacts: lambda facts: facts.location_id,
    ScopesFacts: lambda facts: "unknown" if "current" in facts.absent else "told",
    TransactionFacts: lambda facts: f"{facts.id}/{facts.status}",
    DisputeFacts: lambda facts: facts.id if facts.status in DISPUTE_STATUSES else f"{facts.id}/unknown",
    RefundFacts: lambda facts: f"{facts.id}/blank" if "transactions" in facts.absent else facts.id,
}


#: Where the newest look at an order stands.
LOOK = "order/answer"
#: What a look at an order may bring and a body may lack: it is kept beside them, since the next look need not bring it.
PARTS = ("address", "terms", "lines")
#: A return may be closed and reopened several times.
_TURNS = frozenset({"returns/close", "returns/reopen"})

#: A look at an order never carries these: without them it is one, also where a next-generation Event made us look.
_ONLY_IN_BODIES = frozenset({"address", "checkout_token", "customer_id", "lines", "terms"})


def _is_short(facts: OrderFacts) -> bool:
    """No whole body: no look brings the checkout and the customer, and a body may be cut to few fields."""
    return "lines" in facts.absent or {"checkout_token", "customer_id"} <= set(facts.absent)


#: A scan that its carrier has deleted, whatever is told of it later.
TAKEN_BACK = "fulfillment_events/delete"


def place_of(event: Event, facts: AnyFacts) -> str:
    """The shelf's key. What may come in several ways has several places, and each keeps its newest.

    A body that was cut to few fields, without lines, is no more than a look at the order.
    """
    tag = "taken-back" if event.kind == TAKEN_BACK else str(facts.__struct_config__.tag)
    is_answer = event.source is Source.ANSWER and event.kind != "answer.facts"
    match facts:
        case OrderFacts() | DraftFacts():
            is_look = is_answer or (isinstance(facts, OrderFacts) and _is_short(facts))
            return f"{tag}/answer" if is_look else tag
        case CheckoutFacts():
            return f"{tag}/order" if facts.from_order else f"{tag}/answer" if is_answer else tag
        case ShopFacts():
            return f"{tag}/{event.kind}"
        case ReturnFacts() | AppSubscriptionFacts():
            turn = f"/{event.occurred.isoformat()}" if event.kind in _TURNS else ""
            return f"{tag}/{facts.id}/{event.kind}{turn}"
        case FulfillmentOrderFacts():
            return f"{tag}/{facts.fulfillment_order}/{event.kind}"
        case DispositionFacts() | PrivacyFacts() | ThemeFacts():
            return f"{tag}/{event.delivery_id}"
    if (identify := _BY_IDENTITY.get(type(facts))) is not None:
        return f"{tag}/{identify(facts)}"
    identity = getattr(facts, "id", None)
    return tag if identity is None else f"{tag}/{identity}"
