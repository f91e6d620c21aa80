"""Since when an order has a tag: nobody tells when it was set, but every body tells all that the order has then.

Each set of tags that was seen is a word of the span `tags`. Not promised: more than a dozen sets, or very many tags.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from stages.dossiers.dossier import Dossier
from stages.dossiers.registers import Span, spanned

TAGS = "tags"
_SETS, _LENGTH = 12, 1000


def tagged(spans: Mapping[str, Span], tags: Collection[str], at: datetime) -> dict[str, Span]:
    """Of many sets those that were seen last stay."""
    found = spanned(spans, _SEPARATOR.join(sorted(map(_plain, tags)))[:_LENGTH], at)
    stay = sorted(found, key=lambda word: (found[word].last, word))[-_SETS:]
    return {word: found[word] for word in stay}


def tagged_since(dossier: Dossier, tag: str) -> datetime | None:
    """None where it was not seen, or not among so many."""
    return dossier.since(TAGS, *(word for word in dossier.spans.get(TAGS, {}) if _plain(tag) in word.split(_SEPARATOR)))


_SEPARATOR = "\n"


def _plain(tag: str) -> str:
    return tag.strip().lower()
