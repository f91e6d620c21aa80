"""What every part of the configuration file is made of."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$",
        description="a name (small letters, digits, dot, dash, underscore; at most 63)",
    ),
]


class Configured(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Every mapping of the file refuses keys it does not know."""
