"""What can be said without any stage: each kind of damage is found, where it is, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from msgspec import structs

from schemas import topics
from schemas.records import TopicPartition
from tests.chaos.oracle import identities, marks
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import WRITTEN, Log, at, made_of
from tests.chaos.oracle.tampering import (
    doubled,
    found,
    lost,
    moved,
    neighbours,
    of_records,
    put,
    swapped,
    with_header,
    with_records,
)

WRITTEN_TODAY = (topics.ENRICHED, topics.UNIQUE, topics.ALERTS, topics.NOTIFICATIONS)


def test_a_good_day_shows_nothing_and_much_was_looked_at(log: Log) -> None:
    sheet = Sheet()
    identities.check(sheet, log)
    assert sheet.findings == []
    assert sheet.compared["ids of records"] > 300
    assert sheet.compared["turns of records"] > 300
    assert sheet.compared["ends of raw records and questions"] > 100


@pytest.mark.parametrize("topic", WRITTEN_TODAY)
def test_what_stands_twice_is_found(log: Log, topic: str) -> None:
    record = [record for _, record in of_records(log, topic)][-1]
    tampered, again = doubled(log, record)
    assert found(identities.check_ids, tampered) == [(Promise.DUPLICATED, at(again))]


@pytest.mark.parametrize("topic", WRITTEN_TODAY)
def test_what_stands_on_the_wrong_partition_is_found(log: Log, topic: str) -> None:
    """At the end of another partition it may also stand behind what came of its source later."""
    tampered, elsewhere = moved(log, next(record for _, record in of_records(log, topic)))
    findings = set(found(identities.check, tampered))
    assert findings - {(Promise.REORDERED, at(elsewhere))} == {(Promise.PLACED, at(elsewhere))}


@pytest.mark.parametrize("topic", [topics.ENRICHED, topics.UNIQUE, topics.ALERTS])
def test_what_has_overtaken_its_neighbour_is_found(log: Log, topic: str) -> None:
    first, second = neighbours(log, topic)
    findings = found(identities.check, swapped(log, first, second))
    assert {promise for promise, _ in findings} == {Promise.REORDERED}
    assert (Promise.REORDERED, at(second)) in findings


def test_one_of_several_that_came_of_one_record_is_missed(log: Log) -> None:
    """The last one is missed by those who recompute."""
    made, record = next(
        (made, record)
        for _, second in of_records(log, topics.ALERTS)
        for made, record in of_records(log, topics.ALERTS)
        if (other := made_of(second)) and (made.task, made.source) == (other.task, other.source)
        if made.turn < other.turn
    )
    assert found(identities.check, lost(log, record)) == [(Promise.LOST, f"{made.stage}-{made.number}")]


def test_a_raw_record_of_which_nothing_came_is_missed(log: Log) -> None:
    made, _ = next(of_records(log, topics.ENRICHED))
    tampered = log
    for other, record in log.made[made.task]:
        if other.source == made.source:
            tampered = lost(tampered, record)
    assert made.position is not None
    place = f"{made.position[0]}-{made.number}@{made.position[1]}"
    assert found(identities.check, tampered) == [(Promise.LOST, place)]


def test_a_record_with_two_ends_is_found(log: Log) -> None:
    """Its events went on, and it is a dead letter too."""
    made, record = next(of_records(log, topics.ENRICHED))
    assert made.position is not None
    named = {"dead-topic": made.position[0], "dead-offset": str(made.position[1])}
    headers = tuple((name, text.encode()) for name, text in named.items())
    letter = structs.replace(record, topic=topics.dead_of("enrich"), partition=made.number, offset=0, headers=headers)
    tampered = put(log, letter)
    place = f"{made.position[0]}-{made.number}@{made.position[1]}"
    assert found(identities.check, tampered) == [(Promise.DUPLICATED, place)]
    assert found(identities.check, put(tampered, structs.replace(letter, offset=2)))[0] == (
        Promise.DUPLICATED,
        f"{topics.dead_of('enrich')}-{made.number}",
    )


def test_broadcasts_stand_on_every_partition_and_once_on_each(log: Log) -> None:
    beats = [record for record in log.of(topics.SIGNALS) if record.header("ce_type") == "receiver-beat"]
    assert {beat.partition for beat in beats} == set(range(log.partitions))
    tampered, again = doubled(log, beats[0])
    assert found(identities.check, tampered) == [(Promise.DUPLICATED, at(again))]


@pytest.mark.parametrize("name", ["enrich/x/orders/1/0", "enrich/0/0", "another/0/orders/1/0", "enrich/0/orders/1/x"])
def test_a_name_that_no_task_gives_tells_of_no_task(log: Log, name: str) -> None:
    record = next(record for record in log.of(*WRITTEN) if made_of(record) is not None)
    assert made_of(with_header(record, "ce_id", name)) is None


# --- positions -------------------------------------------------------------------------------------------------------


def test_a_group_that_disagrees_with_the_state_is_found(log: Log) -> None:
    check = partial(marks.check_positions, stage="deduplicate", inputs=[topics.ENRICHED])
    assert found(check, log) == []
    place = TopicPartition(topics.ENRICHED, 0)
    committed = {**log.committed["deduplicate"], place: log.committed["deduplicate"][place] - 1}
    tampered = replace(log, committed={**log.committed, "deduplicate": committed})
    assert found(check, tampered) == [(Promise.POSITIONED, f"{topics.ENRICHED}-0")]


def test_what_nobody_has_settled_is_missed(log: Log) -> None:
    check = partial(marks.check_positions, stage="deduplicate", inputs=[topics.ENRICHED])
    place = TopicPartition(topics.ENRICHED, 0)
    behind = with_header(structs.replace(log.records[place][-1], offset=10_000), "ce_type", "orders/create")
    tampered = with_records(log, place, [*log.records[place], behind])
    assert found(check, tampered) == [(Promise.LOST, at(behind))]
    beat = with_header(behind, "ce_type", "chain-beat")
    assert found(check, with_records(log, place, [*log.records[place], beat])) == []
