"""A clock that runs ahead: what says that it is of next year is of now, so that what comes later is newer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from pipeline.simulators.samples import sample
from schemas.events import Event
from schemas.facts.shipments import ShipmentFacts
from schemas.records import Record
from stages.bodies.arrivals import read
from tests.stages.chain import START, Chain, bought, told

SENT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
AHEAD, SLOW, LATE = SENT + timedelta(days=400), SENT + timedelta(minutes=2), SENT + timedelta(hours=3)


def event(topic: str, key: str, at: datetime, occurred: datetime = SENT, received: datetime = SENT) -> Event:
    body = sample(topic) | {key: at.isoformat()}
    headers = {"ce_type": topic, "ce_id": "1", "ce_time": occurred.isoformat(), "received": received.isoformat()}
    own = tuple((name, text.encode()) for name, text in headers.items())
    return read(Record("shopify.orders", 0, 0, 0, b"demo.myshopify.com/order/1", orjson.dumps(body), own), None).event


@pytest.mark.parametrize(
    "topic",
    [
        "orders/updated",
        "fulfillments/update",
        "checkouts/update",
        "inventory_levels/update",
        "inventory_items/update",
        "draft_orders/create",
    ],
)
def test_a_state_from_the_future_is_of_when_it_was_sent(topic: str) -> None:
    assert event(topic, "updated_at", AHEAD, received=LATE).updated == SENT
    assert event(topic, "updated_at", SLOW).updated == SLOW, "clocks differ by minutes"


def test_a_scan_from_the_future_happened_when_it_was_sent() -> None:
    facts = event("fulfillment_events/create", "happened_at", AHEAD).facts

    assert isinstance(facts, ShipmentFacts)
    assert facts.happened == SENT


def test_what_was_triggered_in_the_future_was_triggered_when_it_came() -> None:
    found = event("orders/updated", "updated_at", AHEAD, occurred=AHEAD, received=LATE)

    assert (found.occurred, found.updated) == (LATE, LATE)


def test_what_is_still_to_come_may_lie_ahead() -> None:
    facts = event("fulfillment_events/create", "estimated_delivery_at", AHEAD).facts

    assert isinstance(facts, ShipmentFacts)
    assert facts.estimated_delivery == AHEAD


def test_a_later_state_counts_whatever_the_one_before_said_of_its_time() -> None:
    chain = Chain()
    lacking = bought(zip=None)
    chain.webhook("orders/create", lacking.body() | {"updated_at": (START + timedelta(days=400)).isoformat()})
    assert chain.open == {"order-address-invalid"}

    chain.passes(minutes=5)
    told(chain, "orders/updated", bought())

    assert chain.open == set()
