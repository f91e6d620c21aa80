"""From real webhook bodies to alerts: what no stage's own tests can see, since each is told facts made by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.simulators.samples import sample
from tests.stages.chain import START, Chain, bought, known, parcel, returned, scan, told


@pytest.mark.parametrize("place", range(4))
def test_of_a_test_order_nothing_stays_open_whatever_comes_first(place: int) -> None:
    chain, sale = Chain(), bought(test=True, financial="pending")
    known(chain, sale)
    bodies = [
        ("fulfillments/create", parcel(sale)),
        ("fulfillment_events/create", scan(sale, "failure")),
        ("returns/approve", returned(sale, "open")),
    ]
    bodies.insert(place, ("orders/create", sale.body()))
    for topic, body in bodies:
        chain.webhook(topic, body)
    chain.passes(days=30)
    assert chain.open == set()
    assert place > 0 or chain.alerts == []


def test_a_checkout_that_became_a_test_order_is_not_left_behind() -> None:
    chain, sale = Chain(access=False), bought(test=True, checkout_token="a1")
    chain.webhook("checkouts/create", _checkout("a1"))
    told(chain, "orders/create", sale)
    assert chain.passes(hours=3) == []


def _checkout(token: str) -> dict[str, object]:
    return sample("checkouts/create") | {
        "token": token,
        "created_at": START.isoformat(),
        "updated_at": (START + timedelta(minutes=1)).isoformat(),
    }
