"""A receiver whose Kafka dies says so in time, and is itself again when the Kafka is back."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from pipeline.local_kafka import DockerKafka, LocalKafka
from tests.system.outside import Outside, Running, eventually

BODY = {"id": 42, "status": "failed", "admin_graphql_api_id": "gid://shopify/BulkOperation/42"}


def timed(running: Running) -> tuple[int, float]:
    began = time.monotonic()
    return running.webhook("bulk_operations/finish", BODY), time.monotonic() - began


def test_it_answers_503_within_four_seconds_and_200_again_when_kafka_is_back(
    own_kafka: LocalKafka | DockerKafka, keep: Callable[[Coroutine[Any, Any, None]], None], tmp_path: Path
) -> None:
    outside = Outside(own_kafka.bootstrap, tmp_path)
    outside.configure()
    outside.apply_topics()
    with outside.running() as running:
        assert timed(running)[0] == 200
        own_kafka.kill()
        for _ in range(2):
            status, seconds = timed(running)
            assert status == 503
            assert seconds < 4.0
        keep(own_kafka.restart())
        eventually(lambda: timed(running)[0] == 200, "it takes deliveries again", 60)
        eventually(lambda: outside.opentext.taken, "the chain works again", 60)
        assert running.terminate() == 0, running.log_end()
    outside.opentext.close()
