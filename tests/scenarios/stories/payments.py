"""Use case 4: declined cards, retried in time or not; checkouts that are left, and those who come back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import cast

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.graph import Link, gid, link, money
from pipeline.simulators.shopify.people import AbandonedCheckout, Abandonment
from schemas import subjects
from schemas.alerts import Severity
from tests.scenarios.purchases import CUSTOMER, MONEY, Purchase, body_of, buyer, purchase, stamp, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.story import FINANCE, OPERATIONS
from tests.scenarios.truth import Condition, Told, lasting, milestone, together

_CHECKOUT = 600
_FRAUD = frozenset(("fraud-review",))


class Declined:
    """One decline on an order that waits for its money; another attempt succeeds soon, later, late, or never."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.code = plot.chance.choice(["insufficient_funds", "card_declined", "fraud_suspected", "pick_up_card"])
        self.declined = plot.after(1, 10)
        spans = {"soon": (1, 3), "later": (15, 30), "late": (90, 200)}
        self.how = plot.chance.choice([*spans, "never"])
        self.paid = plot.after(*spans[self.how], self.declined) if self.how in spans else NEVER

    @property
    def is_suspicious(self) -> bool:
        return self.code in ("fraud_suspected", "pick_up_card")

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, financial="pending")
        tells(plot, plot.start, order, "created", "orders/create")
        declined = attempt(order, 0, self.declined, "failure", error_code=self.code)
        plot.webhook(self.declined, "order_transactions/create", declined, "declined")
        if self.paid < NEVER:
            tells(plot, self.paid, order.at(self.paid, financial="paid"), "paid", "orders/paid")
            plot.webhook(self.paid, "order_transactions/create", attempt(order, 1, self.paid, "success"), "success")

    def expected(self, seen: Seen) -> Iterator[Told]:
        opened, paid = self._opened(seen)
        settled = min(paid, seen.first("success"))
        if readers := [reader for reader, at in opened.items() if reader != "operations" and at <= settled < seen.end]:
            yield recovered(self.plot.order(), readers, settled)
        at_once = opened.pop("fraud-review", NEVER)
        if at_once == settled < NEVER:
            # answered in the moment of its opening: what was asked then, about another alert, ends it
            severity = Severity.CRITICAL if opened.get("operations", NEVER) < at_once else Severity.WARNING
            yield Told("payment-declined", self.plot.order(), at_once, severity, _FRAUD, ended=at_once)
        elif at_once < NEVER:
            opened["fraud-review"] = at_once
        yield from together(self.plot.order(), [*self._conditions(opened, paid, settled)], seen.end)
        told, success = seen.first("declined"), seen.first("success")
        if not self.is_suspicious and max(told, success) <= self.declined + self.plot.rules.payments.declined_hold:
            yield milestone("payment-declined", self.plot.order(), FINANCE, max(told, success))

    def _opened(self, seen: Seen) -> tuple[dict[str, datetime], datetime]:
        """By reader, and since when it is known to be paid: before a deadline's alert Shopify is asked, and also before
        one becomes worse by a second alert on the order."""
        paid, success = seen.first("paid"), seen.first("success")
        opened: dict[str, datetime] = {}
        for at, reader in self._moments(seen):
            if paid <= at or (reader != "operations" and success <= at):
                continue
            if reader == "fraud-review" or at < self.paid:
                opened[reader] = at
            if at >= self.paid and (reader != "fraud-review" or "operations" in opened):
                paid = at
        return opened, paid

    def _moments(self, seen: Seen) -> list[tuple[datetime, str]]:
        rules, told = self.plot.rules, seen.first("declined")
        late = max(self.declined + rules.payments.unpaid_after, told)
        pending = max(self.plot.start + rules.orders.payment_pending_after, seen.first("created"))
        held = max(self.declined + rules.payments.declined_hold, told)
        first = (told, "fraud-review") if self.is_suspicious else (held, "finance")
        return sorted([first, (late, "retention"), (pending, "operations")], key=lambda moment: moment[0])

    def _conditions(self, opened: dict[str, datetime], paid: datetime, settled: datetime) -> Iterator[Condition]:
        for reader, at in opened.items():
            if reader == "operations":
                yield lasting("order-payment-pending", OPERATIONS, Severity.WARNING, at, paid)
            else:
                yield lasting("payment-declined", (reader,), Severity.WARNING, at, settled)


