"""What an operator sees of the accepted configurations, and how one is put in force on purpose."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from pipeline.commands.configurations import Configurations, Shown
from pipeline.memory import MemoryBroker
from pipeline.settings import ConfigurationError, hash_of, parse
from pipeline.topics import TopicsMissing
from schemas import topics
from schemas.records import Outgoing
from tests.pipeline.configured import LEAST

ONE, TWO = LEAST, LEAST + "rules: {off: [inventory-low]}\n"


class Operator:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.broker = MemoryBroker(2)
        self._file = folder / "pipeline.yaml"
        self._commands = Configurations(lambda config, kafka: self.broker)
        self._capsys = capsys

    def applies(self, text: str) -> str:
        self._file.write_text(text)
        self._commands.apply(self._file)
        return self._capsys.readouterr().out.strip()

    def sees(self) -> list[Shown]:
        self._commands.list_all(json=True)
        lines = self._capsys.readouterr().out.splitlines()
        return [msgspec.json.decode(line, type=Shown) for line in lines]

    def order(self) -> list[tuple[int, str, bool]]:
        return [(shown.edition, shown.hash, shown.in_force) for shown in self.sees()]

    def reads(self) -> str:
        self._commands.list_all()
        return self._capsys.readouterr().out


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Operator:
    found = Operator(tmp_path, capsys)
    asyncio.run(found.broker.create_topics(topics.catalogue()))
    return found


def test_what_is_applied_last_is_in_force_also_what_was_there_before(operator: Operator) -> None:
    one, two = hash_of(parse(ONE)), hash_of(parse(TWO))
    assert operator.applies(ONE) == f"{one} is in force"
    assert operator.applies(TWO) == f"{two} is in force"
    assert [(shown.edition, shown.hash, shown.in_force) for shown in operator.sees()] == [
        (0, one, False),
        (1, two, True),
    ]
    assert operator.applies(ONE) == f"{one} is in force"
    assert [(shown.edition, shown.hash, shown.in_force) for shown in operator.sees()] == [
        (1, two, False),
        (2, one, True),
    ]
    assert all(shown.accepted and shown.unusable is None for shown in operator.sees())


def test_applying_what_is_in_force_changes_nothing(operator: Operator) -> None:
    operator.applies(ONE)
    assert operator.applies(ONE) == f"{hash_of(parse(ONE))} is in force, as it was before"
    assert len(operator.sees()) == 1


def test_a_file_with_a_mistake_is_not_applied(operator: Operator) -> None:
    with pytest.raises(ConfigurationError, match="no rule `low-stok`"):
        operator.applies(LEAST + "rules: {off: [low-stok]}\n")
    assert operator.sees() == []


def test_a_person_gets_a_table_that_also_tells_what_another_build_has_accepted(operator: Operator) -> None:
    assert "no configuration was accepted yet" in operator.reads()
    operator.applies(ONE)
    asyncio.run(_written(operator.broker, Outgoing(topics.CONFIG, 0, b"abc", b"{}")))
    first, second = operator.reads().splitlines()[1:]
    assert first.split()[:2] == ["0", hash_of(parse(ONE))]
    assert "in force" not in first
    assert second.split()[:2] == ["1", "abc"]
    assert second.rstrip().endswith("in force, of another build")


def test_without_topics_it_is_said_which_command_makes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TopicsMissing, match="pipeline topics apply"):
        Operator(tmp_path, capsys).sees()


async def _written(broker: MemoryBroker, record: Outgoing) -> None:
    appender = await broker.appender()
    await appender.append(record)
