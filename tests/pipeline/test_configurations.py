"""Which configuration holds: the newest accepted one, for every process, however it was told; never an older one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from msgspec import Raw

from pipeline.memory import MemoryBroker, Script
from pipeline.settings import ConfigurationError, parse, said_by
from schemas import topics
from schemas.codec import encode
from schemas.configuration import Listen
from schemas.editions import ConfigurationAccepted
from schemas.records import Outgoing, TopicPartition
from tests.pipeline.configured import LEAST, NOW, Desk, Process, accepted_on, below, digest, started

CONFIG = TopicPartition(topics.CONFIG, 0)


def accepted(said: bytes, key: str = "abc") -> bytes:
    """As a record of `config` holds it."""
    return encode(ConfigurationAccepted(key, NOW, Raw(said)))


@dataclass
class Installation:
    broker: MemoryBroker
    folder: Path
    faults: Script

    async def process(self, name: str, text: str, desk: Desk | None = None, stays: float = 60.0) -> Process:
        return await started(self.broker, self.folder / f"{name}.yaml", text, desk, stays)

    async def accepted(self) -> list[str]:
        return await accepted_on(self.broker)

    async def write(self, key: str, value: bytes | None) -> None:
        appender = await self.broker.appender()
        await appender.append(Outgoing(CONFIG.topic, CONFIG.partition, key.encode(), value))


@pytest.fixture
async def installation(tmp_path: Path) -> Installation:
    faults = Script()
    broker = MemoryBroker(2, faults=faults)
    await broker.create_topics(topics.catalogue())
    return Installation(broker, tmp_path, faults)


async def test_the_first_process_writes_its_configuration_and_the_next_one_with_the_same_does_not(
    installation: Installation,
) -> None:
    one = await installation.process("one", below(1))
    two = await installation.process("two", below(1))
    assert await installation.accepted() == [digest(below(1))]
    assert one.desk.taken == two.desk.taken == [(0, digest(below(1)))]
    assert one.is_well()
    assert two.is_well()


async def test_a_changed_file_of_one_process_is_in_force_in_all(installation: Installation) -> None:
    one, two = await installation.process("one", below(1)), await installation.process("two", below(1))
    await one.changes(below(2))
    await two.looks(1)
    assert one.desk.taken[-1] == two.desk.taken[-1] == (1, digest(below(2)))
    assert one.shown() == two.shown() == [digest(below(2))]
    assert two.desk.below == [1, 2]
    await two.changes(below(2))
    assert len(two.desk.taken) == 2
    assert await installation.accepted() == [digest(below(1)), digest(below(2))]


async def test_a_file_that_still_changes_is_not_taken(installation: Installation) -> None:
    one = await installation.process("one", below(1))
    one.file.write_text(LEAST)  # the beginning of the next one, which is a whole configuration by itself
    await one.looks(1)
    one.file.write_text(below(2))
    await one.looks(1)
    assert one.hash == digest(below(1))
    await one.looks(1)
    assert one.hash == digest(below(2))
    assert digest(LEAST) not in await installation.accepted()


async def test_a_file_that_says_the_same_in_other_words_changes_nothing(installation: Installation) -> None:
    one = await installation.process("one", below(1))
    await one.changes("# a comment\n" + below(1, "privacy: {}\n"))
    assert one.desk.taken == [(0, digest(below(1)))]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (below(2, "rulez: {}\n"), "rulez (line 5): unknown key; did you mean `rules`?"),
        (below(2, "routes: {teams: [nobody]}\n"), "no team `nobody`"),
        (LEAST.replace("SHOP", "ELSEWHERE"), "ELSEWHERE is not set"),
        (below(2, "kafka: {bootstrap: 'elsewhere:9092'}\n"), "kafka: has changed: that needs a restart"),
        (below(2, "listen: {port: 8081}\n"), "listen: has changed: that needs a restart"),
        ("", "empty"),
    ],
)
async def test_a_bad_file_is_refused_and_the_one_before_it_stays(
    text: str, says: str, installation: Installation
) -> None:
    one = await installation.process("one", below(1))
    with structlog.testing.capture_logs() as said:
        await one.changes(text)
        await one.looks()
    (line,) = [line for line in said if line["log_level"] == "error"]
    assert says in str(line["mistakes"])
    assert one.hash == digest(below(1))
    assert one.shown() == await installation.accepted() == [digest(below(1))]
    assert not one.is_well()
    await one.changes(below(1))
    assert one.is_well()


async def test_a_file_that_is_gone_is_refused_and_taken_when_it_is_back(installation: Installation) -> None:
    one = await installation.process("one", below(1))
    one.file.unlink()
    await one.looks()
    assert not one.is_well()
    await one.changes(below(2))
    assert one.is_well()
    assert one.hash == digest(below(2))


async def test_a_good_file_whose_secret_comes_later_is_taken_when_it_has_come(installation: Installation) -> None:
    one = await installation.process("one", below(1))
    await one.changes(LEAST.replace("SHOP", "LATER"))
    assert one.hash == digest(below(1))
    one.desk.secrets.add("LATER")
    await one.looks(1)
    assert one.hash == digest(LEAST.replace("SHOP", "LATER"))
    assert one.is_well()


async def test_a_process_that_starts_with_an_older_file_does_not_go_back(installation: Installation) -> None:
    one = await installation.process("one", below(1))
    await one.changes(below(2))
    with structlog.testing.capture_logs() as said:
        old = await installation.process("old", below(1))
    (line,) = [line for line in said if line["log_level"] == "warning"]
    assert "older configuration" in line["event"]
    assert old.desk.taken == [(1, digest(below(2)))]
    assert not old.is_well()
    assert await installation.accepted() == [digest(below(1)), digest(below(2))]
    await old.changes(below(2))
    assert old.is_well()


async def test_a_running_process_whose_file_is_changed_to_an_older_one_goes_back_with_everybody(
    installation: Installation,
) -> None:
    one, two = await installation.process("one", below(1)), await installation.process("two", below(1))
    await one.changes(below(2))
    await one.changes(below(1))
    await two.looks(1)
    assert one.desk.taken[-1] == two.desk.taken[-1] == (2, digest(below(1)))
    assert await installation.accepted() == [digest(below(2)), digest(below(1))]


async def test_the_order_is_the_same_after_compaction(installation: Installation) -> None:
    one = await installation.process("one", below(1))
    await one.changes(below(2))
    await one.changes(below(1))
    installation.broker.compact(CONFIG)
    late = await installation.process("late", below(2))
    assert late.desk.taken == [(2, digest(below(1)))]


async def test_what_is_accepted_twice_in_a_row_holds_by_its_later_number_and_opens_nothing_anew(
    installation: Installation,
) -> None:
    one = await installation.process("one", below(1))
    before = one.desk.opened_so_often
    await installation.write(one.hash, accepted(said_by(parse(below(1))), one.hash))
    await one.looks(1)
    assert one.desk.taken == [(0, digest(below(1))), (1, digest(below(1)))]
    assert one.desk.opened_so_often == before
    one.desk.works_by = {1}
    await one.looks(1)
    assert one.desk.open == [digest(below(1))]


@pytest.mark.parametrize(
    "value",
    [
        b"not even JSON",
        b'{"hash": "abc"}',
        accepted(said_by(parse(below(2))).replace(b'"rules"', b'"rules_of_tomorrow"')),
        accepted(said_by(parse(LEAST + "rules: {off: [rule-of-tomorrow]}\n"))),
    ],
    ids=["no JSON", "no record of ours", "an unknown key", "an unknown rule"],
)
async def test_what_another_build_has_accepted_is_said_and_not_taken(value: bytes, installation: Installation) -> None:
    one = await installation.process("one", below(1))
    await installation.write("abc", value)
    with structlog.testing.capture_logs() as said:
        await one.looks()
    (line,) = [line for line in said if line["log_level"] == "error"]
    assert "cannot be used by this process" in line["event"]
    assert one.hash == digest(below(1))
    assert not one.is_well()
    assert one.unusable()
    old = await installation.process("old", below(1))
    assert old.hash == digest(below(1))
    await one.changes(below(3))
    await old.looks(1)
    assert one.hash == old.hash == digest(below(3))
    assert one.unusable() is None
    assert one.is_well()


async def test_a_process_without_the_secrets_of_the_newest_keeps_the_one_before_until_they_come(
    installation: Installation,
) -> None:
    one = await installation.process("one", below(1), Desk("SHOP", "NEW"))
    two = await installation.process("two", below(1))
    await one.changes(LEAST.replace("SHOP", "NEW"))
    await two.looks()
    assert two.hash == digest(below(1))
    assert "NEW is not set" in str(two.unusable())
    two.desk.secrets.add("NEW")
    await two.looks(1)
    assert two.hash == one.hash
    assert two.is_well()


async def test_a_process_whose_own_secrets_are_missing_does_not_start_and_writes_nothing(
    installation: Installation,
) -> None:
    with pytest.raises(ConfigurationError, match="SHOP is not set"):
        await installation.process("one", below(1), Desk())
    assert await installation.accepted() == []


async def test_a_change_while_no_broker_answers_is_taken_when_one_does(installation: Installation) -> None:
    one = await installation.process("one", below(1))
    installation.faults.go_down()
    with structlog.testing.capture_logs() as said:
        await one.changes(below(2))
    assert [line["log_level"] for line in said] == ["warning"]
    assert one.hash == digest(below(1))
    installation.faults.come_back()
    await one.looks()
    assert one.hash == digest(below(2))


async def test_what_was_opened_for_an_older_one_is_closed_when_nobody_works_by_it(installation: Installation) -> None:
    one = await installation.process("one", below(1))
    one.desk.works_by = {0}
    await one.changes(below(2))
    assert one.desk.open == [digest(below(1)), digest(below(2))]
    one.desk.works_by = {0, 1}
    await one.looks(1)
    assert one.desk.open == [digest(below(1)), digest(below(2))]
    one.desk.works_by = {1}
    await one.looks(1)
    assert one.desk.open == [digest(below(2))]
    await one.following.close()
    assert one.desk.open == []


async def test_whoever_works_by_an_older_one_has_a_bounded_time(installation: Installation) -> None:
    one = await installation.process("one", below(1), stays=0.0)
    one.desk.works_by = {0}
    await one.changes(below(2))
    assert one.desk.open == [digest(below(2))]


async def test_where_a_process_listens_is_its_own_business(installation: Installation) -> None:
    one = await installation.process("one", below(1, "listen: {port: 1}\n"))
    two = await installation.process("two", below(1, "listen: {port: 2}\n"))
    assert one.desk.taken == two.desk.taken == [(0, digest(below(1)))]
    assert two.following.in_force.configuration.listen == Listen()


async def test_no_secret_and_no_address_of_a_process_stands_in_what_is_written(installation: Installation) -> None:
    await installation.process("one", below(1, "listen: {host: 10.0.0.7}\n"))
    (record,) = [record async for batch in installation.broker.read(CONFIG, 0, 1) for record in batch]
    value = (record.value or b"").decode()
    assert record.key == digest(below(1)).encode()
    assert '{"env":"SHOP"}' in value
    assert "10.0.0.7" not in value
    assert record.header("ce_type") == "configuration-accepted"
