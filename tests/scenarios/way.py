"""What the way does to deliveries: some come twice, out of order, or hours late. Worlds and signals keep their time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from tests.scenarios.steps import Gap, Step, Webhook

Way = Callable[[Sequence[Step], Random], list[Step]]


def straight(steps: Sequence[Step], chance: Random) -> list[Step]:
    return list(steps)


def doubled(steps: Sequence[Step], chance: Random) -> list[Step]:
    """Each once more within the hour, as Shopify sends it when it had no answer: the same delivery."""
    again = [replace(step, at=_later(step, chance, 1)) for step in steps if isinstance(step.act, Webhook)]
    return [*steps, *again]


def subscribed_twice(steps: Sequence[Step], chance: Random) -> list[Step]:
    """Each by two subscriptions, but for those of the law, which nobody can subscribe to twice: the same body under
    another delivery id, seconds later."""
    again = [
        Step(step.at + timedelta(seconds=chance.uniform(0.1, 9)), replace(step.act, delivery_id=f"{n}-again"))
        for n, step in enumerate(steps)
        if isinstance(step.act, Webhook) and not step.act.topic.startswith("customers/")
    ]
    return [*steps, *again]


def shuffled(steps: Sequence[Step], chance: Random) -> list[Step]:
    """Within an hour."""
    return [replace(step, at=_later(step, chance, 1)) if isinstance(step.act, Webhook) else step for step in steps]


def delayed(steps: Sequence[Step], chance: Random) -> list[Step]:
    """Every third by up to four hours."""
    return [
        replace(step, at=_later(step, chance, 4)) if isinstance(step.act, Webhook) and chance.random() < 1 / 3 else step
        for step in steps
    ]


def missed(steps: Sequence[Step], chance: Random, gap: Gap) -> list[Step]:
    """What is sent while no receiver is there comes within four hours after one is."""
    return [
        replace(step, at=gap.end + timedelta(milliseconds=chance.randrange(4 * 3_600_000)))
        if isinstance(step.act, Webhook) and gap.begin <= step.at < gap.end
        else step
        for step in steps
    ]


def _later(step: Step, chance: Random, hours: float) -> datetime:
    return step.at + timedelta(milliseconds=chance.randrange(round(hours * 3_600_000)))


WAYS: Mapping[str, Way] = {
    "straight": straight,
    "doubled": doubled,
    "subscribed twice": subscribed_twice,
    "shuffled": shuffled,
    "delayed": delayed,
}
