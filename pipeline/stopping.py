"""What a task remembers of its stop, so that a restart does not forget it: only an operator lifts it.

A stopped task commits nothing more until then, so its stop stands at the very end of its changelog, where
`pipeline.stopped` finds it. The transaction that writes it must therefore be a small one.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from pipeline.broker import Broker
from pipeline.state import encoded, key_of
from schemas import topics
from schemas.records import Outgoing
from stages.stage import Family


class Stopped(Struct, frozen=True, array_like=True):
    """`reason` is one line for a person, `at` the wall time.

    `anew`: inputs that are not the logs that were read, since somebody has made their topics anew. They will grow past
    the old positions and look like them again, so only somebody who accepts that lifts the stop.
    """

    reason: str
    at: datetime
    anew: tuple[str, ...] = ()


STOPPED: Family[Stopped] = Family("stopped", Stopped)
STOPPED_KEY = key_of("", STOPPED.name)


async def remember(broker: Broker, stage: str, number: int, stopped: Stopped) -> None:
    """With the task's id taken anew: its own producer may have stopped over a refusal. Raises what the broker does."""
    producer = await broker.producer(f"{stage}-{number}")
    try:
        await producer.begin()
        await producer.send([Outgoing(topics.state_of(stage), number, STOPPED_KEY, encoded(stopped))])
        await producer.commit(stage, {})
    finally:
        await producer.close()
