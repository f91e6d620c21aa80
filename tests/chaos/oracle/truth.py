"""Shopify as it truly is, for lookups that are made again: it is always there, and always says the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.configuration import Configuration
from stages.shopify.answers import Answer
from stages.shopify.operations import Operation, documents
from tests.chaos.evidence import Truth
from tests.stages.shopify.at_once import AtOnce, read


class TrueShopify(AtOnce):
    def __init__(self, configuration: Configuration, truth: Truth) -> None:
        self._access = {shop.domain for shop in configuration.shops if shop.admin is not None}
        self._texts = documents()
        self._truth = truth

    def has_access(self, shop: str) -> bool:
        return shop in self._access

    def says(self, operation: Operation[Any], variables: Mapping[str, object]) -> Answer[Any]:
        return read(operation, self._truth(self._texts[operation.name], variables).get("data"))
