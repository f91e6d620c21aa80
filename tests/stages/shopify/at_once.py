"""Shopifys that answer at once. Whoever inherits says what, in one place, whichever way it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from pipeline.simulators.shopify.answering import Answering
from pipeline.simulators.shopify.documents import document
from pipeline.simulators.shopify.store import Store
from stages.shopify.answers import Answer, Found, Missing
from stages.shopify.client import Shopify
from stages.shopify.operations import Nodes, Operation, documents

_DOCUMENTS = {name: document(text) for name, text in documents().items()}


class AtOnce(Shopify):
    def has_access(self, shop: str) -> bool:
        return True

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        raise NotImplementedError

    def says_of(self, operation: Operation[Nodes[Any]], gid: str) -> Answer[Any]:
        """Of one node, by default what the whole document says of it."""
        answer = self.says(operation, {"ids": [gid]})
        if not isinstance(answer, Found):
            return answer
        found = answer.value.nodes[0]
        return Missing() if found is None else Found(found)

    async def query(
        self,
        shop: str,
        operation: Operation[Any],
        variables: Mapping[str, object],
        since: datetime | None = None,
        enough: Callable[[Any], bool] = lambda _: True,
    ) -> Answer[Any]:
        return self.says(operation, variables)

    async def node(
        self,
        shop: str,
        operation: Operation[Nodes[Any]],
        gid: str,
        since: datetime | None = None,
        enough: Callable[[Any], bool] = lambda _: True,
    ) -> Answer[Any]:
        return self.says_of(operation, gid)


class StoredShopify(AtOnce):
    """Answers from a simulated shop's store. `shops`: those with Admin access."""

    def __init__(self, store: Store, *shops: str) -> None:
        self._store = store
        self._with_access = shops

    def has_access(self, shop: str) -> bool:
        return shop in self._with_access

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        return of_store(self._store, operation, variables)


def of_store(store: Store, operation: Operation[Any], variables: Mapping[str, object]) -> Found[Any]:
    asked = _DOCUMENTS[operation.name]
    return read(operation, Answering(store.now(), {**asked.defaults, **variables}).data(asked))


def read(operation: Operation[Any], data: object) -> Found[Any]:
    """The `data` of an answer, as the client reads it."""
    return Found(msgspec.convert(data, operation.answer, strict=False))
