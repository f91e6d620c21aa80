"""What a shop has shown of its storefront, and when: the password, its primary domain, and TLS for each host."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from schemas.facts import DomainFacts, ShopFacts
from stages.dossiers.registers import Span, Stamp, spanned

Spans = dict[str, dict[str, Span]]


def storefront_spans(
    spans: Mapping[str, dict[str, Span]], facts: ShopFacts | DomainFacts, at: Stamp, seen: Stamp
) -> Spans:
    """`at`: of the body's own words; `seen`: of what was looked up for it."""
    if isinstance(facts, ShopFacts):
        found = _added(dict(spans), "password", _switch(facts.password_enabled), at.updated)
        if facts.primary is not None:
            found = _added(found, f"tls/{facts.primary}", _switch(facts.tls), at.updated)
        return _added(found, "primary", facts.primary, at.updated)
    found = _added(dict(spans), "primary", facts.primary, seen.occurred)
    if facts.host is None or facts.removed:
        return found
    return _added(found, f"tls/{facts.host}", _switch(facts.ssl), at.updated)


def _switch(is_on: bool | None) -> str | None:
    return None if is_on is None else "on" if is_on else "off"


def _added(spans: Spans, thing: str, word: str | None, at: datetime) -> Spans:
    return spans if word is None else {**spans, thing: spanned(spans.get(thing, {}), word, at)}
