"""The pure stages, worked through again: each kind of damage behind them is found, where it is."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from msgspec import structs

from schemas import topics
from schemas.records import Record
from tests.chaos.oracle import recomputing
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import Log, Made, at
from tests.chaos.oracle.remembered import changelog_entry
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
)

DEDUPLICATE = recomputing.check_deduplicate


def some(log: Log) -> Record:
    return [record for _, record in of_records(log, topics.UNIQUE)][3]


def test_a_good_day_is_what_a_rebuild_gives(log: Log) -> None:
    sheet = Sheet()
    DEDUPLICATE(sheet, log)
    assert sheet.findings == []
    assert all(count > 100 for count in sheet.compared.values())


def test_what_is_lost_is_found(log: Log) -> None:
    record = some(log)
    assert found(DEDUPLICATE, lost(log, record)) == [(Promise.LOST, f"{record.topic}-{record.partition}")]


def test_what_stands_twice_is_found(log: Log) -> None:
    tampered, again = doubled(log, some(log))
    assert found(DEDUPLICATE, tampered) == [(Promise.DUPLICATED, at(again))]


def test_what_stands_out_of_turn_is_found(log: Log) -> None:
    first, second = neighbours(log, topics.UNIQUE)
    assert {promise for promise, _ in found(DEDUPLICATE, swapped(log, first, second))} == {Promise.REORDERED}


def test_what_stands_on_another_partition_is_found(log: Log) -> None:
    tampered, elsewhere = moved(log, some(log))
    assert found(DEDUPLICATE, tampered) == [(Promise.PLACED, at(elsewhere))]


def _value(record: Record) -> Record:
    return structs.replace(record, value=(record.value or b"").replace(b'"facts"', b'"fact$"', 1))


def _key(record: Record) -> Record:
    return structs.replace(record, key=b"another")


def _type(record: Record) -> Record:
    return with_header(record, "ce_type", "another")


def _trace(record: Record) -> Record:
    return with_header(record, "traceparent", "another")


@pytest.mark.parametrize("change", [_value, _key, _type, _trace])
def test_what_says_something_else_is_found(log: Log, change: Callable[[Record], Record]) -> None:
    record = some(log)
    assert found(DEDUPLICATE, put(log, change(record))) == [(Promise.RIGHT, at(record))]


def test_what_nobody_made_is_found(log: Log) -> None:
    record = some(log)
    _, again = doubled(log, record)
    stranger = with_header(again, "ce_id", "deduplicate/0/events.enriched/77777/0")
    assert found(DEDUPLICATE, put(log, stranger)) == [(Promise.RIGHT, at(stranger))]


def test_a_dead_letter_that_nobody_had_to_write_is_found(log: Log) -> None:
    record = some(log)
    named = {"dead-topic": topics.ENRICHED, "dead-offset": "0", "dead-reason": "defect"}
    headers = tuple((name, text.encode()) for name, text in named.items())
    letter = structs.replace(record, topic=topics.dead_of("deduplicate"), offset=0, headers=headers)
    assert found(DEDUPLICATE, put(log, letter)) == [(Promise.RIGHT, at(letter))]


def _lone_source(log: Log, made: Made) -> Record | None:
    """Of what it was made, where nothing else there is of the same subject, and so nothing is judged by it."""
    assert made.position is not None
    enriched = log.on(topics.ENRICHED, made.number)
    source = next(one for one in enriched if one.offset == made.position[1])
    return source if [one.key for one in enriched].count(source.key) == 1 else None


def test_an_event_that_does_not_decode_must_be_a_dead_letter(log: Log) -> None:
    source = next(one for made, _ in of_records(log, topics.UNIQUE) if (one := _lone_source(log, made)) is not None)
    promises = [promise for promise, _ in found(DEDUPLICATE, put(log, structs.replace(source, value=b"{")))]
    assert promises[:2] == [Promise.LOST, Promise.RIGHT], "a dead letter is missed, and the event stands there"


# --- state -----------------------------------------------------------------------------------------------------------


def remembered(log: Log, family: str) -> Record:
    """The newest value of the last key of a family."""
    return [
        record
        for record in log.of(topics.state_of("deduplicate"))
        if record.value is not None and changelog_entry(record)[0].family == family
    ][-1]


def test_a_state_key_that_says_something_else_is_found(log: Log) -> None:
    record = remembered(log, "newest")
    version, expires, (first, *rest) = msgspec.msgpack.decode(record.value or b"", type=tuple[int, int, list[object]])
    value = msgspec.msgpack.encode((version, expires, ["2020-01-01T00:00:00Z", *rest]))
    assert first != "2020-01-01T00:00:00Z"
    findings = found(DEDUPLICATE, put(log, structs.replace(record, value=value)))
    assert [promise for promise, _ in findings] == [Promise.REMEMBERED]


def test_a_state_key_that_is_forgotten_is_found(log: Log) -> None:
    record = remembered(log, "seen")
    findings = found(DEDUPLICATE, put(log, structs.replace(record, value=None)))
    assert [promise for promise, _ in findings] == [Promise.REMEMBERED]


def test_a_state_key_that_nobody_put_is_found(log: Log) -> None:
    record = remembered(log, "seen")
    findings = found(DEDUPLICATE, put(log, structs.replace(record, key=b"a\x00seen\x00b")))
    assert [promise for promise, _ in findings] == [Promise.REMEMBERED] * 2, "and the one in whose place it stands"


def test_a_state_key_that_lives_too_long_is_found(log: Log) -> None:
    record = remembered(log, "seen")
    version, expires, payload = msgspec.msgpack.decode(record.value or b"", type=tuple[int, int, bool])
    value = msgspec.msgpack.encode((version, expires + 5, payload))
    assert found(DEDUPLICATE, put(log, structs.replace(record, value=value))) == [(Promise.REMEMBERED, at(record))]


def test_state_of_a_family_that_there_is_not_is_found(log: Log) -> None:
    record = remembered(log, "seen")
    _, again = doubled(log, record)
    stranger = structs.replace(again, key=b"a\x00strange\x00b")
    assert [promise for promise, _ in found(DEDUPLICATE, put(log, stranger))] == [Promise.REMEMBERED]
