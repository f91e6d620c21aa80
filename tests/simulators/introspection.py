"""Shopify's own description of Admin GraphQL, and whether an answer is one that it allows."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, build_client_schema, execute_sync, parse, validate

_FILE = Path(__file__).parent.parent / "data" / "shopify" / "admin_2026-04.json.gz"
#: Types whose gid says another name, and those that have none.
_BY_FIELD = {"company": "PurchasingCompany", "tracking": "ReverseDeliveryShippingDeliverable"}


@cache
def schema() -> GraphQLSchema:
    """Taken as it is: Shopify's own has four deprecations that the GraphQL specification does not allow."""
    return build_client_schema(json.loads(gzip.decompress(_FILE.read_bytes()))["data"], assume_valid=True)


def complaints(document: str, variables: dict[str, Any], data: Any) -> list[str]:
    """What Shopify's description has against the document, or against the data as its answer."""
    asked = parse(document)
    if wrong := validate(schema(), asked):
        return [error.message for error in wrong]
    told = execute_sync(schema(), asked, root_value=data, variable_values=variables, type_resolver=_type_of)
    found = [f"{error.path}: {error.message}" for error in told.errors or ()]
    return found + ([] if told.data == data else [f"other keys than asked for: {data} is not {told.data}"])


def _type_of(value: Any, *_: Any) -> str:
    if "id" in value:
        return str(value["id"]).split("/")[3]
    return next(kind for field, kind in _BY_FIELD.items() if field in value)
