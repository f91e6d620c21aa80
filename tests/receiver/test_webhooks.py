"""What Shopify sends is verified, and lies on its raw topic as it came before Shopify hears yes."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from pipeline.memory import Call, Fate
from pipeline.receiver import Credentials, ShopCredentials
from pipeline.simulators.samples import bodies, topics
from pipeline.simulators.shopify import signature
from schemas.codec import decode
from schemas.records import partition_of
from schemas.resources import is_erasure, raw_key
from schemas.signals import ShopUninstalled
from stages.bodies.arrivals import read as arrival
from stages.stage import Reject
from tests.receiver.world import (
    NOW,
    OLD_SECRET,
    OTHER_SECRET,
    QUIET_SHOP,
    SECRET,
    SHOP,
    WALL,
    Answer,
    World,
    delivery,
    event,
    receiving,
)

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SAMPLES = [(topic, name) for topic, names in sorted(topics().items()) for name in names]


def without(world: World, name: str) -> dict[str, str]:
    headers = delivery().headers(SECRET)
    del headers[name]
    return headers


async def post(world: World, headers: dict[str, str]) -> Answer:
    return await world.post("/webhooks/shopify", delivery().body, headers)


@pytest.mark.parametrize(("topic", "name"), SAMPLES)
async def test_every_real_body_is_on_its_topic_byte_for_byte_under_its_key(world: World, topic: str, name: str) -> None:
    body = bodies()[name]

    answer = await world.deliver(delivery(body, topic))

    (record,) = [record for record in await world.records() if record.topic != "signals"]
    domain, key = raw_key(SHOP, topic, body, "w-1")
    assert (answer.status, record.value) == (200, body)
    assert (record.topic, record.key) == (f"shopify.{domain}", key.encode())
    assert record.partition == partition_of(key.encode(), 3)
    assert world.counted(domain, "accepted") == 1


async def test_a_record_says_all_that_cloudevents_and_the_stages_ask_for(world: World) -> None:
    await world.deliver(delivery(), headers={"traceparent": TRACE})

    record = await world.only()
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"w-1",
        "ce_source": b"//demo.myshopify.com",
        "ce_type": b"orders/create",
        "ce_time": b"2026-11-02T08:59:58.123456000Z",
        "content-type": b"application/json",
        "traceparent": TRACE.encode(),
        "received": b"2026-11-02T09:05:00+00:00",
        "x-shopify-topic": b"orders/create",
        "x-shopify-hmac-sha256": signature(delivery().body, SECRET).encode(),
        "x-shopify-shop-domain": b"demo.myshopify.com",
        "x-shopify-api-version": b"2026-10",
        "x-shopify-webhook-id": b"w-1",
        "x-shopify-event-id": b"e-1",
        "x-shopify-triggered-at": b"2026-11-02T08:59:58.123456000Z",
    }
    assert record.timestamp == int(NOW.timestamp() * 1000)


async def test_a_stage_reads_back_what_was_received(world: World) -> None:
    body = bodies()["orders_create__1"]

    await world.deliver(delivery(body))

    found = arrival(await world.only(), None).event
    assert (found.kind, found.shop, found.delivery_id, found.event_id) == ("orders/create", SHOP, "w-1", "e-1")
    assert (found.occurred, found.received) == (delivery().triggered_at, WALL)
    assert found.subject == f"{SHOP}/order/820982911946154508"


async def test_an_event_is_known_by_its_classic_name_and_by_the_gid_of_its_header(world: World) -> None:
    answer = await world.deliver(event())

    record = await world.only()
    assert (answer.status, record.topic, record.key) == (200, "shopify.orders", f"{SHOP}/order/1".encode())
    assert (record.header("ce_type"), record.header("ce_id")) == ("orders/updated", "w-2")
    assert record.header("shopify-hmac-sha256") == signature(event().body, SECRET)
    assert (record.header("shopify-topic"), record.header("shopify-action")) == ("Order", "update")
    assert record.header("shopify-resource-id") == "gid://shopify/Order/1"


async def test_an_event_that_has_no_classic_name_keeps_its_own(world: World) -> None:
    await world.deliver(event("gid://shopify/FulfillmentOrder/7", "FulfillmentOrder", "create"))

    record = await world.only()
    assert record.header("ce_type") == "FulfillmentOrder/create"
    assert (record.topic, record.key) == ("shopify.fulfillments", f"{SHOP}/fulfillment-order/7".encode())


async def test_a_family_brings_its_own_headers_only(world: World) -> None:
    await world.deliver(delivery(), headers={"Shopify-Topic": "Order", "Cookie": "a=b", "Authorization": "Bearer x"})

    names = {name for name, _ in (await world.only()).headers}
    assert not names & {"shopify-topic", "cookie", "authorization"}


async def test_what_is_signed_for_both_families_is_a_classic_webhook(world: World) -> None:
    await world.deliver(event(), headers=delivery(event().body).headers(SECRET))

    record = await world.only()
    assert (record.header("ce_id"), record.header("shopify-topic")) == ("w-1", None)


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
async def test_the_case_of_header_names_does_not_matter(world: World, spell: type[str]) -> None:
    headers = {spell(name): value for name, value in delivery().headers(SECRET).items()}

    assert (await post(world, headers)).status == 200
    assert (await world.only()).header("x-shopify-topic") == "orders/create"


async def test_the_shops_domain_is_one_whatever_its_case(world: World) -> None:
    assert (await world.deliver(delivery(shop="Demo.MyShopify.com"))).status == 200
    assert (await world.only()).key == f"{SHOP}/order/1".encode()


async def test_during_a_rotation_both_secrets_are_good(world: World) -> None:
    assert (await world.deliver(delivery(), SECRET)).status == 200
    assert (await world.deliver(delivery(), OLD_SECRET)).status == 200


async def test_a_secret_that_was_removed_is_good_no_more(world: World) -> None:
    answer = await world.deliver(delivery(), "hush-long-ago")

    assert (answer.status, answer.body["outcome"]) == (401, "forged")
    assert "WWW-Authenticate" in answer.headers
    assert await world.records() == []


async def test_the_secret_of_another_shop_is_not_good(world: World) -> None:
    assert (await world.deliver(delivery(), OTHER_SECRET)).status == 401
    assert (await world.deliver(delivery(shop=QUIET_SHOP), OTHER_SECRET)).status == 200


async def test_a_body_that_was_changed_on_the_way_is_refused(world: World) -> None:
    answer = await world.post("/webhooks/shopify", b'{"id":2}', delivery().headers(SECRET))

    assert (answer.status, answer.body["outcome"]) == (401, "forged")
    assert world.counted("orders", "forged") == 1


@pytest.mark.parametrize("given", ["", "=", "not base64", "ÄÖÜ", "AAAA", signature(b'{"id":1}', SECRET)[:-2]])
async def test_what_is_no_signature_is_a_wrong_one(world: World, given: str) -> None:
    assert (await world.deliver(delivery(), headers={"X-Shopify-Hmac-SHA256": given})).status == 401
    assert await world.records() == []


async def test_a_delivery_without_a_signature_is_refused(world: World) -> None:
    answer = await post(world, without(world, "X-Shopify-Hmac-SHA256"))

    assert (answer.status, answer.body["outcome"]) == (401, "unsigned")
    assert world.counted("unknown", "unsigned") == 1


@pytest.mark.parametrize("name", ["X-Shopify-Topic", "X-Shopify-Shop-Domain", "X-Shopify-Webhook-Id"])
async def test_a_required_header_that_is_missing_is_named(world: World, name: str) -> None:
    answer = await post(world, without(world, name))

    assert (answer.status, answer.body["outcome"]) == (400, "incomplete")
    assert name.lower() in answer.body["detail"]


async def test_an_event_without_its_action_is_incomplete(world: World) -> None:
    headers = event().headers(SECRET)
    del headers["Shopify-Action"]

    assert (await world.post("/webhooks/shopify", event().body, headers)).status == 400


async def test_a_shop_that_is_not_configured_is_refused(world: World) -> None:
    answer = await world.deliver(delivery(shop="stranger.myshopify.com"))

    assert (answer.status, answer.body["outcome"]) == (403, "unknown-shop")
    assert await world.records() == []


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
async def test_compliance_is_heard_for_any_shop_that_any_secret_speaks_for(
    world: World, topic: str, secret: str
) -> None:
    asked = delivery(b'{"customer":{"id":7}}', topic, "stranger.myshopify.com")

    assert (await world.deliver(asked, secret)).status == 200
    assert (await world.only()).topic == "shopify.privacy"


# --- what is for every task -------------------------------------------------------------------------------------------

NAMED = b'{"shop_id":954889,"shop_domain":"Demo.myshopify.com"}'
TEST = {"X-Shopify-Test": "true"}


async def test_that_a_shop_must_be_erased_lies_on_every_partition_as_it_came(world: World) -> None:
    erasure = delivery(NAMED, "shop/redact")

    assert (await world.deliver(erasure)).status == 200

    found = await world.records()
    assert [(record.topic, record.partition) for record in found] == [
        ("shopify.privacy", number) for number in range(3)
    ]
    assert {(record.key, record.value) for record in found} == {(f"{SHOP}/shop".encode(), NAMED)}
    assert len({record.headers for record in found}) == 1
    assert found[0].header("x-shopify-hmac-sha256") == signature(NAMED, SECRET)
    assert is_erasure(found[0].header("ce_type"), SHOP, found[0].value, found[0].header("x-shopify-test"))


async def test_also_of_a_shop_that_is_not_configured(world: World) -> None:
    erasure = delivery(b'{"shop_domain":"stranger.myshopify.com"}', "shop/redact", "stranger.myshopify.com")

    assert (await world.deliver(erasure)).status == 200
    assert len(await world.records()) == 3


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b'{"shop_domain":null}', b'{"shop_domain":"other.myshopify.com"}'])
async def test_what_does_not_name_the_shop_itself_erases_nothing(world: World, body: bytes) -> None:
    assert (await world.deliver(delivery(body, "shop/redact"))).status == 200

    record = await world.only()
    assert not is_erasure(record.header("ce_type"), SHOP, record.value, record.header("x-shopify-test"))


async def test_that_the_app_is_gone_is_said_to_every_task_after_the_webhook_itself(world: World) -> None:
    gone = delivery(bodies()["app_uninstalled__1"], "app/uninstalled")

    assert (await world.deliver(gone, headers={"traceparent": TRACE})).status == 200

    (raw,) = await world.records("shopify.operations")
    said = await world.records("signals")
    assert (raw.value, raw.header("ce_type")) == (gone.body, "app/uninstalled")
    assert [record.partition for record in said] == [0, 1, 2]
    assert {record.header("ce_type") for record in said} == {"shop-uninstalled"}
    assert {record.header("traceparent") for record in said} == {TRACE}
    happened = arrival(raw, None).event.occurred
    assert decode(said[0], ShopUninstalled) == ShopUninstalled(SHOP, f"{SHOP}/shop", happened, WALL)


@pytest.mark.parametrize(("body", "topic"), [(NAMED, "shop/redact"), (b'{"id":1}', "app/uninstalled")])
async def test_a_test_delivery_is_said_to_nobody_but_its_stage(world: World, body: bytes, topic: str) -> None:
    assert (await world.deliver(delivery(body, topic), headers=TEST)).status == 200

    record = await world.only()
    assert record.header("ce_type") == topic
    assert not is_erasure(topic, SHOP, record.value, record.header("x-shopify-test"))


@pytest.mark.parametrize(("body", "topic", "written"), [(NAMED, "shop/redact", 3), (b'{"id":1}', "app/uninstalled", 4)])
async def test_shopify_hears_yes_only_when_every_partition_has_it_and_may_send_it_again(
    world: World, body: bytes, topic: str, written: int
) -> None:
    world.faults.next(Call.APPEND, *[Fate.DONE] * (written - 1), Fate.UNAVAILABLE)

    assert (await world.deliver(delivery(body, topic))).status == 503
    assert len(await world.records()) == written - 1
    assert (await world.deliver(delivery(body, topic))).status == 200
    assert len(await world.records()) == 2 * written - 1


async def test_where_the_webhook_itself_is_not_written_nobody_is_told(world: World) -> None:
    world.faults.next(Call.APPEND, Fate.UNAVAILABLE)

    assert (await world.deliver(delivery(topic="app/uninstalled"))).status == 503
    assert await world.records() == []


async def test_compliance_is_not_heard_without_a_good_signature(world: World) -> None:
    assert (await world.deliver(delivery(b"{}", "shop/redact", "stranger.myshopify.com"), "guess")).status == 401


async def test_no_other_apps_secret_speaks_for_a_shop_that_is_configured(world: World) -> None:
    assert (await world.deliver(delivery(NAMED, "shop/redact"), OTHER_SECRET)).status == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"id": 820982911946154508, "line_it',
        b"\xff\xfe\x00garbage",
        b"<html>not JSON</html>",
        b"[" * 100_000,
        b'{"id":' * 50_000,
        b'{"id":1,"note":"\xc3\x28"',
    ],
    ids=["empty", "truncated", "no UTF-8", "no JSON", "deep lists", "deep objects", "bad text"],
)
async def test_a_signed_body_that_nobody_can_read_is_kept_under_its_delivery(world: World, body: bytes) -> None:
    answer = await world.deliver(delivery(body))

    record = await world.only()
    assert (answer.status, record.value) == (200, body)
    assert (record.topic, record.key) == ("shopify.orders", f"{SHOP}/delivery/w-1".encode())
    with pytest.raises(Reject):
        arrival(record, None)


async def test_ids_above_2_to_the_53_are_exact(world: World) -> None:
    await world.deliver(delivery(b'{"id":9007199254740993}'))

    assert (await world.only()).key == f"{SHOP}/order/9007199254740993".encode()


async def test_an_unknown_topic_is_kept_under_its_delivery(world: World) -> None:
    assert (await world.deliver(delivery(topic="moons/rise"))).status == 200

    record = await world.only()
    assert (record.topic, record.key) == ("shopify.operations", f"{SHOP}/delivery/w-1".encode())
    assert record.header("ce_type") == "moons/rise"


async def test_a_packed_body_stays_the_bytes_that_were_signed(world: World) -> None:
    packed = delivery(gzip.compress(b'{"id":1}'))

    assert (await world.deliver(packed, headers={"Content-Encoding": "gzip"})).status == 200
    assert (await world.only()).value == packed.body


@pytest.mark.parametrize("given", ["2026-13-45T00:00:00Z", "soon", "2026-11-02T09:00:00", "\xff"])
async def test_a_moment_that_is_none_is_replaced_by_ours(world: World, given: str) -> None:
    assert (await world.deliver(delivery(), headers={"X-Shopify-Triggered-At": given})).status == 200
    assert (await world.only()).header("ce_time") == "2026-11-02T09:00:00+00:00"


async def test_a_delivery_that_does_not_say_when_gets_our_time(world: World) -> None:
    assert (await post(world, without(world, "X-Shopify-Triggered-At"))).status == 200
    assert (await world.only()).header("ce_time") == "2026-11-02T09:00:00+00:00"


@pytest.mark.parametrize("given", ["", "nonsense", f"00-{'0' * 32}-{'1' * 16}-01", f"ff-{'1' * 32}-{'1' * 16}-01"])
async def test_a_trace_that_is_none_is_begun_anew(world: World, given: str) -> None:
    await world.deliver(delivery(), headers={"traceparent": given})
    await world.deliver(replace(delivery(), webhook_id="w-9"), headers={"traceparent": given})

    made = [record.header("traceparent") or "" for record in await world.records()]
    assert len(set(made)) == 2
    assert all(len(trace) == 55 and trace != given for trace in made)


async def test_what_is_asked_for_by_another_method_or_at_another_address_is_not_there(world: World) -> None:
    base = f"http://127.0.0.1:{world.port}"
    async with world.session.get(f"{base}/webhooks/shopify") as response:
        assert response.status == 405
    for path in ("/", "/webhooks/elsewhere", "/decisions/token", "/acknowledgements/token"):
        assert (await world.post(path)).status == 404


async def test_the_time_to_each_answer_is_measured(world: World) -> None:
    await world.deliver(delivery())
    await world.deliver(delivery(), "wrong")

    assert world.metrics.registry.get_sample_value("pipeline_webhook_seconds_count") == 2


async def test_a_shop_that_no_secret_is_configured_for_cannot_be_spoken_for() -> None:
    async with receiving(credentials=Credentials({SHOP: ShopCredentials(())})) as world:
        assert (await world.deliver(delivery(), "")).status == 401
        assert (await world.deliver(delivery(b"{}", "shop/redact"), "")).status == 401
