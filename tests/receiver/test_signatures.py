"""Who may speak to us stands in the configuration; what they say it with, outside of it."""

from __future__ import annotations

import pytest

from pipeline.receiver import Credentials, ShopCredentials, credentials_of
from pipeline.receiver.signatures import is_bearer, is_same, is_signed
from pipeline.settings import ConfigurationError, Secrets, parse
from pipeline.simulators.shopify import signature
from tests.receiver.world import SHOP, delivery, receiving

FILE = """
shops:
  - domain: demo.myshopify.com
    secrets: [{env: NEW}, {env: OLD}]
    job_token: {env: JOBS}
  - domain: quiet.myshopify.com
    secrets: [{env: NEW}]
teams:
  - {name: support, people: [{name: ann, email: ann@example.com}]}
opentext:
  base_url: https://opentext.example.com/mra/v1
  basic: {user: us, password: {env: PASSWORD}}
  callback_secret: {env: CALLBACK}
"""
ENVIRONMENT = {"NEW": "hush-new", "OLD": "hush-old", "JOBS": "job-token", "CALLBACK": "callback", "PASSWORD": "x"}


def test_credentials_are_those_that_the_configuration_names() -> None:
    found = credentials_of(parse(FILE), Secrets(ENVIRONMENT))

    assert found == Credentials(
        {
            "demo.myshopify.com": ShopCredentials((b"hush-new", b"hush-old"), "job-token"),
            "quiet.myshopify.com": ShopCredentials((b"hush-new",)),
        },
        "callback",
    )
    assert found.every_secret() == {b"hush-new", b"hush-old"}


JOBS = """rules:
  operations:
    jobs:
      - {name: export, every: 1h, shop: demo.myshopify.com}
      - {name: silent, every: 1h, shop: quiet.myshopify.com}
      - {name: anywhere, every: 1h}
      - {name: whenever, shop: demo.myshopify.com}
      - {name: shopify-bulk-operation, every: 1h, shop: demo.myshopify.com}
"""


def test_jobs_are_awaited_that_are_expected_regularly_of_a_shop_and_can_report() -> None:
    found = credentials_of(parse(FILE + JOBS), Secrets(ENVIRONMENT))

    assert found.awaited == ("demo.myshopify.com/job/export",)


def test_a_secret_that_is_not_there_is_said_so() -> None:
    with pytest.raises(ConfigurationError, match="OLD"):
        credentials_of(parse(FILE), Secrets({**ENVIRONMENT, "OLD": ""}))


def test_credentials_do_not_show_themselves() -> None:
    shown = repr(credentials_of(parse(FILE), Secrets(ENVIRONMENT)))

    assert not [value for value in ENVIRONMENT.values() if len(value) > 1 and value in shown]


def test_any_of_the_secrets_will_do() -> None:
    made = signature(b"body", "hush-old")

    assert is_signed(b"body", made, [b"hush-new", b"hush-old"])
    assert not is_signed(b"body", made, [b"hush-new"])
    assert not is_signed(b"body", made, [])
    assert not is_signed(b"body ", made, [b"hush-old"])


def test_half_a_signature_is_none() -> None:
    made = signature(b"body", "hush")

    assert not is_signed(b"body", made[:22] + "==", [b"hush"])
    assert not is_signed(b"body", "", [b"hush"])
    assert not is_signed(b"body", made + "AAAA", [b"hush"])


def test_words_are_compared_whole_whatever_they_hold() -> None:
    assert is_same("tökén", "tökén")
    assert not is_same("token", "tökén")
    assert not is_same("\udcff", "token")
    assert not is_same("", "token")


@pytest.mark.parametrize(
    ("given", "good"),
    [
        ("Bearer token", True),
        ("bearer   token ", True),
        ("Bearer", False),
        ("Bearer token more", False),
        ("Basic token", False),
        ("token", False),
    ],
)
def test_a_bearer_token_is_one_word_behind_its_scheme(given: str, good: bool) -> None:
    assert is_bearer(given, "token") is good


async def test_credentials_that_are_taken_over_count_from_the_next_request_on() -> None:
    credentials = Credentials({SHOP: ShopCredentials((b"old",), "old-job")}, "old-address")
    signed, erase = delivery(), delivery(b"{}", "shop/redact")
    async with receiving(credentials=credentials) as world:

        async def answers(secret: str, job: str, address: str) -> list[int]:
            bearer = {"Authorization": f"Bearer {job}"}
            return [
                (await world.deliver(signed, secret)).status,
                (await world.deliver(erase, secret)).status,
                (await world.post(f"/jobs/{SHOP}/export/success", headers=bearer)).status,
                (await world.post(f"/callbacks/opentext/{address}/status", b"{}")).status,
            ]

        assert await answers("old", "old-job", "old-address") == [200, 200, 200, 200]
        credentials.take_over(Credentials({SHOP: ShopCredentials((b"new",), "new-job")}, "new-address"))
        assert await answers("new", "new-job", "new-address") == [200, 200, 200, 200]
        assert await answers("old", "old-job", "old-address") == [401, 401, 401, 404]
