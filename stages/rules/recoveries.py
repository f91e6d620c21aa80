"""Use case 4, those who come back: whoever was told of a failed payment, or of a checkout that was left, hears of it.

It is told in the place of the ends that it resolves, in one message for each team, or in a line of the digest where
they were no more than that. What nobody was told of (a decline that was held back, a checkout that was completed in
time) has nobody to be told that it is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.alerts import Severity
from stages.rules.checkouts import link_of
from stages.rules.declines import last_told
from stages.rules.rule import Case, Ended, Recovered, Said, Tell, Verdict, admin_link, details
from stages.rules.words import called, moment, order_link, plain, sentence, spell


@dataclass(frozen=True, slots=True)
class PaymentRecovered:
    """The others of its use case say what has come right (`Recovered`); it stands behind them in the table."""

    name: str = "payment-recovered"
    use_case: int = 4
    watches: frozenset[str] = frozenset({"order", "checkout"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        right = [one for one in case.ended if isinstance(one.clear, Recovered)]
        if right:
            first = min(right, key=lambda one: one.since)
            at = first.clear.at or case.now
            yield Tell(_said(case, first, at, right), at.isoformat())


def _said(case: Case, first: Ended, at: datetime, ended: Sequence[Ended]) -> Said:
    order, since = case.dossier.order, first.since
    return Said(
        title=recovered(case, since, at, first.key),
        since=since,
        severity=Severity.INFO,
        audiences=(),
        details=details(
            how=", ".join(dict.fromkeys(one.clear.because for one in ended)),
            took=f"{spell(at - since)}, until {moment(at)}",
            amount=order.total if order else None,
            payment=plain(order.financial) if order and order.financial != "pending" else None,
        ),
        next_step="Stop what was begun to win the payment back.",
        link=order_link(case) or _order_of_checkout(case),
        teams=tuple(dict.fromkeys(team for one in ended for team in one.teams)),
        resolves=tuple(one.alert for one in ended),
        line=True,
    )


def recovered(case: Case, since: datetime, at: datetime, key: str = "") -> str:
    """`key`: of the alert on a payment that is over."""
    took = spell(at - since)
    if case.kind == "checkout":
        checkout = case.dossier.checkout
        name = f"Checkout {checkout.name}" if checkout and checkout.name else "A checkout"
        return f"{name} became an order, {took} after it was left"
    what = "the capture failed" if key == "capture" else "the payment was declined"
    return f"{sentence(called(case))}: {_how_far(case)} after all, {took} after {what}"


def _how_far(case: Case) -> str:
    """What is only authorized is not paid yet."""
    order = case.dossier.order
    went_through = [one.facts.kind for one in last_told(case.dossier) if one.facts.status == "success"]
    is_authorized = went_through[-1:] == ["authorization"] and (order is None or order.financial != "paid")
    return "authorized" if is_authorized or (order is not None and order.financial == "authorized") else "paid"


def _order_of_checkout(case: Case) -> str | None:
    """Of one that was completed, and of whose order nobody has heard yet, who it was."""
    order, checkout = case.dossier.order_of_checkout, case.dossier.checkout
    if order is not None and order.order_id is not None:
        return admin_link(case.shop, f"orders/{order.order_id}")
    return None if checkout is None else link_of(case, checkout)
