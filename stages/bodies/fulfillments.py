"""fulfillments/*, fulfillment_events/*, fulfillment_holds/* and fulfillment_orders/*.

The newer ones are small and carry gids only: whose order it is, only a lookup can tell.
"""

from __future__ import annotations

from msgspec import Raw

from schemas.facts.orders import Hold, HoldFacts
from schemas.facts.shipments import FulfillmentFacts, FulfillmentOrderFacts, ShipmentFacts
from stages.bodies.fields import NULL, Body, absent, flag, many, moment, number, one, required, text, texts, whole, word
from stages.bodies.lines import lines, ships
from stages.bodies.parsed import About, Parsed

#: Handles of our own holds begin so (USE_CASES section 5).
OUR_HANDLE = "approval-"


class _Fulfillment(Body):
    id: Raw = NULL
    order_id: Raw = NULL
    name: Raw = NULL
    status: Raw = NULL
    shipment_status: Raw = NULL
    tracking_company: Raw = NULL
    tracking_number: Raw = NULL
    tracking_numbers: Raw = NULL
    location_id: Raw = NULL
    created_at: Raw = NULL
    updated_at: Raw = NULL
    line_items: Raw = NULL


#: What an empty value says something about: where the key is absent, that is not known.
_EMPTY_SAYS = {
    "lines": "line_items",
    "shipment_status": "shipment_status",
    "tracking_numbers": "tracking_numbers",
}


def fulfillment(body: bytes) -> Parsed:
    found = whole(body, _Fulfillment)
    order_id = required(number(found.order_id), "$.order_id")
    shipped = lines(found.line_items)
    single = text(found.tracking_number)
    facts = FulfillmentFacts(
        id=required(number(found.id), "$.id"),
        order_id=order_id,
        name=text(found.name),
        status=word(found.status),
        shipment_status=word(found.shipment_status),
        carrier=text(found.tracking_company),
        tracking_numbers=texts(found.tracking_numbers) or ((single,) if single else ()),
        location_id=number(found.location_id),
        created=moment(found.created_at),
        updated=moment(found.updated_at),
        lines=shipped,
        requires_shipping=ships(shipped),
        absent=absent(found, _EMPTY_SAYS),
    )
    return Parsed(facts, About("order", order_id), facts.updated)


class _Shipment(Body):
    id: Raw = NULL
    fulfillment_id: Raw = NULL
    order_id: Raw = NULL
    status: Raw = NULL
    happened_at: Raw = NULL
    estimated_delivery_at: Raw = NULL
    country: Raw = NULL
    updated_at: Raw = NULL


def shipment(body: bytes) -> Parsed:
    found = whole(body, _Shipment)
    order_id = required(number(found.order_id), "$.order_id")
    facts = ShipmentFacts(
        id=required(number(found.id), "$.id"),
        fulfillment_id=required(number(found.fulfillment_id), "$.fulfillment_id"),
        order_id=order_id,
        status=required(word(found.status), "$.status"),
        happened=moment(found.happened_at),
        estimated_delivery=moment(found.estimated_delivery_at),
        country=text(found.country),
    )
    return Parsed(facts, About("order", order_id), moment(found.updated_at))


class _App(Body):
    id: Raw = NULL


class _Hold(Body):
    id: Raw = NULL
    reason: Raw = NULL
    handle: Raw = NULL
    held_by_requesting_app: Raw = NULL
    held_by_app: Raw = NULL


class _Held(Body):
    fulfillment_order: Raw = NULL
    fulfillment_hold: Raw = NULL
    created_fulfillment_hold: Raw = NULL


class _FulfillmentOrder(Body):
    id: Raw = NULL
    status: Raw = NULL
    request_status: Raw = NULL
    fulfill_at: Raw = NULL
    fulfillment_holds: Raw = NULL


def _hold(raw: Raw, fulfillment_order: str) -> Hold | None:
    """Ours is what our app holds under a handle of ours: another team's app may use the same words."""
    found = one(raw, _Hold)
    identity = text(found.id) if found else None
    if found is None or identity is None:
        return None
    handle = text(found.handle)
    app = one(found.held_by_app, _App)
    return Hold(
        id=identity,
        fulfillment_order=fulfillment_order,
        reason=word(found.reason) or "unknown",
        handle=handle,
        ours=is_ours(handle, flag(found.held_by_requesting_app)),
        app=text(app.id) if app else None,
    )


def is_ours(handle: str | None, held_by_us: bool | None) -> bool:
    """A hold of our app under our prefix; where Shopify does not say whose it is, the prefix decides."""
    return (handle or "").startswith(OUR_HANDLE) and held_by_us is not False


def _held(body: bytes, released: bool) -> Parsed:
    found = whole(body, _Held)
    held = required(one(found.fulfillment_order, _FulfillmentOrder), "$.fulfillment_order")
    gid = required(text(held.id), "$.fulfillment_order.id")
    number_ = required(number(held.id), "$.fulfillment_order.id")
    standing = many(held.fulfillment_holds, Raw)
    hold = _hold(found.fulfillment_hold, gid) or _hold(found.created_fulfillment_hold, gid)
    if hold is None and len(standing) == 1 and not released:
        hold = _hold(standing[0], gid)
    facts = HoldFacts(fulfillment_order=gid, released=released, hold=hold)
    return Parsed(facts, About("fulfillment-order", number_), echo=hold is not None and hold.ours)


def hold_added(body: bytes) -> Parsed:
    return _held(body, released=False)


def hold_released(body: bytes) -> Parsed:
    return _held(body, released=True)


class _OfFulfillmentOrder(Body):
    fulfillment_order: Raw = NULL
    original_fulfillment_order: Raw = NULL
    moved_fulfillment_order: Raw = NULL
    submitted_fulfillment_order: Raw = NULL
    fulfillment_order_merges: Raw = NULL
    fulfillment_order_splits: Raw = NULL
    message: Raw = NULL


def fulfillment_order(body: bytes) -> Parsed:
    """Moves, splits and merges tell of several: the one that was there before stands for them, all are of one order."""
    found = whole(body, _OfFulfillmentOrder)
    changed = _first(found)
    held = required(changed, "$.fulfillment_order")
    facts = FulfillmentOrderFacts(
        fulfillment_order=required(text(held.id), "$.fulfillment_order.id"),
        status=word(held.status),
        request_status=word(held.request_status),
        message=text(found.message),
        fulfill_at=moment(held.fulfill_at),
    )
    return Parsed(facts, About("fulfillment-order", required(number(held.id), "$.fulfillment_order.id")))


def _nested(raw: Raw) -> list[_OfFulfillmentOrder]:
    """Several, or one without a list."""
    single = one(raw, _OfFulfillmentOrder)
    return many(raw, _OfFulfillmentOrder) if single is None else [single]


def _first(found: _OfFulfillmentOrder) -> _FulfillmentOrder | None:
    nested = [*_nested(found.fulfillment_order_merges), *_nested(found.fulfillment_order_splits)]
    for candidate in (
        found.fulfillment_order,
        found.original_fulfillment_order,
        found.moved_fulfillment_order,
        found.submitted_fulfillment_order,
        *(entry.fulfillment_order for entry in nested),
    ):
        if (read := one(candidate, _FulfillmentOrder)) is not None:
            return read
    return None
