"""The real stages from a body to its alerts, in memory: nothing is asked of Shopify, nobody is told anything.

Time stands still at each event; between two events, and after the last one, timers fire at their moments, as if
nothing else happened. Questions are answered by the facts that were given, or not at all, as when Shopify is silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from pipeline.explaining.facts import Looked
from pipeline.explaining.given import DeadLetter, Given, Unusable
from pipeline.state import Change, Memory, View
from schemas import codec, topics
from schemas.alerts import Alert
from schemas.configuration import Configuration
from schemas.events import Event
from schemas.questions import Question
from schemas.reasons import DropReason, RejectReason
from schemas.records import Record
from stages.classify import DOSSIER, Classify
from stages.deduplicate import Deduplicate
from stages.dossiers.dossier import Dossier
from stages.enrich import Enrich
from stages.rules.rule import Case, Rule, Verdict
from stages.rules.table import WATCHING
from stages.shopify.client import Shopify
from stages.stage import Ask, CancelTimer, Context, Drop, Emit, Outcome, Reject, Retry, SetTimer, Stage, Timer, Work

#: Stands for the key that hashes cards: two declines of one card are known to be of one.
_CARD_KEY = b"rehearsed"
#: Longer than anything is waited for.
_WAITED = timedelta(hours=25)
#: More than any subject sets within the time that is looked ahead.
_MOST_TIMERS = 1000


class Judged(NamedTuple):
    rule: Rule
    case: Case
    verdicts: Sequence[Verdict]


@dataclass(frozen=True, slots=True)
class _Overheard:
    """A rule, and what it was asked and said."""

    rule: Rule
    heard: list[Judged]

    @property
    def name(self) -> str:
        return self.rule.name

    @property
    def use_case(self) -> int:
        return self.rule.use_case

    @property
    def watches(self) -> frozenset[str]:
        return self.rule.watches

    def judge(self, case: Case) -> Sequence[Verdict]:
        verdicts = [*self.rule.judge(case)]
        self.heard.append(Judged(self.rule, case, verdicts))
        return verdicts


@dataclass(slots=True)
class Subject:
    """What came of it. `judged`: each time a rule was asked, the first time with what was open before."""

    name: str
    event: Event | None
    now: datetime
    dossier: Dossier = field(default_factory=Dossier)
    judged: list[Judged] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    dropped: DropReason | None = None


class _Silent(Shopify):
    """`access`: the shops whose facts could be looked up. Nothing is."""

    def __init__(self, access: frozenset[str]) -> None:
        self._access = access

    def has_access(self, shop: str) -> bool:
        return shop in self._access


class Rehearsal:
    """`looked` None: no facts were given."""

    def __init__(self, configuration: Configuration, digest: str, looked: Looked | None) -> None:
        self._looked = looked or Looked()
        access = (shop.domain for shop in configuration.shops if shop.admin is not None or looked is not None)
        self._enrich = Enrich(configuration, _Silent(frozenset(access)), _CARD_KEY)
        self._deduplicate = Deduplicate()
        self._judged: list[Judged] = []
        overheard = {kind: tuple(_Overheard(rule, self._judged) for rule in rules) for kind, rules in WATCHING.items()}
        self._classify = Classify(configuration, digest, overheard)
        stages: tuple[Stage, ...] = (self._enrich, self._deduplicate, self._classify)
        self._memories = {id(stage): Memory(stage.families) for stage in stages}
        self._timers: dict[tuple[str, str], Timer] = {}
        self._now: datetime | None = None

    def tell(self, given: Given, number: int) -> list[Subject]:
        """Each subject that heard of it. Raises Unusable, and DeadLetter for what would be one."""
        self._now = given.occurred if self._now is None else max(self._now, given.occurred)
        return [*self._enriched(given.record(number))]

    def passes(self, until: datetime) -> Iterator[Subject]:
        """What timers bring until then, one after the other."""
        for _ in range(_MOST_TIMERS):
            due = min(self._timers.values(), key=lambda timer: (timer.due, timer.name), default=None)
            if due is None or due.due > until:
                break
            del self._timers[due.routing, due.name]
            self._now = max(self._now or due.due, due.due)
            yield from self._classified(due, due.routing, None)
        self._now = max(self._now or until, until)

    # --- one stage after the other ----------------------------------------------------------------------------------

    def _enriched(self, record: Record) -> Iterator[Subject]:
        try:
            outcomes = self._worked(self._enrich, record)
        except (Reject, Retry) as error:
            raise _refused(error) from error
        for outcome in outcomes:
            if isinstance(outcome, Emit) and isinstance(outcome.value, Event):
                yield from self._deduplicated(outcome.value)
            elif isinstance(outcome, Drop):
                yield Subject((record.key or b"").decode(), None, self.now, dropped=outcome.reason)

    def _deduplicated(self, event: Event) -> Iterator[Subject]:
        record = self._record(topics.ENRICHED, event.subject, event)
        for outcome in self._worked(self._deduplicate, record):
            if isinstance(outcome, Drop):
                yield Subject(event.subject, event, self.now, dropped=outcome.reason)
            elif isinstance(outcome, Emit):
                unique = self._record(topics.UNIQUE, event.subject, outcome.value)
                yield from self._classified(unique, event.subject, event)

    def _classified(self, work: Work, subject: str, event: Event | None) -> Iterator[Subject]:
        heard, questions = Subject(subject, event, self.now), list[Question]()
        self._judged.clear()
        for outcome in self._worked(self._classify, work):
            match outcome:
                case Emit(value=Alert() as alert):
                    heard.alerts.append(alert)
                case Drop(reason=reason):
                    heard.dropped = reason
                case Ask(question=question):
                    questions.append(question)
        heard.dossier = self._view(self._classify).get(DOSSIER, subject) or Dossier()
        heard.judged = [*self._judged]
        yield heard
        for question in questions:
            yield from self._enriched(self._record(topics.QUESTIONS, question.subject, question))

    # --- what the runner does for them ------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return self._now or datetime.min.replace(tzinfo=UTC)

    def _worked(self, stage: Stage, work: Work) -> list[Outcome]:
        """Its state and timers are left behind; `enrich` needs none, since it would only ask again."""
        view = self._view(stage)
        if stage is self._enrich:
            asked = self._enrich.plan(work, Context(view, self.now, self.now))
            answers = {lookup: self._looked.reply(lookup) for lookup in asked}
            return [*stage.process(work, Context(view, self.now, self.now, answers, self.now - _WAITED))]
        outcomes = [*stage.process(work, Context(view, self.now, self.now))]
        self._memories[id(stage)].apply(view.change)
        for outcome in outcomes:
            if isinstance(outcome, SetTimer):
                key = (outcome.routing, outcome.name)
                self._timers[key] = Timer(outcome.routing, outcome.name, outcome.due, outcome.kind)
            elif isinstance(outcome, CancelTimer):
                self._timers.pop((outcome.routing, outcome.name), None)
        return outcomes

    def _view(self, stage: Stage) -> View:
        return View(self._memories[id(stage)], Change(), self.now)

    def _record(self, topic: str, key: str, value: Struct) -> Record:
        return Record(topic, 0, 0, int(self.now.timestamp() * 1000), key.encode(), codec.encode(value))


def _refused(error: Reject | Retry) -> DeadLetter | Unusable:
    if isinstance(error, Reject) and error.reason is not RejectReason.SUBJECT_UNKNOWN:
        return DeadLetter(f"it would be a dead letter ({error.reason}): {error.detail}")
    return Unusable(
        "whose it is does not stand in its body, and only Shopify can tell: give it by --facts, a file with "
        '{"place": {"kind": "order", "identity": 1001}} (the order\'s id, or kind "inventory" and the item\'s)'
    )
