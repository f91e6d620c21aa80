"""The whole, from outside: signed deliveries in, the documented JSON at an OpenText not of ours, on a real Kafka."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.system.outside import SHOP, FakeOpenText, Outside, Running, eventually, quiet

NUMBER = 9007199254740993
"""Above 2^53: rounded by whoever reads it as a float."""


@pytest.fixture(scope="module")
def outside(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    found = Outside(kafka_bootstrap, tmp_path_factory.mktemp("whole"))
    found.configure()
    found.apply_topics()
    yield found
    found.opentext.close()


@pytest.fixture(scope="module")
def running(outside: Outside) -> Iterator[Running]:
    with outside.running() as process:
        yield process
        assert process.terminate() == 0, process.log_end()


@pytest.fixture
def opentext(outside: Outside) -> FakeOpenText:
    return outside.opentext


def about(opentext: FakeOpenText, *words: str) -> list[Any]:
    return [one for one in opentext.taken if all(word in one.text for word in words)]


def risk(number: int, level: str) -> dict[str, object]:
    return {
        "order_id": str(number),
        "admin_graphql_api_order_id": f"gid://shopify/Order/{number}",
        "risk_level": level,
        "provider_id": None,
        "provider_title": None,
        "created_at": datetime.now(UTC).isoformat(),
    }


def dispute(number: int) -> dict[str, object]:
    return {
        "id": number,
        "order_id": number + 1,
        "type": "chargeback",
        "amount": "11.50",
        "currency": "USD",
        "reason": "fraudulent",
        "network_reason_code": "4837",
        "status": "needs_response",
        "evidence_due_by": (datetime.now(UTC) + timedelta(days=9)).isoformat(),
        "evidence_sent_on": None,
        "finalized_on": None,
        "initiated_at": datetime.now(UTC).isoformat(),
    }


def test_a_risky_order_reaches_operations_once_in_the_documented_form(running: Running, opentext: FakeOpenText) -> None:
    assert running.webhook("orders/risk_assessment_changed", risk(NUMBER, "high")) == 200
    eventually(lambda: about(opentext, str(NUMBER)), "the notification arrives")
    assert quiet(lambda: len(about(opentext, str(NUMBER)))) == 1
    (received,) = about(opentext, str(NUMBER))
    assert received.path == "/mra/v1/outbound/emails"
    assert received.addresses == ["operations@example.com"]
    assert set(received.body) >= {"destinations", "body", "options"}
    assert {part["type"] for part in received.body["body"]} == {"text"}
    assert 0 < len(received.message_id) <= 80
    assert received.message_id.startswith("test-")
    assert f"https://admin.shopify.com/store/{SHOP.split('.')[0]}/orders/{NUMBER}" in received.text


def test_everybody_of_the_right_team_is_told_and_nobody_else(running: Running, opentext: FakeOpenText) -> None:
    assert running.job("nightly-export", "fail", "disk full") == 200
    eventually(lambda: about(opentext, "nightly-export"), "the notification arrives")
    assert quiet(lambda: len(about(opentext, "nightly-export"))) == 1
    (received,) = about(opentext, "nightly-export")
    assert sorted(received.addresses) == ["one@example.com", "two@example.com"]
    assert "disk full" in received.text


def test_the_end_is_told_to_those_who_were_told_of_the_beginning(running: Running, opentext: FakeOpenText) -> None:
    assert running.job("price-sync", "fail", "no answer") == 200
    eventually(lambda: about(opentext, "price-sync"), "the beginning arrives")
    assert running.job("price-sync", "success") == 200
    eventually(lambda: len(about(opentext, "price-sync")) == 2, "the end arrives")
    first, second = about(opentext, "price-sync")
    assert first.addresses == second.addresses
    assert first.message_id != second.message_id


def test_the_same_delivery_sent_ten_times_gives_one_notification(running: Running, opentext: FakeOpenText) -> None:
    body = dispute(7_000_000_000_001)
    statuses = [running.webhook("disputes/create", body, "11111111-2222-3333-4444-555555555555") for _ in range(10)]
    assert statuses == [200] * 10
    eventually(lambda: about(opentext, "7000000000002"), "the notification arrives")
    assert quiet(lambda: len(about(opentext, "7000000000002"))) == 1


def test_a_hundred_orders_arrive_once_each(running: Running, opentext: FakeOpenText) -> None:
    numbers = [8_100_000_000_000 + n for n in range(100)]
    for number in numbers:
        assert running.webhook("orders/risk_assessment_changed", risk(number, "high")) == 200

    def found() -> Counter[str]:
        return Counter(one.subject for one in opentext.taken if "81000000000" in one.text)

    eventually(lambda: len(found()) == len(numbers), "all of them arrive")
    assert quiet(lambda: sum(found().values())) == len(numbers)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b'{"id": "x"}'])
def test_a_verified_body_that_nobody_can_read_stops_nothing(
    raw: bytes, running: Running, opentext: FakeOpenText
) -> None:
    assert running.webhook("orders/create", raw) == 200
    name = f"after-{len(raw)}-{raw[:1].hex()}"
    assert running.job(name, "fail", "still there") == 200
    eventually(lambda: about(opentext, name), "what comes behind it arrives")
    assert running.is_ready()


def test_what_the_wrong_secret_signed_is_not_taken(running: Running) -> None:
    assert running.webhook("orders/risk_assessment_changed", risk(1, "high"), secret="another") == 401


def test_the_operators_see_what_was_sent(running: Running) -> None:
    eventually(
        lambda: 'pipeline_sendings_total{channel="email",state="accepted"}' in running.metrics(), "it is counted"
    )
    assert "pipeline_event_to_notification_seconds_bucket" in running.metrics()


def test_no_address_and_no_secret_is_logged(running: Running) -> None:
    log = running.log.read_text()
    assert "@example.com" not in log
    assert "shop-client-secret" not in log


def test_killed_with_unsent_notifications_it_sends_each_once_after_the_restart(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    outside = Outside(kafka_bootstrap, tmp_path)
    outside.configure()
    outside.apply_topics()
    opentext = outside.opentext
    opentext.status = 503
    numbers = [8_200_000_000_000 + n for n in range(20)]
    with outside.running() as first:
        for number in numbers:
            assert first.webhook("orders/risk_assessment_changed", risk(number, "high")) == 200
        eventually(lambda: opentext.received, "an attempt was made")
        first.process.kill()
        first.process.wait()
    opentext.status = 200
    with outside.running() as second:
        eventually(lambda: len(opentext.taken) >= len(numbers), "all of them arrive")
        assert quiet(lambda: len(opentext.taken)) == len(numbers)
        assert len({one.message_id for one in opentext.taken}) == len(numbers)
        assert second.terminate() == 0, second.log_end()
    opentext.close()
