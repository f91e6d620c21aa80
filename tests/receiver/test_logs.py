"""What the receiver logs lets an operator find a delivery, and tells nobody what was in it."""

from __future__ import annotations

from io import StringIO

import orjson
import structlog

from tests.receiver.test_callbacks import STATUS
from tests.receiver.test_untrusted import request, signed
from tests.receiver.world import CALLBACK_SECRET, JOB_TOKEN, SECRET, delivery, receiving

PRIVATE = b'{"id":1,"email":"jane@example.com"}'


def lines(out: StringIO) -> list[dict[str, str]]:
    return [orjson.loads(line) for line in out.getvalue().splitlines()]


def logger(out: StringIO) -> structlog.typing.FilteringBoundLogger:
    """As in production, but for the masks: what must not be said is not said at all."""
    found: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[lambda _, __, event: orjson.dumps(event).decode()],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    return found


async def test_a_refused_delivery_can_be_found_again() -> None:
    out = StringIO()
    async with receiving(log=logger(out)) as world:
        await world.deliver(delivery(), "wrong")

    (line,) = lines(out)
    assert line["event"] == "answered"
    assert (line["outcome"], line["shop"], line["topic"]) == ("forged", "demo.myshopify.com", "orders/create")
    assert (line["delivery_id"], line["event_id"], len(line["trace"])) == ("w-1", "e-1", 55)


async def test_no_body_and_no_secret_is_logged() -> None:
    out = StringIO()
    async with receiving(log=logger(out)) as world:
        await world.deliver(delivery(PRIVATE))
        await world.deliver(delivery(PRIVATE), "wrong")
        await world.post("/jobs/demo.myshopify.com/sync/start", PRIVATE, {"Authorization": f"Bearer {JOB_TOKEN}"})
        await world.post(STATUS, PRIVATE)
        await world.post("/callbacks/opentext/guess/status", PRIVATE)

    said = out.getvalue()
    assert len(lines(out)) == 5
    assert not [word for word in ("jane", SECRET, JOB_TOKEN, CALLBACK_SECRET, "guess") if word in said]


async def test_headers_that_are_no_text_or_too_long_can_be_logged_all_the_same() -> None:
    out = StringIO()
    async with receiving(log=logger(out)) as world:
        await world.say(request(signed(x_shopify_topic=b"\xff", x_shopify_webhook_id=b"x" * 3000)))

    (line,) = lines(out)
    assert line["topic"] == "\\udcff"
    assert len(line["delivery_id"]) == 255
