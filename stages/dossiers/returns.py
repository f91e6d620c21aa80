"""One return, as topics told of it and as it was when Shopify was asked.

A look may lag behind a topic by minutes, and then shows what was before: a state that it shows shortly after another
one was told, and that was there before or comes before it, is no news.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar

from msgspec.structs import replace

from schemas.events import Event, Source
from schemas.facts.fact import Facts
from schemas.facts.returns import ReturnFacts, ReturnLine
from stages.dossiers.registers import Known, Span, seen, since, spanned

F = TypeVar("F", bound=Facts)

Spans = dict[str, dict[str, Span]]

#: The words by which a return's topics tell its status; a topic that tells none (update, process) is not in here.
RETURN_STATES: Mapping[str, str] = {
    "returns/request": "requested",
    "returns/approve": "open",
    "returns/decline": "declined",
    "returns/cancel": "canceled",
    "returns/close": "closed",
    "returns/reopen": "open",
}

#: Shopify's replicas have caught up by then.
_LAG = timedelta(minutes=5)
_STEPS = {"requested": 0, "open": 1, "declined": 2, "canceled": 2, "closed": 2}


@dataclass(frozen=True)
class Return:
    """`told` holds the newest facts of each topic, of closing and reopening all of them, the newest last.

    `states`: when each status was seen; `events`: when next-generation Events showed it.
    """

    id: int
    told: tuple[Known[ReturnFacts], ...]
    states: Mapping[str, Span]
    events: Mapping[str, Span]

    @cached_property
    def facts(self) -> ReturnFacts:
        """All topics together."""
        return merged_facts([known.value for known in self.told])

    @cached_property
    def counted(self) -> Sequence[ReturnLine]:
        """Its lines as Shopify has counted them: of several looks the furthest, whichever was made last."""
        found: dict[int | None, ReturnLine] = {}
        for known in self.told:
            for line in known.value.lines if known.value.dispositions is not None else ():
                name = line.id or line.line
                found[name] = _further(found[name], line) if name in found else line
        return tuple(found.values())

    def first(self, kind: str) -> datetime | None:
        """When that topic told of it."""
        return next((known.stamp.occurred for known in self.told if known.kind == kind), None)

    def since(self, *words: str) -> datetime | None:
        return since(self.states, words)

    def turns(self) -> Sequence[tuple[datetime, str]]:
        """When it was closed and reopened, each turn once: a topic that tells the same twice tells nothing new."""
        words = {"returns/close": "closed", "returns/reopen": "reopened"}
        told = [(known.stamp.occurred, words[known.kind]) for known in self.told if known.kind in words]
        told = told or self._turns_shown()
        return [turn for n, turn in enumerate(told) if n == 0 or told[n - 1][1] != turn[1]]

    def _turns_shown(self) -> list[tuple[datetime, str]]:
        """By Events alone: of more than one closing the first and the last are known."""
        closed, opened = self.events.get("closed"), self.states.get("open")
        if closed is None:
            return []
        found = [(closed.first, "closed")]
        if opened is not None and opened.last > closed.first:
            found.append((opened.last, "reopened"))
            if closed.last > opened.last:
                found.append((closed.last, "closed"))
        return found


def merged_facts(told: Sequence[F]) -> F:
    """The oldest first: the newest word wins, what it does not say stays."""
    merged = told[0]
    for facts in told[1:]:
        said = {name: value for name in facts.__struct_fields__ if (value := getattr(facts, name))}
        absent = tuple(name for name in merged.absent if name in facts.absent)
        merged = replace(merged, **said | {"absent": absent})
    return merged


def states_of(told: Mapping[str, Span], looked: Mapping[str, Span]) -> Mapping[str, Span]:
    """When each status was seen, by topics and by looks that do not lag behind them."""
    found = dict(told)
    for word, span in looked.items():
        shown = [at for at in span.times if not _lags(word, at, told, looked)]
        if shown:
            found = spanned(found, word, *shown)
    return found


def _lags(word: str, at: datetime, told: Mapping[str, Span], looked: Mapping[str, Span]) -> bool:
    for other, span in told.items():
        if other != word and span.last <= at < span.last + _LAG:
            before = [known[word].first for known in (told, looked) if word in known]
            if step(word) < step(other) or min(before) < span.last:
                return True
    return False


def _further(one: ReturnLine, other: ReturnLine) -> ReturnLine:
    """Units come back once and are paid for once."""
    left = [line.refundable for line in (one, other) if line.refundable is not None]
    return replace(
        other,
        processed=max(one.processed or 0, other.processed or 0),
        refunded=max(one.refunded or 0, other.refunded or 0),
        refundable=min(left, default=None),
        worth=other.worth or one.worth,
    )


def step(word: str) -> int:
    """How far a return is: of two states of one moment the further one came last."""
    return _STEPS.get(word, 1)


def return_spans(spans: Spans, event: Event, facts: ReturnFacts, at: datetime) -> Spans:
    """What a topic's name says is so; a status that its body does not carry was looked up, and may lag."""
    if (word := RETURN_STATES.get(event.kind)) is not None:
        spans = seen(spans, f"return/{facts.id}", word, at)
    else:
        spans = _looked_at(spans, f"looked/{facts.id}", facts, at)
        if event.source is Source.EVENT or event.kind == "answer.facts":
            spans = _looked_at(spans, f"shown/{facts.id}", facts, at)
    # what a webhook made us look up may have come back long after it: its dispositions say when
    if event.kind == "returns/process" or (facts.received and event.source is not Source.WEBHOOK):
        spans = seen(spans, f"received/{facts.id}", "yes", at)
    return spans


def _looked_at(spans: Spans, thing: str, facts: ReturnFacts, at: datetime) -> Spans:
    """With the times that Shopify itself gives."""
    since = {"requested": facts.created, "closed": facts.closed}
    for word, when in ((facts.status, since.get(facts.status or "") or at), ("open", facts.approved)):
        if word is not None and when is not None:
            spans = seen(spans, thing, word, when)
    return spans
