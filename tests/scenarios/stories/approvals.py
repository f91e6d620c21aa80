"""Use case 5: what somebody must approve: orders, asked again where they become larger, those of a company; drafts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from msgspec.structs import replace

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.graph import gid, money
from pipeline.simulators.shopify.orders import Company, CompanyLocation, DraftOrder, PurchasingCompany
from schemas import subjects
from schemas.alerts import Severity
from tests.scenarios.company import COMPLIANCE, TRADE
from tests.scenarios.purchases import CUSTOMER, Purchase, body_of, buyer, purchase, stamp, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.story import FINANCE
from tests.scenarios.truth import Condition, Told, together

_QUIET = timedelta(minutes=10)


class Large:
    """An order of some size, edited to a larger one or not, cancelled or not; sometimes with goods of a list."""

    def __init__(self, plot: Plot) -> None:
        chance = plot.chance
        self.plot = plot
        self.total = Decimal(chance.choice([4990, 6000, 12000]))
        self.is_listed = chance.random() < 0.3
        self.edited = chance.choice([NEVER, plot.after(10, 100)])
        self.edited_to = self.total + Decimal(chance.choice([50, 3200]))
        self.cancelled = chance.choice([NEVER, plot.after(150, 300)])

    def tell(self) -> None:
        tags = ("export-control",) if self.is_listed else ()
        order = purchase(self.plot, total=self.total, tags=tags)
        tells(self.plot, self.plot.start, order, "created", "orders/create")
        if self.edited < NEVER:
            order = order.at(self.edited, total=self.edited_to)
            tells(self.plot, self.edited, order, "edited", "orders/updated")
        if self.cancelled < NEVER:
            order = order.at(self.cancelled, cancelled=self.cancelled)
            tells(self.plot, self.cancelled, order, "cancelled", "orders/cancelled")

    def expected(self, seen: Seen) -> Iterator[Told]:
        created, edited, over = seen.first("created"), seen.first("edited"), seen.first("cancelled")
        known = sorted(one for one in ((created, self.total), (edited, self.edited_to)) if one[0] < over)
        if known and known[0][1] == self.edited_to:
            known = known[:1]
        policies = [(FINANCE, next(p.total_from for p in self.plot.whole.approvals if p.total_from))]
        policies += [((COMPLIANCE,), Decimal(0))] if self.is_listed else []
        conditions = [
            Condition(
                "approval-required",
                frozenset(teams),
                [*((at, Severity.WARNING) for at, total in known if total >= least), (over, None)],
                _levels(known, least),
            )
            for teams, least in policies
        ]
        yield from together(self.plot.order(), conditions, seen.end)


def _levels(known: list[tuple[datetime, Decimal]], least: Decimal) -> list[tuple[datetime, int]]:
    """A larger amount is asked for again."""
    return [(at, int(total)) for at, total in known if total >= least]


class Drafted:
    """Staff write a draft, change it at once or not, leave it alone; then its invoice is sent, it becomes an order, it
    is made smaller, thrown away, or nothing."""

    def __init__(self, plot: Plot) -> None:
        chance = plot.chance
        self.plot = plot
        self.edited = chance.choice([NEVER, plot.after(3, 8)])
        self.totals = [Decimal(chance.choice([4000, 6000, 12000])) for _ in range(2)]
        self.how = chance.choice(["invoice", "completed", "smaller", "deleted", "nothing"])
        self.over = NEVER if self.how == "nothing" else plot.after(90, 300)

    def tell(self) -> None:
        self._writes(self.plot.start, self.totals[0], "created", "draft_orders/create")
        if self.edited < NEVER:
            self._writes(self.edited, self.totals[1], "edited", "draft_orders/update")
        if self.how == "deleted":
            gone = {"id": self._number, "admin_graphql_api_id": gid("DraftOrder", self._number)}
            self.plot.webhook(self.over, "draft_orders/delete", gone, "over")
        elif self.over < NEVER:
            total = Decimal(100) if self.how == "smaller" else self._total(self.over)
            self._writes(self.over, total, "over", "draft_orders/update")

    @property
    def _number(self) -> int:
        return self.plot.number(700)

    def _total(self, at: datetime) -> Decimal:
        return self.totals[1] if at >= self.edited else self.totals[0]

    def _writes(self, at: datetime, total: Decimal, label: str, topic: str) -> None:
        plot, number, is_over = self.plot, self._number, label == "over"
        sent = self.over if is_over and self.how == "invoice" else None
        completed = self.over if is_over and self.how == "completed" else None
        status = "invoice_sent" if sent else "completed" if completed else "open"
        draft = DraftOrder(
            id=gid("DraftOrder", number),
            name=f"#D{number}",
            status=status.upper(),
            created_at=plot.start,
            updated_at=at,
            invoice_sent_at=sent,
            completed_at=completed,
            total_price_set=money(total),
            total_discounts_set=money(Decimal("0.00")),
        )
        plot.change(at, draft, *buyer(plot))
        real = body_of("draft_orders/create")
        told = {
            "id": number,
            "admin_graphql_api_id": draft.id,
            "name": draft.name,
            "status": status,
            "created_at": stamp(plot.start),
            "updated_at": stamp(at),
            "invoice_sent_at": sent and stamp(sent),
            "completed_at": completed and stamp(completed),
            "order_id": number + 1 if completed else None,
            "total_price": str(total),
            "applied_discount": None,
            "customer": {**cast("Json", real["customer"]), "id": plot.number(CUSTOMER)},
        }
        plot.webhook(at, topic, real | told, label)

    def expected(self, seen: Seen) -> Iterator[Told]:
        """What was told has to fit; then Shopify says what it is about. Of what went out one hears at once."""
        least = next(p.total_from for p in self.plot.whole.approvals if p.total_from)
        written = self.edited if self.edited < NEVER else self.plot.start
        fits = [label for label, total in zip(("created", "edited"), self.totals, strict=True) if total >= least]
        asked, over = max(seen.first(*fits), written + _QUIET), seen.first("over")
        course: list[tuple[datetime, Severity | None]] = []
        if asked < (over if self.how == "deleted" else self.over):
            course = [(asked, Severity.WARNING), (over, Severity.CRITICAL if self._goes_out else None)]
        elif self._goes_out:
            course = [(min(asked, over), Severity.CRITICAL)]
        if self._total(written) >= least:
            subject, teams = subjects.draft(self.plot.shop, self._number), frozenset(FINANCE)
            yield from together(subject, [Condition("approval-required", teams, course)], seen.end, alone=True)

    @property
    def _goes_out(self) -> bool:
        return self.how in ("invoice", "completed")


class ForCompany:
    """An order with a discount: of a company, which its body names or Shopify does, or of somebody."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.buyer = plot.chance.choice(["told", "looked up", "nobody"])
        self.discount = Decimal(plot.chance.choice([10, 90]))
        self.cancelled = plot.chance.choice([NEVER, plot.after(20, 300)])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        self._changes(plot.start, order, "created", "orders/create")
        if self.cancelled < NEVER:
            order = order.at(self.cancelled, cancelled=self.cancelled)
            self._changes(self.cancelled, order, "cancelled", "orders/cancelled")

    def _changes(self, at: datetime, order: Purchase, label: str, topic: str) -> None:
        (known, *rest), number = order.things(), self.plot.number(800)
        of = PurchasingCompany(
            company=Company(id=gid("Company", number), name="Firm"),
            location=CompanyLocation(id=gid("CompanyLocation", number), name="Main"),
        )
        self.plot.change(at, replace(known, purchasing_entity=None if self.buyer == "nobody" else of), *rest)
        off = {name: str(self.discount) for name in ("total_discounts", "current_total_discounts")}
        both = {"shop_money": {"amount": str(self.discount), "currency_code": "USD"}}
        off_sets = dict.fromkeys(("total_discounts_set", "current_total_discounts_set"), both)
        named = {"company": {"id": number, "location_id": number}} if self.buyer == "told" else {}
        self.plot.webhook(at, topic, order.body() | off | off_sets | named, label)

    def expected(self, seen: Seen) -> Iterator[Told]:
        """90 off 210 is large, 10 off 130 is not."""
        if self.buyer != "nobody" and self.discount == 90:
            course = [(seen.first("created"), Severity.WARNING), (seen.first("cancelled"), None)]
            asked = Condition("approval-required", frozenset((TRADE,)), course if course[0][0] < course[1][0] else [])
            yield from together(self.plot.order(), [asked], seen.end)
