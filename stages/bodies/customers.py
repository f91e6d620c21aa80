"""customer.tags_added, _removed, customer.joined_segment and _left: what may make a customer a premium one, or no more.

Nobody's name is in them. Their keys are written in two ways, and only the first two say when it happened.
"""

from __future__ import annotations

from msgspec import Raw

from schemas.facts.orders import CustomerFacts
from stages.bodies.fields import NULL, Body, number, required, tags, whole
from stages.bodies.parsed import About, Parsed, Reader


class _Customer(Body):
    customerId: Raw = NULL  # noqa: N815 - as Shopify writes it
    customer_id: Raw = NULL
    segmentId: Raw = NULL  # noqa: N815 - as Shopify may write it
    segment_id: Raw = NULL
    tags: Raw = NULL


def tagged(*, added: bool) -> Reader:
    def read(body: bytes) -> Parsed:
        found = whole(body, _Customer)
        told = tags(found.tags)
        identity = _identity(found)
        facts = CustomerFacts(id=identity, tags_added=told) if added else CustomerFacts(id=identity, tags_removed=told)
        return Parsed(facts, About("customer", identity))

    return read


def segmented(*, joined: bool) -> Reader:
    def read(body: bytes) -> Parsed:
        found = whole(body, _Customer)
        identity = _identity(found)
        segment = number(found.segment_id) or number(found.segmentId)
        facts = CustomerFacts(id=identity, joined=segment) if joined else CustomerFacts(id=identity, left=segment)
        return Parsed(facts, About("customer", identity))

    return read


def _identity(found: _Customer) -> int:
    return required(number(found.customerId) or number(found.customer_id), "$.customerId")
