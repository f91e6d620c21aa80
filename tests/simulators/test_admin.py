"""The simulated Admin GraphQL answers as Shopify's own introspection says, and fails as Shopify fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import pytest
from graphql import GraphQLObjectType
from msgspec.structs import fields

from pipeline.simulators.faults import Fault
from pipeline.simulators.shopify import AdminFault, AdminSettings, orders, people, returns, shops, stock
from pipeline.simulators.shopify.graph import Part
from stages.shopify.operations import documents
from tests.simulators.introspection import complaints, schema
from tests.simulators.shops import TOKEN, Served, served

#: Documents that stand in no stage yet, and that the simulator answers too.
MORE = {
    "Refund": """query Refund($id:ID!){refund(id:$id){id createdAt updatedAt
        totalRefundedSet{shopMoney{amount currencyCode}} return{id name}
        order{id name cancelledAt totalOutstandingSet{shopMoney{amount}}}
        transactions(first:20){nodes{id kind status errorCode gateway test amountSet{shopMoney{amount}}}}}}""",
    "Dispute": """query Dispute($id:ID!){dispute(id:$id){id type status initiatedAt evidenceDueBy evidenceSentOn
        finalizedOn amount{amount currencyCode} reasonDetails{reason networkReasonCode}
        order{id name cancelledAt displayFulfillmentStatus}}}""",
    "Shop": """query Shop{shop{id name myshopifyDomain currencyCode ianaTimezone setupRequired
        plan{publicDisplayName shopifyPlus} primaryDomain{host sslEnabled}}
        currentAppInstallation{accessScopes{handle} activeSubscriptions{id name status}}}""",
}
DOCUMENTS = documents() | MORE

#: What each document is asked about; the operations that are not here ask for an order.
KINDS = {
    "Customer": "Customer",
    "FulfillmentOrders": "FulfillmentOrder",
    "ReverseFulfillmentOrder": "ReverseFulfillmentOrder",
    "Return": "Return",
    "Refund": "Refund",
    "Dispute": "ShopifyPaymentsDispute",
    "InventoryItems": "InventoryItem",
    "InventoryLevels": "InventoryItem",
    "VariantItems": "ProductVariant",
    "Product": "Product",
    "AbandonedCheckout": "AbandonedCheckout",
    "PaymentSchedule": "PaymentSchedule",
    "PaymentTerms": "PaymentTerms",
    "Location": "Location",
    "DraftOrder": "DraftOrder",
    "DraftOrderCompany": "DraftOrder",
    "ProductTags": "Product",
}


#: These find what there is, whatever the id.
SEARCHES = {"OrdersSince", "FulfillmentsSince", "InventorySince", "Subscriptions"}


@pytest.fixture
async def shopify() -> AsyncIterator[Served]:
    async with served() as one:
        yield one


def variables_of(operation: str, shopify: Served) -> dict[str, Any]:
    gid = shopify.first(KINDS.get(operation, "Order"))
    everything: dict[str, Any] = {"id": gid, "ids": [gid, "gid://shopify/Order/404"], "after": None}
    everything |= {"segments": ["gid://shopify/Segment/1"], "query": "name:#1001"}
    if operation.endswith("Since"):
        everything |= {"query": "updated_at:>'2026-01-01T00:00:00Z'", "sort": "UPDATED_AT"}
    return {name: value for name, value in everything.items() if f"${name}:" in DOCUMENTS[operation]}


@pytest.mark.parametrize("operation", sorted(DOCUMENTS))
async def test_every_answer_has_exactly_the_fields_and_kinds_that_shopify_describes(
    shopify: Served, operation: str
) -> None:
    variables = variables_of(operation, shopify)

    status, answer = await shopify.ask(DOCUMENTS[operation], variables)

    assert (status, answer.get("errors")) == (200, None)
    assert complaints(DOCUMENTS[operation], variables, answer["data"]) == []
    assert any(value not in (None, []) for value in answer["data"].values())


#: Of nobody, too, they say something.
NEVER_NULL = {"Shop", "PrimaryDomain", "OrderByCheckout", "CustomerOrders", "CustomerSegments", *SEARCHES}


@pytest.mark.parametrize("operation", sorted(set(DOCUMENTS) - NEVER_NULL))
async def test_what_does_not_exist_is_null(shopify: Served, operation: str) -> None:
    variables = variables_of(operation, shopify) | {"id": "gid://shopify/Thing/404", "ids": ["gid://shopify/Thing/404"]}
    asked = {name: value for name, value in variables.items() if f"${name}:" in DOCUMENTS[operation]}

    _, answer = await shopify.ask(DOCUMENTS[operation], asked)

    assert all(value in (None, [None]) for value in answer["data"].values())


PARTS = [
    each
    for module in (orders, people, returns, shops, stock)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Part) and each.__module__ == module.__name__
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_field_that_we_show_exists_in_shopifys_description(part: type[Part]) -> None:
    described = schema().type_map[part.__name__]
    assert isinstance(described, GraphQLObjectType)

    shown = {each.encode_name for each in fields(part) if each.name not in part.unseen}

    assert shown - set(described.fields) == set()


async def test_a_field_that_shopify_lacks_is_an_error_and_no_null(shopify: Served) -> None:
    query = "query Q($id:ID!){order(id:$id){id checkoutToken}}"

    _, answer = await shopify.ask(query, {"id": shopify.first("Order")})

    assert "data" not in answer
    assert answer["errors"][0]["message"] == "Field 'checkoutToken' doesn't exist on type 'Order'"


async def test_an_order_is_found_by_its_checkout(shopify: Served) -> None:
    order = next(
        each for each in shopify.store.now().values() if isinstance(each, orders.Order) and each.checkout_token
    )
    query = DOCUMENTS["OrderByCheckout"]

    _, found = await shopify.ask(query, {"query": f"checkout_token:{order.checkout_token}"})
    _, none = await shopify.ask(query, {"query": "checkout_token:nobody"})

    assert [node["id"] for node in found["data"]["orders"]["nodes"]] == [order.id]
    assert none["data"]["orders"]["nodes"] == []


async def test_a_search_that_is_not_played_is_an_error_and_no_empty_page(shopify: Served) -> None:
    _, answer = await shopify.ask(DOCUMENTS["OrderByCheckout"], {"query": "fulfillment_status:shipped"})

    assert answer["errors"][0]["extensions"]["code"] == "NOT_SIMULATED"


async def test_connections_come_in_pages(shopify: Served) -> None:
    query = """query Q($after:String){orders(first:4,after:$after){nodes{id} pageInfo{hasNextPage endCursor}}}"""
    seen: list[str] = []
    after = None
    while True:
        _, answer = await shopify.ask(query, {"after": after})
        page = answer["data"]["orders"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert len(seen) == len(set(seen)) == sum(isinstance(each, orders.Order) for each in shopify.store.now().values())


async def test_only_the_named_quantities_are_told(shopify: Served) -> None:
    query = """query Q($ids:[ID!]!){nodes(ids:$ids){... on InventoryItem{
        inventoryLevels(first:5){nodes{quantities(names:["available"]){name quantity}}}}}}"""

    _, answer = await shopify.ask(query, {"ids": [shopify.first("InventoryItem")]})

    (level,) = answer["data"]["nodes"][0]["inventoryLevels"]["nodes"]
    assert level["quantities"] == [{"name": "available", "quantity": 40}]


async def test_a_fragment_on_another_type_tells_nothing(shopify: Served) -> None:
    query = "query Q($ids:[ID!]!){nodes(ids:$ids){... on InventoryItem{sku} ... on Order{name} ... on Node{id}}}"

    _, answer = await shopify.ask(query, {"ids": [shopify.first("Order")]})

    assert [set(node) for node in answer["data"]["nodes"]] == [{"name", "id"}]


async def test_a_thing_of_another_type_is_not_found(shopify: Served) -> None:
    _, answer = await shopify.ask("query Q($id:ID!){order(id:$id){id}}", {"id": shopify.first("Customer")})

    assert answer["data"] == {"order": None}


async def test_aliases_and_directives_hold(shopify: Served) -> None:
    query = (
        """query Q($id:ID!,$no:Boolean!){first:order(id:$id){number:name id @skip(if:true) test @include(if:$no)}}"""
    )

    _, answer = await shopify.ask(query, {"id": shopify.first("Order"), "no": False})

    assert [list(order) for order in answer["data"].values()] == [["number"]]


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_a_wrong_token_is_refused(shopify: Served, token: str) -> None:
    assert (await shopify.ask("{shop{id}}", token=token))[0] == 401


async def test_a_change_of_the_shop_is_answered_at_once_and_lags_only_on_order(shopify: Served) -> None:
    query, name = "query Q($id:ID!){customer(id:$id){tags}}", shopify.first("Customer")
    known = shopify.store.now()[name]
    assert isinstance(known, people.Customer)
    shopify.store.put(people.Customer(id=name, tags=("new",), amount_spent=known.amount_spent))
    shopify.admin.faults.order(Fault(kind=AdminFault.STALE, requests=1))

    seen = [(await shopify.ask(query, {"id": name}))[1]["data"]["customer"]["tags"] for _ in range(2)]

    assert seen == [list(known.tags), ["new"]]


async def test_an_answer_says_what_it_cost_and_what_is_left(shopify: Served) -> None:
    _, answer = await shopify.ask(DOCUMENTS["OrderCore"], {"id": shopify.first("Order")})

    cost = answer["extensions"]["cost"]
    assert 0 < cost["actualQueryCost"] <= cost["requestedQueryCost"] < 50
    assert cost["throttleStatus"] == {
        "maximumAvailable": 2000,
        "currentlyAvailable": 2000 - cost["actualQueryCost"],
        "restoreRate": 100,
    }


async def test_an_inventory_item_costs_about_what_shopify_takes_for_it(shopify: Served) -> None:
    """About 72 points an id, measured on a real shop: at most 12 ids fit into one question."""
    item = shopify.first("InventoryItem")

    _, twelve = await shopify.ask(DOCUMENTS["InventoryItems"], {"ids": [item] * 12})
    _, sixteen = await shopify.ask(DOCUMENTS["InventoryItems"], {"ids": [item] * 16})

    assert 600 < twelve["extensions"]["cost"]["requestedQueryCost"] <= 1000
    assert sixteen["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


async def test_an_empty_bucket_throttles_with_200_and_fills_again() -> None:
    async with served(AdminSettings(token=TOKEN, maximum=20, restore=10)) as shopify:
        variables = {"id": shopify.first("Order")}
        codes = []
        for _ in range(3):
            status, answer = await shopify.ask(DOCUMENTS["OrderCore"], variables)
            codes.append((status, [error["extensions"]["code"] for error in answer.get("errors", ())]))
        shopify.seconds.time += 5
        _, answer = await shopify.ask(DOCUMENTS["OrderCore"], variables)

    assert codes == [(200, []), (200, ["THROTTLED"]), (200, ["THROTTLED"])]
    assert answer["data"]["order"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("unavailable", 503, None),
        ("unauthorized", 401, None),
        ("throttled", 200, "THROTTLED"),
        ("denied", 200, "ACCESS_DENIED"),
        ("error", 200, "INTERNAL_SERVER_ERROR"),
    ],
)
async def test_faults_come_on_order_and_go_again(shopify: Served, kind: str, status: int, code: str | None) -> None:
    await shopify.session.post(shopify.url + "/simulator/faults", json={"kind": kind, "requests": 1})

    struck, answer = await shopify.ask("{shop{id}}")
    well, _ = await shopify.ask("{shop{id}}")

    assert (struck, well) == (status, 200)
    assert code is None or answer["errors"][0]["extensions"]["code"] == code


async def test_nodes_can_be_null_on_order(shopify: Served) -> None:
    shopify.admin.faults.order(Fault(kind=AdminFault.NULL_NODES))

    _, answer = await shopify.ask(DOCUMENTS["OrderCore"], {"id": shopify.first("Order")})

    assert answer["data"] == {"order": None}


async def test_a_question_can_hang_until_the_fault_is_taken_back(shopify: Served) -> None:
    shopify.admin.faults.order(Fault(kind=AdminFault.HANG))
    asking = asyncio.create_task(shopify.ask("{shop{id}}"))
    async with asyncio.timeout(5):
        await shopify.admin.faults.hanging.wait()
    assert not asking.done()

    shopify.admin.faults.end()

    assert (await asking)[0] == 200


@pytest.mark.parametrize("text", ["", "{", "query Q {", "{shop{id}} {shop{id}}", "{shop{id ~}}", "{" * 60, "mutation"])
async def test_a_document_that_cannot_be_read_is_said_to_be_so(shopify: Served, text: str) -> None:
    status, answer = await shopify.ask(text)

    assert (status, answer["errors"][0]["extensions"]["code"]) == (200, "SYNTAX_ERROR")


async def test_a_mutation_changes_nothing_and_says_so(shopify: Served) -> None:
    mutation = 'mutation M($id:ID!){tagsAdd(id:$id,tags:["x"]){node{id}}}'

    _, answer = await shopify.ask(mutation, {"id": shopify.first("Order")})

    assert answer["errors"][0]["extensions"]["code"] == "NOT_SIMULATED"


async def test_what_was_asked_is_kept(shopify: Served) -> None:
    for operation, _ in product(["OrderCore"], range(2)):
        await shopify.ask(DOCUMENTS[operation], {"id": shopify.first("Order")})

    assert [asked.operation for asked in shopify.admin.asked] == ["OrderCore", "OrderCore"]
