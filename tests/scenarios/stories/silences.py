"""Use case 2 over weeks: parcels that nobody hears of any more, and rests that stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from schemas.alerts import Severity
from tests.scenarios.offices import SERVICE_OFFICE
from tests.scenarios.purchases import UNTRACKED, purchase, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.parcels import in_part, parcel, scan, sent_in_two
from tests.scenarios.stories.story import SERVICE
from tests.scenarios.truth import Condition, Told, lasting, milestone, together

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_ASKED_AFTER = timedelta(minutes=1)


class Stalled:
    """Seen once, at home or on its way abroad, promised or not; the next word of it comes in time, late, or never."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.country = plot.chance.choice(["US", "CA"])
        self.seen = SERVICE_OFFICE.at_work(plot.start, plot.chance)
        self.promised = plot.chance.choice([None, self.seen + 2 * _DAY])
        silent = SERVICE_OFFICE.days(self.seen, 5 if self.country == "US" else 10)
        self.late = min(silent, self.promised + _DAY) if self.promised else silent
        self.again = plot.chance.choice([NEVER, self.late - 9 * _HOUR, self.late + 9 * _HOUR])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        tells(plot, plot.start, order, "created", "orders/create")
        plot.webhook(self.seen, "fulfillments/create", parcel(order, self.seen) | UNTRACKED, "parcel")
        first = scan(order, 0, self.seen, "in_transit") | {
            "country": self.country,
            "estimated_delivery_at": self.promised and self.promised.isoformat(),
        }
        plot.webhook(self.seen, "fulfillment_events/create", first, "scan")
        if self.again < NEVER:
            plot.webhook(self.again, "fulfillment_events/create", scan(order, 1, self.again, "delivered"), "there")

    def expected(self, seen: Seen) -> Iterator[Told]:
        yield milestone("fulfillment-shipped", self.plot.order(), SERVICE, min(seen.first("scan"), seen.first("there")))
        if self.late < seen.first("there"):
            stalled = lasting("shipment-stalled", SERVICE, Severity.WARNING, self.late, seen.first("there"))
            yield from together(self.plot.order(), [stalled], seen.end)


class RestWaits:
    """One of two lines is shipped; the other waits for longer than 24 hours of work, or not."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.first = plot.after(60, 600)
        self.worse = SERVICE_OFFICE.hours(self.first, 24)
        self.second = plot.chance.choice([NEVER, self.worse - 8 * _HOUR, self.worse + _DAY])

    def tell(self) -> None:
        sent_in_two(self.plot, self.first, self.second)

    def expected(self, seen: Seen) -> Iterator[Told]:
        at, over = in_part(seen, self.first, self.second)
        course: list[tuple[datetime, Severity | None]] = [(at, Severity.INFO), (over, None)]
        if self.worse < over:
            course.insert(1, (self.worse, Severity.WARNING))
        yield from together(self.plot.order(), [Condition("fulfillment-partial", frozenset(SERVICE), course)], seen.end)


class Lost:
    """The carrier reports a failure and nothing more: after 14 days nobody waits for news; or it arrives after all."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.failed = plot.after(60, 600)
        self.arrives = plot.chance.choice([NEVER, self.failed + 3 * _DAY])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        tells(plot, plot.start, order, "created", "orders/create")
        plot.webhook(self.failed, "fulfillments/create", parcel(order, self.failed) | UNTRACKED, "parcel")
        plot.webhook(self.failed, "fulfillment_events/create", scan(order, 0, self.failed, "failure"), "failed")
        if self.arrives < NEVER:
            plot.webhook(self.arrives, "fulfillment_events/create", scan(order, 1, self.arrives, "delivered"), "there")

    def expected(self, seen: Seen) -> Iterator[Told]:
        if self.arrives < NEVER:
            yield milestone("fulfillment-shipped", self.plot.order(), SERVICE, seen.first("there"))
        over = min(self.failed + 14 * _DAY, seen.first("there"))
        failed = lasting("shipment-exception", SERVICE, Severity.CRITICAL, seen.first("failed"), over)
        yield from together(self.plot.order(), [failed], seen.end)
