"""Use case 7: jobs that fail or never end, and what happens to a shop as a whole; each of those has its own shop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pipeline.simulators.samples import Json
from schemas import subjects
from schemas.alerts import Severity
from schemas.signals import JobPhase, JobReported
from tests.scenarios.company import SCOPES, hourly_name, job_name
from tests.scenarios.purchases import ITEM, body_of, goods, purchase, stamp, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.storefront import shop_at
from tests.scenarios.stories.story import OPERATIONS
from tests.scenarios.truth import Told, lasting, milestone, together

_IT, _SHOP_TO = ("it-support", "application-owners"), ("it-support", "e-commerce")


class JobFails:
    """And succeeds later, or not."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.done = plot.chance.choice([NEVER, plot.after(5, 200)])

    def tell(self) -> None:
        _report(self.plot, f"feed-{self.plot.index}", self.plot.start, JobPhase.FAIL)
        if self.done < NEVER:
            _report(self.plot, f"feed-{self.plot.index}", self.done, JobPhase.SUCCESS)

    def expected(self, seen: Seen) -> Iterator[Told]:
        subject = subjects.job(self.plot.shop, f"feed-{self.plot.index}")
        failed = lasting("job-failed", _IT, Severity.WARNING, self.plot.start, self.done)
        yield from together(subject, [failed], seen.end, alone=True)


class JobRuns:
    """In its time, or longer; a job that is critical is so to its owner."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.done = plot.chance.choice([NEVER, plot.after(5, 25), plot.after(40, 200)])

    def tell(self) -> None:
        _report(self.plot, job_name(self.plot.index), self.plot.start, JobPhase.START)
        if self.done < NEVER:
            _report(self.plot, job_name(self.plot.index), self.done, JobPhase.SUCCESS)

    def expected(self, seen: Seen) -> Iterator[Told]:
        job = next(it for it in self.plot.rules.operations.jobs if it.name == job_name(self.plot.index))
        severity = Severity.CRITICAL if job.critical else Severity.WARNING
        at = self.plot.start + (job.max_runtime or timedelta())
        late = lasting("job-overdue", (job.owner or "",), severity, at, self.done)
        yield from together(subjects.job(self.plot.shop, job.name), [late], seen.end, alone=True)


class JobGoesQuiet:
    """It succeeds every hour for a while; then it fails, or is not started any more, and succeeds once again or not."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.good = [plot.start + hour * timedelta(minutes=55) for hour in range(plot.chance.randrange(1, 4))]
        self.failed = plot.chance.choice([NEVER, plot.after(20, 70, self.good[-1])])
        self.again = plot.chance.choice([NEVER, plot.after(80, 300, self.good[-1])])

    def tell(self) -> None:
        reports = [*((at, JobPhase.SUCCESS) for at in self.good), (self.failed, JobPhase.FAIL)]
        for at, phase in (*reports, (self.again, JobPhase.SUCCESS)):
            if at < NEVER:
                _report(self.plot, hourly_name(self.plot.index), at, phase)

    def expected(self, seen: Seen) -> Iterator[Told]:
        job = next(it for it in self.plot.rules.operations.jobs if it.name == hourly_name(self.plot.index))
        assert job.every is not None
        subject, to = subjects.job(self.plot.shop, job.name), (job.owner or "",)
        failed = [lasting("job-failed", to, Severity.WARNING, self.failed, self.again)] if self.failed < NEVER else []
        late, last = job.every + job.grace, [self.good[-1], *([self.again] if self.again < NEVER else [])]
        overdue = [
            lasting("job-overdue", to, Severity.WARNING, at + late, self.again if at < self.again else NEVER)
            for at in last
        ]
        yield from together(subject, [*failed, *overdue], seen.end, alone=True)


class ScopesLost:
    """A required scope is taken away, and granted again or not; one that nobody requires is nobody's news."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.is_required = plot.chance.random() < 0.7
        self.back = plot.chance.choice([NEVER, plot.after(10, 300)])

    def tell(self) -> None:
        plot, every = self.plot, [*SCOPES, "read_themes"]
        left = [scope for scope in every if scope != (SCOPES[0] if self.is_required else "read_themes")]
        lost = {"previous": every, "current": left, "updated_at": stamp(plot.start)}
        plot.webhook(plot.start, "app/scopes_update", lost, "lost")
        if self.back < NEVER:
            back = {"previous": left, "current": every, "updated_at": stamp(self.back)}
            plot.webhook(self.back, "app/scopes_update", back, "back")

    def expected(self, seen: Seen) -> Iterator[Told]:
        if self.is_required:
            lost = lasting("storefront-critical", _SHOP_TO, Severity.CRITICAL, seen.first("lost"), seen.first("back"))
            yield from together(subjects.shop_wide(self.plot.shop), [lost], seen.end, alone=True)


class Locked:
    """The storefront is seen open, then behind a password, and open again or not.

    Not promised by the rules, and so not asked of them: that it was seen open, where that is told only afterwards.
    """

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.locked = plot.after(250, 300)
        self.opened = plot.chance.choice([NEVER, plot.after(10, 100, self.locked)])

    def tell(self) -> None:
        moments = ((self.plot.start, "before", False), (self.locked, "locked", True), (self.opened, "after", False))
        for at, label, is_on in moments:
            if at < NEVER:
                body = {**body_of("shop/update"), "password_enabled": is_on, "updated_at": stamp(at)}
                self.plot.webhook(at, "shop/update", body, label)

    def expected(self, seen: Seen) -> Iterator[Told]:
        """Turned on: it must have been seen open before."""
        at = max(seen.first("before"), seen.first("locked"))
        lost = lasting("storefront-critical", _SHOP_TO, Severity.CRITICAL, at, seen.first("after"))
        yield from together(subjects.shop_wide(self.plot.shop), [lost], seen.end, alone=True)


class BulkFails:
    """A bulk operation of Shopify's fails; a later one completes, or not."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.done = plot.chance.choice([NEVER, plot.after(10, 300)])

    def tell(self) -> None:
        plot, real = self.plot, body_of("bulk_operations/finish")
        failed = {**real, "admin_graphql_api_id": f"gid://shopify/BulkOperation/{plot.number()}", "status": "failed"}
        plot.webhook(plot.start, "bulk_operations/finish", failed, "failed")
        if self.done < NEVER:
            done = {**real, "admin_graphql_api_id": f"gid://shopify/BulkOperation/{plot.number(1)}"}
            plot.webhook(self.done, "bulk_operations/finish", done, "done")

    def expected(self, seen: Seen) -> Iterator[Told]:
        failed = lasting("job-failed", _IT, Severity.WARNING, seen.first("failed"), seen.first("done"))
        subject = subjects.job(self.plot.shop, "shopify-bulk-operation")
        yield from together(subject, [failed], seen.end, alone=True)