class OneCard:
    """The same card is declined on two orders that are paid in another way; its own alert outlives the day."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.at = (plot.start, plot.after(5, 100))

    def tell(self) -> None:
        plot = self.plot
        card = {"credit_card_bin": f"{plot.chance.randrange(10**6):06}", "credit_card_number": f"•••• {plot.index:04}"}
        for offset, at in enumerate(self.at):
            order = purchase(plot, offset=offset).at(at, created=at)
            plot.change(at, *order.things())
            declined = attempt(order, offset, at, "failure", error_code="fraud_suspected")
            declined["payment_details"] = cast("Json", declined["payment_details"]) | card
            plot.webhook(at, "order_transactions/create", declined, f"declined/{offset}")

    def expected(self, seen: Seen) -> Iterator[Told]:
        """Nobody has told of the orders: that they are paid, Shopify says when it is asked an hour later."""
        told = [seen.first(f"declined/{offset}") for offset in (0, 1)]
        for offset, at in enumerate(told):
            asked = max(self.at[offset] + self.plot.rules.payments.unpaid_after, at)
            subject = subjects.order(self.plot.shop, self.plot.number(offset))
            yield Told(
                "payment-declined",
                subject,
                at,
                Severity.WARNING,
                _FRAUD,
                ended=asked if asked < seen.end else None,
            )
            if asked < seen.end:
                yield recovered(subject, _FRAUD, asked)
        card = lasting("payment-velocity", ("fraud-review",), Severity.CRITICAL, max(told))
        yield from together(subjects.card(self.plot.shop, ""), [card], seen.end, alone=True)


class Left:
    """A checkout is begun and changed once; then its customer orders soon, later, elsewhere, or never. Somebody whom
    nobody can write to is not missed."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.total = plot.chance.choice([Decimal("80.00"), Decimal("450.00")])
        self.is_known = plot.chance.random() < 0.8
        self.changed = plot.after(2, 10)
        self.how = plot.chance.choice(["soon", "later", "elsewhere", "never"])
        spans = {"soon": (3, 10), "later": (80, 240), "elsewhere": (3, 10)}
        self.over = plot.after(*spans[self.how], self.changed) if self.how in spans else NEVER

    @property
    def token(self) -> str:
        return f"{self.plot.number():x}"

    def tell(self) -> None:
        plot = self.plot
        self._changes(plot.start)
        plot.webhook(plot.start, "checkouts/create", self._body(plot.start), "begun")
        self._changes(self.changed)
        plot.webhook(self.changed, "checkouts/update", self._body(self.changed), "changed")
        if self.how in ("soon", "later"):
            order = purchase(plot, token=self.token, total=self.total).at(self.over, created=self.over)
            tells(plot, self.over, order, "ordered", "orders/create")
        if self.over < NEVER:
            self._changes(self.over, has_ordered=True)

    def expected(self, seen: Seen) -> Iterator[Told]:
        if not self.is_known:
            return
        rules, ordered = self.plot.rules.payments, seen.first("ordered")
        begun, changed = seen.first("begun"), seen.first("changed")
        early = max(self.plot.start + rules.abandoned_after, begun)
        late = max(self.changed + rules.abandoned_after, changed)
        asked = [early] if early < changed else []
        opened = next((at for at in (*asked, late) if at < min(self.over, ordered)), NEVER)
        least = rules.abandoned_alert_from
        severity = Severity.WARNING if least is not None and self.total >= least else Severity.INFO
        subject = subjects.checkout(self.plot.shop, self.token)
        condition = lasting("checkout-abandoned", ("retention",), severity, opened, ordered)
        yield from together(subject, [condition], seen.end, alone=True)
        if opened < ordered < seen.end:
            yield recovered(subject, ("retention",), ordered)

    def _body(self, at: datetime) -> Json:
        real = body_of("checkouts/create")
        nobody = {**dict.fromkeys(("email", "phone", "sms_marketing_phone")), "customer": None}
        customer = {**cast("Json", real["customer"]), "id": self.plot.number(CUSTOMER)}
        return {
            **real,
            "token": self.token,
            "name": f"#{self.plot.number(_CHECKOUT)}",
            "created_at": stamp(self.plot.start),
            "updated_at": stamp(at),
            "total_price": str(self.total),
            "currency": "USD",
            **({"customer": customer} if self.is_known else nobody),
        }

    def _changes(self, at: datetime, *, has_ordered: bool = False) -> None:
        number = self.plot.number(_CHECKOUT)
        left = AbandonedCheckout(
            id=gid("AbandonedCheckout", number),
            name=f"#{number}",
            updated_at=at,
            completed_at=at if has_ordered and self.how != "elsewhere" else None,
            total_price_set=money(self.total),
            customer=link("Customer", self.plot.number(CUSTOMER)),
        )
        view = Abandonment(
            id=gid("Abandonment", number),
            checkout=Link(left.id),
            customer_has_no_order_since_abandonment=not has_ordered,
        )
        known = (left, view) if self.is_known else ()
        self.plot.change(at, *known, *buyer(self.plot))


def recovered(subject: str, teams: Iterable[str], at: datetime) -> Told:
    """Whoever was told that it went wrong is told that it came right."""
    return milestone("payment-recovered", subject, teams, at)


def attempt(order: Purchase, which: int, at: datetime, status: str, **changed: object) -> Json:
    real = body_of("order_transactions/create")
    digits = order.plot.number(which) % 10**10
    card = cast("Json", real["payment_details"])
    own = {"credit_card_bin": f"{digits // 10**4:06}", "credit_card_number": f"•••• •••• •••• {digits % 10**4:04}"}
    return {
        **real,
        "id": order.plot.number(MONEY + which),
        "order_id": order.number,
        "kind": "sale",
        "status": status,
        "amount": str(order.total),
        "currency": "USD",
        "created_at": stamp(at),
        "processed_at": stamp(at),
        "manual_payment_gateway": False,
        "payment_details": {**card, **own},
        **changed,
    }
