"""Use case 7, silence: a topic whose webhooks have stopped, or a shop in which nothing happens any more.

Which of the two it is Shopify tells, which is asked once the silence is too long, and again, ever less often, while it
lasts. After our receiver was away nothing is told before Shopify has stopped sending again. Only a webhook ends it, or
that the app is gone: what is reconciled says nothing of webhooks. Not promised: a topic that was never heard; a shop
that is quieter than a webhook in two weeks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas import subjects
from schemas.alerts import Audience, Severity
from schemas.configuration import SyncTopic
from schemas.facts.operations import SyncFacts
from schemas.questions import QuestionKind
from stages.dossiers.registers import Known
from stages.dossiers.rhythms import HEARD, LEARNED, silent_from, span_end
from stages.rules.rule import Again, Case, Clear, Due, Said, Verdict, admin_link, details
from stages.rules.words import moment, spell

_TO = (Audience.IT_SUPPORT, Audience.ECOMMERCE)
_ASKED_AGAIN = timedelta(hours=1)


class _Words(NamedTuple):
    """`things` are new or changed where the topic is told; `path`: where in the admin they are."""

    things: str
    path: str


_WORDS = {
    SyncTopic.ORDERS_CREATE: _Words("orders", "orders"),
    SyncTopic.ORDERS_UPDATED: _Words("changes of orders", "orders"),
    SyncTopic.INVENTORY_UPDATE: _Words("changes of stock", "products/inventory"),
    SyncTopic.FULFILLMENTS_CREATE: _Words("fulfillments", "orders"),
}


@dataclass(frozen=True, slots=True)
class SyncStopped:
    name: str = "sync-stopped"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"topic"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        span = case.dossier.spans.get(HEARD, {}).get("yes")
        topic = next((each for each in SyncTopic if each == subjects.identity_of(case.subject)), None)
        if span is None or topic is None:
            return
        if topic not in case.configuration.rules.operations.sync.topics:
            yield from _over("it is not watched any more")
            return
        since = span_end(span.last)
        at = _silent_from(case, span.first, since)
        yield Clear(f"a webhook came on {moment(span.last)}", at=span.last)
        answer = _answer(case, since)
        if answer is not None:
            yield Due(_said(case, topic, since, answer.value), at)
            at = answer.stamp.occurred + max(_ASKED_AGAIN, answer.stamp.occurred - since)
        yield Again(at, "ask", QuestionKind.SYNC, since.isoformat())


def _over(because: str) -> Iterator[Verdict]:
    yield Clear(because)
    yield Clear(because, "ask")


def _silent_from(case: Case, first: datetime, since: datetime) -> datetime:
    rules = case.configuration.rules.operations.sync
    if since - first < LEARNED:
        return since + rules.unknown_rhythm
    return silent_from(case.dossier.rhythm, since, rules.gaps, rules.least)


def _answer(case: Case, since: datetime) -> Known[SyncFacts] | None:
    """What Shopify said of this silence; of an earlier one it says nothing."""
    told = [known for known in case.dossier.every(SyncFacts) if known.value.since == since]
    return told[-1] if told else None


def _said(case: Case, topic: SyncTopic, since: datetime, answer: SyncFacts) -> Said:
    words, quiet = _WORDS[topic], spell(case.now - since)
    missed = f"{answer.newer} or more" if answer.more else str(answer.newer)
    title = f"No {words.things} at all from {case.shop} for {quiet}"
    step = "Look at the storefront and its checkout: can anybody buy?"
    if answer.newer:
        title = f"Webhooks of {case.shop} have stopped: {missed} {words.things} that {topic} has not told"
        step = "Check the subscription of the topic and its failed deliveries, and make it again."
    elif answer.newer is None:
        title = f"Nothing has come in on {topic} from {case.shop} for {quiet}"
        step = "Look in the admin whether anything is new there, and check the subscription of the topic."
    return Said(
        title=title,
        since=since,
        severity=Severity.CRITICAL if answer.newer else Severity.WARNING,
        audiences=_TO if answer.newer or answer.newer is None else (Audience.ECOMMERCE,),
        details=details(
            shop=case.shop,
            topic=topic,
            last_webhook=moment(since),
            missed=missed if answer.newer else None,
            newest_in_shopify=moment(answer.newest) if answer.newest else None,
        ),
        next_step=step,
        link=admin_link(case.shop, words.path),
        unknown=("whether Shopify has anything newer: it did not say",) if answer.newer is None else (),
        end=f"Silence on {topic} from {case.shop}",
    )
