"""Whatever a stranger sends has a defined answer, which is never a 500."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from pipeline.receiver import Bounds
from pipeline.receiver.deliveries import Delivery, read
from pipeline.receiver.verdicts import NotTaken, Verdict
from schemas.topics import MIB
from tests.pipeline.world import until
from tests.receiver.world import SECRET, Answer, World, delivery, receiving

NAMES = ("X-Shopify-Topic", "X-Shopify-Shop-Domain", "X-Shopify-Webhook-Id", "X-Shopify-Triggered-At", "X-Shopify-Name")


def request(headers: list[tuple[bytes, bytes]], body: bytes = b'{"id":1}') -> bytes:
    """Byte for byte: no client would send all of it."""
    lines = [b"POST /webhooks/shopify HTTP/1.1", b"Host: localhost", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, *(name + b": " + value for name, value in headers), b"", body])


def signed(**changed: bytes) -> list[tuple[bytes, bytes]]:
    """`changed`: other values, by the header's name in small letters with underscores."""
    given = {name.lower().encode(): value.encode() for name, value in delivery().headers(SECRET).items()}
    given |= {name.replace("_", "-").encode(): value for name, value in changed.items()}
    return list(given.items())


async def post(world: World, body: bytes) -> Answer:
    """As a stream: aiohttp's client warns of large bodies at once."""
    return await world.post("/webhooks/shopify", BytesIO(body), delivery(body).headers(SECRET))


def status(line: bytes) -> int:
    return int(line.split()[1])


@pytest.mark.parametrize("name", ["x_shopify_topic", "x_shopify_shop_domain", "x_shopify_webhook_id"])
@pytest.mark.parametrize(
    "value",
    [b"a b", b"a\tb", b"caf\xc3\xa9", b"caf\xe9", b"\xff\xfe", b"x" * 300, b"\x01\x02", b"a\x7fb", b" ", b""],
)
async def test_a_required_header_that_is_no_such_thing_is_refused(world: World, name: str, value: bytes) -> None:
    assert status(await world.say(request(signed(**{name: value})))) == 400
    assert await world.records() == []


@pytest.mark.parametrize("domain", [b"a/b", b"../etc", b"-x.myshopify.com", b"demo.myshopify.com:80", b"{shop}"])
async def test_a_shop_that_is_no_domain_cannot_make_a_key(world: World, domain: bytes) -> None:
    assert status(await world.say(request(signed(x_shopify_shop_domain=domain, x_shopify_topic=b"shop/redact")))) == 400


@pytest.mark.parametrize("value", [b"caf\xc3\xa9", b"caf\xe9", b"\xff\xfe"])
async def test_other_headers_keep_their_bytes_even_if_they_are_no_text(world: World, value: bytes) -> None:
    assert status(await world.say(request(signed(x_shopify_name=value)))) == 200

    assert dict((await world.only()).headers)["x-shopify-name"] == value


@pytest.mark.parametrize(
    ("given_type", "kept"),
    [
        (b"application/json; charset=utf-8", "application/json; charset=utf-8"),
        (b"\xff", "application/json"),
        (b"a\tb", "application/json"),
        (b"x" * 200, "application/json"),
        (b"", "application/json"),
    ],
)
async def test_the_content_type_is_the_senders_where_it_is_one(world: World, given_type: bytes, kept: str) -> None:
    assert status(await world.say(request(signed(content_type=given_type)))) == 200

    assert (await world.only()).header("content-type") == kept


@pytest.mark.parametrize("value", [b"x" * 1025, b"a\tb"])
async def test_what_is_long_or_not_printable_does_not_travel(world: World, value: bytes) -> None:
    assert status(await world.say(request(signed(x_shopify_name=value)))) == 200

    assert (await world.only()).header("x-shopify-name") is None


async def test_a_header_of_100_kilobytes_is_refused(world: World) -> None:
    assert status(await world.say(request(signed(x_shopify_name=b"x" * 100_000)))) == 400
    assert await world.records() == []


