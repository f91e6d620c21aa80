"""Use case 7: what happens to a shop's storefront, its locations and its bill; each shop is told of one thing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import cast

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.graph import gid
from pipeline.simulators.shopify.shops import Domain, Shop
from pipeline.simulators.shopify.stock import Location
from schemas import subjects
from schemas.alerts import Severity
from tests.scenarios.purchases import body_of, stamp
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.truth import Told, lasting, milestone, together

_SHOP_TO = ("it-support", "e-commerce")
_WORK = (9, 17)


class Unsecured:
    """The primary domain is served over TLS, then is not; it is again within the hour, later, or never."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.off = plot.after(250, 300)
        self.back = plot.chance.choice([NEVER, plot.after(15, 45, self.off), plot.after(80, 200, self.off)])

    def tell(self) -> None:
        for at, label, is_on in ((self.plot.start, "on", True), (self.off, "off", False), (self.back, "back", True)):
            if at < NEVER:
                self.plot.change(at, shop_at(self.plot, self._host, is_secure=is_on))
                self.plot.webhook(at, "domains/update", _domain(self.plot, self._host, is_secure=is_on), label)

    def expected(self, seen: Seen) -> Iterator[Told]:
        """An hour after it was, and had been before: Shopify is asked then."""
        hour = self.plot.occurred("off") + self.plot.rules.operations.tls_off_after
        at, over = max(hour, seen.first("on"), seen.first("off")), seen.first("back")
        if at < self.back:
            yield from _lost(self.plot, at, over, seen.end)

    @property
    def _host(self) -> str:
        return f"shop-{self.plot.index}.example.com"


class DomainGone:
    """A domain is taken away: the primary one or another one; it is connected again, or not."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.is_primary = plot.chance.random() < 0.7
        self.gone = plot.after(250, 300)
        self.back = plot.chance.choice([NEVER, plot.after(30, 200, self.gone)])

    def tell(self) -> None:
        plot, host = self.plot, f"shop-{self.plot.index}.example.com"
        other = plot.shop if self.is_primary else f"other-{plot.index}.example.com"
        for at, label, topic in (
            (plot.start, "connected", "domains/create"),
            (self.gone, "gone", "domains/destroy"),
            (self.back, "back", "domains/create"),
        ):
            if at < NEVER:
                is_first = self.is_primary and label != "gone"
                plot.change(at, shop_at(plot, host if is_first else other, is_secure=True))
                plot.webhook(at, topic, _domain(plot, host, is_secure=True), label)

    def expected(self, seen: Seen) -> Iterator[Told]:
        """That it was the primary one, Shopify has said before."""
        if self.is_primary:
            yield from _lost(self.plot, seen.first("gone"), seen.first("back"), seen.end)


class Published:
    """A theme goes live, the main one or a copy, at any time of the day: whenever it is learned, that time counts."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.is_main = plot.chance.random() < 0.8

    def tell(self) -> None:
        plot, at = self.plot, self.plot.start
        role = "main" if self.is_main else "unpublished"
        theme = {"id": plot.number(), "name": "Winter", "role": role, "created_at": stamp(at), "updated_at": stamp(at)}
        plot.webhook(at, "themes/publish", theme, "published")

    def expected(self, seen: Seen) -> Iterator[Told]:
        opens, closes = _WORK
        if self.is_main and not opens <= self.plot.start.hour < closes:
            shop, at = subjects.shop_wide(self.plot.shop), seen.first("published")
            yield milestone("storefront-critical", shop, _SHOP_TO, at, Severity.CRITICAL)


class Unpaid:
    """The shop does not pay for the app, and pays again or not."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.back = plot.chance.choice([NEVER, plot.after(10, 300)])

    def tell(self) -> None:
        for at, label, status in ((self.plot.start, "frozen", "FROZEN"), (self.back, "paid", "ACTIVE")):
            if at < NEVER:
                real = body_of("app_subscriptions/update")
                bill = {"admin_graphql_api_id": gid("AppSubscription", self.plot.number()), "status": status}
                own = {**cast("Json", real["app_subscription"]), **bill, "updated_at": stamp(at)}
                self.plot.webhook(at, "app_subscriptions/update", {"app_subscription": own}, label)

    def expected(self, seen: Seen) -> Iterator[Told]:
        frozen, paid = seen.first("frozen"), seen.first("paid")
        bill = lasting("storefront-critical", ("application-owners",), Severity.CRITICAL, frozen, paid)
        subject = subjects.resource(self.plot.shop, "app-subscription", self.plot.number())
        yield from together(subject, [bill], seen.end, alone=True)


class Closed:
    """A location is deactivated, with stock in it or without, and opened again or not."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.has_stock = plot.chance.random() < 0.7
        self.back = plot.chance.choice([NEVER, plot.after(10, 300)])

    def tell(self) -> None:
        plot = self.plot
        for at, label, is_active in ((plot.start, "closed", False), (self.back, "opened", True)):
            if at < NEVER:
                place = gid("Location", plot.number())
                stock = Location(id=place, name="Oslo", is_active=is_active, has_active_inventory=self.has_stock)
                plot.change(at, stock)
                told = {"id": plot.number(), "name": "Oslo", "active": is_active, "updated_at": stamp(at)}
                plot.webhook(at, f"locations/{'activate' if is_active else 'deactivate'}", told, label)

    def expected(self, seen: Seen) -> Iterator[Told]:
        """What is learned when it is open again is not so any more."""
        at = seen.first("closed")
        if self.has_stock and at < self.back:
            subject = subjects.resource(self.plot.shop, "location", self.plot.number())
            to = (*_SHOP_TO, "warehouse")
            lost = lasting("storefront-critical", to, Severity.CRITICAL, at, seen.first("opened"))
            yield from together(subject, [lost], seen.end, alone=True)


def _lost(plot: Plot, at: datetime, back: datetime, end: datetime) -> Iterator[Told]:
    lost = lasting("storefront-critical", _SHOP_TO, Severity.CRITICAL, at, back)
    yield from together(subjects.shop_wide(plot.shop), [lost], end, alone=True)


def shop_at(plot: Plot, host: str, *, is_secure: bool = True) -> Shop:
    domain = Domain(id=gid("Domain", plot.number()), host=host, ssl_enabled=is_secure)
    return Shop(id=gid("Shop", 1), name="Own", myshopify_domain=plot.shop, primary_domain=domain)


def _domain(plot: Plot, host: str, *, is_secure: bool) -> Json:
    return {"id": plot.number(), "host": host, "ssl_enabled": is_secure, "localization": {}}
