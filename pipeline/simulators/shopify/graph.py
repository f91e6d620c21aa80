"""What the parts of Admin GraphQL that we play are made of; types and fields are named as Shopify names them (2026-04).

A `Thing` has an id of its own and stands in the store, a `Part` lives inside another. `Link` points to a thing;
`Joined` is filled with all things that point back. What is `unseen` is for the store: Shopify does not show it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.title() for word in rest)


class Part(Struct, frozen=True, rename=_camel, kw_only=True):
    unseen: ClassVar[frozenset[str]] = frozenset()


class Thing(Part, frozen=True, kw_only=True):
    """`id` is the gid; its type's name is the class's."""

    id: str


class Link(Struct, frozen=True):
    to: str


class Joined(Struct, frozen=True):
    """All things of type `kind` whose field `by` links here; a connection, or a plain list."""

    kind: str
    by: str
    listed: bool = False


class Page(Struct, Generic[T], frozen=True):
    """A connection whose nodes are parts."""

    nodes: tuple[T, ...] = ()


def gid(kind: str, number: int | str) -> str:
    return f"gid://shopify/{kind}/{number}"


def link(kind: str, number: int | str) -> Link:
    return Link(gid(kind, number))


class MoneyV2(Part, frozen=True, kw_only=True):
    amount: Decimal
    currency_code: str = "USD"


class MoneyBag(Part, frozen=True, kw_only=True):
    shop_money: MoneyV2
    presentment_money: MoneyV2


def money(amount: Decimal, currency: str = "USD") -> MoneyBag:
    """In one currency: the shop sells abroad in its own."""
    one = MoneyV2(amount=amount, currency_code=currency)
    return MoneyBag(shop_money=one, presentment_money=one)
