"""What travels comes back as it went: exact ids, exact amounts, and every kind of facts by its tag."""

from __future__ import annotations

import typing
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from schemas import codec, subjects
from schemas.events import Event, Source
from schemas.facts.fact import Facts
from schemas.facts.operations import UnknownFacts
from schemas.facts.orders import OrderFacts
from schemas.facts.payments import TransactionFacts
from schemas.facts.table import AnyFacts
from schemas.money import Money
from schemas.questions import Question, QuestionKind
from schemas.records import Record

NOW = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SHOP = "demo.myshopify.com"


def event(told: AnyFacts) -> Event:
    return Event("orders/updated", SHOP, f"{SHOP}/order/1", f"{SHOP}/order/1", NOW, NOW, "d", Source.WEBHOOK, told)


def record(value: bytes | None, *headers: tuple[str, bytes]) -> Record:
    return Record("events.enriched", 0, 0, 0, b"key", value, headers)


@pytest.mark.parametrize("amount", ["0", "1250", "12.345", "-0.01", "0.00", "123456789012345678901234.56"])
def test_ids_above_two_to_the_53_and_amounts_of_any_scale_are_exact(amount: str) -> None:
    money = Money(Decimal(amount), "KWD")
    told = event(OrderFacts(id=2**63 + 1, total=money))
    read = codec.decode(record(codec.encode(told)), Event)
    assert read == told
    assert isinstance(read.facts, OrderFacts)
    assert read.facts.total is not None
    assert str(read.facts.total.amount) == amount, "also its scale"


def test_every_kind_of_facts_has_a_tag_of_its_own_and_belongs_to_the_union() -> None:
    union = typing.get_args(AnyFacts)
    tags = [kind.__struct_config__.tag for kind in union]
    assert len(set(tags)) == len(tags)
    assert set(Facts.__subclasses__()) == set(union)


def test_what_is_absent_is_named_and_what_is_not_costs_nothing() -> None:
    assert b"absent" not in codec.encode(event(OrderFacts(id=1)))
    told = event(OrderFacts(id=1, absent=("tags",)))
    assert codec.decode(record(codec.encode(told)), Event).facts.absent == ("tags",)


def test_a_field_that_an_older_build_does_not_know_is_passed_over() -> None:
    written = codec.encode(event(UnknownFacts())).replace(b'"kind":', b'"newer":{"a":[1]},"kind":')
    assert codec.decode(record(written), Event) == event(UnknownFacts())


@pytest.mark.parametrize("value", [None, b"", b"null", b"[]", b"{}", b"\xff", b'{"kind": "\xff"}'])
def test_bytes_of_another_shape_are_undecodable(value: bytes | None) -> None:
    with pytest.raises(codec.Undecodable):
        codec.decode(record(value), Event)


def test_nesting_that_no_reader_bears_is_undecodable() -> None:
    with pytest.raises(codec.Undecodable):
        codec.decode(record(b'{"x": ' + b"[" * 100_000), Event)


def test_another_schema_version_is_undecodable_and_ours_is_not() -> None:
    written = codec.encode(event(UnknownFacts()))
    assert codec.decode(record(written, ("schemaversion", b"1")), Event) == event(UnknownFacts())
    with pytest.raises(codec.Undecodable, match="version 2"):
        codec.decode(record(written, ("schemaversion", b"2")), Event)


def test_a_question_comes_back_as_it_went() -> None:
    question = Question("q", QuestionKind.PAYMENT, SHOP, f"{SHOP}/order/1", "1", NOW)
    assert codec.decode(record(codec.encode(question)), Question) == question


def test_times_keep_their_instant() -> None:
    told = event(TransactionFacts(id=1, order_id=1, kind="sale", status="failure", processed=NOW))
    assert codec.decode(record(codec.encode(told)), Event) == told
    assert codec.decode(record(codec.encode(replace(told, updated=NOW))), Event).updated == NOW


@pytest.mark.parametrize(
    ("subject", "kind", "identity"),
    [
        (subjects.order(SHOP, 2**60), "order", str(2**60)),
        (subjects.checkout(SHOP, "a/b"), "checkout", "a/b"),
        (subjects.topic(SHOP, "orders/new"), "topic", "orders/new"),
        (subjects.card(SHOP, "ab12"), "card", "ab12"),
        (subjects.inventory(SHOP, 5), "inventory", "5"),
        (subjects.draft(SHOP, 5), "draft", "5"),
        (subjects.job(SHOP, "nightly"), "job", "nightly"),
        (subjects.shop_wide(SHOP), "shop", ""),
    ],
)
def test_a_subject_says_its_shop_its_kind_and_its_identity(subject: str, kind: str, identity: str) -> None:
    assert (subjects.shop_of(subject), subjects.kind_of(subject)) == (SHOP, kind)
    assert subjects.identity_of(subject) == identity
