"""Two times. `now` is the time of the business: in production the wall clock, in the demo and in tests one that steps.
`wall` is real: retries, polling, patience and every bound on the outside world run by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The business's time, aware, UTC."""

    def wall(self) -> datetime:
        """Real time, aware, UTC."""


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def wall(self) -> datetime:
        return datetime.now(UTC)


class SteppingClock:
    """Business time stands still until it is stepped; wall time is real."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def step_to(self, moment: datetime) -> None:
        self._now = max(self._now, moment)


class VirtualClock:
    """Both times stand still until advanced: for tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def wall(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by
