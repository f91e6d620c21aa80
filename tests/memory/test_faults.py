"""What the script orders, happens: so that tests can order it of the runtime."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.broker import InDoubt, Refused, Unavailable
from pipeline.memory import Call, Fate, MemoryBroker, Script
from tests.memory.world import LOG_0, append, everything, join, outgoing, read_from, take


async def test_a_refused_send_leaves_only_abort(broker: MemoryBroker, script: Script) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("before")])
    script.next(Call.SEND, Fate.REFUSED)
    with pytest.raises(Refused):
        await producer.send([outgoing("refused")])
    with pytest.raises(Refused):
        await producer.send([outgoing("behind it")])
    with pytest.raises(Refused):
        await producer.commit("stage", {LOG_0: 1})
    await producer.abort()
    assert await everything(broker) == []


async def test_only_the_next_calls_meet_their_fate(broker: MemoryBroker, script: Script) -> None:
    script.next(Call.APPEND, Fate.REFUSED, Fate.UNAVAILABLE)
    appender = await broker.appender()
    with pytest.raises(Refused):
        await appender.append(outgoing("a"))
    with pytest.raises(Unavailable):
        await appender.append(outgoing("b"))
    await appender.append(outgoing("c"))
    assert await everything(broker) == ["c"]


async def test_an_append_whose_answer_is_lost_is_on_the_log(broker: MemoryBroker, script: Script) -> None:
    script.next(Call.APPEND, Fate.ANSWER_LOST)
    appender = await broker.appender()
    with pytest.raises(Unavailable):
        await appender.append(outgoing("a"))
    assert await everything(broker) == ["a"]


async def test_a_commit_in_doubt_may_have_happened(broker: MemoryBroker, script: Script) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("a")])
    script.next(Call.COMMIT, Fate.ANSWER_LOST)
    with pytest.raises(InDoubt):
        await producer.commit("stage", {LOG_0: 1})
    assert await everything(broker) == ["a"]
    assert await broker.committed("stage", [LOG_0]) == {LOG_0: 1}


async def test_a_commit_in_doubt_may_not_have_happened_and_stays_open_until_the_next_owner(
    broker: MemoryBroker, script: Script
) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("a")])
    script.next(Call.COMMIT, Fate.UNAVAILABLE)
    with pytest.raises(InDoubt):
        await producer.commit("stage", {LOG_0: 1})
    assert await broker.stable_ends([LOG_0]) == {LOG_0: 0}
    await broker.producer("task")
    assert await broker.stable_ends([LOG_0]) == {LOG_0: 2}
    assert await everything(broker) == []
    assert await broker.committed("stage", [LOG_0]) == {LOG_0: None}


@pytest.mark.parametrize("fate", [Fate.UNAVAILABLE, Fate.ANSWER_LOST])
async def test_a_producer_in_doubt_can_do_nothing_more(broker: MemoryBroker, script: Script, fate: Fate) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    await producer.send([outgoing("a")])
    script.next(Call.COMMIT, fate)
    with pytest.raises(InDoubt):
        await producer.commit("stage", {LOG_0: 1})
    with pytest.raises(InDoubt):
        await producer.commit("stage", {LOG_0: 1})
    with pytest.raises(InDoubt):
        await producer.abort()
    with pytest.raises(InDoubt):
        await producer.begin()


async def test_an_abort_without_an_answer_can_be_asked_for_again(broker: MemoryBroker, script: Script) -> None:
    producer = await broker.producer("task")
    for fate in (Fate.UNAVAILABLE, Fate.ANSWER_LOST):
        await producer.begin()
        await producer.send([outgoing("never")])
        script.next(Call.ABORT, fate)
        with pytest.raises(Unavailable):
            await producer.abort()
        await producer.abort()
    assert await everything(broker) == []
    assert await broker.stable_ends([LOG_0]) == {LOG_0: 4}


async def test_a_send_whose_answer_is_lost_can_only_be_aborted(broker: MemoryBroker, script: Script) -> None:
    producer = await broker.producer("task")
    await producer.begin()
    script.next(Call.SEND, Fate.ANSWER_LOST)
    with pytest.raises(Unavailable):
        await producer.send([outgoing("a")])
    with pytest.raises(Unavailable):
        await producer.commit("stage", {})
    await producer.abort()
    assert await broker.high_watermarks([LOG_0]) == {LOG_0: 2}
    assert await everything(broker) == []


async def test_taking_an_id_without_an_answer_may_still_fence(broker: MemoryBroker, script: Script) -> None:
    earlier = await broker.producer("task")
    await earlier.begin()
    await earlier.send([outgoing("a")])
    script.next(Call.INIT, Fate.UNAVAILABLE, Fate.ANSWER_LOST)
    with pytest.raises(Unavailable):
        await broker.producer("task")
    assert await broker.stable_ends([LOG_0]) == {LOG_0: 0}
    with pytest.raises(Unavailable):
        await broker.producer("task")
    assert await broker.stable_ends([LOG_0]) == {LOG_0: 2}


async def test_while_it_is_down_nothing_works_and_a_poll_is_empty(broker: MemoryBroker, script: Script) -> None:
    await append(broker, outgoing("a"))
    member, _ = await join(broker)
    await take(member)
    read_from(member, LOG_0)
    appender = await broker.appender()
    script.go_down()
    with pytest.raises(Unavailable):
        await broker.producer("task")
    with pytest.raises(Unavailable):
        await broker.high_watermarks([LOG_0])
    with pytest.raises(Unavailable):
        await appender.append(outgoing("b"))
    with pytest.raises(Unavailable):
        await anext(broker.read(LOG_0, 0, 1))
    assert await take(member) == []
    script.come_back()
    assert await take(member) == ["a"]


async def test_a_held_call_reaches_the_broker_when_it_is_released(broker: MemoryBroker, script: Script) -> None:
    appender = await broker.appender()
    script.hold(Call.APPEND)
    appending = asyncio.create_task(appender.append(outgoing("a")))
    done, _ = await asyncio.wait([appending], timeout=0.05)
    assert not done
    assert await everything(broker) == []
    script.release(Call.APPEND)
    await appending
    assert await everything(broker) == ["a"]


async def test_an_unknown_topic_is_unavailable(broker: MemoryBroker) -> None:
    appender = await broker.appender()
    with pytest.raises(Unavailable, match="nowhere"):
        await appender.append(outgoing("a", "nowhere"))


async def test_a_transaction_that_was_not_begun_is_a_defect(broker: MemoryBroker) -> None:
    producer = await broker.producer("task")
    with pytest.raises(RuntimeError, match="ready"):
        await producer.send([outgoing("a")])
    await producer.begin()
    with pytest.raises(RuntimeError, match="open"):
        await producer.begin()
