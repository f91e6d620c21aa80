"""Times are written as their reader writes them, and always say of which zone they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stages.channels.times import calendar_of, say_duration

MOMENT = datetime(2026, 11, 25, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "language", "says"),
    [
        ("Europe/Berlin", "en", "Nov 25, 2026 2:05 PM CET"),
        ("Europe/Berlin", "de", "25.11.2026 14:05 CET"),
        ("America/New_York", "en-GB", "25 Nov 2026 08:05 EST"),
        ("Asia/Dubai", "en", "Nov 25, 2026 5:05 PM UTC+04"),
        ("UTC", "pt-BR", "25 de nov. de 2026 13:05 UTC"),
        ("Nowhere/At_All", "en", "Nov 25, 2026 1:05 PM UTC"),
        ("", "en", "Nov 25, 2026 1:05 PM UTC"),
    ],
)
def test_a_time_is_in_the_shops_zone_and_the_teams_language(zone: str, language: str, says: str) -> None:
    assert calendar_of(zone, language).say(MOMENT) == says


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (timedelta(seconds=59), ""),
        (timedelta(seconds=-90), ""),
        (timedelta(minutes=90), "1 h 30 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=3, hours=4, minutes=5), "3 d 4 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(length: timedelta, says: str) -> None:
    assert say_duration(length) == says
