"""When an account may be called: not too fast (`Pace`), and not while it does not work (`Breaker`).

Both only reckon; times are the event loop's, in seconds, and whoever asks does the waiting. Each process has its own:
that several processes share one account's rate by the partitions they own is not done here yet.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Call(StrEnum):
    SUBMIT = "submit"
    STATUS = "status"


class Pace:
    """A token bucket that holds one second's worth."""

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._room = max(1.0, per_second)
        self._level = self._room
        self._stamp: float | None = None
        self._booked = 0.0

    def wait(self, now: float, longest: float) -> float:
        """Seconds until a call may go; its place is taken, unless that is later than `longest`."""
        since = 0.0 if self._stamp is None else now - self._stamp
        self._level = min(self._room, self._level + since * self._rate)
        self._stamp = now
        wait = max(0.0, 1.0 - self._level) / self._rate
        if wait <= longest:
            self._level -= 1.0
        return wait

    def book(self, now: float, wait: float) -> float:
        """When to come back, for those that would wait too long: one after the other, not all at once."""
        self._booked = max(self._booked, now + wait) + 1.0 / self._rate
        return self._booked - now


class Breaker:
    """Opens after `borne` failures in a row of one kind of call; then one probe at a time, ever less often.

    A kind's row ends with its own success only: that status answers come says nothing about submits. `on_change` is
    told when it opens (True) and when it closes.
    """

    def __init__(self, borne: int, pauses: tuple[float, float], on_change: Callable[[bool], None]) -> None:
        self._borne = borne
        self._first, self._longest = pauses
        self._on_change = on_change
        self._rows = dict.fromkeys(Call, 0)
        self._is_open = False
        self._is_probing = False
        self._until = 0.0
        self.because = ""

    def wait(self, now: float, probe: float) -> float:
        """0: the call may go. While open, that makes it the probe, which has `probe` seconds to tell.

        Else when to ask again: soon while a probe is out, for it may tell at any moment.
        """
        if not self._is_open:
            return 0.0
        if now < self._until:
            return min(self.left(now), self._first) if self._is_probing else self.left(now)
        self._is_probing = True
        self._until = now + probe
        return 0.0

    def left(self, now: float) -> float:
        return max(0.0, self._until - now)

    def worked(self, call: Call) -> None:
        self._rows[call] = 0
        self._is_probing = False
        if self._is_open:
            self._is_open = False
            self._on_change(False)

    def failed(self, call: Call, now: float, detail: str, after: float = 0.0) -> None:
        if self._is_open and not self._is_probing:
            return
        self._rows[call] += 1
        if self._rows[call] >= self._borne:
            doubled = self._first * 2.0 ** min(self._rows[call] - self._borne, 20)
            self._open(now, max(after, min(self._longest, doubled)), detail)

    def refused(self, call: Call, now: float, detail: str) -> None:
        """The account itself is not taken: nobody else need try."""
        self._rows[call] = max(self._rows[call] + 1, self._borne)
        self._open(now, self._longest, detail)

    def _open(self, now: float, pause: float, detail: str) -> None:
        self._until, self._is_probing, self.because = now + pause, False, detail
        if not self._is_open:
            self._is_open = True
            self._on_change(True)
