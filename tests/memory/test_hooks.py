"""What Kafka does by itself as time passes, done by hand."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.broker import Fenced, OutOfRange, Refused
from pipeline.memory import MemoryBroker
from schemas.records import Outgoing, Position, TopicPartition
from tests.memory.world import LOG_0, LOG_1, Ear, append, everything, join, outgoing, read_from, take

KEPT_0 = TopicPartition("kept", 0)


async def test_truncation_moves_the_beginning_and_keeps_offsets(broker: MemoryBroker) -> None:
    await append(broker, *[outgoing(value) for value in "abcd"])
    broker.truncate(LOG_0, 2)
    assert await broker.beginnings([LOG_0]) == {LOG_0: 2}
    assert await everything(broker) == ["c", "d"]
    assert await broker.fetch(Position("log", 0, 1)) is None
    kept = await broker.fetch(Position("log", 0, 2))
    assert kept is not None
    assert kept.value == b"c"


async def test_records_after_a_truncation_go_on_with_the_offsets(broker: MemoryBroker) -> None:
    await append(broker, outgoing("a"), outgoing("b"))
    broker.truncate(LOG_0, 2)
    appender = await broker.appender()
    assert await appender.append(outgoing("c")) == Position("log", 0, 2)


async def test_truncation_of_what_is_not_stable_is_an_error(broker: MemoryBroker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("open")])
    with pytest.raises(ValueError, match="stable"):
        broker.truncate(LOG_0, 1)


async def test_an_older_truncation_changes_nothing(broker: MemoryBroker) -> None:
    await append(broker, *[outgoing(value) for value in "abc"])
    broker.truncate(LOG_0, 2)
    broker.truncate(LOG_0, 1)
    assert await everything(broker) == ["c"]


async def test_a_poll_at_a_truncated_position_raises_until_somebody_seeks(broker: MemoryBroker) -> None:
    await append(broker, *[outgoing(value) for value in "abc"])
    member, _ = await join(broker)
    await take(member)
    read_from(member, LOG_0)
    broker.truncate(LOG_0, 1)
    for _ in range(2):
        with pytest.raises(OutOfRange, match="log/0: offset 0"):
            await take(member)
    member.seek(LOG_0, 1)
    assert await take(member) == ["b", "c"]


async def test_what_is_out_of_range_costs_no_record_of_another_partition(broker: MemoryBroker) -> None:
    await append(broker, outgoing("a"), outgoing("b"), outgoing("other", partition=1))
    member, _ = await join(broker)
    await take(member)
    read_from(member, LOG_1)
    read_from(member, LOG_0)
    broker.truncate(LOG_0, 1)
    with pytest.raises(OutOfRange):
        await take(member)
    member.pause([LOG_0])
    assert await take(member) == ["other"]


async def test_a_read_from_a_truncated_offset_is_out_of_range(broker: MemoryBroker) -> None:
    await append(broker, *[outgoing(value) for value in "abc"])
    broker.truncate(LOG_0, 2)
    with pytest.raises(OutOfRange):
        await anext(broker.read(LOG_0, 1, 3))


async def test_compaction_keeps_the_newest_of_every_key_at_its_offset(broker: MemoryBroker) -> None:
    written = [(b"one", b"old"), (b"two", b"only"), (b"one", b"new")]
    await append(broker, *[Outgoing("kept", 0, key, value) for key, value in written])
    broker.compact(KEPT_0)
    assert await everything(broker, KEPT_0) == ["only", "new"]
    assert await broker.fetch(Position("kept", 0, 0)) is None
    assert await broker.high_watermarks([KEPT_0]) == {KEPT_0: 3}


async def test_a_tombstone_goes_with_the_second_compaction(broker: MemoryBroker) -> None:
    await append(broker, Outgoing("kept", 0, b"key", b"value"), Outgoing("kept", 0, b"key", None))
    broker.compact(KEPT_0)
    tombstone = await broker.fetch(Position("kept", 0, 1))
    assert tombstone is not None
    assert tombstone.value is None
    broker.compact(KEPT_0)
    assert await broker.fetch(Position("kept", 0, 1)) is None


async def test_compaction_leaves_alone_what_is_not_stable(broker: MemoryBroker) -> None:
    await append(broker, outgoing("key", "kept"))
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("key", "kept")])
    await append(broker, outgoing("key", "kept"))
    broker.compact(KEPT_0)
    await producer.abort()
    assert await everything(broker, KEPT_0) == ["key", "key"]


async def test_an_aborted_record_does_not_push_out_the_one_before_it(broker: MemoryBroker) -> None:
    await append(broker, outgoing("key", "kept"))
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("key", "kept")])
    await producer.abort()
    broker.compact(KEPT_0)
    assert await broker.fetch(Position("kept", 0, 0)) is not None


async def test_an_id_fenced_from_outside_aborts_and_its_producer_is_over(broker: MemoryBroker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("never")])
    broker.fence("task")
    assert await broker.stable_ends([LOG_0]) == {LOG_0: 2}
    for _ in range(2):
        with pytest.raises(Fenced):
            await producer.commit("stage", {LOG_0: 1})
    with pytest.raises(Fenced):
        await producer.begin()
    assert await everything(broker) == []


async def test_an_expelled_member_loses_its_numbers_and_joins_again_at_its_next_poll(broker: MemoryBroker) -> None:
    one, one_ear = await join(broker)
    await take(one)
    two, two_ear = await join(broker)
    assert await take(two) == []
    assert two_ear.told == []
    broker.expel("stage", "stage-1")
    await take(two)
    assert two_ear.told == [frozenset({0, 1})]
    assert one_ear.told == [frozenset({0, 1})]
    await take(one)
    assert one_ear.told == [frozenset({0, 1}), None]
    await take(two)
    await take(one)
    assert sorted(one_ear.told[-1] or ()) + sorted(two_ear.told[-1] or ()) in ([0, 1], [1, 0])


async def test_nobody_gets_numbers_before_everybody_has_given_up_what_it_had(broker: MemoryBroker) -> None:
    one, one_ear = await join(broker)
    await take(one)
    two, two_ear = await join(broker)
    await take(two)
    assert (len(one_ear.told), len(two_ear.told)) == (1, 0)
    await take(one)
    await take(two)
    assert (len(one_ear.told), len(two_ear.told)) == (3, 1)


async def test_a_member_keeps_reading_until_it_hears_of_the_rebalance(broker: MemoryBroker) -> None:
    one, ear = await join(broker)
    await take(one)
    read_from(one, LOG_0)
    await append(broker, outgoing("a"))
    assert await take(one) == ["a"]
    await join(broker)
    await append(broker, outgoing("b"))
    assert await take(one) == []
    assert ear.told[1] is None


async def test_a_poll_that_waits_hears_of_a_rebalance_and_of_its_end(broker: MemoryBroker) -> None:
    one, one_ear = await join(broker)
    await take(one)
    waiting = asyncio.create_task(one.poll(60, 1))
    await asyncio.wait([waiting], timeout=0.01)
    two, two_ear = await join(broker)
    also_waiting = asyncio.create_task(two.poll(60, 1))
    async with asyncio.timeout(5):
        while len(one_ear.told) < 3 or not two_ear.told:
            await broker.topics()
    assert one_ear.told[1:] == [None, frozenset({0})]
    assert two_ear.told == [frozenset({1})]
    for member, polling in ((one, waiting), (two, also_waiting)):
        await member.stop()
        await polling


async def test_a_member_that_is_stopped_by_its_own_listener_does_not_join_again(broker: MemoryBroker) -> None:
    class Leaving(Ear):
        async def revoked(self) -> None:
            await member.stop()

    member = broker.member("stage", ["log"])
    await member.start(Leaving())
    await take(member)
    other, ear = await join(broker)
    assert await take(member) == []
    await take(other)
    assert ear.told == [frozenset({0, 1})]


async def test_a_partition_with_much_to_read_does_not_starve_another(broker: MemoryBroker) -> None:
    await append(broker, *[outgoing(str(number)) for number in range(10)], outgoing("other", partition=1))
    member, _ = await join(broker)
    await take(member)
    read_from(member, LOG_0)
    read_from(member, LOG_1)
    assert await take(member, 2) + await take(member, 2) == ["0", "1", "other", "2"]


async def test_a_refused_send_writes_nothing_at_all(broker: MemoryBroker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    with pytest.raises(Refused):
        await producer.send([outgoing("small"), outgoing("x" * 2_000)])
    assert await broker.high_watermarks([LOG_0]) == {LOG_0: 0}


async def test_a_record_of_an_open_transaction_cannot_be_fetched(broker: MemoryBroker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("open")])
    assert await broker.fetch(Position("log", 0, 0)) is None


async def test_forgotten_offsets_are_none(broker: MemoryBroker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.commit("stage", {LOG_0: 3})
    broker.forget_offsets("stage")
    assert await broker.committed("stage", [LOG_0]) == {LOG_0: None}


async def test_markers_of_one_transaction_can_come_at_different_times(broker: MemoryBroker) -> None:
    broker.hold_markers(LOG_1)
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("zero"), outgoing("one", partition=1)])
    await producer.commit("stage", {})
    assert await broker.stable_ends([LOG_0, LOG_1]) == {LOG_0: 2, LOG_1: 0}
    assert await broker.high_watermarks([LOG_0, LOG_1]) == {LOG_0: 2, LOG_1: 1}
    broker.release_markers(LOG_1)
    assert await broker.stable_ends([LOG_1]) == {LOG_1: 2}
    assert await everything(broker, LOG_1) == ["one"]


async def test_a_producer_and_its_successor_wait_for_the_markers_of_the_transaction_before(
    broker: MemoryBroker,
) -> None:
    broker.hold_markers(LOG_0)
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("a")])
    await producer.commit("stage", {})
    await producer.begin()
    sending = asyncio.create_task(producer.send([outgoing("b")]))
    taking = asyncio.create_task(broker.producer("task"))
    done, _ = await asyncio.wait([sending, taking], timeout=0.05)
    assert not done
    broker.release_markers(LOG_0)
    await taking
    with pytest.raises(Fenced):
        await sending
    assert await everything(broker) == ["a"]


async def test_offsets_alone_wait_for_the_markers_of_the_transaction_before_too(broker: MemoryBroker) -> None:
    """Else the next owner would wait for theirs only, and read a changelog that is not at its end yet."""
    broker.hold_markers(LOG_0)
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("a")])
    await producer.commit("stage", {LOG_0: 1})
    await producer.begin()
    committing = asyncio.create_task(producer.commit("stage", {LOG_0: 1}))
    taking = asyncio.create_task(broker.producer("task"))
    done, _ = await asyncio.wait([committing, taking], timeout=0.05)
    assert not done
    broker.release_markers(LOG_0)
    await taking
    with pytest.raises(Fenced):
        await committing
    assert await everything(broker) == ["a"]


async def test_a_read_to_an_end_that_is_not_stable_waits_for_it(broker: MemoryBroker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("a")])
    reading = asyncio.ensure_future(anext(broker.read(LOG_0, 0, 1)))
    done, _ = await asyncio.wait([reading], timeout=0.05)
    assert not done
    await producer.commit("stage", {})
    assert [record.value for record in await reading] == [b"a"]


async def test_a_member_that_stops_ends_the_poll_that_is_waiting(broker: MemoryBroker) -> None:
    member, _ = await join(broker)
    await take(member)
    polling = asyncio.create_task(member.poll(60, 1))
    await asyncio.wait([polling], timeout=0.01)
    await member.stop()
    assert await asyncio.wait_for(polling, 5) == {}


async def test_a_deleted_topic_takes_the_offsets_committed_on_it_along(broker: MemoryBroker) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.commit("stage", {LOG_0: 3, TopicPartition("out", 0): 4})
    await broker.delete_topics(["log"])
    out = TopicPartition("out", 0)
    assert await broker.committed("stage", [LOG_0, out]) == {LOG_0: None, out: 4}
