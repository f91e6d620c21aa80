"""Whether a shop's API is open to us: what its answers say, told as signals when it changes.

Each task tells for itself, since each remembers for itself. What is no answer of the shop's says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from schemas import subjects, topics
from schemas.signals import ShopShut, Signal, TokenRefused
from stages.shopify.answers import Found, Missing, Refused, Shut
from stages.shopify.lookup import Reply, Stale
from stages.stage import Context, Emit, Family

T = TypeVar("T")

#: Under the shop as a whole, in every task that has seen it: its token is refused.
REFUSALS: Family[bool] = Family("refused", bool)
#: The same for the status that is answered for a shop that is shut.
SHUT: Family[int] = Family("shut", int)


def shop_news(shop: str, replies: Iterable[Reply | None], context: Context) -> Iterator[Emit]:
    told = [reply for reply in replies if reply is not None]
    subject, now, wall = subjects.shop_wide(shop), context.now, context.wall
    answered = any(isinstance(reply, Found | Missing | Stale) for reply in told)
    refused = any(isinstance(reply, Refused) for reply in told)
    shut = max((reply.status for reply in told if isinstance(reply, Shut)), default=0)
    news: list[Signal] = []
    if (refused or answered) and _is_new(REFUSALS, subject, refused, context):
        news.append(TokenRefused(shop, subject, now, wall, refused=refused))
    if (shut or answered) and _is_new(SHUT, subject, shut, context):
        news.append(ShopShut(shop, subject, now, wall, status=shut or None))
    for signal in news:
        yield Emit(topics.SIGNALS, subject, signal, str(signal.__struct_config__.tag))


def _is_new(family: Family[T], subject: str, value: T, context: Context) -> bool:
    """Another value than the one that is remembered, which it becomes; nothing is remembered of one that is empty."""
    if value == (context.state.get(family, subject) or type(value)()):
        return False
    if value:
        context.state.put(family, subject, value)
    else:
        context.state.delete(family, subject)
    return True
