"""What is accepted is followed until all its deliveries are final: by polling, ever less often, and by callbacks.

Not promised: a final state. A hand-off without a later word stays SENT; what is still open at the end of
`opentext.poll_until` is UNKNOWN, and what was known when OpenText forgot the job stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas import topics
from schemas.configuration import Configuration
from schemas.notifications import Receipt, SendingState
from schemas.signals import SendingFailed
from stages.channels.table import RESOURCES
from stages.opentext.answers import Gone, HeldBack, Status, TryAgain
from stages.opentext.job_status import JobStatus, read_status
from stages.sending.attempts import Answer, Look
from stages.sending.backoff import grown
from stages.sending.fates import closed, is_final, learned
from stages.sending.sendings import Desk, Followed
from stages.stage import CancelTimer, Context, Emit, Outcome, SetTimer, TimerKind

POLL = "poll"


class Following:
    def __init__(self, configuration: Configuration) -> None:
        self._settings = configuration.opentext
        self._pipeline = configuration.kafka.prefix

    def begin(self, desk: Desk, receipt: Receipt, shops: tuple[str, ...], context: Context) -> Iterator[Outcome]:
        """OpenText has it, or, in doubt, may have it: then only a callback can tell."""
        followed = Followed(receipt, context.wall, shops=shops)
        desk.follow(followed)
        yield from self.tell(desk, receipt, context)
        in_doubt = receipt.job_id is None
        yield self._poll(desk, followed, context.wall, self._settings.poll_until if in_doubt else None)

    def tell(self, desk: Desk, receipt: Receipt, context: Context) -> Iterator[Outcome]:
        """The receipt; of a final failure the operators hear too."""
        yield Emit(topics.RECEIPTS, desk.team, receipt, "receipt")
        if receipt.state is SendingState.FAILED:
            failed = SendingFailed(
                shop=self._pipeline,
                subject=f"{self._pipeline}/pipeline",
                occurred=context.now,
                received=context.wall,
                team=receipt.team,
                channel=receipt.channel.value,
                message_id=receipt.message_id,
                detail=receipt.detail or "",
            )
            yield Emit(topics.SIGNALS, failed.subject, failed, "sending-failed")

    def look(self, desk: Desk, message_id: str) -> tuple[Look, ...]:
        followed = desk.followed(message_id)
        if followed is None or followed.receipt.job_id is None:
            return ()
        resource = RESOURCES.get(followed.receipt.channel)
        return () if resource is None else (Look(message_id, resource, followed.receipt.job_id),)

    def looked(self, desk: Desk, message_id: str, answer: Answer | None, context: Context) -> Iterator[Outcome]:
        followed = desk.followed(message_id)
        if followed is None:
            return
        receipt, is_over = followed.receipt, context.wall >= followed.since + self._settings.poll_until
        if isinstance(answer, Status) and (status := read_status(answer.body, receipt.team, message_id)):
            receipt = learned(receipt, status, context.now)
        if isinstance(answer, Gone) and receipt.recipients:
            is_over = True
        if not isinstance(answer, HeldBack):
            followed = replace(followed, polls=followed.polls + 1)
        yield from self._conclude(desk, followed, closed(receipt, context.now) if is_over else receipt, context)
        if is_over:
            desk.unfollow(message_id)
        elif (still := desk.followed(message_id)) is not None:
            asked = answer.after if isinstance(answer, HeldBack | TryAgain) else None
            yield self._poll(desk, still, context.wall, asked)

    def heard(self, desk: Desk, message_id: str, status: JobStatus, context: Context) -> Iterator[Outcome]:
        """From a callback. Nothing where it says nothing new; what was in doubt has a job now, and is asked about."""
        followed = desk.followed(message_id)
        if followed is None or (receipt := learned(followed.receipt, status, context.now)) == followed.receipt:
            return
        yield from self._conclude(desk, followed, receipt, context)
        if followed.receipt.job_id is None and not is_final(receipt):
            yield self._poll(desk, followed, context.wall, None)

    def _conclude(self, desk: Desk, followed: Followed, receipt: Receipt, context: Context) -> Iterator[Outcome]:
        if receipt != followed.receipt:
            yield from self.tell(desk, receipt, context)
        if is_final(receipt):
            desk.unfollow(receipt.message_id)
            yield CancelTimer(desk.team, f"{POLL}/{receipt.message_id}")
        else:
            desk.follow(replace(followed, receipt=receipt))

    def _poll(self, desk: Desk, followed: Followed, wall: datetime, after: timedelta | None) -> SetTimer:
        settings, message_id = self._settings, followed.receipt.message_id
        pause = grown(settings.poll_first, settings.poll_longest, followed.polls, message_id)
        due = min(wall + max(pause, after or pause), max(wall, followed.since + settings.poll_until))
        return SetTimer(desk.team, f"{POLL}/{message_id}", due, TimerKind.RETRY)
