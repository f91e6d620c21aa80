"""What takes days is told exactly too: in each team's own working time, over weekends, holidays and changed clocks."""

from __future__ import annotations

import pytest

from schemas.alerts import Severity
from tests.scenarios.company import calendars, listening
from tests.scenarios.day import arriving, differences, expected, played, silence, weeks
from tests.scenarios.shops import Shops
from tests.scenarios.way import WAYS


@pytest.mark.parametrize("way", WAYS)
def test_weeks_are_told_exactly_in_whatever_way_they_arrive(way: str) -> None:
    seed = len(way)
    it = weeks(seed, calendars(), each=2)
    steps = arriving(it, WAYS[way], seed)
    chain = played(it, Shops(), steps)
    assert differences(it, steps, chain) == {}
    assert chain.dead == []


def test_the_weeks_hold_what_gets_worse_and_what_is_over() -> None:
    """Else they would prove nothing."""
    days = [weeks(seed, calendars(), each=2) for seed in range(5)]
    told = [one for it in days for one in expected(it, it.steps)]
    assert {one.rule for one in told if one.worse} == {
        "fulfillment-partial",
        "order-address-invalid",
        "order-payment-pending",
        "refund-due",
        "dispute-evidence-due",
    }
    assert {one.rule for one in told if one.ended} >= {
        "inventory-cover",
        "refund-failed",
        "return-undecided",
        "shipment-exception",
        "shipment-stalled",
    }


@pytest.mark.parametrize("way", ["straight", "subscribed twice"])
def test_a_topic_that_falls_silent_is_told_by_its_own_rhythm(way: str) -> None:
    it = silence(len(way), listening())
    steps = arriving(it, WAYS[way], 1)
    chain = played(it, Shops(), steps)
    assert differences(it, steps, chain) == {}
    assert {one.severity for one in expected(it, steps)} == {Severity.WARNING, Severity.CRITICAL}
