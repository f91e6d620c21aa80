"""What a message says of an alert that could not be made sure of, or in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas.alerts import Detail
from stages.dossiers.registers import LATE
from stages.judging.episodes import Track
from stages.rules.rule import Due, Fire, Said
from stages.stage import Context, TimerKind

NOT_CONFIRMED = "not confirmed: Shopify did not answer when it was asked"
BEHIND = "not confirmed: the pipeline is behind"
STILL_SO = "not confirmed: it is more than a day old, and Shopify did not say whether it is still so"
#: What is looked up again of what is learned late.
AGAIN = frozenset({"order", "parcels", "open_holds", "return"})
AWAY = "not confirmed: the receiver was away; Shopify may still deliver what it missed"


#: A timer that is late by no more than that has waited for Shopify, for the chain, or for what was missed.
_SOON = timedelta(hours=6)


def as_learned(verdict: Fire | Due, now: datetime) -> Said:
    """What is due long since when it is heard of was learned late, also where only a timer tells it now."""
    said = verdict.said
    if isinstance(verdict, Fire) or now - said.since <= LATE or now - verdict.at <= _SOON:
        return said
    told = f"it is so since {said.since:%d %b %Y at %H:%M} UTC, and was to be told on {verdict.at:%d %b at %H:%M} UTC"
    return replace(said, details=(*said.details, Detail("Learned late", told)))


def doubts(verdict: Fire | Due, track: Track, context: Context) -> Iterator[str]:
    """Shopify's answer leaves none. What waits for the chain and for what was missed has none but of the answer."""
    if isinstance(verdict, Fire) or track.confirmed:
        return
    if track.confirmed is False:
        yield NOT_CONFIRMED
    was_away = context.missed_until is not None and context.missed_until > context.now
    if verdict.lost and context.came_back is not None and context.came_back > verdict.said.since:
        yield verdict.lost
    if verdict.timer is TimerKind.OUTSIDE:
        if track.behind:
            yield BEHIND
        if was_away:
            yield AWAY
