"""draft_orders/*: `invoice_url` is a bearer link and stays behind."""

from __future__ import annotations

from msgspec import Raw

from schemas.facts import DraftFacts
from stages.bodies.fields import NULL, Body, absent, moment, money, number, one, required, tags, text, whole, word
from stages.bodies.lines import lines
from stages.bodies.parsed import About, Parsed


class _Customer(Body):
    id: Raw = NULL


class _Draft(Body):
    id: Raw = NULL
    name: Raw = NULL
    status: Raw = NULL
    currency: Raw = NULL
    total_price: Raw = NULL
    updated_at: Raw = NULL
    invoice_sent_at: Raw = NULL
    completed_at: Raw = NULL
    order_id: Raw = NULL
    tags: Raw = NULL
    customer: Raw = NULL
    line_items: Raw = NULL


#: What an empty value says something about: where the key is absent, that is not known.
_EMPTY_SAYS = {
    "completed": "completed_at",
    "customer_id": "customer",
    "invoice_sent": "invoice_sent_at",
    "lines": "line_items",
    "order_id": "order_id",
    "tags": "tags",
}


def draft(body: bytes) -> Parsed:
    found = whole(body, _Draft)
    customer = one(found.customer, _Customer)
    facts = DraftFacts(
        id=required(number(found.id), "$.id"),
        name=text(found.name),
        status=word(found.status),
        total=money(found.total_price, text(found.currency)),
        updated=moment(found.updated_at),
        invoice_sent=moment(found.invoice_sent_at),
        completed=moment(found.completed_at),
        order_id=number(found.order_id),
        tags=tags(found.tags),
        customer_id=number(customer.id) if customer else None,
        lines=lines(found.line_items),
        absent=absent(found, _EMPTY_SAYS),
    )
    return Parsed(facts, About("draft", facts.id), facts.updated)
