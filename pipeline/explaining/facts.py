"""What Shopify would have answered, given in a file: without it, what has to be looked up stays unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from pipeline.explaining.given import Unusable
from schemas.facts.operations import LocationFacts, ShopFacts, SubscriptionsFacts, SyncFacts
from schemas.facts.orders import Assessment, Customer, Hold, OrderFacts, Terms
from schemas.facts.payments import CheckoutFacts, DraftFacts
from schemas.facts.returns import Disposition, DisputeFacts, RefundFacts, ReturnFacts
from schemas.facts.shipments import ParcelsFacts, RoutingFacts
from schemas.facts.stock import Item, ProductFacts
from stages.shopify.answers import Found, Unavailable
from stages.shopify.lookup import (
    Bought,
    Buyer,
    Disposed,
    Lookup,
    OnTerms,
    OpenHolds,
    Place,
    ProductTags,
    Protection,
    Reply,
    Value,
    Verdict,
    What,
)
from stages.shopify.needs import PLACED_BY

#: What stands in "not known: ..." under another name than it is given by.
GIVEN_AS = {"open_holds": "holds", "primary": "shop", "has_stock": "location", "payment": "order", "return": "returned"}


class Looked(Struct, frozen=True, forbid_unknown_fields=True):
    """Each under the name that stands in "not known: ..." (or `GIVEN_AS`). `place`: whose a resource is that names no
    order. `risk` and `recommendation` are the order's; `company` is the number of the one that it is for, null for a
    person's; `product_tags` are those of all its goods; `disposed` is all that came back of a reverse fulfillment
    order; `orders` are the numbers of those of the customer that are open. The others are states at the time of a
    question.
    """

    place: Place | UnsetType = UNSET
    customer: Customer | UnsetType = UNSET
    orders: tuple[int, ...] | UnsetType = UNSET
    item: Item | UnsetType = UNSET
    address_verdict: str | UnsetType | None = UNSET
    holds: tuple[Hold, ...] | UnsetType = UNSET
    risk: tuple[Assessment, ...] | UnsetType = UNSET
    recommendation: str | None = None
    protect: str | UnsetType = UNSET
    terms: Terms | UnsetType | None = UNSET
    company: int | UnsetType | None = UNSET
    product_tags: tuple[str, ...] | UnsetType = UNSET
    order: OrderFacts | UnsetType = UNSET
    draft: DraftFacts | UnsetType = UNSET
    product: ProductFacts | UnsetType = UNSET
    routing: RoutingFacts | UnsetType = UNSET
    parcels: ParcelsFacts | UnsetType = UNSET
    returned: ReturnFacts | UnsetType = UNSET
    disposed: tuple[Disposition, ...] | UnsetType = UNSET
    refund: RefundFacts | UnsetType = UNSET
    dispute: DisputeFacts | UnsetType = UNSET
    checkout: CheckoutFacts | UnsetType = UNSET
    shop: ShopFacts | UnsetType = UNSET
    location: LocationFacts | UnsetType = UNSET
    sync: SyncFacts | UnsetType = UNSET
    subscriptions: SubscriptionsFacts | UnsetType = UNSET

    def reply(self, lookup: Lookup) -> Reply:
        value = self._value(lookup)
        return Unavailable("not in the facts that were given") if isinstance(value, UnsetType) else Found(value)

    def _value(self, lookup: Lookup) -> Value | UnsetType:
        if lookup.what in PLACED_BY.values():
            return self.place
        if lookup.what in (What.ORDER, What.PAYMENT):
            return self._order(int(lookup.identity))
        if lookup.what is What.ORDER_BESIDE:
            return self.order if isinstance(self.place, UnsetType) else self._order(self.place.identity)
        if lookup.what is What.BOUGHT:
            is_given = not isinstance(self.customer, UnsetType) and not isinstance(self.orders, UnsetType)
            return Bought(self.customer, self.orders) if is_given else UNSET  # type: ignore[arg-type]  # both are
        name, wrapped = _GIVEN_BY.get(lookup.what, ("", None))
        given = getattr(self, name, UNSET)
        return given if wrapped is None or isinstance(given, UnsetType) else wrapped(given)

    def _order(self, number: int) -> OrderFacts | UnsetType:
        if isinstance(self.risk, UnsetType):
            return self.order
        order = OrderFacts(id=number) if isinstance(self.order, UnsetType) else self.order
        return replace(order, risk=self.risk, recommendation=self.recommendation)


#: By which of the fields a lookup is answered, and what Shopify's answer would have been read as, where that is more.
_GIVEN_BY: Mapping[What, tuple[str, Callable[[Any], Value] | None]] = {
    What.CUSTOMER: ("customer", None),
    What.CUSTOMER_OF: ("customer", None),
    What.ITEM: ("item", None),
    What.ITEM_OF_VARIANT: ("item", None),
    What.PRODUCT: ("product", None),
    What.ADDRESS: ("address_verdict", Verdict),
    What.HOLDS: ("holds", OpenHolds),
    What.HOLDS_BESIDE: ("holds", OpenHolds),
    What.PROTECT: ("protect", Protection),
    What.TERMS: ("terms", OnTerms),
    What.DRAFT: ("draft", None),
    What.DRAFT_COMPANY: ("company", Buyer),
    What.ORDER_COMPANY: ("company", Buyer),
    What.PRODUCT_TAGS: ("product_tags", ProductTags),
    What.ORDER_PRODUCTS: ("product_tags", ProductTags),
    What.ROUTING: ("routing", None),
    What.ROUTING_BESIDE: ("routing", None),
    What.PARCELS: ("parcels", None),
    What.RETURN_STATE: ("returned", None),
    What.DISPOSED: ("disposed", Disposed),
    What.REFUND_STATE: ("refund", None),
    What.DISPUTE: ("dispute", None),
    What.CHECKOUT: ("checkout", None),
    What.ABANDONMENT: ("checkout", None),
    What.SHOP: ("shop", None),
    What.LOCATION: ("location", None),
    What.NEWER: ("sync", None),
    What.SUBSCRIPTIONS: ("subscriptions", None),
}


def looked_up(text: bytes) -> Looked:
    """Raises Unusable."""
    try:
        looked = msgspec.json.decode(text, type=Looked)
    except msgspec.ValidationError as error:
        raise Unusable(f"{error}{_hint(str(error))}") from error
    except msgspec.DecodeError as error:
        raise Unusable(f"is no JSON: {error}") from error
    for says in _unread(looked, msgspec.json.decode(text), ""):
        raise Unusable(says)
    return looked


def _unread(value: object, raw: object, path: str) -> Iterator[str]:
    """What stands in the file and was skipped, since facts skip what they do not know."""
    if isinstance(value, tuple) and isinstance(raw, list):
        for number, (inner, given) in enumerate(zip(value, raw, strict=True)):
            yield from _unread(inner, given, f"{path}[{number}]")
    elif isinstance(value, Struct) and isinstance(raw, dict):
        known = value.__struct_fields__
        for name, given in raw.items():
            if name in known:
                yield from _unread(getattr(value, name), given, f"{path}.{name}" if path else name)
            elif name != "type":
                yield f"`{path}` has no `{name}`{_near(name, known)}"


def _hint(says: str) -> str:
    return _near(says.split("`")[1], Looked.__struct_fields__) if "unknown field" in says else ""


def _near(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else f"; there is {', '.join(known)}"
