"""`dispatch` without a runner: records and timers by hand, one committed step after the other, and an OpenText of a few
lines that keeps its own books."""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pipeline.state import Change, Memory, View
from schemas import topics
from schemas.alerts import Alert, AlertState, Severity
from schemas.codec import encode
from schemas.configuration import Basic, Configuration, OpenText, Person, Secret, Team
from schemas.notifications import Channel, Notification, Receipt, SendingState, SendingStatus
from schemas.records import Record
from schemas.signals import SendingFailed
from stages.channels.submission import Submission
from stages.dispatch import Dispatch
from stages.opentext.answers import Accepted, Gone, Status, StatusAnswer, SubmitAnswer
from stages.stage import (
    CancelTimer,
    Context,
    Drop,
    Emit,
    Outcome,
    SetTimer,
    SweepCause,
    Timer,
    TimerKind,
    Visit,
    Work,
)

T = TypeVar("T", bound=Struct)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ADA = Person(name="ada", email="ada@example.com", phone="+15005550101")
BOB = Person(name="bob", email="bob@example.com")


def configuration(
    repeats: str = "safe", teams: Sequence[Team] = (Team(name="desk", people=(ADA, BOB)),)
) -> Configuration:
    account = Basic(user="desk", password=Secret(env="PASSWORD"))
    opentext = OpenText(base_url="https://opentext.example.com/mra/v1", basic=account, repeats=repeats)
    return Configuration(shops=(), teams=tuple(teams), opentext=opentext)


def alert(name: str = "a1", state: AlertState = AlertState.FIRING) -> Alert:
    return Alert(
        id=name,
        rule="low-stock",
        use_case=3,
        shop="example.myshopify.com",
        subject="example.myshopify.com/inventory/1",
        team="desk",
        state=state,
        severity=Severity.WARNING,
        title="Stock is low",
        since=NOON,
        at=NOON,
        received=NOON,
        revision=1,
        bundle="b",
        opened_by="d1",
    )


def notification(message_id: str = "m1", group: str = "g", *alerts: Alert, **changes: Any) -> Notification:
    made = Notification(
        message_id=message_id,
        team="desk",
        channel=Channel.EMAIL,
        group=group,
        alerts=alerts or (alert(),),
        created=NOON,
        received=NOON,
    )
    return replace(made, **changes)


