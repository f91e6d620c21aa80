"""What belongs together has one key, whoever tells of it and however; what tells nothing is on its own."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.simulators.samples import bodies, topics
from schemas.resources import CLASSIC, COMPLIANCE, RESOURCES, domain_of, event_topic, raw_key
from schemas.topics import RAW_DOMAINS

SHOP = "demo.myshopify.com"

#: Every sample, with what Shopify wrote in it as identity: read by a person, not by the table that is tested.
KEYS = {
    ("orders/create", "orders_create__1"): ("orders", "order/820982911946154508"),
    ("orders/create", "orders_create__3"): ("orders", "order/123"),
    ("orders/edited", "orders_edited__1"): ("orders", "order/820982911946154508"),
    # order_id is null in Shopify's own example, and words in the anonymised one
    ("orders/risk_assessment_changed", "orders_risk_assessment_changed__1"): ("orders", "delivery/w-1"),
    ("orders/risk_assessment_changed", "orders_risk_assessment_changed__2"): ("orders", "delivery/w-1"),
    ("draft_orders/create", "draft_orders_create__1"): ("orders", "draft/890612572568261625"),
    ("fulfillments/create", "fulfillments_create__1"): ("fulfillments", "order/820982911946154508"),
    ("fulfillment_events/create", "fulfillment_events_create__1"): ("fulfillments", "order/820982911946154508"),
    ("fulfillment_holds/added", "fulfillment_holds_added__1"): ("fulfillments", "fulfillment-order/1"),
    ("fulfillment_holds/released", "fulfillment_holds_released__1"): ("fulfillments", "fulfillment-order/1"),
    ("fulfillment_orders/placed_on_hold", "fulfillment_orders_placed_on_hold__1"): (
        "fulfillments",
        "fulfillment-order/1",
    ),
    ("fulfillment_orders/hold_released", "fulfillment_orders_hold_released__1"): (
        "fulfillments",
        "fulfillment-order/1",
    ),
    ("fulfillment_orders/fulfillment_request_rejected", "fulfillment_orders_fulfillment_request_rejected__1"): (
        "fulfillments",
        "fulfillment-order/1",
    ),
    ("fulfillment_orders/order_routing_complete", "fulfillment_orders_order_routing_complete__1"): (
        "fulfillments",
        "fulfillment-order/1",
    ),
    ("inventory_items/update", "inventory_items_update__1"): ("inventory", "inventory/271878346596884015"),
    ("inventory_levels/update", "inventory_levels_update__1"): ("inventory", "inventory/271878346596884015"),
    ("variants/out_of_stock", "variants_out_of_stock__1"): ("inventory", "variant/642667041472713922"),
    ("checkouts/create", "checkouts_create__1"): ("checkouts", "checkout/123123123"),
    ("checkouts/update", "checkouts_update__1"): ("checkouts", "checkout/example string"),
    ("order_transactions/create", "order_transactions_create__1"): ("payments", "order/820982911946154508"),
    ("tender_transactions/create", "tender_transactions_create__1"): ("payments", "order/820982911946154508"),
    ("payment_terms/create", "payment_terms_create__1"): ("payments", "payment-terms/706405506930370084"),
    ("payment_schedules/due", "payment_schedules_due__1"): ("payments", "payment-terms/706405506930370084"),
    ("disputes/create", "disputes_create__1"): ("payments", "order/820982911946154508"),
    ("refunds/create", "refunds_create__1"): ("returns", "order/820982911946154508"),
    ("returns/approve", "returns_approve__1"): ("returns", "return/123134564567890"),
    ("returns/decline", "returns_decline__1"): ("returns", "return/123134564567890"),
    ("returns/close", "returns_close__1"): ("returns", "return/123134564567890"),
    ("returns/update", "returns_update__1"): ("returns", "return/123134564567890"),
    ("reverse_deliveries/attach_deliverable", "reverse_deliveries_attach_deliverable__1"): (
        "returns",
        "return/123134564567890",
    ),
    ("reverse_fulfillment_orders/dispose", "reverse_fulfillment_orders_dispose__1"): (
        "returns",
        "reverse-fulfillment-order/11111111",
    ),
    ("app/uninstalled", "app_uninstalled__1"): ("operations", "shop"),
    ("app_subscriptions/update", "app_subscriptions_update__1"): ("operations", "shop"),
    ("bulk_operations/finish", "bulk_operations_finish__1"): ("operations", "shop"),
    ("audit_events/admin_api_activity", "audit_events_admin_api_activity__1"): ("operations", "shop"),
    ("customers/data_request", "customers_data_request__1"): ("privacy", "customer/191167"),
    ("customers/redact", "customers_redact__1"): ("privacy", "customer/191167"),
    ("shop/redact", "shop_redact__1"): ("privacy", "shop"),
}
#: Topics whose bodies are another topic's: the same thing, so the same key.
SHARED = [(topic, name) for topic, names in sorted(topics().items()) for name in names if (topic, name) not in KEYS]


def key(topic: str, body: object, resource_id: str = "") -> str:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return raw_key(SHOP, topic, raw, "w-1", resource_id).key.removeprefix(f"{SHOP}/")


def test_the_table_of_keys_names_every_sample() -> None:
    assert {name for _, name in KEYS} == set(bodies())


@pytest.mark.parametrize(("topic", "name"), KEYS)
def test_a_real_body_has_the_key_that_it_tells(topic: str, name: str) -> None:
    domain, said = KEYS[topic, name]

    assert raw_key(SHOP, topic, bodies()[name], "w-1") == (domain, f"{SHOP}/{said}")


@pytest.mark.parametrize(("topic", "name"), SHARED)
def test_another_topic_with_the_same_body_has_the_same_key(topic: str, name: str) -> None:
    (said,) = {said for (_, sample), (_, said) in KEYS.items() if sample == name}

    if topic == "shop/update":
        assert key(topic, bodies()[name]) == "shop"
    else:
        assert key(topic, bodies()[name]) == said


@pytest.mark.parametrize(
    "written",
    [
        b'{"id":9007199254740993}',
        b'{"id":"9007199254740993"}',
        b'{"id":"009007199254740993"}',
        b'{"id":"gid://shopify/Order/9007199254740993"}',
        b'{"admin_graphql_api_id":"gid://shopify/Order/9007199254740993"}',
        b'{"id":null,"admin_graphql_api_id":"gid://shopify/Order/9007199254740993"}',
        b'{"id":"words","admin_graphql_api_id":"gid://shopify/Order/9007199254740993?key=1"}',
        b' { "note" : {"id": 7} , "id" : 9007199254740993 } ',
        b'{"\\u0069d":9007199254740993}',
    ],
)
def test_an_id_above_2_to_the_53_is_exact_however_it_is_written(written: bytes) -> None:
    assert key("orders/create", written) == "order/9007199254740993"


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"not json",
        b'{"id":1',
        b"\xff\xfe",
        b'{"id":"\xc3\x28"}',
        b"null",
        b"[]",
        b"7",
        b"[" * 100_000,
        b'{"id":' * 100_000,
        b"{}",
        b'{"id":null}',
        b'{"id":0}',
        b'{"id":-1}',
        b'{"id":1.5}',
        b'{"id":1e3}',
        b'{"id":true}',
        b'{"id":{}}',
        b'{"id":[1]}',
        b'{"id":"1 2"}',
        b'{"id":"gid://shopify/Order/"}',
        b'{"id":"gid://elsewhere/Order/1"}',
        b'{"id":"' + b"9" * 40 + b'"}',
        '{"id":"١٢"}'.encode(),
        '{"id":"1٢"}'.encode(),
    ],
)
def test_a_body_that_tells_no_identity_is_keyed_by_its_delivery(written: bytes) -> None:
    assert raw_key(SHOP, "orders/create", written, "w-1") == ("orders", f"{SHOP}/delivery/w-1")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"token": "abc", "id": 7}, "checkout/abc"),
        ({"id": 7}, "checkout/7"),
        ({"token": "", "id": 7}, "checkout/7"),
        ({"token": 5, "id": 7}, "checkout/7"),
        ({"token": "a\nb"}, "delivery/w-1"),
        ({"token": "x" * 256}, "delivery/w-1"),
    ],
)
def test_a_checkout_is_known_by_its_token_and_else_by_its_id(body: object, expected: str) -> None:
    assert key("checkouts/update", body) == expected


def test_a_dispute_without_an_order_is_about_itself() -> None:
    assert key("disputes/create", {"id": 5, "order_id": 6}) == "order/6"
    assert key("disputes/create", {"id": 5, "order_id": None}) == "dispute/5"


def test_a_path_through_something_else_than_objects_leads_nowhere() -> None:
    assert key("fulfillment_holds/added", {"fulfillment_order": {"id": 3}}) == "fulfillment-order/3"
    assert key("fulfillment_holds/added", {"fulfillment_order": [{"id": 3}]}) == "delivery/w-1"
    assert key("fulfillment_holds/added", {"fulfillment_order": None}) == "delivery/w-1"


def test_an_unknown_topic_is_keyed_by_its_delivery() -> None:
    assert raw_key(SHOP, "moons/rise", b'{"id":1}', "w-1") == ("operations", f"{SHOP}/delivery/w-1")


def test_what_concerns_the_shop_as_a_whole_needs_no_body() -> None:
    assert key("app/uninstalled", b"") == "shop"


@pytest.mark.parametrize(
    ("topic", "classic", "body"),
    [
        ("Order", "orders/create", {"id": 5}),
        ("Return", "returns/approve", {"id": 5}),
        ("InventoryItem", "inventory_levels/update", {"inventory_item_id": 5}),
        ("Product", "products/update", {"id": 5}),
        ("FulfillmentOrder", "fulfillment_orders/moved", {"fulfillment_order": {"id": 5}}),
        ("Location", "locations/update", {"id": 5}),
    ],
)
def test_an_event_and_a_webhook_about_one_thing_stay_in_order(topic: str, classic: str, body: object) -> None:
    told = raw_key(SHOP, event_topic(topic, "update"), b"{}", "w-1", f"gid://shopify/{topic}/5")

    assert told == raw_key(SHOP, classic, orjson.dumps(body), "w-2")


@pytest.mark.parametrize(
    "gid", ["", "nonsense", "gid://shopify/Order/x", "gid://shopify/Moon/1", "gid://shopify/Order/0"]
)
def test_an_event_whose_header_names_nothing_is_known_by_its_body(gid: str) -> None:
    assert key("orders/updated", {"id": 5}, gid) == "order/5"
    assert key("Customer/update", {"id": 5}, gid) == "delivery/w-1"


def test_an_event_has_its_classic_name_where_there_is_one() -> None:
    assert event_topic("Order", "update") == "orders/updated"
    assert event_topic("FulfillmentOrder", "update") == "FulfillmentOrder/update"


def test_every_classic_name_is_a_topic_and_compliance_is_private() -> None:
    assert set(CLASSIC.values()) <= set(RESOURCES)
    assert {domain_of(topic) for topic in COMPLIANCE} == {"privacy"}


@pytest.mark.parametrize("topic", ["", "Order", "Order/create", "Moon/rise", "moons/rise", *sorted(RESOURCES)])
def test_every_topic_has_one_of_the_domains(topic: str) -> None:
    assert domain_of(topic) in RAW_DOMAINS


@given(st.sampled_from(sorted(RESOURCES)), st.binary(max_size=200) | st.builds(orjson.dumps, st.dictionaries(
    st.sampled_from(["id", "token", "order_id", "fulfillment_order", "customer", "return"]),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(codec="utf-8"), max_size=30),
        lambda inner: st.dictionaries(st.just("id"), inner),
        max_leaves=3,
    ),
)))  # fmt: skip
def test_there_is_always_a_key_and_it_is_the_shops(topic: str, body: bytes) -> None:
    domain, name = raw_key(SHOP, topic, body, "w-1")

    assert domain in RAW_DOMAINS
    assert name.startswith(f"{SHOP}/")
    assert name.isprintable() or "/checkout/" in name
    assert name.encode()
