"""Use case 1: orders that somebody holds, marks or advises to look at, before they go on.

A hold that nobody can read resolves nothing. A tag counts since it was first seen: nobody tells when it was set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas.alerts import Audience, Detail, Severity
from schemas.facts.orders import Hold
from schemas.questions import QuestionKind
from stages.bodies.fulfillments import OUR_HANDLE
from stages.conditions.condition import compiled
from stages.conditions.seen import Sight
from stages.conditions.table import seen_by
from stages.dossiers.dossier import Dossier
from stages.dossiers.tags import tagged_since
from stages.rules.order_risks import OrderHighRisk, advised_since
from stages.rules.order_wording import (
    ORDER,
    Finding,
    called,
    delayed,
    for_operations,
    foreign_holds,
    held_since,
    link,
    over,
    unknown_to_operations,
)
from stages.rules.rule import Case, Clear, Due, Fire, Said, Verdict, details

_REVIEW = "review"
_CROSS_SELL = "cross-sell"
#: Hold reasons that other rules tell of, or that have a condition of their own below.
_ELSEWHERE = frozenset({"awaiting_payment", "high_risk_of_fraud", "incorrect_address"})
_CROSS_SELL_REASON = "online_store_post_purchase_cross_sell"
_RESTOCK = "Restock it, ship it from another location, or tell the customer."
_RETURNED = "Look for the returned items; the exchange is shipped when they are here."
_ROUTED = {
    "inventory_out_of_stock": (Audience.WAREHOUSE, Severity.WARNING, _RESTOCK),
    "awaiting_return_items": (Audience.RETURNS, Severity.INFO, _RETURNED),
}


@dataclass(frozen=True, slots=True)
class OrderManualReview:
    """Holds that are not ours, each reason at its own team; a reason that nobody knows yet is one to review."""

    name: str = "order-manual-review"
    use_case: int = 1
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        if because := over(case.dossier):
            yield from (Clear(because, key) for key in (_REVIEW, _CROSS_SELL, *_ROUTED))
            return
        yield from _to_review(case)
        yield from _cross_sell(case)
        for reason in _ROUTED:
            yield from _routed(case, reason)


def _to_review(case: Case) -> Iterator[Verdict]:
    found = (*_held_for_review(case), *_review_tags(case), *_advised(case))
    if found:
        said = _review_said(case, found)
        yield Fire(said, _REVIEW)
        yield from delayed(case, said, _REVIEW)
    elif _knows_tags(case.dossier):
        yield Clear("no hold and no tag asks for a review any more", _REVIEW)


def _held_for_review(case: Case) -> Iterator[Finding]:
    for hold in foreign_holds(case.dossier):
        if hold.reason not in _ELSEWHERE and hold.reason not in _ROUTED and hold.reason != _CROSS_SELL_REASON:
            yield Finding(Severity.WARNING, f"on hold ({_reason(hold)})", held_since(case, hold))


def _review_tags(case: Case) -> Iterator[Finding]:
    order = case.dossier.order
    if order is None:
        return
    wanted = {tag.lower() for tag in case.configuration.rules.orders.review_tags}
    for tag in order.tags:
        if tag.strip().lower() in wanted and not tag.lower().startswith(OUR_HANDLE):
            yield Finding(
                Severity.WARNING, f"tagged {tag!r}", tagged_since(case.dossier, tag) or order.updated or case.now
            )


def _advised(case: Case) -> Iterator[Finding]:
    """Where the risk's own rule is off, or does not look at such orders, its advice to look still is one."""
    advice = case.dossier.recommendation
    if advice is not None and advice.value == "investigate" and not _is_told_as_risk(case):
        yield Finding(Severity.WARNING, "Shopify recommends to investigate", advised_since(case.dossier, advice))


def _is_told_as_risk(case: Case) -> bool:
    rules, rule = case.configuration.rules, OrderHighRisk()
    if not rules.orders.high_risk or rule.name in rules.off:
        return False
    narrowed = rules.when.get(rule.name)
    return narrowed is None or compiled(narrowed).told(Sight(case), seen_by(rule, case.kind)).holds is not False


def _knows_tags(dossier: Dossier) -> bool:
    """Without an order no tag can have asked for anything."""
    return dossier.order is None or "tags" not in dossier.order.absent


def _review_said(case: Case, found: tuple[Finding, ...]) -> Said:
    return Said(
        title=f"{called(case)} needs a review: {', '.join(dict.fromkeys(finding.words for finding in found))}",
        since=min(finding.since for finding in found),
        severity=Severity.WARNING,
        audiences=(Audience.OPERATIONS,),
        details=(*_holders(foreign_holds(case.dossier)), *for_operations(case)),
        next_step="Look at the order, clear up what it waits for, and release the hold or remove the tag.",
        link=link(case),
        unknown=(*case.unknown(open_holds="which other holds the order has"), *unknown_to_operations(case)),
    )


def _cross_sell(case: Case) -> Iterator[Verdict]:
    """Shopify sets this hold and takes it away itself within the hour; only one that stays is news."""
    holds = [hold for hold in foreign_holds(case.dossier) if hold.reason == _CROSS_SELL_REASON]
    if not holds:
        yield Clear("the hold is gone", _CROSS_SELL)
        return
    since = min(held_since(case, hold) for hold in holds)
    title = f"{called(case)} is still on hold for a post-purchase offer, which should have ended by itself"
    step = "Release the hold in the admin, so that the order is fulfilled."
    said = _hold_said(case, title, since, (Audience.OPERATIONS, Severity.WARNING, step))
    at = since + case.configuration.rules.orders.cross_sell_hold_after
    yield Due(said, at, _CROSS_SELL, ask=QuestionKind.ORDER)
    yield from delayed(case, said, _CROSS_SELL, at)


def _routed(case: Case, reason: str) -> Iterator[Verdict]:
    holds = [hold for hold in foreign_holds(case.dossier) if hold.reason == reason]
    if not holds:
        yield Clear("the hold is gone", reason)
        return
    since = min(held_since(case, hold) for hold in holds)
    said = _hold_said(case, f"{called(case)} is on hold ({_reason(holds[0])})", since, _ROUTED[reason])
    yield Fire(said, reason)
    yield from delayed(case, said, reason)


def _hold_said(case: Case, title: str, since: datetime, to: tuple[Audience, Severity, str]) -> Said:
    audience, severity, step = to
    return Said(
        title=title,
        since=since,
        severity=severity,
        audiences=(audience,),
        details=(*_holders(foreign_holds(case.dossier)), *for_operations(case)),
        next_step=step,
        link=link(case),
        unknown=tuple(unknown_to_operations(case)),
    )


def _reason(hold: Hold) -> str:
    return hold.reason.replace("_", " ")


def _holders(holds: tuple[Hold, ...]) -> tuple[Detail, ...]:
    return details(
        holds=", ".join(f"{_reason(hold)} ({hold.handle})" if hold.handle else _reason(hold) for hold in holds),
    )
