"""What `dispatch` asks of the account, and who may do it.

Where a repeat could send twice, an attempt is armed first and needs its permit, which only this process's memory
holds, once: whoever finds an armed attempt without a permit took it over and must not make it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from stages.channels.submission import Submission
from stages.opentext.answers import StatusAnswer, SubmitAnswer


class Account(Protocol):
    """OpenText, as `dispatch` needs it. Never raises for a broken world; bounded by its own timeout."""

    async def submit(self, submission: Submission, message_id: str, trace: str | None = None) -> SubmitAnswer: ...

    async def status(self, resource: str, job_id: str) -> StatusAnswer: ...


class Arm(Struct, frozen=True):
    message_id: str
    attempt: int


class Send(Struct, frozen=True):
    """`permit`: the armed attempt that this is, None where repeats are safe."""

    message_id: str
    submission: Submission
    trace: str | None = None
    permit: Arm | None = None


class Look(Struct, frozen=True):
    message_id: str
    resource: str
    job_id: str


Request = Arm | Send | Look


@dataclass(frozen=True, slots=True)
class Armed:
    """The permit is here; the attempt may be made once that is committed."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Armed by somebody else, or by us in an earlier life: it may have been made."""


Answer = SubmitAnswer | StatusAnswer | Armed | TakenOver


class Attempts:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._permits: set[Arm] = set()

    async def perform(self, request: Request) -> Answer:
        match request:
            case Arm():
                self._permits.add(request)
                return Armed()
            case Look(_, resource, job_id):
                return await self._account.status(resource, job_id)
            case Send(message_id, submission, trace, permit):
                if permit is not None:
                    if permit not in self._permits:
                        return TakenOver()
                    self._permits.discard(permit)
                return await self._account.submit(submission, message_id, trace)
