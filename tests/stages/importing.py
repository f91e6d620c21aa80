"""An import of stock, from `deduplicate` to `group`, in transactions as large as the runner's: what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from pipeline.state import Change, Memory, View
from schemas import codec, subjects, topics
from schemas.events import Event, Source
from schemas.facts.stock import InventoryFacts, Item, Level, SoldFacts
from schemas.facts.table import AnyFacts
from schemas.notifications import Notification
from schemas.records import Record
from stages.classify import Classify
from stages.deduplicate import Deduplicate
from stages.group import Group
from stages.stage import CancelTimer, Context, Emit, Outcome, SetTimer, Timer, Work
from tests.stages.rules.world import SHOP, START, configuration

_TRANSACTION = 500
_NEXT = {topics.UNIQUE: "classify", topics.ALERTS: "group"}


def item(number: int, available: int) -> Item:
    return Item(
        id=number,
        sku=f"SKU-{number}",
        tracked=True,
        product="Linen shirt",
        product_id=number + 1,
        product_status="active",
        vendor="Weavers",
        policy="deny",
        available=available,
        levels=(Level(1, "Berlin", available - 1), Level(2, "Oslo", 1)),
    )


def reading(number: int, available: int, second: int) -> Event:
    facts = InventoryFacts(item_id=number, location_id=1, available=available, item=item(number, available))
    return _event("inventory_levels/update", number, facts, second, f"{number}/{second}")


def sale(number: int, order: int, second: int) -> Event:
    at = START + timedelta(seconds=second)
    return _event("orders/create", number, SoldFacts(order_id=order, placed=at, units=1), second, f"order/{order}")


def _event(kind: str, number: int, facts: AnyFacts, second: int, delivery: str) -> Event:
    subject, at = subjects.inventory(SHOP, number), START + timedelta(seconds=second)
    return Event(kind, SHOP, subject, subject, at, at, delivery, Source.WEBHOOK, facts, updated=at)


class Import:
    """`sent` is what was told of it. Time goes with the events."""

    def __init__(self) -> None:
        whole = configuration()
        self.stages: dict[str, Any] = {"deduplicate": Deduplicate(), "classify": Classify(whole), "group": Group(whole)}
        self.memories = {name: Memory(stage.families) for name, stage in self.stages.items()}
        self.sent: list[Notification] = []
        self._now = START
        self._timers: dict[tuple[str, str, str], Timer] = {}

    def play(self, events: Iterable[Event]) -> None:
        works: list[Work] = []
        for event in events:
            self._now = max(self._now, event.occurred)
            works.append(_record(topics.ENRICHED, event.subject, event))
            if len(works) == _TRANSACTION:
                self._settle("deduplicate", works)
                works = []
        self._settle("deduplicate", works)

    def passes(self, by: timedelta) -> None:
        self._now += by
        while due := [key for key, timer in self._timers.items() if timer.due <= self._now]:
            for key in due:
                self._settle(key[0], [self._timers.pop(key)])

    def largest(self, stage: str) -> int:
        """Of all that the stage remembers, in bytes."""
        memory = self.memories[stage]
        return max(len(value) for family in self.stages[stage].families for _, value in memory.items(family.name))

    def _settle(self, name: str, works: Iterable[Work]) -> None:
        """One transaction, and those of the stages behind it that it makes."""
        transaction, out = Change(), dict[str, list[Work]]()
        for work in works:
            view = View(self.memories[name], transaction, self._now)
            for outcome in self.stages[name].process(work, Context(view, self._now, self._now)):
                for stage, record in self._carried_out(name, outcome):
                    out.setdefault(stage, []).append(record)
            transaction.absorb(view.change)
        self.memories[name].apply(transaction)
        for stage, records in out.items():
            self._settle(stage, records)

    def _carried_out(self, name: str, outcome: Outcome) -> Iterator[tuple[str, Record]]:
        match outcome:
            case Emit(_, _, Notification() as told, _):
                self.sent.append(told)
            case Emit(topic, key, value, _):
                yield _NEXT[topic], _record(topic, key, value)
            case SetTimer(routing, timer, due, kind):
                self._timers[name, routing, timer] = Timer(routing, timer, due, kind)
            case CancelTimer(routing, timer):
                self._timers.pop((name, routing, timer), None)


def _record(topic: str, key: str, value: Any) -> Record:
    return Record(topic, 0, 0, 0, key.encode(), codec.encode(value))
