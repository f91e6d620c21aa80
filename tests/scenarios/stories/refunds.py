"""Use case 6 over weeks, and by next-generation Events: returns that nobody decides on, that never arrive, and whose
money comes in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.graph import Link, Page, Thing, gid, link, money
from pipeline.simulators.shopify.orders import OrderTransaction
from pipeline.simulators.shopify.returns import (
    Refund,
    RefundLineItem,
    Return,
    ReturnLineItem,
    ReverseFulfillmentOrder,
    ReverseFulfillmentOrderDisposition,
    ReverseFulfillmentOrderLineItem,
    fulfilled,
)
from schemas.alerts import Severity
from tests.scenarios.offices import FINANCE_OFFICE
from tests.scenarios.purchases import BACK, LINE, body_of, purchase, stamp
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.story import FINANCE, RETURNS, SERVICE
from tests.scenarios.truth import Condition, Told, lasting, milestone, together

_DAY = timedelta(days=1)
_UNITS, _PRICE = 2, Decimal("60.00")
_DISPOSED, _REFUND, _MOVED = 4, 10, 20
_DECIDED = {"approve": "OPEN", "decline": "DECLINED", "cancel": "CANCELED"}
_TOLD = {
    "approve": ("return-approved", (*RETURNS, *SERVICE)),
    "decline": ("return-declined", (*RETURNS, *SERVICE)),
    "cancel": ("return-canceled", RETURNS),
}


@dataclass(frozen=True, slots=True)
class Returned:
    """Two units of one line, as Shopify has them at one moment. `refunded`: when the money of each unit moved."""

    plot: Plot
    created: datetime
    status: str = "REQUESTED"
    approved: datetime | None = None
    closed: datetime | None = None
    received: datetime | None = None
    refunded: tuple[datetime, ...] = ()

    @property
    def number(self) -> int:
        return self.plot.number(BACK)

    @property
    def gid(self) -> str:
        return gid("Return", self.number)

    def things(self) -> Iterator[Thing]:
        line, units = fulfilled(self.plot.number(LINE)), 0 if self.received is None else _UNITS
        yield Return(
            id=self.gid,
            name=f"#{self.plot.number() % 1_000_000}-R1",
            order=link("Order", self.plot.number()),
            status=self.status,
            created_at=self.created,
            request_approved_at=self.approved,
            closed_at=self.closed,
            total_quantity=_UNITS,
            return_line_items=Page(
                (
                    ReturnLineItem(
                        id=gid("ReturnLineItem", self.number + 1),
                        fulfillment_line_item=line,
                        quantity=_UNITS,
                        processed_quantity=units,
                        refundable_quantity=_UNITS - len(self.refunded),
                        refunded_quantity=len(self.refunded),
                        with_code_discounted_total_price_set=money(_UNITS * _PRICE),
                    ),
                )
            ),
        )
        if self.approved is not None:
            disposed = tuple(self._dispositions())
            item = ReverseFulfillmentOrderLineItem(
                id=gid("ReverseFulfillmentOrderLineItem", self.number + _DISPOSED),
                fulfillment_line_item=line,
                total_quantity=_UNITS,
                dispositions=disposed,
            )
            yield ReverseFulfillmentOrder(
                id=gid("ReverseFulfillmentOrder", self.number + 2),
                order=link("Order", self.plot.number()),
                return_=Link(self.gid),
                line_items=Page((item,)),
            )
        for which, at in enumerate(self.refunded):
            yield from self._refund(which, at)

    def _dispositions(self) -> Iterator[ReverseFulfillmentOrderDisposition]:
        if self.received is not None:
            yield ReverseFulfillmentOrderDisposition(
                id=gid("ReverseFulfillmentOrderDisposition", self.number + _DISPOSED),
                type="RESTOCKED",
                quantity=_UNITS,
                created_at=self.received,
            )

    def _refund(self, which: int, at: datetime) -> Iterator[Thing]:
        refund = gid("Refund", self.number + _REFUND + which)
        order, line = link("Order", self.plot.number()), fulfilled(self.plot.number(LINE)).line_item
        yield Refund(
            id=refund,
            order=order,
            return_=Link(self.gid),
            created_at=at,
            updated_at=at,
            processed_at=at,
            total_refunded_set=money(_PRICE),
            refund_line_items=Page((RefundLineItem(line_item=line, quantity=1),)),
        )
        yield OrderTransaction(
            id=gid("OrderTransaction", self.number + _MOVED + which),
            order=order,
            kind="REFUND",
            status="SUCCESS",
            processed_at=at,
            amount_set=money(_PRICE),
            refund=Link(refund),
        )

    # --- bodies -----------------------------------------------------------------------------------------------------

    def body(self) -> Json:
        return body_of("returns/approve") | {
            "id": self.number,
            "admin_graphql_api_id": self.gid,
            "name": f"#{self.plot.number() % 1_000_000}-R1",
            "status": self.status.lower(),
            "order": {"id": self.plot.number(), "admin_graphql_api_id": gid("Order", self.plot.number())},
            "return_line_items": [],
            "total_return_line_items": _UNITS,
            "exchange_line_items": [],
            "total_exchange_line_items": 0,
        }

    def flat(self) -> Json:
        own = {"id": self.number, "admin_graphql_api_id": self.gid, "order_id": self.plot.number()}
        return body_of("returns/close") | own | {"status": self.status.lower()}

    def disposed(self) -> Json:
        item = {"reverse_fulfillment_order_line_item": {"id": self.number + _DISPOSED}}
        return body_of("reverse_fulfillment_orders/dispose") | {
            "id": self.number + 2,
            "admin_graphql_api_id": gid("ReverseFulfillmentOrder", self.number + 2),
            "dispositions": [{**item, "type": "restocked", "quantity": _UNITS}],
            "total_dispositions": 1,
        }

    def refund(self, which: int) -> Json:
        number, at = self.number + _REFUND + which, stamp(self.refunded[which])
        moved = {"id": self.number + _MOVED + which, "kind": "refund", "status": "success", "currency": "USD"}
        return body_of("refunds/create") | {
            "id": number,
            "admin_graphql_api_id": gid("Refund", number),
            "order_id": self.plot.number(),
            "created_at": at,
            "processed_at": at,
            "return": {"id": self.number, "admin_graphql_api_id": self.gid},
            "refund_line_items": [{"id": number + 5, "quantity": 1, "line_item_id": self.plot.number(LINE)}],
            "transactions": [{**moved, "amount": str(_PRICE)}],
        }


class Undecided:
    """Requested; somebody decides within 48 hours of work, later, or never. What is approved never arrives."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.asked = plot.after(60, 600)
        self.late = FINANCE_OFFICE.hours(self.asked, 48)
        self.how = plot.chance.choice([*_DECIDED, "approve", "approve"])
        self.decided = plot.chance.choice([self.late - _DAY, self.late + _DAY, NEVER])

    def tell(self) -> None:
        plot, back = self.plot, Returned(self.plot, self.asked)
        plot.change(plot.start, *purchase(plot, fulfillment="fulfilled").things())
        plot.change(self.asked, *back.things())
        plot.webhook(self.asked, "returns/request", back.body(), "asked")
        if self.decided < NEVER:
            back = replace(back, status=_DECIDED[self.how])
            back = replace(back, approved=self.decided) if self.how == "approve" else back
            plot.change(self.decided, *back.things())
            body = back.flat() if self.how == "cancel" else back.body()
            plot.webhook(self.decided, f"returns/{self.how}", body, "decided")

    def expected(self, seen: Seen) -> Iterator[Told]:
        subject, decided = self.plot.order(), seen.first("decided")
        yield milestone("return-initiated", subject, (*RETURNS, *SERVICE), min(seen.first("asked"), decided))
        waits = []
        if decided < NEVER:
            rule, teams = _TOLD[self.how]
            yield milestone(rule, subject, teams, decided)
        late = FINANCE_OFFICE.hours(self.plot.occurred("asked"), 48)
        if late < self.decided:
            waits.append(lasting("return-undecided", RETURNS, Severity.WARNING, late, decided))
        if self.how == "approve" and self.decided < NEVER:
            scanned = self.plot.occurred("decided") + 14 * _DAY
            waits.append(lasting("refund-due", (*FINANCE, *RETURNS), Severity.INFO, scanned))
            # asked then, Shopify has said when it was approved
            waits.append(lasting("return-not-arrived", RETURNS, Severity.INFO, self.decided + 21 * _DAY))
        yield from together(subject, waits, seen.end)


