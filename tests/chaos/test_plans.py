"""What a chaos run is made of does what it says: the plan, the stories and their truth, the OpenText that is unwell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace

from pipeline.serving import serving
from pipeline.simulators.shopify.orders import Order
from stages.shopify.operations import documents
from tests.chaos.opentext import BASE, Illness, OpenText
from tests.chaos.plan import SESSION, Disturbance, Plan, blows
from tests.chaos.shopify import ToldOnce
from tests.chaos.stories import stories

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
SUBMIT = {
    "options": {"message_id": "test-1"},
    "destinations": [{"email": "desk@example.com", "ref": "team/test-1/desk"}],
}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def submit(session: aiohttp.ClientSession, port: int) -> Any:
    """The answer's JSON, its status where it is refused, None where the connection is cut."""
    try:
        async with session.post(f"http://127.0.0.1:{port}{BASE}/outbound/emails", json=SUBMIT) as answer:
            return await answer.json() if answer.status == 200 else answer.status
    except aiohttp.ClientError:
        return None


def application(opentext: OpenText) -> web.Application:
    made = web.Application()
    made.add_routes(opentext.routes())
    return made


def test_the_same_seed_plans_the_same_and_another_seed_something_else() -> None:
    assert blows(Plan(seed=3)) == blows(Plan(seed=3))
    assert blows(Plan(seed=3)) != blows(Plan(seed=4))


def test_a_long_run_has_every_disturbance_and_a_zombie_is_away_longer_than_its_session() -> None:
    planned = blows(Plan(seconds=100))
    assert {blow.kind for blow in planned} == set(Disturbance)
    assert all(blow.lasts > SESSION for blow in planned if blow.kind is Disturbance.ZOMBIE)


def test_where_there_is_one_broker_it_is_not_killed() -> None:
    assert not [blow for blow in blows(Plan(brokers=1)) if blow.kind is Disturbance.BROKER]


def test_the_same_stories_are_told_with_ids_of_their_own() -> None:
    told = list(islice(stories(1, START), 30))
    assert told == list(islice(stories(1, START), 30))
    ids = [delivery.webhook_id for story in told for delivery in story.deliveries]
    assert len(set(ids)) == len(ids)
    orders = [thing.id for story in told for thing in story.things if "/Order/" in thing.id]
    assert len(set(orders)) == len(orders)


def test_the_truth_does_not_change_when_somebody_tells_a_thing_again() -> None:
    truth = ToldOnce()
    first = next(stories(1, START))
    truth.tell(first.things)
    order = next(thing.id for thing in first.things if "/Order/" in thing.id)
    before = truth(documents()["OrderCore"], {"id": order})
    assert before["data"]["order"]["id"] == order  # type: ignore[index]
    truth.tell(replace(thing, name="#other") for thing in first.things if isinstance(thing, Order))
    assert truth(documents()["OrderCore"], {"id": order}) == before
    assert truth(documents()["OrderCore"], {"id": "gid://shopify/Order/1"}) == {"data": {"order": None}}


async def test_a_message_id_that_was_taken_gets_its_first_job_again_although_nobody_heard_of_it(
    session: aiohttp.ClientSession,
) -> None:
    opentext = OpenText(1, Illness(refused=0, hung_up=0, deaf=1))
    async with serving(application(opentext)) as port:
        assert await submit(session, port) is None
        opentext.recover()
        assert await submit(session, port) == {"job_id": "job-1"}
    assert [(taken.job, taken.is_repeat, taken.is_heard) for taken in opentext.submits] == [
        ("job-1", False, False),
        ("job-1", True, True),
    ]


async def test_an_opentext_that_is_gone_takes_nothing(session: aiohttp.ClientSession) -> None:
    opentext = OpenText(1, Illness(0, 0, 0))
    async with serving(application(opentext)) as port:
        with opentext.gone():
            assert await submit(session, port) is None
        assert opentext.submits == []
        assert await submit(session, port) == {"job_id": "job-1"}
