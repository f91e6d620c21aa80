"""What is appended can be read, as it was, in its order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.broker import Broker, Refused
from schemas.records import Outgoing, Position, TopicPartition
from tests.conformance.world import KEPT, LEFT, LIMIT, append, everything, outgoing, stable_end, values


async def test_an_appended_record_keeps_key_value_headers_and_timestamp(broker: Broker) -> None:
    headers = (("ce_id", b"1"), ("ce_id", b"2"), ("empty", b""), ("bytes", b"\x00\xff"))
    moment = int((datetime.now(UTC) - timedelta(days=1)).timestamp() * 1000)
    await append(broker, Outgoing(LEFT, 0, b"\xffkey", b"\x00value", headers, moment))
    (record,) = await everything(broker)
    assert (record.position, record.timestamp) == (Position(LEFT, 0, 0), moment)
    assert (record.key, record.value, record.headers) == (b"\xffkey", b"\x00value", headers)


async def test_the_answer_to_an_append_is_the_position_of_the_record(broker: Broker) -> None:
    appender = await broker.appender()
    positions = [await appender.append(outgoing(value, partition=3)) for value in ("a", "b")]
    await appender.close()
    assert positions == [Position(LEFT, 3, 0), Position(LEFT, 3, 1)]


async def test_no_key_and_an_empty_value_are_not_the_same_as_an_empty_key_and_no_value(broker: Broker) -> None:
    await append(broker, Outgoing(LEFT, 0, None, b""), Outgoing(LEFT, 0, b"", None))
    assert [(record.key, record.value) for record in await everything(broker)] == [(None, b""), (b"", None)]


async def test_a_tombstone_is_a_record_without_value(broker: Broker) -> None:
    await append(broker, Outgoing(KEPT, 0, b"key", b"value"), Outgoing(KEPT, 0, b"key", None))
    assert (await everything(broker, TopicPartition(KEPT, 0)))[-1].value is None


async def test_records_of_a_partition_are_read_in_the_order_in_which_they_were_acknowledged(broker: Broker) -> None:
    numbers = [str(number) for number in range(50)]
    await append(broker, *[outgoing(number) for number in numbers])
    assert values(await everything(broker)) == numbers


async def test_an_appended_record_is_stable_at_once(broker: Broker) -> None:
    await append(broker, outgoing("a"))
    assert await stable_end(broker) == 1


async def test_partitions_do_not_see_each_other(broker: Broker) -> None:
    await append(broker, outgoing("zero", partition=0), outgoing("one", partition=1))
    assert values(await everything(broker, TopicPartition(LEFT, 1))) == ["one"]


async def test_a_record_over_the_topics_limit_is_refused_and_the_next_is_taken(broker: Broker) -> None:
    appender = await broker.appender()
    with pytest.raises(Refused):
        await appender.append(Outgoing(LEFT, 0, b"key", b"x" * LIMIT))
    await appender.append(outgoing("small"))
    await appender.close()
    assert values(await everything(broker)) == ["small"]


async def test_a_record_just_under_the_topics_limit_is_taken(broker: Broker) -> None:
    await append(broker, Outgoing(LEFT, 0, b"key", b"x" * (LIMIT - 200)))
    assert len((await everything(broker))[0].value or b"") == LIMIT - 200


async def test_a_compacted_topic_takes_no_record_without_a_key(broker: Broker) -> None:
    appender = await broker.appender()
    with pytest.raises(Refused):
        await appender.append(Outgoing(KEPT, 0, None, b"value"))
    await appender.close()
