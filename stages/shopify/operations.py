"""The documents of `stages/graphql`, each an operation with the shape of its answer; and where a shop is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Access:
    """One shop's endpoint and token."""

    url: str
    token: str = field(repr=False)


def endpoint(domain: str, version: str) -> str:
    return f"https://{domain}/admin/api/{version}/graphql.json"


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """A document of `stages/graphql` and the shape of its `data`. `keep`: seconds for which an answer may serve."""

    name: str
    answer: type[T]
    keep: float = 60.0


class Nodes(Struct, Generic[T]):
    """The answer to `nodes(ids:)`, in the order of the ids."""

    nodes: tuple[T | None, ...]


def documents() -> dict[str, str]:
    """Every document of the package, by the name of its operation."""
    found = (entry for entry in files("stages").joinpath("graphql").iterdir() if entry.name.endswith(".graphql"))
    return {entry.name.removesuffix(".graphql"): entry.read_text("utf-8") for entry in found}
