"""What happens on a day, step by step: a webhook arrives, a job reports, a payment is said to have failed, or the shop
itself changes (which is what Admin GraphQL answers from then on)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.simulators.shopify.deliveries import Delivery, EventDelivery
from pipeline.simulators.shopify.graph import Thing


@dataclass(frozen=True, slots=True)
class JobReport:
    """`phase`: start, success, fail or heartbeat, as in `POST /jobs/{shop}/{job}/{phase}`."""

    shop: str
    job: str
    phase: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentReport:
    """`POST /signals/{shop}/payment-failed`: what a payment gateway or a web pixel told."""

    shop: str
    checkout_token: str
    error: str
    reporter: str = "web-pixel"


@dataclass(frozen=True, slots=True)
class Change:
    """From now on the shop holds these."""

    things: tuple[Thing, ...]


Act = Delivery | EventDelivery | JobReport | PaymentReport | Change


@dataclass(frozen=True, slots=True)
class Step:
    """`at`: when it arrives; `why`: what should come of it. `use_case` 0: nothing should."""

    at: datetime
    use_case: int
    act: Act
    why: str


def deliveries(steps: Sequence[Step]) -> list[Delivery]:
    return [step.act for step in steps if isinstance(step.act, Delivery)]
