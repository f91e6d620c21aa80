"""That a topic's webhooks come in: told a few times an hour, so that its silence can be noticed.

Once in five minutes of business time and in each task, by the first webhook: `sync-stopped` waits for six such spans
at least, so that nothing finer is needed. Whatever a shop's load is, it costs at most twelve signals an hour for each
topic and task. What was reconciled, and what is only a test, is no webhook of the shop's and does not count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta

from schemas import subjects, topics
from schemas.events import Event, Source
from schemas.signals import ShopHeard, TopicHeard
from stages.dossiers.rhythms import SPAN
from stages.stage import Context, Emit, Family

#: The last span in which it was heard, as its number, under the topic or the shop; in every task that has heard it.
HEARD: Family[int] = Family("heard", int, ttl=timedelta(days=2))

_DELIVERED = frozenset({Source.WEBHOOK, Source.EVENT})


def heard(event: Event, watched: Collection[str], context: Context) -> Iterator[Emit]:
    """Of the topics that are `watched`, and, once a day, of the shop as a whole: when that was, by its own word."""
    if event.source not in _DELIVERED or event.test:
        return
    subject = subjects.shop_wide(event.shop)
    if _is_first(subject, timedelta(days=1), context):
        shop = ShopHeard(event.shop, subject, event.occurred, context.wall)
        yield Emit(topics.SIGNALS, subject, shop, "shop-heard")
    subject = subjects.topic(event.shop, event.kind)
    if event.kind in watched and _is_first(subject, SPAN, context):
        topic = TopicHeard(event.shop, subject, context.now, context.wall)
        yield Emit(topics.SIGNALS, subject, topic, "topic-heard")


def _is_first(subject: str, span: timedelta, context: Context) -> bool:
    """In this span of business time."""
    number = int(context.now.timestamp() // span.total_seconds())
    if context.state.get(HEARD, subject) == number:
        return False
    context.state.put(HEARD, subject, number)
    return True
