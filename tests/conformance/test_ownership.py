"""What a group and a transactional id say about who owns a partition, and what they do not.

A group's generation protects nothing here: aiokafka speaks TxnOffsetCommit in version 0, which does not carry it
(https://github.com/aio-libs/aiokafka/issues/844). Only the next owner's taking of the id ends what the one before may
do. Whoever reads positions before that reads what may still change.
"""

from __future__ import annotations

import asyncio

import pytest

from pipeline.broker import Broker, Fenced
from schemas.records import TopicPartition
from tests.conformance.forces import Forces
from tests.conformance.reading import Reader, Readers, shared
from tests.conformance.world import LEFT, LEFT_0, RIGHT, RIGHT_0, append, eventually, outgoing, values


async def lose_partition_0(broker: Broker, readers: Readers) -> None:
    """A member has everything, and then leaves: its group is in another generation, in other hands."""
    before = await readers.start("stage")
    await shared(broker, before)
    after = await readers.start("stage")
    await shared(broker, before, after)
    await before.stop()
    await shared(broker, after)


async def test_a_revoked_owner_still_commits_until_the_next_has_taken_its_id_and_never_after(
    broker: Broker, readers: Readers
) -> None:
    revoked = await broker.producer("stage-0")
    await revoked.begin()
    await revoked.send([outgoing("late", RIGHT)])
    await lose_partition_0(broker, readers)
    too_early = await broker.committed("stage", [LEFT_0])
    await revoked.commit("stage", {LEFT_0: 7})
    owner = await broker.producer("stage-0")
    assert await broker.committed("stage", [LEFT_0]) == {LEFT_0: 7} != too_early
    assert await broker.stable_ends([RIGHT_0]) == {RIGHT_0: 2}, "the taking waits for its markers"
    await revoked.begin()
    with pytest.raises(Fenced):
        await revoked.commit("stage", {LEFT_0: 8})
    assert await broker.committed("stage", [LEFT_0]) == {LEFT_0: 7}
    await revoked.close()
    await owner.close()


async def test_an_owner_is_not_fenced_by_losing_its_membership(broker: Broker, readers: Readers) -> None:
    revoked = await broker.producer("stage-0")
    await lose_partition_0(broker, readers)
    for offset in (1, 2):
        await revoked.begin()
        await revoked.send([outgoing(str(offset), RIGHT)])
        await revoked.commit("stage", {LEFT_0: offset})
    await eventually(lambda: broker.committed("stage", [LEFT_0]), lambda found: found == {LEFT_0: 2})
    await revoked.close()


async def test_the_offsets_of_an_open_transaction_are_not_seen_and_not_after_its_end_by_the_next_owner(
    broker: Broker,
) -> None:
    earlier = await broker.producer("stage-0")
    await earlier.begin()
    await earlier.commit("stage", {LEFT_0: 3})
    await earlier.begin()
    await earlier.send([outgoing("open")])
    owner = await broker.producer("stage-0")
    assert await broker.committed("stage", [LEFT_0]) == {LEFT_0: 3}
    await earlier.close()
    await owner.close()


# --- the barrier -------------------------------------------------------------------------------------------------


async def test_nobody_is_given_anything_before_everybody_has_given_up_what_it_had(
    broker: Broker, readers: Readers
) -> None:
    slow = await readers.start()
    await shared(broker, slow)
    slow.holds_on()
    joining = asyncio.create_task(readers.start())
    await slow.until(lambda reader: reader.told[-1] == "revoked")
    await asyncio.wait([joining], timeout=1.0)
    assert not any(reader.numbers for reader in readers.everyone)
    slow.lets_go()
    joined = await joining
    await shared(broker, slow, joined)
    assert slow.told == ["assigned", "revoked", "assigned"]


async def test_a_member_that_hangs_in_its_listener_is_left_behind_with_its_session(
    broker: Broker, readers: Readers, forces: Forces
) -> None:
    hanging = await readers.start()
    await shared(broker, hanging)
    hanging.holds_on()
    joining = asyncio.create_task(readers.start())
    await hanging.until(lambda reader: reader.told[-1] == "revoked")
    await forces.end_session("readers", "readers-1")
    joined = await joining
    await joined.until(lambda reader: reader.numbers == frozenset(range(broker.partitions)))
    assert hanging.numbers is None
    hanging.lets_go()
    await shared(broker, hanging, joined)


# --- a rolling upgrade ---------------------------------------------------------------------------------------------


def topics_of(reader: Reader) -> set[str]:
    return {record.topic for record in reader.records}


async def test_a_topic_that_an_upgrade_adds_follows_the_numbers_of_the_others(broker: Broker, readers: Readers) -> None:
    """Old members never get it; where an old one has the number, nobody reads it, until a new one takes over."""
    old = await readers.start()
    new = await readers.start(topics=(LEFT, RIGHT))
    await shared(broker, old, new)
    numbers = range(broker.partitions)
    for topic in (LEFT, RIGHT):
        await append(broker, *[outgoing(f"{topic} {number}", topic, number) for number in numbers])
    expected = {f"{topic} {number}" for topic in (LEFT, RIGHT) for number in new.numbers or ()}
    await new.until(lambda reader: set(values(reader.records)) == expected)
    await old.until(lambda reader: len(reader.records) == len(old.numbers or ()))
    assert topics_of(old) == {LEFT}
    assert {record.partition for record in old.records}.isdisjoint({record.partition for record in new.records})
    left_behind = [TopicPartition(RIGHT, number) for number in old.numbers or ()]
    assert [reader.member.position(at) for reader in (old, new) for at in left_behind] == [None] * 4
    await old.stop()
    newer = await readers.start(topics=(LEFT, RIGHT))
    await shared(broker, new, newer)
    for reader in (new, newer):
        assert reader.numbers
        mine = {f"{topic} {number}" for topic in (LEFT, RIGHT) for number in reader.numbers}
        await reader.until(lambda reader, mine=mine: mine <= set(values(reader.records)))  # type: ignore[misc]


async def test_whoever_gives_out_numbers_gives_an_old_member_no_topic_that_it_does_not_know(
    broker: Broker, readers: Readers
) -> None:
    """The new one was there first, and so is the one who gives out."""
    new = await readers.start(topics=(LEFT, RIGHT))
    await shared(broker, new)
    old = await readers.start()
    await shared(broker, new, old)
    assert all(old.member.position(TopicPartition(RIGHT, number)) is None for number in range(broker.partitions))
    for number in new.numbers or ():
        assert new.member.position(TopicPartition(RIGHT, number)) == 0
