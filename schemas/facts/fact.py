"""What every kind of facts has: its tag, and what its source did not say."""

from __future__ import annotations

from functools import cache

from msgspec import Struct
from msgspec.structs import fields


class Facts(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """Every kind of facts is tagged by its `type`.

    `absent` names the facts that are empty here (None, no entries, False) only because the source did not carry their
    key: they are unknown, while the other empty ones are known to be so. Facts that are looked up never stand in it.
    """

    absent: tuple[str, ...] = ()


@cache
def optional(kind: type[Facts]) -> tuple[tuple[str, object], ...]:
    """The fields that may be left out, but for `absent`, and what each is where nothing is said."""
    return tuple((field.name, field.default) for field in fields(kind) if not field.required and field.name != "absent")
