"""What happens on the day: the world changes, a webhook is sent, a job reports; and how a story writes it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import orjson

from pipeline.simulators.shopify.graph import Thing, gid
from schemas import subjects
from schemas.configuration import Configuration, Rules
from schemas.signals import AnySignal
from tests.scenarios.shops import EACH, FIRST

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    story: int
    things: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Webhook:
    """`label` names it in its story. `occurred`: when Shopify triggered it. With a `resource`, the gid of what it is
    about, it is a next-generation Event, whose topic is written `Order/update`."""

    story: int
    label: str
    shop: str
    topic: str
    body: bytes
    delivery_id: str
    event_id: str
    occurred: datetime
    test: bool = False
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Signalled:
    signal: AnySignal


@dataclass(frozen=True, slots=True)
class Gap:
    """No receiver is there. What Shopify could not deliver comes afterwards, within its four hours."""

    begin: datetime
    end: datetime

    def missed(self, now: datetime) -> datetime | None:
        """Until when something may still come of what was missed; that may be past."""
        return self.end + timedelta(hours=4, minutes=15) if self.begin < self.end <= now else None


NO_GAP = Gap(NEVER, datetime.min.replace(tzinfo=UTC))

Act = Change | Webhook | Signalled


@dataclass(frozen=True, slots=True)
class Step:
    """`at`: when the world changes, when the signal is there, when the webhook arrives."""

    at: datetime
    act: Act


@dataclass
class Plot:
    """Where a story writes down what happens. Its moments are whole seconds, as those of Shopify's bodies are."""

    index: int
    start: datetime
    chance: Random
    whole: Configuration
    shop: str
    steps: list[Step] = field(default_factory=list)

    @property
    def rules(self) -> Rules:
        return self.whole.rules

    def number(self, which: int = 0) -> int:
        return FIRST + self.index * EACH + which

    def order(self) -> str:
        return subjects.order(self.shop, self.number())

    def after(self, low: float, high: float, since: datetime | None = None) -> datetime:
        """Some minutes after the start, or after `since`: never within a minute of a whole quarter of an hour, so that
        nothing is decided by seconds that no deadline means."""
        seconds = round(self.chance.uniform(low, high) * 60)
        return (since or self.start) + timedelta(seconds=seconds)

    def change(self, at: datetime, *things: Thing) -> None:
        self.steps.append(Step(at, Change(self.index, things)))

    def webhook(  # noqa: PLR0913 - a delivery has that many parts, and a story names those that it is about
        self,
        at: datetime,
        topic: str,
        body: Mapping[str, object],
        label: str,
        *,
        arrives: datetime | None = None,
        test: bool = False,
        event: str | None = None,
        resource: str = "",
    ) -> None:
        occurred = at + timedelta(milliseconds=self.chance.randrange(50, 900))
        sent = Webhook(
            story=self.index,
            label=label,
            shop=self.shop,
            topic=topic,
            body=orjson.dumps(body),
            delivery_id=self.identity(),
            event_id=event or self.identity(),
            occurred=occurred,
            test=test,
            resource=resource,
        )
        self.steps.append(Step((arrives or occurred) + timedelta(milliseconds=self.chance.randrange(100, 2000)), sent))

    def event(self, at: datetime, topic: str, number: int, label: str) -> None:
        """A next-generation Event, which says of what it is and no more; `topic` like `Order/update`."""
        self.webhook(at, topic, {"fields_changed": []}, label, resource=gid(topic.partition("/")[0], number))

    def occurred(self, label: str) -> datetime:
        """When Shopify triggered it; NEVER where it did not happen."""
        return next(
            (it.occurred for step in self.steps if isinstance(it := step.act, Webhook) and it.label == label), NEVER
        )

    def identity(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def signal(self, at: datetime, signal: AnySignal) -> None:
        self.steps.append(Step(at, Signalled(signal)))


@dataclass(frozen=True, slots=True)
class Seen:
    """When each delivery of a story first arrived, by its label; what arrived after the day never did."""

    arrivals: Mapping[str, datetime]
    end: datetime

    def first(self, *labels: str) -> datetime:
        return min((self.arrivals.get(label, NEVER) for label in labels), default=NEVER)

    def moments(self, *labels: str) -> list[tuple[datetime, str]]:
        """In order of arrival."""
        return sorted((at, label) for label, at in self.arrivals.items() if not labels or label in labels)
