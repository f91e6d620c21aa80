"""The bodies that we ship are real, complete and harmless."""

from __future__ import annotations

import re

import orjson
import pytest

from pipeline.simulators.samples import bodies, sample, topics


def test_every_body_has_a_line_in_the_index_that_names_its_source() -> None:
    listed = {name for names in topics().values() for name in names}

    assert listed == set(bodies())
    assert len(listed) == 38


@pytest.mark.parametrize("name", sorted(bodies()))
def test_a_body_is_an_object_of_json(name: str) -> None:
    assert isinstance(orjson.loads(bodies()[name]), dict)


def test_a_topic_that_shares_its_shape_has_a_body_too() -> None:
    assert sample("orders/paid") == sample("orders/create")
    assert sample("orders/create", "orders_create__3") != sample("orders/create")


def test_a_topic_without_a_body_is_said_so() -> None:
    with pytest.raises(KeyError, match="themes/publish"):
        sample("themes/publish")


@pytest.mark.parametrize("name", sorted(bodies()))
def test_nobody_can_be_reached_at_an_address_in_a_body(name: str) -> None:
    text = bodies()[name].decode()

    assert [mail for mail in re.findall(r"[\w.+-]+@[\w.-]+", text) if not mail.endswith("@example.com")] == []
    phones = re.findall(r'"[a-z_]*phone": "([^"]+)"', text)
    assert [phone for phone in phones if not re.fullmatch(r"\d{3}-555-01\d\d|example string", phone)] == []
