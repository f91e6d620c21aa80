"""A Shopify that answers from the truth of the day, as it is at that moment of virtual time.

Every story has a world of its own, found by the numbers of its things, so that a story can be read and judged alone;
where a question names no thing, by the shop, if a story has said how that is.
`Moody` does not answer one question in five, `Sulking` one in five for minutes, however often it is asked; `Away`
answers nothing for a while.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any
from zlib import crc32

from pipeline.simulators.shopify.graph import Thing
from pipeline.simulators.shopify.shops import Shop
from pipeline.simulators.shopify.store import Store
from stages.shopify.answers import Answer, Unavailable
from stages.shopify.operations import Operation
from tests.stages.shopify.at_once import AtOnce, of_store

#: The first number of the first story; each has so many.
FIRST, EACH = 5_000_000_000_000, 1_000

_TOKEN = re.compile(r"checkout_token:([0-9a-f]+)")


def story_of(identity: str, base: int = 10) -> int:
    """The story that a gid, or a number, is about."""
    return (int(identity.partition("?")[0].rpartition("/")[2], base) - FIRST) // EACH


class Shops(AtOnce):
    """`now` is kept by the chain."""

    def __init__(self) -> None:
        self.now = datetime.min.replace(tzinfo=UTC)
        self._stores: dict[int | None, Store] = {}
        self._own: dict[str, int] = {}
        self._at = ""

    def put(self, story: int, *things: Thing) -> None:
        self._store(story).put(*things)
        self._own |= {thing.myshopify_domain: story for thing in things if isinstance(thing, Shop)}

    async def query(
        self,
        shop: str,
        operation: Operation[Any],
        variables: Mapping[str, object],
        since: datetime | None = None,
        enough: Callable[[Any], bool] = lambda _: True,
    ) -> Answer[Any]:
        self._at = shop
        return self.says(operation, variables)

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        return of_store(self._store(self._story(variables)), operation, variables)

    def _store(self, story: int | None) -> Store:
        if story not in self._stores:
            self._stores[story] = Store("world.myshopify.com")
        return self._stores[story]

    def _story(self, variables: Mapping[str, object]) -> int | None:
        match variables:
            case {"id": str(named)} | {"ids": [str(named), *_]}:
                return story_of(named)
            case {"query": str(searched)} if (token := _TOKEN.search(searched)) is not None:
                return story_of(token[1], 16)
        return self._own.get(self._at)


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


class Away(Shops):
    """Answers nothing between these moments."""

    def __init__(self, begin: datetime, end: datetime) -> None:
        super().__init__()
        self._begin, self._end = begin, end

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        is_away = self._begin <= self.now < self._end
        return Unavailable("no answer") if is_away else super().says(operation, variables)
