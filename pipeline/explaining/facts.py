"""What Shopify would have answered, given in a file: without it, what has to be looked up stays unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from pipeline.explaining.given import Unusable
from schemas.facts import (
    Assessment,
    CheckoutFacts,
    Customer,
    Disposition,
    DisputeFacts,
    Hold,
    Item,
    LocationFacts,
    OrderFacts,
    RefundFacts,
    ReturnFacts,
    ShopFacts,
    SubscriptionsFacts,
    SyncFacts,
)
from stages.shopify.answers import Found, Unavailable
from stages.shopify.lookup import Disposed, Lookup, OpenHolds, Place, Protection, Reply, Value, Verdict, What
from stages.shopify.needs import PLACED_BY

#: What stands in "not known: ..." under another name than it is given by.
GIVEN_AS = {"open_holds": "holds", "primary": "shop", "has_stock": "location", "payment": "order", "return": "returned"}


class Looked(Struct, frozen=True, forbid_unknown_fields=True):
    """Each under the name that stands in "not known: ..." (or `GIVEN_AS`). `place`: whose a resource is that names no
    order. `risk` and `recommendation` are the order's; `disposed` is all that came back of a reverse fulfillment order;
    `order`, `returned`, `refund`, `dispute`, `checkout`, `shop`, `location`, `sync` and `subscriptions` the state at
    the time of a question.
    """

    place: Place | UnsetType = UNSET
    customer: Customer | UnsetType = UNSET
    item: Item | UnsetType = UNSET
    address_verdict: str | UnsetType | None = UNSET
    holds: tuple[Hold, ...] | UnsetType = UNSET
    risk: tuple[Assessment, ...] | UnsetType = UNSET
    recommendation: str | None = None
    protect: str | UnsetType = UNSET
    order: OrderFacts | UnsetType = UNSET
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
        match lookup.what:
            case What.ADDRESS:
                return UNSET if isinstance(self.address_verdict, UnsetType) else Verdict(self.address_verdict)
            case What.HOLDS | What.HOLDS_BESIDE:
                return UNSET if isinstance(self.holds, UnsetType) else OpenHolds(self.holds)
            case What.ORDER | What.PAYMENT:
                return self._order(int(lookup.identity))
            case What.PROTECT:
                return UNSET if isinstance(self.protect, UnsetType) else Protection(self.protect)
            case What.DISPOSED:
                return UNSET if isinstance(self.disposed, UnsetType) else Disposed(self.disposed)
        return self._as_given.get(lookup.what, UNSET)

    @property
    def _as_given(self) -> Mapping[What, Value | UnsetType]:
        """What Shopify's answer is read as."""
        return {
            What.CUSTOMER: self.customer,
            What.ITEM: self.item,
            What.ITEM_OF_VARIANT: self.item,
            What.RETURN_STATE: self.returned,
            What.REFUND_STATE: self.refund,
            What.DISPUTE: self.dispute,
            What.CHECKOUT: self.checkout,
            What.ABANDONMENT: self.checkout,
            What.SHOP: self.shop,
            What.LOCATION: self.location,
            What.NEWER: self.sync,
            What.SUBSCRIPTIONS: self.subscriptions,
        }

    def _order(self, number: int) -> OrderFacts | UnsetType:
        if isinstance(self.risk, UnsetType):
            return self.order
        order = OrderFacts(id=number) if isinstance(self.order, UnsetType) else self.order
        return replace(order, risk=self.risk, recommendation=self.recommendation)


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
