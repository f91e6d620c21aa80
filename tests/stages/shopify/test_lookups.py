"""What Shopify's answers mean: in the words of the webhooks, summed as a buyer would, and never more than was said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipeline.simulators.shopify.graph import Link, gid
from pipeline.simulators.shopify.stock import InventoryItem, InventoryLevel, InventoryQuantity, Location
from pipeline.simulators.shopify.store import Store
from schemas.facts.orders import Assessment, Customer
from schemas.facts.returns import Disposition, ReturnLine
from schemas.facts.stock import Item
from schemas.money import Money
from stages.shopify import shapes
from stages.shopify.answers import Answer, Denied, Found, Missing, Unavailable
from stages.shopify.lookup import Disposed, Lookup, OpenHolds, Stale, What
from stages.shopify.lookups import look_up
from stages.shopify.operations import Operation
from stages.shopify.orders import order_facts, to_ship
from stages.shopify.returned import return_facts
from stages.shopify.stock import item_of
from tests.stages.asking import SHOP, ToldShopify
from tests.stages.shopify.at_once import StoredShopify

GID = "gid://shopify/Order/1"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "fulfillment"),
    [
        ("UNFULFILLED", None),
        ("ON_HOLD", None),
        ("PARTIALLY_FULFILLED", "partial"),
        ("FULFILLED", "fulfilled"),
        ("RESTOCKED", "restocked"),
        ("FULFILLMENT_NOT_REQUIRED", "fulfillment_not_required"),
        (None, None),
    ],
)
def test_an_orders_fulfillment_speaks_as_the_webhooks_do(word: str | None, fulfillment: str | None) -> None:
    assert order_facts(shapes.Order(GID, display_fulfillment_status=word)).fulfillment == fulfillment


def test_risk_names_its_provider_and_the_negative_facts_only() -> None:
    said = (shapes.RiskFact("many cards", "NEGATIVE"), shapes.RiskFact("known address", "POSITIVE"))
    risk = shapes.Risk(
        "INVESTIGATE",
        (shapes.RiskAssessment("HIGH", None, said), shapes.RiskAssessment("NEW_WORD", shapes.Provider("Scorer"))),
    )
    found = order_facts(shapes.Order(GID, risk=risk))
    assert found.recommendation == "investigate"
    assert found.risk == (Assessment("Shopify", "high", ("many cards",)), Assessment("Scorer", "new_word"))


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        ((), None),
        (("CLOSED",), ()),
        (("CLOSED", "OPEN"), ("open",)),
        (("CLOSED",) * 10, None),
        (("CANCELLED",) * 9, ()),
    ],
)
def test_what_is_to_be_shipped_is_known_where_none_that_is_open_can_be_missing(
    statuses: tuple[str, ...], found: tuple[str, ...] | None
) -> None:
    routed = to_ship(tuple(shapes.RoutedOrder(f"{number}", status) for number, status in enumerate(statuses)))
    assert (routed if routed is None else tuple(each.status for each in routed)) == found


def test_the_outstanding_amount_is_in_the_currency_of_the_total_beside_it() -> None:
    total = shapes.ShopMoney(shapes.Amount(Decimal("10"), "JPY"))
    left = shapes.ShopMoney(shapes.Amount(Decimal("3")))
    found = order_facts(shapes.Order(GID, current_total_price_set=total, total_outstanding_set=left))
    assert (found.total, found.outstanding) == (Money(Decimal("10"), "JPY"), Money(Decimal("3"), "JPY"))
    assert order_facts(shapes.Order(GID, total_outstanding_set=left)).outstanding is None


def level(number: int, available: int, *, active: bool = True, online: bool = True) -> shapes.InventoryLevel:
    place = shapes.Location(f"gid://shopify/Location/{number}", f"Place {number}", active, online)
    return shapes.InventoryLevel(place, quantities=(shapes.Quantity("available", available),))


def stocked(*levels: shapes.InventoryLevel, more: bool = False) -> shapes.InventoryItem:
    page = shapes.InventoryLevels(levels, shapes.PageInfo(more))
    return shapes.InventoryItem("gid://shopify/InventoryItem/7", "SKU", True, inventory_levels=page)


def test_stock_is_summed_over_active_places_that_sell_online() -> None:
    item = item_of(stocked(level(1, 5), level(2, -2), level(3, 100, active=False), level(4, 100, online=False)))
    assert (item.id, item.available, item.on_hand) == (7, 3, 0)
    assert [(each.location_id, each.available) for each in item.levels] == [(1, 5), (2, -2), (3, 100), (4, 100)]


async def test_an_item_is_summed_over_all_its_locations_and_is_as_new_as_the_newest_of_them() -> None:
    store, places = Store(SHOP), 130
    store.put(InventoryItem(id=(item := gid("InventoryItem", 7)), updated_at=NOW))
    for number in range(places):
        place, at = gid("Location", number), NOW + timedelta(minutes=number)
        store.put(
            Location(id=place, name=f"Place {number}"),
            InventoryLevel(
                id=gid("InventoryLevel", number),
                item=Link(item),
                location=Link(place),
                updated_at=at,
                quantities=(InventoryQuantity(name="available", quantity=number, updated_at=at),),
            ),
        )
    shopify = StoredShopify(store, SHOP)

    def asked(newer: int) -> Lookup:
        return Lookup(SHOP, What.ITEM, "7", newer=NOW + timedelta(minutes=newer))

    found = await look_up(shopify, asked(places - 1))

    assert isinstance(found, Found)
    assert isinstance(found.value, Item)
    assert (found.value.available, len(found.value.levels)) == (sum(range(places)), places)
    assert await look_up(shopify, asked(places)) == Stale()


async def test_of_an_item_whose_further_locations_are_not_told_nothing_is_known() -> None:
    shopify = ToldShopify(SHOP)
    shopify.told["InventoryItems", gid("InventoryItem", 7)] = Found(stocked(level(1, 5), more=True))
    for answer in (Unavailable("down"), Missing(), Found(shapes.LevelsOfItem(None))):
        shopify.told["InventoryLevels", gid("InventoryItem", 7)] = answer
        expected = Missing() if isinstance(answer, Found) else answer
        assert await look_up(shopify, Lookup(SHOP, What.ITEM, "7")) == expected


def test_a_sum_that_is_not_whole_is_unknown() -> None:
    assert item_of(stocked(level(1, 5), more=True)).available is None
    assert item_of(stocked(level(1, 5, online=False))).available is None
    assert item_of(stocked()).available is None


class Paged(ToldShopify):
    """The holds of an order with more fulfillment orders than one page has."""

    def __init__(self, pages: Mapping[object, Answer[Any]]) -> None:
        super().__init__(SHOP)
        self.pages = pages

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        return self.pages[variables["after"]]


def page(hold: str, after: str | None) -> Found[Any]:
    held = (shapes.FulfillmentHold(hold, "approval-1", "OTHER", True),)
    nodes = (shapes.FulfillmentOrder(f"of-{hold}", fulfillment_holds=held),)
    orders = shapes.FulfillmentOrders(nodes, shapes.PageInfo(after is not None, after))
    return Found(shapes.OrderHolds(shapes.HeldOrder(GID, "#1", orders)))


async def test_open_holds_are_those_of_every_page_and_ours_are_known() -> None:
    shopify = Paged({None: page("a", "1"), "1": page("b", None)})
    reply = await look_up(shopify, Lookup(SHOP, What.HOLDS, "1"))
    assert isinstance(reply, Found)
    assert isinstance(reply.value, OpenHolds)
    assert [(hold.id, hold.fulfillment_order, hold.ours) for hold in reply.value.holds] == [
        ("a", "of-a", True),
        ("b", "of-b", True),
    ]


class Buyer(ToldShopify):
    """One customer, and what is said of its segments."""

    def __init__(self, segments: Answer[Any]) -> None:
        super().__init__(SHOP)
        self.segments = segments

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        if operation.name == "Customer":
            return Found(shapes.CustomerData(shapes.CustomerNode("gid://shopify/Customer/3", ("vip",))))
        return self.segments


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (Found({"gid://shopify/Segment/5": True, "gid://shopify/Segment/6": False}), (5,)),
        (Denied("a scope"), None),
        (Missing(), None),
        (Unavailable("down"), "asked again"),
    ],
)
async def test_a_customers_segments_are_those_of_the_configured_ones(said: Answer[Any], known: object) -> None:
    if isinstance(said, Found):
        found = tuple(shapes.Membership(name, is_in) for name, is_in in said.value.items())
        said = Found(shapes.CustomerSegments(shapes.Memberships(found)))

    reply = await look_up(Buyer(said), Lookup(SHOP, What.CUSTOMER, "3", segments=("5", "6")))

    if known == "asked again":
        assert reply == said
    else:
        assert reply == Found(Customer(3, ("vip",), segments=known))  # type: ignore[arg-type]  # by the parameters


async def test_a_page_that_does_not_come_makes_the_holds_unknown() -> None:
    shopify = Paged({None: page("a", "1"), "1": Unavailable("down")})
    assert isinstance(await look_up(shopify, Lookup(SHOP, What.HOLDS, "1")), Unavailable)


# --- what came back ---------------------------------------------------------------------------------------------------

REVERSE, LINE = "gid://shopify/ReverseFulfillmentOrder/3", "gid://shopify/LineItem/7"
FULFILLED = shapes.FulfilledLine(shapes.Named(LINE))
PARTS = shapes.ReverseLines(
    (
        shapes.ReverseLine(
            "gid://shopify/ReverseFulfillmentOrderLineItem/4",
            FULFILLED,
            (shapes.Disposed("gid://shopify/ReverseFulfillmentOrderDisposition/5", "NOT_RESTOCKED", 2, NOW),),
        ),
    )
)
CAME = Disposition("not_restocked", 2, part=4, id=5, reverse=3, line=7, at=NOW)


async def test_what_came_back_is_known_by_its_own_id_and_the_orders_line() -> None:
    shopify = ToldShopify(SHOP)
    node = shapes.ReverseNode(REVERSE, line_items=PARTS)
    shopify.told["ReverseFulfillmentOrder", REVERSE] = Found(shapes.ReverseFulfillmentOrder(node))

    assert await look_up(shopify, Lookup(SHOP, What.DISPOSED, "3")) == Found(Disposed((CAME,)))


def test_a_return_says_of_each_line_what_was_processed_refunded_and_what_it_is_worth() -> None:
    worth = shapes.ShopMoney(shapes.Amount(Decimal("2000"), "JPY"))
    line = shapes.ReturnLine(2, 1, 1, 0, None, FULFILLED, worth)
    found = return_facts(
        shapes.ReturnNode(
            "gid://shopify/Return/1",
            request_approved_at=NOW,
            return_line_items=shapes.ReturnLines((line, shapes.ReturnLine(1))),
            reverse_fulfillment_orders=shapes.ReverseOrders((shapes.ReverseOrder(REVERSE, PARTS),)),
        )
    )

    assert found.lines == (
        ReturnLine(2, 7, processed=1, refunded=1, refundable=0, worth=Money(Decimal("2000"), "JPY")),
        ReturnLine(1, processed=0, refunded=0),
    )
    assert (found.received, found.refunded, found.approved, found.dispositions) == (1, 1, NOW, (CAME,))


async def test_lines_that_do_not_end_are_asked_for_only_so_often() -> None:
    class Endless(ToldShopify):
        turns = 0

        def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
            self.turns += 1
            page = shapes.BoughtLines((shapes.BoughtLine("1"),), shapes.PageInfo(has_next_page=True, end_cursor="x"))
            return Found(shapes.LinesOfOrder(shapes.BoughtOrder(GID, page)))

    shopify = Endless(SHOP)

    assert isinstance(await look_up(shopify, Lookup(SHOP, What.ORDER_LINES, "1")), Denied)
    assert shopify.turns < 100
