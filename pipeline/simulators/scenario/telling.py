"""How a story is told: minutes of the day become moments, bodies become deliveries, and every id is new."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Final
from uuid import UUID

import orjson

from pipeline.simulators.samples import Json
from pipeline.simulators.scenario.steps import Change, JobReport, PaymentReport, Step
from pipeline.simulators.shopify.deliveries import Delivery
from pipeline.simulators.shopify.graph import Thing

#: The shop's own offset, in which Shopify writes most times of a body.
_OFFSET: Final = timezone(timedelta(hours=-5))
_FIRST_NUMBER: Final = 6_000_000_000_000


@dataclass
class Telling:
    """One day from `start` on. Numbers grow with the time, so that no two days share an id."""

    shop: str
    start: datetime
    chance: Random
    steps: list[Step] = field(default_factory=list)
    use_case: int = 0
    _told: int = 0

    def moment(self, minute: float) -> datetime:
        return self.start + timedelta(minutes=minute)

    def stamp(self, minute: float) -> str:
        return stamp(self.moment(minute))

    def number(self) -> int:
        """Of an order, a refund, ...: thirteen digits, as Shopify's are."""
        self._told += 1
        return _FIRST_NUMBER + int(self.start.timestamp()) * 100 + self._told * 7

    def action(self) -> str:
        """The id of one of the merchant's actions, which all of its deliveries share."""
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def webhook(  # noqa: PLR0913 - what arrives, what it says and when, and the two ways in which it may be unusual
        self,
        minute: float,
        topic: str,
        body: Json,
        why: str,
        *,
        arrives: float | None = None,
        event: str | None = None,
        test: bool = False,
    ) -> None:
        """`arrives`: the minute of its arrival, where that is later than what it tells of."""
        delivery = Delivery(
            topic=topic,
            body=orjson.dumps(body),
            shop=self.shop,
            webhook_id=self.action(),
            event_id=event or self.action(),
            triggered_at=self.moment(minute) + timedelta(milliseconds=self.chance.randrange(50, 900)),
            test=test,
        )
        self._say(minute if arrives is None else arrives, delivery, why)

    def change(self, minute: float, *things: Thing) -> None:
        self._say(minute, Change(things), "the shop knows it")

    def job(self, minute: float, name: str, phase: str, why: str, message: str | None = None) -> None:
        self._say(minute, JobReport(self.shop, name, phase, message), why)

    def payment_failed(self, minute: float, token: str, error: str, why: str) -> None:
        self._say(minute, PaymentReport(self.shop, token, error), why)

    def _say(self, minute: float, act: Delivery | Change | JobReport | PaymentReport, why: str) -> None:
        self.steps.append(Step(self.moment(minute), self.use_case, act, why))


def stamp(at: datetime) -> str:
    return at.astimezone(_OFFSET).isoformat(timespec="seconds")
