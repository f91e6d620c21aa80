"""The table of readers covers what we know: every topic with a body gives facts, and every reader has a topic."""

from __future__ import annotations

import pytest

from pipeline.simulators.samples import bodies, topics
from schemas.facts.operations import LocationFacts, UnknownFacts
from schemas.facts.orders import OrderDeletedFacts
from schemas.resources import COMPLIANCE, RESOURCES
from stages.bodies.parsed import About
from stages.bodies.table import READERS, facts_of, facts_of_event
from stages.stage import Reject

SAMPLED = [(topic, name) for topic, names in sorted(topics().items()) for name in names if topic in RESOURCES]
#: The documented body says null where its order should stand, the anonymised one a word.
NOBODYS = {"orders_risk_assessment_changed__1", "orders_risk_assessment_changed__2"}


def test_every_topic_with_a_body_is_one_that_we_know() -> None:
    assert set(topics()) <= set(RESOURCES)


@pytest.mark.parametrize(("topic", "name"), [(topic, name) for topic, name in SAMPLED if name not in NOBODYS])
def test_every_body_gives_facts_of_its_topic(topic: str, name: str) -> None:
    read = facts_of(topic, bodies()[name])
    assert not isinstance(read.facts, UnknownFacts)


def test_every_reader_reads_a_topic_that_has_a_place_on_the_log() -> None:
    assert set(READERS) <= set(RESOURCES)
    assert set(READERS) >= COMPLIANCE


def test_an_unknown_topic_is_counted_and_never_guessed() -> None:
    read = facts_of("orders/teleported", bodies()["orders_create__1"])
    assert (read.facts, read.about) == (UnknownFacts(), About("topic", "orders/teleported"))


def test_an_unknown_topic_is_unknown_even_where_its_body_is_no_json() -> None:
    assert facts_of("orders/teleported", b"").facts == UnknownFacts()
    with pytest.raises(Reject, match="UTF-8"):
        facts_of("orders/teleported", b"\xff")


@pytest.mark.parametrize("topic", ["Order", "FulfillmentOrder", "Return", "InventoryItem", "Location"])
def test_a_next_generation_event_is_known_by_the_gid_of_its_header(topic: str) -> None:
    read = facts_of_event(f"{topic}/update", topic, f"gid://shopify/{topic}/820982911946154508", b"{}")
    assert read.about is not None
    assert read.about.identity == 820982911946154508
    assert not isinstance(read.facts, UnknownFacts)


def test_a_next_generation_event_is_known_by_the_id_that_its_query_asked_for() -> None:
    body = b'{"data": {"order": {"id": "gid://shopify/Order/7"}}}'
    assert facts_of_event("orders/updated", "Order", None, body).about == About("order", 7)


@pytest.mark.parametrize("body", [b"{}", b'{"data": null}', b'{"data": {"order": []}}', b'{"data": {"order": {}}}'])
def test_a_next_generation_event_that_names_nothing_is_not_understood(body: bytes) -> None:
    assert facts_of_event("orders/updated", "Order", None, body).facts == UnknownFacts()


def test_of_what_was_deleted_nothing_is_left_to_look_up() -> None:
    shut = facts_of_event("locations/delete", "Location", "gid://shopify/Location/7", b'{"fields_changed":[]}')
    assert (shut.about, shut.facts) == (About("location", 7), LocationFacts(id=7, active=False, has_stock=False))
    assert facts_of_event("locations/delete", "Location", None, b"{}").facts == UnknownFacts()
    gone = facts_of_event("orders/delete", "Order", "gid://shopify/Order/7", b"{}")
    assert gone.facts == OrderDeletedFacts(id=7)


def test_an_event_of_a_topic_without_facts_is_not_understood() -> None:
    assert facts_of_event("Customer/update", "Customer", "gid://shopify/Customer/7", b"{}").facts == UnknownFacts()
