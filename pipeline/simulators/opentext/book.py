"""The jobs that a simulated OpenText knows, in memory: the newest `keep` of them.

A repeated message id of one account is the first job again and creates nothing (documented for SOAP, assumed for REST);
the same id from another account is refused.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final

from msgspec import convert

from pipeline.simulators.opentext.jobs import Delays, Failing, Job, Medium, Message
from pipeline.simulators.opentext.requests import Submit, Unacceptable, WhatsappTemplate

#: The job that one of OpenText's collections asks for without having submitted it.
DOCUMENTED_JOB: Final = "xsi-99999999"


class JobBook:
    def __init__(self, delays: Delays, failing: tuple[Failing, ...], keep: int, now: Callable[[], datetime]) -> None:
        self.now = now
        self._delays = delays
        self._failing = failing
        self._keep = keep
        self._numbered = 0
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._by_message_id: dict[str, Job] = {}

    def take(self, account: str, medium: Medium, submit: Submit, headers: dict[str, str]) -> Job:
        """A new job, or the first one with its message id. Raises Unacceptable."""
        message_id = submit.options.message_id
        known = self._by_message_id.get(message_id or "")
        if known is not None:
            if known.account != account:
                raise Unacceptable("message_id is another account's (2051)")
            known.repeats += 1
            return known
        self._numbered += 1
        job = Job(
            f"xsi-{self._numbered:07d}", medium, account, submit, self.now(), self._delays, self._failing, headers
        )
        self._jobs[job.id] = job
        if message_id:
            self._by_message_id[message_id] = job
        if len(self._jobs) > self._keep:
            _, oldest = self._jobs.popitem(last=False)
            self._by_message_id.pop(oldest.submit.options.message_id or "", None)
        return job

    def find(self, name: str, medium: Medium) -> Job | None:
        if name == DOCUMENTED_JOB:
            return self._documented()
        job = self._jobs.get(name)
        return job if job is not None and job.medium is medium else None

    def messages(self, newest: int | None = None) -> tuple[Message, ...]:
        """What was received, oldest first; with `newest` only so many."""
        now = self.now()
        jobs = list(self._jobs.values())
        return tuple(job.message(now) for job in (jobs if newest is None else jobs[-newest:]))

    @property
    def count(self) -> int:
        return len(self._jobs)

    def forget(self) -> None:
        """As after the retention: no job and no message id is known any more."""
        self._jobs.clear()
        self._by_message_id.clear()

    def _documented(self) -> Job:
        template = {
            "template_message": {"channel_template": {"WHATSAPP": {"template_id": "util_1", "language_code": "en"}}}
        }
        submit = convert(
            {"destinations": [{"whatsapp": "9999999999"}], "whatsapp_template_message": template}, WhatsappTemplate
        )
        return Job(DOCUMENTED_JOB, Medium.WHATSAPP, "", submit, self.now(), Delays(0, 0, 0, 0), ())
