"""`dispatch`: notifications through OpenText, and what became of each, as receipts.

A notification that arrives gets a place in its group's line, and the head of a line has the intent: that, and the timer
that makes the call, are committed before the call; the receipt after it. Every attempt carries the notification's own
message id. While the head is being retried those behind it wait; accepted or finally failed, it makes room.

An end (every alert resolved or withdrawn) cancels what stands behind the head of its line, on its own channel and about
its alerts only: that has no intent, so no call can have been made; its receipt is CANCELLED. The head is never
cancelled, and the end itself is always sent: it tells what began and that it is over.

What was meant for a team that is no longer configured fails, and `group` tells another one. A sweep of a shop's erasure
takes out what is about it (`stages.sending.erasing`).

Where `opentext.repeats` is `unsafe`, an attempt of unknown outcome is IN_DOUBT and never repeated. To know that of an
owner that died, such an attempt is armed (committed) first, and only the process that armed it may make it, once.

Not promised: that an account which does not honour message ids sends once where repeats are called `safe`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from schemas import topics
from schemas.codec import decode
from schemas.configuration import Configuration
from schemas.notifications import Notification, SendingState, SendingStatus
from schemas.reasons import DropReason
from schemas.records import Record
from stages.channels.submission import Submission, Unreachable
from stages.channels.table import render
from stages.opentext.answers import Accepted, HeldBack, NotTaken, TryAgain
from stages.opentext.job_status import read_status
from stages.sending.attempts import Account, Answer, Arm, Armed, Attempts, Request, Send, TakenOver
from stages.sending.backoff import grown
from stages.sending.erasing import erased
from stages.sending.following import POLL, Following
from stages.sending.sendings import FAMILIES, FOLLOWED, SEND, WAITING, Desk, Waiting, receipt_of, shops_of
from stages.stage import (
    Context,
    Drop,
    Emit,
    Family,
    Outcome,
    SetTimer,
    SweepCause,
    Timer,
    TimerKind,
    Visit,
    Work,
)


class Dispatch:
    """Its timers: `send/<group>` for the head of a line, `poll/<message id>` for what is followed."""

    families: Sequence[Family[Any]] = FAMILIES
    swept: Sequence[Family[Any]] = (WAITING, FOLLOWED)

    def __init__(self, configuration: Configuration, account: Account) -> None:
        self._configuration = configuration
        self._settings = configuration.opentext
        self._attempts = Attempts(account)
        self._following = Following(configuration)

    def lane(self, timer: Timer) -> str:
        return f"{timer.routing}/{timer.name}"

    def plan(self, work: Work, context: Context) -> Sequence[Request]:
        if isinstance(work, Record):
            return ()
        desk, (kind, name) = Desk(context.state, work.routing), _names(work)
        if kind == POLL:
            return self._following.look(desk, name)
        head = desk.head(name)
        return () if head is None else self._attempt(head)

    async def perform(self, request: Request) -> Answer:
        return await self._attempts.perform(request)

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer):
            desk, (kind, name) = Desk(context.state, work.routing), _names(work)
            if kind == POLL:
                return self._following.looked(desk, name, _answer(context, name), context)
            return self._sent(desk, name, context)
        desk = Desk(context.state, (work.key or b"").decode())
        return (
            self._told(desk, work, context) if work.topic == topics.SENDING_STATUS else self._join(desk, work, context)
        )

    def visit(self, visit: Visit, context: Context) -> Iterable[Outcome]:
        """The routing key is a team's."""
        if visit.cause is SweepCause.REDACTED:
            return erased(Desk(context.state, visit.routing), visit.about, context)
        return ()

    def _join(self, desk: Desk, record: Record, context: Context) -> Iterator[Outcome]:
        notification = decode(record, Notification)
        if desk.knows(notification.message_id):
            yield Drop(DropReason.ALREADY_KNOWN)
            return
        for ended in desk.overtaken(notification):
            receipt = receipt_of(ended, SendingState.CANCELLED, context.now, 0)
            yield Emit(topics.RECEIPTS, desk.team, receipt, "receipt")
        if desk.join(Waiting(notification, record.header("traceparent"))):
            yield self._try(desk, notification, context)

    def _attempt(self, head: Waiting) -> tuple[Request, ...]:
        """Nothing to ask where nobody can be told: `_sent` says so then."""
        if head.erased:
            return ()
        submission = self._rendered(head.notification)
        if isinstance(submission, str):
            return ()
        message_id = head.notification.message_id
        if self._settings.repeats == "safe":
            return (Send(message_id, submission, head.trace),)
        permit = Arm(message_id, head.attempts)
        return (Send(message_id, submission, head.trace, permit),) if head.armed else (permit,)

    def _rendered(self, notification: Notification) -> Submission | str:
        """Or why nobody can be told."""
        team = self._configuration.team(notification.team)
        if team is None:
            return f"team {notification.team} is no longer configured"
        try:
            return render(notification, team, self._settings)
        except Unreachable as unreachable:
            return unreachable.detail

    def _sent(self, desk: Desk, group: str, context: Context) -> Iterator[Outcome]:
        head = desk.head(group)
        if head is None:
            return
        if head.erased:
            yield from self._make_room(desk, head, context)
            return
        answer = _answer(context, head.notification.message_id)
        if answer is not None:
            yield from self._answered(desk, head, answer, context)
        elif isinstance(why := self._rendered(head.notification), str):
            yield from self._ended(desk, head, SendingState.FAILED, why, context)
        else:  # a callback was quicker than the answer, which was about the head of then
            yield self._try(desk, head.notification, context)

    def _answered(self, desk: Desk, head: Waiting, answer: Answer, context: Context) -> Iterator[Outcome]:
        notification, settings = head.notification, self._settings
        tried = replace(head, attempts=head.attempts + 1, armed=False)
        match answer:
            case Accepted(job_id):
                yield from self._accepted(desk, tried, job_id, context)
            case NotTaken(detail):
                yield from self._ended(desk, tried, SendingState.FAILED, detail, context)
            case TakenOver():
                yield from self._ended(desk, tried, SendingState.IN_DOUBT, "its attempt was taken over", context)
            case TryAgain(detail, may_have_arrived=True) if settings.repeats == "unsafe":
                yield from self._ended(desk, tried, SendingState.IN_DOUBT, detail, context)
            case TryAgain(_, after):
                desk.keep(tried)
                pause = grown(settings.retry_first, settings.retry_longest, head.attempts, notification.message_id)
                yield self._try(desk, notification, context, after or pause)
            case HeldBack(_, after):
                desk.keep(replace(head, armed=False))
                yield self._try(desk, notification, context, after)
            case Armed():
                desk.keep(replace(head, armed=True))
                yield self._try(desk, notification, context)

    def _accepted(self, desk: Desk, head: Waiting, job_id: str, context: Context) -> Iterator[Outcome]:
        receipt = receipt_of(head.notification, SendingState.ACCEPTED, context.now, head.attempts)
        yield from self._make_room(desk, head, context)
        yield from self._following.begin(desk, replace(receipt, job_id=job_id), shops_of(head.notification), context)

    def _ended(
        self, desk: Desk, head: Waiting, state: SendingState, detail: str, context: Context
    ) -> Iterator[Outcome]:
        """Without a job. What is in doubt is followed all the same: a callback may tell."""
        receipt = replace(receipt_of(head.notification, state, context.now, head.attempts), detail=detail)
        yield from self._make_room(desk, head, context)
        if state is SendingState.IN_DOUBT:
            yield from self._following.begin(desk, receipt, shops_of(head.notification), context)
        else:
            yield from self._following.tell(desk, receipt, context)

    def _make_room(self, desk: Desk, head: Waiting, context: Context) -> Iterator[Outcome]:
        if desk.leave(head.notification):
            yield self._try(desk, head.notification, context)

    def _try(
        self, desk: Desk, notification: Notification, context: Context, after: timedelta = timedelta(0)
    ) -> SetTimer:
        """The call of whoever is the head of this one's line then."""
        return SetTimer(desk.team, f"{SEND}/{notification.group}", context.wall + after, TimerKind.RETRY)

    def _told(self, desk: Desk, record: Record, context: Context) -> Sequence[Outcome]:
        """A callback. It may be quicker than the answer to its submit."""
        said = decode(record, SendingStatus)
        status = read_status(said.body.encode(errors="replace"), said.team, said.message_id)
        if status is None:
            return [Drop(DropReason.UNREADABLE)]
        early: list[Outcome] = []
        waiting = desk.waiting(said.message_id)
        is_head = waiting is not None and waiting == desk.head(waiting.notification.group)
        if waiting is not None and is_head and not waiting.erased and status.job_id:
            tried = replace(waiting, attempts=waiting.attempts + 1)
            early.extend(self._accepted(desk, tried, status.job_id, context))
        if desk.followed(said.message_id) is None:
            return [Drop(DropReason.NOTHING_OPEN)]
        heard = self._following.heard(desk, said.message_id, status, context)
        return [*early, *heard] or [Drop(DropReason.OUT_OF_DATE)]


def _names(timer: Timer) -> tuple[str, str]:
    kind, _, name = timer.name.partition("/")
    return kind, name


def _answer(context: Context, message_id: str) -> Answer | None:
    """None where nothing was asked about this one."""
    return next((answer for request, answer in context.answers.items() if request.message_id == message_id), None)
