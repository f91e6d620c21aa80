"""What was seen is dropped, what is new is kept: whatever the order of deliveries, and however often they come."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.state import Change, Memory, View
from schemas import codec, topics
from schemas.events import Event, Source
from schemas.facts.operations import DomainFacts, ShopFacts, UnknownFacts
from schemas.facts.orders import Assessment, HoldFacts, OrderFacts, RiskFacts
from schemas.facts.payments import CheckoutFacts, DraftFacts, TransactionFacts
from schemas.facts.shipments import FulfillmentFacts
from schemas.facts.stock import InventoryFacts, ProductFacts
from schemas.facts.table import AnyFacts
from schemas.money import Money
from schemas.reasons import DropReason, RejectReason
from schemas.records import Record
from stages.deduplicate import NEWEST, SEEN, Deduplicate
from stages.stage import Context, Drop, Emit, Outcome, Reject

SHOP = "demo.myshopify.com"
ORDER = f"{SHOP}/order/1001"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def order(version: int, delivery: str, kind: str = "orders/updated") -> Event:
    """The order in its nth state: `updated_at` and an amount grow with it."""
    updated = START + version * SECOND
    facts = OrderFacts(id=1001, updated=updated, total=Money(Decimal(version), "EUR"))
    return event(facts, delivery, kind, updated=updated, occurred=updated + timedelta(milliseconds=300))


def event(
    facts: AnyFacts,
    delivery: str,
    kind: str,
    *,
    updated: datetime | None = None,
    occurred: datetime = START,
    subject: str = ORDER,
) -> Event:
    return Event(kind, SHOP, subject, subject, occurred, START, delivery, Source.WEBHOOK, facts, updated)


@dataclass
class World:
    """The stage over real state; every event is a transaction of its own."""

    now: datetime = START
    kept: list[Event] = field(default_factory=list)
    dropped: list[DropReason] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stage = Deduplicate()
        self.memory = Memory(self.stage.families)

    def take(self, *events: Event) -> None:
        for taken in events:
            for outcome in self.process(codec.encode(taken)):
                match outcome:
                    case Emit(topic, key, Event() as told, kind):
                        assert (topic, key, kind) == (topics.UNIQUE, taken.subject, taken.kind)
                        assert told == taken
                        self.kept.append(told)
                    case Drop(reason):
                        self.dropped.append(reason)
                    case _:
                        pytest.fail(f"neither kept nor dropped: {outcome}")

    def process(self, value: bytes | None) -> Sequence[Outcome]:
        view = View(self.memory, Change(), self.now)
        record = Record(topics.ENRICHED, 0, 0, 0, b"key", value)
        outcomes = list(self.stage.process(record, Context(view, self.now, self.now)))
        self.memory.apply(view.change)
        return outcomes

    def newest(self) -> dict[bytes, bytes]:
        return dict(self.memory.items(NEWEST.name))

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(each.kind, each.delivery_id) for each in self.kept]


KINDS = ("orders/create", "orders/updated", "orders/paid")
DELIVERIES = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(KINDS), st.integers(0, 1)), min_size=1, max_size=25)


def delivered(told: Sequence[tuple[int, str, int]]) -> list[Event]:
    """Each (version, topic) may come under two webhook ids, and each of them any number of times."""
    return [order(version, f"{version}-{kind}-{copy}", kind) for version, kind, copy in told]


@given(DELIVERIES, st.randoms(use_true_random=False))
def test_the_newest_state_is_the_same_whatever_the_order_and_the_repetitions(
    told: list[tuple[int, str, int]], chance: Random
) -> None:
    straight, shuffled = World(), World()
    straight.take(*delivered(sorted(told)))
    mixed = [*told, *told]
    chance.shuffle(mixed)
    shuffled.take(*delivered(mixed))

    newest = max(version for version, _, _ in told)
    for world in (straight, shuffled):
        last = {each.kind for each in world.kept if each.updated == START + newest * SECOND}
        assert last == {kind for version, kind, _ in told if version == newest}, "every topic of it was told on"
    fingerprints = [sorted(world.memory._values[key] for key in world.newest()) for world in (straight, shuffled)]
    assert len(fingerprints[0]) == len(fingerprints[1]) == 1


@given(DELIVERIES)
def test_what_is_newer_than_all_before_is_kept_and_no_delivery_is_kept_twice(told: list[tuple[int, str, int]]) -> None:
    world, newest = World(), -1
    for version, arrival in zip([it[0] for it in told], delivered(told), strict=True):
        before = len(world.kept)
        world.take(arrival)
        if version > newest:
            assert len(world.kept) == before + 1, "it is new"
        elif version < newest:
            assert len(world.kept) == before, "it is out of date"
        newest = max(newest, version)
    assert len(set(world.told)) == len(world.told)
    assert len(world.kept) + len(world.dropped) == len(told)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=20))
def test_happenings_are_never_out_of_date_and_each_comes_once(numbers: list[int]) -> None:
    world = World()
    for number in numbers:
        facts = TransactionFacts(id=number, order_id=1001, kind="sale", status="failure")
        world.take(event(facts, f"delivery-{number}", "order_transactions/create", occurred=START - number * SECOND))
    assert sorted(each.delivery_id for each in world.kept) == sorted({f"delivery-{number}" for number in numbers})


@given(DELIVERIES, st.lists(st.integers(0, 3), max_size=5))
def test_answers_are_known_by_their_question_and_change_nothing_else(
    told: list[tuple[int, str, int]], questions: list[int]
) -> None:
    plain, asked = World(), World()
    plain.take(*delivered(told))
    answers = [replace(order(99, f"question-{number}", "answer.order"), source=Source.ANSWER) for number in questions]
    asked.take(*answers, *delivered(told), *answers)

    assert [each for each in asked.kept if each.source is not Source.ANSWER] == plain.kept
    assert [each.delivery_id for each in asked.kept if each.source is Source.ANSWER] == [
        f"question-{number}" for number in dict.fromkeys(questions)
    ]
    assert asked.newest() == plain.newest()


def test_two_topics_of_one_action_are_both_kept_and_a_second_subscription_is_not() -> None:
    world = World()
    world.take(order(1, "a", "orders/updated"), order(1, "b", "orders/paid"))
    world.take(order(1, "c", "orders/updated"), order(1, "d", "orders/paid"))
    assert world.told == [("orders/updated", "a"), ("orders/paid", "b")]
    assert world.dropped == [DropReason.DUPLICATE_STATE] * 2


def test_a_state_that_was_left_and_came_back_is_news() -> None:
    tagged = replace(order(2, "b"), facts=replace(order(1, "x").facts, tags=("review",)))
    back = replace(order(3, "c"), facts=order(1, "x").facts)
    world = World()
    world.take(order(1, "a"), tagged, back)
    assert [each.delivery_id for each in world.kept] == ["a", "b", "c"]


def test_an_old_delivery_that_looks_like_the_newest_state_does_not_make_it_older() -> None:
    """The state returned to what it was: the first delivery comes once more, late, then one from in between."""
    first, back = order(1, "a"), replace(order(5, "c"), facts=order(1, "x").facts)
    world = World()
    world.take(back, replace(first, delivery_id="late"), order(3, "b"))
    assert [each.delivery_id for each in world.kept] == ["c"]
    assert world.dropped == [DropReason.DUPLICATE_STATE, DropReason.OUT_OF_DATE]


def test_an_equal_time_with_another_fingerprint_passes() -> None:
    other = replace(order(1, "b"), facts=replace(order(1, "x").facts, tags=("vip",)))
    world = World()
    world.take(order(1, "a"), other)
    assert [each.delivery_id for each in world.kept] == ["a", "b"]


def test_a_change_of_nothing_but_the_time_is_no_change() -> None:
    world = World()
    touched = replace(order(2, "b"), facts=replace(order(1, "x").facts, updated=START + 2 * SECOND))
    world.take(order(1, "a"), touched, order(1, "late"))
    assert [each.delivery_id for each in world.kept] == ["a"]
    assert world.dropped == [DropReason.DUPLICATE_STATE] * 2


@pytest.mark.parametrize("facts", [CheckoutFacts(token="t", updated=START), DraftFacts(id=1, updated=START)])
def test_of_what_has_to_be_quiet_the_time_alone_is_news(facts: CheckoutFacts | DraftFacts) -> None:
    world, later = World(), START + 5 * SECOND
    kind = "checkouts/update" if isinstance(facts, CheckoutFacts) else "draft_orders/update"
    for delivery, at in (("a", START), ("b", later), ("b again", later), ("a late", START)):
        world.take(event(replace(facts, updated=at), delivery, kind, updated=at, occurred=at))

    assert [each.delivery_id for each in world.kept] == ["a", "b"]


def test_that_something_has_become_known_is_news_even_where_it_is_nothing() -> None:
    """Shopify has not validated the address: the fact is None, before and after; only before it was unknown."""
    world = World()
    world.take(replace(order(1, "a"), incomplete=("address_verdict",)), order(1, "b"))
    assert [each.incomplete for each in world.kept] == [("address_verdict",), ()]


def test_an_event_whose_order_could_not_be_looked_up_makes_no_state_old() -> None:
    blank = OrderFacts(id=1001)
    told = replace(
        event(blank, "e", "orders/updated", occurred=START + 60 * SECOND), source=Source.EVENT, incomplete=("order",)
    )
    world = World()
    world.take(told, order(1, "a"), replace(told, delivery_id="f"), order(2, "b"))
    assert [each.delivery_id for each in world.kept] == ["e", "a", "f", "b"]


def test_levels_of_an_item_are_states_of_their_own_at_each_location() -> None:
    def level(location: int, available: int, version: int, delivery: str) -> Event:
        facts = InventoryFacts(item_id=5, location_id=location, available=available)
        moment = START + version * SECOND
        return event(facts, delivery, "inventory_levels/update", updated=moment, subject=f"{SHOP}/inventory/5")

    world = World()
    world.take(level(1, 10, 5, "a"), level(2, 7, 3, "b"), level(1, 9, 4, "c"), level(2, 7, 6, "d"))
    assert [each.delivery_id for each in world.kept] == ["a", "b"]
    assert world.dropped == [DropReason.OUT_OF_DATE, DropReason.DUPLICATE_STATE]


def test_what_a_shop_and_its_domains_told_before_is_never_out_of_date() -> None:
    def told(facts: AnyFacts, second: int) -> Event:
        at = START + second * SECOND
        return event(facts, f"d{second}", "shop/update", updated=at, occurred=at, subject=f"{SHOP}/shop")

    world = World()
    world.take(told(ShopFacts(password_enabled=True), 5), told(ShopFacts(password_enabled=False), 3))
    world.take(told(DomainFacts(id=1, ssl=False), 6), told(DomainFacts(id=1, ssl=True), 4))

    assert [each.delivery_id for each in world.kept] == ["d5", "d3", "d6", "d4"]


def test_that_a_product_was_archived_in_between_is_never_out_of_date() -> None:
    world, of = World(), f"{SHOP}/inventory/77"
    for version, status in ((3, "active"), (2, "archived"), (1, "active")):
        updated = START + version * SECOND
        facts = ProductFacts(id=9, title=f"Shirt {version}", status=status, updated=updated)
        world.take(event(facts, f"d{version}", "products/update", updated=updated, occurred=updated, subject=of))

    assert [kept.delivery_id for kept in world.kept] == ["d3", "d2"]
    assert world.dropped == [DropReason.OUT_OF_DATE]


def test_the_parcels_of_an_order_are_states_of_their_own() -> None:
    world = World()
    for number, version in ((2, 5), (1, 1), (1, 3), (1, 2)):
        updated = START + version * SECOND
        parcel = FulfillmentFacts(id=number, order_id=1001, updated=updated, carrier=str(version))
        world.take(event(parcel, f"{number}-{version}", "fulfillments/update", updated=updated, occurred=updated))
    assert [each.delivery_id for each in world.kept] == ["2-5", "1-1", "1-3"]
    assert world.dropped == [DropReason.OUT_OF_DATE]


def test_a_level_that_comes_back_in_the_second_of_its_disconnection_is_kept() -> None:
    """A disconnection has no `updated_at`, and when it was triggered is told in nanoseconds."""
    subject = f"{SHOP}/inventory/5"
    off, on = InventoryFacts(5, 1, disconnected=True), InventoryFacts(5, 1, available=3)
    world = World()
    gone = event(off, "a", "inventory_levels/disconnect", occurred=START + timedelta(milliseconds=700), subject=subject)
    world.take(gone, event(on, "b", "inventory_levels/connect", updated=START, subject=subject))
    assert [each.delivery_id for each in world.kept] == ["a", "b"]


def test_a_copy_for_another_subject_has_its_own_memory() -> None:
    checkout = CheckoutFacts(token="t", order_placed=True, from_order=True)
    copy = replace(order(1, "a"), subject=f"{SHOP}/checkout/t", facts=checkout)
    world = World()
    world.take(order(1, "a"), copy, order(1, "a"), copy)
    assert [each.subject for each in world.kept] == [ORDER, f"{SHOP}/checkout/t"]


def test_a_deleted_draft_and_a_removed_app_are_happenings() -> None:
    world = World()
    draft = event(DraftFacts(id=1), "b", "draft_orders/delete", occurred=START - 60 * SECOND)
    world.take(event(DraftFacts(id=1), "a", "draft_orders/update"), draft)
    assert [each.delivery_id for each in world.kept] == ["a", "b"]


def test_what_is_only_a_test_is_dropped_and_leaves_no_trace() -> None:
    world = World()
    world.take(replace(order(1, "a"), test=True))
    assert (world.kept, world.dropped, len(world.memory)) == ([], [DropReason.TEST], 0)


def test_an_order_that_is_a_test_says_so_to_what_comes_of_it() -> None:
    world, told = World(), order(1, "a")
    world.take(replace(told, test=True, facts=replace(told.facts, test=True)))
    assert [each.delivery_id for each in world.kept] == ["a"]


@pytest.mark.parametrize(
    "facts",
    [
        RiskFacts(order_id=1001, assessment=Assessment("Shopify", "high"), test=True),
        HoldFacts(fulfillment_order="7", released=False, test=True),
    ],
)
def test_the_risk_and_the_hold_of_an_order_that_is_a_test_say_so_too(facts: AnyFacts) -> None:
    world = World()
    world.take(replace(event(facts, "a", "told"), test=True))
    assert [each.delivery_id for each in world.kept] == ["a"]


def test_unknown_topics_and_holds_pass_once() -> None:
    world = World()
    for facts in (UnknownFacts(), HoldFacts(fulfillment_order="gid://shopify/FulfillmentOrder/1", released=False)):
        told = event(facts, "a", f"some/{type(facts).__name__}")
        world.take(told, told)
    assert len(world.kept) == 2
    assert world.dropped == [DropReason.DUPLICATE_DELIVERY] * 2


def test_a_delivery_is_forgotten_after_96_hours_and_a_state_after_30_days() -> None:
    world = World()
    happening = event(UnknownFacts(), "h", "some/topic")
    world.take(order(1, "a"), happening)
    world.now += timedelta(hours=96) - SECOND
    world.take(happening)
    assert world.dropped == [DropReason.DUPLICATE_DELIVERY]
    world.now += SECOND
    world.take(happening, order(1, "a"))
    assert [each.delivery_id for each in world.kept] == ["a", "h", "h"]
    assert world.dropped[1:] == [DropReason.DUPLICATE_STATE], "the state is known longer than its delivery"
    world.now += timedelta(days=30)
    world.take(order(1, "b"))
    assert world.kept[-1].delivery_id == "b"
    assert (SEEN.ttl, NEWEST.ttl) == (timedelta(hours=96), timedelta(days=30))


def test_bytes_of_another_shape_are_rejected() -> None:
    for value in (None, b"", b"{}", b"[]", b"\xff", codec.encode(Money(Decimal(1), "EUR"))):
        with pytest.raises(Reject) as rejected:
            World().process(value)
        assert rejected.value.reason is RejectReason.UNDECODABLE


def test_a_delivery_costs_little_memory() -> None:
    """Four million of them are what a million deliveries a day come to: about 1 GB over all tasks."""
    world = World()
    world.take(*(event(UnknownFacts(), f"{number:032x}-{'x' * 100}", "some/topic") for number in range(200)))
    sizes = [sys.getsizeof(key) + sys.getsizeof(value) for key, value in world.memory._values.items()]
    assert max(sizes) < 170, "the key is the subject and 16 bytes, whatever the delivery id"
