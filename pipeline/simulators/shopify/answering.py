"""A document's answer from a store: exactly the fields that were asked for, and an error for one that Shopify lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Final, TypeVar, cast

from msgspec.structs import fields

from pipeline.simulators.shopify.documents import Document, Field, Selected, Value, filled
from pipeline.simulators.shopify.graph import Joined, Link, Page, Part, Thing
from pipeline.simulators.shopify.orders import Order
from pipeline.simulators.shopify.people import Abandonment, Customer, SegmentMembership, SegmentMembershipResponse
from pipeline.simulators.shopify.shops import AppInstallation, Shop, WebhookSubscription
from pipeline.simulators.shopify.stock import InventoryItem
from pipeline.simulators.shopify.store import Things, joined

T = TypeVar("T")
Json = dict[str, object]

_ONE_BY_ID: Final = {
    "order": "Order",
    "draftOrder": "DraftOrder",
    "customer": "Customer",
    "return": "Return",
    "refund": "Refund",
    "dispute": "ShopifyPaymentsDispute",
    "location": "Location",
    "product": "Product",
    "inventoryItem": "InventoryItem",
    "reverseFulfillmentOrder": "ReverseFulfillmentOrder",
}
_SEARCHED: Final[Mapping[str, Callable[[Order], object]]] = {
    "checkout_token": lambda order: order.checkout_token,
    "id": lambda order: order.id.rpartition("/")[2],
    "name": lambda order: order.name,
    "customer_id": lambda order: order.customer.to.rpartition("/")[2] if order.customer else None,
    "status": lambda order: "open" if order.closed_at is None and order.cancelled_at is None else "closed",
    "created_at": lambda order: order.created_at,
    "updated_at": lambda order: order.updated_at,
}


class Unanswerable(Exception):
    """`str()` is the message of the error, `code` stands in its extensions."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Answering:
    """One question. `objects` counts what was answered, for its cost. Raises Unanswerable."""

    def __init__(self, things: Things, variables: Mapping[str, Value]) -> None:
        self.objects = 0
        self._things = things
        self._variables = variables

    def data(self, asked: Document) -> Json:
        if asked.kind != "query":
            raise Unanswerable("the simulator changes nothing", "NOT_SIMULATED")
        return {each.key: self._told(self._root(each), each) for each in self._fields(asked.selection, "QueryRoot")}

    def _root(self, asked: Field) -> object:
        given = self._arguments(asked)
        if asked.name in _ONE_BY_ID:
            return self._of_type(_ONE_BY_ID[asked.name], given.get("id"))
        if asked.name == "node":
            return self._things.get(str(given.get("id")))
        if asked.name == "nodes":
            return [self._things.get(str(one)) for one in cast("Sequence[Value]", given.get("ids"))]
        return self._rarer(asked, given)

    def _rarer(self, asked: Field, given: Mapping[str, Value]) -> object:
        match asked.name:
            case "orders":
                return Page(tuple(self._found(str(given.get("query") or ""))))
            case "inventoryItems":
                since = str(given.get("query") or "").partition(":")[2]
                return Page(tuple(item for item in self._all(InventoryItem) if _fits(item.updated_at, since)))
            case "abandonmentByAbandonedCheckoutId":
                wanted = Link(str(given.get("abandonedCheckoutId")))
                return next((it for it in self._all(Abandonment) if it.checkout == wanted), None)
            case "customerSegmentMembership":
                asked_for = cast("Sequence[Value]", given.get("segmentIds"))
                buyer = self._things.get(str(given.get("customerId")))
                own = buyer.segments if isinstance(buyer, Customer) else ()
                members = tuple(SegmentMembership(segment_id=str(one), is_member=str(one) in own) for one in asked_for)
                return SegmentMembershipResponse(memberships=members)
            case "webhookSubscriptions":
                return Page(tuple(self._all(WebhookSubscription)))
            case "shop":
                return next(self._all(Shop))
            case "currentAppInstallation":
                return next(self._all(AppInstallation))
        raise _no_field(asked.name, "QueryRoot")

    def _of_type(self, kind: str, name: Value) -> Thing | None:
        thing = self._things.get(str(name))
        return thing if type(thing).__name__ == kind else None

    def _all(self, kind: type[T]) -> Iterator[T]:
        return (thing for thing in self._things.values() if isinstance(thing, kind))

    def _found(self, query: str) -> Iterator[Order]:
        """Search by `name:value` and `name:>time` terms, all of which must fit."""
        terms = [term.partition(":")[::2] for term in query.replace(" AND ", " ").split()]
        for name, _ in terms:
            if name not in _SEARCHED:
                raise Unanswerable(f"the simulator does not search orders by {name!r}", "NOT_SIMULATED")
        for order in self._all(Order):
            if all(_fits(_SEARCHED[name](order), value) for name, value in terms):
                yield order

    def _told(self, value: object, asked: Field) -> object:
        match value:
            case Link():
                return self._told(self._things.get(value.to), asked)
            case Page():
                return self._connection(value.nodes, asked)
            case Part():
                return self._object(value, asked.selection)
            case list() | tuple():
                return [self._told(one, asked) for one in self._cut(value, asked)]
            case datetime():
                return value.strftime("%Y-%m-%dT%H:%M:%SZ")
            case Decimal():
                return str(value)
            case _:
                return value

    def _object(self, part: Part, selection: tuple[Selected, ...]) -> Json:
        self.objects += 1
        kind = type(part).__name__
        return {each.key: self._field(part, each) for each in self._fields(selection, kind)}

    def _field(self, part: Part, asked: Field) -> object:
        if asked.name == "__typename":
            return type(part).__name__
        attribute = _attributes(type(part)).get(asked.name)
        if attribute is None:
            raise _no_field(asked.name, type(part).__name__)
        value = getattr(part, attribute)
        if isinstance(value, Joined):
            found = tuple(joined(self._things, value, cast("Thing", part).id))
            value = found if value.listed else Page(found)
        return self._told(value, asked)

    def _connection(self, nodes: Sequence[object], asked: Field) -> Json:
        """Cursors are counts."""
        given = self._arguments(asked)
        start = int(str(given.get("after") or 0))
        end = min(len(nodes), start + _first(given, len(nodes)))
        answer: Json = {}
        for each in self._fields(asked.selection, "Connection"):
            if each.name == "nodes":
                answer[each.key] = [self._told(node, each) for node in nodes[start:end]]
            elif each.name == "pageInfo":
                page = {"hasNextPage": end < len(nodes), "endCursor": str(end) if end > start else None}
                answer[each.key] = {one.key: page[one.name] for one in self._fields(each.selection, "PageInfo")}
            else:
                raise _no_field(each.name, "Connection")
        return answer

    def _cut(self, values: Sequence[object], asked: Field) -> Iterable[object]:
        """`first`, and the one argument of a list that we play: the names of quantities."""
        given = self._arguments(asked)
        names = given.get("names")
        kept = (value for value in values if not isinstance(names, list) or getattr(value, "name", None) in names)
        return islice(kept, _first(given, len(values)))

    def _arguments(self, asked: Field) -> dict[str, Value]:
        return {name: filled(value, self._variables) for name, value in asked.arguments.items()}

    def _holds(self, each: Selected) -> bool:
        return all((filled(told, self._variables) is True) == (name == "include") for name, told in each.conditions)

    def _fields(self, selection: tuple[Selected, ...], kind: str) -> Iterator[Field]:
        """Those that hold for an object of this type, fragments opened."""
        for each in selection:
            if not self._holds(each):
                continue
            if isinstance(each, Field):
                yield each
            elif each.on in (None, kind, "Node"):
                yield from self._fields(each.selection, kind)


@cache
def _attributes(kind: type[Part]) -> Mapping[str, str]:
    """Names of Shopify's to ours."""
    return {each.encode_name: each.name for each in fields(kind) if each.name not in kind.unseen}


def _fits(value: object, wanted: str) -> bool:
    plain = wanted.lstrip(">").strip("'\"")
    if not isinstance(value, datetime):
        return value == plain
    return value > datetime.fromisoformat(plain).replace(tzinfo=UTC)


def _first(given: Mapping[str, Value], otherwise: int) -> int:
    first = given.get("first")
    return first if isinstance(first, int) else otherwise


def _no_field(name: str, kind: str) -> Unanswerable:
    return Unanswerable(f"Field '{name}' doesn't exist on type '{kind}'", "undefinedField")
