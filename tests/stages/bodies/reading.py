"""The bodies that we ship, read; and variations of them: a key changed, a key gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from pipeline.simulators.samples import bodies, sample
from schemas.facts.table import AnyFacts
from stages.bodies.parsed import Parsed
from stages.bodies.table import facts_of

#: "2021-12-31T19:00:00-05:00", which stands in most of the documented bodies.
NEW_YEAR = datetime(2022, 1, 1, tzinfo=UTC)

#: Shopify's synthetic order: above 2^53, where a float would have lost its last digits.
ORDER = 820982911946154508


def parsed(topic: str, name: str) -> Parsed:
    """The body of that file, as it stands."""
    return facts_of(topic, bodies()[name])


def facts(topic: str, name: str) -> AnyFacts:
    return parsed(topic, name).facts


def varied(topic: str, changes: Mapping[str, object] | None = None, without: tuple[str, ...] = ()) -> Parsed:
    """The first sample of a topic with some keys changed and others dropped."""
    body = {key: value for key, value in sample(topic).items() if key not in without}
    return facts_of(topic, orjson.dumps(body | dict(changes or {})))
