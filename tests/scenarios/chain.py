"""The stages from webhook to alert, in one process and in virtual time: bytes in, alerts out, no broker.

What matters of the runner is kept: a timer fires once everything that arrived by then has been worked through; what
cannot be looked up is parked, later records of its key queue behind it, and it is asked again after its wait; what did
not happen is told only after the chain has passed its moment, parked records counting for their 30 s, and a receiver
was there; what a receiver missed may come until Shopify has given up. Not kept: partitions, transactions and restarts;
other tests are about these.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from pipeline.state import Change as Written
from pipeline.state import Memory, View
from schemas import codec, subjects, topics
from schemas.alerts import Alert
from schemas.configuration import Configuration
from schemas.records import Record
from schemas.resources import event_topic, raw_key
from schemas.signals import ShopUninstalled
from stages.classify import Classify
from stages.deduplicate import Deduplicate
from stages.enrich import Enrich
from stages.stage import (
    Ask,
    CancelTimer,
    Context,
    Drop,
    Emit,
    Outcome,
    Reject,
    Retry,
    SetTimer,
    StartSweep,
    Timer,
    TimerKind,
    Visit,
    Work,
)
from tests.scenarios.shops import Shops
from tests.scenarios.steps import NO_GAP, Change, Gap, Signalled, Step, Webhook

_NEXT = {topics.ENRICHED: "deduplicate", topics.UNIQUE: "classify", topics.SIGNALS: "classify"}
_PATIENCE = timedelta(seconds=30)
_WAITS = (TimerKind.ABSENCE, TimerKind.OUTSIDE)
#: So long a deadline that others have set waits for the chain.
_LONGEST_WAIT = timedelta(minutes=15)


@dataclass
class Parked:
    """The first of a key, and what queues behind it."""

    arrived: datetime
    since: datetime
    again: datetime
    queue: deque[Record] = field(default_factory=deque)


@dataclass(frozen=True)
class Alarm:
    """A timer of a stage; `number` tells it from the one that it replaced."""

    name: tuple[str, str, str]
    timer: Timer
    number: int


class Chain:
    """`alerts` with the moment at which each was told; `passed` is every record behind `enrich`, as it was written.
    `gap`: when no receiver is there."""

    def __init__(self, whole: Configuration, shops: Shops, start: datetime, gap: Gap = NO_GAP) -> None:
        self.now = start
        self._gap = gap
        self.alerts: list[tuple[datetime, Alert]] = []
        self.dead: list[Reject] = []
        self.dropped: list[str] = []
        self.passed: list[bytes] = []
        self._shops = shops
        self._enrich = Enrich(whole, shops, b"key")
        pure = {"deduplicate": Deduplicate(), "classify": Classify(whole)}
        self._stages: dict[str, Any] = {"enrich": self._enrich, **pure}
        self._memories = {name: Memory(stage.families) for name, stage in self._stages.items()}
        self._alarms: dict[tuple[str, str, str], Alarm] = {}
        self._parked: dict[str, Parked] = {}
        self._agenda: list[tuple[datetime, int, int, object]] = []
        self._numbers = count()
        self._next: deque[tuple[str, Record]] = deque()

    def play(self, steps: Iterable[Step], end: datetime) -> None:
        """All that happens before `end`, each at its time: the world first, then what arrives, then timers."""
        for step in steps:
            self._plan(step.at, 0 if isinstance(step.act, Change) else 1, step.act)
        while self._agenda and self._agenda[0][0] < end:
            at, _, _, entry = heapq.heappop(self._agenda)
            self.now = self._shops.now = max(self.now, at)
            self._take(entry)

    def _plan(self, at: datetime, rank: int, entry: object) -> None:
        heapq.heappush(self._agenda, (at, rank, next(self._numbers), entry))

    def _take(self, entry: object) -> None:
        match entry:
            case Change(story, things):
                self._shops.put(story, *things)
            case Webhook():
                self._arrive(_raw(entry, self.now))
                self._heard_of_uninstalling(entry)
            case Signalled(signal):
                record = Record(topics.SIGNALS, 0, 0, 0, signal.subject.encode(), codec.encode(signal))
                self._work("classify", record)
            case str(key):
                self._again(key)
            case Alarm():
                self._due(entry)
        while self._next:
            name, record = self._next.popleft()
            if name == "enrich":
                self._arrive(record)
            else:
                self._work(name, record)

    def _heard_of_uninstalling(self, sent: Webhook) -> None:
        """The receiver tells every task of it, besides the webhook."""
        if sent.topic == "app/uninstalled":
            subject = subjects.shop_wide(sent.shop)
            signal = ShopUninstalled(sent.shop, subject, sent.occurred, self.now)
            self._next.append(("classify", Record(topics.SIGNALS, 0, 0, 0, subject.encode(), codec.encode(signal))))

    # --- records that wait ------------------------------------------------------------------------------------------

    def _arrive(self, record: Record) -> None:
        key = f"{record.topic}/{(record.key or b'').decode()}"
        if (parked := self._parked.get(key)) is not None:
            parked.queue.append(record)
            return
        if (again := self._work("enrich", record)) is not None:
            self._parked[key] = Parked(self.now, self.now, self.now + again, deque([record]))
            self._plan(self.now + again, 1, key)

    def _again(self, key: str) -> None:
        parked = self._parked[key]
        while parked.queue:
            if (again := self._work("enrich", parked.queue[0], parked.since)) is not None:
                parked.again = self.now + again
                self._plan(parked.again, 1, key)
                return
            parked.queue.popleft()
            parked.since = parked.arrived = self.now
        del self._parked[key]

    # --- timers -----------------------------------------------------------------------------------------------------

    def _due(self, alarm: Alarm) -> None:
        if self._alarms.get(alarm.name) != alarm:
            return
        if alarm.timer.kind in _WAITS and (held := self._held_until(alarm.timer)) is not None:
            self._plan(held, 2, alarm)
            return
        del self._alarms[alarm.name]
        self._work(alarm.name[0], alarm.timer)

    def _held_until(self, timer: Timer) -> datetime | None:
        """When to look again; None: the chain has passed that time, or it is not waited for any longer."""
        waiting = [
            parked.again
            for parked in self._parked.values()
            if parked.arrived <= timer.due and self.now < parked.since + _PATIENCE
        ]
        if self._gap.begin < timer.due and self.now < self._gap.end:
            waits = _LONGEST_WAIT if timer.kind is TimerKind.OUTSIDE else self._gap.end - timer.due
            waiting += [timer.due + waits] if self.now < timer.due + waits else []
        return max(min(waiting), self.now) if waiting else None

    # --- stages -----------------------------------------------------------------------------------------------------

    def _work(self, name: str, work: Work, parked_since: datetime | None = None) -> timedelta | None:
        """After how long to try again; None: it is settled."""
        view = View(self._memories[name], Written(), self.now)
        context = Context(view, self.now, self.now, {}, parked_since, self._passed(work), self._gap.missed(self.now))
        try:
            if name == "enrich":
                context = replace(context, answers=self._asked(work, context))
            outcomes = list(self._stages[name].process(work, context))
        except Retry as retry:
            return retry.after
        except Reject as reject:
            self.dead.append(reject)
            return None
        self._memories[name].apply(view.change)
        self._carry_out(name, outcomes)
        return None

    def _passed(self, work: Work) -> bool:
        is_away = self._gap.begin < self.now < self._gap.end
        return not (is_away and isinstance(work, Timer) and work.kind is TimerKind.OUTSIDE)

    def _asked(self, work: Work, context: Context) -> Mapping[Any, Any]:
        return {lookup: _done(self._enrich.perform(lookup)) for lookup in self._enrich.plan(work, context)}

    def _carry_out(self, name: str, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            match outcome:
                case Emit():
                    self._emit(outcome)
                case Ask(question):
                    record = Record(topics.QUESTIONS, 0, 0, 0, question.subject.encode(), codec.encode(question))
                    self._next.append(("enrich", record))
                case SetTimer(routing, timer, due, kind):
                    alarm = Alarm((name, routing, timer), Timer(routing, timer, due, kind), next(self._numbers))
                    self._alarms[alarm.name] = alarm
                    self._plan(max(due, self.now), 2, alarm)
                case CancelTimer(routing, timer):
                    self._alarms.pop((name, routing, timer), None)
                case StartSweep(cause, about):
                    self._sweep(name, cause, about)
                case Drop(reason):
                    self.dropped.append(reason.value)

    def _emit(self, emit: Emit) -> None:
        written = codec.encode(emit.value)
        self.passed.append(written)
        if isinstance(emit.value, Alert):
            self.alerts.append((self.now, emit.value))
        else:
            self._next.append((_NEXT[emit.topic], Record(emit.topic, 0, 0, 0, emit.key.encode(), written)))

    def _sweep(self, name: str, cause: Any, about: str) -> None:
        for routing in sorted(self._memories[name].by_routing()):
            view = View(self._memories[name], Written(), self.now)
            visited = list(self._stages[name].visit(Visit(routing, cause, about), Context(view, self.now, self.now)))
            self._memories[name].apply(view.change)
            self._carry_out(name, visited)


def _raw(sent: Webhook, now: datetime) -> Record:
    """As the receiver writes it."""
    topic, of_family = (
        (event_topic(*sent.topic.split("/")), _event(sent)) if sent.resource else (sent.topic, _classic(sent))
    )
    raw = raw_key(sent.shop, topic, sent.body, sent.delivery_id, sent.resource)
    headers = {
        "ce_type": topic,
        "ce_id": sent.delivery_id,
        "ce_source": f"//{sent.shop}",
        "ce_time": sent.occurred.isoformat(),
        "received": now.isoformat(),
        **of_family,
    }
    told = tuple((name, text.encode()) for name, text in headers.items())
    return Record(f"shopify.{raw.domain}", 0, 0, 0, raw.key.encode(), sent.body, told)


def _classic(sent: Webhook) -> dict[str, str]:
    told = {"x-shopify-event-id": sent.event_id, "x-shopify-api-version": "2026-10"}
    return told | ({"x-shopify-test": "true"} if sent.test else {})


def _event(sent: Webhook) -> dict[str, str]:
    topic, _, action = sent.topic.partition("/")
    return {
        "shopify-topic": topic,
        "shopify-action": action,
        "shopify-resource-id": sent.resource,
        "shopify-event-id": sent.event_id,
        "shopify-api-version": "2026-10",
    }


def _done(call: Coroutine[Any, Any, Any]) -> Any:
    """Its result: nothing in here waits for anything."""
    try:
        call.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a lookup waited")
