"""An installation's topics, read by a plain consumer: a defect of our own way to Kafka must not hide itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiokafka
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from schemas import topics
from schemas.records import Record, TopicPartition
from tests.chaos.oracle.log import Log

_POLL_MS = 500
_STALLED = 60.0


async def read(bootstrap: str, prefix: str, partitions: int) -> Log:
    """Everything that is committed now. Raises TimeoutError where a log gives nothing for a minute."""
    names = [spec.name for spec in topics.catalogue()]
    places = {
        aiokafka.TopicPartition(f"{prefix}.{name}", number): TopicPartition(name, number)
        for name in names
        for number in range(partitions)
    }
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * topics.MIB,
    )
    await consumer.start()
    try:
        records = await _all_records(consumer, places)
    finally:
        await consumer.stop()
    return Log(partitions, records, await _committed(bootstrap, prefix, places))


async def _all_records(
    consumer: AIOKafkaConsumer, places: Mapping[Any, TopicPartition]
) -> dict[TopicPartition, list[Record]]:
    """The ends of a read_committed consumer are the last stable offsets: control records stand before them too."""
    consumer.assign(list(places))
    ends = await consumer.end_offsets(list(places))
    await consumer.seek_to_beginning(*places)
    found: dict[TopicPartition, list[Record]] = {place: [] for place in places.values()}
    open_, silent = set(places), set[Any]()
    moved = time.monotonic()
    while open_:
        began = time.time()
        polled = await consumer.getmany(timeout_ms=_POLL_MS, max_records=50_000)
        for partition, batch in polled.items():
            place = places[partition]
            found[place].extend(_record(place, one) for one in batch if one.offset < ends[partition])
        # what a silent one was answered with would have come with this poll: an answer is not seen when it comes
        read = set() if polled else silent & open_
        read |= {partition for partition in open_ if await consumer.position(partition) >= ends[partition]}
        consumer.pause(*read)
        open_ -= read
        silent = {partition for partition in open_ if _is_answered(consumer, partition, ends[partition], began)}
        moved = time.monotonic() if polled or read else moved
        if time.monotonic() - moved > _STALLED:
            raise TimeoutError(f"nothing more comes of {sorted(map(str, open_))[:3]}")
    return found


def _is_answered(consumer: AIOKafkaConsumer, partition: Any, end: int, since: float) -> bool:
    """Kafka has said since then that all is stable up to the end: nothing but control records may be left."""
    stable, answered = consumer.last_stable_offset(partition), consumer.last_poll_timestamp(partition)
    return stable is not None and stable >= end and answered is not None and answered / 1000 > since


def _record(place: TopicPartition, one: Any) -> Record:
    headers = tuple((name, value or b"") for name, value in one.headers)
    return Record(place.topic, place.partition, one.offset, one.timestamp, one.key, one.value, headers)


async def _committed(
    bootstrap: str, prefix: str, places: Mapping[Any, TopicPartition]
) -> dict[str, dict[TopicPartition, int]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        groups = await asyncio.gather(
            *(admin.list_consumer_group_offsets(f"{prefix}.{stage}") for stage in topics.STAGES)
        )
    finally:
        await admin.close()
    return {
        stage: {places[there]: told.offset for there, told in group.items() if there in places and told.offset >= 0}
        for stage, group in zip(topics.STAGES, groups, strict=True)
    }