class PaidInParts:
    """Opened by staff; both units come back, and the money of each moves on its own: in time, when it is nearly due,
    when it is overdue, or never. Told by webhooks, or by Events alone."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.is_evented = plot.chance.random() < 0.5
        self.opened = plot.start
        self.received = FINANCE_OFFICE.at_work(plot.start, plot.chance)
        self.due = FINANCE_OFFICE.days(self.received, 5)
        first = plot.after(20, 400, self.received)
        second = [plot.after(20, 400, first), self.due - timedelta(hours=9), self.due + _DAY, NEVER]
        self.refunded = (first, plot.chance.choice(second))

    def tell(self) -> None:
        plot = self.plot
        back = Returned(plot, self.opened, status="OPEN", approved=self.opened)
        plot.change(plot.start, *purchase(plot, fulfillment="fulfilled").things())
        self._changes(self.opened, back, "opened", "Return/create", "returns/approve", back.body())
        back = replace(back, received=self.received)
        topic = "reverse_fulfillment_orders/dispose"
        self._changes(self.received, back, "received", "Return/update", topic, back.disposed())
        for which, at in enumerate(at for at in self.refunded if at < NEVER):
            back = replace(back, refunded=self.refunded[: which + 1])
            label = f"refunded/{which}"
            self._changes(at, back, label, "Refund/create", "refunds/create", back.refund(which))

    def _changes(self, at: datetime, back: Returned, label: str, event: str, topic: str, body: Json) -> None:
        self.plot.change(at, *back.things())
        if not self.is_evented:
            self.plot.webhook(at, topic, body, label)
        elif event == "Refund/create":
            self.plot.event(at, event, back.number + _REFUND + len(back.refunded) - 1, label)
        else:
            self.plot.event(at, event, back.number, label)

    def expected(self, seen: Seen) -> Iterator[Told]:
        subject = self.plot.order()
        looks = [seen.first("opened"), seen.first("received")]
        refunded = [seen.first("refunded/0"), seen.first("refunded/1")]
        yield milestone("return-initiated", subject, (*RETURNS, *SERVICE), min(*looks, *refunded))
        yield milestone("return-approved", subject, (*RETURNS, *SERVICE), looks[0])
        yield milestone("return-received", subject, (*RETURNS, *FINANCE), min(at for at in looks if at > self.received))
        for at in refunded:
            if at < NEVER:
                yield milestone("return-refunded", subject, (*FINANCE, *SERVICE), at)
        over, warned = self.refunded[1], self.due - _DAY
        if warned < over:
            course: list[tuple[datetime, Severity | None]] = [(warned, Severity.WARNING), (refunded[1], None)]
            course += [(self.due, Severity.CRITICAL)] if self.due < over else []
            owed = Condition("refund-due", frozenset((*FINANCE, *RETURNS)), sorted(course, key=lambda one: one[0]))
            yield from together(subject, [owed], seen.end)
