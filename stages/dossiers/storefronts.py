"""What a shop has shown, and when: its storefront's password, its primary domain, TLS for each host, its scopes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from schemas.facts.operations import DomainFacts, ScopesFacts, ShopFacts
from stages.dossiers.registers import Span, Stamp, spanned

Spans = dict[str, dict[str, Span]]

#: The thing whose words are the scopes that were granted.
GRANTED = "granted"


def storefront_spans(
    spans: Mapping[str, dict[str, Span]], facts: ShopFacts | DomainFacts | ScopesFacts, at: Stamp, seen: Stamp
) -> Spans:
    """`at`: of the body's own words; `seen`: of what was looked up for it."""
    if isinstance(facts, ScopesFacts):
        return _granted(dict(spans), facts, at.updated)
    if isinstance(facts, ShopFacts):
        found = _added(dict(spans), "password", _switch(facts.password_enabled), at.updated)
        if facts.primary is not None:
            found = _added(found, f"tls/{facts.primary}", _switch(facts.tls), at.updated)
        return _added(found, "primary", facts.primary, at.updated)
    found = _added(dict(spans), "primary", facts.primary, seen.occurred)
    if facts.host is None or facts.removed:
        return found
    return _added(found, f"tls/{facts.host}", _switch(facts.ssl), at.updated)


def _granted(spans: Spans, facts: ScopesFacts, at: datetime) -> Spans:
    """What was granted until then was so just before."""
    for scopes, moment in ((facts.previous, at - timedelta.resolution), (facts.current, at)):
        for scope in scopes:
            spans = _added(spans, GRANTED, scope, moment)
    return spans


def _switch(is_on: bool | None) -> str | None:
    return None if is_on is None else "on" if is_on else "off"


def _added(spans: Spans, thing: str, word: str | None, at: datetime) -> Spans:
    return spans if word is None else {**spans, thing: spanned(spans.get(thing, {}), word, at)}
