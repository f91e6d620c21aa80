"""Use case 1: orders that somebody must look at before they go on, for their risk or because they are held for it.

A level that is pending, a recommendation that is not known and a hold that nobody can read resolve nothing: without
Admin access a high risk ends only by what happens to the order. A tag counts since it was first seen: nobody tells when
it was set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from schemas.alerts import Audience, Detail, Severity
from schemas.facts import Assessment, Hold
from schemas.questions import QuestionKind
from stages.bodies.fulfillments import OUR_HANDLE
from stages.conditions.condition import compiled
from stages.conditions.seen import Sight
from stages.conditions.table import seen_by
from stages.dossiers.assessments import ADVICE
from stages.dossiers.dossier import Dossier
from stages.dossiers.registers import LATE, Known
from stages.dossiers.tags import tagged_since
from stages.rules.order_wording import (
    ORDER,
    called,
    cancelled,
    delayed,
    for_operations,
    foreign_holds,
    fulfillment,
    held_since,
    link,
    over,
    unknown_to_operations,
)
from stages.rules.rule import Case, Clear, Due, Fire, Said, Tell, Verdict, details
from stages.rules.words import plain

_HARMLESS = frozenset({"low", "none"})
_LEVELS = {"high": Severity.CRITICAL, "medium": Severity.WARNING}
_ADVICE = {"cancel": Severity.CRITICAL, "investigate": Severity.WARNING}
_WORST = frozenset({"high", "cancel"})
_SHOWN_FACTS = 5
_CHECK = "Check the order before it is fulfilled, and cancel it or accept the risk in the admin."
_RECALL = "Stop the parcel while its carrier still can, and decide on the money: refund it, or do not capture it."
#: Shopify Protect's words, as people say them.
_PROTECT = {
    "active": "covers it",
    "protected": "has covered a chargeback of it",
    "inactive": "does not cover it",
    "not_protected": "did not cover a chargeback of it",
    "pending": "has not decided yet",
    "none": "has nothing to do with it",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason to act: how bad, in words that complete `Order #1001: ...`, since when."""

    severity: Severity
    words: str
    since: datetime


# --- risk -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderHighRisk:
    """What each provider says now, what Shopify recommends, and who holds the order for it.

    What ends by being shipped says so. A risk that is learned only afterwards is told once, by how bad it is.
    """

    name: str = "order-high-risk"
    use_case: int = 1
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        if not case.configuration.rules.orders.high_risk:
            return
        found = tuple(_risks(case)) or tuple(_not_cleared(case.dossier))
        if because := cancelled(case.dossier):
            yield Clear(because)
        elif fulfillment(case.dossier) == "fulfilled":
            yield from _shipped(case, found)
        elif found:
            said = _risk_said(case, found)
            yield Fire(said)
            yield from delayed(case, said)
        elif case.dossier.risk or case.dossier.open_holds is not None:
            yield Clear(
                "no provider sees a risk any more" if case.dossier.risk else "no hold speaks of a risk any more"
            )


def _risks(case: Case) -> Iterator[Finding]:
    dossier = case.dossier
    for level, severity in _LEVELS.items():
        known = [known for known in dossier.risk.values() if known.value.level.lower() == level]
        if known:
            providers = ", ".join(sorted(each.value.provider for each in known))
            since = min(each.value.at or _level_since(dossier, each) for each in known)
            yield Finding(severity, f"{level} fraud risk ({providers})", since)
    advice = dossier.recommendation
    if advice is not None and advice.value is not None and (word := advice.value.lower()) in _ADVICE:
        yield Finding(_ADVICE[word], f"Shopify recommends to {word}", _advised_since(dossier, advice))
    for hold in foreign_holds(dossier):
        if hold.reason == "high_risk_of_fraud":
            yield Finding(Severity.CRITICAL, "held by another app for its fraud risk", held_since(case, hold))


def _level_since(dossier: Dossier, known: Known[Assessment]) -> datetime:
    """An answer that says the same once more begins nothing."""
    thing = f"risk/{known.value.by}"
    return dossier.since(thing, known.value.level.lower()) or known.stamp.occurred


def _advised_since(dossier: Dossier, advice: Known[str | None]) -> datetime:
    return dossier.since(ADVICE, advice.value or "") or advice.stamp.occurred


