"""`dispatch` in the real runner, on the broker in memory: what is committed when, and who repeats after a death."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from pipeline.clock import VirtualClock
from pipeline.simulators.opentext import OpenTextFault
from pipeline.surroundings import StageSpec
from pipeline.worker import Worker
from schemas import topics
from schemas.codec import encode
from schemas.notifications import Channel, Receipt, SendingState, SendingStatus
from schemas.records import Outgoing, partition_of
from stages.channels.submission import Submission
from stages.dispatch import Dispatch
from stages.opentext.answers import SubmitAnswer
from tests.pipeline.world import World, at_work, doomed, memory_world, until
from tests.stages.opentext.desk import Account, configuration, notification, told
from tests.stages.opentext.world import settings, simulated

S = SendingState
INPUTS = (topics.NOTIFICATIONS, topics.SENDING_STATUS)
TAKEOVER = timedelta(seconds=10)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class RealTime(VirtualClock):
    """Runs as everybody's."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wall(self) -> datetime:
        return datetime.now(UTC)


def dispatching(world: World, stage: Dispatch) -> Worker:
    """A worker of `dispatch` as the topology has it."""
    return Worker(StageSpec("dispatch", INPUTS, stage, TAKEOVER), world.around())


async def append(world: World, topic: str, value: msgspec.Struct) -> None:
    appender = await world.broker.appender()
    headers = (("traceparent", TRACE.encode()), ("schemaversion", b"1"))
    partition = partition_of(b"desk", world.broker.partitions)
    await appender.append(Outgoing(topic, partition, b"desk", encode(value), headers))
    await appender.close()


async def receipts(world: World) -> list[Receipt]:
    records = await world.records(topics.RECEIPTS)
    return [msgspec.json.decode(record.value or b"", type=Receipt) for record in records]


async def test_a_notification_on_the_log_reaches_opentext_and_its_receipts_follow_it_to_the_end() -> None:
    world = await memory_world()
    world.clock = RealTime(datetime.now(UTC))
    async with simulated() as outside:
        configured = configuration()
        opentext = settings(outside.url, poll_first=timedelta(milliseconds=20))
        client = outside.client(poll_first=timedelta(milliseconds=20))
        stage = Dispatch(replace(configured, opentext=opentext), client)
        async with at_work(dispatching(world, stage)):
            await append(world, topics.NOTIFICATIONS, notification("m1"))
            await append(world, topics.NOTIFICATIONS, notification("m1"))
            await append(world, topics.NOTIFICATIONS, notification("m2", channel=Channel.SMS))

            async def all_delivered() -> bool:
                return sum(receipt.state is S.DELIVERED for receipt in await receipts(world)) == 2

            await until(all_delivered)

        first, second = outside.simulator.sent
        assert (first.message_id, first.repeats, first.traceparent) == ("m1", 0, TRACE)
        assert (first.medium, first.destinations) == ("emails", ["ada@example.com", "bob@example.com"])
        assert (second.medium, second.message_id, second.destinations) == ("sms", "m2", ["+15005550101"])
        last = {receipt.message_id: receipt for receipt in await receipts(world)}
        assert [reached.ref for reached in last["m1"].recipients] == ["ada", "bob"]
        assert last["m1"].job_id == first.job_id


class Reading(Account):
    """Looks at the log whenever it is called."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.remembered: list[bool] = []

    async def submit(self, submission: Submission, message_id: str, trace: str | None = None) -> SubmitAnswer:
        keys = [record.key for record in await self.world.records(topics.state_of("dispatch"))]
        self.remembered.append(b"desk\x00waiting\x00" + message_id.encode() in keys)
        return await super().submit(submission, message_id, trace)


async def test_the_intent_is_on_the_log_before_the_call() -> None:
    world = await memory_world()
    account = Reading(world)
    async with at_work(dispatching(world, Dispatch(configuration(), account))):
        for number in range(5):
            await append(world, topics.NOTIFICATIONS, notification(f"m{number}", f"g{number % 2}"))
        await until(lambda: len(account.remembered) == 5)

    assert account.remembered == [True] * 5


async def test_a_call_of_a_killed_owner_is_repeated_once_its_timeout_has_passed_and_not_before() -> None:
    world = await memory_world()
    async with simulated() as outside:
        configured = replace(configuration(), opentext=settings(outside.url))
        outside.order(OpenTextFault.LOST_ANSWER, 1)
        outside.order(OpenTextFault.HANG, 1)
        async with doomed(dispatching(world, Dispatch(configured, outside.client()))):
            await append(world, topics.NOTIFICATIONS, notification("m1"))
            await until(lambda: len(outside.simulator.sent) == 1)

            async def hangs() -> bool:
                world.advance(seconds=1)
                return outside.simulator.faults.hanging.is_set()

            await until(hangs)
        outside.simulator.faults.end()

        async with doomed(dispatching(world, Dispatch(configured, outside.client()))) as heir:
            await until(lambda: heir.positions() and heir.is_still)
            await append(world, topics.NOTIFICATIONS, notification("x1", "another group"))
            await until(lambda: len(outside.simulator.sent) == 2)
            assert [message.repeats for message in outside.simulator.sent] == [0, 0]

            world.clock.advance(TAKEOVER)
            heir.wake()

            async def is_accepted() -> bool:
                return {receipt.message_id for receipt in await receipts(world)} == {"m1", "x1"}

            await until(is_accepted)

        assert {message.message_id: message.repeats for message in outside.simulator.sent} == {"m1": 1, "x1": 0}


class Stuck(Account):
    """Takes it, and never answers."""

    async def submit(self, submission: Submission, message_id: str, trace: str | None = None) -> SubmitAnswer:
        await super().submit(submission, message_id, trace)
        await asyncio.Event().wait()
        raise AssertionError("nobody ends this wait")


async def test_where_repeats_are_unsafe_the_heir_of_a_killed_owner_says_that_it_is_in_doubt() -> None:
    world = await memory_world()
    configured, before, after = configuration("unsafe"), Stuck(), Account()
    async with doomed(dispatching(world, Dispatch(configured, before))):
        await append(world, topics.NOTIFICATIONS, notification("m1"))
        await until(lambda: before.called == ["m1"])

    async with doomed(dispatching(world, Dispatch(configured, after))) as heir:
        await until(lambda: heir.positions() and heir.is_still)
        world.clock.advance(TAKEOVER)
        heir.wake()
        await until(lambda: receipts(world))

    assert [(receipt.message_id, receipt.state) for receipt in await receipts(world)] == [("m1", S.IN_DOUBT)]
    assert after.called == []


async def test_a_callback_on_the_log_is_heard() -> None:
    world = await memory_world()
    confirmed: Any = {"email_delivery_events": {"dsn": {"class": 2}}}
    async with at_work(dispatching(world, Dispatch(configuration(), Account()))):
        await append(world, topics.NOTIFICATIONS, notification("m1"))
        await until(lambda: receipts(world))
        body = told("Sent", "Sent", events=confirmed).body.decode()
        await append(world, topics.SENDING_STATUS, SendingStatus("desk", "m1", body, world.clock.now()))

        async def is_delivered() -> bool:
            return [receipt.state for receipt in await receipts(world)] == [S.ACCEPTED, S.DELIVERED]

        await until(is_delivered)
