"""The bucket of a shop: points are counted before they are spent, and what Shopify says of them wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.shopify.throttle import Bucket, ThrottleStatus


def test_the_first_thousand_points_are_there_at_once_and_then_a_hundred_a_second() -> None:
    bucket = Bucket()
    assert [bucket.reserve(500, 0.0) for _ in range(3)] == [0.0, 0.0, 5.0]
    assert bucket.reserve(0, 5.0) == 0.0


def test_what_shopify_says_wins_but_for_what_is_under_way() -> None:
    bucket = Bucket()
    bucket.reserve(100, 0.0)
    bucket.reserve(200, 0.0)
    bucket.settle(100, ThrottleStatus(2000.0, 150.0, 50.0), 1.0)
    assert bucket.restore_rate == 50.0
    assert bucket.reserve(0, 1.0) == pytest.approx(1.0), "150 points less the 200 that are still under way"


def test_what_was_not_spent_is_given_back() -> None:
    bucket = Bucket()
    bucket.reserve(1000, 0.0)
    bucket.give_back(1000)
    assert bucket.reserve(1000, 0.0) == 0.0


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 100)), max_size=30))
def test_a_bucket_never_gives_more_than_its_rate_allows(asked: list[tuple[float, float]]) -> None:
    """Everything reserved until t, once its wait is over, is at most the maximum and what came back until then."""
    bucket, now, spent = Bucket(), 0.0, 0.0
    for cost, later in asked:
        now += later
        ready = now + bucket.reserve(cost, now)
        spent += cost
        assert spent <= 1000.0 + ready * 100.0 + 1e-6
