"""Untrusted text made harmless: one bounded line without anything that a reader cannot see.

What a body says may hold newlines (that would end a header), control characters, marks that turn the direction of
writing, and OpenText's own inserts `(i1)`. HTML is escaped where HTML is made, templates never see a body as a
template. Not promised: that what a text *says* is true, or that an address in it is a good one.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

#: Joiners that some scripts need to be read; all other invisible characters are left out.
_JOINERS = "\u200c\u200d"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_INSERT = re.compile(r"\((?=i\d+\))", re.IGNORECASE)
_LINK_LIMIT = 500
_CUT = "…"


def clean(text: str, limit: int) -> str:
    """At most `limit` characters in one line."""
    seen = "".join(_seen(character) for character in text[: limit * 4])
    line = _INSERT.sub("( ", " ".join(seen.split()))
    return cut(line, limit)


def _seen(character: str) -> str:
    if character.isspace() or character in _JOINERS:
        return character
    return "" if unicodedata.category(character) in _INVISIBLE else character


def cut(line: str, limit: int) -> str:
    """Says that it was cut. Empty where not even that fits."""
    if len(line) <= limit:
        return line
    return line[: limit - 1].rstrip() + _CUT if limit > 0 else ""


def web_link(link: str | None) -> str | None:
    """Whole, or not at all: only an https address of plain characters is shown."""
    if link is None or len(link) > _LINK_LIMIT or not link.isascii() or not link.isprintable() or " " in link:
        return None
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    return link if parts.scheme == "https" and parts.hostname else None
