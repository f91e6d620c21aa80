"""A Shopify that answers from the truth of the day, as it is at that moment of virtual time.

Every story has a world of its own, found by the numbers of its things, so that a story can be read and judged alone.
`Moody` does not answer one question in five, `Sulking` one in five for minutes, however often it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any
from zlib import crc32

from pipeline.simulators.shopify.graph import Thing
from pipeline.simulators.shopify.store import Store
from stages.shopify.answers import Answer, Unavailable
from stages.shopify.operations import Operation
from tests.stages.shopify.at_once import AtOnce, of_store

#: The first number of the first story; each has so many.
FIRST, EACH = 5_000_000_000_000, 1_000

_TOKEN = re.compile(r"checkout_token:([0-9a-f]+)")


def story_of(identity: str) -> int:
    """The story that a gid, a search for a checkout's token, or the token is about."""
    token = _TOKEN.search(identity)
    number = int(token[1], 16) if token else int(identity.partition("?")[0].rpartition("/")[2])
    return (number - FIRST) // EACH


class Shops(AtOnce):
    """`now` is kept by the chain."""

    def __init__(self) -> None:
        self.now = datetime.min.replace(tzinfo=UTC)
        self._stores: dict[int, Store] = {}

    def put(self, story: int, *things: Thing) -> None:
        self._stores.setdefault(story, Store("world.myshopify.com")).put(*things)

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        identity = str(variables.get("id") or variables.get("query") or variables["ids"][0])  # type: ignore[index]
        store = self._stores.setdefault(story_of(identity), Store("world.myshopify.com"))
        return of_store(store, operation, variables)


class Moody(Shops):
    """One question in five is not answered; asked again, it may be."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self._chance = chance

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        return Unavailable("no answer") if self._chance.random() < 0.2 else super().says(operation, variables)


class Sulking(Shops):
    """What is not answered is not for the rest of these ten minutes."""

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        about = f"{operation.name}/{sorted(variables.items())}/{self.now:%d %H}:{self.now.minute // 10}"
        return Unavailable("no answer") if crc32(about.encode()) % 5 == 0 else super().says(operation, variables)
