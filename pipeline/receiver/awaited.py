"""Which jobs are awaited: of one that has never reported anything, nobody else would tell that it is missing.

Said of each job once in an hour of business time, to the task that has its subject: again and again, so that a stage
which takes over a configuration later than the receiver hears of it, and so that it is not forgotten. What could not be
written is said in the next round.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from pipeline.broker import BrokerError
from pipeline.receiver.cloudevents import new_trace, of_ours
from pipeline.receiver.intake import Intake
from pipeline.receiver.signatures import Credentials
from schemas import subjects, topics
from schemas.codec import encode
from schemas.signals import JobAwaited


class AwaitedJobs:
    def __init__(self, intake: Intake, credentials: Credentials) -> None:
        self._intake = intake
        self._credentials = credentials
        self._hour: datetime | None = None
        self._said: set[str] = set()

    async def round(self) -> None:
        """Says what has not been said in this hour. Bounded, and raises nothing of the broker's."""
        hour = self._intake.clock.now().replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._said = hour, set()
        try:
            async with asyncio.timeout(self._intake.bounds.answer_seconds):
                for subject in self._credentials.awaited:
                    if subject not in self._said:
                        await self._say(subject)
                        self._said.add(subject)
        except (BrokerError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            self._intake.log.warning("not all jobs that are awaited could be written", reason=reason)

    async def _say(self, subject: str) -> None:
        now, wall = self._intake.clock.now(), self._intake.clock.wall()
        signal = JobAwaited(subjects.shop_of(subject), subject, now, wall)
        headers = of_ours("job-awaited", self._intake.clock, new_trace())
        await self._intake.put(topics.SIGNALS, subject, encode(signal), headers)
