"""Facts of stock, variants and locations."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from msgspec.structs import replace

from schemas.facts.operations import LocationFacts
from schemas.facts.stock import InventoryFacts, InventoryItemFacts, ProductFacts, ProductVariant, VariantFacts
from stages.bodies.parsed import About
from stages.bodies.table import facts_of, facts_of_event
from stages.stage import Reject
from tests.stages.bodies.reading import NEW_YEAR, parsed, varied

ITEM, VARIANT = 271878346596884015, 642667041472713922


def test_a_level_is_read_exactly() -> None:
    read = parsed("inventory_levels/update", "inventory_levels_update__1")

    assert (read.about, read.updated) == (About("inventory", ITEM), NEW_YEAR)
    assert read.facts == InventoryFacts(item_id=ITEM, location_id=24826418, available=10, updated=NEW_YEAR)


@pytest.mark.parametrize(("written", "available"), [(None, None), (-3, -3), (0, 0), ("7", 7)])
def test_available_is_what_stands_there_and_null_is_untracked(written: object, available: int | None) -> None:
    found = varied("inventory_levels/update", {"available": written}).facts
    assert isinstance(found, InventoryFacts)
    assert found.available == available


def test_a_number_that_is_null_says_that_nobody_tracks_it_and_one_that_is_missing_says_nothing() -> None:
    written = [varied("inventory_levels/update", {"available": None}).facts]
    written += [varied("inventory_levels/update", without=("available",)).facts]
    written += [facts_of("inventory_levels/disconnect", b'{"inventory_item_id":7,"location_id":5}').facts]

    assert [isinstance(facts, InventoryFacts) and facts.untracked for facts in written] == [True, False, False]


def test_an_item_is_found_in_the_gid_of_its_level() -> None:
    assert varied("inventory_levels/update", without=("inventory_item_id",)).about == About("inventory", ITEM)


def test_a_disconnected_level_has_no_stock_whatever_the_body_says() -> None:
    body = orjson.dumps({"inventory_item_id": ITEM, "location_id": 5, "available": 10})
    assert facts_of("inventory_levels/disconnect", body).facts == InventoryFacts(
        item_id=ITEM, location_id=5, disconnected=True
    )


def test_an_item_is_read_exactly() -> None:
    read = parsed("inventory_items/update", "inventory_items_update__1")

    assert read.about == About("inventory", ITEM)
    assert read.facts == InventoryItemFacts(item_id=ITEM, sku="example-sku", tracked=True, updated=NEW_YEAR)


PRODUCT = {
    "id": 788032119674292922,
    "title": "Linen shirt",
    "vendor": "Weavers",
    "status": "archived",
    "tags": "Summer, New",
    "updated_at": "2021-12-31T19:00:00-05:00",
    "variants": [
        {"id": VARIANT, "sku": "S", "inventory_policy": "deny", "inventory_item_id": ITEM},
        {"id": 5, "sku": None, "inventory_item_id": None},
        {"id": 6, "inventory_policy": "CONTINUE", "inventory_item_id": "43"},
        None,
    ],
}


def test_a_product_is_read_with_the_items_of_its_variants() -> None:
    read = facts_of("products/update", orjson.dumps(PRODUCT))

    assert (read.about, read.updated) == (About("product", 788032119674292922), NEW_YEAR)
    assert read.facts == ProductFacts(
        id=788032119674292922,
        title="Linen shirt",
        vendor="Weavers",
        status="archived",
        tags=("Summer", "New"),
        updated=NEW_YEAR,
        variants=(ProductVariant(ITEM, "S", "deny"), ProductVariant(43, None, "continue")),
    )


def test_of_a_product_what_does_not_stand_there_is_not_known_and_what_is_empty_is() -> None:
    assert facts_of("products/update", b'{"id":9}').facts == ProductFacts(id=9)
    assert facts_of("products/update", b'{"id":9,"tags":"","variants":[]}').facts == ProductFacts(
        id=9, tags=(), variants=()
    )


def test_of_a_product_with_more_variants_than_stand_in_its_body_the_items_are_not_known() -> None:
    named = [{"admin_graphql_api_id": f"gid://shopify/ProductVariant/{number}"} for number in range(5)]
    known, unknown = (facts_of("products/update", orjson.dumps(PRODUCT | {"variant_gids": named[:n]})) for n in (3, 5))

    assert isinstance(known.facts, ProductFacts)
    assert known.facts.variants is not None
    assert unknown.facts == replace(known.facts, variants=None)


def test_what_is_deleted_is_no_more_than_its_number() -> None:
    assert facts_of("products/delete", b'{"id":9}').facts == ProductFacts(id=9, deleted=True)
    assert facts_of("inventory_items/delete", b'{"id":9}').facts == InventoryItemFacts(item_id=9, deleted=True)


@pytest.mark.parametrize(
    ("gid", "body"),
    [("gid://shopify/Product/9", b"{}"), (None, b'{"data":{"product":{"id":"gid://shopify/Product/9"}}}')],
)
def test_events_of_a_product_name_it(gid: str | None, body: bytes) -> None:
    assert facts_of_event("products/update", "Product", gid, body).facts == ProductFacts(id=9)
    assert facts_of_event("products/delete", "Product", gid, body).facts == ProductFacts(id=9, deleted=True)


def test_an_event_of_what_was_deleted_that_names_nothing_is_counted_and_not_understood() -> None:
    assert facts_of_event("products/delete", "Product", None, b"{}").about == About("topic", "products/delete")


@pytest.mark.parametrize(("topic", "in_stock"), [("variants/out_of_stock", False), ("variants/in_stock", True)])
def test_a_variant_is_read_exactly_and_names_no_item(topic: str, in_stock: bool) -> None:
    read = parsed(topic, "variants_out_of_stock__1")

    assert (read.about, read.updated) == (About("variant", VARIANT), datetime(2021, 12, 31, tzinfo=UTC))
    assert read.facts == VariantFacts(
        id=VARIANT, product_id=788032119674292922, title="Small", policy="deny", quantity=0, in_stock=in_stock
    )


def test_a_location_is_read_without_its_address() -> None:
    body = orjson.dumps({"id": 5, "name": "Warehouse", "active": False, "address1": "1 Street", "phone": "1"})
    assert facts_of("locations/deactivate", body).facts == LocationFacts(id=5, name="Warehouse", active=False)


def test_a_level_of_no_item_is_rejected() -> None:
    with pytest.raises(Reject, match="inventory_item_id"):
        varied("inventory_levels/update", without=("inventory_item_id", "admin_graphql_api_id"))


def test_a_location_that_is_deleted_stocks_nothing() -> None:
    read = facts_of("locations/delete", b'{"id": 4}')

    assert (read.about, read.facts) == (About("location", 4), LocationFacts(id=4, active=False, has_stock=False))
