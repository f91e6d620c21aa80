"""Since when something is so: also where it was otherwise in between, and however often it is seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stages.dossiers.registers import Span, since, spanned

START = datetime(2026, 11, 2, tzinfo=UTC)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def seen(*sightings: tuple[str, int]) -> dict[str, Span]:
    spans: dict[str, Span] = {}
    for word, hour in sightings:
        spans = spanned(spans, word, at(hour))
    return spans


def test_what_was_otherwise_in_between_is_so_since_it_came_back_however_often_it_is_seen_again() -> None:
    spans = seen(("open", 0), ("closed", 5), ("open", 6), *(("open", hour) for hour in range(7, 40)))

    assert since(spans, ("open",)) == at(6)


def test_what_goes_to_and_fro_for_long_is_so_since_its_last_turn() -> None:
    spans = seen(*(("open" if hour % 2 else "closed", hour) for hour in range(30)), ("open", 40), ("open", 50))

    assert since(spans, ("open",)) == at(29)
    assert len(spans["open"].times) == 5


@given(st.permutations([("open", 0), ("open", 1), ("closed", 5), ("open", 6), ("open", 9)]))
def test_since_when_it_is_so_does_not_depend_on_what_was_seen_first(shuffled: list[tuple[str, int]]) -> None:
    assert since(seen(*shuffled, *shuffled), ("open",)) == at(6)
