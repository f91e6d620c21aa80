"""Use case 2: parcels on their way, one of them for a premium customer, one of them in trouble."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.sales import Sale, altered, known, ordered, placed
from pipeline.simulators.scenario.shelf import CHAIR, LAMP, PREMIUM, SHIRT
from pipeline.simulators.scenario.telling import Telling
from pipeline.simulators.shopify.graph import Page, gid, link
from pipeline.simulators.shopify.orders import (
    Fulfillment,
    FulfillmentEvent,
    FulfillmentLineItem,
    FulfillmentTrackingInfo,
)

_UNSCANNED = "fulfillment-shipped, 30 minutes from here: marked as shipped, not yet scanned"


def tell(told: Telling) -> None:
    told.use_case = 2
    _premium(told)
    _trouble(told)
    _second_try(told)


def _premium(told: Telling) -> None:
    express = replace(placed(told, 36, "#1010", CHAIR), customer=PREMIUM, method="Express")
    sale = ordered(told, 36, express, "an order of a premium customer")
    parcel = _shipped(told, 182, sale)
    sale = altered(told, 183, replace(sale, fulfillment="fulfilled"), ["orders/fulfilled"], "nothing more")
    parcel = _scanned(told, 186, sale, parcel, "label_purchased", "fulfillment-packed: at once, a premium customer's")
    parcel = _scanned(told, 310, sale, parcel, "carrier_picked_up", "nothing: a later scan has told it", late=41)
    parcel = _scanned(told, 350, sale, parcel, "in_transit", "fulfillment-shipped: once, by the scan heard of first")
    parcel = _scanned(told, 905, sale, parcel, "delivered", "nothing: it has arrived")


def _trouble(told: Telling) -> None:
    sale = known(told, placed(told, -1300, "#0991", LAMP))
    parcel = _shipped(told, 90, sale)
    parcel = _scanned(told, 150, sale, parcel, "in_transit", "fulfillment-shipped")
    parcel = _scanned(told, 505, sale, parcel, "failure", "shipment-exception fires: the carrier gave up")
    parcel = _scanned(told, 805, sale, parcel, "delivered", "shipment-exception ends: it has arrived after all")


def _second_try(told: Telling) -> None:
    sale = known(told, placed(told, -1350, "#0992", SHIRT))
    parcel = _shipped(told, 95, sale)
    parcel = _scanned(told, 610, sale, parcel, "attempted_delivery", "shipment-exception fires: nobody was at home")
    parcel = _scanned(told, 990, sale, parcel, "out_for_delivery", "shipment-exception ends: it is out again (shipped)")


def _shipped(told: Telling, minute: float, sale: Sale) -> Fulfillment:
    """The shop knows of the parcel, and a webhook tells of it."""
    number, at = told.number(), told.moment(minute)
    parcel = Fulfillment(
        id=gid("Fulfillment", number),
        order=link("Order", sale.number),
        name=f"{sale.name}.1",
        created_at=at,
        updated_at=at,
        tracking_info=(FulfillmentTrackingInfo(company="UPS", number=f"1Z{number}"),),
        fulfillment_line_items=Page((FulfillmentLineItem(line_item=sale.line_item(), quantity=sale.quantity),)),
    )
    told.change(minute, parcel)
    told.webhook(minute, "fulfillments/create", _parcel(told, minute, sale, number), _UNSCANNED)
    return parcel


def _parcel(told: Telling, minute: float, sale: Sale, number: int) -> Json:
    tracking = f"1Z{number}"
    return sample("fulfillments/create") | {
        "id": number,
        "admin_graphql_api_id": gid("Fulfillment", number),
        "order_id": sale.number,
        "name": f"{sale.name}.1",
        "status": "success",
        "created_at": told.stamp(minute),
        "updated_at": told.stamp(minute),
        "line_items": [sale.line()],
        "tracking_number": tracking,
        "tracking_numbers": [tracking],
        "tracking_url": f"https://carrier.example.com/{tracking}",
        "tracking_urls": [f"https://carrier.example.com/{tracking}"],
    }


def _scanned(  # noqa: PLR0913 - one scan: when, of what, which, and how late it is told
    told: Telling, minute: float, sale: Sale, parcel: Fulfillment, status: str, why: str, late: float = 0.0
) -> Fulfillment:
    """The parcel as the shop knows it from then on."""
    number, at = told.number(), told.moment(minute)
    event = FulfillmentEvent(id=gid("FulfillmentEvent", number), status=status.upper(), happened_at=at, country="US")
    events = Page((event, *parcel.events.nodes))
    parcel = structs.replace(parcel, events=events, display_status=status.upper(), updated_at=at)
    told.change(minute, parcel)
    body = sample("fulfillment_events/create") | {
        "id": number,
        "admin_graphql_api_id": gid("FulfillmentEvent", number),
        "fulfillment_id": int(parcel.id.rpartition("/")[2]),
        "order_id": sale.number,
        "status": status,
        "message": None,
        "country": "US",
        "happened_at": told.stamp(minute),
        "created_at": told.stamp(minute),
        "updated_at": told.stamp(minute),
    }
    told.webhook(minute, "fulfillment_events/create", body, why, arrives=minute + late)
    return parcel
