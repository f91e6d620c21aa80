"""What a body says: its facts, and what they are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from schemas import subjects
from schemas.facts.table import AnyFacts


@dataclass(frozen=True, slots=True)
class About:
    """A thing in Shopify. Some kinds are subjects themselves; the others belong to one that only a lookup can tell."""

    kind: str
    identity: int | str

    def in_shop(self, shop: str) -> str:
        return subjects.resource(shop, self.kind, self.identity)


@dataclass(frozen=True, slots=True)
class Parsed:
    """`about` None: the shop as a whole. `updated` is the resource's own `updated_at`; `echo`: our own write."""

    facts: AnyFacts
    about: About | None
    updated: datetime | None = None
    test: bool = False
    echo: bool = False


Reader = Callable[[bytes], Parsed]
