"""`enrich`, run as in production but for Shopify and the clocks: whose an event is, what is known of it, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from pipeline.clock import VirtualClock
from pipeline.simulators.samples import sample
from pipeline.state import Change, Memory, View
from schemas.events import Event, Source
from schemas.facts.operations import (
    DomainFacts,
    LocationFacts,
    PrivacyFacts,
    ShopFacts,
    Subscribed,
    SubscriptionsFacts,
    SyncFacts,
)
from schemas.facts.orders import Address, Customer, HoldFacts, OrderFacts, RiskFacts, Schedule, Terms, ToShip
from schemas.facts.payments import CheckoutFacts, DraftFacts, PaymentScheduleFacts, TransactionFacts
from schemas.facts.returns import (
    DispositionFacts,
    DisputeFacts,
    Origin,
    RefundFacts,
    RefundLine,
    RefundTransaction,
    ReturnFacts,
)
from schemas.facts.stock import InventoryFacts, InventoryItemFacts, SoldFacts, VariantFacts
from schemas.money import Money
from schemas.questions import Question, QuestionKind
from schemas.reasons import DropReason
from schemas.records import REDRIVEN_AT, Record
from schemas.signals import FactsGivenUp, ShopHeard, ShopShut, TokenRefused, TopicHeard
from stages.dossiers.dossier import is_import
from stages.enrich import Enrich
from stages.given_up import GIVEN_UP, gave_up
from stages.shopify import newer, shapes, shipping, storefront, subscriptions
from stages.shopify.answers import Denied, Found, Missing, Refused, Shut, Unavailable
from stages.stage import Context, Drop
from tests.pipeline.world import START, until
from tests.stages.asking import CLOSED_SHOP, CONFIGURATION, SHOP, ToldShopify, enriching
from tests.stages.bodies.reading import ORDER

TEST = {"x-shopify-test": "true"}
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
GID = f"gid://shopify/Order/{ORDER}"
OF_ORDER = f"{SHOP}/order/{ORDER}"
FULFILLMENT_ORDER = "gid://shopify/FulfillmentOrder/1"
CUSTOMER = "gid://shopify/Customer/115310627314723954"
DOWN = Unavailable("down")

#: An order that is neither a test nor cancelled, so that its customer and its address are looked up.
LIVE = {"test": False, "cancelled_at": None, "fulfillment_status": None}


def address(word: str | None = "ERROR", updated: datetime | None = None) -> Found[Any]:
    to = shapes.ShippingAddress(word)
    return Found(shapes.OrderAddress(shapes.AddressedOrder(GID, updated, to)))


def customer(tags: tuple[str, ...] = ("vip",)) -> Found[Any]:
    return Found(shapes.CustomerData(shapes.CustomerNode(CUSTOMER, tags, "7", shapes.Amount(Decimal("99.50"), "EUR"))))


def order_now(**changes: Any) -> Found[Any]:
    return Found(shapes.OrderCore(shapes.Order(GID, "#9999", **changes)))


def protect(status: str | None) -> Found[Any]:
    summary = None if status is None else shapes.ProtectSummary(status)
    return Found(shapes.OrderProtect(shapes.ProtectedOrder(GID, summary)))


def on_terms(*dates: shapes.DueNode) -> Found[Any]:
    terms = shapes.TermsOfOrder("gid://shopify/PaymentTerms/7", "Net 7", "NET", shapes.DueNodes(dates))
    return Found(shapes.OrderTerms(shapes.OrderWithTerms(GID, terms)))


def holds(*reasons: str) -> Found[Any]:
    held = tuple(shapes.FulfillmentHold(f"hold-{reason}", None, reason) for reason in reasons)
    node = shapes.FulfillmentOrder(FULFILLMENT_ORDER, fulfillment_holds=held)
    return Found(shapes.OrderHolds(shapes.HeldOrder(GID, "#9999", shapes.FulfillmentOrders((node,)))))


def knows_order(shopify: ToldShopify) -> None:
    """What is looked up of a live order, all of it."""
    shopify.told |= {("OrderAddress", GID): address(), ("Customer", CUSTOMER): customer()}


def knows_place(shopify: ToldShopify) -> None:
    """Whose fulfillment order 1 is, and which holds its order has."""
    shopify.told["FulfillmentOrders", FULFILLMENT_ORDER] = Found(
        shapes.FulfillmentOrder(FULFILLMENT_ORDER, GID, "#9999")
    )
    shopify.told["OrderHolds", GID] = holds("OTHER")


# --- headers ---------------------------------------------------------------------------------------------


async def test_an_order_becomes_an_event_of_its_subject_with_all_that_was_looked_up() -> None:
    world = await enriching()
    knows_order(world.shopify)
    headers = {"ce_time": "2026-11-02T08:59:58.123456789Z", "x-shopify-event-id": "action"}
    async with world.running():
        delivery = await world.deliver("orders/updated", LIVE, headers=headers)
        (event,) = await world.come(1)

    assert (event.kind, event.subject, event.resource, event.shop) == ("orders/updated", OF_ORDER, OF_ORDER, SHOP)
    assert (event.delivery_id, event.event_id, event.source) == (delivery, "action", Source.WEBHOOK)
    assert event.occurred == datetime(2026, 11, 2, 8, 59, 58, 123456, tzinfo=UTC)
    assert (event.received, event.updated) == (START, datetime(2022, 1, 1, tzinfo=UTC))
    assert (event.incomplete, event.test, event.echo) == ((), False, False)
    assert isinstance(event.facts, OrderFacts)
    assert event.facts.address_verdict == "error"
    assert event.facts.customer == Customer(115310627314723954, ("vip",), 7, Money(Decimal("99.50"), "EUR"))


async def test_tests_and_reconciled_records_say_so() -> None:
    world = await enriching()
    async with world.running():
        await world.deliver("tender_transactions/create", headers={"x-shopify-test": "true"})
        await world.deliver("tender_transactions/create", headers={"source": "reconcile"})
        first, second = await world.come(2)
    assert (first.test, first.source) == (True, Source.WEBHOOK)
    assert (second.test, second.source) == (False, Source.RECONCILE)


async def test_what_an_order_comes_to_after_an_edit_is_looked_up_and_told_before_it() -> None:
    world = await enriching()
    total = shapes.ShopMoney(shapes.Amount(Decimal("9000"), "USD"))
    world.shopify.told["OrderCore", GID] = order_now(current_total_price_set=total)
    async with world.running():
        await world.deliver("orders/edited")
        now, edited = await world.come(2)
    assert isinstance(now.facts, OrderFacts)
    assert (now.kind, now.subject, now.facts.total) == ("answer.order", OF_ORDER, Money(Decimal("9000"), "USD"))
    assert (edited.kind, edited.incomplete) == ("orders/edited", ())


async def test_the_risk_of_a_test_order_is_a_test_too() -> None:
    world = await enriching()
    world.shopify.told["OrderCore", GID] = order_now(test=True)
    world.shopify.told["OrderProtect", GID] = protect("ACTIVE")
    async with world.running():
        await world.deliver("orders/risk_assessment_changed", {"order_id": ORDER, "risk_level": "high"})
        (event,) = await world.come(1)
    assert event.test
    assert isinstance(event.facts, RiskFacts)
    assert event.facts.protect == "active"


@pytest.mark.parametrize(("level", "asked"), [("high", True), ("medium", True), ("low", False)])
async def test_whether_shopify_covers_an_order_is_asked_only_where_somebody_sees_a_risk(
    level: str, asked: bool
) -> None:
    world = await enriching()
    world.shopify.told["OrderCore", GID] = order_now()
    world.shopify.told["OrderProtect", GID] = protect(None)
    async with world.running():
        await world.deliver("orders/risk_assessment_changed", {"order_id": ORDER, "risk_level": level})
        (event,) = await world.come(1)
    assert isinstance(event.facts, RiskFacts)
    assert event.facts.protect == ("none" if asked else None)
    assert event.incomplete == ()


async def test_what_tells_that_nobody_has_to_act_on_an_order_is_looked_up_with_its_risk() -> None:
    world = await enriching()
    world.shopify.told["OrderCore", GID] = order_now(created_at=START, processed_at=START - timedelta(days=30))
    world.shopify.told["OrderProtect", GID] = protect(None)
    async with world.running():
        await world.deliver("orders/risk_assessment_changed", {"order_id": ORDER, "risk_level": "high"})
        (event,) = await world.come(1)
    assert isinstance(event.facts, RiskFacts)
    assert is_import(event.facts)


async def test_what_tells_that_nobody_has_to_act_on_an_order_is_looked_up_with_its_holds() -> None:
    world = await enriching()
    knows_place(world.shopify)
    of_order = shapes.HeldOrder(GID, "#9999", test=True, created_at=START, processed_at=START - timedelta(days=30))
    world.shopify.told["OrderHolds", GID] = Found(shapes.OrderHolds(of_order))
    async with world.running():
        await world.deliver("fulfillment_holds/added")
        (event,) = await world.come(1)
    assert isinstance(event.facts, HoldFacts)
    assert event.test
    assert is_import(event.facts)


# --- whose it is -----------------------------------------------------------------------------------------

TERMS, SCHEDULE = "gid://shopify/PaymentTerms/706405506930370084", "gid://shopify/PaymentSchedule/606405506930370084"
VARIANT, RETURN = "gid://shopify/ProductVariant/642667041472713922", "gid://shopify/Return/123134564567890"
REVERSE, REFUND = "gid://shopify/ReverseFulfillmentOrder/11111111", "gid://shopify/Refund/890088186047892319"
THE_ORDER = shapes.Named(GID, "#9999")

MOVED = shapes.RefundTransactions(
    (
        shapes.RefundTransaction(
            "gid://shopify/OrderTransaction/5",
            "REFUND",
            "FAILURE",
            "A_WORD",
            "bogus",
            amount_set=shapes.PresentmentMoney(shapes.Amount(Decimal("12.345"), "KWD")),
        ),
        shapes.RefundTransaction("gid://shopify/OrderTransaction/6", "REFUND", "SUCCESS", test=True),
    )
)

PLACES: list[tuple[str, tuple[str, str], Found[Any], str]] = [
    (
        "fulfillment_orders/order_routing_complete",
        ("FulfillmentOrders", FULFILLMENT_ORDER),
        Found(shapes.FulfillmentOrder(FULFILLMENT_ORDER, GID, "#9999")),
        OF_ORDER,
    ),
    (
        "payment_schedules/due",
        ("PaymentSchedule", SCHEDULE),
        Found(shapes.PaymentSchedule(shapes.ScheduleNode(shapes.TermsNode(THE_ORDER)))),
        OF_ORDER,
    ),
    (
        "payment_terms/create",
        ("PaymentTerms", TERMS),
        Found(shapes.PaymentTerms(shapes.TermsNode(None, shapes.Named("gid://shopify/DraftOrder/5")))),
        f"{SHOP}/draft/5",
    ),
    (
        "returns/update",
        ("Return", RETURN),
        Found(shapes.Return(shapes.ReturnNode(RETURN, "#9999-R1", order=shapes.ReturnOrder(GID, "#9999")))),
        OF_ORDER,
    ),
    (
        "reverse_fulfillment_orders/dispose",
        ("ReverseFulfillmentOrder", REVERSE),
        Found(
            shapes.ReverseFulfillmentOrder(
                shapes.ReverseNode(
                    REVERSE,
                    shapes.OrderWithReturns(
                        GID,
                        "#9999",
                        returns=shapes.ReturnsOfOrder(
                            (
                                shapes.ReturnOfOrder("gid://shopify/Return/1", "#9999-R1"),
                                shapes.ReturnOfOrder(RETURN, "#9999-R2", shapes.Reverses((shapes.Named(REVERSE),))),
                            )
                        ),
                    ),
                )
            )
        ),
        OF_ORDER,
    ),
    (
        "variants/out_of_stock",
        ("VariantItems", VARIANT),
        Found(shapes.VariantItem(VARIANT, shapes.Named("gid://shopify/InventoryItem/77"))),
        f"{SHOP}/inventory/77",
    ),
]


@pytest.mark.parametrize(("topic", "asked", "answer", "subject"), PLACES)
async def test_what_names_no_subject_waits_until_shopify_tells_and_others_do_not(
    topic: str, asked: tuple[str, str], answer: Found[Any], subject: str
) -> None:
    world = await enriching()
    async with world.running():
        delivery = await world.deliver(topic)
        await world.parked(1)
        await world.deliver("tender_transactions/create")
        (other,) = await world.come(1)
        assert other.kind == "tender_transactions/create"

        world.shopify.told[asked] = answer
        await world.pass_time(SECOND)
        await world.pass_time(10 * SECOND)
        _, event = await world.come(2)

    assert (event.delivery_id, event.subject) == (delivery, subject)
    assert event.resource != subject, "the raw key stays what it was"


async def test_a_place_brings_what_the_body_did_not_say_and_is_asked_for_once() -> None:
    world = await enriching()
    world.shopify.told[PLACES[4][1]], world.shopify.told[PLACES[1][1]] = PLACES[4][2], PLACES[1][2]
    async with world.running():
        await world.deliver("reverse_fulfillment_orders/dispose")
        await world.come(1)
        await world.deliver("reverse_fulfillment_orders/dispose")
        await world.deliver("payment_schedules/due")
        schedule, first, second = sorted(await world.come(3), key=lambda event: event.kind)

    assert isinstance(second.facts, DispositionFacts)
    assert isinstance(schedule.facts, PaymentScheduleFacts)
    assert first.facts == second.facts
    assert (second.facts.order_id, second.facts.order_name) == (ORDER, "#9999")
    assert (second.facts.return_id, second.facts.return_name) == (123134564567890, "#9999-R2")
    assert schedule.facts.order_id == ORDER
    asked = world.shopify.asked.count(("ReverseFulfillmentOrder", REVERSE))
    assert asked == 3, "once where it belongs, each time what has come back"


async def test_a_hold_comes_with_all_open_holds_of_its_order() -> None:
    world = await enriching()
    knows_place(world.shopify)
    async with world.running():
        await world.deliver("fulfillment_holds/added")
        (event,) = await world.come(1)
    assert isinstance(event.facts, HoldFacts)
    assert event.subject == OF_ORDER
    assert [hold.reason for hold in event.facts.open_holds or ()] == ["other"]
    assert (event.facts.order_id, event.facts.order_name, event.incomplete) == (ORDER, "#9999", ())


async def test_parked_records_of_a_key_come_out_in_their_order() -> None:
    world = await enriching()
    async with world.running():
        deliveries = [
            await world.deliver("fulfillment_holds/added"),
            await world.deliver("fulfillment_orders/order_routing_complete"),
            await world.deliver("fulfillment_holds/released"),
        ]
        await world.parked(3)
        knows_place(world.shopify)
        await world.pass_time(SECOND)
        events = await world.come(3)
    assert [event.delivery_id for event in events] == deliveries
    assert {event.subject for event in events} == {OF_ORDER}


async def test_after_a_day_without_a_subject_a_record_is_a_dead_letter_and_those_behind_it_soon_after() -> None:
    world = await enriching()
    async with world.running():
        await world.deliver("fulfillment_holds/added")
        await world.deliver("fulfillment_holds/released")
        await world.parked(2)
        await world.pass_time(24 * HOUR - SECOND)
        assert await world.dead() == []
        await world.pass_time(HOUR)
        await world.parked(1)
        await world.pass_time(SECOND)
        await world.pass_time(31 * SECOND)
        await world.parked(0)
        letters = await world.dead()
        assert await world.events() == []
    assert [letter.header("dead-reason") for letter in letters] == ["subject-unknown"] * 2
    assert [letter.header("ce_id") for letter in letters] == ["delivery-1", "delivery-2"]


async def test_a_record_that_is_read_a_day_late_is_not_given_up_at_the_first_silence() -> None:
    world = await enriching()
    yesterday = (START - 25 * HOUR).isoformat()
    async with world.running():
        await world.deliver("fulfillment_holds/added", headers={"received": yesterday})
        await world.parked(1)
        knows_place(world.shopify)
        await world.pass_time(SECOND)
        (event,) = await world.come(1)
        assert (event.subject, await world.dead()) == (OF_ORDER, [])


async def test_a_record_that_was_given_back_from_the_dead_letters_has_a_day_of_its_own() -> None:
    world = await enriching()
    given_back = {"received": (START - 72 * HOUR).isoformat(), REDRIVEN_AT: START.isoformat()}
    async with world.running():
        await world.deliver("fulfillment_holds/added", headers=given_back)
        await world.parked(1)
        await world.pass_time(23 * HOUR)
        await world.parked(1)
        assert await world.dead() == []
        await world.pass_time(2 * HOUR)
        await world.parked(0)
        assert [letter.header("dead-reason") for letter in await world.dead()] == ["subject-unknown"]


async def test_of_terms_that_are_deleted_and_that_nobody_knew_nobody_is_asked_for_a_day() -> None:
    world = await enriching()
    async with world.running():
        await world.deliver("payment_terms/delete", body=b'{"id": 7}')
        (event,) = await world.come(1)
    assert event.subject == f"{SHOP}/payment-terms/7"


async def test_terms_that_are_deleted_are_those_of_their_order_where_that_was_known() -> None:
    world = await enriching()
    world.shopify.told["PaymentTerms", TERMS] = Found(shapes.PaymentTerms(shapes.TermsNode(THE_ORDER)))
    async with world.running():
        await world.deliver("payment_terms/create")
        await world.come(1)
        del world.shopify.told["PaymentTerms", TERMS]
        await world.deliver("payment_terms/delete", body=b'{"id": 706405506930370084}')
        *_, event = await world.come(2)
    assert event.subject == OF_ORDER


async def test_a_parked_record_survives_its_owner_and_the_next_one_knows_since_when_it_waited() -> None:
    world = await enriching()
    async with world.running():
        await world.deliver("fulfillment_holds/added")
        await world.parked(1)
        await world.pass_time(23 * HOUR)
    knows_place(world.shopify)
    world.world.clock.advance(HOUR)
    async with world.running():
        (event,) = await world.come(1)
        await world.parked(0)
    assert event.subject == OF_ORDER


async def test_without_admin_access_a_resource_is_its_own_subject_at_once() -> None:
    world = await enriching()
    async with world.running():
        await world.deliver("fulfillment_holds/added", shop=CLOSED_SHOP)
        await world.deliver("variants/out_of_stock", shop=CLOSED_SHOP)
        await world.deliver("orders/create", LIVE, shop=CLOSED_SHOP)
        hold, order, variant = sorted(await world.come(3), key=lambda event: event.kind)
        await world.settled()
        assert world.remembered("late") == world.remembered("timer") == world.remembered("parked") == 0
    assert (hold.subject, hold.incomplete) == (f"{CLOSED_SHOP}/fulfillment-order/1", ("open_holds",))
    assert (variant.subject, variant.incomplete) == (f"{CLOSED_SHOP}/variant/642667041472713922", ("item",))
    assert (order.subject, order.incomplete) == (f"{CLOSED_SHOP}/order/{ORDER}", ("address_verdict", "customer"))
    assert isinstance(variant.facts, VariantFacts)
    assert world.shopify.asked == []


# --- what is known of it ---------------------------------------------------------------------------------


async def test_facts_are_waited_for_half_a_minute_and_follow_when_they_come() -> None:
    world = await enriching()
    world.shopify.otherwise = DOWN
    async with world.running():
        delivery = await world.deliver("orders/updated", LIVE)
        await world.parked(1)
        await world.pass_time(29 * SECOND)
        assert await world.events() == []
        await world.pass_time(SECOND)
        (event,) = await world.come(1)
        assert event.incomplete == ("address_verdict", "customer")

        knows_order(world.shopify)
        await world.pass_time(HOUR)
        assert len(await world.events()) == 1, "the order itself is not known yet: it may have gone on"
        world.shopify.told["OrderCore", GID] = order_now(display_financial_status="PAID", tags=())
        await world.pass_time(HOUR)
        answer = (await world.come(2))[1]
        await world.settled()
        assert world.remembered("late") == world.remembered("timer") == 0

    assert (answer.kind, answer.source, answer.subject) == ("answer.facts", Source.ANSWER, OF_ORDER)
    assert answer.delivery_id == f"{delivery}/facts/address_verdict+customer"
    assert answer.incomplete == ()
    assert isinstance(answer.facts, OrderFacts)
    assert (answer.facts.address_verdict, answer.facts.financial) == ("error", "paid")
    assert answer.facts.tags == (), "they were taken off meanwhile"
    assert len(answer.facts.lines) == 5, "of these the lookup says nothing"


async def test_what_follows_late_is_only_what_has_come_late() -> None:
    world = await enriching()
    world.shopify.told |= {("OrderAddress", GID): address("ERROR"), ("Customer", CUSTOMER): DOWN}
    async with world.running():
        await world.deliver("orders/updated", LIVE)
        await world.parked(1)
        await world.pass_time(30 * SECOND)
        (event,) = await world.come(1)
        knows_order(world.shopify)
        world.shopify.told["OrderCore", GID] = order_now()
        await world.pass_time(HOUR)
        _, answer = await world.come(2)

    assert isinstance(event.facts, OrderFacts)
    assert isinstance(answer.facts, OrderFacts)
    assert (event.facts.address_verdict, event.facts.customer) == ("error", None)
    assert answer.facts.customer is not None
    assert answer.facts.address_verdict is None, "that was looked up before, and may be another one by now"


async def test_facts_that_came_after_a_second_are_enough() -> None:
    world = await enriching()
    world.shopify.otherwise = DOWN
    async with world.running():
        await world.deliver("orders/updated", LIVE)
        await world.parked(1)
        knows_order(world.shopify)
        await world.pass_time(SECOND)
        (event,) = await world.come(1)
    assert event.incomplete == ()


async def test_what_was_waited_for_in_vain_delays_the_next_event_of_the_resource_no_more() -> None:
    world = await enriching()
    world.shopify.otherwise = DOWN
    async with world.running():
        for _ in range(5):
            await world.deliver("orders/updated", LIVE)
        await world.parked(5)
        await world.pass_time(30 * SECOND)
        await world.pass_time(SECOND)
        events = await world.come(5)
    assert [event.delivery_id for event in events] == [f"delivery-{number}" for number in range(1, 6)]


async def test_a_fact_is_asked_for_again_for_a_day_and_then_no_more() -> None:
    world = await enriching()
    world.shopify.otherwise = DOWN
    async with world.running():
        await world.deliver("orders/updated", LIVE)
        await world.parked(1)
        await world.pass_time(30 * SECOND)
        await world.come(1)
        await world.pass_time(23 * HOUR)
        assert (world.remembered("late"), world.remembered("timer")) == (1, 1)
        assert await world.signals(FactsGivenUp) == []
        await world.pass_time(2 * HOUR)
        assert (world.remembered("late"), world.remembered("timer")) == (0, 0)
        assert len(await world.events()) == 1
        (told,) = await world.signals(FactsGivenUp)
    assert (told.subject, told.names, told.count) == (f"{SHOP}/shop", ("address_verdict", "customer"), 1)


async def test_that_there_is_no_such_thing_is_an_answer_and_nothing_that_never_came() -> None:
    world = await enriching()
    async with world.running():
        await world.deliver("orders/updated", LIVE)
        await world.pass_time(30 * SECOND)
        await world.come(1)
        assert world.remembered("late") == 1
        await world.pass_time(25 * HOUR)
        assert (world.remembered("late"), world.remembered("timer")) == (0, 0)
        assert await world.signals(FactsGivenUp) == []


def test_what_was_given_up_is_said_once_a_minute_with_how_many_there_were() -> None:
    memory, said = Memory((GIVEN_UP,)), list[tuple[int, int]]()
    for second in (0, 10, 20, 59, 60, 61, 200):
        view = View(memory, Change(), START)
        for emit in gave_up(SHOP, ("risk",), Context(view, START, START + second * SECOND)):
            assert isinstance(emit.value, FactsGivenUp)
            said.append((second, emit.value.count))
        memory.apply(view.change)

    assert said == [(0, 1), (60, 4), (200, 2)]


@pytest.mark.parametrize("answer", [Missing(), address(updated=datetime(2021, 12, 31, tzinfo=UTC))])
async def test_a_replica_that_lags_gets_three_seconds(answer: Any) -> None:
    world = await enriching()
    world.shopify.told |= {("OrderAddress", GID): answer, ("Customer", CUSTOMER): customer()}
    async with world.running():
        await world.deliver("orders/updated", LIVE)
        await world.parked(1)
        await world.pass_time(2 * SECOND)
        assert await world.events() == []
        await world.pass_time(SECOND)
        (event,) = await world.come(1)
    assert event.incomplete == ("address_verdict",)


async def test_a_missing_scope_is_not_waited_for_and_not_asked_again() -> None:
    world = await enriching()
    world.shopify.otherwise = Denied("a scope is missing")
    async with world.running():
        await world.deliver("orders/updated", LIVE)
        (event,) = await world.come(1)
        await world.settled()
        assert world.remembered("late") == world.remembered("timer") == 0
        assert await world.signals(TokenRefused) == []
    assert event.incomplete == ("address_verdict", "customer")


async def test_a_refused_token_costs_no_patience_and_is_told_once_and_taken_back_once() -> None:
    world = await enriching()
    world.shopify.otherwise = Refused()
    async with world.running():
        await world.deliver("orders/updated", LIVE)
        await world.deliver("orders/paid", LIVE)
        first, second = await world.come(2)
        assert first.incomplete == second.incomplete == ("address_verdict", "customer")
        knows_order(world.shopify)
        world.shopify.told["OrderCore", GID] = order_now()
        await world.pass_time(HOUR)
        await world.deliver("orders/updated", LIVE)
        events = await world.come(4)
        told = await world.signals(TokenRefused)
    assert [event.kind for event in events[2:]] == ["answer.facts", "orders/updated"]
    assert [(signal.refused, signal.subject, signal.shop) for signal in told] == [
        (True, f"{SHOP}/shop", SHOP),
        (False, f"{SHOP}/shop", SHOP),
    ]


async def test_a_shop_whose_api_is_shut_costs_no_patience_and_is_told_once_and_opened_once() -> None:
    world = await enriching()
    world.shopify.otherwise = Shut(402)
    async with world.running():
        await world.deliver("orders/updated", LIVE)
        await world.deliver("orders/paid", LIVE)
        await world.come(2)
        knows_order(world.shopify)
        world.shopify.told["OrderCore", GID] = order_now()
        await world.pass_time(HOUR)
        told = await world.signals(ShopShut)
    assert [(signal.status, signal.subject, signal.shop) for signal in told] == [
        (402, f"{SHOP}/shop", SHOP),
        (None, f"{SHOP}/shop", SHOP),
    ]


async def test_a_domain_brings_the_primary_one_and_a_location_that_is_shut_what_it_stocks() -> None:
    world = await enriching()
    domain = storefront.Domain("www.example.org")
    place = storefront.LocationNode("gid://shopify/Location/4", "North", False, True)
    world.shopify.told["PrimaryDomain", "None"] = Found(storefront.Shop(storefront.ShopNode("1", domain)))
    world.shopify.told["Location", "gid://shopify/Location/4"] = Found(storefront.LocationData(place))
    async with world.running():
        await world.deliver("domains/destroy", body=b'{"id": 7, "host": "Shop.example.com"}')
        await world.deliver("locations/deactivate", body=b'{"id": 4, "name": "North", "active": false}')
        await world.deliver("locations/activate", body=b'{"id": 4, "name": "North", "active": true}')
        first, second, third = sorted(await world.come(3), key=lambda event: event.delivery_id)
    assert (first.subject, second.subject) == (f"{SHOP}/shop", f"{SHOP}/location/4")
    assert first.facts == DomainFacts(id=7, host="shop.example.com", removed=True, primary="www.example.org")
    assert second.facts == LocationFacts(id=4, name="North", active=False, has_stock=True)
    assert third.facts == LocationFacts(id=4, name="North", active=True)


VARIANTS = {1: "gid://shopify/ProductVariant/1", 2: "gid://shopify/ProductVariant/2"}


def basket(first: int | None, second: int | None, **more: object) -> dict[str, object]:
    """An order with so many units of two variants; the second line twice."""
    lines = [{"id": 5, "variant_id": 1, "quantity": 9, "current_quantity": first}] if first is not None else []
    lines += [{"id": 6 + copy, "variant_id": 2, "quantity": second} for copy in range(2) if second is not None]
    return {**LIVE, "created_at": "2026-11-02T08:00:00Z", "processed_at": None, "line_items": lines, **more}


def knows_items(shopify: ToldShopify) -> None:
    for number, gid in VARIANTS.items():
        item = shapes.Named(f"gid://shopify/InventoryItem/{number}1")
        shopify.told["VariantItems", gid] = Found(shapes.VariantItem(gid, item))


def sold(events: Sequence[Event]) -> list[tuple[str, int, bool]]:
    return [
        (event.subject.removeprefix(f"{SHOP}/inventory/"), event.facts.units, event.facts.is_open)
        for event in events
        if isinstance(event.facts, SoldFacts)
    ]


async def test_an_order_tells_each_of_its_items_what_it_takes_once_for_each_change() -> None:
    world = await enriching()
    knows_order(world.shopify)
    knows_items(world.shopify)
    at = iter(range(1, 9))

    async def told(first: int | None, second: int | None, number: int, **more: object) -> list[tuple[str, int, bool]]:
        before = len(await world.events())
        changed = {"updated_at": f"2026-11-02T08:0{next(at)}:00Z"}
        await world.deliver("orders/updated", basket(first, second, **more) | changed)
        await world.come(before + number)
        return sold((await world.events())[before:])

    async with world.running():
        assert await told(2, 3, 3) == [("11", 2, True), ("21", 6, True)]
        assert await told(2, 3, 1, note="x") == []
        assert await told(1, None, 3) == [("11", 1, True), ("21", 0, True)]
        assert await told(1, None, 3, fulfillment_status="fulfilled") == [("11", 1, False), ("21", 0, False)]
        assert await told(1, None, 3, cancelled_at="2026-11-02T09:00:00Z") == [("11", 0, False), ("21", 0, False)]


async def test_tests_imports_and_what_shopify_does_not_tell_sell_nothing() -> None:
    world = await enriching()
    knows_order(world.shopify)
    world.shopify.told["VariantItems", VARIANTS[1]] = Found(
        shapes.VariantItem(VARIANTS[1], shapes.Named("gid://shopify/InventoryItem/11"))
    )
    world.shopify.told["VariantItems", VARIANTS[2]] = DOWN
    async with world.running():
        await world.deliver("orders/updated", basket(8, None, test=True))
        await world.deliver("orders/updated", basket(7, None, processed_at="2025-01-01T00:00:00Z"))
        await world.deliver("orders/updated", basket(1, 1))
        await world.parked(1)
        await world.pass_time(timedelta(seconds=31))
        await world.deliver("orders/updated", basket(1, None))
        events = await world.come(5)
    assert sold(events) == [("11", 1, True)]


async def test_that_a_topic_is_heard_is_told_once_in_five_minutes_and_of_webhooks_only() -> None:
    world = await enriching()
    knows_order(world.shopify)

    async def taken(number: int) -> None:
        async def are_out() -> bool:
            return len({event.delivery_id for event in await world.events()}) == number

        await until(are_out)

    async with world.running():
        await world.deliver("orders/create", LIVE, headers={"source": "reconcile"})
        await world.deliver("orders/create", LIVE, headers={"x-shopify-test": "true"})
        await world.deliver("orders/paid", LIVE)
        await taken(3)
        assert await world.signals(TopicHeard) == []
        for topic in ("orders/create", "orders/create", "orders/updated"):
            await world.deliver(topic, LIVE)
        await taken(6)
        told = await world.signals(TopicHeard)
        await world.pass_time(5 * MINUTE)
        await world.deliver("orders/create", LIVE)
        await taken(7)
        later = await world.signals(TopicHeard)
        shops = await world.signals(ShopHeard)
    assert [signal.subject for signal in told] == [f"{SHOP}/topic/orders/create", f"{SHOP}/topic/orders/updated"]
    assert [(signal.subject, signal.occurred) for signal in shops] == [(f"{SHOP}/shop", START)], "once a day"
    assert [signal.occurred for signal in later[2:]] == [START + 5 * MINUTE]


async def test_facts_that_come_with_a_newer_event_need_not_be_asked_for() -> None:
    world = await enriching()
    world.shopify.otherwise = Refused()
    async with world.running():
        await world.deliver("orders/updated", LIVE)
        await world.come(1)
        knows_order(world.shopify)
        await world.deliver("orders/updated", LIVE | {"updated_at": "2022-01-02T00:00:00Z"})
        _, event = await world.come(2)
        await world.settled()
        assert world.remembered("late") == world.remembered("timer") == 0
    assert event.incomplete == ()


async def test_an_older_event_does_not_end_the_asking_for_a_newer_one() -> None:
    world = await enriching()
    world.shopify.otherwise = Refused()
    async with world.running():
        await world.deliver("orders/updated", LIVE)
        await world.come(1)
        knows_order(world.shopify)
        await world.deliver("orders/updated", LIVE | {"updated_at": "2021-06-01T00:00:00Z"})
        await world.come(2)
        world.shopify.told["OrderCore", GID] = order_now()
        await world.pass_time(HOUR)
        answer = (await world.come(3))[2]
    assert (answer.kind, answer.delivery_id) == ("answer.facts", "delivery-1/facts/address_verdict+customer")


async def test_a_delivery_that_comes_again_does_not_end_the_asking_for_it() -> None:
    """`deduplicate` drops it, and what was found for it."""
    world = await enriching()
    world.shopify.otherwise = Refused()
    async with world.running():
        delivery = await world.deliver("orders/updated", LIVE)
        await world.come(1)
        knows_order(world.shopify)
        world.shopify.told["OrderCore", GID] = order_now()
        await world.deliver("orders/updated", LIVE, headers={"ce_id": delivery})
        await world.come(2)
        await world.pass_time(HOUR)
        answer = (await world.come(3))[2]
    assert (answer.kind, answer.incomplete) == ("answer.facts", ())


async def test_a_cancelled_or_fulfilled_order_needs_no_address() -> None:
    world = await enriching()
    world.shopify.told["Customer", CUSTOMER] = customer()
    async with world.running():
        await world.deliver("orders/cancelled")
        await world.deliver("orders/fulfilled", LIVE | {"fulfillment_status": "fulfilled"})
        events = await world.come(2)
    assert [event.incomplete for event in events] == [(), ()]
    assert {operation for operation, _ in world.shopify.asked} == {"Customer"}


# --- next-generation Events ------------------------------------------------------------------------------

EVENT = {"shopify-topic": "Order", "shopify-resource-id": GID}


async def test_a_next_generation_event_is_the_order_as_it_is_now() -> None:
    world = await enriching()
    updated = datetime(2026, 11, 2, 8, tzinfo=UTC)
    world.shopify.told["OrderCore", GID] = order_now(updated_at=updated, display_fulfillment_status="FULFILLED")
    to = shapes.ShippingAddress("ERROR", "1 Main Street", city="", country_code_v2="HK")
    routed = shapes.RoutedOrder("fo", "OPEN", updated, shapes.DeliveryMethod("LOCAL"), shapes.Placed("Main warehouse"))
    closed = shapes.RoutedOrder("gone", "CLOSED")
    found = shapes.AddressedOrder(GID, updated, to, shapes.RoutedOrders((routed, closed)))
    world.shopify.told["OrderAddress", GID] = Found(shapes.OrderAddress(found))
    world.shopify.told["OrderTerms", GID] = on_terms()
    buyer = shapes.CustomerNode("gid://shopify/Customer/3", ("vip",), "2")
    world.shopify.told["OrderCustomer", GID] = Found(shapes.OrderCustomer(shapes.OfCustomer(GID, buyer)))
    async with world.running():
        await world.deliver("orders/updated", body=b"{}", headers=EVENT)
        (event,) = await world.come(1)
    assert (event.source, event.subject, event.updated, event.incomplete) == (Source.EVENT, OF_ORDER, updated, ())
    assert isinstance(event.facts, OrderFacts)
    assert (event.facts.name, event.facts.fulfillment) == ("#9999", "fulfilled")
    assert event.facts.absent == ("checkout_token", "customer_id", "lines")
    assert event.facts.terms == Terms("Net 7", "net")
    assert event.facts.customer == Customer(3, ("vip",), 2)
    address = event.facts.address
    assert address is not None
    assert (address.country, address.has_address1, address.has_city, address.has_zip) == ("HK", True, False, False)
    assert event.facts.address_verdict == "error"
    assert event.facts.to_ship == (ToShip("fo", "open", "local", updated, location="Main warehouse"),)


async def test_an_address_of_which_shopify_shows_no_part_lacks_none() -> None:
    world = await enriching()
    world.shopify.told["OrderCore", GID] = order_now()
    to = shapes.ShippingAddress(None, country_code_v2="US")
    world.shopify.told["OrderAddress", GID] = Found(shapes.OrderAddress(shapes.AddressedOrder(GID, None, to)))
    world.shopify.told["OrderTerms", GID] = Found(shapes.OrderTerms(shapes.OrderWithTerms(GID)))
    world.shopify.told["OrderCustomer", GID] = Found(shapes.OrderCustomer(shapes.OfCustomer(GID)))
    async with world.running():
        await world.deliver("orders/updated", body=b"{}", headers=EVENT)
        (event,) = await world.come(1)
    assert isinstance(event.facts, OrderFacts)
    assert (event.facts.address, event.facts.to_ship, event.facts.terms) == (Address("US"), None, None)
    assert "terms" not in event.facts.absent
    assert (event.facts.customer, event.incomplete) == (None, ()), "a guest's"


async def test_a_next_generation_event_of_an_item_or_a_return_is_looked_up_too() -> None:
    world = await enriching()
    item = "gid://shopify/InventoryItem/77"
    lines = shapes.ReturnLines((shapes.ReturnLine(2, 1, 1),))
    back = shapes.ReturnNode(RETURN, "#9999-R1", "OPEN", order=shapes.ReturnOrder(GID), return_line_items=lines)
    world.shopify.told["InventoryItems", item] = Found(shapes.InventoryItem(item, "SKU", True))
    world.shopify.told["Return", RETURN] = Found(shapes.Return(back))
    async with world.running():
        for topic, kind, gid in (
            ("inventory_items/update", "InventoryItem", item),
            ("returns/update", "Return", RETURN),
        ):
            await world.deliver(topic, body=b"{}", headers={"shopify-topic": kind, "shopify-resource-id": gid})
        events = {event.kind: event for event in await world.come(2)}
    stock, returned = events["inventory_items/update"], events["returns/update"]
    assert isinstance(stock.facts, InventoryItemFacts)
    assert stock.facts.item is not None
    assert (stock.facts.item.sku, stock.facts.item.tracked) == ("SKU", True)
    assert isinstance(returned.facts, ReturnFacts)
    assert (returned.subject, returned.facts.status, returned.facts.received) == (OF_ORDER, "open", 1)


@pytest.mark.parametrize("topic", ["refunds/create", "Refund/update"])
async def test_a_next_generation_event_of_a_refund_finds_its_order_its_return_and_what_has_moved(topic: str) -> None:
    world = await enriching()
    of_return = shapes.Named(RETURN, "#9999-R1")
    lines = shapes.RefundLines((shapes.RefundLine(2, shapes.Named("gid://shopify/LineItem/7")),))
    of_order = shapes.OrderOf(GID, "#9999", test=True, created_at=START)
    node = shapes.RefundNode(REFUND, START, START, of_return, of_order, lines, MOVED)
    world.shopify.told["Refund", REFUND] = Found(shapes.Refund(node))
    headers = {"shopify-topic": "Refund", "shopify-resource-id": REFUND}
    async with world.running():
        await world.deliver(topic, body=b'{"topic": "Refund", "fields_changed": []}', headers=headers)
        (event,) = await world.come(1)
    assert (event.subject, event.incomplete) == (OF_ORDER, ())
    assert isinstance(event.facts, RefundFacts)
    assert (event.facts.return_id, event.facts.return_name, event.facts.quantity) == (123134564567890, "#9999-R1", 2)
    assert (event.facts.lines, event.facts.processed, event.facts.absent) == ((RefundLine(2, 7),), START, ())
    assert event.facts.origin == Origin(test=True, created=START)
    assert [(one.id, one.status) for one in event.facts.transactions] == [(5, "failure")]


@pytest.mark.parametrize("key", ["return", "transactions"])
async def test_of_a_refund_whose_body_lacks_a_key_shopify_is_asked(key: str) -> None:
    world = await enriching()
    node = shapes.RefundNode(REFUND, return_=shapes.Named(RETURN), order=shapes.OrderOf(GID), transactions=MOVED)
    world.shopify.told["Refund", REFUND] = Found(shapes.Refund(node))
    cut = {name: value for name, value in sample("refunds/create").items() if name != key}
    async with world.running():
        await world.deliver("refunds/create", body=orjson.dumps(cut))
        await world.deliver("refunds/create", {"order_id": 7, "id": 8})
        whole, event = sorted(await world.come(2), key=lambda event: event.subject == OF_ORDER)
    assert isinstance(event.facts, RefundFacts)
    assert (event.facts.return_id, event.facts.absent) == (123134564567890, ())
    assert whole.incomplete == ()
    assert len(world.shopify.asked) == 1


@pytest.mark.parametrize("topic", ["returns/request", "returns/approve", "returns/process"])
async def test_what_a_body_does_not_say_of_a_return_is_looked_up_and_whether_its_order_is_a_test(topic: str) -> None:
    """The documented body of 2026 counts two lines and shows none."""
    world = await enriching()
    order = shapes.ReturnOrder(GID, test=True)
    lines = shapes.ReturnLines((shapes.ReturnLine(3, 1), shapes.ReturnLine(1)))
    node = shapes.ReturnNode(RETURN, "#9999-R1", "REQUESTED", order=order, total_quantity=4, return_line_items=lines)
    world.shopify.told["Return", RETURN] = Found(shapes.Return(node))
    async with world.running():
        await world.deliver(topic, body=orjson.dumps(sample("returns/approve")))
        await world.deliver("returns/decline")
        looked_up, declined = sorted(await world.come(2), key=lambda event: event.kind == "returns/decline")
    assert isinstance(looked_up.facts, ReturnFacts)
    assert (looked_up.facts.quantity, looked_up.facts.received, looked_up.facts.origin) == (4, 1, Origin(test=True))
    assert declined.incomplete == looked_up.incomplete == ()
    assert world.shopify.asked == [("Return", RETURN)]


async def test_a_next_generation_event_without_its_order_says_that_nothing_is_known() -> None:
    world = await enriching()
    world.shopify.otherwise = Refused()
    async with world.running():
        await world.deliver("orders/updated", body=b"{}", headers=EVENT)
        (event,) = await world.come(1)
    assert (event.updated, event.incomplete) == (None, ("address_verdict", "customer", "order", "terms"))
    assert {"tags", "lines", "cancelled"} <= set(event.facts.absent)


# --- copies ----------------------------------------------------------------------------------------------


async def test_an_order_ends_its_checkout() -> None:
    world = await enriching()
    world.shopify.otherwise = Refused()
    async with world.running():
        await world.deliver("orders/create", LIVE | {"checkout_token": "bd5a8aa1ecd0"})
        order, copy = await world.come(2)
    assert (copy.subject, copy.resource, copy.kind) == (f"{SHOP}/checkout/bd5a8aa1ecd0", OF_ORDER, "orders/create")
    assert (copy.delivery_id, copy.updated) == (order.delivery_id, order.updated)
    assert isinstance(copy.facts, CheckoutFacts)
    assert (copy.facts.order_placed, copy.facts.order_id, copy.facts.from_order) == (True, ORDER, True)
    assert (order.incomplete, copy.incomplete) == (("address_verdict", "customer"), ()), (
        "it is complete for its purpose"
    )


DECLINED = {"status": "failure", "payment_details": {"credit_card_bin": "424242", "credit_card_number": "•••• 4242"}}


async def test_a_decline_counts_for_its_card_and_a_card_is_the_same_on_every_order() -> None:
    world = await enriching()
    async with world.running():
        await world.deliver("order_transactions/create", DECLINED)
        await world.deliver("order_transactions/create", DECLINED | {"order_id": 7, "status": "error"})
        await world.deliver("order_transactions/create", DECLINED | {"status": "success"})
        events = await world.come(5)
    cards = [event for event in events if "/card/" in event.subject]
    assert sorted(event.delivery_id for event in cards) == ["delivery-1", "delivery-2"]
    assert isinstance(cards[0].facts, TransactionFacts)
    card = cards[0].facts.card
    assert card is not None
    assert "4242" not in card
    assert {event.subject for event in cards} == {f"{SHOP}/card/{card}"}


async def test_without_a_key_cards_are_not_told_apart() -> None:
    world = await enriching()
    world.card_key = None
    async with world.running():
        await world.deliver("order_transactions/create", DECLINED)
        (event,) = await world.come(1)
        await world.settled()
        assert len(await world.events()) == 1
    assert isinstance(event.facts, TransactionFacts)
    assert event.facts.card is None


# --- questions -------------------------------------------------------------------------------------------


def question(kind: QuestionKind, subject: str = OF_ORDER, resource: str = "") -> Question:
    return Question(f"question-{kind}", kind, SHOP, subject, resource or GID, START)


def orders_made(*ago: timedelta) -> newer.OrdersSince:
    return newer.OrdersSince(newer.Orders(tuple(newer.OrderNode(GID, created_at=START - each) for each in ago)))


async def test_every_question_is_answered_with_what_is_so_now() -> None:
    world = await enriching()
    paid = shapes.PaidOrder(
        GID,
        display_financial_status="AUTHORIZED",
        capturable=True,
        total_outstanding_set=shapes.ShopMoney(shapes.Amount(Decimal("12.345"), "KWD")),
        transactions=(
            shapes.Transaction("AUTHORIZATION", "SUCCESS", False, datetime(2026, 11, 5, tzinfo=UTC)),
            shapes.Transaction("AUTHORIZATION", "FAILURE", False, datetime(2027, 1, 1, tzinfo=UTC)),
        ),
    )
    item = shapes.InventoryItem("gid://shopify/InventoryItem/77", "SKU", True)
    bought = shapes.OrdersFound((shapes.Named(GID),))
    why = shapes.DisputeReason("FRAUDULENT", "4837")
    owed = shapes.Amount(Decimal("1250"), "JPY")
    of_order = shapes.OrderOf(GID, test=True)
    disputed = shapes.DisputeNode(
        "gid://shopify/ShopifyPaymentsDispute/5", "INQUIRY", "WON", START, START, START, owed, why, of_order
    )
    lines = shapes.ReturnLines((shapes.ReturnLine(2, 1, 1),))
    world.shopify.told |= {
        ("OrderCore", GID): order_now(display_financial_status="AUTHORIZED"),
        ("OrderPayments", GID): Found(shapes.OrderPayments(paid)),
        ("OrderAddress", GID): address("WARNING"),
        ("OrderTerms", GID): on_terms(shapes.DueNode("gid://shopify/PaymentSchedule/5", START)),
        ("OrderHolds", GID): holds(),
        ("OrderRouting", GID): Found(shipping.OrderRouting(shipping.OrderToShip(GID))),
        ("OrderParcels", GID): Found(shipping.OrderParcels(shipping.OrderWithParcels(GID))),
        ("OrderByCheckout", "checkout_token:abc"): Found(shapes.OrderByCheckout(bought)),
        ("AbandonedCheckout", "gid://shopify/AbandonedCheckout/98"): Found(shapes.AbandonedCheckout()),
        ("Return", RETURN): Found(shapes.Return(shapes.ReturnNode(RETURN, status="OPEN", return_line_items=lines))),
        ("Refund", REFUND): Found(shapes.Refund(shapes.RefundNode(REFUND, transactions=MOVED))),
        ("Dispute", "gid://shopify/ShopifyPaymentsDispute/5"): Found(shapes.Dispute(disputed)),
        ("InventoryItems", "gid://shopify/InventoryItem/77"): Found(item),
        ("OrdersSince", "created_at:>'2026-11-02T08:00:00Z'"): Found(orders_made(HOUR, 10 * MINUTE, MINUTE)),
        ("DraftOrder", "gid://shopify/DraftOrder/5"): Found(
            shapes.DraftOrderData(shapes.DraftOrder("gid://shopify/DraftOrder/5", status="INVOICE_SENT", tags=("a",)))
        ),
        ("DraftOrderCompany", "gid://shopify/DraftOrder/5"): Found(shapes.DraftCompany(shapes.Purchased("5"))),
        ("Subscriptions", "None"): Found(
            subscriptions.Subscriptions(subscriptions.Page((subscriptions.Node("1", "INVENTORY_LEVELS_UPDATE", "u"),)))
        ),
        ("PrimaryDomain", "None"): Found(
            storefront.Shop(storefront.ShopNode("gid://shopify/Shop/1", storefront.Domain("Shop.example.com", True)))
        ),
    }
    async with world.running():
        await world.ask(question(QuestionKind.PAYMENT))
        await world.ask(question(QuestionKind.ADDRESS))
        await world.ask(question(QuestionKind.TERMS))
        await world.ask(question(QuestionKind.ORDER))
        await world.ask(question(QuestionKind.CHECKOUT, f"{SHOP}/checkout/abc", "#98"))
        await world.ask(question(QuestionKind.RETURN, OF_ORDER, RETURN))
        await world.ask(question(QuestionKind.REFUND, OF_ORDER, REFUND))
        await world.ask(question(QuestionKind.DISPUTE, OF_ORDER, "5"))
        await world.ask(question(QuestionKind.INVENTORY, f"{SHOP}/inventory/77", "77"))
        await world.ask(question(QuestionKind.SHOP, f"{SHOP}/shop", "1"))
        await world.ask(question(QuestionKind.SYNC, f"{SHOP}/topic/orders/create", (START - HOUR).isoformat()))
        await world.ask(question(QuestionKind.SUBSCRIPTIONS, f"{SHOP}/shop", "1"))
        await world.ask(question(QuestionKind.DRAFT, f"{SHOP}/draft/5", "5"))
        await world.ask(question(QuestionKind.ROUTING))
        await world.ask(question(QuestionKind.PARCELS))
        events = {event.kind: event for event in await world.come(14)}

    for kind in QuestionKind:
        event = events[f"answer.{kind}"]
        assert (event.source, event.delivery_id, event.incomplete) == (Source.ANSWER, f"question-{kind}", ())
        assert event.updated is None, "an answer is as of now"
    payment, asked_order = events["answer.payment"].facts, events["answer.order"].facts
    assert isinstance(payment, OrderFacts)
    assert (payment.financial, payment.capturable, payment.manual_gateway) == ("authorized", True, False)
    assert payment.outstanding == Money(Decimal("12.345"), "KWD")
    assert payment.authorization_expires == datetime(2026, 11, 5, tzinfo=UTC)
    assert isinstance(asked_order, OrderFacts)
    assert (asked_order.holds, asked_order.absent) == (
        (),
        ("address", "checkout_token", "customer_id", "lines", "terms"),
    )
    draft = events["answer.draft"].facts
    assert draft == DraftFacts(id=5, status="invoice_sent", tags=("a",), absent=("customer_id", "lines", "terms")), (
        "and it is a person's"
    )
    terms = events["answer.terms"].facts
    assert isinstance(terms, OrderFacts)
    assert terms.terms == Terms("Net 7", "net", START, (Schedule(5, START),))
    assert "terms" not in terms.absent
    checkout = events["answer.checkout"].facts
    assert checkout == CheckoutFacts(
        token="abc",
        order_placed=True,
        order_id=ORDER,
        has_abandonment=False,
        absent=("closed", "completed", "contact_known", "lines"),
    )
    assert events["answer.refund"].facts == RefundFacts(
        id=890088186047892319,
        transactions=(RefundTransaction(5, "refund", "failure", Money(Decimal("12.345"), "KWD"), "bogus", "a_word"),),
    )
    assert events["answer.dispute"].facts == DisputeFacts(
        id=5,
        order_id=ORDER,
        kind="inquiry",
        status="won",
        reason="fraudulent",
        amount=Money(Decimal("1250"), "JPY"),
        evidence_due=START,
        evidence_sent=START,
        finalized=START,
        network_code="4837",
        origin=Origin(test=True),
    )
    back = events["answer.return"].facts
    assert isinstance(back, ReturnFacts)
    assert (back.status, back.received, back.refunded) == ("open", 1, 1)
    stock = events["answer.inventory"].facts
    assert isinstance(stock, InventoryItemFacts)
    assert stock.item is not None
    shop = events["answer.shop"].facts
    assert shop == ShopFacts(id=1, primary="shop.example.com", tls=True)
    there = events["answer.subscriptions"].facts
    assert there == SubscriptionsFacts(subscriptions=(Subscribed("inventory_levels/update", "u"),))
    assert events["answer.sync"].facts == SyncFacts(since=START - HOUR, newer=1, newest=START - 10 * MINUTE)


async def test_a_question_is_answered_after_half_a_minute_at_the_latest() -> None:
    world = await enriching()
    world.shopify.otherwise = DOWN
    async with world.running():
        await world.ask(question(QuestionKind.PAYMENT))
        await world.parked(1)
        await world.pass_time(30 * SECOND)
        (event,) = await world.come(1)
        await world.settled()
        assert world.remembered("late") == world.remembered("timer") == 0
    assert (event.kind, event.incomplete) == ("answer.payment", ("order", "payment"))


class Ticking(VirtualClock):
    """Real time never stands still."""

    def wall(self) -> datetime:
        self.advance(timedelta(microseconds=1))
        return super().wall()


async def test_a_question_that_waited_in_the_queue_takes_the_first_answer() -> None:
    """Its lookup is made at one wall time and settled at a later one."""
    world = await enriching()
    world.world.clock = Ticking(START)
    world.shopify.otherwise = DOWN
    async with world.running():
        await world.deliver("orders/updated", LIVE)
        await world.ask(question(QuestionKind.ADDRESS))
        await world.parked(2)
        knows_order(world.shopify)
        world.shopify.told["OrderCore", GID] = order_now()
        await world.pass_time(SECOND)
        _, answer = await world.come(2)
    assert (answer.kind, answer.incomplete) == ("answer.address", ())


async def test_a_question_about_nothing_is_rejected_and_the_next_one_answered() -> None:
    world = await enriching()
    world.shopify.otherwise = Refused()
    async with world.running():
        await world.ask(question(QuestionKind.ORDER, f"{SHOP}/order/x", "nothing"))
        await world.ask(question(QuestionKind.ORDER))
        (event,) = await world.come(1)
        letters = await world.dead()
    assert event.delivery_id == "question-order"
    assert [letter.header("dead-reason") for letter in letters] == ["undecodable"]


# --- what is not taken -----------------------------------------------------------------------------------


async def test_a_shop_that_is_not_ours_is_a_dead_letter_but_for_what_the_law_asks() -> None:
    world = await enriching()
    async with world.running():
        await world.deliver("orders/create", shop="stranger.myshopify.com")
        await world.deliver("customers/redact", shop="stranger.myshopify.com")
        (event,) = await world.come(1)
        letters = await world.dead()
    assert isinstance(event.facts, PrivacyFacts)
    assert [letter.header("dead-reason") for letter in letters] == ["shop-unknown"]


@pytest.mark.parametrize(("headers", "reason"), [({}, DropReason.NOT_WATCHED), (TEST, DropReason.TEST)])
def test_that_a_shop_must_be_erased_is_no_event(headers: dict[str, str], reason: DropReason) -> None:
    told = {"ce_type": "shop/redact", "ce_id": "1", "ce_source": f"//{SHOP}"} | headers
    header = tuple((name, text.encode()) for name, text in told.items())
    record = Record("shopify.privacy", 0, 0, 0, f"{SHOP}/shop".encode(), b'{"shop_id":1}', header)
    stage = Enrich(CONFIGURATION, ToldShopify())

    outcomes = stage.process(record, Context(View(Memory(stage.families), Change(), START), START, START))

    assert list(outcomes) == [Drop(reason)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        *((body, "unreadable") for body in (b"", b"[]", b"\xff", b'{"id": "', b"[" * 100_000)),
        (b'{"id": null}', "undecodable"),
    ],
)
async def test_an_unreadable_body_is_a_dead_letter_with_its_bytes_and_its_neighbours_go_on(
    body: bytes, reason: str
) -> None:
    world = await enriching()
    async with world.running():
        await world.deliver("tender_transactions/create")
        await world.deliver("orders/create", body=body)
        await world.deliver("tender_transactions/create")
        await world.come(2)
        await world.settled()
        (letter,) = await world.dead()
    assert (letter.header("dead-reason"), letter.value) == (reason, body)


async def test_however_many_unreadable_bodies_come_in_a_row_they_are_their_senders_fault_and_stop_nothing() -> None:
    world = await enriching()
    async with world.running():
        for _ in range(120):
            await world.deliver("orders/create", body=b"{")
        await world.deliver("tender_transactions/create")
        await world.come(1)
        assert len(await world.dead()) == 120


async def test_a_topic_that_nobody_knows_goes_on_as_what_it_is() -> None:
    world = await enriching()
    async with world.running():
        await world.deliver("tender_transactions/create", headers={"ce_type": "orders/teleported"})
        (event,) = await world.come(1)
    assert (event.kind, event.subject) == ("orders/teleported", f"{SHOP}/topic/orders/teleported")


async def test_a_level_comes_with_its_item_and_a_reading_from_before_it_is_not_taken() -> None:
    world = await enriching()
    gid = "gid://shopify/InventoryItem/271878346596884015"

    def item(at: datetime) -> Found[Any]:
        place = shapes.Location("gid://shopify/Location/24826418", "Berlin")
        quantities = (shapes.Quantity("available", 10, at), shapes.Quantity("committed", 2, at))
        level = shapes.InventoryLevel(place, True, at, quantities)
        return Found(shapes.InventoryItem(gid, "SKU", True, inventory_levels=shapes.InventoryLevels((level,))))

    async with world.running():
        world.shopify.told["InventoryItems", gid] = item(datetime(2021, 12, 31, tzinfo=UTC))
        await world.deliver("inventory_levels/update")
        await world.parked(1)
        world.shopify.told["InventoryItems", gid] = item(datetime(2022, 1, 1, tzinfo=UTC))
        await world.pass_time(SECOND)
        (event,) = await world.come(1)
    assert isinstance(event.facts, InventoryFacts)
    assert event.facts.item is not None
    assert (event.facts.item.available, event.facts.item.committed) == (10, 2)
