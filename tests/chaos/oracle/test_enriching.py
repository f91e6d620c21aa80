"""`enrich`, done again from the raw bytes: what it said of Shopify must be so, or be said to be unknown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pytest
from msgspec import structs

from pipeline.clients import card_key
from pipeline.settings import Secrets, load
from pipeline.simulators.scenario.shelf import SHIRT, customers
from pipeline.simulators.shopify import Store
from pipeline.simulators.shopify.graph import gid, link
from pipeline.simulators.shopify.stock import InventoryItem, Product, ProductVariant
from schemas import codec, topics
from schemas.configuration import AdminAccess, Configuration, Secret
from schemas.events import Event
from schemas.facts.orders import OrderFacts
from schemas.facts.payments import CheckoutFacts
from schemas.questions import Question, QuestionKind
from schemas.records import Record
from stages.shopify.answers import Answer, Unavailable
from stages.shopify.operations import Nodes, Operation
from tests.chaos.oracle import enriching
from tests.chaos.oracle.enriching import Enriching
from tests.chaos.oracle.findings import Finding, Promise, Sheet
from tests.chaos.oracle.log import Log, at
from tests.chaos.oracle.tampering import lost, of_records, put, with_header
from tests.chaos.oracle.world import Played, answer_of, log_of
from tests.stages import asking
from tests.stages.asking import SHOP, ToldShopify
from tests.stages.chain import START, bought
from tests.stages.shopify.at_once import StoredShopify

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
OPEN_SHOP = structs.replace(asking.CONFIGURATION.shops[0], admin=AdminAccess(token=Secret(env="T")))
CONFIGURATION: Configuration = structs.replace(asking.CONFIGURATION, shops=(OPEN_SHOP, asking.CONFIGURATION.shops[1]))


def findings(log: Log, again: Enriching) -> tuple[list[Finding], Sheet]:
    sheet = Sheet()
    asyncio.run(enriching.check(sheet, log, again))
    return sheet.findings, sheet


def again(store: Store) -> Enriching:
    return Enriching(CONFIGURATION, lambda text, variables: {"data": answer_of(store, text, variables)}, b"key")


def changed(record: Record, change: Callable[[Event], Event]) -> Record:
    return structs.replace(record, value=codec.encode(change(codec.decode(record, Event))))


# --- a whole day -----------------------------------------------------------------------------------------------------


@pytest.fixture
def by_truth(day: Played) -> Enriching:
    configuration = load(day.evidence.configuration)
    return Enriching(configuration, day.evidence.truth, card_key(configuration, Secrets(day.evidence.secrets)))


def test_a_good_day_says_what_is_true(log: Log, by_truth: Enriching) -> None:
    found, sheet = findings(log, by_truth)
    assert found == []
    assert sheet.compared["records, enriched again"] > 100


def an_order(log: Log) -> Record:
    """Whose customer was looked up."""
    return next(
        record
        for _, record in of_records(log, topics.ENRICHED)
        if isinstance(facts := codec.decode(record, Event).facts, OrderFacts) and facts.customer is not None
    )


def test_a_fact_that_is_not_the_truths_is_found(log: Log, by_truth: Enriching) -> None:
    record = an_order(log)

    def richer(event: Event) -> Event:
        assert isinstance(event.facts, OrderFacts)
        assert event.facts.customer is not None
        customer = structs.replace(event.facts.customer, orders=999)
        return structs.replace(event, facts=structs.replace(event.facts, customer=customer))

    found, _ = findings(put(log, changed(record, richer)), by_truth)
    assert [(one.promise, one.where) for one in found] == [(Promise.RIGHT, at(record))]


def test_a_fact_that_is_missing_is_found_unless_it_says_so(log: Log, by_truth: Enriching) -> None:
    record = an_order(log)

    def poorer(event: Event) -> Event:
        assert isinstance(event.facts, OrderFacts)
        return structs.replace(event, facts=structs.replace(event.facts, customer=None))

    def honest(event: Event) -> Event:
        return structs.replace(poorer(event), incomplete=("customer",))

    found, _ = findings(put(log, changed(record, poorer)), by_truth)
    assert [(one.promise, one.where) for one in found] == [(Promise.RIGHT, at(record))]
    found, sheet = findings(put(log, changed(record, honest)), by_truth)
    assert found == []
    assert sheet.seen["facts that were not known in time"] == 1


def test_an_event_about_another_subject_is_found(log: Log, by_truth: Enriching) -> None:
    record = an_order(log)
    found, _ = findings(put(log, changed(record, lambda event: structs.replace(event, subject="a/b/c"))), by_truth)
    assert [(one.promise, one.where) for one in found] == [(Promise.RIGHT, at(record))]


def test_an_event_that_is_not_told_to_its_other_subject_is_found(log: Log, by_truth: Enriching) -> None:
    told = [record for _, record in of_records(log, topics.ENRICHED)]
    copy = next(
        record
        for record in told
        if isinstance(facts := codec.decode(record, Event).facts, CheckoutFacts) and facts.from_order
    )
    found, _ = findings(lost(log, copy), by_truth)
    assert {one.promise for one in found} == {Promise.RIGHT}
    assert "it must be" in found[0].says


def test_an_event_under_another_type_or_trace_is_found(log: Log, by_truth: Enriching) -> None:
    record = an_order(log)
    for header in ("ce_type", "traceparent"):
        found, _ = findings(put(log, with_header(record, header, "another")), by_truth)
        assert [(one.promise, one.where) for one in found] == [(Promise.RIGHT, at(record))]


# --- facts that came late --------------------------------------------------------------------------------------------


class Recovering(ToldShopify):
    """Says the truth, but for the operations that are `down`."""

    def __init__(self, store: Store) -> None:
        super().__init__(SHOP)
        self.down: set[str] = set()
        self._true = StoredShopify(store, SHOP)

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        return Unavailable("down") if operation.name in self.down else self._true.says(operation, variables)

    def says_of(self, operation: Operation[Nodes[Any]], gid: str) -> Answer[Any]:
        return Unavailable("down") if operation.name in self.down else self._true.says_of(operation, gid)


@dataclass
class Outage:
    """An order whose customer and address were not known in time: each came later, one after the other."""

    log: Log
    store: Store


@asynccontextmanager
async def going_on(store: Store, *down: str) -> AsyncIterator[asking.Enriching]:
    world = await asking.enriching()
    shopify = Recovering(store)
    shopify.down.update(down)
    world.shopify = shopify
    async with world.running():
        yield world


def shop_with_an_order() -> tuple[Store, bytes]:
    store, sale = Store(SHOP), bought()
    store.put(sale.thing(), sale.to_be_shipped(sale.created), *customers())
    return store, orjson.dumps(sale.body())


@pytest.fixture(scope="module")
def outage() -> Outage:
    return asyncio.run(_outage())


async def _outage() -> Outage:
    store, body = shop_with_an_order()
    async with going_on(store, "Customer", "OrderAddress") as world:
        await world.deliver("orders/create", body=body)
        await world.parked(1)
        await world.pass_time(30 * SECOND)
        await world.come(1)
        for number, operation in ((2, "Customer"), (3, "OrderAddress")):
            world.shopify.down.remove(operation)  # type: ignore[attr-defined]
            await world.pass_time(HOUR)
            await world.come(number)
        subject = (await world.events())[0].subject
        await world.ask(Question("q", QuestionKind.ORDER, SHOP, subject, "", START))
        await world.come(4)
        await world.settled()
        return Outage(await log_of(world.world.broker), store)


def answers(log: Log) -> list[Record]:
    return [record for record in log.of(topics.ENRICHED) if record.header("ce_type") == "answer.facts"]


def test_facts_that_come_late_are_made_again(outage: Outage) -> None:
    assert len(answers(outage.log)) == 2
    found, sheet = findings(outage.log, again(outage.store))
    assert found == []
    assert sheet.compared == {"records, enriched again": 2, "answers with facts, made again": 2}
    assert sheet.seen["facts that were not known in time"] == 2


def test_an_order_that_could_not_tell_its_items_is_no_finding() -> None:
    store, body = shop_with_an_order()
    product, item = link("Product", SHIRT.product), link("InventoryItem", SHIRT.item)
    store.put(
        ProductVariant(id=gid("ProductVariant", SHIRT.variant), display_name="M", product=product, inventory_item=item),
        InventoryItem(id=item.to, updated_at=START),
        Product(id=product.to, title=SHIRT.title),
    )
    lines = [{"id": 1, "variant_id": SHIRT.variant, "quantity": 2}]

    found, sheet = findings(asyncio.run(_told_later(store, orjson.loads(body) | {"line_items": lines})), again(store))

    assert found == []
    assert sheet.compared["records, enriched again"] == 2


async def _told_later(store: Store, order: Mapping[str, object]) -> Log:
    """Its first webhook could not ask which item it is about, its second one could."""
    async with going_on(store, "VariantItems") as world:
        await world.deliver("orders/create", body=orjson.dumps(order))
        await world.parked(1)
        await world.pass_time(30 * SECOND)
        await world.come(1)
        world.shopify.down.clear()  # type: ignore[attr-defined]
        await world.deliver("orders/paid", body=orjson.dumps(order))
        await world.come(3)
        await world.settled()
        return await log_of(world.world.broker)


def test_late_facts_that_are_not_the_truths_are_found(outage: Outage) -> None:
    last = answers(outage.log)[-1]

    def wrong(event: Event) -> Event:
        assert isinstance(event.facts, OrderFacts)
        return structs.replace(event, facts=structs.replace(event.facts, address_verdict="error"))

    found, _ = findings(put(outage.log, changed(last, wrong)), again(outage.store))
    assert [(one.promise, one.where) for one in found] == [(Promise.RIGHT, at(last))]


def test_late_facts_that_nobody_waited_for_are_found(outage: Outage) -> None:
    last = answers(outage.log)[-1]
    unasked = changed(last, lambda event: structs.replace(event, delivery_id="another/facts/customer"))
    found, _ = findings(put(outage.log, unasked), again(outage.store))
    assert [(one.promise, one.where) for one in found] == [(Promise.RIGHT, at(last))]


def test_late_facts_that_are_told_twice_are_found(outage: Outage) -> None:
    first, last = answers(outage.log)
    source = (first.header("ce_id") or "").rpartition("/")[0]
    twice = with_header(structs.replace(first, offset=last.offset + 50), "ce_id", f"{source}7/0")
    found, _ = findings(put(outage.log, twice), again(outage.store))
    assert [(one.promise, one.where) for one in found] == [(Promise.DUPLICATED, at(twice))]


# --- dead letters ----------------------------------------------------------------------------------------------------


async def test_what_must_be_rejected_is_told_from_what_was_rejected_wrongly() -> None:
    store, body = shop_with_an_order()
    async with going_on(store) as world:
        await world.deliver("orders/create", body=b"[1]")
        await world.deliver("orders/create", body=body, shop="nobody.myshopify.com")
        await world.settled()
        log = await log_of(world.world.broker)
    judging = again(store)
    sheet = Sheet()
    await enriching.check(sheet, log, judging)
    assert sheet.findings == []
    assert sheet.compared["dead letters of enrich, judged again"] == 2
    first, second = log.on(topics.dead_of("enrich"), 0)
    for tampered in (with_header(first, "dead-reason", "defect"), structs.replace(second, value=b"{}")):
        sheet = Sheet()
        await enriching.check(sheet, put(log, tampered), judging)
        assert [(one.promise, one.where) for one in sheet.findings] == [(Promise.RIGHT, at(tampered))]


async def test_an_event_of_what_must_be_rejected_is_found() -> None:
    store, body = shop_with_an_order()
    async with going_on(store) as world:
        await world.deliver("orders/create", body=body)
        await world.come(1)
        await world.settled()
        log = await log_of(world.world.broker)
    (raw,) = log.on("shopify.orders", 0)
    event = next(iter(log.of(topics.ENRICHED)))
    sheet = Sheet()
    await enriching.check(sheet, put(log, structs.replace(raw, value=b"[]")), again(store))
    assert [(one.promise, one.where) for one in sheet.findings] == [(Promise.RIGHT, at(event))]
