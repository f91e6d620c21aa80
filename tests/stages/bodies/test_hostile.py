"""Whatever the bytes: facts or a rejection, nothing else, and soon. And never a word of a person."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.simulators.samples import bodies, sample, topics
from schemas import codec
from schemas.events import Event, Source
from schemas.facts.returns import DisputeFacts
from schemas.records import Record
from stages.bodies.parsed import Parsed
from stages.bodies.table import READERS, facts_of
from stages.stage import Reject

SAMPLED = [(topic, name) for topic, names in sorted(topics().items()) for name in names]
NOW = datetime(2026, 3, 2, tzinfo=UTC)

WORDS = [
    *("", " ", "\x00", "9" * 400, "gid://", "gid://shopify/Order/", "gid://shopify/Order/x"),
    *("NaN", "Infinity", "1e999999", "-0", "1_000", "\u0663", "2026-02-30T00:00:00Z", "2026-06-30T23:59:60Z"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
]

ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=40),
    st.sampled_from(WORDS),
    st.lists(st.one_of(st.none(), st.integers(0, 9), st.text(max_size=3)), max_size=3),
    st.dictionaries(st.sampled_from(["id", "amount", "shop_money", "x"]), st.none() | st.text(max_size=3), max_size=3),
)


def encoded(parsed: Parsed) -> bytes:
    """The event as it would stand on the log, checked to come back as it went."""
    event = Event("t", "s", "s/shop", "s/shop", NOW, NOW, "d", Source.WEBHOOK, parsed.facts, parsed.updated)
    written = codec.encode(event)
    assert codec.decode(Record("t", 0, 0, 0, b"k", written), Event) == event
    return written


def read(topic: str, body: bytes) -> bytes | None:
    try:
        return encoded(facts_of(topic, body))
    except Reject:
        return None


def paths(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*path, key))


def changed(body: Any, path: tuple[Any, ...], value: object) -> None:
    for step in path[:-1]:
        body = body[step]
    body[path[-1]] = value


@settings(max_examples=600)
@given(st.data())
def test_a_body_with_anything_anywhere_gives_facts_or_is_rejected(data: st.DataObject) -> None:
    topic, name = data.draw(st.sampled_from(SAMPLED))
    body = orjson.loads(bodies()[name])
    for _ in range(data.draw(st.integers(1, 4))):
        found = sorted(paths(body), key=str)
        if found:
            changed(body, data.draw(st.sampled_from(found)), data.draw(ODD))
    read(topic, msgspec.json.encode(body))


@settings(max_examples=300)
@given(st.data())
def test_a_body_that_was_cut_or_garbled_gives_facts_or_is_rejected(data: st.DataObject) -> None:
    topic, name = data.draw(st.sampled_from(SAMPLED))
    body = bytearray(bodies()[name])
    start = data.draw(st.integers(0, len(body)))
    body[start : start + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    read(topic, bytes(body))


@pytest.mark.parametrize("topic", sorted(READERS))
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'[{"id": 1}]',
        b"1",
        b'"x"',
        b"{",
        b'{"id": 1',
        b"\xff{}",
        b'{"id": \xff}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_bytes_that_are_no_object_are_rejected_under_every_topic(topic: str, body: bytes) -> None:
    with pytest.raises(Reject):
        facts_of(topic, body)


@pytest.mark.parametrize("topic", sorted(READERS))
@pytest.mark.parametrize("opening", [b'{"id": ' + b"[" * 100_000, b'{"id": ' + b'{"a": ' * 100_000, b"[" * 100_000])
def test_a_body_that_is_nested_a_hundred_thousand_deep_is_rejected_at_once(topic: str, opening: bytes) -> None:
    began = time.perf_counter()
    with pytest.raises(Reject):
        facts_of(topic, opening)
    assert time.perf_counter() - began < 1


def test_numbers_of_any_size_cost_nothing() -> None:
    digits = b"9" * 5_000_000
    began = time.perf_counter()
    for value in (digits, b'"' + digits + b'"', b"1e" + digits, b'"1e999999999"'):
        body = b'{"id": 1, "currency": "USD", "total_outstanding": %b, "customer": {"id": %b}}' % (value, value)
        found = read("orders/updated", body)
        assert found is not None
        assert len(found) < 1_000
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("key", ["name", "note", "x"])
def test_half_of_a_surrogate_pair_is_no_json(key: str) -> None:
    with pytest.raises(Reject):
        facts_of("orders/updated", b'{"id": 1, "%b": "\\ud800"}' % key.encode())


def test_an_amount_that_would_fill_the_memory_when_written_out_is_none() -> None:
    for amount in ("1e99999", "1E+400", "1_000", "٣", "NaN", "-Infinity", "0x10", "1.", ".5", ""):
        body = orjson.dumps({"id": 1, "currency": "USD", "total_outstanding": amount})
        assert b"outstanding" not in (read("orders/updated", body) or b"")


# --- persons ---------------------------------------------------------------------------------------------------------

#: Keys of what belongs to a person, wherever they stand; `name` only inside an address or a customer.
PERSONAL = re.compile(
    r"(first_|last_)?name$|company$|.*email$|.*phone$|address[12]$|city$|zip$|shop_owner$|note$|.*_note$|reason_notes$"
    r"|credit_card_.*|.*_url$|latitude|longitude|browser_ip|client_ip|user_agent|receipt|authorization$|.*_ip$"
)
IN_PERSON = {"customer", "shipping_address", "billing_address", "default_address", "destination", "origin_address"}
BUSINESS = {"payment_method_name", "app_name", "carrier_name", "payment_terms_name", "plan_name", "source_name"}


def marked(value: Any, marks: list[str], inside: bool = False, key: str = "") -> Any:
    """The body with every personal value replaced by a mark that would be recognised anywhere."""
    if isinstance(value, dict):
        inside = inside or key in IN_PERSON
        return {name: marked(inner, marks, inside, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [marked(inner, marks, inside, key) for inner in value]
    personal = PERSONAL.fullmatch(key) and key not in BUSINESS and (key != "name" or inside)
    if not personal or isinstance(value, bool):
        return value
    marks.append(f"person{len(marks)}mark")
    return marks[-1]


@pytest.mark.parametrize(("topic", "name"), SAMPLED)
def test_no_word_of_a_person_stands_in_an_event(topic: str, name: str) -> None:
    marks: list[str] = []
    body = marked(orjson.loads(bodies()[name]), marks)
    found = read(topic, orjson.dumps(body)) or b""
    assert [mark for mark in marks if mark.encode() in found] == []


def test_the_marks_would_be_found() -> None:
    marks: list[str] = []
    body = marked(orjson.loads(bodies()["orders_create__1"]), marks)
    assert len(marks) > 30
    assert body["customer"]["first_name"] in marks
    assert body["name"] == "#9999"


@pytest.mark.parametrize(
    "link", ["order_status_url", "abandoned_checkout_url", "invoice_url", "receipt", "payment_details"]
)
@pytest.mark.parametrize(
    "topic", ["orders/create", "checkouts/create", "draft_orders/create", "order_transactions/create"]
)
def test_bearer_links_and_the_gateways_blob_never_leave(topic: str, link: str) -> None:
    body = orjson.loads(bodies()[topics()[topic][0]]) | {link: "secret-of-a-bearer"}
    assert b"secret-of-a-bearer" not in (read(topic, orjson.dumps(body)) or b"")


@pytest.mark.parametrize("number", ["99999999999999999999", "-99999999999999999999", "18446744073709551616"])
@pytest.mark.parametrize(
    ("topic", "path"),
    [
        ("orders/create", "id"),
        ("orders/create", "line_items.0.quantity"),
        ("inventory_levels/update", "available"),
        ("inventory_levels/update", "inventory_item_id"),
        ("disputes/create", "id"),
        ("refunds/create", "refund_line_items.0.quantity"),
        ("reverse_fulfillment_orders/dispose", "dispositions.0.quantity"),
    ],
)
def test_a_number_that_state_cannot_keep_is_none(topic: str, path: str, number: str) -> None:
    body = sample(topic)
    place: Any = body
    *way, last = path.split(".")
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = "@"

    try:
        parsed = facts_of(topic, orjson.dumps(body).replace(b'"@"', number.encode()))
    except Reject:
        return
    assert msgspec.msgpack.encode(parsed.facts)


def test_the_units_of_many_lines_are_a_number_that_state_can_keep() -> None:
    body = sample("refunds/create")
    body["refund_line_items"] = [{"quantity": 2**63 - 1}] * 3

    assert msgspec.msgpack.encode(facts_of("refunds/create", orjson.dumps(body)).facts)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_a_time_that_no_shop_knows_is_unknown(moment: str) -> None:
    parsed = facts_of("disputes/create", orjson.dumps(sample("disputes/create") | {"evidence_due_by": moment}))

    assert isinstance(parsed.facts, DisputeFacts)
    assert parsed.facts.evidence_due is None
