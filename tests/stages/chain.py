"""Real webhook bodies through `enrich`, `deduplicate` and `classify`, one after the other, with a simulated Shopify.

Time stands still until it is let pass; a timer fires at its moment. Of what is parked the wait is let pass at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import orjson

from pipeline.demo.company import SHOP, company
from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.sales import Sale
from pipeline.simulators.scenario.shelf import CHAIR
from pipeline.simulators.shopify.graph import MoneyV2, gid
from pipeline.simulators.shopify.orders import FulfillmentHold
from pipeline.simulators.shopify.people import Customer
from pipeline.simulators.shopify.store import Store
from pipeline.state import Change, Memory, View
from schemas import codec, topics
from schemas.alerts import Alert
from schemas.configuration import Configuration
from schemas.records import Record
from schemas.resources import raw_key
from stages.classify import Classify
from stages.deduplicate import Deduplicate
from stages.enrich import Enrich
from stages.stage import Ask, CancelTimer, Context, Emit, Outcome, Retry, SetTimer, Timer, Work
from tests.stages.shopify.at_once import StoredShopify

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
_NEXT = {topics.ENRICHED: "deduplicate", topics.UNIQUE: "classify", topics.SIGNALS: "classify"}


class Chain:
    def __init__(self, whole: Configuration | None = None, *, access: bool = True) -> None:
        self.now = START
        self.store = Store(SHOP)
        self.alerts: list[Alert] = []
        whole = whole or company("http://shopify.example.com", "http://opentext.example.com", "demo")
        self._enrich = Enrich(whole, StoredShopify(self.store, *([SHOP] if access else [])), b"key")
        pure = {"deduplicate": Deduplicate(), "classify": Classify(whole)}
        self._stages: dict[str, Any] = {"enrich": self._enrich, **pure}
        self._memories = {name: Memory(stage.families) for name, stage in self._stages.items()}
        self._timers: dict[tuple[str, str, str], Timer] = {}
        self._numbers = count(1)

    # --- what arrives -----------------------------------------------------------------------------------------------

    def webhook(self, topic: str, body: Json, occurred: datetime | None = None) -> list[Alert]:
        """Delivers a body that happened at `occurred`, by default now; the alerts that it raised."""
        return self._delivered(topic, body, {"ce_time": (occurred or self.now).isoformat()})

    def order_event(self, number: int) -> list[Alert]:
        """Delivers a next-generation Event of an order: it names the order, and says nothing of it."""
        named = {"shopify-topic": "Order", "shopify-resource-id": gid("Order", number)}
        return self._delivered("orders/updated", {"id": number}, named | {"ce_time": self.now.isoformat()})

    def event(self, topic: str, name: str) -> list[Alert]:
        """Delivers a next-generation Event of any other thing, by its gid; it says nothing of it."""
        named = {"shopify-topic": topic, "shopify-resource-id": name}
        return self._delivered(f"{topic}/update", {}, named | {"ce_time": self.now.isoformat()}, name)

    def _delivered(self, topic: str, body: Json, own: Mapping[str, str], name: str = "") -> list[Alert]:
        before, written, delivery = len(self.alerts), orjson.dumps(body), f"delivery-{next(self._numbers)}"
        raw = raw_key(SHOP, topic, written, delivery, name)
        headers = {"ce_type": topic, "ce_id": delivery, "ce_source": f"//{SHOP}", "received": self.now.isoformat()}
        told = tuple((name, text.encode()) for name, text in (headers | dict(own)).items())
        self._work("enrich", Record(f"shopify.{raw.domain}", 0, 0, 0, raw.key.encode(), written, told))
        return self.alerts[before:]

    def passes(self, **by: float) -> list[Alert]:
        until, before = self.now + timedelta(**by), len(self.alerts)
        while due := sorted((t.due, key) for key, t in self._timers.items() if t.due <= until):
            timer = self._timers.pop(due[0][1])
            self.now = max(self.now, timer.due)
            self._work(due[0][1][0], timer)
        self.now = max(self.now, until)
        return self.alerts[before:]

    @property
    def open(self) -> set[str]:
        """The rules of which an alert has not ended."""
        newest = {alert.id: alert for alert in self.alerts if not alert.milestone}
        return {alert.rule for alert in newest.values() if not alert.state.is_end}

    # --- how it goes on ---------------------------------------------------------------------------------------------

    def _work(self, name: str, work: Work, parked_since: datetime | None = None) -> None:
        wall = self.now
        view = View(self._memories[name], Change(), self.now)
        context = Context(view, self.now, wall, {}, parked_since)
        try:
            if name == "enrich":
                context = replace(context, answers=asyncio.run(self._asked(work, context)))
            outcomes = list(self._stages[name].process(work, context))
        except Retry as retry:
            self.now += retry.after
            self._work(name, work, parked_since or wall)
            return
        self._memories[name].apply(view.change)
        self._carry_out(name, outcomes)

    async def _asked(self, work: Work, context: Context) -> Mapping[Any, Any]:
        return {lookup: await self._enrich.perform(lookup) for lookup in self._enrich.plan(work, context)}

    def _carry_out(self, name: str, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            match outcome:
                case Emit(_, _, Alert() as alert, _):
                    self.alerts.append(alert)
                case Emit(topic, key, value, _):
                    self._work(_NEXT[topic], Record(topic, 0, 0, 0, key.encode(), codec.encode(value)))
                case Ask(question):
                    asked = codec.encode(question)
                    self._work("enrich", Record(topics.QUESTIONS, 0, 0, 0, question.subject.encode(), asked))
                case SetTimer(routing, timer, due, kind):
                    self._timers[name, routing, timer] = Timer(routing, timer, due, kind)
                case CancelTimer(routing, timer):
                    self._timers.pop((name, routing, timer), None)


# --- what is told of -------------------------------------------------------------------------------------------------


def bought(**changed: Any) -> Sale:
    return replace(Sale(5_000_000_000_001, "#2001", START, START, CHAIR), **changed)


def known(chain: Chain, sale: Sale, *holds: FulfillmentHold) -> Sale:
    spent = MoneyV2(amount=Decimal("300.00"))
    buyer = Customer(id=gid("Customer", sale.customer), number_of_orders="3", amount_spent=spent)
    chain.store.put(sale.thing(), sale.to_be_shipped(sale.created, *holds), buyer)
    return sale


def told(chain: Chain, topic: str, sale: Sale) -> list[Alert]:
    """The order as it is now: the shop knows it, and a webhook tells of it."""
    return chain.webhook(topic, known(chain, replace(sale, updated=chain.now)).body())


def parcel(sale: Sale, **changed: object) -> Json:
    at = START.isoformat()
    own = {"order_id": sale.number, "name": f"{sale.name}.1", "status": "success", "line_items": [sale.line()]}
    return sample("fulfillments/create") | own | {"created_at": at, "updated_at": at} | changed


def scan(sale: Sale, status: str) -> Json:
    own = {"order_id": sale.number, "status": status, "happened_at": START.isoformat()}
    return sample("fulfillment_events/create") | own


def returned(sale: Sale, status: str) -> Json:
    return sample("returns/approve") | {
        "id": 7001,
        "name": f"{sale.name}-R1",
        "status": status,
        "order": {"id": sale.number, "admin_graphql_api_id": gid("Order", sale.number)},
    }
