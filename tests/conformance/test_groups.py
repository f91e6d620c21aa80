"""Members of a group share partition numbers, and start anew after every rebalance."""

from __future__ import annotations

from pipeline.broker import Broker
from schemas.records import TopicPartition
from tests.conformance.reading import Readers, shared
from tests.conformance.world import LEFT, LEFT_0, RIGHT, append, outgoing, values


async def test_a_single_member_has_every_number(broker: Broker, readers: Readers) -> None:
    reader = await readers.start()
    await shared(broker, reader)
    assert reader.numbers == frozenset(range(broker.partitions))


async def test_two_members_have_half_of_the_numbers_each(broker: Broker, readers: Readers) -> None:
    one, two = await readers.start(), await readers.start()
    await shared(broker, one, two)
    assert len(one.numbers or ()) == len(two.numbers or ()) == broker.partitions // 2


async def test_the_same_number_of_every_topic_is_read_by_the_same_member(broker: Broker, readers: Readers) -> None:
    one = await readers.start(topics=(LEFT, RIGHT))
    two = await readers.start(topics=(LEFT, RIGHT))
    await shared(broker, one, two)
    numbers = range(broker.partitions)
    await append(broker, *[outgoing(str(number), topic, number) for topic in (LEFT, RIGHT) for number in numbers])
    for reader in (one, two):
        assert reader.numbers is not None
        await reader.until(lambda reader: len(reader.records) >= 2 * len(reader.numbers or ()))
        assert sorted({record.partition for record in reader.records}) == sorted(reader.numbers)
        assert {record.topic for record in reader.records} == {LEFT, RIGHT}


async def test_a_third_member_takes_from_the_others_no_more_than_it_needs(broker: Broker, readers: Readers) -> None:
    one, two = await readers.start(), await readers.start()
    await shared(broker, one, two)
    before = (one.numbers or frozenset(), two.numbers or frozenset())
    three = await readers.start()
    await shared(broker, one, two, three)
    assert (one.numbers or frozenset()) <= before[0]
    assert (two.numbers or frozenset()) <= before[1]
    assert len(three.numbers or ()) == 1


async def test_a_member_that_leaves_hands_its_numbers_over(broker: Broker, readers: Readers) -> None:
    one, two, three = await readers.start(), await readers.start(), await readers.start()
    await shared(broker, one, two, three)
    kept = one.numbers or frozenset()
    await three.stop()
    await shared(broker, one, two)
    assert kept <= (one.numbers or frozenset())


async def test_those_who_stay_keep_what_they_have_when_the_first_one_leaves(broker: Broker, readers: Readers) -> None:
    one, two, three = await readers.start(), await readers.start(), await readers.start()
    await shared(broker, one, two, three)
    kept = (two.numbers or frozenset(), three.numbers or frozenset())
    await one.stop()
    await shared(broker, two, three)
    assert kept[0] <= (two.numbers or frozenset())
    assert kept[1] <= (three.numbers or frozenset())


async def test_the_last_one_to_stay_has_everything(broker: Broker, readers: Readers) -> None:
    one, two = await readers.start(), await readers.start()
    await shared(broker, one, two)
    await one.stop()
    await shared(broker, two)


async def test_members_above_the_partition_count_wait_with_nothing(broker: Broker, readers: Readers) -> None:
    everyone = [await readers.start() for _ in range(broker.partitions + 1)]
    await shared(broker, *everyone)
    assert sorted(len(reader.numbers or ()) for reader in everyone) == [0] + [1] * broker.partitions


async def test_groups_do_not_share_with_one_another(broker: Broker, readers: Readers) -> None:
    one, other = await readers.start(group="one"), await readers.start(group="other")
    await append(broker, outgoing("a"))
    await one.has("a")
    await other.has("a")


async def test_every_member_is_told_that_it_loses_what_it_has_before_it_is_given_anything(
    broker: Broker, readers: Readers
) -> None:
    one = await readers.start()
    await shared(broker, one)
    one.told.clear()
    two = await readers.start()
    await shared(broker, one, two)
    assert one.told[:2] == ["revoked", "assigned"]


async def test_after_a_rebalance_every_partition_is_paused_at_the_beginning_kept_ones_too(
    broker: Broker, readers: Readers
) -> None:
    one = await readers.start(resumes=frozenset())
    await shared(broker, one)
    await append(broker, *[outgoing(f"a{number}", partition=number) for number in range(broker.partitions)])
    one.resume([TopicPartition(LEFT, number) for number in range(broker.partitions)])
    await one.until(lambda reader: len(reader.records) == broker.partitions)
    two = await readers.start(resumes=frozenset())
    await shared(broker, one, two)
    assert one.numbers
    kept = [TopicPartition(LEFT, number) for number in sorted(one.numbers)]
    assert [one.member.position(partition) for partition in kept] == [0] * len(kept)
    one.records.clear()
    one.resume(kept[1:])
    await one.has(*[f"a{partition.partition}" for partition in kept[1:]])
    one.resume(kept[:1])
    await one.until(lambda reader: len(reader.records) == len(kept))
    assert values(one.records)[-1] == f"a{kept[0].partition}"


async def test_a_partition_that_is_not_ours_any_more_has_no_position(broker: Broker, readers: Readers) -> None:
    one = await readers.start()
    await shared(broker, one)
    two = await readers.start()
    await shared(broker, one, two)
    numbers = one.numbers or frozenset()
    for number in range(broker.partitions):
        assert (one.member.position(TopicPartition(LEFT, number)) is not None) == (number in numbers)


async def test_seek_pause_and_resume_of_a_partition_that_is_not_ours_do_nothing(
    broker: Broker, readers: Readers
) -> None:
    one, two = await readers.start(), await readers.start()
    await shared(broker, one, two)
    owner, stranger = (one, two) if 0 in (one.numbers or ()) else (two, one)
    stranger.member.pause([LEFT_0])
    stranger.member.seek(LEFT_0, 0)
    stranger.member.resume([LEFT_0])
    assert stranger.member.position(LEFT_0) is None
    await append(broker, outgoing("a"))
    await owner.has("a")
    assert stranger.records == []
