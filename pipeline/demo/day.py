"""The day, played: the clock steps to the next delivery or timer, whichever is first, once the chain stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from pipeline.app import Pipeline
from pipeline.clock import SteppingClock
from pipeline.simulators.scenario import Player, Step
from pipeline.simulators.scenario.steps import Change

_LOOKS_EVERY = 0.004
_STANDS_STILL_WITHIN = 60.0


class NotStill(Exception):
    """The chain does not come to rest: something is retried for ever, or has stopped."""


class Day:
    """`speed`: virtual seconds that pass in a real one, None for as fast as the chain can."""

    def __init__(self, pipeline: Pipeline, clock: SteppingClock, player: Player, speed: float | None) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._player = player
        self._speed = speed

    async def play(self, steps: Sequence[Step], end: datetime) -> int:
        """Returns how many deliveries were posted. Raises NotStill, and ConnectionError where one was not taken."""
        posted = 0
        await self._still()
        for step in steps:
            await self._until(step.at)
            outcome = await self._player.play(step)
            if outcome is not None:
                posted += 1
                if not outcome.taken:
                    raise ConnectionError(f"the receiver did not take a delivery: {outcome.statuses}")
            if not isinstance(step.act, Change):
                await self._still()
        await self._until(end)
        return posted

    async def _until(self, moment: datetime) -> None:
        """Timers that fall due on the way fire at their time."""
        while (due := self._pipeline.next_business_timer()) is not None and due <= moment:
            await self._step_to(due)
        await self._step_to(moment)

    async def _step_to(self, moment: datetime) -> None:
        ahead = (moment - self._clock.now()).total_seconds()
        if self._speed is not None and ahead > 0:
            await asyncio.sleep(ahead / self._speed)
        self._clock.step_to(moment)
        self._pipeline.wake()
        await self._still()

    async def _still(self) -> None:
        try:
            async with asyncio.timeout(_STANDS_STILL_WITHIN):
                while True:
                    if await self._is_still():
                        return
                    await asyncio.sleep(_LOOKS_EVERY)
        except TimeoutError:
            problems = self._pipeline.readiness()[1]["problems"]
            raise NotStill(f"the chain does not come to rest; {'; '.join(problems) or 'every task runs'}") from None

    async def _is_still(self) -> bool:
        due = self._pipeline.next_business_timer()
        return (due is None or due > self._clock.now()) and await self._pipeline.is_still()
