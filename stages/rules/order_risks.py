"""Use case 1: orders that may be a fraud, by each provider's level, Shopify's advice, or another app's hold.

A level that is pending and a recommendation that is not known resolve nothing, and hide nothing that was said before:
without Admin access a high risk ends only by what happens to the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from schemas.alerts import Audience, Detail, Severity
from schemas.facts.orders import Assessment
from stages.dossiers.assessments import ADVICE
from stages.dossiers.dossier import Dossier
from stages.dossiers.registers import LATE, Known
from stages.rules.order_wording import (
    ORDER,
    Finding,
    called,
    cancelled,
    delayed,
    for_operations,
    foreign_holds,
    fulfillment,
    held_since,
    link,
    unknown_to_operations,
)
from stages.rules.rule import Case, Clear, Fire, Said, Tell, Verdict, details
from stages.rules.words import levels, plain

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
        yield Finding(_ADVICE[word], f"Shopify recommends to {word}", advised_since(dossier, advice))
    for hold in foreign_holds(dossier):
        if hold.reason == "high_risk_of_fraud":
            yield Finding(Severity.CRITICAL, "held by another app for its fraud risk", held_since(case, hold))


def _level_since(dossier: Dossier, known: Known[Assessment]) -> datetime:
    """An answer that says the same once more begins nothing."""
    thing = f"risk/{known.value.by}"
    return dossier.since(thing, known.value.level.lower()) or known.stamp.occurred


def advised_since(dossier: Dossier, advice: Known[str | None]) -> datetime:
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
                if _was_cleared(dossier, thing, words[word].last):
                    continue
                said = f"{word} fraud risk ({provider})" if provider else f"Shopify recommended to {word}"
                severity = _LEVELS[word] if provider else _ADVICE[word]
                yield Finding(severity, f"{said} before, which nobody has cleared up", words[word].first)


def _was_cleared(dossier: Dossier, thing: str, said: datetime) -> bool:
    """Since then whoever said it, and Shopify's advice, have taken it back, before anybody had yet to decide again."""
    moments = []
    for each, harmless in ((thing, _HARMLESS | {"accept"}), (ADVICE, frozenset({"accept", "none"}))):
        spans = [span for word, span in dossier.spans.get(each, {}).items() if word in harmless and span.last > said]
        if not spans:
            return False
        moments.append(min(span.first if span.first > said else span.last for span in spans))
    return all(known.stamp.occurred > max(moments) for known in dossier.unsettled.values())


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
    said = levels(case)
    said += [f"{each.value.provider}: {each.value.level.lower()} since then" for each in _undecided(case.dossier)]
    return Said(
        title=f"{called(case)}: {', '.join(finding.words for finding in found)}",
        since=min(finding.since for finding in found),
        severity=_worst(found),
        audiences=(Audience.OPERATIONS,),
        details=(
            *details(
                levels=", ".join(said),
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
