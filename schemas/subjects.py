"""Subjects: what an event is about, the unit of order. `<shop>/<kind>/<id>` (DESIGN section 2)."""

from __future__ import annotations


def order(shop: str, number: int) -> str:
    return f"{shop}/order/{number}"


def checkout(shop: str, token: str) -> str:
    return f"{shop}/checkout/{token}"


def inventory(shop: str, item: int) -> str:
    return f"{shop}/inventory/{item}"


def draft(shop: str, number: int) -> str:
    return f"{shop}/draft/{number}"


def card(shop: str, keyed_hash: str) -> str:
    return f"{shop}/card/{keyed_hash}"


def job(shop: str, name: str) -> str:
    return f"{shop}/job/{name}"


def topic(shop: str, name: str) -> str:
    return f"{shop}/topic/{name}"


def shop_wide(shop: str) -> str:
    return f"{shop}/shop"


def resource(shop: str, kind: str, identity: str | int) -> str:
    """A thing that is its own subject: Admin access is not configured, or for want of another (a draft's terms)."""
    return f"{shop}/{kind}/{identity}"


def shop_of(subject: str) -> str:
    return subject.partition("/")[0]


def kind_of(subject: str) -> str:
    return subject.split("/", 2)[1]


def identity_of(subject: str) -> str:
    """What stands behind shop and kind; empty for the shop itself."""
    parts = subject.split("/", 2)
    return parts[2] if len(parts) == 3 else ""
