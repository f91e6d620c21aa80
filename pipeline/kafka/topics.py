"""The topics of an installation: listed, made, deleted. None is ever changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from pipeline.broker import BrokerError
from pipeline.kafka.failures import answered, bounded
from pipeline.kafka.installation import Installation
from schemas.topics import TopicSpec

_ASK_WITHIN = 10.0
_CHANGE_WITHIN = 30.0
_REPLICAS = 3


class Topics:
    def __init__(self, admin: AIOKafkaAdminClient, at: Installation) -> None:
        self._admin = admin
        self._at = at

    async def list(self) -> dict[str, int]:
        found = await answered("the topics", self._admin.describe_topics, _ASK_WITHIN)
        return {
            self._at.topic_here(topic["topic"]): len(topic["partitions"])
            for topic in found
            if self._at.has(topic["topic"]) and topic["error_code"] == 0
        }

    async def create(self, specs: Sequence[TopicSpec]) -> None:
        """Three replicas, two of them in sync, where there are so many brokers. Raises BrokerError naming the topic."""
        brokers = len((await answered("the brokers", self._admin.describe_cluster, _ASK_WITHIN))["brokers"])
        wanted = [self._new(spec, min(_REPLICAS, brokers)) for spec in specs]
        if not wanted:
            return
        async with bounded("the making of topics", _CHANGE_WITHIN):
            answer = await self._admin.create_topics(wanted)
        _require_done(answer.topic_errors, errors.TopicAlreadyExistsError)

    async def delete(self, names: Iterable[str]) -> None:
        there = [self._at.topic_there(name) for name in names]
        if not there:
            return
        async with bounded("the deleting of topics", _CHANGE_WITHIN):
            answer = await self._admin.delete_topics(there)
        _require_done(answer.topic_error_codes, errors.UnknownTopicOrPartitionError)

    def _new(self, spec: TopicSpec, replicas: int) -> NewTopic:
        configs = {"max.message.bytes": str(spec.max_bytes)}
        if replicas >= _REPLICAS:
            configs["min.insync.replicas"] = str(_REPLICAS - 1)
        if spec.retention_ms is not None:
            configs["retention.ms"] = str(spec.retention_ms)
        if spec.compacted:
            configs["cleanup.policy"] = "compact"
        if spec.min_compaction_lag_ms is not None:
            configs["min.compaction.lag.ms"] = str(spec.min_compaction_lag_ms)
        return NewTopic(self._at.topic_there(spec.name), self._at.partitions, replicas, topic_configs=configs)


def _require_done(answers: Iterable[Sequence[Any]], harmless: type[errors.BrokerResponseError]) -> None:
    failed = [answer for answer in answers if answer[1] not in (0, harmless.errno)]
    if failed:
        said = "; ".join(f"{topic}: {errors.for_code(code).__name__}" for topic, code, *_ in failed[:3])
        raise BrokerError(said)
