"""What a person gives to have explained: one body, one saved record, or several of those in the order they came.

A saved record is a JSON object with a `body` (an object, or the original text) and, beside it, its `headers` as Shopify
sent them or as our raw topics carry them, or a `topic`. Several stand in a JSON lines file. What a file does not say,
the command line does: topic, shop, time.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

import orjson

from schemas.configuration import Configuration
from schemas.records import Record
from schemas.resources import RESOURCES, event_topic, raw_key
from stages.bodies.fields import instant
from stages.bodies.table import READERS

TOPICS = frozenset({*RESOURCES, *READERS})
_PARTS = frozenset({"body", "headers", "topic", "shop", "at"})
_EVENTS = frozenset({"shopify-topic", "shopify-action"})


class Unusable(ValueError):
    """`str()` is one line for a person."""


class DeadLetter(ValueError):
    """The pipeline would reject it. `str()` says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says, for all that a file does not. `now`: when what has no time of its own happened."""

    configuration: Configuration
    now: datetime
    topic: str | None = None
    shop: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """One delivery. `headers` in small letters."""

    topic: str
    shop: str
    body: bytes
    occurred: datetime
    headers: Mapping[str, str]

    def record(self, number: int) -> Record:
        """As the receiver would have written it."""
        delivery = self._header("webhook-id") or self.headers.get("ce_id") or f"given-{number}"
        raw = raw_key(self.shop, self.topic, self.body, delivery, self._header("resource-id") or "")
        ours = {
            "ce_id": delivery,
            "ce_type": self.topic,
            "ce_source": f"//{self.shop}",
            "ce_time": self.occurred.isoformat(),
            "received": self.occurred.isoformat(),
        }
        headers = tuple((name, text.encode()) for name, text in {**self.headers, **ours}.items())
        written = int(self.occurred.timestamp() * 1000)
        return Record(f"shopify.{raw.domain}", 0, number, written, raw.key.encode(), self.body, headers)

    def _header(self, name: str) -> str | None:
        return self.headers.get(f"x-shopify-{name}") or self.headers.get(f"shopify-{name}")


def read(text: bytes, asked: Asked) -> list[Given]:
    """In the order of the file. Raises Unusable."""
    lines = [*_documents(text)]
    found = [_given(document, where, asked) for where, document in lines]
    if not found:
        raise Unusable("there is no event in it")
    return found


def _documents(text: bytes) -> Iterator[tuple[str, object]]:
    """One document, or one in each line; each with the place that an error names."""
    text = text.removeprefix(BOM_UTF8)
    if not text.strip():
        raise Unusable("it is empty")
    try:
        yield "", orjson.loads(text)
        return
    except orjson.JSONDecodeError as error:
        whole = error
    lines = [(number, line) for number, line in enumerate(text.split(b"\n"), 1) if line.strip()]
    if len(lines) < 2 or not _is_object(lines[0][1]):
        raise Unusable(f"is no JSON: {whole.msg} (line {whole.lineno}, column {whole.colno})") from whole
    for number, line in lines:
        try:
            yield f"line {number}: ", orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise Unusable(f"line {number}: is no JSON: {error.msg} (column {error.colno})") from error


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _given(document: object, where: str, asked: Asked) -> Given:
    if not isinstance(document, dict):
        raise Unusable(f"{where}an event is a JSON object, not {_kind(document)}")
    if "headers" in document and _PARTS.issuperset(document) and "body" not in document:
        raise Unusable(f"{where}a saved record has a `body` beside its `headers`: an object, or the original text")
    if "body" in document and document.keys() & {"headers", "topic"} and (odd := sorted(document.keys() - _PARTS)):
        raise Unusable(f"{where}a saved record has no `{odd[0]}`; it has {', '.join(sorted(_PARTS))}")
    saved = document if "body" in document and _PARTS.issuperset(document) else {"body": document}
    headers = _headers(saved.get("headers"), where)
    happened = headers.get("x-shopify-triggered-at") or headers.get("shopify-triggered-at") or headers.get("ce_time")
    if (at := saved.get("at")) is not None and instant(str(at)) is None:
        raise Unusable(f"{where}`at` is no moment with its offset, like 2026-11-02T09:00:00Z")
    return Given(
        _topic(saved, headers, where, asked),
        _shop(saved, headers, where, asked),
        _body(saved["body"], where),
        instant(str(at)) or instant(happened) or asked.now,
        headers,
    )


def _headers(found: object, where: str) -> dict[str, str]:
    """As an object, or as pairs."""
    if found is None:
        return {}
    if isinstance(found, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in found):
        found = dict(found)
    if not isinstance(found, dict):
        raise Unusable(f"{where}`headers` is an object of names and texts, not {_kind(found)}")
    return {str(name).lower(): str(value) for name, value in found.items()}


def _topic(saved: Mapping[str, object], headers: Mapping[str, str], where: str, asked: Asked) -> str:
    if len(headers.keys() & _EVENTS) == 1:
        raise Unusable(f"{where}an Event names itself by two headers, Shopify-Topic and Shopify-Action")
    if headers.keys() >= _EVENTS:
        return event_topic(headers["shopify-topic"], headers["shopify-action"])
    found = saved.get("topic") or headers.get("x-shopify-topic") or headers.get("ce_type") or asked.topic
    if found is None:
        raise Unusable(f"{where}which topic is it? Say --topic orders/create, or give the record with its headers")
    if found not in TOPICS:
        raise Unusable(f"{where}no topic `{found}`; {_near(str(found))}")
    return str(found)


def _near(word: str) -> str:
    """Also of `ORDERS_CREATE`, as GraphQL writes it."""
    written = word.lower() if "/" in word else word.lower().replace("_", "/", 1)
    if close := get_close_matches(written, TOPICS, n=3, cutoff=0.6):
        return f"did you mean {' or '.join(f'`{one}`' for one in close)}?"
    return "topics are written as in `orders/create`"


def _shop(saved: Mapping[str, object], headers: Mapping[str, str], where: str, asked: Asked) -> str:
    source = headers.get("ce_source", "").removeprefix("//")
    of_headers = headers.get("x-shopify-shop-domain") or headers.get("shopify-shop-domain") or source
    domains = [shop.domain for shop in asked.configuration.shops]
    found = asked.shop or saved.get("shop") or of_headers or (domains[0] if len(domains) == 1 else None)
    if found is None:
        raise Unusable(f"{where}of which shop is it? Say --shop; there is {', '.join(domains)}")
    if found not in domains:
        raise Unusable(
            f"{where}the shop {found} is not configured: its webhooks are refused; there is {', '.join(domains)}"
        )
    return str(found)


def _body(found: object, where: str) -> bytes:
    """A text is the original body, byte for byte."""
    if isinstance(found, str):
        return found.encode()
    if isinstance(found, dict):
        return json.dumps(found).encode()
    raise Unusable(f"{where}`body` is an object, or the original body as a text, not {_kind(found)}")


def _kind(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null", dict: "an object"}
    return names.get(type(value), "a number")
