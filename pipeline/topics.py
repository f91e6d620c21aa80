"""The topics of an installation: nothing runs where they are not as they have to be."""

from __future__ import annotations

from pipeline.broker import Broker
from schemas import topics

_NAMED = 3


class TopicsMissing(Exception):
    """The installation's topics are not there, or have another partition count than configured."""


async def require_topics(broker: Broker) -> None:
    """Raises TopicsMissing where `pipeline topics apply` has not been run, or the partition count was changed."""
    found = await broker.topics()
    missing = [spec.name for spec in topics.catalogue() if spec.name not in found]
    if missing:
        named = ", ".join(missing[:_NAMED]) + (", ..." if len(missing) > _NAMED else "")
        raise TopicsMissing(f"{len(missing)} topic(s) are missing ({named}): run `pipeline topics apply`")
    wrong = {name: count for name, count in found.items() if count != broker.partitions}
    if wrong:
        name, count = min(wrong.items())
        raise TopicsMissing(
            f"{name} has {count} partitions, the configuration says {broker.partitions}: keys would move away from "
            "their state; set kafka.partitions back, or start under a new prefix"
        )
