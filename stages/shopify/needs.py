"""Which facts a body does not carry and the rules do need: one table by kind of facts, and how each is filled in.

What the rules of a topic do not read is not asked for. The names are those that stand in an event's `incomplete`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar, cast

from msgspec.structs import replace

from schemas import subjects
from schemas.events import Event, Source
from schemas.facts.fact import Facts, optional
from schemas.facts.operations import DomainFacts, LocationFacts, ShopFacts, SubscriptionsFacts, SyncFacts
from schemas.facts.orders import Address, Customer, HoldFacts, OrderFacts, RiskFacts, Terms
from schemas.facts.payments import CheckoutFacts, DraftFacts
from schemas.facts.returns import DispositionFacts, DisputeFacts, RefundFacts, ReturnFacts
from schemas.facts.shipments import FulfillmentOrderFacts, ParcelsFacts, RoutingFacts
from schemas.facts.stock import InventoryFacts, InventoryItemFacts, Item, ProductFacts, VariantFacts
from schemas.facts.table import AnyFacts
from schemas.questions import Question, QuestionKind
from schemas.reasons import RejectReason
from stages.bodies import drafts, orders, payments, returns
from stages.bodies.fields import instant, integer
from stages.shopify.lookup import (
    Buyer,
    Disposed,
    Lines,
    Lookup,
    OnTerms,
    OpenHolds,
    Place,
    ProductTags,
    Protection,
    Value,
    Verdict,
    What,
)
from stages.stage import Reject

F = TypeVar("F", bound=Facts)
Needs = Mapping[str, Lookup]

#: Kinds that are no subjects themselves: where they belong, only Shopify can tell.
PLACED_BY = {
    "fulfillment-order": What.FULFILLMENT_ORDER,
    "variant": What.VARIANT,
    "payment-terms": What.PAYMENT_TERMS,
    "payment-schedule": What.PAYMENT_SCHEDULE,
    "return": What.RETURN,
    "reverse-fulfillment-order": What.REVERSE_FULFILLMENT_ORDER,
    "refund": What.REFUND,
}

_AT_RISK = frozenset({"high", "medium"})
_NOT_SHIPPING_ANY_MORE = frozenset({"fulfilled", "restocked"})


Ask = Callable[..., Lookup]


def needs_of(event: Event, place: Place | None) -> Needs:
    """`place` None: not known yet, or its own; what hangs on it is then asked for by way of the resource."""

    def ask(what: What, identity: object, newer: datetime | None = None) -> Lookup:
        return Lookup(event.shop, what, str(identity), event.received, newer)

    match event.facts:
        case OrderFacts() as facts:
            return _order_needs(event, facts, ask)
        case RiskFacts() as facts if facts.assessment.level != "pending":
            return _risk_needs(facts, ask)
        case HoldFacts() | FulfillmentOrderFacts() as facts if _may_hold(event):
            return {"open_holds": _asked_for_holds(facts.fulfillment_order, place, ask)}
        case InventoryFacts() | InventoryItemFacts() | ProductFacts() | VariantFacts():
            return _stock_needs(event, place, ask)
        case CheckoutFacts(customer_id=int() as customer) | DraftFacts(customer_id=int() as customer):
            return {"customer": ask(What.CUSTOMER, customer)}
        case _:
            return _storefront_needs(event, ask)


def _risk_needs(facts: RiskFacts, ask: Ask) -> Needs:
    """Whether Shopify covers it is worth a question only where there is something to cover."""
    needs = {"risk": ask(What.ORDER, facts.order_id)}
    return needs | {"protect": ask(What.PROTECT, facts.order_id)} if facts.assessment.level in _AT_RISK else needs


def _stock_needs(event: Event, place: Place | None, ask: Ask) -> Needs:
    match event.facts:
        case InventoryFacts() as facts:
            return {"item": ask(What.ITEM, facts.item_id, event.updated)}
        case InventoryItemFacts(item_id=identity, deleted=False) if event.source is Source.EVENT:
            return {"item": ask(What.ITEM, identity)}
        case ProductFacts(id=identity, deleted=False, variants=None):
            return {"product": ask(What.PRODUCT, identity)}
        case VariantFacts() as facts:
            return {"item": ask(What.ITEM_OF_VARIANT, facts.id) if place is None else ask(What.ITEM, place.identity)}
        case _:
            return {}


def _storefront_needs(event: Event, ask: Ask) -> Needs:
    match event.facts:
        case DomainFacts():
            return {"primary": ask(What.SHOP, "")}
        case LocationFacts(id=identity, active=active, has_stock=None) if active is not True:
            return {"has_stock": ask(What.LOCATION, identity)}
        case _:
            return _return_needs(event, ask)


def _return_needs(event: Event, ask: Ask) -> Needs:
    match event.facts:
        case DispositionFacts(id=identity):
            return {"disposed": ask(What.DISPOSED, identity)}
        case ReturnFacts(id=identity) if event.source is Source.EVENT or event.kind in _LOOKED_UP:
            return {"return": ask(What.RETURN_STATE, identity)}
        case RefundFacts(id=identity, absent=absent) if {"return_id", "transactions"} & set(absent):
            return {"refund": ask(What.REFUND_STATE, identity)}
        case _:
            return {}


#: After these a return may have other units, or have been processed. What they are worth no body tells, nor whether
#: their order is a test; since 2026 bodies show no lines either.
_LOOKED_UP = frozenset({"returns/request", "returns/approve", "returns/update", "returns/process"})


def _may_hold(event: Event) -> bool:
    """A next-generation Event of a fulfillment order may be of a hold."""
    return isinstance(event.facts, HoldFacts) or event.source is Source.EVENT


def _asked_for_holds(fulfillment_order: str, place: Place | None, ask: Ask) -> Lookup:
    if place is None:
        return ask(What.HOLDS_BESIDE, integer(fulfillment_order))
    return ask(What.HOLDS, place.identity)


def _order_needs(event: Event, facts: OrderFacts, ask: Ask) -> Needs:
    """A next-generation Event carries no state of its own: the order itself is what is missing."""
    if event.source is Source.EVENT:
        return {name: ask(what, facts.id) for name, what in _OF_AN_EVENT.items()}
    needs: dict[str, Lookup] = {}
    if facts.customer_id is not None:
        needs["customer"] = ask(What.CUSTOMER, facts.customer_id)
    if facts.requires_shipping and facts.cancelled is None and facts.fulfillment not in _NOT_SHIPPING_ANY_MORE:
        needs["address_verdict"] = ask(What.ADDRESS, facts.id, event.updated)
    return needs


_OF_AN_EVENT = {
    "order": What.ORDER,
    "address_verdict": What.ADDRESS,
    "terms": What.TERMS,
    "customer": What.CUSTOMER_OF,
}


def late_place(event: Event) -> Place | None:
    """Where an event belongs that has its subject already."""
    if subjects.kind_of(event.subject) not in ("order", "inventory") or isinstance(event.facts, OrderFacts):
        return None
    return Place(subjects.kind_of(event.subject), integer(subjects.identity_of(event.subject)) or 0)


def late_needs_of(event: Event) -> Needs:
    """What is still unknown, and, since the order has gone on meanwhile, the order as it is now."""
    place = late_place(event)
    asked = {name: lookup for name, lookup in needs_of(event, place).items() if name in event.incomplete}
    if isinstance(event.facts, OrderFacts):
        asked["order"] = Lookup(event.shop, What.ORDER, str(event.facts.id), event.received, event.updated)
    return asked


_ASKED_OF = {
    QuestionKind.PAYMENT: {"order": What.ORDER, "payment": What.PAYMENT},
    QuestionKind.TERMS: {"order": What.ORDER, "terms": What.TERMS},
    QuestionKind.ADDRESS: {"order": What.ORDER, "address_verdict": What.ADDRESS},
    QuestionKind.ORDER: {"order": What.ORDER, "holds": What.HOLDS},
    QuestionKind.DRAFT: {"draft": What.DRAFT, "company": What.DRAFT_COMPANY},
    QuestionKind.ROUTING: {"routing": What.ROUTING},
    QuestionKind.PARCELS: {"parcels": What.PARCELS},
    QuestionKind.RETURN: {"return": What.RETURN_STATE},
    QuestionKind.REFUND: {"refund": What.REFUND_STATE},
    QuestionKind.DISPUTE: {"dispute": What.DISPUTE},
    QuestionKind.INVENTORY: {"item": What.ITEM},
}


def question_needs(question: Question, since: datetime) -> tuple[AnyFacts, Needs]:
    """The facts that a question asks for, blank, and what fills them. Raises Reject where it names nothing."""

    def ask(what: What, identity: object) -> Lookup:
        return Lookup(question.shop, what, str(identity), since)

    named = integer(question.resource.removeprefix("#"))
    if question.kind is QuestionKind.CHECKOUT:
        token = subjects.identity_of(question.subject)
        needs = {"checkout": ask(What.CHECKOUT, token)}
        return CheckoutFacts(token=token, absent=tuple(payments.EMPTY_SAYS)), needs if named is None else needs | {
            "abandonment": ask(What.ABANDONMENT, named)
        }
    if (about_shop := _shop_needs(question, ask)) is not None:
        return about_shop
    found = named or integer(subjects.identity_of(question.subject))
    if found is None:
        raise Reject(RejectReason.UNDECODABLE, f"a question about nothing: {question.resource!r}")
    blank = _BLANK.get(question.kind, _order)
    return blank(found), {name: ask(what, found) for name, what in _ASKED_OF[question.kind].items()}


def _order(identity: int) -> AnyFacts:
    return OrderFacts(id=identity, absent=tuple(orders.EMPTY_SAYS))


_BLANK: Mapping[QuestionKind, Callable[[int], AnyFacts]] = {
    QuestionKind.DRAFT: lambda identity: DraftFacts(id=identity, absent=tuple(drafts.EMPTY_SAYS)),
    QuestionKind.RETURN: lambda identity: ReturnFacts(id=identity),
    QuestionKind.REFUND: lambda identity: RefundFacts(id=identity, absent=tuple(returns.EMPTY_SAYS)),
    QuestionKind.DISPUTE: lambda identity: DisputeFacts(id=identity),
    QuestionKind.ROUTING: lambda identity: RoutingFacts(order_id=identity),
    QuestionKind.PARCELS: lambda identity: ParcelsFacts(order_id=identity),
    QuestionKind.INVENTORY: lambda identity: InventoryItemFacts(item_id=identity),
}


def _shop_needs(question: Question, ask: Ask) -> tuple[AnyFacts, Needs] | None:
    """Of the shop as a whole."""
    if question.kind is QuestionKind.SHOP:
        return ShopFacts(), {"shop": ask(What.SHOP, "")}
    if question.kind is QuestionKind.SUBSCRIPTIONS:
        return SubscriptionsFacts(), {"subscriptions": ask(What.SUBSCRIPTIONS, "")}
    if question.kind is QuestionKind.SYNC and (since := instant(question.resource)) is not None:
        topic = subjects.identity_of(question.subject)
        return SyncFacts(since=since), {"sync": ask(What.NEWER, f"{topic} {question.resource}")}
    return None


def filled(facts: AnyFacts, value: Value) -> AnyFacts:
    if isinstance(facts, DispositionFacts) and isinstance(value, Disposed):
        return replace(facts, disposed=value.dispositions, origin=value.origin)
    return cast("AnyFacts", overlaid(facts, value)) if type(facts) is type(value) else _beside(facts, value)


def _beside(facts: AnyFacts, value: Value) -> AnyFacts:
    match facts, value:
        case ((OrderFacts() | DraftFacts()), _):
            return _of_purchase(facts, value)
        case CheckoutFacts(), Customer():
            return replace(facts, customer=value)
        case RiskFacts(), (OrderFacts() | Protection()):
            return _of_risk(facts, value)
        case ((HoldFacts() | FulfillmentOrderFacts()), OpenHolds()):
            return _with_holds(facts, value)
        case ((InventoryFacts() | VariantFacts() | InventoryItemFacts()), Item()):
            return replace(facts, item=value)
        case DomainFacts(), ShopFacts():
            return replace(facts, primary=value.primary)
        case _:
            return facts


def _of_order(facts: OrderFacts, told: Verdict | OnTerms | OpenHolds) -> OrderFacts:
    if isinstance(told, OpenHolds):
        return replace(facts, holds=told.holds)
    if isinstance(told, OnTerms):
        return _where_absent(facts, terms=told.terms)
    facts = replace(facts, address_verdict=told.word, to_ship=told.to_ship)
    return _where_absent(facts, address=told.address)


def _where_absent(facts: OrderFacts, **parts: Address | Terms | None) -> OrderFacts:
    """Where the body had their keys, it is as new as it says itself to be."""
    unknown = {name: part for name, part in parts.items() if name in facts.absent}
    return replace(facts, **unknown, absent=tuple(name for name in facts.absent if name not in unknown))


def _of_purchase(facts: OrderFacts | DraftFacts, value: Value) -> AnyFacts:
    match facts, value:
        case _, Customer():
            return replace(facts, customer=value)
        case _, Buyer():
            absent = tuple(name for name in facts.absent if name != "company_id")
            return replace(facts, company_id=value.company_id, absent=absent)
        case _, ProductTags():
            return replace(facts, product_tags=value.tags)
        case _, Lines():
            return replace(facts, lines=value.lines, absent=tuple(name for name in facts.absent if name != "lines"))
        case OrderFacts(), (Verdict() | OnTerms() | OpenHolds()):
            return _of_order(facts, value)
        case _:
            return facts


def _of_risk(facts: RiskFacts, order: OrderFacts | Protection) -> RiskFacts:
    if isinstance(order, Protection):
        return replace(facts, protect=order.status)
    return replace(
        facts,
        assessments=order.risk,
        recommendation=order.recommendation,
        order_name=order.name,
        total=order.total,
        financial=order.financial,
        fulfillment=order.fulfillment,
        cancelled=order.cancelled,
        test=order.test,
        created=order.created,
        processed=order.processed,
    )


def _with_holds(facts: HoldFacts | FulfillmentOrderFacts, told: OpenHolds) -> HoldFacts | FulfillmentOrderFacts:
    if isinstance(facts, FulfillmentOrderFacts):
        return replace(facts, open_holds=told.holds)
    return replace(facts, open_holds=told.holds, test=told.test, created=told.created, processed=told.processed)


_EMPTY_SAYS = {
    OrderFacts: orders.EMPTY_SAYS,
    CheckoutFacts: payments.EMPTY_SAYS,
    DraftFacts: drafts.EMPTY_SAYS,
    RefundFacts: returns.EMPTY_SAYS,
}


def overlaid(facts: F, newer: F) -> F:
    """What the newer one knows wins, also that something is empty now; what it does not say stays."""
    cleared = set(_EMPTY_SAYS.get(type(newer), ())) - set(newer.absent)
    said = {
        name: value
        for name, empty in optional(type(newer))
        if (value := getattr(newer, name)) != empty or name in cleared
    }
    return replace(facts, **said, absent=tuple(name for name in facts.absent if name in newer.absent))


def placed(event: Event, place: Place) -> Event:
    """The event at its subject; facts that name their order or return get them, where the body did not say."""
    told: dict[str, object] = {"order_id": place.order_id, "order_name": place.order_name}
    told |= {"return_id": place.return_id, "return_name": place.return_name}
    told |= {"fulfill_by": place.fulfill_by, "deliver_by": place.deliver_by}
    names = event.facts.__struct_fields__
    missing = {
        name: value for name, value in told.items() if name in names and getattr(event.facts, name) is None and value
    }
    subject = subjects.resource(event.shop, place.kind, place.identity)
    return replace(event, subject=subject, facts=replace(event.facts, **missing))
