"""What the shop's own systems report becomes a signal about the job or the checkout that it names."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import pytest

from pipeline.memory import Call
from pipeline.receiver import Bounds
from schemas.codec import decode
from schemas.records import partition_of
from schemas.signals import JobPhase, JobReported, PaymentFailedReported
from tests.receiver.world import JOB_TOKEN, NOW, QUIET_SHOP, SHOP, SIGNAL_TOKEN, WALL, Answer, World, receiving

JOB = f"/jobs/{SHOP}/nightly-sync/fail"
PAYMENT = f"/signals/{SHOP}/payment-failed"
JSON = {"Content-Type": "application/json"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def report(
    world: World, body: bytes | None = None, path: str = JOB, headers: Mapping[str, str] | None = None
) -> Answer:
    return await world.post(path, body, {**bearer(JOB_TOKEN), **(headers or {})})


async def pay(world: World, body: object) -> Answer:
    return await world.post(PAYMENT, orjson.dumps(body), {**bearer(SIGNAL_TOKEN), **JSON})


async def heard(world: World) -> JobReported:
    return decode(await world.only(), JobReported)


@pytest.mark.parametrize("phase", list(JobPhase))
async def test_each_phase_of_a_job_is_a_signal_about_the_job(world: World, phase: JobPhase) -> None:
    answer = await report(world, path=f"/jobs/{SHOP}/nightly-sync/{phase}")

    assert (answer.status, answer.body) == (200, {"outcome": "accepted"})
    subject = f"{SHOP}/job/nightly-sync"
    assert await heard(world) == JobReported(SHOP, subject, NOW, WALL, "nightly-sync", phase)
    record = await world.only()
    assert (record.topic, record.key) == ("signals", subject.encode())
    assert record.partition == partition_of(subject.encode(), 3)


async def test_a_signal_carries_what_every_record_carries(world: World) -> None:
    await report(world)

    record = await world.only()
    assert (record.header("ce_specversion"), record.header("ce_type")) == ("1.0", "job-reported")
    assert (record.header("ce_source"), record.header("ce_time")) == ("/receiver", NOW.isoformat())
    assert (record.header("content-type"), record.header("schemaversion")) == ("application/json", "1")
    assert len(record.header("traceparent") or "") == 55
    assert record.header("ce_id")


async def test_a_job_may_say_something_in_json(world: World) -> None:
    assert (await report(world, b'{"message":"disk full","run":"r-1","code":3}', headers=JSON)).status == 200

    said = await heard(world)
    assert (said.message, said.run) == ("disk full", "r-1")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b" disk full \n", "disk full"),
        (b"caf\xe9", "caf\ufffd"),
        (b"42", "42"),
        (b'"quoted"', '"quoted"'),
        (b'{"code":3}', '{"code":3}'),
        (b'{"message":7}', '{"message":7}'),
        (b"{not json", "{not json"),
        (b'{"message":"disk full"}', "disk full"),
        (b"", None),
        (b"   ", None),
    ],
)
async def test_a_job_may_say_something_in_plain_text(world: World, body: bytes, message: str | None) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    assert (await report(world, body, headers=form)).status == 200
    assert (await heard(world)).message == message


async def test_a_long_message_is_cut_at_500_characters(world: World) -> None:
    assert (await report(world, "ä".encode() * 700)).status == 200
    assert (await heard(world)).message == "ä" * 500


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"message":7}', b'{"run":""}', b'{"run":"a\\nb"}', b"\xff"])
async def test_json_that_is_none_is_refused_where_json_was_announced(world: World, body: bytes) -> None:
    answer = await report(world, body, headers=JSON)

    assert (answer.status, answer.body["outcome"]) == (400, "malformed")
    assert await world.records() == []


async def test_a_report_is_small(world: World) -> None:
    assert (await report(world, b"x" * 64 * 1024)).status == 200
    assert (await report(world, b"x" * (64 * 1024 + 1))).status == 413


async def test_a_phase_that_there_is_not_is_not_found(world: World) -> None:
    answer = await report(world, path=f"/jobs/{SHOP}/nightly-sync/pause")

    assert answer.status == 404
    assert "heartbeat" in answer.body["detail"]


@pytest.mark.parametrize("name", ["Nightly", "a%20b", "a%2Fb", "-a", "x" * 64, "a%0A", "%C3%A4"])
async def test_a_job_has_a_name_like_all_names(world: World, name: str) -> None:
    assert (await report(world, path=f"/jobs/{SHOP}/{name}/start")).status == 400
    assert await world.records() == []


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({}, "unsigned"),
        (bearer("wrong"), "forged"),
        (bearer(""), "forged"),
        (bearer("töken"), "forged"),
        (bearer(SIGNAL_TOKEN), "forged"),
        ({"Authorization": f"Basic {JOB_TOKEN}"}, "forged"),
        ({"Authorization": JOB_TOKEN}, "forged"),
    ],
)
async def test_without_the_jobs_token_nothing_is_heard(world: World, given: dict[str, str], outcome: str) -> None:
    answer = await world.post(JOB, b"", given)

    assert (answer.status, answer.body["outcome"]) == (401, outcome)
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert await world.records() == []


async def test_the_scheme_may_be_written_as_one_likes(world: World) -> None:
    assert (await world.post(JOB, b"", {"Authorization": f"bearer {JOB_TOKEN}"})).status == 200


@pytest.mark.parametrize("shop", ["stranger.myshopify.com", QUIET_SHOP])
async def test_a_shop_without_a_token_of_its_own_is_refused(world: World, shop: str) -> None:
    assert (await report(world, path=f"/jobs/{shop}/sync/start")).status == 403
    assert (await report(world, b"{}", f"/signals/{shop}/payment-failed")).status == 403
    assert world.counted("signals", "unknown-shop") == 2


async def test_a_payment_that_failed_is_a_signal_about_its_checkout(world: World) -> None:
    answer = await pay(world, {"checkout_token": "tok-1", "error": "card_declined", "reporter": "pixel", "more": 1})

    assert answer.status == 200
    signal = decode(await world.only(), PaymentFailedReported)
    subject = f"{SHOP}/checkout/tok-1"
    assert signal == PaymentFailedReported(SHOP, subject, NOW, WALL, "tok-1", "card_declined", "pixel")
    record = await world.only()
    assert (record.key, record.header("ce_type")) == (subject.encode(), "payment-failed-reported")


async def test_what_is_said_of_a_payment_is_cut_like_a_jobs_message(world: World) -> None:
    assert (await pay(world, {"checkout_token": "tok-1", "error": "x" * 900, "reporter": " "})).status == 200

    signal = decode(await world.only(), PaymentFailedReported)
    assert (signal.error, signal.reporter) == ("x" * 500, None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"error": "x"},
        {"checkout_token": ""},
        {"checkout_token": None},
        {"checkout_token": 7},
        {"checkout_token": "x" * 256},
        {"checkout_token": "a\nb"},
        {"checkout_token": "tok-1\n"},
        {"checkout_token": "tok-1", "error": {}},
        [],
        None,
    ],
)
async def test_a_payment_report_without_a_checkout_is_refused(world: World, body: object) -> None:
    answer = await pay(world, body)

    assert (answer.status, answer.body["outcome"]) == (400, "malformed")
    assert await world.records() == []


async def test_a_payment_report_needs_the_token_for_signals(world: World) -> None:
    body = b'{"checkout_token":"tok-1"}'

    assert (await world.post(PAYMENT, body, bearer(JOB_TOKEN))).status == 401
    assert (await world.post(PAYMENT, body)).status == 401
    assert (await world.post(PAYMENT, body, bearer(SIGNAL_TOKEN))).status == 200


async def test_a_report_that_cannot_be_written_shall_come_again() -> None:
    async with receiving(Bounds(answer_seconds=0.1)) as world:
        world.faults.hold(Call.APPEND)
        assert (await report(world)).status == 503
        world.faults.release(Call.APPEND)
        world.faults.go_down()
        assert (await report(world)).status == 503
        world.faults.come_back()
        assert world.counted("signals", "late") == world.counted("signals", "unavailable") == 1
