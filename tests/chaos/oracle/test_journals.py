"""`classify` and `group` along their journals: a hole in it, and each kind of damage behind it, is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest
from msgspec import structs

from pipeline.settings import load
from schemas import topics
from schemas.codec import encode
from schemas.journal import Fired, Journal, Taken
from schemas.records import Record
from tests.chaos.oracle import journals, recomputing
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.judge import INPUTS, configurations, journaled
from tests.chaos.oracle.log import Log, at, is_broadcast
from tests.chaos.oracle.remembered import milliseconds
from tests.chaos.oracle.tampering import doubled, findings, found, lost, moved, of_records, put, with_header
from tests.chaos.oracle.world import Played

Check = Callable[[Sheet, Log], None]


@pytest.fixture
def classify(day: Played) -> Check:
    return _check(day, "classify")


@pytest.fixture
def group(day: Played) -> Check:
    return _check(day, "group")


def _check(day: Played, stage: str) -> Check:
    known = configurations(day.log, load(day.evidence.configuration))
    return lambda sheet, log: recomputing.check_journaled(sheet, log, journaled(sheet, stage, known))


def entries(log: Log, stage: str) -> list[tuple[Record, Journal]]:
    journal = log.of(topics.journal_of(stage))
    return [(record, msgspec.json.decode(record.value or b"", type=Journal)) for record in journal]


def an_entry(log: Log, stage: str, of: Callable[[Journal], object]) -> tuple[Record, Journal]:
    """One that is neither the first nor the last of its task."""
    found = entries(log, stage)
    inner = zip(found, found[1:], found[2:], strict=False)
    return next(entry for before, entry, after in inner if before[0].partition == after[0].partition and of(entry[1]))


def rewritten(log: Log, record: Record, journal: Journal) -> Log:
    return put(log, structs.replace(record, value=encode(journal)))


def walk(sheet: Sheet, log: Log) -> None:
    for number in range(log.partitions):
        journals.walk(sheet, log, "classify", number, INPUTS["classify"])


# --- the journal alone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", topics.JOURNALED)
def test_a_good_day_is_what_a_rebuild_gives(day: Played, stage: str) -> None:
    sheet = Sheet()
    _check(day, stage)(sheet, day.log)
    assert sheet.findings == []
    assert all(count > 20 for count in sheet.compared.values())


def test_timers_fired_on_that_day(day: Played, classify: Check) -> None:
    sheet = Sheet()
    classify(sheet, day.log)
    assert sheet.seen["timers of classify that fired"] >= 5


def test_an_entry_that_is_missing_is_found(log: Log) -> None:
    record, _ = an_entry(log, "classify", lambda journal: any(_has_records(log, journal, n) for n in range(4)))
    told = findings(walk, lost(log, record))
    assert {one.promise for one in told} == {Promise.JOURNALED}
    assert any("nobody took" in one.says for one in told)


def test_two_transactions_that_are_told_as_one_are_found(log: Log) -> None:
    """Nothing that was taken is missing; the marks of the transactions are counted."""
    told = entries(log, "classify")
    first, second, both = next(
        (one, other, (*one[1].taken, *other[1].taken))
        for one, other in pairwise(told)
        if one[0].partition == other[0].partition and one[1].now < other[1].now
    )
    tampered = rewritten(lost(log, first[0]), second[0], structs.replace(second[1], taken=both))
    assert found(walk, tampered) == [(Promise.JOURNALED, f"state.classify-{first[0].partition}")]


def test_a_last_entry_that_is_missing_is_found(log: Log) -> None:
    last = {record.partition: (record, journal) for record, journal in entries(log, "classify")}
    for record, journal in last.values():
        taken = [one for part in journal.taken for one in log.on(part.topic, record.partition) if _is_in(part, one)]
        told = found(walk, lost(log, record))
        assert (Promise.JOURNALED, f"state.classify-{record.partition}") in told
        assert {(Promise.JOURNALED, at(one)) for one in taken} <= set(told)
    assert last


def _has_records(log: Log, journal: Journal, number: int) -> bool:
    return any(_is_in(part, record) for part in journal.taken for record in log.on(part.topic, number))


def _is_in(part: Taken, record: Record) -> bool:
    return part.first <= record.offset < part.next


def test_an_entry_that_stands_twice_is_found(log: Log) -> None:
    record, _ = an_entry(log, "classify", lambda journal: journal.taken)
    tampered, again = doubled(log, record)
    assert (Promise.JOURNALED, at(again)) in found(walk, tampered)


def test_a_record_that_was_taken_twice_is_found(log: Log) -> None:
    record, journal = an_entry(log, "classify", lambda journal: journal.taken and journal.taken[0].first > 0)
    first, *rest = journal.taken
    more = Taken(first.topic, first.first - 1, first.next)
    tampered = rewritten(log, record, structs.replace(journal, taken=(more, *rest)))
    assert found(walk, tampered) == [(Promise.JOURNALED, at(record))]


def test_a_record_that_was_passed_over_is_found(log: Log) -> None:
    """Its entry begins behind it, and all else is as it was."""
    record, journal = an_entry(log, "classify", lambda journal: journal.taken and journal.taken[0].first > 0)
    first, *rest = journal.taken
    passed = Taken(first.topic, first.next, first.next + 1)
    told = findings(walk, rewritten(log, record, structs.replace(journal, taken=(passed, *rest))))
    assert f"nobody took {first.topic}-{record.partition}@{first.first}" in told[0].says
    assert told[0].where == at(record)


def test_time_that_goes_backwards_is_found(log: Log) -> None:
    record, journal = an_entry(log, "classify", lambda _: True)
    earlier = structs.replace(journal, now=journal.now - timedelta(days=9))
    assert (Promise.JOURNALED, at(record)) in found(walk, rewritten(log, record, earlier))


def test_a_changelog_that_stood_elsewhere_is_found(log: Log) -> None:
    record, journal = an_entry(log, "classify", lambda _: True)
    for by in (-100_000, 100_000):
        wrong = structs.replace(journal, changelog=journal.changelog + by)
        assert found(walk, rewritten(log, record, wrong)) == [(Promise.JOURNALED, at(record))]


# --- what came of it -------------------------------------------------------------------------------------------------


def an_alert(log: Log) -> Record:
    return [record for _, record in of_records(log, topics.ALERTS)][4]


def test_an_alert_that_is_lost_is_found(log: Log, classify: Check) -> None:
    record = an_alert(log)
    assert found(classify, lost(log, record)) == [(Promise.LOST, f"{record.topic}-{record.partition}")]


def test_an_alert_that_stands_twice_is_found(log: Log, classify: Check) -> None:
    tampered, again = doubled(log, an_alert(log))
    assert found(classify, tampered) == [(Promise.DUPLICATED, at(again))]


def test_an_alert_on_another_partition_is_found(log: Log, classify: Check) -> None:
    tampered, elsewhere = moved(log, an_alert(log))
    assert found(classify, tampered) == [(Promise.PLACED, at(elsewhere))]


def test_an_alert_that_says_something_else_is_found(log: Log, classify: Check) -> None:
    record = an_alert(log)
    other = structs.replace(record, value=(record.value or b"").replace(b'"title":"', b'"title":"Not ', 1))
    assert found(classify, put(log, other)) == [(Promise.RIGHT, at(record))]


def test_an_alert_of_another_time_is_found(log: Log, classify: Check) -> None:
    record = an_alert(log)
    other = with_header(record, "ce_time", "2020-01-01T00:00:00+00:00")
    assert found(classify, put(log, other)) == [(Promise.RIGHT, at(record))]


def test_a_notification_that_is_lost_is_found(log: Log, group: Check) -> None:
    record = [record for _, record in of_records(log, topics.NOTIFICATIONS)][4]
    assert found(group, lost(log, record)) == [(Promise.LOST, f"{record.topic}-{record.partition}")]


# --- timers ----------------------------------------------------------------------------------------------------------


def test_a_timer_that_was_not_set_is_found(log: Log, classify: Check) -> None:
    record, journal = an_entry(log, "classify", lambda _: True)
    stranger = Fired("a/order/1", "nothing", journal.now)
    tampered = rewritten(log, record, structs.replace(journal, fired=(*journal.fired, stranger)))
    assert found(classify, tampered) == [(Promise.TIMED, at(record))]


def test_a_timer_that_fires_twice_is_found(log: Log, classify: Check) -> None:
    record, journal = next(one for one in entries(log, "classify") if one[1].fired)
    tampered = rewritten(log, record, structs.replace(journal, fired=(*journal.fired, journal.fired[0])))
    assert found(classify, tampered) == [(Promise.TIMED, at(record))]


def test_a_timer_that_was_set_for_another_time_is_found(log: Log, classify: Check) -> None:
    record, journal = next(one for one in entries(log, "classify") if one[1].fired)
    first, *others = journal.fired
    other = structs.replace(first, due=first.due - timedelta(seconds=1))
    tampered = rewritten(log, record, structs.replace(journal, fired=(other, *others)))
    assert (Promise.TIMED, at(record)) in found(classify, tampered)


def test_a_timer_that_never_fires_is_found(log: Log, classify: Check) -> None:
    """It was set when the day was over; long afterwards it still is."""
    sheet = Sheet()
    classify(sheet, log)
    assert sheet.seen["timers of classify that are still set"] > 0
    years = 10 * 365 * 86_400_000
    late = log
    for beat in [record for record in log.of(topics.UNIQUE, topics.SIGNALS) if is_broadcast(record)]:
        late = put(late, structs.replace(beat, timestamp=beat.timestamp + years, value=_in_years(beat)))
    told = findings(classify, late)
    assert {one.promise for one in told} == {Promise.TIMED}
    assert all("has not fired" in one.says for one in told)


def _in_years(beat: Record) -> bytes:
    return (beat.value or b"").replace(b'"occurred":"2026', b'"occurred":"2036')


def test_a_timer_that_fires_before_it_is_due_is_found(log: Log, classify: Check) -> None:
    """It was due at that time, and the transaction says another."""
    record, journal = next(one for one in entries(log, "classify") if one[1].fired)
    early = structs.replace(journal, now=journal.fired[0].due - timedelta(seconds=1))
    told = findings(classify, rewritten(log, record, early))
    assert any(one.promise is Promise.TIMED and "before it was due" in one.says for one in told)


def test_a_timer_that_fires_before_what_was_on_the_log_is_found(log: Log, classify: Check) -> None:
    due, unread = next(
        (journal.fired[0].due - timedelta(minutes=1), unread)
        for record, journal in entries(log, "classify")
        for part in journal.taken
        for unread in log.on(part.topic, record.partition)
        if journal.fired and unread.offset >= part.next
    )
    older = structs.replace(unread, timestamp=milliseconds(due))
    told = findings(classify, put(log, older))
    assert any(one.promise is Promise.TIMED and at(older) in one.says for one in told)


def test_a_timer_that_goes_on_without_the_chain_must_be_one_that_may(log: Log, classify: Check) -> None:
    """Deadlines of others may."""
    tampered = log
    for record, journal in entries(log, "classify"):
        alone = tuple(structs.replace(one, chain_passed=False) for one in journal.fired)
        tampered = rewritten(tampered, record, structs.replace(journal, fired=alone))
    told = [one for one in findings(classify, tampered) if one.promise is Promise.TIMED]
    assert told
    assert all("fired without the chain" in one.says for one in told)


def test_a_timer_that_does_not_wait_for_the_chain_is_found(log: Log, classify: Check) -> None:
    beats = [record for record in log.of(topics.UNIQUE) if record.header("ce_type") == "chain-beat"]
    assert beats
    tampered = log
    for beat in beats:
        tampered = put(tampered, structs.replace(beat, value=(beat.value or b"").replace(b'"sender":1', b'"sender":0')))
    told = findings(classify, tampered)
    assert {one.promise for one in told} == {Promise.TIMED}
    assert any("enrich-1 had not passed" in one.says for one in told)
