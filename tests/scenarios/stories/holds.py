"""Use case 1: orders that another app, or a person, holds back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from pipeline.simulators.samples import Json
from pipeline.simulators.shopify.graph import gid
from pipeline.simulators.shopify.orders import FulfillmentHold
from schemas.alerts import Severity
from tests.scenarios.purchases import body_of, purchase, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.story import OPERATIONS, RETURNS
from tests.scenarios.truth import Condition, Told, together

_HOLD = 60
#: Who hears of a hold, by its reason.
_SAID = {
    "other": ("order-manual-review", OPERATIONS, Severity.WARNING),
    "unknown_delivery_date": ("order-manual-review", OPERATIONS, Severity.WARNING),
    "inventory_out_of_stock": ("order-manual-review", ("warehouse",), Severity.WARNING),
    "awaiting_return_items": ("order-manual-review", RETURNS, Severity.INFO),
    "high_risk_of_fraud": ("order-high-risk", OPERATIONS, Severity.CRITICAL),
    "awaiting_payment": ("order-payment-pending", OPERATIONS, Severity.WARNING),
    "incorrect_address": ("order-address-invalid", OPERATIONS, Severity.WARNING),
    "a_reason_of_tomorrow": ("order-manual-review", OPERATIONS, Severity.WARNING),
}


class Held:
    """One hold, released again or not. Ours are nobody's news."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.reason = plot.chance.choice([*_SAID])
        self.is_ours = plot.chance.random() < 0.2
        self.held = plot.after(1, 20)
        self.released = plot.chance.choice([NEVER, plot.after(30, 300)])

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot)
        tells(plot, plot.start, order, "created", "orders/create")
        plot.change(self.held, order.to_ship(hold(plot, self.reason, is_ours=self.is_ours)))
        plot.webhook(self.held, "fulfillment_holds/added", hold_told(plot, self.reason, is_ours=self.is_ours), "held")
        if self.released < NEVER:
            plot.change(self.released, order.to_ship())
            released = hold_told(plot, self.reason, is_ours=self.is_ours)
            plot.webhook(self.released, "fulfillment_holds/released", released, "released")

    def expected(self, seen: Seen) -> Iterator[Told]:
        """The webhook of a hold counts until the one of its release: Shopify's replicas may lag behind it."""
        rule, teams, severity = _SAID[self.reason]
        held, released = seen.first("held"), seen.first("released")
        if not self.is_ours and held < released:
            condition = Condition(rule, frozenset(teams), [(held, severity), (released, None)])
            yield from together(self.plot.order(), [condition], seen.end)


class CrossSell:
    """Shopify sets and releases it itself; only one that stays is news, and Shopify is asked before."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.held = plot.after(1, 5)
        self.released = plot.chance.choice([NEVER, plot.after(10, 40), plot.after(150, 300)])

    def tell(self) -> None:
        plot, order, reason = self.plot, purchase(self.plot), "online_store_post_purchase_cross_sell"
        tells(plot, plot.start, order, "created", "orders/create")
        plot.change(self.held, order.to_ship(hold(plot, reason, is_ours=False)))
        plot.webhook(self.held, "fulfillment_holds/added", hold_told(plot, reason, is_ours=False), "held")
        if self.released < NEVER:
            plot.change(self.released, order.to_ship())
            plot.webhook(
                self.released, "fulfillment_holds/released", hold_told(plot, reason, is_ours=False), "released"
            )

    def expected(self, seen: Seen) -> Iterator[Told]:
        occurred = self.plot.occurred("held")
        at = max(occurred + self.plot.rules.orders.cross_sell_hold_after, seen.first("held"))
        released = seen.first("released")
        if at < min(self.released, released):
            course = [(at, Severity.WARNING), (released, None)]
            yield from together(
                self.plot.order(), [Condition("order-manual-review", frozenset(OPERATIONS), course)], seen.end
            )


def hold(plot: Plot, reason: str, *, is_ours: bool) -> FulfillmentHold:
    return FulfillmentHold(
        id=gid("FulfillmentHold", plot.number(_HOLD)),
        reason=reason.upper(),
        display_reason=reason,
        handle="approval-1" if is_ours else "theirs",
        held_by_requesting_app=is_ours,
    )


def hold_told(plot: Plot, reason: str, *, is_ours: bool) -> Json:
    real = body_of("fulfillment_holds/added")
    held = cast("Json", real["fulfillment_hold"])
    own = {
        "id": gid("FulfillmentHold", plot.number(_HOLD)),
        "reason": reason,
        "handle": "approval-1" if is_ours else "theirs",
        "held_by_requesting_app": is_ours,
    }
    return {
        "fulfillment_order": {"id": gid("FulfillmentOrder", plot.number(10))},
        "fulfillment_hold": {**held, **own},
    }
