"""Shopify as it truly is, for lookups that are made again: it is always there, and always says the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from schemas.configuration import Configuration
from stages.shopify.answers import Answer, Found, Missing
from stages.shopify.client import Shopify
from stages.shopify.operations import Nodes, Operation, documents
from tests.chaos.evidence import Truth


class TrueShopify(Shopify):
    def __init__(self, configuration: Configuration, truth: Truth) -> None:
        self._access = {shop.domain for shop in configuration.shops if shop.admin is not None}
        self._texts = documents()
        self._truth = truth

    def has_access(self, shop: str) -> bool:
        return shop in self._access

    async def query(
        self,
        shop: str,
        operation: Operation[Any],
        variables: Mapping[str, object],
        since: datetime | None = None,
        enough: Callable[[Any], bool] = lambda _: True,
    ) -> Answer[Any]:
        data = self._truth(self._texts[operation.name], variables).get("data")
        return Found(msgspec.json.decode(msgspec.json.encode(data), type=operation.answer, strict=False))

    async def node(
        self,
        shop: str,
        operation: Operation[Nodes[Any]],
        gid: str,
        since: datetime | None = None,
        enough: Callable[[Any], bool] = lambda _: True,
    ) -> Answer[Any]:
        answer = await self.query(shop, operation, {"ids": [gid]})
        found = answer.value.nodes[0] if isinstance(answer, Found) else None
        return Missing() if found is None else Found(found)
