"""The composition root: the topology as one table, and one process of it from start to stop.

Main turns the operating system into values; everything here takes values. What was opened last is closed first, each
step within its own bound, and at the deadline the process may be killed: that is safe (see `pipeline.task`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from schemas import topics
from schemas.configuration import Configuration
from schemas.records import TopicPartition
from stages.classify import Classify
from stages.deduplicate import Deduplicate
from stages.dispatch import Dispatch
from stages.enrich import Enrich
from stages.group import Group
from stages.stage import Outcome

from pipeline.broker import Broker, BrokerError
from pipeline.clock import Clock
from pipeline.metrics import Metrics
from pipeline.settings import Secrets, hash_of
from pipeline.task import Limits, StageSpec, Surroundings
from pipeline.watermarks import SharedWatermarks
from pipeline.worker import Worker

RECEIVER = "receiver"
ROLES = (RECEIVER, *topics.STAGES)
_GAUGES_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Outside:
    """What a process is given: nothing in here is read from the environment below main."""

    broker: Broker
    clock: Clock
    log: FilteringBoundLogger
    secrets: Secrets
    metrics: Metrics = field(default_factory=Metrics)
    observers: tuple[Callable[[str, Outcome], None], ...] = ()


class TopicsMissing(Exception):
    """The installation's topics are not there, or have another partition count than configured."""


def topology(configuration: Configuration, outside: Outside, session: aiohttp.ClientSession) -> tuple[StageSpec, ...]:
    """The chain, in order. A stage is a row: its name, what it reads, and who it is."""
    opentext = opentext_client(configuration, outside.secrets, session)
    shopify = shopify_client(configuration, outside.secrets, session)
    return (
        StageSpec("enrich", (*topics.RAW, topics.QUESTIONS), Enrich(configuration, shopify)),
        StageSpec("deduplicate", (topics.ENRICHED,), Deduplicate()),
        StageSpec("classify", (topics.UNIQUE, topics.SIGNALS), Classify(configuration, hash_of(configuration))),
        StageSpec("group", (topics.ALERTS, topics.RECEIPTS), Group(configuration)),
        StageSpec(
            "dispatch",
            (topics.NOTIFICATIONS, topics.SENDING_STATUS),
            Dispatch(configuration, opentext),
            takeover=configuration.opentext.timeout,
        ),
    )
