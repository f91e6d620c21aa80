"""One delivery of Shopify's, as its headers tell: which family, which shop, what about, signed how.

Headers are not signed, only the body is: they are untrusted text. What we need of them must look like what it is, the
rest travels with the record as far as it is short and printable. Field facts: contracts of Shopify, section 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.receiver.verdicts import NotTaken, Verdict
from schemas.resources import event_topic
from stages.bodies.fields import instant

_CLASSIC: Final = "x-shopify-"
_EVENT: Final = "shopify-"
_SIGNATURE: Final = "hmac-sha256"

_WORD = re.compile(r"[\x21-\x7e]{1,255}")
_SHOP = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}", re.ASCII)
_KEPT = re.compile(r"[^\x00-\x1f\x7f]{0,1024}")
_LONGEST_NAME = 100
_MOST_HEADERS = 48


@dataclass(frozen=True, slots=True)
class Delivery:
    """`headers`: Shopify's own of this family, in small letters, the signature included."""

    id: str
    shop: str
    topic: str
    signature: str
    triggered_at: str | None
    resource_id: str
    headers: tuple[tuple[str, bytes], ...]


def family_of(headers: Mapping[str, str]) -> str | None:
    """The prefix of the family whose signature is there, classic webhooks before next-generation Events."""
    return next((family for family in (_CLASSIC, _EVENT) if family + _SIGNATURE in headers), None)


def read(headers: Mapping[str, str]) -> Delivery:
    """`headers` finds names in any case. Raises NotTaken: unsigned, incomplete or malformed."""
    family = family_of(headers)
    if family is None:
        raise NotTaken(Verdict.UNSIGNED, f"no {_CLASSIC}{_SIGNATURE} and no {_EVENT}{_SIGNATURE}")
    topic = _required(headers, f"{family}topic")
    if family == _EVENT:
        topic = event_topic(topic, _required(headers, f"{family}action"))
    triggered_at = headers.get(f"{family}triggered-at", "").strip()
    return Delivery(
        _required(headers, f"{family}webhook-id"),
        _shop(headers, f"{family}shop-domain"),
        topic,
        headers[family + _SIGNATURE].strip(),
        triggered_at if instant(triggered_at) is not None else None,
        headers.get(f"{family}resource-id", "").strip(),
        _kept(headers, family),
    )


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    if not value:
        raise NotTaken(Verdict.INCOMPLETE, f"{name} is missing")
    if not _WORD.fullmatch(value):
        raise NotTaken(Verdict.MALFORMED, f"{name} is no such thing")
    return value


def _shop(headers: Mapping[str, str], name: str) -> str:
    shop = _required(headers, name).lower()
    if not _SHOP.fullmatch(shop):
        raise NotTaken(Verdict.MALFORMED, f"{name} is no domain")
    return shop


def _kept(headers: Mapping[str, str], family: str) -> tuple[tuple[str, bytes], ...]:
    """The first of each name. Bytes that are no UTF-8 stay the bytes that they were."""
    kept: dict[str, bytes] = {}
    for given, value in headers.items():
        name = given.lower()
        if name.startswith(family) and len(name) <= _LONGEST_NAME and name.isascii() and _KEPT.fullmatch(value):
            kept.setdefault(name, value.encode(errors="surrogateescape"))
    if len(kept) > _MOST_HEADERS:
        raise NotTaken(Verdict.MALFORMED, f"more than {_MOST_HEADERS} headers of Shopify's")
    return tuple(kept.items())
