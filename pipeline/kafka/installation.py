"""One installation on a Kafka: its names there, and the clients that speak for it.

Measured on one node (`tests/benchmarks/kafka_hops.py`): a shorter pause between attempts makes no hop quicker, since
the client makes an exception of the one that is often hit, and it makes a storm where no broker answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from pipeline.kafka.security import Security
from schemas.records import TopicPartition

#: Bytes of a batch at most, where its topic takes so much.
BATCH_BYTES = 1024 * 1024
_REQUEST_MS = 10_000
_TRANSACTION_MS = 10_000
_BACKOFF_MS = 100
_FETCH_WAIT_MS = 200
#: Larger records come nevertheless: a fetch brings one batch at least.
_FETCH_BYTES = 256 * 1024
_UNBOUNDED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. A member that is silent for a `session` is taken for dead; a `heartbeat` tells it of a rebalance."""

    session: float = 10.0
    heartbeat: float = 0.5


@dataclass(frozen=True)
class Installation:
    bootstrap: str
    prefix: str
    partitions: int
    security: Security = field(default_factory=Security)
    timing: Timing = field(default_factory=Timing)

    # --- names ---------------------------------------------------------------------------------------------------

    def there(self, partition: TopicPartition) -> aiokafka.TopicPartition:
        return aiokafka.TopicPartition(self.topic_there(partition.topic), partition.partition)

    def here(self, partition: Any) -> TopicPartition:
        return TopicPartition(self.topic_here(partition.topic), partition.partition)

    def topic_there(self, topic: str) -> str:
        return f"{self.prefix}.{topic}"

    def topic_here(self, topic: str) -> str:
        return topic.removeprefix(f"{self.prefix}.")

    def has(self, topic_there: str) -> bool:
        return topic_there.startswith(f"{self.prefix}.")

    def group_there(self, group: str) -> str:
        return f"{self.prefix}.{group}"

    def transactional_id_there(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    # --- clients -------------------------------------------------------------------------------------------------

    def producer(self, transactional_id: str | None) -> AIOKafkaProducer:
        """Idempotent; transactional with an id. Sizes are ours to check: the client's own limit is out of the way."""
        return AIOKafkaProducer(
            **self._client(),
            enable_idempotence=True,
            acks="all",
            transactional_id=None if transactional_id is None else self.transactional_id_there(transactional_id),
            transaction_timeout_ms=_TRANSACTION_MS,
            max_batch_size=BATCH_BYTES,
            max_request_size=_UNBOUNDED,
        )

    def reader(self, isolation: str) -> AIOKafkaConsumer:
        """Without a group."""
        return AIOKafkaConsumer(**self._client(), **self._fetching(isolation))

    def member(self, group: str, assignor: object) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._client(),
            **self._fetching("read_committed"),
            group_id=self.group_there(group),
            partition_assignment_strategy=(assignor,),
            session_timeout_ms=int(self.timing.session * 1000),
            rebalance_timeout_ms=int(self.timing.session * 1000),
            heartbeat_interval_ms=int(self.timing.heartbeat * 1000),
        )

    def admin(self) -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(**self._client())

    def _client(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.prefix,
            "request_timeout_ms": _REQUEST_MS,
            "retry_backoff_ms": _BACKOFF_MS,
            **self.security.arguments,
        }

    def _fetching(self, isolation: str) -> dict[str, Any]:
        return {
            "isolation_level": isolation,
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "fetch_max_wait_ms": _FETCH_WAIT_MS,
            "max_partition_fetch_bytes": _FETCH_BYTES,
        }