class Account:
    """Takes everything, one job per message id; `script` holds answers that come instead, before anything is taken."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Submission, str | None]] = []
        self.jobs: dict[str, str] = {}
        self.script: deque[SubmitAnswer] = deque()
        self.statuses: dict[str, StatusAnswer] = {}
        self.looks: list[str] = []

    @property
    def called(self) -> list[str]:
        return [message_id for message_id, _, _ in self.calls]

    async def submit(self, submission: Submission, message_id: str, trace: str | None = None) -> SubmitAnswer:
        self.calls.append((message_id, submission, trace))
        if self.script:
            return self.script.popleft()
        return Accepted(self.jobs.setdefault(message_id, f"xsi-{len(self.jobs) + 1}"))

    async def status(self, resource: str, job_id: str) -> StatusAnswer:
        self.looks.append(f"{resource}/{job_id}")
        return self.statuses.get(job_id, Gone())


class Office:
    """One task of `dispatch`. What is not settled has not happened; `dies` takes what only the process knew."""

    def __init__(self, configured: Configuration | None = None, account: Any = None) -> None:
        self.configuration = configured or configuration()
        self.account: Any = account or Account()
        self.wall = NOON
        self.timers: dict[tuple[str, str], Timer] = {}
        self.emitted: list[Emit] = []
        self.dropped: list[str] = []
        self._offset = 0
        self.dies()
        self.memory = Memory(self.stage.families)

    def dies(self) -> None:
        self.stage = Dispatch(self.configuration, self.account)

    # --- what came of it -----------------------------------------------------------------------------------------

    def _of(self, kind: type[T]) -> list[T]:
        return [emit.value for emit in self.emitted if isinstance(emit.value, kind)]

    @property
    def receipts(self) -> list[Receipt]:
        return self._of(Receipt)

    @property
    def signals(self) -> list[SendingFailed]:
        return self._of(SendingFailed)

    @property
    def fates(self) -> list[tuple[str, SendingState]]:
        return [(receipt.message_id, receipt.state) for receipt in self.receipts]

    def next_due(self) -> datetime:
        return min(timer.due for timer in self.timers.values())

    # --- what happens --------------------------------------------------------------------------------------------

    def arrive(self, *notifications: Notification, trace: str | None = None) -> None:
        for one in notifications:
            self._record(topics.NOTIFICATIONS, one, trace)

    def hear(self, body: bytes | str, message_id: str = "m1") -> None:
        text = body if isinstance(body, str) else body.decode()
        self._record(topics.SENDING_STATUS, SendingStatus("desk", message_id, text, self.wall))

    async def work(self) -> None:
        """Everything that is due now, and what that makes due."""
        for _ in range(1000):
            due = [timer for timer in self.timers.values() if timer.due <= self.wall]
            if not due:
                return
            for timer in due:
                self.settle(timer, await self.call(timer))
        raise AssertionError("the timers never come to rest")

    async def later(self, by: timedelta) -> None:
        self.wall += by
        await self.work()

    async def call(self, timer: Timer) -> dict[Any, Any]:
        """The first half of a timer: its calls. Who dies between the halves has called, and nobody knows."""
        requests = self.plan(timer)
        return {request: await self.stage.perform(request) for request in requests}

    def plan(self, timer: Timer) -> Sequence[Any]:
        return self.stage.plan(timer, self._context(View(self.memory, Change(), self.wall), {}))

    def settle(self, timer: Timer, answers: dict[Any, Any]) -> None:
        current = self.timers.get((timer.routing, timer.name))
        if current is not None and current.due == timer.due:
            del self.timers[timer.routing, timer.name]
        elif not answers:
            return
        self._settle(timer, answers)

    def visit(self, cause: SweepCause, about: str) -> None:
        view = View(self.memory, Change(), self.wall)
        outcomes = list(self.stage.visit(Visit("desk", cause, about), self._context(view, {})))
        self.memory.apply(view.change)
        for outcome in outcomes:
            self._carry_out(outcome)

    def _record(self, topic: str, value: Struct, trace: str | None = None) -> None:
        headers = () if trace is None else (("traceparent", trace.encode()),)
        self._settle(Record(topic, 0, self._offset, 0, b"desk", encode(value), headers), {})
        self._offset += 1

    def _settle(self, work: Work, answers: dict[Any, Any]) -> None:
        view = View(self.memory, Change(), self.wall)
        outcomes = list(self.stage.process(work, self._context(view, answers)))
        self.memory.apply(view.change)
        for outcome in outcomes:
            self._carry_out(outcome)

    def _carry_out(self, outcome: Outcome) -> None:
        match outcome:
            case Emit():
                self.emitted.append(outcome)
            case SetTimer(routing, name, due, kind):
                assert kind is TimerKind.RETRY
                self.timers[routing, name] = Timer(routing, name, due, kind)
            case CancelTimer(routing, name):
                self.timers.pop((routing, name), None)
            case Drop(reason):
                self.dropped.append(reason.value)
            case _:
                raise AssertionError(f"dispatch has no {outcome}")

    def _context(self, view: View, answers: dict[Any, Any]) -> Context:
        return Context(view, self.wall, self.wall, answers)


def told(*states: str, job_id: str = "xsi-1", message_id: str = "m1", events: Any = None) -> Status:
    """A status answer: the states of ada's delivery and, if there are two, bob's."""
    deliveries = [
        {
            "ref_base64": _base64(f"desk/{message_id}/{name}"),
            "email": f"{name}@example.com",
            "delivery_attempts": [{"state": state}],
            "events": events,
        }
        for name, state in zip(("ada", "bob"), states, strict=False)
    ]
    return Status(msgspec.json.encode({"job_id": job_id, "job_state": ["Complete"], "deliveries": deliveries}))


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
