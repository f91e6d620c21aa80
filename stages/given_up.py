"""Facts that Shopify has not told within a day, and is not asked for any more: counted, and said once a minute at most.

In each task and of each shop the first is said at once, the others of that minute with the next one. Not promised:
that those are said behind which none comes.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from schemas import subjects, topics
from schemas.signals import FactsGivenUp
from stages.stage import Context, Emit, Family


class Unsaid(Struct, frozen=True):
    """Of which minute the last was said, as its number, and how many there are since."""

    minute: int
    count: int = 0


GIVEN_UP: Family[Unsaid] = Family("given-up", Unsaid)


def gave_up(shop: str, names: tuple[str, ...], context: Context) -> Iterator[Emit]:
    """`names`: of the facts that an event of that shop still lacks."""
    subject, minute = subjects.shop_wide(shop), int(context.wall.timestamp() // 60)
    known = context.state.get(GIVEN_UP, subject) or Unsaid(minute - 1)
    if known.minute == minute:
        context.state.put(GIVEN_UP, subject, Unsaid(minute, known.count + 1))
        return
    context.state.put(GIVEN_UP, subject, Unsaid(minute))
    told = FactsGivenUp(shop, subject, context.now, context.wall, names, known.count + 1)
    yield Emit(topics.SIGNALS, subject, told, "facts-given-up")
