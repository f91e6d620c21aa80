"""Partitions are those that any other Kafka client would choose; headers are read as text where they are text."""

from __future__ import annotations

import pytest

from schemas.records import Position, Record, _murmur2, partition_of

# From Apache Kafka's own test, UtilsTest.testMurmur2: signed 32 bit.
VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "signed"), VECTORS.items())
def test_the_digest_of_a_key_is_kafkas(key: bytes, signed: int) -> None:
    assert _murmur2(key) == signed & 0xFFFFFFFF


@pytest.mark.parametrize(("key", "signed"), VECTORS.items())
def test_the_partition_of_a_key_is_the_digest_without_its_sign(key: bytes, signed: int) -> None:
    assert partition_of(key, 12) == (signed & 0x7FFFFFFF) % 12


def test_every_partition_is_in_range_and_used() -> None:
    assert {partition_of(f"shop/order/{number}".encode(), 7) for number in range(500)} == set(range(7))


def record(*headers: tuple[str, bytes]) -> Record:
    return Record("topic", 3, 7, 0, None, None, headers)


def test_a_record_knows_its_position() -> None:
    assert record().position == Position("topic", 3, 7)


def test_the_first_header_of_a_name_counts() -> None:
    assert record(("other", b"0"), ("name", b"1"), ("name", b"2")).header("name") == "1"


def test_a_header_that_is_absent_or_no_text_is_none() -> None:
    assert record().header("name") is None
    assert record(("name", b"\xff")).header("name") is None
