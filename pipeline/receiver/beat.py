"""The receiver's heartbeat: what has not come in is missing only where somebody was there to take it.

One a minute of business time, on every partition of `signals`. Each says since when this receiver has been able to take
deliveries without a break: from its start; anew after it stood still (stopped, or its machine was frozen), and after a
beat that could not be written, since deliveries were refused then too. A beat that could not be written is not made up
for: the gap is what it has to tell. Not noticed: an outage that begins and ends between two beats.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from pipeline.broker import BrokerError
from pipeline.receiver.awaited import AwaitedJobs
from pipeline.receiver.cloudevents import new_trace, of_ours
from pipeline.receiver.intake import Intake
from schemas import topics
from schemas.codec import encode
from schemas.signals import ReceiverBeat

#: By wall time, from round to round: longer than any round that was not held up.
_STOOD_STILL = timedelta(seconds=90)


class Beat:
    """`prefix` is the installation's: it is about `<prefix>/pipeline`. After each beat the jobs that are `awaited`."""

    def __init__(self, intake: Intake, prefix: str, awaited: AwaitedJobs) -> None:
        self._intake = intake
        self._prefix = prefix
        self._awaited = awaited
        self._stepped = asyncio.Event()
        self._up_since: datetime | None = None
        self._last_round: datetime | None = None

    def wake(self) -> None:
        """Business time has stepped: whoever waits for it is told at once that somebody is there."""
        self._stepped.set()

    async def run(self) -> None:
        """Until cancelled, from when deliveries can be taken."""
        while True:
            self._stepped.clear()
            await self._round()
            await self._awaited.round()
            await self._rest()

    async def _round(self) -> None:
        now, wall = self._intake.clock.now(), self._intake.clock.wall()
        stood_still = self._last_round is not None and wall - self._last_round > _STOOD_STILL
        if self._up_since is None or stood_still:
            self._up_since = now
        self._last_round = wall
        try:
            async with asyncio.timeout(self._intake.bounds.answer_seconds):
                await self._say(ReceiverBeat(self._prefix, f"{self._prefix}/pipeline", now, wall, self._up_since))
        except (BrokerError, TimeoutError) as error:
            self._up_since = None
            self._intake.log.warning("no heartbeat could be written", reason=str(error) or "no answer in time")

    async def _say(self, beat: ReceiverBeat) -> None:
        headers = of_ours("receiver-beat", self._intake.clock, new_trace())
        await self._intake.put_everywhere(topics.SIGNALS, beat.subject, encode(beat), headers)

    async def _rest(self) -> None:
        """Business time passes as wall time does, except for its steps."""
        try:
            async with asyncio.timeout(self._intake.bounds.beat_seconds):
                await self._stepped.wait()
        except TimeoutError:
            return
