"""One transactional id has one owner: the newest."""

from __future__ import annotations

import pytest

from pipeline.broker import Broker, Fenced
from tests.conformance.world import (
    LEFT_0,
    eventually,
    everything,
    high_watermark,
    outgoing,
    stable_end,
    transact,
    values,
)


async def test_a_new_owner_ends_the_open_transaction_of_the_earlier_before_it_has_the_id(broker: Broker) -> None:
    earlier = await broker.producer("task")
    await earlier.begin()
    await earlier.send([outgoing("never")])
    owner = await broker.producer("task")
    assert await stable_end(broker) == await high_watermark(broker) == 2
    assert await everything(broker) == []
    await earlier.close()
    await owner.close()


async def test_the_earlier_owner_cannot_send(broker: Broker) -> None:
    earlier = await broker.producer("task")
    await earlier.begin()
    owner = await broker.producer("task")
    with pytest.raises(Fenced):
        await earlier.send([outgoing("never")])
    await transact(owner, "owner")
    assert values(await everything(broker)) == ["owner"]
    await earlier.close()
    await owner.close()


async def test_the_earlier_owner_cannot_commit(broker: Broker) -> None:
    earlier = await broker.producer("task")
    await earlier.begin()
    await earlier.send([outgoing("never")])
    owner = await broker.producer("task")
    with pytest.raises(Fenced):
        await earlier.commit("stage", {LEFT_0: 1})
    assert await everything(broker) == []
    assert await broker.committed("stage", [LEFT_0]) == {LEFT_0: None}
    await earlier.close()
    await owner.close()


async def test_the_earlier_owner_cannot_commit_offsets_alone(broker: Broker) -> None:
    earlier = await broker.producer("task")
    await earlier.begin()
    owner = await broker.producer("task")
    await owner.begin()
    await owner.commit("stage", {LEFT_0: 2})
    with pytest.raises(Fenced):
        await earlier.commit("stage", {LEFT_0: 1})
    await eventually(lambda: broker.committed("stage", [LEFT_0]), lambda found: found == {LEFT_0: 2})
    await earlier.close()
    await owner.close()


async def test_the_earlier_owner_cannot_abort_the_transaction_of_the_new_one(broker: Broker) -> None:
    earlier = await broker.producer("task")
    await earlier.begin()
    await earlier.send([outgoing("never")])
    owner = await broker.producer("task")
    await owner.begin()
    await owner.send([outgoing("owner")])
    with pytest.raises(Fenced):
        await earlier.abort()
    await owner.commit("nobody", {})
    assert values(await everything(broker)) == ["owner"]
    await earlier.close()
    await owner.close()


async def test_what_the_earlier_owner_committed_stays(broker: Broker) -> None:
    earlier = await broker.producer("task")
    await transact(earlier, "earlier")
    owner = await broker.producer("task")
    await transact(owner, "owner")
    assert values(await everything(broker)) == ["earlier", "owner"]
    await earlier.close()
    await owner.close()


async def test_other_ids_are_not_fenced(broker: Broker) -> None:
    one = await broker.producer("task-1")
    eleven = await broker.producer("task-11")
    await transact(one, "one")
    await transact(eleven, "eleven")
    assert values(await everything(broker)) == ["one", "eleven"]
    await one.close()
    await eleven.close()
