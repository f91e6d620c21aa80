"""Use case 2: parcels that arrive, that fail and are replaced, that are taken back, and orders that ship in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import cast

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.graph import Page, gid, link
from pipeline.simulators.shopify.orders import Fulfillment, FulfillmentEvent, FulfillmentTrackingInfo
from schemas.alerts import Severity
from tests.scenarios.purchases import PARCEL, SCAN, UNTRACKED, Purchase, body_of, purchase, stamp, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.story import SERVICE
from tests.scenarios.truth import Condition, Told, lasting, milestone, together

_FORWARD = ("carrier_picked_up", "in_transit", "out_for_delivery", "delivered")
#: So long after a parcel was made Shopify is asked what it leaves behind.
_ASKED_AFTER = timedelta(minutes=1)
_LABELS = ("label_purchased", "label_printed")


class Shipped:
    """A parcel on its way. What its carrier tells, in order; the last word may be `attempted_delivery` or a failure.

    `confirmed` proves nothing. A failed one may be replaced by a second parcel.
    """

    courses: Sequence[Sequence[str]] = (
        ("confirmed", "label_printed", "carrier_picked_up", "in_transit", "out_for_delivery", "delivered"),
        ("in_transit", "attempted_delivery", "out_for_delivery", "delivered"),
        ("in_transit", "delayed"),
        ("carrier_picked_up", "in_transit", "failure"),
        ("label_purchased", "in_transit", "failure", "delivered"),
        ("confirmed",),
        ("label_purchased", "ready_for_pickup"),
    )

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.course = plot.chance.choice(self.courses)
        self.created = plot.after(2, 30)
        self.scans = list[tuple[datetime, str]]()
        at = self.created
        for status in self.course:
            at = plot.after(3, 90, at)
            self.scans.append((at, status))
        is_replaced = self.course[-1] == "failure" and plot.chance.random() < 0.6
        self.replaced = plot.after(20, 200, at) if is_replaced else NEVER

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        tells(plot, plot.start, order, "created", "orders/create")
        plot.webhook(self.created, "fulfillments/create", parcel(order, self.created), "parcel")
        for number, (at, status) in enumerate(self.scans):
            plot.webhook(at, "fulfillment_events/create", scan(order, number, at, status), f"scan/{number}")
        if self.replaced < NEVER:
            second = parcel(order, self.replaced, which=1) | UNTRACKED
            plot.webhook(self.replaced, "fulfillments/create", second, "replacement")

    def expected(self, seen: Seen) -> Iterator[Told]:
        subject, arrived = self.plot.order(), seen.moments(*(f"scan/{n}" for n in range(len(self.scans))))
        known = [(at, self.scans[int(label.partition("/")[2])]) for at, label in arrived]
        yield from self._milestones(subject, known, seen)
        moments = sorted({at for at, _ in known} | {seen.first("replacement")})
        course = [(at, self._trouble([scan for when, scan in known if when <= at], seen, at)) for at in moments]
        yield from together(subject, [Condition("shipment-exception", frozenset(SERVICE), course)], seen.end)

    def _trouble(self, known: Sequence[tuple[datetime, str]], seen: Seen, at: datetime) -> Severity | None:
        """By when it happened, not by when it was told."""
        newest = {status: when for when, status in sorted(known)}
        if (
            "failure" in newest
            and not newest.get("delivered", datetime.min.replace(tzinfo=at.tzinfo)) > newest["failure"]
        ):
            return None if seen.first("replacement") <= at else Severity.CRITICAL
        mild = max(
            (when for status, when in newest.items() if status in ("attempted_delivery", "delayed")), default=None
        )
        onward = [when for status, when in newest.items() if status in (*_FORWARD, "ready_for_pickup")]
        return Severity.WARNING if mild is not None and all(when < mild for when in onward) else None

    def _milestones(
        self, subject: str, known: Sequence[tuple[datetime, tuple[datetime, str]]], seen: Seen
    ) -> Iterator[Told]:
        forward = [at for at, (_, status) in known if status in _FORWARD]
        on_way = [at for at, (_, status) in known if status in (*_FORWARD, "failure")]
        for word in (_LABELS, ("ready_for_pickup",)):
            labels = [at for at, (_, status) in known if status in word]
            if labels and not any(at < min(labels) for at in on_way):
                yield milestone("fulfillment-packed", subject, SERVICE, min(labels))
        if forward:
            yield milestone("fulfillment-shipped", subject, SERVICE, min(forward))
        scans = [at for at, (_, status) in known if status not in (*_LABELS, "confirmed")]
        due = max(self.created + self.plot.rules.fulfillment.shipped_unscanned_after, seen.first("parcel"))
        if not any(at <= due for at in scans):
            yield milestone("fulfillment-shipped", subject, SERVICE, due)


class ScanLost:
    """The carrier has scanned the parcel, and no webhook ever tells: Shopify knows when it is asked."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.created = plot.after(2, 30)
        self.scanned = plot.after(3, 20, self.created)
        self.delivered = plot.after(60, 200, self.created)

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        tells(plot, plot.start, order, "created", "orders/create")
        plot.change(self.created, shipped(order, self.created))
        plot.change(self.scanned, shipped(order, self.created, ("IN_TRANSIT", self.scanned)))
        plot.webhook(self.created, "fulfillments/create", parcel(order, self.created), "parcel")
        at = self.delivered
        plot.change(at, shipped(order, self.created, ("DELIVERED", at), ("IN_TRANSIT", self.scanned)))
        plot.webhook(at, "fulfillment_events/create", scan(order, 1, at, "delivered"), "delivered")

    def expected(self, seen: Seen) -> Iterator[Told]:
        """Where it is asked before the scan, it is told as not scanned yet, and as shipped when it has arrived."""
        asked = max(self.created + self.plot.rules.fulfillment.shipped_unscanned_after, seen.first("parcel"))
        told = {min(asked, seen.first("delivered")), *([seen.first("delivered")] if asked < self.scanned else [])}
        for at in told:
            yield milestone("fulfillment-shipped", self.plot.order(), SERVICE, at)