async def test_headers_without_end_are_refused(world: World) -> None:
    many = [(b"x-shopify-%d" % number, b"1") for number in range(60)]
    assert status(await world.say(request([*signed(), *many]))) == 400

    endless = [(b"x-%d" % number, b"1") for number in range(5_000)]
    assert status(await world.say(request([*signed(), *endless]))) == 400


async def test_of_a_header_that_comes_twice_the_first_counts(world: World) -> None:
    assert status(await world.say(request([*signed(), (b"X-Shopify-Topic", b"shop/redact")]))) == 200

    assert (await world.only()).header("x-shopify-topic") == "orders/create"


@pytest.mark.parametrize(
    "line",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /webhooks/shopify HTTP/9.9\r\n\r\n",
        b"POST /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nX-Shopify-Topic: a\x00b\r\n\r\n",
        b"POST /jobs/%ff/%00/start HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_what_is_hardly_http_is_refused_and_the_next_one_served(world: World, line: bytes) -> None:
    assert 400 <= status(await world.say(line)) < 500
    assert (await world.deliver(delivery())).status == 200


async def test_chunks_that_break_their_own_rules_are_refused(world: World) -> None:
    head = b"\r\n".join(name + b": " + value for name, value in signed())
    broken = (
        b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + head + b"\r\n\r\nzz\r\n{}"
    )

    assert status(await world.say(broken)) == 400
    assert (await world.deliver(delivery())).status == 200


async def test_chunks_that_break_their_rules_too_late_to_be_refused_are_not_waited_for() -> None:
    head = b"\r\n".join(name + b": " + value for name, value in signed())
    start = b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + head + b"\r\n\r\n"
    async with receiving(Bounds(answer_seconds=0.2)) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(start + b"2\r\n{}\r\n")
        await until(lambda: world.intake._requests)
        writer.write(b"zz\r\n")

        assert status(await reader.readline()) == 503
        writer.close()
        await writer.wait_closed()


async def test_a_body_of_10_megabytes_is_taken_and_one_byte_more_is_not(world: World) -> None:
    whole = b'{"id":1,"note":"' + b"x" * (10 * MIB - 18) + b'"}'

    answer = await post(world, whole)
    assert (answer.status, (await world.only()).value) == (200, whole)

    answer = await post(world, whole + b" ")
    assert (answer.status, answer.body["outcome"]) == (413, "too-large")
    assert world.counted("orders", "too-large") == 1


async def test_a_body_that_does_not_say_its_length_has_the_same_limit() -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 1000

    async with receiving(Bounds(body_bytes=10_000)) as world:
        headers = delivery(b"x" * 10_000).headers(SECRET)
        assert (await world.post("/webhooks/shopify", chunks(10), headers)).status == 200
        assert (await world.post("/webhooks/shopify", chunks(11), headers)).status == 413
        assert len(await world.records()) == 1


async def test_a_body_that_says_it_is_large_is_refused_before_it_comes(world: World) -> None:
    head = b"\r\n".join(name + b": " + value for name, value in signed())
    announced = b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n" + head + b"\r\n\r\n"

    assert status(await world.say(announced)) == 413


@given(
    st.dictionaries(st.sampled_from(NAMES), st.text(st.characters(codec=None), max_size=400)),
    st.binary(max_size=40),
)
def test_headers_are_read_or_refused_whatever_they_hold(changed: dict[str, str], body: bytes) -> None:
    headers = CIMultiDict({**delivery(body).headers(SECRET), **changed})

    found = outcome(headers)

    assert found in (Verdict.INCOMPLETE, Verdict.MALFORMED) or (
        isinstance(found, Delivery) and found.id.isascii() and "/" not in found.shop
    )


def outcome(headers: CIMultiDict[str]) -> Delivery | Verdict:
    try:
        return read(headers)
    except NotTaken as no:
        return no.verdict
