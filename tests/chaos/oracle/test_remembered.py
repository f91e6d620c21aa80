"""The oracle's own state: what was written counts once it is kept, and not for longer than it lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from schemas.codec import Undecodable
from stages.stage import Family
from tests.chaos.oracle.remembered import Remembered

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SHORT: Family[int] = Family("short", int, ttl=timedelta(seconds=10), scanned=True)
LONG: Family[int] = Family("long", int, scanned=True)


def test_what_has_outlived_its_time_is_gone() -> None:
    state = Remembered()
    state.work_at(NOW)
    state.put(SHORT, "a", 1, "x")
    state.put(LONG, "a", 2, "x")
    state.keep()
    state.work_at(NOW + timedelta(seconds=9))
    assert (state.get(SHORT, "a", "x"), list(state.scan(SHORT, "a"))) == (1, [(b"x", 1)])
    state.work_at(NOW + timedelta(seconds=10))
    assert (state.get(SHORT, "a", "x"), list(state.scan(SHORT, "a"))) == (None, [])
    assert state.get(LONG, "a", "x") == 2


def test_what_is_dropped_was_never_written() -> None:
    state = Remembered()
    state.work_at(NOW)
    state.put(LONG, "a", 1, "x")
    state.keep()
    state.work_at(NOW)
    state.put(LONG, "a", 2, "y")
    state.delete(LONG, "a", "x")
    assert list(state.scan(LONG, "a")) == [(b"y", 2)]
    state.drop()
    assert list(state.scan(LONG, "a")) == [(b"x", 1)]


def test_everything_under_a_routing_key_is_forgotten_and_nothing_else() -> None:
    state = Remembered()
    state.work_at(NOW)
    for routing in ("a", "b"):
        state.put(LONG, routing, 1)
        state.put(SHORT, routing, 1)
    state.keep()
    state.forget("a")
    assert sorted((key.routing, key.family) for key, _ in state.items()) == [("b", "long"), ("b", "short")]


def test_a_routing_key_that_cannot_be_told_from_what_follows_is_refused() -> None:
    state = Remembered()
    with pytest.raises(Undecodable):
        state.put(LONG, "a\x00b", 1)
