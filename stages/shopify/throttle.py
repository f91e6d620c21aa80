"""One shop's cost bucket, as Shopify's `throttleStatus` tells it: we wait before it is empty, not after."""

from __future__ import annotations

from msgspec import Struct


class ThrottleStatus(Struct, rename="camel"):
    maximum_available: float
    currently_available: float
    restore_rate: float


class Bucket:
    """Points; times are the event loop's, in seconds. Until the first answer the smallest plan is assumed."""

    def __init__(self) -> None:
        self.restore_rate = 100.0
        self._maximum = 1000.0
        self._available = 1000.0
        self._stamp: float | None = None
        self._reserved = 0.0

    def reserve(self, cost: float, now: float) -> float:
        """Takes the points at once, so that nobody else counts on them; returns the seconds until they are there."""
        since = 0.0 if self._stamp is None else now - self._stamp
        self._available = min(self._maximum, self._available + since * self.restore_rate) - cost
        self._stamp = now
        self._reserved += cost
        return max(0.0, -self._available) / self.restore_rate

    def give_back(self, cost: float) -> None:
        """What was reserved and not spent."""
        self._reserved -= cost
        self._available += cost

    def settle(self, cost: float, status: ThrottleStatus | None, now: float) -> None:
        """The answer to a request that had reserved `cost`; what others under way have reserved stays reserved."""
        self._reserved -= cost
        if status is None:
            return
        self._maximum = max(1.0, status.maximum_available)
        self.restore_rate = max(1.0, status.restore_rate)
        self._available = status.currently_available - self._reserved
        self._stamp = now
