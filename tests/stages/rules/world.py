"""A desk for the rules: the classifier alone, with its state and its timers, told one event after the other.

Time stands still until it is let pass; a timer that falls due fires at its moment, as the runner would let it.
Questions lie in `asked` until the test answers them. `missed_until` and `is_behind` are what the runner knows of the
receiver and of the chain; while that is behind, it is so for longer than deadlines of others wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from msgspec.structs import replace

from pipeline.state import Change, Memory, View
from schemas import codec, subjects, topics
from schemas.alerts import Alert, Audience
from schemas.calendars import DEFAULT, Calendar, Weekday
from schemas.configuration import Basic, Configuration, OpenText, Person, Route, Secret, Shop, Team
from schemas.events import Event, Source
from schemas.facts.table import AnyFacts
from schemas.money import Money
from schemas.questions import Question
from schemas.records import Record
from schemas.signals import AnySignal
from stages.classify import DOSSIER, Classify
from stages.dossiers.dossier import Dossier
from stages.rules.rule import Rule
from stages.rules.table import WATCHING
from stages.stage import Ask, CancelTimer, Context, Drop, Emit, Outcome, SetTimer, Timer, TimerKind, Work

SHOP = "demo.myshopify.com"
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NUMBER = 5_000_000_000_123
#: Working hours are hours, for the tests that are about something else.
AROUND_THE_CLOCK = Calendar(name=DEFAULT, days=tuple(Weekday), hours=("00:00-24:00",))


def configuration(**changed: Any) -> Configuration:
    """One shop, one team that works around the clock and is told everything, OpenText, and what a test needs."""
    secret = Secret(env="SECRET")
    whole = Configuration(
        shops=(Shop(domain=SHOP, secrets=(secret,)),),
        teams=(Team(name="operations", people=(Person(name="desk", email="desk@example.com"),)),),
        opentext=OpenText(base_url="https://opentext.example.com/mra/v1", basic=Basic(user="u", password=secret)),
        calendars=(AROUND_THE_CLOCK,),
    )
    return replace(whole, **changed)


def usd(amount: str | int) -> Money:
    return Money(Decimal(amount), "USD")


def labels(alert: Alert) -> dict[str, str]:
    """The lines of a message, by their label."""
    return {detail.label: detail.text for detail in alert.details}


def routed(*readers: Audience) -> Configuration:
    """A team for each of these audiences, named like it, and one for all others."""
    person = (Person(name="desk", email="desk@example.com"),)
    teams = tuple(Team(name=name, people=person) for name in ("others", *(each.value for each in readers)))
    routes = tuple(Route(teams=(each.value,), audiences=(each,)) for each in readers)
    return configuration(teams=teams, routes=Route(teams=("others",), routes=routes))


class Desk:
    """With `rules`, those look at every order, instead of the ones that the table names."""

    def __init__(self, whole: Configuration | None = None, rules: Sequence[Rule] = ()) -> None:
        self.now = START
        self.asked: list[Question] = []
        self.alerts: list[Alert] = []
        self.dropped: list[str] = []
        self.missed_until: datetime | None = None
        self.is_behind = False
        watching = {"order": tuple(rules)} if rules else WATCHING
        self._stage = Classify(whole or configuration(), "0123456789ab", watching)
        self._memory = Memory(self._stage.families)
        self._timers: dict[tuple[str, str], Timer] = {}
        self._numbers = count(1)

    # --- what arrives ---------------------------------------------------------------------------------------------

    def event(  # noqa: PLR0913 - an event has that many parts, and a test names those that it is about
        self,
        kind: str,
        facts: AnyFacts,
        subject: str = "",
        *,
        updated: datetime | None = None,
        occurred: datetime | None = None,
        incomplete: Sequence[str] = (),
        source: Source = Source.WEBHOOK,
        delivery_id: str = "",
    ) -> list[Alert]:
        """Tells one event, by default one of the order NUMBER that happens now; the alerts that it raised."""
        about = subject or subjects.order(SHOP, NUMBER)
        told = Event(
            kind=kind,
            shop=SHOP,
            subject=about,
            resource=about,
            occurred=occurred or self.now,
            received=self.now,
            delivery_id=delivery_id or f"delivery-{next(self._numbers)}",
            source=source,
            facts=facts,
            updated=updated,
            incomplete=tuple(incomplete),
        )
        return self.tell(told)

    def answer(self, facts: AnyFacts, incomplete: Sequence[str] = ()) -> list[Alert]:
        """Answers the question that was asked first of those not answered yet."""
        question = self.asked.pop(0)
        return self.event(
            f"answer.{question.kind}",
            facts,
            question.subject,
            incomplete=incomplete,
            source=Source.ANSWER,
            delivery_id=question.id,
        )

    def tell(self, event: Event) -> list[Alert]:
        return self._work(_record(topics.UNIQUE, event.subject, codec.encode(event)))

    def signal(self, signal: AnySignal) -> list[Alert]:
        return self._work(_record(topics.SIGNALS, signal.subject, codec.encode(signal)))

    def passes(self, by: timedelta) -> list[Alert]:
        """Lets time pass; the alerts that fell due on the way. Questions stay open, their patience (30 s) does not."""
        until, raised = self.now + by, list[Alert]()
        while due := sorted(
            (t for t in self._timers.values() if t.due <= until and self._fires(t)), key=lambda t: t.due
        ):
            timer = due[0]
            del self._timers[timer.routing, timer.name]
            self.now = max(self.now, timer.due)
            raised += self._work(timer)
        self.now = until
        return raised

    # --- what is to be seen -----------------------------------------------------------------------------------------

    @property
    def dossier(self) -> Dossier:
        """What is known of the order NUMBER."""
        view = View(self._memory, Change(), self.now)
        return view.get(DOSSIER, subjects.order(SHOP, NUMBER)) or Dossier()

    @property
    def open(self) -> dict[str, Alert]:
        """The newest record of every alert that has not ended, by rule. Milestones never are in here."""
        newest: dict[str, Alert] = {}
        for alert in self.alerts:
            if not alert.milestone:
                newest[alert.id] = alert
        return {alert.rule: alert for alert in newest.values() if not alert.state.is_end}

    @property
    def open_conditions(self) -> set[str]:
        """`rule|key` of everything that is open: the same however it came to be so."""
        newest = {alert.id: alert for alert in self.alerts if not alert.milestone}
        still = [alert for alert in newest.values() if not alert.state.is_end]
        middles = ((a.rule, a.id.removeprefix(f"{a.rule}:{a.subject}:").removesuffix(a.opened_by)) for a in still)
        return {f"{rule}|{middle.removesuffix(':')}" for rule, middle in middles}

    @property
    def due(self) -> dict[str, datetime]:
        """When the business timers fall due, by their names (`rule|key`)."""
        return {timer.name: timer.due for timer in self._timers.values() if timer.kind is not TimerKind.RETRY}

    def told(self, rule: str) -> list[Alert]:
        return [alert for alert in self.alerts if alert.rule == rule]

    def _work(self, work: Work) -> list[Alert]:
        change = Change()
        view = View(self._memory, change, self.now)
        outcomes = list(self._stage.process(work, self._context(view, work)))
        self._memory.apply(view.change)
        raised = list(self._carried_out(outcomes))
        self.alerts += raised
        return raised

    def _fires(self, timer: Timer) -> bool:
        return not self.is_behind or timer.kind is not TimerKind.ABSENCE

    def _context(self, view: View, work: Work) -> Context:
        waits_no_longer = self.is_behind and isinstance(work, Timer) and work.kind is TimerKind.OUTSIDE
        return Context(view, self.now, self.now, chain_passed=not waits_no_longer, missed_until=self.missed_until)

    def _carried_out(self, outcomes: Iterable[Outcome]) -> Iterable[Alert]:
        for outcome in outcomes:
            match outcome:
                case Emit(_, _, value, _) if isinstance(value, Alert):
                    yield value
                case Ask(question):
                    self.asked.append(question)
                case SetTimer(routing, name, due, kind):
                    self._timers[routing, name] = Timer(routing, name, due, kind)
                case CancelTimer(routing, name):
                    self._timers.pop((routing, name), None)
                case Drop(reason):
                    self.dropped.append(reason.value)


def _record(topic: str, key: str, value: bytes) -> Record:
    return Record(topic, 0, 0, 0, key.encode(), value)
