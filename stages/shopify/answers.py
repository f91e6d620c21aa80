"""What Admin GraphQL may answer: closed, typed, and never an exception for a broken world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from msgspec import Struct

from stages.shopify.throttle import ThrottleStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class Missing:
    """Shopify knows no such thing: it is gone, hidden from us, or not there yet."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """`answered`: the shop did answer, with an error of its own or in words that we cannot read."""

    detail: str
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Throttled:
    after: timedelta


@dataclass(frozen=True, slots=True)
class Denied:
    """The token lacks a scope for this; asking again does not help."""

    detail: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The token itself is not taken."""


@dataclass(frozen=True, slots=True)
class Shut:
    """The shop itself is shut: it has to pay Shopify first (402), or is locked (423)."""

    status: int


Answer = Found[T] | Missing | Unavailable | Throttled | Denied | Refused | Shut


class _Cost(Struct, rename="camel"):
    requested_query_cost: float | None = None
    throttle_status: ThrottleStatus | None = None


class Extensions(Struct):
    cost: _Cost | None = None


class _ErrorExtensions(Struct):
    code: str | None = None


class _Error(Struct):
    message: str = ""
    extensions: _ErrorExtensions | None = None

    @property
    def code(self) -> str:
        return (self.extensions and self.extensions.code) or self.message[:100] or "unknown error"


class Envelope(Struct, Generic[T]):
    data: T | None = None
    errors: list[_Error] | None = None
    extensions: Extensions | None = None


def refusal(status: int) -> Refused | Shut | Unavailable:
    if status in (402, 423):
        return Shut(status)
    return Refused() if status in (401, 403) else Unavailable(f"HTTP {status}")


def answer_of(envelope: Envelope[T], throttled_for: float) -> Answer[T]:
    """Any error takes the whole answer: a field that is null for want of a scope must not be taken for null."""
    codes = [error.code for error in envelope.errors or ()]
    if "THROTTLED" in codes:
        return Throttled(timedelta(seconds=throttled_for))
    if "ACCESS_DENIED" in codes:
        return Denied("a scope is missing")
    if codes:
        return Unavailable(", ".join(codes), answered=True)
    return Missing() if envelope.data is None else Found(envelope.data)
