"""draft_orders/*: `invoice_url` is a bearer link and stays behind."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Raw, field
from msgspec.structs import replace

from schemas.facts.payments import DraftFacts
from schemas.money import Money
from stages.bodies.fields import (
    NULL,
    Body,
    absent,
    amount,
    flag,
    many,
    moment,
    money,
    number,
    one,
    required,
    tags,
    text,
    whole,
    word,
)
from stages.bodies.lines import TermsBody, address, lines, terms
from stages.bodies.parsed import About, Parsed


class _Customer(Body):
    id: Raw = NULL


class _Discount(Body):
    amount: Raw = NULL


class _Discounted(Body):
    applied_discount: Raw = NULL


class _Draft(Body):
    id: Raw = NULL
    name: Raw = NULL
    b2b: Raw = field(default=NULL, name="b2b?")
    status: Raw = NULL
    currency: Raw = NULL
    total_price: Raw = NULL
    applied_discount: Raw = NULL
    created_at: Raw = NULL
    updated_at: Raw = NULL
    invoice_sent_at: Raw = NULL
    completed_at: Raw = NULL
    order_id: Raw = NULL
    tags: Raw = NULL
    customer: Raw = NULL
    shipping_address: Raw = NULL
    payment_terms: Raw = NULL
    line_items: Raw = NULL


#: What an empty value says something about: where the key is absent, that is not known.
EMPTY_SAYS = {
    "address": "shipping_address",
    "company_id": "b2b",
    "completed": "completed_at",
    "customer_id": "customer",
    "invoice_sent": "invoice_sent_at",
    "lines": "line_items",
    "order_id": "order_id",
    "tags": "tags",
    "terms": "payment_terms",
}


def draft(body: bytes) -> Parsed:
    """Whether it is for a company, and not for which."""
    facts = _facts(whole(body, _Draft))
    return Parsed(facts, About("draft", facts.id), facts.updated)


def deleted(body: bytes) -> Parsed:
    """Its number, and nothing else."""
    facts = replace(_facts(whole(body, _Draft)), deleted=True)
    return Parsed(facts, About("draft", facts.id), facts.updated)


def _facts(found: _Draft) -> DraftFacts:
    customer = one(found.customer, _Customer)
    currency, payment_terms = text(found.currency), one(found.payment_terms, TermsBody)
    facts = DraftFacts(
        id=required(number(found.id), "$.id"),
        name=text(found.name),
        status=word(found.status),
        total=money(found.total_price, currency),
        discounts=_discounts(found, currency),
        created=moment(found.created_at),
        updated=moment(found.updated_at),
        invoice_sent=moment(found.invoice_sent_at),
        completed=moment(found.completed_at),
        order_id=number(found.order_id),
        tags=tags(found.tags),
        customer_id=number(customer.id) if customer else None,
        address=address(found.shipping_address),
        terms=terms(payment_terms) if payment_terms else None,
        lines=lines(found.line_items),
        absent=absent(found, EMPTY_SAYS),
    )
    if flag(found.b2b) is False:
        return facts
    return replace(facts, absent=tuple(sorted({*facts.absent, "company_id"})))


def _discounts(found: _Draft, currency: str | None) -> Money | None:
    """What was taken off the whole and off its lines. None where the body says nothing of it."""
    if found.applied_discount is NULL or currency is None:
        return None
    said = [found.applied_discount, *(line.applied_discount for line in many(found.line_items, _Discounted))]
    amounts = [amount(each.amount) for raw in said if (each := one(raw, _Discount)) is not None]
    return Money(sum((each for each in amounts if each is not None), Decimal()), currency)
