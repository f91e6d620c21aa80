"""Use case 4: cards that are tried again and again, and a provider at which nobody can pay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import cast

from pipeline.simulators.samples import Json
from schemas import subjects
from schemas.alerts import Severity
from tests.scenarios.purchases import purchase, tells
from tests.scenarios.steps import NEVER, Plot, Seen
from tests.scenarios.stories.payments import attempt
from tests.scenarios.stories.story import FINANCE, OPERATIONS
from tests.scenarios.truth import Condition, Told, lasting, together

_FRAUD = ("fraud-review",)


class Hammered:
    """Cards are tried on one order that nobody pays in the end: three of them within a few minutes, or now and then.
    Whoever looks for fraud is told of each."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.is_quick = plot.chance.random() < 0.6
        first = plot.after(1, 5)
        gap = (1, 4) if self.is_quick else (20, 40)
        second = plot.after(*gap, first)
        self.tried = (first, second, plot.after(*gap, second))

    def tell(self) -> None:
        plot, order = self.plot, purchase(self.plot, financial="pending")
        tells(plot, plot.start, order, "created", "orders/create")
        for which, at in enumerate(self.tried):
            declined = attempt(order, which, at, "failure", error_code="merchant_rule")
            card = {"credit_card_number": f"•••• {plot.index:04}"}
            declined["payment_details"] = cast("Json", declined["payment_details"]) | card
            plot.webhook(at, "order_transactions/create", declined, f"tried/{which}")

    def expected(self, seen: Seen) -> Iterator[Told]:
        yield from together(self.plot.order(), [*self._conditions(seen)], seen.end)

    def _conditions(self, seen: Seen) -> Iterator[Condition]:
        rules = self.plot.rules
        told = [(at, seen.first(f"tried/{which}")) for which, at in enumerate(self.tried)]
        if self.is_quick:
            yield lasting("payment-velocity", _FRAUD, Severity.WARNING, max(came for _, came in told))
        opened, *further = sorted(came for _, came in told)
        levels = [(at, level) for level, at in enumerate(further, 1)]
        yield Condition("payment-declined", frozenset(_FRAUD), [(opened, Severity.WARNING)], levels)
        late = min(max(at + rules.payments.unpaid_after, came) for at, came in told)
        yield lasting("payment-declined", ("retention",), Severity.WARNING, late)
        pending = max(self.plot.start + rules.orders.payment_pending_after, seen.first("created"))
        yield lasting("order-payment-pending", OPERATIONS, Severity.WARNING, pending)


class ProviderFails:
    """Five orders within a few minutes at which the provider fails, or four: they are paid in another way. It is over
    when it has not failed for as long."""

    codes: Sequence[str] = ("config_error", "merchant_account_error", "payment_provider_error", "test_mode_live_card")

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.at = [plot.start]
        for _ in range(plot.chance.choice([3, 4])):
            self.at.append(self.at[-1] + timedelta(seconds=plot.chance.randrange(20, 200)))

    def tell(self) -> None:
        plot = self.plot
        for which, at in enumerate(self.at):
            order = purchase(plot, offset=which).at(at, created=at)
            plot.change(at, *order.things())
            failed = attempt(order, which, at, "error", error_code=plot.chance.choice(self.codes))
            own = {"credit_card_bin": f"{which:06}", "credit_card_number": f"•••• {plot.index:04}"}
            failed["payment_details"] = cast("Json", failed["payment_details"]) | own
            plot.webhook(at, "order_transactions/create", failed, f"failed/{which}")

    def expected(self, seen: Seen) -> Iterator[Told]:
        """Of the orders nobody is told: when it is time to, Shopify says that they are paid."""
        came = max(seen.first(f"failed/{which}") for which in range(len(self.at)))
        if len(self.at) >= self.plot.rules.payments.provider_failures and came < NEVER:
            over = max(self.at[-1] + self.plot.rules.payments.provider_window, came)
            yield Told(
                "payment-provider-failing",
                subjects.shop_wide(self.plot.shop),
                came,
                Severity.CRITICAL,
                frozenset(("it-support", *FINANCE)),
                ended=over if over < seen.end else None,
            )
