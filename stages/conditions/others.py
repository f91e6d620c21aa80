"""What conditions see besides orders: parcels, payments, returns, stock, jobs, and the shop with what belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from schemas import subjects
from schemas.configuration import Job
from schemas.facts.fact import Facts
from schemas.facts.operations import AppSubscriptionFacts, LocationFacts, ShopFacts
from schemas.facts.payments import TRANSACTION_FAILED, TransactionFacts
from schemas.facts.returns import DisputeFacts, RefundFacts
from schemas.facts.shipments import FulfillmentFacts
from schemas.facts.stock import Item, VariantFacts
from schemas.money import Money
from stages.conditions.seen import Kind, Names, Seen, Sight, number, small
from stages.dossiers.returns import Return

F = TypeVar("F", bound=Facts)


def _amount(money: Money | None) -> float | None:
    return None if money is None else number(money.amount)


def _largest(amounts: Iterable[Money | None]) -> float | None:
    return max((float(money.amount) for money in amounts if money is not None), default=None)


# --- what the key of a condition names --------------------------------------------------------------------------------


def _fulfillment(read: Callable[[FulfillmentFacts], object]) -> Callable[[Sight], object]:
    return _named(FulfillmentFacts, lambda facts: facts.id, read)


def _refund(read: Callable[[RefundFacts], object]) -> Callable[[Sight], object]:
    """By its own id, or that of one of its transactions."""

    def seen(sight: Sight) -> object:
        for known in sight.case.dossier.refunds():
            if sight.identity in (known.value.id, *(one.id for one in known.value.transactions)):
                return read(known.value)
        return None

    return seen


def _dispute(read: Callable[[DisputeFacts], object]) -> Callable[[Sight], object]:
    def seen(sight: Sight) -> object:
        found = (known.value for known in sight.case.dossier.disputes() if known.value.id == sight.identity)
        facts = next(found, None)
        return None if facts is None else read(facts)

    return seen


def _named(of: type[F], identify: Callable[[F], int], read: Callable[[F], object]) -> Callable[[Sight], object]:
    def seen(sight: Sight) -> object:
        found = (known.value for known in sight.case.dossier.every(of) if identify(known.value) == sight.identity)
        facts = next(found, None)
        return None if facts is None else read(facts)

    return seen


def _returned(read: Callable[[Return], object]) -> Callable[[Sight], object]:
    def seen(sight: Sight) -> object:
        found = next((each for each in sight.case.dossier.returns() if each.id == sight.identity), None)
        return None if found is None else read(found)

    return seen


FULFILLMENT: Names = {
    "carrier": Seen(Kind.TEXT, "the carrier; empty where none is named", _fulfillment(lambda it: it.carrier or "")),
    "location": Seen(Kind.COUNT, "the id of the location that ships", _fulfillment(lambda it: it.location_id)),
    "tracked": Seen(Kind.TRUTH, "there is a tracking number", _fulfillment(lambda it: bool(it.tracking_numbers))),
    "skus": Seen(
        Kind.TEXTS, "what is in the parcel", _fulfillment(lambda it: [line.sku for line in it.lines if line.sku])
    ),
}

RETURNED: Names = {
    "quantity": Seen(Kind.COUNT, "how many units", _returned(lambda it: it.facts.quantity)),
    "reasons": Seen(
        Kind.TEXTS, "why, in small letters", _returned(lambda it: small(it.facts.reasons) or None), is_small=True
    ),
    "exchanges": Seen(Kind.COUNT, "how many lines are exchanged", _returned(lambda it: it.facts.exchanges)),
}

REFUND: Names = {
    "amount": Seen(
        Kind.NUMBER,
        "the largest of its transactions",
        _refund(lambda it: _largest(one.amount for one in it.transactions)),
    ),
    "gateways": Seen(
        Kind.TEXTS, "by which it is paid", _refund(lambda it: [one.gateway for one in it.transactions if one.gateway])
    ),
}

DISPUTE: Names = {
    "amount": Seen(Kind.NUMBER, "what it is about", _dispute(lambda it: _amount(it.amount))),
    "reason": Seen(Kind.TEXT, "in small letters, like fraudulent", _dispute(lambda it: it.reason), is_small=True),
    "type": Seen(Kind.TEXT, "inquiry or chargeback", _dispute(lambda it: it.kind), is_small=True),
}


# --- payments ---------------------------------------------------------------------------------------------------------


def _declines(read: Callable[[list[TransactionFacts]], object]) -> Callable[[Sight], object]:
    def seen(sight: Sight) -> object:
        told = (known.value for known in sight.case.dossier.every(TransactionFacts))
        failed = [facts for facts in told if facts.status in TRANSACTION_FAILED]
        return read(failed) if failed else None

    return seen


PAYMENT: Names = {
    "amount": Seen(Kind.NUMBER, "the largest that failed", _declines(lambda them: _largest(it.amount for it in them))),
    "gateways": Seen(
        Kind.TEXTS, "where it failed", _declines(lambda them: sorted({it.gateway for it in them if it.gateway}))
    ),
    "error_codes": Seen(
        Kind.TEXTS,
        "why, in small letters",
        _declines(lambda them: sorted({it.error_code.lower() for it in them if it.error_code})),
        is_small=True,
    ),
    "failures": Seen(Kind.COUNT, "how many failed", _declines(len)),
    "orders": Seen(Kind.COUNT, "on how many orders", _declines(lambda them: len({it.order_id for it in them}))),
}


# --- stock ------------------------------------------------------------------------------------------------------------


def _item(read: Callable[[Item], object]) -> Callable[[Sight], object]:
    """Without Admin access Shopify's word about a variant is all that is known."""

    def seen(sight: Sight) -> object:
        dossier = sight.case.dossier
        if dossier.stocked is not None:
            return read(dossier.stocked)
        told = dossier.newest(VariantFacts)
        return None if told is None else read(Item(told.id, told.sku, product_id=told.product_id, policy=told.policy))

    return seen


