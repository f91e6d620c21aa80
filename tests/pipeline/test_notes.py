"""What is no mistake in a configuration, and yet leaves somebody without a word."""

from __future__ import annotations

import pytest

from pipeline.notes import notes_on
from pipeline.settings import parse
from tests.pipeline.test_settings import LEAST

ADMIN = "    admin: {token: {env: SHOPIFY_ADMIN_TOKEN}}\n"
WHOLE = (
    LEAST.replace("teams:\n", f"{ADMIN}teams:\n") + "privacy: {owner_team: operations, card_hash_key: {env: CARDS}}\n"
)
BUYERS = "  - {name: buyers, people: [{name: desk, email: buyers@example.com}]}\n"


def with_buyers(more: str = "") -> str:
    return WHOLE.replace("opentext:\n", f"{BUYERS}opentext:\n") + more


def two_shops(jobs: str) -> str:
    other = "  - {domain: other.myshopify.com, secrets: [{env: SECRET}], admin: {token: {env: TOKEN}}}\n"
    return WHOLE.replace(ADMIN, f"{ADMIN}    job_token: {{env: JOBS}}\n{other}") + (
        f"rules: {{operations: {{jobs: [{jobs}]}}}}\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        with_buyers("routes: {teams: [operations], routes: [{use_cases: [3], teams: [buyers]}]}\n"),
        with_buyers("approvals: [{name: large, teams: [buyers], total_from: 100}]\n"),
        with_buyers("rules: {operations: {jobs: [{name: feed, owner: buyers}]}}\n").replace(
            ADMIN, f"{ADMIN}    job_token: {{env: JOBS}}\n"
        ),
        WHOLE.replace(ADMIN, f"{ADMIN}    job_token: {{env: JOBS}}\n")
        + "rules: {operations: {jobs: [{name: feed, every: 1h}]}}\n",
        two_shops("{name: feed, every: 1h, shop: example.myshopify.com}, {name: export}"),
    ],
)
def test_of_what_is_whole_there_is_nothing_to_say(text: str) -> None:
    assert [*notes_on(parse(text))] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (WHOLE.replace(ADMIN, ""), "example.myshopify.com has no `admin`: nothing is looked up"),
        (WHOLE + "rules: {operations: {jobs: [{name: feed}]}}\n", "there are jobs, and no shop has a `job_token`"),
        (two_shops("{name: feed, every: 1h}"), "the job `feed` is watched only from its first report on"),
        (two_shops("{name: feed, every: 1h, shop: other.myshopify.com}"), "other.myshopify.com has no `job_token`"),
        (with_buyers(), "the team `buyers` is told nothing"),
        (WHOLE.replace("card_hash_key: {env: CARDS}", ""), "cards are not told apart"),
        (
            WHOLE.replace("owner_team: operations, ", ""),
            "customers' requests, which have a deadline by law, go to `oper",
        ),
    ],
)
def test_what_is_left_out_is_said_with_what_follows_from_it(text: str, says: str) -> None:
    (note,) = notes_on(parse(text))

    assert says in note


def test_a_route_for_privacy_is_enough() -> None:
    text = WHOLE.replace("owner_team: operations, ", "")
    routed = "routes: {teams: [operations], routes: [{audiences: [privacy], teams: [operations]}]}\n"

    assert [*notes_on(parse(text + routed))] == []
