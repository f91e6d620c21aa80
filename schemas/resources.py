"""One table: what each topic of Shopify's is about, so which raw topic it goes to and under which key.

The key is `<shop>/<kind>/<identity>` (`<shop>/shop` for what concerns the shop as a whole), the same for classic
webhooks and for next-generation Events, so that everything about one thing stays in order. Identities are read from
the body where Shopify puts them; nothing is looked up and nothing is guessed: a topic that is not in the table, and a
body whose identity cannot be read, are keyed by their delivery. Fields: webhook reference of Shopify, API 2026-04.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from schemas import subjects


class RawKey(NamedTuple):
    """`domain` of the raw topic `shopify.<domain>`, and the record's key as text."""

    domain: str
    key: str


class Identity(NamedTuple):
    """Where a body says what it is about: `path` of keys, to a number (bare, as text, or in a gid) or to a `word`."""

    kind: str
    path: tuple[str, ...]
    word: bool = False


class Resource(NamedTuple):
    """The first identity that a body holds counts. None at all in the table: the topic is about the whole shop."""

    domain: str
    identities: tuple[Identity, ...] = ()


#: A thing that has no other identity than its delivery.
DELIVERY = "delivery"

#: Where topics go that are not in the table.
UNKNOWN_DOMAIN = "operations"


def _number(kind: str, *paths: str) -> tuple[Identity, ...]:
    return tuple(Identity(kind, tuple(path.split("."))) for path in paths)


_SELF = ("id", "admin_graphql_api_id")
_ORDER = _number("order", *_SELF)
_ORDER_NAMED = _number("order", "order_id", "admin_graphql_api_order_id")
_FULFILLMENT_ORDER = _number(
    "fulfillment-order",
    "fulfillment_order.id",
    "original_fulfillment_order.id",
    "fulfillment_order_merges.fulfillment_order.id",
)
_INVENTORY_LEVEL = _number("inventory", "inventory_item_id")
_TOKEN = (Identity("checkout", ("token",), word=True), *_number("checkout", "id"))
_CUSTOMER = _number("customer", "customerId", "customer_id")


def _each(prefix: str, *actions: str) -> tuple[str, ...]:
    return tuple(f"{prefix}/{action}" for action in actions)


_TABLE: tuple[tuple[tuple[str, ...], Resource], ...] = (
    (
        _each("orders", "create", "updated", "paid", "cancelled", "fulfilled", "partially_fulfilled", "delete"),
        Resource("orders", _ORDER),
    ),
    (("orders/edited",), Resource("orders", _number("order", "order_edit.order_id"))),
    (
        _each("orders", "risk_assessment_changed", "shopify_protect_eligibility_changed"),
        Resource("orders", _ORDER_NAMED),
    ),
    (_each("draft_orders", "create", "update", "delete"), Resource("orders", _number("draft", *_SELF))),
    (_each("fulfillments", "create", "update"), Resource("fulfillments", _ORDER_NAMED)),
    (_each("fulfillment_events", "create", "delete"), Resource("fulfillments", _ORDER_NAMED)),
    (_each("fulfillment_holds", "added", "released"), Resource("fulfillments", _FULFILLMENT_ORDER)),
    (
        _each(
            "fulfillment_orders",
            "order_routing_complete",
            "placed_on_hold",
            "hold_released",
            "moved",
            "split",
            "merged",
            "cancelled",
            "rescheduled",
            "scheduled_fulfillment_order_ready",
            "line_items_prepared_for_pickup",
            "line_items_prepared_for_local_delivery",
            "fulfillment_request_submitted",
            "fulfillment_request_accepted",
            "fulfillment_request_rejected",
            "cancellation_request_submitted",
            "cancellation_request_accepted",
            "cancellation_request_rejected",
            "fulfillment_service_failed_to_complete",
            "progress_reported",
            "manually_reported_progress_stopped",
        ),
        Resource("fulfillments", _FULFILLMENT_ORDER),
    ),
    (_each("inventory_levels", "update", "connect", "disconnect"), Resource("inventory", _INVENTORY_LEVEL)),
    (_each("inventory_items", "create", "update", "delete"), Resource("inventory", _number("inventory", *_SELF))),
    (_each("variants", "out_of_stock", "in_stock"), Resource("inventory", _number("variant", *_SELF))),
    (_each("products", "create", "update", "delete"), Resource("inventory", _number("product", *_SELF))),
    (_each("checkouts", "create", "update", "delete"), Resource("checkouts", _TOKEN)),
    (_each("order_transactions", "create"), Resource("payments", _ORDER_NAMED)),
    (_each("tender_transactions", "create"), Resource("payments", _ORDER_NAMED)),
    (_each("payment_terms", "create", "update", "delete"), Resource("payments", _number("payment-terms", *_SELF))),
    (_each("payment_schedules", "due"), Resource("payments", _number("payment-terms", "payment_terms_id"))),
    (_each("disputes", "create", "update"), Resource("payments", (*_ORDER_NAMED, *_number("dispute", "id")))),
    (
        _each("returns", "request", "approve", "decline", "cancel", "close", "reopen", "update", "process"),
        Resource("returns", _number("return", *_SELF)),
    ),
    (_each("reverse_deliveries", "attach_deliverable"), Resource("returns", _number("return", "return.id"))),
    (
        _each("reverse_fulfillment_orders", "dispose"),
        Resource("returns", _number("reverse-fulfillment-order", *_SELF)),
    ),
    (_each("refunds", "create"), Resource("returns", _ORDER_NAMED)),
    (
        ("customer.tags_added", "customer.tags_removed", "customer.joined_segment", "customer.left_segment"),
        Resource("operations", _CUSTOMER),
    ),
    (
        _each("locations", "create", "update", "activate", "deactivate", "delete"),
        Resource("operations", _number("location", *_SELF)),
    ),
    (
        (
            *_each("app", "uninstalled", "scopes_update"),
            *_each("app_subscriptions", "update", "approaching_capped_amount"),
            *_each("domains", "create", "update", "destroy"),
            *_each("themes", "publish", "create", "update", "delete"),
            "shop/update",
            "bulk_operations/finish",
            "audit_events/admin_api_activity",
        ),
        Resource("operations"),
    ),
    (_each("customers", "data_request", "redact"), Resource("privacy", _number("customer", "customer.id"))),
    (("shop/redact",), Resource("privacy")),
)

