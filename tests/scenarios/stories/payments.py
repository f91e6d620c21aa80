"""Use case 4: declined cards, retried in time or not; checkouts that are left, and those who come back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import cast

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.graph import Link, gid, link, money
from pipeline.simulators.shopify.people import AbandonedCheckout, Abandonment
from schemas import subjects
from schemas.alerts import Severity
from tests.scenarios.purchases import CUSTOMER, MONEY, Purchase, body_of, purchase, stamp, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.story import FINANCE, OPERATIONS
from tests.scenarios.truth import Condition, Told, lasting, milestone, together

_CHECKOUT = 600


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
        """Before a deadline's alert Shopify is asked; that it is paid, once answered, ends everything."""
        rules, told = self.plot.rules, seen.first("declined")
        paid, success = seen.first("paid"), seen.first("success")
        asks = sorted(
            [
                *([] if self.is_suspicious else [(max(self.declined + rules.payments.declined_hold, told), "finance")]),
                (max(self.declined + rules.payments.unpaid_after, told), "retention"),
                (max(self.plot.start + rules.orders.payment_pending_after, seen.first("created")), "operations"),
            ]
        )
        opened: dict[str, datetime] = {}
        for at, reader in asks:
            is_known = paid <= at or (reader != "operations" and success <= at)
            if not is_known and self.paid <= at:
                paid = at
            elif not is_known:
                opened[reader] = at
        if self.is_suspicious and told < min(paid, success):
            if opened.get("operations", NEVER) < told and self.paid <= told:
                # a second alert on the order: before it gets worse Shopify is asked once more
                paid = told
                yield Told(
                    "payment-declined",
                    self.plot.order(),
                    told,
                    Severity.CRITICAL,
                    frozenset(("fraud-review",)),
                    ended=told,
                )
            else:
                opened["fraud-review"] = told
        yield from together(self.plot.order(), [*self._conditions(opened, paid, min(paid, success))], seen.end)
        if not self.is_suspicious and max(told, success) <= self.declined + rules.payments.declined_hold:
            yield milestone("payment-declined", self.plot.order(), FINANCE, max(told, success))

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
                frozenset(("fraud-review",)),
                ended=asked if asked < seen.end else None,
            )
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
        condition = lasting("checkout-abandoned", ("retention",), severity, opened, ordered)
        yield from together(subjects.checkout(self.plot.shop, self.token), [condition], seen.end, alone=True)

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
        from tests.scenarios.purchases import buyer

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
        self.plot.change(at, left, view, *buyer(self.plot))


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
