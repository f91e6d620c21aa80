"""What is read of a customer's tags and segments: nobody's name, and in both ways in which Shopify writes its keys."""

from __future__ import annotations

import orjson
import pytest

from schemas.facts.orders import CustomerFacts
from stages.bodies.parsed import About
from stages.bodies.table import facts_of
from stages.stage import Reject

TAGS = {"customerId": "gid://shopify/Customer/7", "tags": ["VIP", "b2b"], "occurredAt": "2026-11-02T09:00:00.000Z"}
SEGMENT = {"shop_id": "gid://shopify/Shop/1", "customer_id": "gid://shopify/Customer/7"}
SEGMENT |= {"segment_id": "gid://shopify/Segment/3"}
CAMEL = {"customerId": "gid://shopify/Customer/7", "segmentId": "gid://shopify/Segment/3"}


@pytest.mark.parametrize(
    ("topic", "body", "facts"),
    [
        ("customer.tags_added", TAGS, CustomerFacts(id=7, tags_added=("VIP", "b2b"))),
        ("customer.tags_removed", TAGS, CustomerFacts(id=7, tags_removed=("VIP", "b2b"))),
        ("customer.tags_added", TAGS | {"tags": None}, CustomerFacts(id=7)),
        ("customer.joined_segment", SEGMENT, CustomerFacts(id=7, joined=3)),
        ("customer.left_segment", CAMEL, CustomerFacts(id=7, left=3)),
    ],
)
def test_a_customers_changes_are_read(topic: str, body: dict[str, object], facts: CustomerFacts) -> None:
    read = facts_of(topic, orjson.dumps(body))

    assert (read.facts, read.about) == (facts, About("customer", 7))


def test_a_change_of_nobody_is_rejected() -> None:
    with pytest.raises(Reject, match="customerId"):
        facts_of("customer.tags_added", b'{"tags": ["vip"]}')