class TakenBack:
    """A fulfillment is cancelled: news only if nothing takes its place."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.created = plot.after(2, 30)
        self.cancelled = plot.after(10, 60, self.created)
        self.replaced = plot.chance.choice(
            [NEVER, plot.after(5, 15, self.cancelled), plot.after(90, 200, self.cancelled)]
        )

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        plot.change(plot.start, *order.things())
        plot.webhook(self.created, "fulfillments/create", parcel(order, self.created) | UNTRACKED, "parcel")
        gone = parcel(order, self.created) | UNTRACKED | {"status": "cancelled", "updated_at": stamp(self.cancelled)}
        plot.webhook(self.cancelled, "fulfillments/update", gone, "cancelled")
        if self.replaced < NEVER:
            second = parcel(order, self.replaced, which=1) | UNTRACKED
            plot.webhook(self.replaced, "fulfillments/create", second, "replacement")

    def expected(self, seen: Seen) -> Iterator[Told]:
        at = max(self.cancelled + self.plot.rules.fulfillment.replaced_within, seen.first("cancelled"))
        condition = lasting("shipment-exception", SERVICE, Severity.WARNING, at, seen.first("replacement"))
        yield from together(self.plot.order(), [condition], seen.end)


class Refused:
    """The fulfillment service refuses an order; another location ships it later, or nobody does."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.refused = plot.after(2, 30)
        self.shipped = plot.chance.choice([NEVER, plot.after(20, 300, self.refused)])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        tells(plot, plot.start, order, "created", "orders/create")
        topic = "fulfillment_orders/fulfillment_request_rejected"
        about = {"id": order.fulfillment_order, "status": "open", "request_status": "rejected"}
        plot.webhook(self.refused, topic, body_of(topic) | {"fulfillment_order": about}, "refused")
        if self.shipped < NEVER:
            plot.webhook(self.shipped, "fulfillments/create", parcel(order, self.shipped) | UNTRACKED, "shipped")

    def expected(self, seen: Seen) -> Iterator[Told]:
        refused = lasting(
            "shipment-exception", SERVICE, Severity.CRITICAL, seen.first("refused"), seen.first("shipped")
        )
        yield from together(self.plot.order(), [refused], seen.end)


