"""Reading one field of a body that may be anything.

Shopify drops keys, sends null where an object is expected, `[]` for an empty one, numbers as strings and strings as
numbers; anonymised bodies hold words where times stand. A body struct therefore declares its fields as `Raw` and reads
them here: what cannot be read is None, and only an identity that is missing makes a body unreadable. Nothing is
rounded: ids are exact above 2^53, amounts never pass through a float.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from schemas.money import Money
from schemas.reasons import RejectReason
from stages.stage import Reject

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

NULL = Raw(b"null")

#: More digits than any id of Shopify's; a longer run of digits is no id, and costs quadratic time to read.
_LONGEST_ID = 20
#: What the wire carries as a number; Shopify's ids are such, too.
_NUMBERS = range(-(2**63), 2**63)
#: No order has more of anything; the sum of all lines of a body still is a number.
_MOST = 10**12
#: A moment outside of these years is none: nothing could be counted from it.
_YEARS = range(1970, 2200)
_LONGEST_AMOUNT = 40
#: Without a bound a short exponent would become a number of a million digits where it is written out.
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_TOKEN = re.compile(r"[^\x00-\x1f\x7f]{1,255}")


class Body(Struct):
    """A body, or an object in one: keys that are not declared are skipped."""


def text(raw: Raw) -> str | None:
    """A string as it is, a number as it was written; None for everything else, blanks included."""
    written = bytes(raw)
    if written.startswith(b'"'):
        return msgspec.json.decode(written, type=str).strip() or None
    if written[:1].isdigit() or written.startswith(b"-"):
        return written.decode()
    return None


def token(raw: Raw) -> str | None:
    """An identity in words: short, and without control characters, since it becomes part of keys."""
    found = text(raw)
    return found if found is not None and _TOKEN.fullmatch(found) else None


def word(raw: Raw) -> str | None:
    """An enum's value in lower case; one that nobody knows yet stays readable."""
    found = text(raw)
    return None if found is None else found.lower()


def number(raw: Raw) -> int | None:
    """A JSON integer, digits in a string, or a gid."""
    return integer(text(raw))


def integer(found: str | None) -> int | None:
    if found is None:
        return None
    digits = found.partition("?")[0].rpartition("/")[2] if found.startswith("gid://") else found
    signless = digits.removeprefix("-")
    if len(signless) > _LONGEST_ID or not (signless.isascii() and signless.isdigit()):
        return None
    read = int(digits)
    return read if read in _NUMBERS else None


def count(raw: Raw) -> int | None:
    """Of things, which may be below zero."""
    found = number(raw)
    return None if found is None or abs(found) > _MOST else found


def amount(raw: Raw) -> Decimal | None:
    found = text(raw)
    if found is None or len(found) > _LONGEST_AMOUNT or not _AMOUNT.fullmatch(found):
        return None
    return Decimal(found)


def money(raw: Raw, currency: str | None) -> Money | None:
    """None unless both are known: an amount without its currency is no amount."""
    read = amount(raw)
    return None if read is None or currency is None else Money(read, currency)


def moment(raw: Raw) -> datetime | None:
    """An instant in UTC. One without an offset is unknown, not guessed; so is one of no time that a shop knows."""
    return instant(text(raw))


def instant(found: str | None) -> datetime | None:
    if found is None:
        return None
    try:
        read = datetime.fromisoformat(found)
        return None if read.tzinfo is None or read.year not in _YEARS else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def flag(raw: Raw) -> bool | None:
    return {b"true": True, b"false": False}.get(bytes(raw))


def tags(raw: Raw) -> tuple[str, ...]:
    """Classic bodies write one comma string, GraphQL a list."""
    if bytes(raw).startswith(b"["):
        return texts(raw)
    return tuple(tag for part in (text(raw) or "").split(",") if (tag := part.strip()))


def texts(raw: Raw) -> tuple[str, ...]:
    return tuple(found for entry in many(raw, Raw) if (found := text(entry)) is not None)


def numbers(raw: Raw) -> tuple[int, ...]:
    return tuple(found for entry in many(raw, Raw) if (found := number(entry)) is not None)


def one(raw: Raw, shape: type[S]) -> S | None:
    """An object, None where there is null, a list or a scalar in its place."""
    return msgspec.json.decode(raw, type=shape) if bytes(raw).startswith(b"{") else None


def members(raw: Raw) -> Mapping[str, Raw]:
    """What an object holds, by key; nothing where there is no object."""
    return msgspec.json.decode(raw, type=dict[str, Raw]) if bytes(raw).startswith(b"{") else {}


def many(raw: Raw, shape: type[T]) -> list[T]:
    """The entries of a list; those that are no objects are left out where objects are asked for."""
    if not bytes(raw).startswith(b"["):
        return []
    entries = msgspec.json.decode(raw, type=list[Raw])
    if shape is Raw:
        return entries  # type: ignore[return-value]  # T is Raw here
    return [msgspec.json.decode(entry, type=shape) for entry in entries if bytes(entry).startswith(b"{")]


def absent(found: Body, told_by: Mapping[str, str]) -> tuple[str, ...]:
    """Of these facts, each with its key in the body, those whose key is not there."""
    return tuple(sorted(fact for fact, key in told_by.items() if getattr(found, key) is NULL))


def whole(body: bytes, shape: type[S]) -> S:
    """Raises Reject for bytes that are no JSON object in UTF-8, and for nesting that no reader bears."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Reject(RejectReason.UNREADABLE, str(error)) from error


def required(value: T | None, path: str) -> T:
    """The identity of a body. Raises Reject that names the path."""
    if value is None:
        raise Reject(RejectReason.UNDECODABLE, f"no identity at `{path}`")
    return value
