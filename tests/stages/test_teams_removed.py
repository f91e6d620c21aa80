"""A team is removed: nothing is lost and nothing told twice, whichever stage hears of it first."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from pipeline.state import Change, Memory, View
from schemas import codec, topics
from schemas.alerts import AlertState
from schemas.configuration import Configuration, Person, Route, Team
from schemas.events import Event, Source
from schemas.facts.orders import OrderFacts
from schemas.notifications import Notification
from schemas.records import Record
from stages.channels.submission import Submission
from stages.classify import Classify
from stages.dispatch import Dispatch
from stages.group import Group
from stages.opentext.answers import Accepted, StatusAnswer, SubmitAnswer
from stages.rules.rule import Clear, Fire, Tell
from stages.stage import CancelTimer, Context, Emit, Outcome, SetTimer, SweepCause, Timer, Visit, Work
from tests.stages.rules.scripted import INFO, by_state, said
from tests.stages.rules.world import SHOP, START, configuration

ORDER = f"{SHOP}/order/1"
RULE = by_state(pending=(Fire(said()), Tell(said(INFO), "happened")), paid=(Clear("it is paid"),))
STAGES = ("classify", "group", "dispatch")


def teams(*names: str) -> Configuration:
    """The last one is the default route's; the first one is told everything."""
    made = tuple(Team(name=name, people=(Person(name="ann", email="ann@example.com"),)) for name in names)
    return configuration(teams=made, routes=Route(teams=names[-1:], routes=(Route(teams=names[:1]),)))


class Account:
    async def submit(self, submission: Submission, message_id: str, trace: str | None = None) -> SubmitAnswer:
        return Accepted(message_id)

    async def status(self, resource: str, job_id: str) -> StatusAnswer:
        raise AssertionError("nobody polls here")


class Chain:
    """Three stages, each with what it has yet to read; each takes the new configuration when it is told to."""

    def __init__(self) -> None:
        self.sent: list[Notification] = []
        self.queues: dict[str, deque[Record]] = {name: deque() for name in STAGES}
        self.timers: dict[tuple[str, str], Timer] = {}
        self.arrived: dict[str, Notification] = {}
        self.stages: dict[str, Any] = {}
        self.now_removed: set[str] = set()
        for name in STAGES:
            self._configure(name, teams("finance", "support"))
        self.memories = {name: Memory(stage.families) for name, stage in self.stages.items()}

    def _configure(self, name: str, whole: Configuration) -> None:
        made = {"classify": Classify(whole, "h", {"order": (RULE,)}), "group": Group(whole)}
        self.stages[name] = made.get(name) or Dispatch(whole, Account())

    def order(self, financial: str, number: int) -> None:
        facts = OrderFacts(id=1, financial=financial)
        event = Event("orders/updated", SHOP, ORDER, ORDER, START, START, f"{number}", Source.WEBHOOK, facts)
        self.queues["classify"].append(_record(topics.UNIQUE, ORDER, event))

    def remove_team(self, name: str) -> None:
        """The stage takes the configuration, and has swept."""
        self._configure(name, teams("support"))
        for routing in (ORDER,) if name == "classify" else ("finance", "support"):
            context, view = self._context(name)
            visit = Visit(routing, SweepCause.CONFIGURATION, "h")
            self._settle(name, view, self.stages[name].visit(visit, context))

    def read(self, name: str) -> None:
        if self.queues[name]:
            self._work(name, self.queues[name].popleft())
        elif name == "dispatch" and self.timers:
            self._call(next(iter(self.timers.values())))

    def drain(self) -> None:
        while self.timers or any(self.queues.values()):
            for name in STAGES:
                self.read(name)

    def _call(self, timer: Timer) -> None:
        del self.timers[timer.routing, timer.name]
        dispatch = self.stages["dispatch"]
        answers = {}
        for request in dispatch.plan(timer, self._context("dispatch")[0]):
            answers[request] = asyncio.run(dispatch.perform(request))
            self.sent.append(self.arrived[request.message_id])
        self._work("dispatch", timer, answers)

    def _work(self, name: str, work: Work, answers: Any = None) -> None:
        if name == "dispatch" and isinstance(work, Record):
            told = codec.decode(work, Notification)
            self.arrived.setdefault(told.message_id, told)
        context, view = self._context(name, answers)
        self._settle(name, view, self.stages[name].process(work, context))

    def _context(self, name: str, answers: Any = None) -> tuple[Context, View]:
        view = View(self.memories[name], Change(), START)
        return Context(view, START, START, answers or {}), view

    def _settle(self, name: str, view: View, outcomes: Iterable[Outcome]) -> None:
        outcomes = list(outcomes)
        self.memories[name].apply(view.change)
        for outcome in outcomes:
            match outcome:
                case Emit(topics.ALERTS | topics.RECEIPTS as topic, key, value, _):
                    self.queues["group"].append(_record(topic, key, value))
                case Emit(topics.NOTIFICATIONS as topic, key, value, _):
                    self.queues["dispatch"].append(_record(topic, key, value))
                case SetTimer(routing, timer, due, kind) if timer.startswith("send/"):
                    self.timers[routing, timer] = Timer(routing, timer, due, kind)
                case CancelTimer(routing, timer):
                    self.timers.pop((routing, timer), None)


def _record(topic: str, key: str, value: Struct) -> Record:
    return Record(topic, 0, 0, 0, key.encode(), codec.encode(value))


def told(chain: Chain, state: AlertState, *, milestone: bool) -> Counter[str]:
    """How often each team was told that."""
    alerts = ((one.team, alert) for one in chain.sent for alert in one.alerts)
    return Counter(team for team, alert in alerts if alert.state is state and alert.milestone is milestone)


STEPS = st.lists(st.sampled_from(STAGES), max_size=12)


@given(st.permutations(STAGES), st.tuples(STEPS, STEPS, STEPS))
def test_whichever_stage_hears_first_the_default_team_knows_all_that_is_open_once(
    removed: list[str], between: tuple[list[str], ...]
) -> None:
    chain = Chain()
    chain.order("pending", 1)
    for steps, name in zip(between, removed, strict=True):
        for step in steps:
            chain.read(step)
        chain.remove_team(name)
    chain.drain()

    began, happened = (told(chain, AlertState.FIRING, milestone=milestone) for milestone in (False, True))
    assert began["support"] == 1
    assert began["finance"] <= 1
    assert happened.total() == 1

    chain.order("paid", 2)
    chain.drain()
    assert told(chain, AlertState.RESOLVED, milestone=False) == {"support": 1}
