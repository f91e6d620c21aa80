"""What exactly once needs of Kafka's clients, and no test on one broker can see: it is asked of every one of them."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.kafka import installation
from pipeline.kafka.installation import Installation

KAFKA = Installation("127.0.0.1:1", "pipeline", 1)


@pytest.fixture(autouse=True)
def arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client is what it is asked for."""
    monkeypatch.setattr(installation, "AIOKafkaProducer", dict)
    monkeypatch.setattr(installation, "AIOKafkaConsumer", dict)


@pytest.mark.parametrize("transactional_id", [None, "group-0"])
def test_what_is_acknowledged_is_on_every_replica_in_sync_once(transactional_id: str | None) -> None:
    asked: Any = KAFKA.producer(transactional_id)
    assert asked["acks"] == "all"
    assert asked["enable_idempotence"]


def test_a_member_reads_what_is_committed_and_moves_no_position_by_itself() -> None:
    asked: Any = KAFKA.member("group", object())
    assert asked["isolation_level"] == "read_committed"
    assert_positions_are_ours(asked)


@pytest.mark.parametrize("isolation", ["read_committed", "read_uncommitted"])
def test_a_reader_reads_as_it_is_told_and_moves_no_position_by_itself(isolation: str) -> None:
    asked: Any = KAFKA.reader(isolation)
    assert asked["isolation_level"] == isolation
    assert_positions_are_ours(asked)


def assert_positions_are_ours(asked: Any) -> None:
    """Else records were passed over that no transaction has settled, or read twice."""
    assert asked["enable_auto_commit"] is False
    assert asked["auto_offset_reset"] == "none"
