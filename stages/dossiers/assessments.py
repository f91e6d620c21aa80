"""What an event tells of an order's risk: each provider's level, Shopify's advice, and whether Shopify covers it.

Every addition is a join: order and number do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from schemas.events import Event
from schemas.facts.orders import Assessment, OrderFacts, ProtectFacts, RiskFacts
from stages.dossiers.dossier import Dossier
from stages.dossiers.registers import LATE, Known, Stamp, newest, seen, shelved

#: The thing in a dossier's spans that says what Shopify has recommended, and when.
ADVICE = "risk"
#: The levels that say something, and how bad they are.
_LEVELS: Mapping[str, int] = {"none": 0, "low": 1, "medium": 2, "high": 3}


def with_assessments(dossier: Dossier, event: Event, facts: OrderFacts, looked_up: Stamp) -> Dossier:
    dossier = _levels(dossier, event, facts.risk or (), looked_up)
    return _advised(dossier, event, facts.recommendation, looked_up)


def _levels(dossier: Dossier, event: Event, told: Iterable[Assessment], looked_up: Stamp) -> Dossier:
    """A level that is not settled hides none that was; of what one provider says at once, the worst counts."""
    risk, unsettled, spans = dossier.risk, dossier.unsettled, dossier.spans
    for assessment in sorted(told, key=lambda each: _LEVELS.get(each.level.lower(), 0), reverse=True):
        known = Known(looked_up, event.kind, assessment)
        if assessment.level.lower() in _LEVELS:
            risk = shelved(risk, assessment.by, known)
            spans = seen(spans, f"risk/{assessment.by}", assessment.level.lower(), looked_up.occurred)
        else:
            unsettled = shelved(unsettled, assessment.by, known)
    return replace(dossier, risk=risk, unsettled=unsettled, spans=spans)


def _advised(dossier: Dossier, event: Event, advice: str | None, looked_up: Stamp) -> Dossier:
    spans = dossier.spans if advice is None else seen(dossier.spans, ADVICE, advice, looked_up.occurred)
    recommendation = newest(dossier.recommendation, Known(looked_up, event.kind, advice))
    return replace(dossier, recommendation=recommendation, spans=spans)


def with_risk(dossier: Dossier, event: Event, facts: RiskFacts | ProtectFacts, looked_up: Stamp) -> Dossier:
    if isinstance(facts, ProtectFacts):
        return _protected(dossier, event, facts.status, looked_up)
    return _protected(_assessed(dossier, event, facts, looked_up), event, facts.protect, looked_up)


def _protected(dossier: Dossier, event: Event, status: str | None, looked_up: Stamp) -> Dossier:
    if status is None:
        return dossier
    return replace(dossier, protect=newest(dossier.protect, Known(looked_up, event.kind, status)))


def _assessed(dossier: Dossier, event: Event, facts: RiskFacts, looked_up: Stamp) -> Dossier:
    """The webhook's own assessment and those of the other providers, which were looked up for it and are as new.

    Of its own the looked-up one is taken where the level is the same: that one carries the facts behind it. Where it is
    another, Shopify's replicas may lag; of what is a day old by now, and of what was looked up later than its webhook,
    they have heard, and what they say holds, where it says something. What follows late has no other word than theirs.
    """
    told = facts.assessment
    others = [assessment for assessment in facts.assessments or () if assessment.by != told.by]
    own = [assessment for assessment in facts.assessments or () if assessment.by == told.by]
    same = [assessment for assessment in own if assessment.level.lower() == told.level.lower()]
    is_answer, is_late = event.kind == "answer.facts", event.received - event.occurred > LATE
    if not is_answer and not (is_late and any(assessment.level.lower() in _LEVELS for assessment in own)):
        own = [told, *own] if is_late else [told]
    assessments = [*others, *(same or own)]
    dossier = _levels(dossier, event, assessments, looked_up)
    if facts.assessments is None:
        return dossier
    return _advised(dossier, event, facts.recommendation, looked_up)
