"""What the demo shows: every notification that OpenText has taken, told by the chain itself after the commit."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import quantiles

from pipeline.clock import Clock
from schemas.notifications import Notification, Receipt, SendingState
from stages.stage import Emit, Outcome

NAMES = {
    1: "orders that need intervention",
    2: "shipments",
    3: "low inventory",
    4: "payments and checkouts",
    5: "approvals",
    6: "returns and refunds",
    7: "integrations and storefront",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """`at`: when it was taken, on the day's clock. `delay_ms`: real milliseconds from the webhook (or the timer) to
    OpenText's answer."""

    notification: Notification
    at: datetime
    delay_ms: float


@dataclass
class Book:
    """An observer for `Outside.observers`. `show` is told of each notification once, when it was taken."""

    clock: Clock
    show: Callable[[Sent], None]
    sent: list[Sent] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    all_taken: asyncio.Event = field(default_factory=asyncio.Event)
    _made: dict[str, Notification] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.all_taken.set()

    def __call__(self, stage: str, outcome: Outcome) -> None:
        match outcome:
            case Emit(_, _, Notification() as notification, _):
                self._made[notification.message_id] = notification
                self.all_taken.clear()
            case Emit(_, _, Receipt() as receipt, _):
                self._received(receipt)

    def _received(self, receipt: Receipt) -> None:
        self.states[receipt.state.value] += 1
        notification = self._made.pop(receipt.message_id, None)
        if not self._made:
            self.all_taken.set()
        if notification is None or receipt.state is not SendingState.ACCEPTED:
            return
        delay = (self.clock.wall() - notification.received).total_seconds() * 1000
        sent = Sent(notification, self.clock.now(), round(delay, 1))
        self.sent.append(sent)
        self.show(sent)

    @property
    def waiting(self) -> int:
        """Notifications that OpenText has not taken."""
        return len(self._made)

    @property
    def by_use_case(self) -> dict[int, int]:
        found = Counter(alert.use_case for sent in self.sent for alert in sent.notification.alerts)
        return {number: found[number] for number in NAMES}

    def delays(self) -> tuple[float, float, float]:
        """Milliseconds: median, 99th percentile, longest. Zeros where nothing was sent."""
        delays = sorted(sent.delay_ms for sent in self.sent)
        if len(delays) < 2:
            return (delays[0],) * 3 if delays else (0.0, 0.0, 0.0)
        cuts = quantiles(delays, n=100, method="inclusive")
        return cuts[49], cuts[98], delays[-1]
