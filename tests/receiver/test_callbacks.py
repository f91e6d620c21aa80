"""What OpenText tells of a job goes to the team and the notification that its refs name, and nowhere else."""

from __future__ import annotations

from base64 import b64encode

import orjson
import pytest

from pipeline.receiver import Credentials
from schemas.codec import decode
from schemas.notifications import SendingStatus
from schemas.records import partition_of
from tests.receiver.world import CALLBACK_SECRET, CREDENTIALS, WALL, World, receiving

STATUS = f"/callbacks/opentext/{CALLBACK_SECRET}/status"


def coded(ref: str) -> str:
    return b64encode(ref.encode()).decode()


def told(*refs: object) -> bytes:
    """The status answer of the contract, section 3.7, with these refs."""
    deliveries = [
        {"ref_base64": ref, "sms": "+15550100", "delivery_attempts": [{"state": "Sent", "first_attempt": "x"}]}
        for ref in refs
    ]
    return orjson.dumps({"job_id": "xsi-1234567", "job_state": ["Complete", "Posted"], "deliveries": deliveries})


async def test_a_status_goes_to_its_team_as_it_came_but_for_the_addresses(world: World) -> None:
    body = told(coded("support/shop-m-1/ann"), coded("support/shop-m-1/bob"))
    kept = body.replace(b',"sms":"+15550100"', b"")

    answer = await world.post(STATUS, body)

    record = await world.only()
    assert answer.status == 200
    assert decode(record, SendingStatus) == SendingStatus("support", "shop-m-1", kept.decode(), WALL)
    assert (record.topic, record.key, record.partition) == ("sending.status", b"support", partition_of(b"support", 3))
    assert (record.header("ce_type"), record.header("schemaversion")) == ("sending-status", "1")
    assert world.counted("callbacks", "accepted") == 1


async def test_a_message_id_may_have_strokes_in_it(world: World) -> None:
    await world.post(STATUS, told(coded("support/shop/2026/m-1/ann")))

    assert decode(await world.only(), SendingStatus).message_id == "shop/2026/m-1"


async def test_a_ref_that_nobody_can_read_does_not_hide_one_that_tells(world: World) -> None:
    assert (await world.post(STATUS, told("%%%", 7, None, coded("support/m-1/ann")))).status == 200
    assert decode(await world.only(), SendingStatus).message_id == "m-1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"deliveries":null}',
        b'{"deliveries":[]}',
        b'{"deliveries":[1,{}]}',
        b"[" * 50_000,
        told(coded("ref001")),
        told(coded("support/m-1")),
        told(coded("Support/m-1/ann")),
        told(coded("support/m-1/Ann Lee")),
        told(coded(f"support/{'m' * 81}/ann")),
        told(coded("support/m 1/ann")),
        told("c3VwcG9ydC9tLTEvYW5u!"),
        told(b64encode(b"support/\xff/ann").decode()),
        told(coded("support/m-1/ann"), coded("support/m-2/ann")),
        told(coded("support/m-1/ann")).replace(b"xsi-1234567", b"xsi-\xff"),
        told(coded("support/m-1/ann")).replace(b'"Sent"', b'"Sent\xff"'),
    ],
)
async def test_what_names_no_notification_or_several_is_ignored_and_does_not_come_again(
    world: World, body: bytes
) -> None:
    answer = await world.post(STATUS, body)

    assert (answer.status, answer.body["outcome"]) == (200, "ignored")
    assert await world.records() == []
    assert world.counted("callbacks", "ignored") == 1


@pytest.mark.parametrize("secret", ["wrong", "callback-secret2", "%ff", "%00", "callback-secre"])
async def test_a_wrong_secret_is_an_address_that_is_not_there(world: World, secret: str) -> None:
    answer = await world.post(f"/callbacks/opentext/{secret}/status", told(coded("support/m-1/ann")))

    assert answer.status == 404
    assert await world.records() == []


async def test_without_a_secret_of_its_own_there_are_no_callbacks() -> None:
    async with receiving(credentials=Credentials(CREDENTIALS.shops)) as world:
        assert (await world.post("/callbacks/opentext/None/status", told(coded("support/m-1/ann")))).status == 404


async def test_a_callback_has_its_own_limit(world: World) -> None:
    assert (await world.post(STATUS, b'"' * (512 * 1024 + 1))).status == 413


async def test_the_largest_callback_still_fits_on_its_topic(world: World) -> None:
    body = told(coded("support/m-1/ann"))
    padding = b'"' + b'\\"' * ((512 * 1024 - len(body) - 20) // 2) + b'"'
    large = body[:-1] + b',"padding":' + padding + b"}"

    assert (await world.post(STATUS, large)).status == 200
    assert decode(await world.only(), SendingStatus).body.encode() == large.replace(b',"sms":"+15550100"', b"")


async def test_a_status_that_cannot_be_written_shall_come_again(world: World) -> None:
    world.faults.go_down()
    assert (await world.post(STATUS, told(coded("support/m-1/ann")))).status == 503
    world.faults.come_back()


async def test_whatsapp_is_not_there_yet(world: World) -> None:
    assert (await world.post(f"/callbacks/opentext/{CALLBACK_SECRET}/whatsapp", b"{}")).status == 404
