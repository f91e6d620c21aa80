"""What a message says of an alert that could not be made sure of."""

from __future__ import annotations

from collections.abc import Iterator

from stages.judging.episodes import Track
from stages.rules.rule import Due, Fire
from stages.stage import Context, TimerKind

NOT_CONFIRMED = "not confirmed: Shopify did not answer when it was asked"
BEHIND = "not confirmed: the pipeline is behind"
AWAY = "not confirmed: the receiver was away; Shopify may still deliver what it missed"


def doubts(verdict: Fire | Due, track: Track, context: Context) -> Iterator[str]:
    """Shopify's answer leaves none. What waits for the chain and for what was missed has none but of the answer."""
    if isinstance(verdict, Fire) or track.confirmed:
        return
    if track.confirmed is False:
        yield NOT_CONFIRMED
    was_away = context.missed_until is not None and context.missed_until > context.now
    if was_away and verdict.lost:
        yield verdict.lost
    if verdict.timer is TimerKind.OUTSIDE:
        if track.behind:
            yield BEHIND
        if was_away:
            yield AWAY