ITEM: Names = {
    "sku": Seen(Kind.TEXT, "its SKU", _item(lambda item: item.sku)),
    "product": Seen(Kind.TEXT, "the product's title", _item(lambda item: item.product)),
    "product_id": Seen(Kind.COUNT, "and its id", _item(lambda item: item.product_id)),
    "vendor": Seen(Kind.TEXT, "the product's vendor", _item(lambda item: item.vendor)),
    "tags": Seen(
        Kind.TEXTS,
        "the product's tags, in small letters",
        _item(lambda item: None if item.product is None else small(item.tags)),
        is_small=True,
    ),
    "policy": Seen(Kind.TEXT, "deny, or continue: sold without stock", _item(lambda item: item.policy), is_small=True),
    "available": Seen(Kind.COUNT, "over all locations that sell online", _item(lambda item: item.available)),
    "on_hand": Seen(Kind.COUNT, "on the shelves", _item(lambda item: item.on_hand)),
    "committed": Seen(Kind.COUNT, "sold and not shipped", _item(lambda item: item.committed)),
    "incoming": Seen(Kind.COUNT, "on its way", _item(lambda item: item.incoming)),
    "locations": Seen(
        Kind.TEXTS,
        "the names of the locations that stock it",
        _item(lambda item: [level.location for level in item.levels if level.active and level.location] or None),
    ),
}


# --- jobs, the shop ---------------------------------------------------------------------------------------------------


def _job(read: Callable[[Job], object]) -> Callable[[Sight], object]:
    def seen(sight: Sight) -> object:
        case = sight.case
        return read(case.configuration.job(subjects.identity_of(case.subject), case.shop))

    return seen


JOB: Names = {
    "name": Seen(Kind.TEXT, "as it reports", _job(lambda job: job.name), is_small=True),
    "owner": Seen(Kind.TEXT, "as configured; empty without", _job(lambda job: job.owner or "")),
    "critical": Seen(Kind.TRUTH, "as configured", _job(lambda job: job.critical)),
}


def _newest(of: type[F], read: Callable[[F], object]) -> Callable[[Sight], object]:
    """The newest word on it, in whatever of its topics."""

    def seen(sight: Sight) -> object:
        told = (read(known.value) for known in reversed(sight.case.dossier.every(of)))
        return next((value for value in told if value is not None), None)

    return seen


LOCATION: Names = {
    "name": Seen(Kind.TEXT, "as the shop calls it", _newest(LocationFacts, lambda location: location.name)),
    "active": Seen(Kind.TRUTH, "it is in use", _newest(LocationFacts, lambda location: location.active)),
    "has_stock": Seen(
        Kind.TRUTH, "something was left there when it was shut", _newest(LocationFacts, lambda it: it.has_stock)
    ),
}

SUBSCRIPTION: Names = {
    "name": Seen(Kind.TEXT, "of our plan", _newest(AppSubscriptionFacts, lambda plan: plan.name)),
    "status": Seen(
        Kind.TEXT, "active, frozen, ...", _newest(AppSubscriptionFacts, lambda plan: plan.status), is_small=True
    ),
    "price": Seen(Kind.NUMBER, "what it costs", _newest(AppSubscriptionFacts, lambda plan: _amount(plan.price))),
    "cap": Seen(
        Kind.NUMBER, "what its usage may cost at most", _newest(AppSubscriptionFacts, lambda plan: _amount(plan.cap))
    ),
}

TOPIC: Names = {
    "name": Seen(Kind.TEXT, "like orders/create", lambda sight: subjects.identity_of(sight.case.subject), is_small=True)
}

SHOP: Names = {"domain": Seen(Kind.TEXT, "like example.myshopify.com", lambda sight: sight.case.shop, is_small=True)}

#: Of the shop as a subject.
SHOP_ITSELF: Names = {
    **SHOP,
    "plan": Seen(Kind.TEXT, "its plan, like basic", _newest(ShopFacts, lambda shop: shop.plan), is_small=True),
    "currency": Seen(Kind.TEXT, "like EUR", _newest(ShopFacts, lambda shop: shop.currency)),
}
