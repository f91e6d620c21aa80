"""What an operator reads and gets from the commands on dead letters and stops. The broker is in memory."""

from __future__ import annotations

import asyncio
from functools import partial

import orjson
import pytest
import typer
from typer.testing import CliRunner, Result

from pipeline.commands.dead_letters import DeadLetters
from pipeline.commands.options import FAILED, WRONG
from pipeline.commands.stopped import StoppedTasks
from pipeline.state import encoded
from pipeline.stopping import STOPPED_KEY, Stopped
from pipeline.topics import TopicsMissing
from schemas import topics
from schemas.records import Outgoing, TopicPartition
from tests.pipeline.world import START, Counting, World, memory_world, until

DEAD = topics.dead_of("deduplicate")
INPUTS = {"deduplicate": (topics.ENRICHED,)}


async def lettered_world() -> World:
    world = await memory_world(1)
    async with world.worker(Counting()):
        await world.append(topics.ENRICHED, "a\x1b[31m", b"bad")
        await world.append(topics.ENRICHED, "b[bold]", b"bug")
        await until(partial(has_letters, world, 2))
    return world


async def has_letters(world: World, count: int) -> bool:
    return len(await world.records(DEAD)) == count


@pytest.fixture
def world() -> World:
    """With one letter for a record that says bad, and one for a bug."""
    return asyncio.run(lettered_world())


def letters(world: World, *arguments: str, columns: str = "200") -> Result:
    return _run(DeadLetters(lambda _, __: world.broker).commands(), arguments, columns)


def stopped(world: World, *arguments: str) -> Result:
    return _run(StoppedTasks(lambda _, __: world.broker, INPUTS).commands(), arguments)


def _run(commands: typer.Typer, arguments: tuple[str, ...], columns: str = "200") -> Result:
    return CliRunner().invoke(commands, arguments, env={"COLUMNS": columns})


async def put(world: World, value: bytes | None) -> None:
    producer = await world.broker.producer("deduplicate-0")
    await producer.begin()
    await producer.send([Outgoing(topics.state_of("deduplicate"), 0, STOPPED_KEY, value)])
    await producer.commit("deduplicate", {})


def test_letters_are_listed_for_people_and_for_machines(world: World) -> None:
    table = letters(world, "list")
    assert table.exit_code == 0
    assert "deduplicate/0/0" in table.stdout
    assert "ZeroDivisionError" in table.stdout
    assert "b[bold]" in table.stdout, "no markup of others is obeyed"
    assert "\x1b[31m" not in table.stdout, "nor a colour of theirs"
    lines = [orjson.loads(line) for line in letters(world, "list", "--reason", "defect", "--json").stdout.splitlines()]
    assert [(line["key"], line["origin"]) for line in lines] == [("b[bold]", f"{topics.ENRICHED}/0/1")]


def test_on_a_narrow_screen_a_place_can_be_copied_and_nothing_is_cut(world: World) -> None:
    table = letters(world, "list", columns="80").stdout
    assert "deduplicate/0/0" in table
    assert "\N{HORIZONTAL ELLIPSIS}" not in table


def test_a_while_before_all_time_is_a_wrong_argument(world: World) -> None:
    for since in ("99999999999d", "900000d", "9999999999999999h"):
        answer = letters(world, "list", "--since", since)
        assert (answer.exit_code, answer.exception.__class__) == (WRONG, SystemExit)


def test_where_there_is_no_such_partition_there_is_no_letter(world: World) -> None:
    answer = letters(world, "show", "deduplicate/77/1")
    assert answer.exit_code == FAILED
    assert "there is no letter at deduplicate/77/1" in answer.stderr


def test_letters_and_stops_that_cannot_be_read_are_not_shown_as_none(world: World) -> None:
    asyncio.run(world.broker.delete_topics([topics.state_of("deduplicate")]))
    for answer in (letters(world, "list"), stopped(world, "list")):
        assert isinstance(answer.exception, TopicsMissing)
        assert str(answer.exception) == ("1 topic(s) are missing (state.deduplicate): run `pipeline topics apply`")


def test_a_letter_s_bytes_are_shown_only_to_whoever_asks_for_them(world: World) -> None:
    told = letters(world, "show", "deduplicate/0/0")
    assert told.exit_code == 0
    assert {"reason: undecodable", "bytes: 3", "given back: no"} <= set(told.stdout.splitlines())
    assert "bad" not in told.stdout.splitlines()
    asked = letters(world, "show", "deduplicate/0/0", "--body")
    assert asked.stdout == "bad"
    assert "personal data" in asked.stderr
    assert letters(world, "show", "deduplicate/0/99").exit_code == 1
    assert letters(world, "show", "somewhere").exit_code == 2


def test_nothing_is_given_back_without_being_chosen_and_agreed_to(world: World) -> None:
    for arguments in (["redrive"], ["redrive", "--all"], ["redrive", "nobody", "--yes"], ["redrive", "--since", "x"]):
        assert letters(world, *arguments).exit_code == 2
    assert letters(world, "redrive", "--reason", "bad luck").exit_code == 2
    assert len(asyncio.run(world.records(topics.ENRICHED))) == 2


def test_chosen_letters_are_given_back_and_said(world: World) -> None:
    one = letters(world, "redrive", "deduplicate/0/1", "--yes")
    assert (one.exit_code, "1 given back" in one.stderr) == (0, True)
    rest = letters(world, "redrive", "deduplicate", "--yes")
    assert "1 given back" in rest.stderr
    again = letters(world, "redrive", "--all", "--yes")
    assert (again.exit_code, "nothing to give back" in again.stderr) == (0, True)
    assert len(asyncio.run(world.records(topics.ENRICHED))) == 4


def test_stopped_tasks_are_listed_with_their_reason_and_lifted_by_number(world: World) -> None:
    assert (stopped(world, "list").exit_code, stopped(world, "list").stdout) == (0, "no task is stopped\n")
    asyncio.run(put(world, encoded(Stopped("a bug", START))))
    found = stopped(world, "list")
    assert (found.exit_code, found.stdout) == (1, "deduplicate 0: a bug (since 2026-11-02T09:00:00+00:00)\n")
    lifted = stopped(world, "lift", "deduplicate", "0")
    assert (lifted.exit_code, lifted.stdout) == (0, "deduplicate 0: lifted; it was stopped because a bug\n")
    assert stopped(world, "lift", "deduplicate").exit_code == 1, "nothing is stopped any more"
    assert stopped(world, "lift", "deduplicate", "7").exit_code == 2
    assert stopped(world, "lift", "receiver").exit_code == 2


def test_a_loss_is_listed_and_accepted_by_number_only(world: World) -> None:
    asyncio.run(world.append(topics.ENRICHED, "a", b"1", b"1"))
    world.memory.truncate(TopicPartition(topics.ENRICHED, 0), 3)
    lost = f"retention took 1 offsets of {topics.ENRICHED} that were not read"
    assert stopped(world, "list").stdout == f"deduplicate 0: {lost}\n"
    assert stopped(world, "lift", "deduplicate", "--accept-loss").exit_code == 2
    accepted = stopped(world, "lift", "deduplicate", "0", "--accept-loss")
    assert accepted.stdout == f"deduplicate 0: {lost}; it reads on at 3\n"
    assert stopped(world, "list").exit_code == 0
