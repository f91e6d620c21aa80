"""Clocks that run ahead: nothing that has come to us is from a time after it came.

A state that says it is of next year would be newer than all that is true until then. A moment of the past that lies
more than some minutes after its receipt is therefore taken for the moment at which Shopify sent it: the same for each
delivery of the same body, and in the order in which they were sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas.events import Event

#: Shopify stamps whole seconds by its own clock, and ours may be slow.
_BORNE = timedelta(minutes=5)
#: When something came to be as it is. What is still to come (a due date, a promise) may lie ahead.
_PAST = ("created", "happened", "processed", "updated")


def in_time(event: Event) -> Event:
    """The event with no moment of its past, or of its facts' own, after its receipt."""
    latest = event.received + _BORNE
    sent = event.received if event.occurred > latest else event.occurred
    ahead = {
        name: sent for name in _PAST if isinstance(at := getattr(event.facts, name, None), datetime) and at > latest
    }
    is_ahead = event.updated is not None and event.updated > latest
    if not ahead and not is_ahead and sent == event.occurred:
        return event
    return replace(
        event,
        occurred=sent,
        updated=sent if is_ahead else event.updated,
        facts=replace(event.facts, **ahead) if ahead else event.facts,
    )
