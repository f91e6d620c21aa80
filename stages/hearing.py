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
from schemas.signals import TopicHeard
from stages.dossiers.rhythms import SPAN
from stages.stage import Context, Emit, Family

#: The last span in which a topic was heard, as its number, under the topic; in every task that has heard it.
HEARD: Family[int] = Family("heard", int, ttl=timedelta(days=1))

_DELIVERED = frozenset({Source.WEBHOOK, Source.EVENT})


def heard(event: Event, watched: Collection[str], context: Context) -> Iterator[Emit]:
    if event.kind not in watched or event.source not in _DELIVERED or event.test:
        return
    subject, span = subjects.topic(event.shop, event.kind), int(context.now.timestamp() // SPAN.total_seconds())
    if context.state.get(HEARD, subject) == span:
        return
    context.state.put(HEARD, subject, span)
    signal = TopicHeard(event.shop, subject, context.now, context.wall)
    yield Emit(topics.SIGNALS, subject, signal, "topic-heard")
