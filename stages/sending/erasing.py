"""A shop's data must be erased: what `dispatch` remembers of its notifications goes, and every line stays whole.

What waits behind a head goes at once, and what OpenText has is not followed any more. A head may be under way: it loses
what it says at once and its place with the answer, or with its timer, and nothing is sent or told of it after that.
Receipts that are written stay until their topic forgets them; the ledger holds no more than digests.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from stages.erasing import without
from stages.sending.following import POLL
from stages.sending.sendings import SEND, Desk, Waiting
from stages.stage import CancelTimer, Context, Outcome, SetTimer, TimerKind


def erased(desk: Desk, shop: str, context: Context) -> Iterator[Outcome]:
    for waiting in desk.all_waiting():
        rest = without(waiting.notification, shop)
        if rest is None:
            yield from _taken_out(desk, waiting, context)
        elif rest != waiting.notification:
            desk.keep(replace(waiting, notification=rest))
    for followed in desk.all_followed():
        if shop in followed.shops:
            desk.unfollow(followed.receipt.message_id)
            yield CancelTimer(desk.team, f"{POLL}/{followed.receipt.message_id}")


def _taken_out(desk: Desk, waiting: Waiting, context: Context) -> Iterator[Outcome]:
    notification = waiting.notification
    if waiting == desk.head(notification.group):
        desk.keep(replace(waiting, notification=replace(notification, alerts=()), erased=True))
        yield SetTimer(desk.team, f"{SEND}/{notification.group}", context.wall, TimerKind.RETRY)
    else:
        desk.leave(notification)
