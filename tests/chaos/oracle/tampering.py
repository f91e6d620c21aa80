"""What could go wrong with a log, done to one that is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from msgspec import structs

from schemas.records import Record, TopicPartition
from tests.chaos.oracle.findings import Finding, Promise, Sheet
from tests.chaos.oracle.log import Log, Made, is_broadcast, made_of


def found(check: Callable[[Sheet, Log], object], log: Log) -> list[tuple[Promise, str]]:
    """What a check finds: the promise, and where."""
    return [(finding.promise, finding.where) for finding in findings(check, log)]


def findings(check: Callable[[Sheet, Log], object], log: Log) -> list[Finding]:
    sheet = Sheet()
    check(sheet, log)
    return sheet.findings


def with_records(log: Log, place: TopicPartition, records: Sequence[Record]) -> Log:
    return replace(log, records={**log.records, place: sorted(records, key=lambda record: record.offset)})


def lost(log: Log, record: Record) -> Log:
    place = _place(record)
    return with_records(log, place, [one for one in log.records[place] if one.offset != record.offset])


def put(log: Log, record: Record) -> Log:
    """In the place of what stands there, if anything does."""
    place = _place(record)
    return with_records(log, place, [*(one for one in log.records[place] if one.offset != record.offset), record])


def doubled(log: Log, record: Record) -> tuple[Log, Record]:
    """Once more, behind everything on its partition: where a marker stood, so that the readers have passed it."""
    again = structs.replace(record, offset=log.records[_place(record)][-1].offset + 1)
    return put(log, again), again


def moved(log: Log, record: Record) -> tuple[Log, Record]:
    """To the end of another partition."""
    place = TopicPartition(record.topic, (record.partition + 1) % log.partitions)
    there = log.records[place]
    other = structs.replace(record, partition=place.partition, offset=there[-1].offset + 1 if there else 0)
    return put(lost(log, record), other), other


def swapped(log: Log, one: Record, other: Record) -> Log:
    """Each at the offset of the other."""
    log = put(log, structs.replace(one, offset=other.offset))
    return put(log, structs.replace(other, offset=one.offset))


def with_header(record: Record, name: str, text: str) -> Record:
    headers = tuple((one, text.encode() if one == name else value) for one, value in record.headers)
    return structs.replace(record, headers=headers)


def of_records(log: Log, topic: str) -> Iterator[tuple[Made, Record]]:
    """What stages have made there of records, not of timers, nor what is said to every task."""
    for record in log.of(topic):
        made = made_of(record)
        if made is not None and made.position is not None and not is_broadcast(record):
            yield made, record


def neighbours(log: Log, topic: str) -> tuple[Record, Record]:
    """Two that one task has made of two records of one key, the second somewhere behind the first."""
    newest: dict[tuple[object, ...], tuple[Made, Record]] = {}
    for made, record in of_records(log, topic):
        assert made.position is not None
        source = next(one for one in log.on(made.position[0], made.number) if one.offset == made.position[1])
        line = (made.task, record.partition, source.topic, source.key)
        before = newest.setdefault(line, (made, record))
        if before[0].position != made.position:
            return before[1], record
    raise LookupError(f"no two of one line on {topic}")


def _place(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