#: Every topic that we know, by its classic name.
RESOURCES: Mapping[str, Resource] = {topic: resource for topics, resource in _TABLE for topic in topics}

#: All data of a shop must be erased.
SHOP_REDACT = "shop/redact"
#: Accepted for any shop, configured or not.
COMPLIANCE = frozenset({"customers/data_request", "customers/redact", SHOP_REDACT})

#: Next-generation Events (`<Topic>/<action>`) that mean what a classic topic means.
CLASSIC: Mapping[str, str] = {
    "Order/create": "orders/create",
    "Order/update": "orders/updated",
    "Order/delete": "orders/delete",
    "Refund/create": "refunds/create",
    "Return/update": "returns/update",
    "InventoryItem/create": "inventory_items/create",
    "InventoryItem/update": "inventory_items/update",
    "InventoryItem/delete": "inventory_items/delete",
    "Product/create": "products/create",
    "Product/update": "products/update",
    "Product/delete": "products/delete",
    "Location/create": "locations/create",
    "Location/update": "locations/update",
    "Location/delete": "locations/delete",
}

#: What the gid of an Event names: its domain and its kind, those of the classic topics of the same thing.
_EVENTS: Mapping[str, tuple[str, str]] = {
    "Order": ("orders", "order"),
    "FulfillmentOrder": ("fulfillments", "fulfillment-order"),
    "Refund": ("returns", "refund"),
    "Return": ("returns", "return"),
    "InventoryItem": ("inventory", "inventory"),
    "InventoryShipment": ("inventory", "inventory-shipment"),
    "InventoryTransfer": ("inventory", "inventory-transfer"),
    "Product": ("inventory", "product"),
    "Location": ("operations", "location"),
    "Customer": ("operations", "customer"),
}

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeError)
_DIGITS = re.compile(r"0*([1-9][0-9]{0,31})", re.ASCII)
_GID = re.compile(r"gid://shopify/([A-Za-z]{1,64})/0*([1-9][0-9]{0,31})(?:\?[^/]*)?", re.ASCII)
_WORD = re.compile(r"[^\x00-\x1f\x7f]{1,255}")


def event_topic(topic: str, action: str) -> str:
    """The name of an Event: the classic one where there is one, else `<Topic>/<action>` as Shopify writes it."""
    name = f"{topic}/{action}"
    return CLASSIC.get(name, name)


def domain_of(topic: str) -> str:
    """The domain of a topic by its name alone; that of unknown topics where it says nothing."""
    if resource := RESOURCES.get(topic):
        return resource.domain
    return _EVENTS.get(topic.partition("/")[0], (UNKNOWN_DOMAIN, ""))[0]


def is_erasure(topic: str | None, shop: str, body: bytes | None, test: str | None) -> bool:
    """Shopify's word that all data of this shop must go: for every task, on every partition.

    Not where it is a test (`test` is the header's word). Topic and shop stand in headers, which are not signed, and
    this cannot be undone: the body, which is, must name the shop itself.
    """
    if topic != SHOP_REDACT or test == "true" or body is None:
        return False
    try:
        return _TEXT.decode(_OBJECT.decode(body).get("shop_domain", b"null")).lower() == shop
    except _UNREADABLE:
        return False


def raw_key(shop: str, topic: str, body: bytes, delivery_id: str, resource_id: str = "") -> RawKey:
    """Never raises, whatever the bytes. `resource_id` is the gid that an Event's header names; a webhook has none."""
    domain = domain_of(topic)
    if (named := _GID.fullmatch(resource_id)) and named[1] in _EVENTS:
        return RawKey(domain, subjects.resource(shop, _EVENTS[named[1]][1], named[2]))
    resource = RESOURCES.get(topic)
    if resource is None:
        return RawKey(domain, subjects.resource(shop, DELIVERY, delivery_id))
    if not resource.identities:
        return RawKey(domain, subjects.shop_wide(shop))
    kind, identity = _identity(resource, body) or (DELIVERY, delivery_id)
    return RawKey(domain, subjects.resource(shop, kind, identity))


def _identity(resource: Resource, body: bytes) -> tuple[str, str] | None:
    try:
        fields = _OBJECT.decode(body)
    except _UNREADABLE:
        return None
    for identity in resource.identities:
        if (found := _value(identity, fields)) is not None:
            return identity.kind, found
    return None


def _value(identity: Identity, fields: Mapping[str, msgspec.Raw]) -> str | None:
    *outer, last = identity.path
    try:
        for name in outer:
            fields = _OBJECT.decode(fields.get(name, b"{}"))
        raw = bytes(fields.get(last, b"null"))
        text = _TEXT.decode(raw) if raw.startswith(b'"') else raw.decode()
    except _UNREADABLE:
        return None
    if identity.word:
        return text if raw.startswith(b'"') and _WORD.fullmatch(text) else None
    if found := _DIGITS.fullmatch(text):
        return found[1]
    return gid[2] if (gid := _GID.fullmatch(text)) else None
