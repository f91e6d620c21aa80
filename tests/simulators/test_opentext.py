"""The simulated OpenText: what its collections send, the life of a job, failures, faults."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from pipeline.simulators.faults import Fault
from pipeline.simulators.opentext import Delays, OpenTextFault, OpenTextSettings, OpenTextSimulator
from pipeline.simulators.serving import serve
from tests.simulators.collections import COLLECTIONS, items, request_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


DESK = basic("desk", "secret")


class Clock:
    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class OpenText:
    """One simulator, served, and a caller."""

    def __init__(self, simulator: OpenTextSimulator, clock: Clock, url: str, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.clock = clock
        self.url = url
        self.session = session

    async def post(self, path: str, body: Any, auth: str | None = DESK, **headers: str) -> tuple[int, Any]:
        async with self.session.post(self.url + path, json=body, headers=authorized(auth) | headers) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, auth: str | None = DESK) -> tuple[int, Any]:
        async with self.session.get(self.url + path, headers=authorized(auth)) as answer:
            return answer.status, await answer.json()

    async def submit_sms(self, number: str = "+15005550100", **options: str) -> str:
        status, answer = await self.post("/mra/v1/outbound/sms", sms(number, **options))
        assert status == 200
        return str(answer["job_id"])

    async def delivery(self, medium: str, job: str) -> Any:
        _, answer = await self.get(f"/mra/v1/outbound/{medium}/status?job_id={job}")
        (delivery,) = answer["deliveries"]
        return delivery


def authorized(auth: str | None) -> dict[str, str]:
    return {} if auth is None else {"Authorization": auth}


def sms(number: str = "+15005550100", **options: str) -> dict[str, Any]:
    return {"destinations": [{"sms": number, "ref": "r1"}], "sms_text": "Stock is low", "options": options}


def email(address: str = "desk@example.com", text: str = "It is out.", **options: Any) -> dict[str, Any]:
    data = b64encode(text.encode()).decode()
    part = {"name": "content.txt", "type": "text", "charset": "UTF-8", "data": data}
    return {"destinations": [{"email": address}], "body": [part], "options": options}


@pytest.fixture
def settings() -> OpenTextSettings:
    return OpenTextSettings(delays=Delays(1, 2, 3, 4))


@pytest.fixture
async def opentext(settings: OpenTextSettings) -> AsyncIterator[OpenText]:
    clock = Clock()
    simulator = OpenTextSimulator(settings, clock)
    async with serve(simulator.application) as url, aiohttp.ClientSession() as session:
        yield OpenText(simulator, clock, url, session)


@pytest.mark.parametrize("collection", COLLECTIONS)
async def test_every_request_of_opentexts_own_collections_is_taken_unchanged(
    opentext: OpenText, collection: str
) -> None:
    variables = {
        "api_host": "us.api.opentext.com",
        "tenant_id": "",
        "app_confclient_id": "client",
        "app_confclient_secret": "secret",
        "odn_api_host": "t2api.us.cloudmessaging.opentext.com",
        "odn_url": "https://{{odn_api_host}}/mra/v1",
        "email_recipient_1": "a@example.com",
        "email_recipient_2": "b@example.com",
        "sms_recipient_1": "0015005550100",
        "sms_recipient_2": "0015005550101",
        "fax_recipient_1": "0015005550102",
        "whatsapp_recipient_1": "0015005550103",
    }
    learned = {"Email Submit": "email_job_id", "SMS Submit": "sms_job_id", "Fax Submit": "fax_job_id"}
    learned["WhatsApp Template Message Submit"] = "whatsapp_job_id"

    for item in items(collection):
        sent = request_of(item, variables)
        async with opentext.session.request(
            sent.method, opentext.url + sent.path, headers=sent.headers, data=sent.body
        ) as answer:
            assert answer.status == 200, (sent, await answer.text())
            told = await answer.json(content_type=None)
        if "access_token" in told:
            variables["tenant_access_token"] = told["access_token"]
        if sent.name in learned:
            variables[learned[sent.name]] = told["job_id"]
        if sent.name.endswith("Status"):
            assert told["deliveries"]


async def test_what_was_sent_can_be_read_decoded(opentext: OpenText) -> None:
    options: dict[str, Any] = {"message_id": "shop-1", "email_options": {"subject": "Out of stock"}}
    await opentext.post("/mra/v1/outbound/emails", email(text="SKU ä is out.", **options), traceparent="00-1-2-01")

    (message,) = opentext.simulator.sent
    assert (message.subject, message.text, message.message_id) == ("Out of stock", "SKU ä is out.", "shop-1")
    assert (message.destinations, message.account, message.traceparent) == (["desk@example.com"], "desk", "00-1-2-01")
    _, listed = await opentext.get("/simulator/messages", auth=None)
    assert [(each["subject"], each["medium"], each["repeats"]) for each in listed] == [("Out of stock", "emails", 0)]


async def test_a_repeated_message_id_is_the_first_job_and_sends_nothing_twice(opentext: OpenText) -> None:
    first = await opentext.submit_sms(message_id="shop-1")
    second = await opentext.submit_sms(message_id="shop-1")
    other = await opentext.submit_sms(message_id="shop-2")

    assert first == second != other
    assert [(message.message_id, message.repeats) for message in opentext.simulator.sent] == [
        ("shop-1", 1),
        ("shop-2", 0),
    ]


async def test_another_accounts_message_id_is_refused(opentext: OpenText) -> None:
    await opentext.submit_sms(message_id="shop-1")

    status, answer = await opentext.post("/mra/v1/outbound/sms", sms(message_id="shop-1"), auth=basic("other", "x"))

    assert status == 400
    assert "another account" in answer["message"]


async def test_submits_without_a_message_id_are_never_the_same(opentext: OpenText) -> None:
    assert await opentext.submit_sms() != await opentext.submit_sms()


async def test_an_sms_lives_from_pending_to_confirmed_and_a_success_has_no_gamma_code(opentext: OpenText) -> None:
    job = await opentext.submit_sms()
    seen = []
    for _ in range(5):
        delivery = await opentext.delivery("sms", job)
        (attempt,) = delivery["delivery_attempts"]
        assert "gamma_code" not in attempt
        seen.append((attempt["state"], [each["status"] for each in delivery["events"]["sms_delivery_events"]]))
        opentext.clock.advance(1)

    assert [state for state, _ in seen] == ["Pending", "Submitted", "InProcess", "Sent", "Sent"]
    assert [told for _, told in seen] == [[], [], [], [], ["Confirmed"]]


async def test_a_status_has_the_documented_shape(opentext: OpenText) -> None:
    options = {"billing_code": "BC", "customer_reference": "CR"}
    _, answer = await opentext.post("/mra/v1/outbound/emails", email(**options))
    opentext.clock.advance(4)

    _, status = await opentext.get(f"/mra/v1/outbound/emails/status/?job_id={answer['job_id']}")

    assert status["job_state"] == ["Complete", "Posted"]
    assert (status["billing_code_base64"], status["customer_reference_base64"]) == ("QkM=", "Q1I=")
    assert status["entry_time"] == "2026-03-02T12:00:00.000Z"
    (delivery,) = status["deliveries"]
    assert delivery["delivery_attempts"] == [
        {"state": "Sent", "gamma_code": 0, "first_attempt": "2026-03-02T12:00:00.000Z"}
    ]
    assert set(delivery["events"]["email_delivery_events"]) == {"dsn", "html_open", "opt_out", "pull"}


async def test_a_reference_comes_back_in_base64(opentext: OpenText) -> None:
    job = await opentext.submit_sms()

    assert (await opentext.delivery("sms", job))["ref_base64"] == "cjE="


@pytest.mark.parametrize(
    ("number", "state", "gamma"),
    [("+15005550000", "Error", 401), ("+15005550001", "Sent", 118), ("+15005550002", "Expired", None)],
)
async def test_some_numbers_always_fail(opentext: OpenText, number: str, state: str, gamma: int | None) -> None:
    job = await opentext.submit_sms(number)
    opentext.clock.advance(10)

    delivery = await opentext.delivery("sms", job)

    (attempt,) = delivery["delivery_attempts"]
    assert (attempt["state"], attempt.get("gamma_code")) == (state, gamma)
    assert delivery["events"]["sms_delivery_events"] == []


async def test_a_failed_job_is_complete_like_any_other(opentext: OpenText) -> None:
    job = await opentext.submit_sms("+15005550000")
    opentext.clock.advance(10)

    _, status = await opentext.get(f"/mra/v1/outbound/sms/status?job_id={job}")

    assert status["job_state"] == ["Complete", "Posted"]


async def test_a_mail_that_bounces_later_was_sent_first(opentext: OpenText) -> None:
    _, answer = await opentext.post("/mra/v1/outbound/emails", email("dsn@example.com"))
    opentext.clock.advance(3)
    before = await opentext.delivery("emails", answer["job_id"])
    opentext.clock.advance(1)
    after = await opentext.delivery("emails", answer["job_id"])

    assert [each["delivery_attempts"][0]["state"] for each in (before, after)] == ["Sent", "Sent"]
    notices = [each["events"]["email_delivery_events"]["dsn"] for each in (before, after)]
    assert [notice.get("class") for notice in notices] == [None, 5]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sms", {"destinations": [], "sms_text": "x"}),
        ("sms", {"destinations": [{"email": "a@example.com"}], "sms_text": "x"}),
        ("sms", {"destinations": [{"sms": "1"}]}),
        ("sms", {**sms(), "options": {"message_id": "x" * 81}}),
        ("emails", {**email(), "body": []}),
        ("emails", {**email(), "body": [{"name": "a", "type": "text", "data": "no base64!"}]}),
        ("emails", {**email(), "body": [{"name": "a", "type": "text", "charset": "klingon", "data": "YQ=="}]}),
        ("faxes", {"destinations": [{"fax": "1"}], "documents": []}),
        ("whatsapp", {"destinations": [{"whatsapp": "1"}], "whatsapp_message": {"telepathy": {}}}),
        ("whatsapp/template_message", {"destinations": [{"whatsapp": "1"}], "whatsapp_template_message": {}}),
        ("emails", "no object"),
    ],
)
async def test_what_lacks_the_minimum_is_refused_and_creates_nothing(opentext: OpenText, path: str, body: Any) -> None:
    status, answer = await opentext.post(f"/mra/v1/outbound/{path}", body)

    assert status == 400
    assert answer["message"]
    assert opentext.simulator.sent == ()


async def test_a_job_of_another_medium_is_not_found(opentext: OpenText) -> None:
    job = await opentext.submit_sms()

    assert (await opentext.get(f"/mra/v1/outbound/emails/status?job_id={job}"))[0] == 404


async def test_nobody_submits_without_credentials(opentext: OpenText) -> None:
    status, answer = await opentext.post("/mra/v1/outbound/sms", sms(), auth=None)

    assert (status, set(answer)) == (401, {"fault"})


@pytest.mark.parametrize("settings", [OpenTextSettings(users={"desk": "right"})])
async def test_a_wrong_password_is_refused_where_passwords_are_set(opentext: OpenText) -> None:
    assert (await opentext.post("/mra/v1/outbound/sms", sms()))[0] == 401
    assert (await opentext.post("/mra/v1/outbound/sms", sms(), auth=basic("desk", "right")))[0] == 200


async def test_a_token_serves_until_it_expires(opentext: OpenText) -> None:
    form = {"grant_type": "client_credentials"}
    async with opentext.session.post(
        opentext.url + "/tenants/t1/oauth2/token", data=form, headers=authorized(DESK)
    ) as answer:
        token = await answer.json()
    bearer = f"Bearer {token['access_token']}"
    good, _ = await opentext.post("/mra/v1/outbound/sms", sms(), auth=bearer)
    opentext.clock.advance(token["expires_in"])
    late, fault = await opentext.post("/mra/v1/outbound/sms", sms(), auth=bearer)

    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    assert (good, late) == (200, 401)
    assert fault["fault"]["faultstring"] == "Access Token expired"
    assert opentext.simulator.sent[0].account == "desk"


async def test_another_grant_is_refused(opentext: OpenText) -> None:
    form = {"grant_type": "password"}
    async with opentext.session.post(
        opentext.url + "/tenants/t1/oauth2/token", data=form, headers=authorized(DESK)
    ) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    ("kind", "status"), [("unavailable", 503), ("too-many", 429), ("unauthorized", 401), ("error", 500)]
)
async def test_a_fault_strikes_the_next_requests_and_then_the_world_is_well(
    opentext: OpenText, kind: str, status: int
) -> None:
    await opentext.post("/simulator/faults", {"kind": kind, "requests": 2}, auth=None)

    seen = [(await opentext.post("/mra/v1/outbound/sms", sms()))[0] for _ in range(3)]

    assert seen == [status, status, 200]
    assert len(opentext.simulator.sent) == 1


async def test_a_fault_says_when_to_come_again(opentext: OpenText) -> None:
    opentext.simulator.faults.order(Fault(kind=OpenTextFault.UNAVAILABLE, requests=1, retry_after=7))

    async with opentext.session.post(
        opentext.url + "/mra/v1/outbound/sms", json=sms(), headers=authorized(DESK)
    ) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "7")


async def test_a_fault_can_be_for_one_path_only(opentext: OpenText) -> None:
    opentext.simulator.faults.order(Fault(kind=OpenTextFault.ERROR, path="/emails"))

    assert (await opentext.post("/mra/v1/outbound/emails", email()))[0] == 500
    assert (await opentext.post("/mra/v1/outbound/sms", sms()))[0] == 200


async def test_an_unknown_fault_is_refused_and_the_known_ones_are_named(opentext: OpenText) -> None:
    status, answer = await opentext.post("/simulator/faults", {"kind": "earthquake"}, auth=None)

    assert status == 400
    assert "lost-answer" in answer["message"]


async def test_an_answer_can_be_lost_after_the_job_was_taken(opentext: OpenText) -> None:
    opentext.simulator.faults.order(Fault(kind=OpenTextFault.LOST_ANSWER, requests=1))

    with pytest.raises(aiohttp.ClientError):
        await opentext.post("/mra/v1/outbound/sms", sms(message_id="shop-1"))
    job = await opentext.submit_sms(message_id="shop-1")

    (message,) = opentext.simulator.sent
    assert (message.job_id, message.repeats) == (job, 1)


async def test_what_hangs_goes_on_when_the_fault_is_taken_back(opentext: OpenText) -> None:
    opentext.simulator.faults.order(Fault(kind=OpenTextFault.HANG))
    hanging = asyncio.create_task(opentext.submit_sms())
    async with asyncio.timeout(5):
        await opentext.simulator.faults.hanging.wait()
    assert not hanging.done()

    await opentext.session.delete(opentext.url + "/simulator/faults")

    assert await hanging


async def test_the_page_escapes_what_strangers_wrote(opentext: OpenText) -> None:
    nasty = "<script>alert('x')</script>"
    await opentext.post("/mra/v1/outbound/emails", email(text=nasty, email_options={"subject": nasty}))

    async with opentext.session.get(opentext.url + "/") as answer:
        page = await answer.text()

    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 2


async def test_the_page_heads_what_has_no_subject_with_its_whole_first_line(
    opentext: OpenText,
) -> None:
    first = "[RESOLVED] Out of stock: Brass desk lamp (LAMP-BRASS), cannot be sold any more (was critical)"
    await opentext.post("/mra/v1/outbound/sms", sms() | {"sms_text": f"{first}\n30 available again"})

    async with opentext.session.get(opentext.url + "/") as answer:
        page = await answer.text()

    assert f"<h2>{first}</h2>" in page
    assert page.count("30 available again") == page.count(first) == 1


async def test_the_inbound_webhook_can_be_set_read_and_removed(opentext: OpenText) -> None:
    path = "/mra/v1/inbound/whatsapp/messages/webhook"

    assert await opentext.post(path, {"url": "https://example.com/in"}) == (200, {"url": "https://example.com/in"})
    assert await opentext.get(path) == (200, {"url": "https://example.com/in"})
    await opentext.session.delete(opentext.url + path, headers=authorized(DESK))
    assert await opentext.get(path) == (200, {})


async def test_each_change_of_a_job_is_called_back_in_the_schema_of_the_status() -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        told.put_nowait(await request.json())
        return web.Response()

    receiver = web.Application()
    receiver.router.add_post("/status", take)
    async with serve(receiver) as callback, aiohttp.ClientSession() as session:
        settings = replace(OpenTextSettings(), delays=Delays(0.01, 0.02, 0.03, 0.04), callback_url=f"{callback}/status")
        simulator = OpenTextSimulator(settings)
        async with serve(simulator.application) as url:
            opentext = OpenText(simulator, Clock(), url, session)
            job = await opentext.submit_sms(message_id="shop-1")
            assert await opentext.submit_sms(message_id="shop-1") == job
            async with asyncio.timeout(5):
                bodies = [await told.get() for _ in range(4)]

    states = [body["deliveries"][0]["delivery_attempts"][0]["state"] for body in bodies]
    assert states == ["Submitted", "InProcess", "Sent", "Sent"]
    assert {body["job_id"] for body in bodies} == {job}
    assert bodies[-1]["deliveries"][0]["events"]["sms_delivery_events"][0]["status"] == "Confirmed"
    assert told.empty()


async def test_only_the_newest_jobs_are_kept(opentext: OpenText) -> None:
    simulator = OpenTextSimulator(replace(OpenTextSettings(), keep=2))
    async with serve(simulator.application) as url:
        small = OpenText(simulator, opentext.clock, url, opentext.session)
        for number in range(3):
            await small.submit_sms(message_id=f"shop-{number}")

    assert [message.message_id for message in simulator.sent] == ["shop-1", "shop-2"]
