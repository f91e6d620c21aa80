"""What was answered 200 stands on a raw topic, where everybody would look for it."""

from __future__ import annotations

from functools import partial

from msgspec import structs

from schemas import topics
from schemas.records import Record
from tests.chaos.oracle import receiving
from tests.chaos.oracle.findings import Promise
from tests.chaos.oracle.log import Log, at
from tests.chaos.oracle.tampering import found, lost, moved, put
from tests.chaos.oracle.world import Played


def once(log: Log) -> Record:
    """Of a delivery that came once."""
    ids = [record.header("ce_id") for record in log.of(*topics.RAW)]
    return next(record for record in log.of(*topics.RAW) if ids.count(record.header("ce_id")) == 1)


def test_a_good_day_has_everything(day: Played) -> None:
    assert found(partial(receiving.check, deliveries=day.evidence.deliveries), day.log) == []


def test_a_delivery_that_is_not_there_is_missed(day: Played) -> None:
    record = once(day.log)
    check = partial(receiving.check, deliveries=day.evidence.deliveries)
    assert found(check, lost(day.log, record)) == [(Promise.RECEIVED, record.header("ce_id"))]


def test_a_delivery_that_stands_elsewhere_is_found(day: Played) -> None:
    record = once(day.log)
    check = partial(receiving.check, deliveries=day.evidence.deliveries)
    tampered, elsewhere = moved(day.log, record)
    assert found(check, tampered) == [(Promise.RECEIVED, at(elsewhere))]
    other = structs.replace(record, topic=topics.RAW[-1], offset=500)
    assert found(check, put(lost(day.log, record), other)) == [(Promise.RECEIVED, at(other))]


def test_a_delivery_under_another_key_is_found(day: Played) -> None:
    record = once(day.log)
    check = partial(receiving.check, deliveries=day.evidence.deliveries)
    assert (Promise.RECEIVED, at(record)) in found(check, put(day.log, structs.replace(record, key=b"another")))