def _not_cleared(dossier: Dossier) -> Iterator[Finding]:
    """What was said before, where what is said now does not clear it up: it stays, whichever of them came first."""
    if _is_harmless(dossier):
        return
    for thing, words in sorted(dossier.spans.items()):
        kind, _, by = thing.partition("/")
        if kind == ADVICE:
            provider = dossier.risk[by].value.provider if by in dossier.risk else by
            for word in sorted(words.keys() & (_LEVELS if provider else _ADVICE).keys()):
                said = f"{word} fraud risk ({provider})" if provider else f"Shopify recommended to {word}"
                severity = _LEVELS[word] if provider else _ADVICE[word]
                yield Finding(severity, f"{said} before, which nobody has cleared up", words[word].first)


def _was_worst(dossier: Dossier) -> bool:
    """Has any provider, or Shopify's advice, ever called it critical?"""
    return any(thing.partition("/")[0] == ADVICE and _WORST & words.keys() for thing, words in dossier.spans.items())


def _shipped(case: Case, found: tuple[Finding, ...]) -> Iterator[Verdict]:
    """The end of what is open; else, once, what nobody has heard of: a parcel can be recalled, and money kept."""
    if not found:
        yield Clear("the order was shipped")
        return
    severity = _worst(found)
    is_high = severity is Severity.CRITICAL
    words = "was shipped while high risk" if is_high else "was shipped before its risk was cleared up"
    yield Clear("the order was shipped", title=f"{called(case)} {words}", run=severity.value)
    if is_high or not _was_worst(case.dossier):
        said = _risk_said(case, found)
        title = f"{called(case)} was shipped at risk: {', '.join(finding.words for finding in found)}"
        yield Tell(replace(said, title=title, next_step=_RECALL), f"/{severity.value}")


def _worst(found: Iterable[Finding]) -> Severity:
    return max((finding.severity for finding in found), key=lambda severity: severity.rank)


def _is_harmless(dossier: Dossier) -> bool:
    """Every provider and Shopify's advice say so. One that had yet to decide when the last of them did has not."""
    advice = dossier.recommendation
    if advice is None or advice.value not in ("accept", "none"):
        return False
    last = max([advice.stamp, *(known.stamp for known in dossier.risk.values())])
    levels = {known.value.level.lower() for known in dossier.risk.values()}
    return levels <= _HARMLESS and not any(known.stamp <= last for known in _undecided(dossier))


def _undecided(dossier: Dossier) -> tuple[Known[Assessment], ...]:
    """Of the providers that have said something newer than their last level, and it was none."""
    newer = (
        known
        for provider, known in sorted(dossier.unsettled.items())
        if provider not in dossier.risk or known.stamp > dossier.risk[provider].stamp
    )
    return tuple(newer)


def _risk_said(case: Case, found: tuple[Finding, ...]) -> Said:
    risk, advice = case.dossier.risk, case.dossier.recommendation
    negative = [fact for known in risk.values() for fact in known.value.negative]
    protect = case.dossier.protect
    levels = [f"{known.value.provider}: {known.value.level.lower()}" for _, known in sorted(risk.items())]
    levels += [f"{each.value.provider}: {each.value.level.lower()} since then" for each in _undecided(case.dossier)]
    return Said(
        title=f"{called(case)}: {', '.join(finding.words for finding in found)}",
        since=min(finding.since for finding in found),
        severity=_worst(found),
        audiences=(Audience.OPERATIONS,),
        details=(
            *details(
                levels=", ".join(levels),
                recommendation=advice.value if advice else None,
                reasons="; ".join(negative[:_SHOWN_FACTS]),
            ),
            *([Detail("Shopify Protect", _PROTECT.get(protect.value, plain(protect.value)))] if protect else ()),
            *for_operations(case),
        ),
        next_step=_CHECK,
        link=link(case),
        unknown=(
            *_not_confirmed(case),
            *case.unknown(risk="what the other providers and Shopify's recommendation say"),
            *(() if protect else ("whether Shopify Protect covers it",)),
            *unknown_to_operations(case),
        ),
    )


def _not_confirmed(case: Case) -> Iterator[str]:
    """What is a day old is looked up again: where that has told nothing, it may long be over."""
    newest = max((known.stamp.occurred for known in case.dossier.risk.values()), default=case.now)
    if case.now - newest > LATE and case.dossier.is_unknown("risk"):
        yield "not confirmed: it was assessed more than a day ago, and Shopify has not told whether that still holds"


# --- review and holds -------------------------------------------------------------------------------------------------

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
        yield Finding(Severity.WARNING, "Shopify recommends to investigate", _advised_since(case.dossier, advice))


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
