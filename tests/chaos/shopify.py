"""A Shopify whose Admin GraphQL knows one truth, says the same whenever it is asked, and does not always answer."""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson
from aiohttp import web

from pipeline.simulators.shopify.answering import Answering
from pipeline.simulators.shopify.documents import Document, document
from pipeline.simulators.shopify.graph import Thing
from pipeline.simulators.shopify.orders import Order
from pipeline.simulators.shopify.store import Things
from tests.chaos.leaving import Leaving

PATH = "/admin/api/2026-10/graphql.json"
_BUCKET = {"maximumAvailable": 1e6, "currentlyAvailable": 1e6, "restoreRate": 1e5}
_COST = {"cost": {"requestedQueryCost": 10, "actualQueryCost": 10, "throttleStatus": _BUCKET}}
_THROTTLED = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": _COST}


class ToldOnce:
    """The final state of every thing that a story tells of. A thing is told once, and never changes after that."""

    def __init__(self) -> None:
        self._stories: dict[str, Things] = {}
        self._documents: dict[str, Document] = {}

    def tell(self, things: Iterable[Thing]) -> None:
        """One story: things that are asked about together stand together."""
        story = {thing.id: thing for thing in things}
        for thing in story.values():
            self._stories.setdefault(thing.id, story)
            if isinstance(thing, Order) and thing.checkout_token:
                self._stories.setdefault(f"checkout_token:{thing.checkout_token}", story)

    def __call__(self, query: str, variables: Mapping[str, object]) -> Mapping[str, object]:
        asked = self._documents.get(query) or self._documents.setdefault(query, document(query))
        given = {**asked.defaults, **variables}
        return {"data": Answering(self._around(given), given).data(asked)}

    def _around(self, variables: Mapping[str, object]) -> Things:
        found: dict[int, Mapping[str, Thing]] = {}
        for value in variables.values():
            for name in value if isinstance(value, list) else [value]:
                if (story := self._stories.get(str(name))) is not None:
                    found[id(story)] = story
        return ChainMap(*(dict(story) for story in found.values())) if len(found) != 1 else next(iter(found.values()))


@dataclass(frozen=True)
class Illness:
    """Shares of the questions. `slow` ones are answered too late."""

    failing: float = 0.03
    throttled: float = 0.03
    slow: float = 0.005
    late: float = 4.0


class Shopify(Leaving):
    def __init__(self, truth: ToldOnce, seed: int, illness: Illness = Illness()) -> None:
        super().__init__()
        self.asked = 0
        self._truth = truth
        self._illness = illness
        self._chance = Random(seed)

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._post)]

    def recover(self) -> None:
        """From now on it is well."""
        self._illness = Illness(0, 0, 0)

    async def _post(self, request: web.Request) -> web.Response:
        self.asked += 1
        question: dict[str, Any] = orjson.loads(await request.read())
        if self._is_gone:
            return self._cut(request)
        if (trouble := await self._trouble()) is not None:
            self.refusals += 1
            return trouble
        answer = {**self._truth(question["query"], question.get("variables") or {}), "extensions": _COST}
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def _trouble(self) -> web.Response | None:
        fate, ill = self._chance.random(), self._illness
        if fate < ill.failing:
            return web.Response(status=502)
        if fate < ill.failing + ill.throttled:
            return web.Response(body=orjson.dumps(_THROTTLED), content_type="application/json")
        if fate < ill.failing + ill.throttled + ill.slow:
            await asyncio.sleep(ill.late)
        return None