class Uninstalled:
    """The app is removed while an order waits for its money: whatever the shop does not tell then is not missing."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.gone = plot.after(2, 20)

    def tell(self) -> None:
        tells(self.plot, self.plot.start, purchase(self.plot, financial="pending"), "created", "orders/create")
        self.plot.webhook(self.gone, "app/uninstalled", body_of("app/uninstalled"), "gone")

    def expected(self, seen: Seen) -> Iterator[Told]:
        """Told of before we knew, it stays open."""
        gone = seen.first("gone")
        at = max(self.plot.start + self.plot.rules.orders.payment_pending_after, seen.first("created"))
        if at < gone:
            pending = lasting("order-payment-pending", OPERATIONS, Severity.WARNING, at)
            yield from together(self.plot.order(), [pending], seen.end)
        shop = lasting("storefront-critical", _SHOP_TO, Severity.CRITICAL, gone)
        yield from together(subjects.shop_wide(self.plot.shop), [shop], seen.end, alone=True)


class FallsSilent:
    """Stock that changes every hour for fifteen days, and then for some hours does not, or does and nobody tells. Six
    hours are too long, six of its gaps."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        hour = timedelta(hours=1)
        self.told = [plot.start + count * hour for count in range(15 * 24)]
        self.again = self.told[-1] + plot.chance.choice([5 * hour, 11 * hour, 30 * hour])
        self.untold = plot.chance.choice([NEVER, self.told[-1] + 2 * hour])

    def tell(self) -> None:
        plot = self.plot
        plot.change(plot.start, shop_at(plot, "own.example.com"))
        for count, at in enumerate([*self.told, self.again]):
            self._changes(at, 400 - count % 2)
            plot.webhook(at, "inventory_levels/update", self._reading(at, 400 - count % 2), f"read/{count}")
        if self.untold < NEVER:
            self._changes(self.untold, 390)

    def expected(self, seen: Seen) -> Iterator[Told]:
        last, again = (seen.first(f"read/{count}") for count in (len(self.told) - 1, len(self.told)))
        is_missed = self.untold < NEVER
        to, severity = (_SHOP_TO, Severity.CRITICAL) if is_missed else (_SHOP_TO[1:], Severity.WARNING)
        stopped = [
            lasting("sync-stopped", to, severity, _too_long(last), again),
            lasting("sync-stopped", _SHOP_TO[1:], Severity.WARNING, _too_long(again)),
        ]
        subject = subjects.topic(self.plot.shop, "inventory_levels/update")
        yield from together(subject, stopped, seen.end, alone=True)

    def _changes(self, at: datetime, available: int) -> None:
        self.plot.change(at, *goods(self.plot, at, available))

    def _reading(self, at: datetime, available: int) -> Json:
        own = {"inventory_item_id": self.plot.number(ITEM), "location_id": self.plot.number(ITEM + 3)}
        return body_of("inventory_levels/update") | own | {"available": available, "updated_at": stamp(at)}


class PrivacyAsked:
    """The law's own deadline: the privacy owner is told once."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.topic = plot.chance.choice(["customers/data_request", "customers/redact"])

    def tell(self) -> None:
        body = body_of(self.topic)
        customer = body["customer"]
        assert isinstance(customer, dict)
        self.plot.webhook(
            self.plot.start, self.topic, {**body, "customer": {**customer, "id": self.plot.number(400)}}, "asked"
        )

    def expected(self, seen: Seen) -> Iterator[Told]:
        subject = subjects.resource(self.plot.shop, "customer", self.plot.number(400))
        at = seen.first("asked")
        yield milestone("privacy-request", subject, ("privacy",), at, Severity.WARNING)


def _too_long(last: datetime) -> datetime:
    """Six hours after the end of the five minutes in which the last one came."""
    five = last - timedelta(minutes=last.minute % 5, seconds=last.second, microseconds=last.microsecond)
    return five + timedelta(hours=6, minutes=5)


def _report(plot: Plot, job: str, at: datetime, phase: JobPhase) -> None:
    plot.signal(at, JobReported(plot.shop, subjects.job(plot.shop, job), at, at, job=job, phase=phase))