class OneOfTwo:
    """Two parcels of one order; the first is taken back, minutes before the second is made, which has other lines."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.created = plot.after(2, 10)
        self.cancelled = plot.after(5, 10, self.created)
        self.second = plot.after(1, 5, self.cancelled)

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, lines=2)
        tells(plot, plot.start, order, "created", "orders/create")
        plot.webhook(self.created, "fulfillments/create", parcel(order, self.created) | UNTRACKED, "first")
        plot.change(self.created, order.at(plot.start, shipped=(0,)).to_ship())
        plot.change(self.cancelled, order.to_ship())
        plot.change(self.second, order.at(plot.start, shipped=(1,)).to_ship())
        gone = parcel(order, self.created) | UNTRACKED | {"status": "cancelled", "updated_at": stamp(self.cancelled)}
        plot.webhook(self.cancelled, "fulfillments/update", gone, "cancelled")
        other = parcel(order, self.second, which=1) | UNTRACKED | {"line_items": [order.line(1)]}
        plot.webhook(self.second, "fulfillments/create", other, "second")

    def expected(self, seen: Seen) -> Iterator[Told]:
        at = max(self.cancelled + self.plot.rules.fulfillment.replaced_within, seen.first("cancelled"))
        taken_back = lasting("shipment-exception", SERVICE, Severity.WARNING, at)
        in_part = Condition("fulfillment-partial", frozenset(SERVICE), list(self._in_part(seen)))
        yield from together(self.plot.order(), [taken_back, in_part], seen.end)

    def _in_part(self, seen: Seen) -> Iterator[tuple[datetime, Severity | None]]:
        """By the parcels that are known: one of the two lines is in one, and Shopify has not shipped the other yet. It
        is asked a minute after the parcel was made."""
        first, gone, second = (seen.first(label) for label in ("first", "cancelled", "second"))
        moments = sorted({at for at in (first, gone, second) if at < NEVER})
        for at, until in zip(moments, [*moments[1:], NEVER], strict=True):
            has_first, has_second = first <= at < gone, second <= at
            asked = max(at, (self.second if has_second else self.created) + _ASKED_AFTER)
            if has_first != has_second and asked < until and (has_second or asked < self.second):
                yield asked, Severity.INFO
            elif has_first == has_second:
                yield at, None


class InParts:
    """Two lines; one is shipped, the other later, or not.

    What remains is what Shopify says when it is asked: for the order's own word, or a minute after a parcel was made
    that leaves something behind. The second parcel ends it, and whatever tells that both are shipped.
    """

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.first = plot.after(10, 60)
        self.second = plot.chance.choice([NEVER, plot.after(60, 300, self.first)])

    def tell(self) -> None:
        sent_in_two(self.plot, self.first, self.second)

    def expected(self, seen: Seen) -> Iterator[Told]:
        at, over = in_part(seen, self.first, self.second)
        yield from together(
            self.plot.order(), [lasting("fulfillment-partial", SERVICE, Severity.INFO, at, over)], seen.end
        )


def sent_in_two(plot: Plot, first: datetime, second: datetime) -> None:
    """Two lines of an order, a parcel each; the second one may never go."""
    order = purchase(plot, lines=2)
    tells(plot, plot.start, order, "created", "orders/create")
    plot.webhook(first, "fulfillments/create", parcel(order, first) | UNTRACKED, "first")
    order = order.at(first, fulfillment="partial", shipped=(0,))
    tells(plot, first, order, "partial", "orders/partially_fulfilled")
    if second < NEVER:
        rest = parcel(order, second, which=1) | UNTRACKED | {"line_items": [order.line(1)]}
        plot.webhook(second, "fulfillments/create", rest, "second")
        tells(plot, second, order.at(second, fulfillment="fulfilled", shipped=(0, 1)), "done", "orders/fulfilled")


def in_part(seen: Seen, first: datetime, second: datetime) -> tuple[datetime, datetime]:
    """From when to when one of two lines is known to remain; they are shipped at `first` and `second`."""
    told, parcel = seen.first("partial"), seen.first("first")
    is_known = seen.first("created") < parcel
    asked = [told, max(parcel, first + _ASKED_AFTER) if is_known and parcel < told else parcel]
    at = min((moment for moment in asked if moment < second), default=NEVER)
    ends = [seen.first("second"), seen.first("done"), *([told] if told > second else [])]
    return at, min(ends)


def shipped(order: Purchase, at: datetime, *scans: tuple[str, datetime]) -> Fulfillment:
    """As Shopify knows the first parcel; the newest scan first."""
    events = (
        FulfillmentEvent(id=gid("FulfillmentEvent", order.plot.number(SCAN + n)), status=status, happened_at=when)
        for n, (status, when) in enumerate(reversed(scans))
    )
    return Fulfillment(
        id=gid("Fulfillment", order.plot.number(PARCEL)),
        order=link("Order", order.number),
        name=f"#{order.number % 1_000_000}.1",
        display_status=scans[0][0] if scans else "FULFILLED",
        created_at=at,
        updated_at=scans[0][1] if scans else at,
        tracking_info=(FulfillmentTrackingInfo(company="UPS", number="1z827wk74630"),),
        events=Page(tuple(events)[::-1]),
    )


def parcel(order: Purchase, at: datetime, which: int = 0) -> Json:
    number = order.plot.number(PARCEL + which)
    return {
        **body_of("fulfillments/create"),
        "id": number,
        "order_id": order.number,
        "name": f"#{order.number % 1_000_000}.{which + 1}",
        "status": "success",
        "created_at": stamp(at),
        "updated_at": stamp(at),
        "line_items": [order.line()],
    }


def scan(order: Purchase, number: int, at: datetime, status: str) -> Json:
    real = body_of("fulfillment_events/create")
    return cast(
        "Json",
        {
            **real,
            "id": order.plot.number(SCAN + number),
            "fulfillment_id": order.plot.number(PARCEL),
            "order_id": order.number,
            "status": status,
            "country": "US",
            "happened_at": stamp(at),
            "created_at": stamp(at),
            "updated_at": stamp(at),
        },
    )
