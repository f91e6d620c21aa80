"""What is known of the shop itself and of its locations, where a webhook does not say it."""

from __future__ import annotations

from schemas.facts.operations import LocationFacts, ShopFacts
from stages.bodies.fields import integer
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Reply, gid, number, told
from stages.shopify.operations import Operation
from stages.shopify.shapes import Shape


class Domain(Shape, frozen=True):
    host: str
    ssl_enabled: bool | None = None


class ShopNode(Shape, frozen=True):
    id: str
    primary_domain: Domain | None = None


class Shop(Shape, frozen=True):
    shop: ShopNode


class LocationNode(Shape, frozen=True):
    id: str
    name: str | None = None
    is_active: bool | None = None
    has_active_inventory: bool | None = None


class LocationData(Shape, frozen=True):
    location: LocationNode | None = None


PRIMARY_DOMAIN = Operation("PrimaryDomain", Shop)
LOCATION = Operation("Location", LocationData)


async def shop(shopify: Shopify, lookup: Lookup) -> Reply:
    """Its primary domain, which always exists: without one of its own it is Shopify's."""

    def state(data: Shop) -> ShopFacts:
        primary = data.shop.primary_domain
        return ShopFacts(
            id=integer(data.shop.id),
            primary=primary.host.lower() if primary else None,
            tls=primary.ssl_enabled if primary else None,
        )

    return told(await shopify.query(lookup.shop, PRIMARY_DOMAIN, {}, lookup.since), state)


async def location(shopify: Shopify, lookup: Lookup) -> Reply:
    """One that was deleted is not there any more, and stocks nothing."""

    def state(data: LocationData) -> LocationFacts | None:
        found = data.location
        if found is None:
            return None
        return LocationFacts(
            id=number(found.id), name=found.name, active=found.is_active, has_stock=found.has_active_inventory
        )

    asked = {"id": gid("Location", lookup.identity)}
    return told(await shopify.query(lookup.shop, LOCATION, asked, lookup.since), state)
