"""What the pipeline waits for in vain, or not: each begins a wait, and has what ends it in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from msgspec import structs

from pipeline.demo.company import SHOP
from pipeline.simulators.scenario import Change, Step
from pipeline.simulators.scenario.sales import Sale, altered, known, ordered, placed
from pipeline.simulators.scenario.shelf import CHAIR, LAMP
from pipeline.simulators.scenario.stories.operations import FEED
from pipeline.simulators.scenario.stories.payments import _bought, _left
from pipeline.simulators.scenario.stories.returns import _arrived, _asked, _paid_back, _returned
from pipeline.simulators.scenario.telling import Telling
from pipeline.simulators.shopify.graph import Link, gid, link
from pipeline.simulators.shopify.returns import Return, ReverseFulfillmentOrder

TOKEN = "a" * 32


@dataclass(frozen=True)
class Wait:
    """`due`: after so long its rule tells, if `ending` does not come; both are told by the minute they happen in."""

    rule: str
    due: timedelta
    beginning: Callable[[Telling], None]
    ending: Callable[[Telling, float], None]

    def begins(self, at: datetime) -> Sequence[Step]:
        return _told(at, self.beginning)

    def ends(self, at: datetime, minute: float) -> Sequence[Step]:
        """`at`: when it began."""
        told = Telling(SHOP, at, Random(2))
        self.beginning(told)
        before = len(told.steps)
        self.ending(told, minute)
        return told.steps[before:]


def deliveries(steps: Sequence[Step]) -> list[Step]:
    """What is told of; the shop's own knowledge lags behind."""
    return [step for step in steps if not isinstance(step.act, Change)]


def _told(at: datetime, story: Callable[[Telling], None]) -> Sequence[Step]:
    told = Telling(SHOP, at, Random(1))
    story(told)
    return told.steps


# --- an order is paid ------------------------------------------------------------------------------------------------


def _pending() -> Callable[[Telling], Sale]:
    return lambda told: replace(Sale(5_000_000_000_001, "#2001", told.start, told.start, LAMP), financial="pending")


def _order(told: Telling) -> None:
    ordered(told, 0, _pending()(told), "")


def _paid(told: Telling, minute: float) -> None:
    altered(told, minute, replace(_pending()(told), financial="paid"), ["orders/paid"], "")


# --- a checkout becomes an order -------------------------------------------------------------------------------------


def _checkout(told: Telling) -> None:
    _left(told, 0, TOKEN, LAMP, "")


def _placed(told: Telling, minute: float) -> None:
    _bought(told, minute, TOKEN, placed(told, minute, "#2002", LAMP), "")


# --- a return is decided, and paid back ------------------------------------------------------------------------------

_SOLD = 5_000_000_000_101
_BACK = gid("Return", 5_000_000_000_301)


def _sold(told: Telling) -> Sale:
    before = told.start - timedelta(days=1)
    return replace(Sale(_SOLD, "#2003", before, before, CHAIR), quantity=2, fulfillment="fulfilled")


def _request(told: Telling) -> Return:
    sale = known(told, _sold(told))
    back = structs.replace(_asked(told, sale), id=_BACK, created_at=told.start)
    told.change(0, back)
    told.webhook(0, "returns/request", _returned(sale, back), "")
    return back


def _requested(told: Telling) -> None:
    _request(told)


def _approved(told: Telling, minute: float) -> Return:
    sale = _sold(told)
    back = structs.replace(_asked(told, sale), id=_BACK, created_at=told.start, status="OPEN")
    back = structs.replace(back, request_approved_at=told.moment(minute))
    told.change(minute, back)
    told.webhook(minute, "returns/approve", _returned(sale, back), "")
    return back


def _approve(told: Telling, minute: float) -> None:
    _approved(told, minute)


def _is_back(told: Telling) -> None:
    _request(told)
    back = _approved(told, 0)
    reverse = ReverseFulfillmentOrder(
        id=gid("ReverseFulfillmentOrder", 5_000_000_000_401), order=link("Order", _SOLD), return_=Link(back.id)
    )
    told.change(0, reverse)
    _arrived(told, 0, back, reverse)


def _refund(told: Telling, minute: float) -> None:
    back = structs.replace(_asked(told, _sold(told)), id=_BACK, created_at=told.start, status="OPEN")
    _paid_back(told, minute, _sold(told), back)


# --- a job ends ------------------------------------------------------------------------------------------------------


def _started(told: Telling) -> None:
    told.job(0, FEED, "start", "")


def _succeeded(told: Telling, minute: float) -> None:
    told.job(minute, FEED, "success", "")


HOUR = timedelta(hours=1)
PAYMENT = Wait("order-payment-pending", HOUR, _order, _paid)
CHECKOUT = Wait("checkout-abandoned", HOUR, _checkout, _placed)
RETURN = Wait("return-undecided", 48 * HOUR, _requested, _approve)
#: Its first word comes a day before the money is due.
REFUND = Wait("refund-due", timedelta(days=4), _is_back, _refund)
JOB = Wait("job-overdue", timedelta(minutes=45), _started, _succeeded)
ALL_WAITS = (PAYMENT, CHECKOUT, RETURN, REFUND, JOB)
