"""What conditions see of orders, drafts, checkouts and their customers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schemas.facts.orders import Customer, Line, OrderFacts
from schemas.facts.payments import CheckoutFacts, DraftFacts
from stages.conditions.seen import Kind, Names, Seen, Sight, lines_of, number, skus_of, small, units_of
from stages.dossiers.dossier import Goods
from stages.dossiers.goods import MOST
from stages.dossiers.registers import MANY
from stages.rules.priority import is_premium

_RISKS = ("none", "low", "medium", "high")


def _order(read: Callable[[OrderFacts], object], absent: str = "") -> Callable[[Sight], object]:
    """`absent`: the fact that is not known where its key was not in the body."""

    def seen(sight: Sight) -> object:
        order = sight.case.dossier.order
        return None if order is None or absent in order.absent else read(order)

    return seen


def _draft(read: Callable[[DraftFacts], object], absent: str = "") -> Callable[[Sight], object]:
    def seen(sight: Sight) -> object:
        draft = sight.case.dossier.draft
        return None if draft is None or absent in draft.absent else read(draft)

    return seen


def _checkout(read: Callable[[CheckoutFacts], object], absent: str = "") -> Callable[[Sight], object]:
    def seen(sight: Sight) -> object:
        checkout = sight.case.dossier.checkout
        return None if checkout is None or absent in checkout.absent else read(checkout)

    return seen


def _customer(read: Callable[[Customer, Sight], object]) -> Callable[[Sight], object]:
    def seen(sight: Sight) -> object:
        known = sight.case.dossier.customer
        return None if known is None else read(known.value, sight)

    return seen


def _whole(order: OrderFacts | CheckoutFacts | DraftFacts) -> bool:
    """Of a very long one only the first lines are kept: what is not among them may still be in it."""
    return len(order.lines) < MANY


def _of_all(read: Callable[[Sequence[Line]], object], counted: Callable[[Goods], object]) -> Callable[[Sight], object]:
    """Of all lines of an order or a draft; those of a very long one are counted, and not kept."""

    def seen(sight: Sight) -> object:
        dossier = sight.case.dossier
        facts = dossier.order or dossier.draft
        if facts is None or "lines" in facts.absent:
            return None
        if _whole(facts):
            return read(facts.lines)
        return None if dossier.goods is None or dossier.goods.value is None else counted(dossier.goods.value)

    return seen


def _all_of(words: tuple[str, ...]) -> list[str] | None:
    """Those behind the last that is kept are not known."""
    return list(words) if len(words) < MOST else None


_SKUS = _of_all(skus_of, lambda goods: _all_of(goods.skus))
_UNITS = _of_all(units_of, lambda goods: goods.units)


def _product_tags(sight: Sight) -> list[str] | None:
    known = sight.case.dossier.product_tags
    return None if known is None else _all_of(known.value)


def _share(order: OrderFacts | DraftFacts) -> float | None:
    """Of what it would have come to without the discount."""
    total, off = order.total, order.discounts
    if total is None or off is None or total.currency != off.currency:
        return None
    before = total.amount + off.amount
    return float(off.amount / before) if before > 0 else 0.0


def _country(order: OrderFacts | DraftFacts) -> str | None:
    """Without an address it goes nowhere."""
    if order.address is None:
        return ""
    return None if order.address.country is None else order.address.country.upper()


def _province(order: OrderFacts | DraftFacts) -> str | None:
    return "" if order.address is None else order.address.province


def _risk(sight: Sight) -> str | None:
    """The highest that any provider has said."""
    levels = [known.value.level for known in sight.case.dossier.risk.values() if known.value.level in _RISKS]
    return max(levels, key=_RISKS.index, default=None)


def _is_guest(sight: Sight) -> bool | None:
    for facts in (sight.case.dossier.order, sight.case.dossier.checkout, sight.case.dossier.draft):
        if facts is not None:
            return None if "customer_id" in facts.absent else facts.customer_id is None
    return None


ORDER: Names = {
    "name": Seen(Kind.TEXT, "its name, like #1001", _order(lambda order: order.name)),
    "total": Seen(
        Kind.NUMBER, "what it comes to", _order(lambda order: number(order.total.amount) if order.total else None)
    ),
    "outstanding": Seen(
        Kind.NUMBER,
        "what is still to be paid",
        _order(lambda order: number(order.outstanding.amount) if order.outstanding else None),
    ),
    "discounts": Seen(
        Kind.NUMBER,
        "what was taken off",
        _order(lambda order: number(order.discounts.amount) if order.discounts else None),
    ),
    "discount_share": Seen(Kind.SHARE, "the same as a share, 0.0 to 1.0", _order(_share)),
    "currency": Seen(Kind.TEXT, "the shop's, like EUR", _order(lambda order: order.total and order.total.currency)),
    "country": Seen(
        Kind.TEXT, "where it goes, like NO; empty without an address", _order(_country, "address"), is_capital=True
    ),
    "province": Seen(Kind.TEXT, "and its province", _order(_province, "address")),
    "tags": Seen(Kind.TEXTS, "its tags, in small letters", _order(lambda order: small(order.tags), "tags"), True),
    "gateways": Seen(Kind.TEXTS, "how it is paid", _order(lambda order: list(order.gateways), "gateways")),
    "source": Seen(Kind.TEXT, "where it was placed, like web or pos", _order(lambda order: order.source_name)),
    "financial": Seen(
        Kind.TEXT, "its payment's state, like paid", _order(lambda order: order.financial), is_small=True
    ),
    "fulfillment": Seen(
        Kind.TEXT,
        "unfulfilled, partial, fulfilled",
        _order(lambda order: order.fulfillment or "unfulfilled", "fulfillment"),
        is_small=True,
    ),
    "shipping_methods": Seen(
        Kind.TEXTS, "titles and codes", _order(lambda order: list(order.shipping_methods), "shipping_methods")
    ),
    "ships": Seen(Kind.TRUTH, "something in it has to be shipped", _order(lambda order: order.requires_shipping)),
    "company": Seen(
        Kind.TEXT,
        "the company's id; empty for a person",
        _order(lambda order: str(order.company_id or ""), "company_id"),
    ),
    "terms": Seen(
        Kind.TEXT,
        "its payment terms, like Net 30; empty without",
        _order(lambda order: order.terms.name if order.terms else "", "terms"),
    ),
    "created": Seen(Kind.MOMENT, "when it was placed", _order(lambda order: order.created)),
    "cancelled": Seen(Kind.TRUTH, "it is cancelled", _order(lambda order: order.cancelled is not None, "cancelled")),
    "draft": Seen(
        Kind.TRUTH, "staff made it as a draft", _order(lambda order: order.source_name == "shopify_draft_order")
    ),
    "risk": Seen(Kind.TEXT, "the highest level: none, low, medium, high", _risk, is_small=True),
    "lines": Seen(
        Kind.LINES, "its lines", _order(lambda order: lines_of(order.lines) if _whole(order) else None, "lines")
    ),
    "skus": Seen(Kind.TEXTS, "of its lines", _SKUS),
    "units": Seen(Kind.COUNT, "of all its lines together", _UNITS),
    "product_tags": Seen(Kind.TEXTS, "of all its goods, in small letters", _product_tags, True),
}

#: A draft is called `order` too, so that one policy reads both; it has fewer facts.
DRAFT: Names = {
    "name": Seen(Kind.TEXT, ORDER["name"].says, _draft(lambda draft: draft.name)),
    "total": Seen(
        Kind.NUMBER, ORDER["total"].says, _draft(lambda draft: number(draft.total.amount) if draft.total else None)
    ),
    "currency": Seen(Kind.TEXT, ORDER["currency"].says, _draft(lambda draft: draft.total and draft.total.currency)),
    "discounts": Seen(
        Kind.NUMBER,
        ORDER["discounts"].says,
        _draft(lambda draft: number(draft.discounts.amount) if draft.discounts else None),
    ),
    "discount_share": Seen(Kind.SHARE, ORDER["discount_share"].says, _draft(_share)),
    "country": Seen(Kind.TEXT, ORDER["country"].says, _draft(_country, "address"), is_capital=True),
    "province": Seen(Kind.TEXT, ORDER["province"].says, _draft(_province, "address")),
    "terms": Seen(
        Kind.TEXT, ORDER["terms"].says, _draft(lambda draft: draft.terms.name if draft.terms else "", "terms")
    ),
    "created": Seen(Kind.MOMENT, ORDER["created"].says, _draft(lambda draft: draft.created)),
    "tags": Seen(Kind.TEXTS, ORDER["tags"].says, _draft(lambda draft: small(draft.tags), "tags"), True),
    "draft": Seen(Kind.TRUTH, ORDER["draft"].says, _draft(lambda _: True)),
    "lines": Seen(
        Kind.LINES,
        ORDER["lines"].says,
        _draft(lambda draft: lines_of(draft.lines) if _whole(draft) else None, "lines"),
    ),
    "company": Seen(Kind.TEXT, ORDER["company"].says, _draft(lambda draft: str(draft.company_id or ""), "company_id")),
    "skus": Seen(Kind.TEXTS, ORDER["skus"].says, _SKUS),
    "units": Seen(Kind.COUNT, ORDER["units"].says, _UNITS),
    "product_tags": Seen(Kind.TEXTS, ORDER["product_tags"].says, _product_tags, True),
}

CHECKOUT: Names = {
    "total": Seen(
        Kind.NUMBER,
        "what it comes to",
        _checkout(lambda checkout: number(checkout.total.amount) if checkout.total else None),
    ),
    "currency": Seen(
        Kind.TEXT, "the shop's, like EUR", _checkout(lambda checkout: checkout.total and checkout.total.currency)
    ),
    "source": Seen(Kind.TEXT, "where it was begun, like web", _checkout(lambda checkout: checkout.source_name)),
    "created": Seen(Kind.MOMENT, "when it was begun", _checkout(lambda checkout: checkout.created)),
    "contact_known": Seen(
        Kind.TRUTH,
        "the customer has left a way to be reached",
        _checkout(lambda checkout: checkout.contact_known, "contact_known"),
    ),
    "marketing_consent": Seen(
        Kind.TRUTH, "the customer accepts marketing", _checkout(lambda checkout: checkout.marketing_consent)
    ),
    "lines": Seen(
        Kind.LINES,
        "its lines",
        _checkout(lambda checkout: lines_of(checkout.lines) if _whole(checkout) else None, "lines"),
    ),
    "skus": Seen(
        Kind.TEXTS,
        "of its lines",
        _checkout(lambda checkout: skus_of(checkout.lines) if _whole(checkout) else None, "lines"),
    ),
    "units": Seen(
        Kind.COUNT,
        "of all its lines together",
        _checkout(lambda checkout: units_of(checkout.lines) if _whole(checkout) else None, "lines"),
    ),
}

CUSTOMER: Names = {
    "guest": Seen(Kind.TRUTH, "bought without an account: nothing else is known", _is_guest),
    "tags": Seen(Kind.TEXTS, "in small letters", _customer(lambda customer, _: small(customer.tags)), True),
    "orders": Seen(Kind.COUNT, "how many were placed, this one too", _customer(lambda customer, _: customer.orders)),
    "first_order": Seen(
        Kind.TRUTH,
        "this is the first; not known of a guest",
        _customer(lambda customer, _: None if customer.orders is None else customer.orders <= 1),
    ),
    "spent": Seen(
        Kind.NUMBER,
        "all that was ever spent",
        _customer(lambda customer, _: number(customer.spent.amount) if customer.spent else None),
    ),
    "premium": Seen(
        Kind.TRUTH,
        "by `rules.premium`",
        lambda sight: is_premium(sight.case.dossier, sight.case.configuration.rules.premium),
    ),
}
